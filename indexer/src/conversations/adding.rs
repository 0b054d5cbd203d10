//! Adding turns: to a session, or to the conversation that begins alike. They are on disk before this is acknowledged.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::{Added, Conversations, Turn, known, name};
use crate::lines::Lines;
use crate::shared::lock;
use crate::{Error, files};

/// Conversations whose turns are kept in memory for the next append.
const OPEN: usize = 8;

/// A conversation that is being appended to.
#[derive(Debug)]
pub(super) struct Open {
    pub place: String,
    lines: Lines,
    pub turns: Mutex<Vec<Turn>>,
}

impl Conversations {
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
        if self.known(|known| known.is_forgotten(session, turns))? {
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

    fn create(&self, writing: &mut Vec<Arc<Open>>, turns: &[Turn]) -> Result<Arc<Open>, Error> {
        let first = turns.iter().map(|turn| turn.at).min().unwrap_or_default();
        let wanted = name::place(first, &name::title(turns));
        let place = self.known(|known| known.free(&wanted))?;
        make_dirs(&self.turns, &place)?;
        self.open_place(writing, &place)
    }

    pub(super) fn open_place(&self, writing: &mut Vec<Arc<Open>>, place: &str) -> Result<Arc<Open>, Error> {
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
