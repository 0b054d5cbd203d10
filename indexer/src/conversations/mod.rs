//! Conversations: turns that programs append and exports that people import, kept for good.
//!
//! Truth is one append-only file of JSON lines for each conversation, `<data>/conversations/2026/03/14-<slug>.jsonl`.
//! Derived from it is a page of Markdown of the same name below `<data>/rendered/conversations`, which is a source like
//! any other to the index: it is watched, searched, shown and opened. [`keeper`] makes the pages, [`import`] reads
//! exports. Left out: answering, which is no part of the store.

mod archive;
mod exchange;
mod known;
mod name;
mod own;
mod summary;
mod turn;

pub(crate) mod excerpt;
pub mod import;
pub mod keeper;
pub mod render;
pub(crate) mod said;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use crate::lines::Lines;
use crate::shared::lock;
use crate::{Error, files, lines};

pub use exchange::{Exchange, exchanges};
pub use known::Added;
use known::Known;
pub use name::{day_of, slug};
pub use own::{OWN, without_own};
pub use render::turn_line;
pub(crate) use summary::sentences_of_line;
pub use turn::{Role, Turn, one_line};

/// Conversations whose turns are kept in memory for the next append.
const OPEN: usize = 8;
/// What the sessions begin with in which questions to this program are kept.
pub const QUESTIONS: &str = "questions-";
/// What the sessions begin with that are chats with this program.
pub const CHATS: &str = "chat/";
/// Sessions that are listed.
const LIVE: usize = 50;

/// The conversations of one data directory.
#[derive(Debug)]
pub struct Conversations {
    turns: PathBuf,
    pages: PathBuf,
    /// `None` until the heads of all conversations were read. Never held while something is written.
    known: Mutex<Option<Known>>,
    /// The last ones that were appended to, the newest last. Held by whoever writes.
    open: Mutex<Vec<Arc<Open>>>,
    /// Sessions that programs append to.
    live: Mutex<Vec<String>>,
    /// Conversations whose pages are to be made anew, each with the number of its changes.
    changed: Mutex<BTreeMap<String, u64>>,
    news: Condvar,
    /// Held by whoever makes pages of the archive.
    archiving: Mutex<()>,
    /// Whether chats with this program have no pages.
    hides_chats: AtomicBool,
    /// What was imported and what waits to be.
    pub imports: import::Imports,
}

/// A conversation that is being appended to.
#[derive(Debug)]
struct Open {
    place: String,
    lines: Lines,
    turns: Mutex<Vec<Turn>>,
}

impl Conversations {
    /// Opens what is below `data`; reads nothing yet.
    ///
    /// # Errors
    /// [`Error::Io`] when the directories cannot be made.
    pub fn open(data: &Path) -> Result<Self, Error> {
        let turns = data.join("conversations");
        let imports = import::Imports::open(&turns)?;
        let pages = pages(data);
        files::private_dir(&pages)?;
        let (known, open, live, changed, news, archiving, hides_chats) = Default::default();
        Ok(Self { turns, pages, known, open, live, changed, news, archiving, hides_chats, imports })
    }

    /// The directory of the pages, a source of the index.
    pub fn pages(&self) -> &Path {
        &self.pages
    }

    /// The page of a conversation, there or not.
    pub fn page(&self, place: &str) -> PathBuf {
        self.pages.join(format!("{place}.md"))
    }

    /// The directory of the turns, by years and months.
    pub fn turns_dir(&self) -> &Path {
        &self.turns
    }

    /// The turns of a conversation.
    pub fn turns_file(&self, place: &str) -> PathBuf {
        self.turns.join(format!("{place}.jsonl"))
    }

    /// Has the chats with this program kept as turns alone, with no page to be shown and found.
    ///
    /// # Errors
    /// [`Error::Io`] when the conversations cannot be listed.
    pub fn hide_chats(&self) -> Result<(), Error> {
        self.hides_chats.store(true, Ordering::Relaxed);
        let chats: Vec<String> =
            self.known(|known| known.of_sessions(CHATS).map(|(_, place)| place.clone()).collect())?;
        self.remake(&chats);
        Ok(())
    }

