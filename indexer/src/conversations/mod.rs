//! Conversations: turns that programs append and exports that people import, kept for good.
//!
//! Truth is one append-only file of JSON lines for each conversation, `<data>/conversations/2026/03/14-<slug>.jsonl`.
//! Derived from it is a page of Markdown of the same name below `<data>/rendered/conversations`, which is a source like
//! any other to the index: it is watched, searched, shown and opened. [`keeper`] makes the pages, [`import`] reads
//! exports. Left out: answering, which is no part of the store.

mod adding;
mod archive;
mod check;
mod exchange;
mod forgetting;
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
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use crate::shared::lock;
use crate::{Error, files, lines};

use adding::Open;
pub use check::check;
pub use exchange::{Exchange, exchanges};
pub use known::Added;
use known::Known;
pub use name::{day_of, slug};
pub use own::{OWN, without_own};
pub use render::turn_line;
pub(crate) use summary::sentences_of_line;
pub use turn::{Role, Turn, one_line};

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
    /// How often turns were taken away. Changed while `open` is held.
    forgotten: AtomicU64,
    /// Whether chats with this program have no pages.
    hides_chats: AtomicBool,
    /// What was imported and what waits to be.
    pub imports: import::Imports,
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
        // A page that a crash has kept from its place.
        lines::remove(&pages.with_extension("new"))?;
        let (known, open, live, changed, news, archiving, forgotten, hides_chats) = Default::default();
        Ok(Self { turns, pages, known, open, live, changed, news, archiving, forgotten, hides_chats, imports })
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

    /// Has the pages of these conversations made again.
    pub fn remake(&self, places: &[String]) {
        places.iter().for_each(|place| self.change(place));
    }

    /// Asks or changes what is known of all conversations; the first time their heads are read.
    fn known<R>(&self, with: impl FnOnce(&mut Known) -> R) -> Result<R, Error> {
        let mut known = lock(&self.known);
        if known.is_none() {
            *known = Some(Known::read(&self.turns)?);
        }
        known.as_mut().map(with).ok_or(Error::Stopped)
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

#[cfg(test)]
mod tests;
