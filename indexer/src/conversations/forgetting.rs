//! Forgetting conversations, and what was replied from what is forgotten.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::adding::Open;
use super::{CHATS, Conversations, Known, QUESTIONS, Turn, exchanges};
use crate::shared::lock;
use crate::{Error, files, lines};

impl Conversations {
    /// Removes the conversations whose pages are at or below `path`, with their turns, for good: an import does not
    /// bring them back. Gives their number.
    ///
    /// # Errors
    /// [`Error::Io`]; what was not removed is still there.
    pub fn forget(&self, path: &Path) -> Result<usize, Error> {
        let mut writing = lock(&self.open);
        let places = self.at(path)?;
        self.forgotten.fetch_add(1, Ordering::Release);
        for place in &places {
            let turns = lock(&self.open_place(&mut writing, place)?.turns).clone();
            writing.retain(|open| open.place != *place);
            self.known(|known| known.forget(place, &turns))??;
            if let Some(first) = turns.first() {
                lock(&self.live).retain(|session| *session != first.session);
            }
            self.imports.forget(&turns)?;
            let file = self.turns_file(place);
            lines::remove(&file)?;
            lines::remove(&file.with_extension("new"))?;
            lines::remove(&file.with_extension("damaged"))?;
            lines::remove(&self.page(place))?;
            file.parent().map_or(Ok(()), files::sync_dir)?;
        }
        self.archive_again(places.iter().map(String::as_str))?;
        Ok(places.len())
    }

    /// Removes from the conversations with this program every answer that names a path at or below `path` as its source,
    /// with its question. Gives the conversations that changed: their pages are gone until [`remake`](Self::remake).
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn retract(&self, path: &Path) -> Result<Vec<String>, Error> {
        let mut writing = lock(&self.open);
        self.forgotten.fetch_add(1, Ordering::Release);
        let mut changed = Vec::new();
        for (place, kept) in self.without(&mut writing, path)? {
            writing.retain(|open| open.place != place);
            let file = self.turns_file(&place);
            lines::rewrite(&file, kept.as_bytes())?;
            lines::remove(&file.with_extension("damaged"))?;
            lines::remove(&self.page(&place))?;
            changed.push(place);
        }
        self.archive_again(changed.iter().map(String::as_str))?;
        Ok(changed)
    }

    /// The conversations that [`retract`](Self::retract) would change.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn naming(&self, path: &Path) -> Result<Vec<String>, Error> {
        let naming = self.without(&mut lock(&self.open), path)?;
        Ok(naming.into_iter().map(|(place, _)| place).collect())
    }

    /// The conversations with this program in which a reply names a path at or below `path`, each with the lines that do
    /// not belong to one.
    fn without(&self, writing: &mut Vec<Arc<Open>>, path: &Path) -> Result<Vec<(String, String)>, Error> {
        let of = |known: &mut Known| -> Vec<String> {
            let own = [QUESTIONS, CHATS].into_iter().flat_map(|start| known.of_sessions(start));
            own.map(|(_, place)| place.clone()).collect()
        };
        let mut naming = Vec::new();
        for place in self.known(of)? {
            let turns = lock(&self.open_place(writing, &place)?.turns).clone();
            let kept: String = without(&turns, path).iter().map(|turn| turn.to_line()).collect();
            if kept.lines().count() < turns.len() {
                naming.push((place, kept));
            }
        }
        Ok(naming)
    }
}

/// The turns but the replies that name `path` as a source, in lines like `[1] /notes/a.md:3`, and what they reply to.
fn without<'a>(turns: &'a [Turn], path: &Path) -> Vec<&'a Turn> {
    let source =
        |line: &str| Some(Path::new(line.strip_prefix('[')?.split_once("] ")?.1.rsplit_once(':')?.0).starts_with(path));
    let names = |reply: &Turn| reply.content.lines().any(|line| source(line) == Some(true));
    let gone = exchanges(turns).into_iter().filter(|exchange| exchange.reply.is_some_and(names));
    let gone: Vec<&Turn> = gone.flat_map(|exchange| exchange.asked.into_iter().chain(exchange.reply)).collect();
    turns.iter().filter(|turn| !gone.iter().any(|gone| std::ptr::eq(*gone, *turn))).collect()
}