    /// Whether chats are hidden.
    pub fn hides_chats(&self) -> bool {
        self.hides_chats.load(Ordering::Relaxed)
    }

    /// Whether the conversation of this place is a chat that is hidden.
    ///
    /// # Errors
    /// [`Error::Io`] when the conversations cannot be listed.
    pub fn is_hidden(&self, place: &str) -> Result<bool, Error> {
        let is_chat = |known: &mut Known| known.of_sessions(CHATS).any(|(_, chat)| chat == place);
        Ok(self.hides_chats() && self.known(is_chat)?)
    }

    /// Adds turns, which may belong to several sessions. They are on disk when this returns.
    ///
    /// # Errors
    /// [`Error::Io`]; then none of the session's turns that failed are kept.
    pub fn append(&self, turns: &[Turn]) -> Result<(), Error> {
        let sessions = turns.chunk_by(|a, b| a.session == b.session);
        sessions.into_iter().try_for_each(|turns| self.append_where(turns, &|_| true).map(drop))
    }

    /// Adds turns of one session if `wanted` holds for those that it has; nothing is written or forgotten while that is asked. Gives
    /// whether they were added.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn append_where(&self, turns: &[Turn], wanted: &dyn Fn(&[Turn]) -> bool) -> Result<bool, Error> {
        let Some(first) = turns.first() else { return Ok(false) };
        let mut writing = lock(&self.open);
        let place = self.session_place(&first.session)?;
        let open = place.map(|place| self.open_place(&mut writing, &place)).transpose()?;
        if !open.as_ref().map_or_else(|| wanted(&[]), |open| wanted(&lock(&open.turns))) {
            return Ok(false);
        }
        let open = open.map_or_else(|| self.create(&mut writing, turns), Ok)?;
        self.write(&open, turns)?;
        self.note_live(&first.session);
        Ok(true)
    }

    /// Adds what is new of a conversation. One of `session` is that session; one without is the one that begins alike.
    ///
    /// # Errors
    /// [`Error::Io`] of the files.
    pub fn add(&self, session: Option<&str>, turns: &[Turn]) -> Result<Added, Error> {
        let Some(first) = turns.first() else { return Ok(Added::default()) };
        let mut writing = lock(&self.open);
        if self.known(|known| known.is_forgotten(session.unwrap_or(&first.session), turns))? {
            return Ok(Added { forgotten: true, ..Added::default() });
        }
        let place = match session {
            Some(session) => self.session_place(session)?,
            None => self.alike(&mut writing, turns)?,
        };
        let created = place.is_none();
        let open = match place {
            Some(place) => self.open_place(&mut writing, &place)?,
            None => self.create(&mut writing, turns)?,
        };
        let kept = lock(&open.turns).clone();
        let session = match (kept.first(), session) {
            (Some(first), _) => first.session.clone(),
            (None, Some(session)) => session.to_owned(),
            (None, None) => self.known(|known| known.free_session(&first.session))?,
        };
        let of_session = |turn| Turn { session: session.clone(), ..turn };
        let new: Vec<Turn> = known::new_of(&kept, turns).into_iter().map(of_session).collect();
        self.write(&open, &new)?;
        Ok(Added { created, turns: new.len(), known: turns.len() - new.len(), forgotten: false })
    }

    /// The conversation of which one begins with all of the other.
    fn alike(&self, writing: &mut Vec<Arc<Open>>, turns: &[Turn]) -> Result<Option<String>, Error> {
        for place in self.known(|known| known.alike(turns))? {
            let open = self.open_place(writing, &place)?;
            if known::begin_alike(&lock(&open.turns), turns) {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// Where the turns of a session are, if there are any.
    ///
    /// # Errors
    /// [`Error::Io`] when the conversations cannot be listed.
    pub fn session(&self, session: &str) -> Result<Option<PathBuf>, Error> {
        Ok(self.session_place(session)?.map(|place| self.turns_file(&place)))
    }

    /// The page of a session, if it has turns.
    ///
    /// # Errors
    /// [`Error::Io`] when the conversations cannot be listed.
    pub fn page_of(&self, session: &str) -> Result<Option<PathBuf>, Error> {
        Ok(self.session_place(session)?.map(|place| self.page(&place)))
    }

    /// The turns of a session, oldest first; none when there is no such session.
    ///
    /// # Errors
    /// [`Error::Io`] when they cannot be read.
    pub fn turns(&self, session: &str) -> Result<Vec<Turn>, Error> {
        self.session(session)?.map_or(Ok(Vec::new()), |file| lines::read(&file, Turn::from_line))
    }

    /// The sessions whose names begin so, in order.
    ///
    /// # Errors
    /// [`Error::Io`] when the conversations cannot be listed.
    pub fn sessions(&self, start: &str) -> Result<Vec<String>, Error> {
        self.known(|known| known.of_sessions(start).map(|(session, _)| session.clone()).collect())
    }

    /// The pages of the sessions whose names begin so.
    ///
    /// # Errors
    /// [`Error::Io`] when the conversations cannot be listed.
    pub fn pages_of(&self, start: &str) -> Result<HashSet<PathBuf>, Error> {
        self.known(|known| known.of_sessions(start).map(|(_, place)| self.page(place)).collect())
    }

    fn session_place(&self, session: &str) -> Result<Option<String>, Error> {
        self.known(|known| known.place(session).map(str::to_owned))
    }

    /// Sessions that were appended to lately, the newest last.
    pub fn live(&self) -> Vec<String> {
        lock(&self.live).clone()
    }

    fn note_live(&self, session: &str) {
        let mut live = lock(&self.live);
        live.retain(|known| known != session);
        let over = (live.len() + 1).saturating_sub(LIVE);
        live.drain(..over);
        live.push(session.to_owned());
    }

    /// Whether it is known which conversations there are; the first to ask has that read.
    pub fn is_known(&self) -> bool {
        self.known.try_lock().is_ok_and(|known| known.is_some())
    }

    /// Whether everything that was taken has been handed on to the index.
    pub fn waiting(&self) -> usize {
        lock(&self.changed).len() + self.imports.waiting()
    }

    /// Whether a path is that of a page, or of a directory of pages.
    pub fn owns(&self, path: &Path) -> bool {
        path.starts_with(&self.pages)
    }

    /// The places of the conversations whose pages are at or below `path`.
    ///
    /// # Errors
    /// [`Error::Io`] when the conversations cannot be listed.
    pub fn at(&self, path: &Path) -> Result<Vec<String>, Error> {
        self.known(|known| known.places().filter(|place| self.page(place).starts_with(path)).cloned().collect())
    }

    /// Whether a path is that of a page that is not there any more and will not be made again.
    pub fn is_gone(&self, path: &Path) -> bool {
        let Ok(below) = path.strip_prefix(&self.pages) else { return false };
        !path.exists() && !self.turns.join(below).with_extension("jsonl").exists()
    }

    /// Removes the conversations whose pages are at or below `path`, with their turns, for good: an import does not
    /// bring them back. Gives their number.
    ///
    /// # Errors
    /// [`Error::Io`]; what was not removed is still there.
    pub fn forget(&self, path: &Path) -> Result<usize, Error> {
        let mut writing = lock(&self.open);
        let places = self.at(path)?;
        for place in &places {
            let turns = lock(&self.open_place(&mut writing, place)?.turns).clone();
            writing.retain(|open| open.place != *place);
            self.known(|known| known.forget(place, &turns))??;
            if let Some(first) = turns.first() {
                lock(&self.live).retain(|session| *session != first.session);
            }
            let file = self.turns_file(place);
            lines::remove(&file)?;
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
        let mut changed = Vec::new();
        for (place, kept) in self.without(&mut writing, path)? {
            writing.retain(|open| open.place != place);
            lines::rewrite(&self.turns_file(&place), kept.as_bytes())?;
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

    /// Has the pages of these conversations made again.
    pub fn remake(&self, places: &[String]) {
        places.iter().for_each(|place| self.change(place));
    }

    // ---- the files ----

    /// Asks or changes what is known of all conversations; the first time their heads are read.
    fn known<R>(&self, with: impl FnOnce(&mut Known) -> R) -> Result<R, Error> {
        let mut known = lock(&self.known);
        if known.is_none() {
            *known = Some(Known::read(&self.turns)?);
        }
        known.as_mut().map(with).ok_or(Error::Stopped)
    }

    fn create(&self, writing: &mut Vec<Arc<Open>>, turns: &[Turn]) -> Result<Arc<Open>, Error> {
        let first = turns.iter().map(|turn| turn.at).min().unwrap_or_default();
        let wanted = name::place(first, &name::title(turns));
        let place = self.known(|known| known.free(&wanted))?;
        make_dirs(&self.turns, &place)?;
        self.open_place(writing, &place)
    }

    fn open_place(&self, writing: &mut Vec<Arc<Open>>, place: &str) -> Result<Arc<Open>, Error> {
        if let Some(at) = writing.iter().position(|open| open.place == place) {
            let open = writing.remove(at);
            writing.push(open.clone());
            return Ok(open);
        }
        let (lines, turns) = Lines::open(&self.turns_file(place), Turn::from_line)?;
        let open = Arc::new(Open { place: place.to_owned(), lines, turns: Mutex::new(turns) });
        if writing.len() >= OPEN {
            writing.remove(0);
        }
        writing.push(open.clone());
        Ok(open)
    }

    fn write(&self, open: &Open, new: &[Turn]) -> Result<(), Error> {
        if new.is_empty() {
            return Ok(());
        }
        open.lines.append(&new.iter().map(Turn::to_line).collect::<String>())?;
        let mut turns = lock(&open.turns);
        turns.extend_from_slice(new);
        self.known(|known| known.note(&open.place, &turns))?;
        drop(turns);
        self.change(&open.place);
        Ok(())
    }

    fn change(&self, place: &str) {
        *lock(&self.changed).entry(place.to_owned()).or_default() += 1;
        self.news.notify_all();
    }
}

/// The directory of the pages below a data directory.
pub fn pages(data: &Path) -> PathBuf {
    data.join("rendered/conversations")
}

/// Compares every kept turn below a data directory with its sum: their number, and the first that is damaged, if one is.
///
/// # Errors
/// [`Error::Io`] of a file that cannot be read.
pub fn check(data: &Path) -> Result<(usize, Option<(PathBuf, usize)>), Error> {
    let root = data.join("conversations");
    let mut lines = 0;
    for path in keeper::all_files(&root).into_iter().filter(|path| known::place_of(&root, path).is_some()) {
        let text = fs::read(&path).map_err(Error::io(&path))?;
        for (n, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            // A last line without its end was never acknowledged; the next append cuts it off.
            let Some(whole) = line.strip_suffix(b"\n") else { continue };
            if std::str::from_utf8(whole).ok().and_then(Turn::from_line).is_none() {
                return Ok((lines, Some((path, n + 1))));
            }
            lines += 1;
        }
    }
    Ok((lines, None))
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

/// Makes the directories of a place, so that they are there after a crash too.
fn make_dirs(root: &Path, place: &str) -> Result<(), Error> {
    let file = root.join(place);
    let dirs: Vec<&Path> = file.ancestors().skip(1).take_while(|dir| *dir != root).collect();
    for dir in dirs.into_iter().rev().filter(|dir| !dir.is_dir()) {
        files::private_dir(dir)?;
        dir.parent().map_or(Ok(()), files::sync_dir)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
