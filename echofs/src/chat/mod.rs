//! Chats: conversations with this program, each a file that takes messages at its end and shows the replies.
//!
//! A message is on disk, as turns of a session `chat/<name>`, before the write that brings it returns. A thread for each
//! chat that has messages without a reply makes the replies, in their order, as [`crate::answer`] makes answers. All
//! that can be read is made from the kept turns and from the reply that is under way, so a chat goes on over restarts, and
//! what is forgotten of its turns is gone from it. What the model read last is remembered besides, which saves time and
//! changes nothing else.
//!
//! Left out: the tree, which shows chats as files, and what is an answer.

mod replies;
mod talk;
mod transcript;
mod wording;
mod writing;

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use echofs_indexer::Index;
use echofs_indexer::conversations::{CHATS, Conversations, Role, Turn};
use echofs_inference::Generator;
use jiff::Timestamp;

use crate::answer::{Answers, Conversation};
use crate::error::Error;
use crate::recorder::Recorder;

pub use crate::answer::follow_up::brief;
pub use replies::{Forgetting, Running};
pub use writing::Writing;

use replies::Replying;
use transcript::Transcript;

/// What is kept as the last turn of a chat that was ended.
const ENDED: &str = "This chat was ended.";
/// Longest name of a chat, in bytes.
const MAX_NAME: usize = 200;
/// How often a waiting reader looks again.
const HEARTBEAT: Duration = Duration::from_millis(50);

/// All chats of one data directory.
pub struct Chats {
    index: Arc<Index>,
    answers: Arc<Answers>,
    generator: Arc<dyn Generator>,
    recorder: Arc<Recorder>,
    state: Mutex<State>,
    changed: Condvar,
    /// Whether the transcripts of all chats were read.
    read: AtomicBool,
}

#[derive(Default)]
struct State {
    /// Transcripts by session, each with what its file was like when it was read.
    transcripts: HashMap<String, (Stamp, Arc<Transcript>)>,
    /// Messages that programs still write, by session and time, with the time of the last line; `None` while one is written.
    open: HashMap<(String, Timestamp), Option<Instant>>,
    /// What the model read last, by session.
    conversations: HashMap<String, Conversation>,
    /// The sessions that have a thread.
    replying: HashMap<String, Replying>,
    /// How many are forgetting something.
    forgetting: usize,
    stopping: bool,
}

/// Tells whether a file of turns is another one or has changed.
type Stamp = (PathBuf, u64, SystemTime);

/// What can be read of a chat now.
struct Shown {
    kept: Arc<Transcript>,
    /// The reply that is made, as far as it goes.
    growing: String,
    /// Whether more comes by itself.
    more: bool,
}

impl Chats {
    /// The chats kept in `index`; `recorder` is told of what is said.
    pub(crate) fn new(
        index: Arc<Index>,
        answers: Arc<Answers>,
        generator: Arc<dyn Generator>,
        recorder: Arc<Recorder>,
    ) -> Arc<Chats> {
        let (state, changed, read) = Default::default();
        Arc::new(Chats { index, answers, generator, recorder, state, changed, read })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn conversations(&self) -> &Conversations {
        self.index.conversations()
    }

    /// Whether the others here have no more to read than what changed since.
    pub fn is_read(&self) -> bool {
        self.read.load(Ordering::Acquire)
    }

    /// When something was last added to one of those that were read; nothing is read for it.
    pub fn modified(&self) -> Option<SystemTime> {
        self.lock().transcripts.values().map(|(_, transcript)| transcript.modified).max()
    }

    /// The chats that were not ended, each with its session, by name.
    ///
    /// # Errors
    /// [`Error::Index`] when the conversations cannot be read.
    pub fn all(&self) -> Result<Vec<(String, String)>, Error> {
        let mut all = Vec::new();
        for session in self.conversations().sessions(CHATS)? {
            if self.transcript(&session)?.is_some_and(|transcript| !transcript.ended) {
                all.push((name_of(&session).to_owned(), session));
            }
        }
        all.sort();
        self.read.store(true, Ordering::Release);
        Ok(all)
    }

    /// The session of the chat of this name, if there is one that was not ended.
    ///
    /// # Errors
    /// As [`all`](Chats::all).
    pub fn find(&self, name: &str) -> Result<Option<String>, Error> {
        if !self.is_read() {
            self.all()?;
        }
        for session in self.sessions_named(name)? {
            if self.transcript(&session)?.is_some_and(|transcript| !transcript.ended) {
                return Ok(Some(session));
            }
        }
        Ok(None)
    }

    /// The session that a chat of this name has or would have; nothing is kept until it has a turn.
    ///
    /// # Errors
    /// [`Error::Invalid`] when this is no name for a chat; as [`all`](Chats::all).
    pub fn open(&self, name: &str) -> Result<String, Error> {
        if name.starts_with('.') || name.len() > MAX_NAME || name.contains(char::is_control) {
            let reason = format!("a chat has a name of at most {MAX_NAME} bytes that does not begin with a point");
            return Err(Error::Invalid(reason));
        }
        if let Some(session) = self.find(name)? {
            return Ok(session);
        }
        let taken = self.sessions_named(name)?;
        let session = |n: usize| if n == 1 { format!("{CHATS}{name}") } else { format!("{CHATS}{name}/{n}") };
        Ok((1..).map(session).find(|session| !taken.contains(session)).unwrap_or_default())
    }

    /// Every session that has or had this name.
    fn sessions_named(&self, name: &str) -> Result<Vec<String>, Error> {
        let mut sessions = self.conversations().sessions(&format!("{CHATS}{name}"))?;
        sessions.retain(|session| name_of(session) == name);
        Ok(sessions)
    }

    /// Ends a chat: its name is free again, its turns stay a conversation, or go where chats are not to be kept. A reply that is
    /// being made is not.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none; [`Error::Index`] when that cannot be kept.
    pub fn end(&self, name: &str) -> Result<(), Error> {
        let session = self.find(name)?.ok_or(Error::NotFound)?;
        self.conversations().append(&[turn(&session, Role::System, ENDED, Timestamp::now())])?;
        self.cancel(|replying| replying == session);
        self.lock().conversations.remove(&session);
        match self.conversations().page_of(&session)?.filter(|_| self.conversations().hides_chats()) {
            Some(page) => {
                self.index.drop_chat(&page)?;
                // What a model has read stays in its state.
                self.generator.forget();
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Stops the replies that are being made, since they may rest on what is to be forgotten; they are made anew, and others begun,
    /// once what this gives is gone.
    pub fn forgetting(&self) -> Forgetting<'_> {
        self.lock().forgetting += 1;
        self.cancel(|_| true);
        Forgetting(self)
    }

    /// Bytes in a chat, and when something was last added to it.
    pub fn size(&self, session: &str) -> (u64, SystemTime) {
        match self.shown(session) {
            Ok(Some(Shown { kept, growing, .. })) => {
                let modified = if growing.is_empty() { kept.modified } else { SystemTime::now() };
                ((kept.text.len() + growing.len()) as u64, modified)
            }
            Ok(None) => (0, SystemTime::now()),
            Err(e) => {
                log::error!("{session}: {e}");
                (0, SystemTime::now())
            }
        }
    }

    /// Bytes at `offset` that are there now: none at the end, `None` where more comes.
    ///
    /// # Errors
    /// [`Error::Index`] when the turns cannot be read.
    pub fn take(&self, session: &str, offset: u64, size: usize) -> Result<Option<Vec<u8>>, Error> {
        let Some(Shown { kept, growing, more }) = self.shown(session)? else { return Ok(Some(Vec::new())) };
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = kept.text.bytes().chain(growing.bytes()).skip(offset).take(size).collect::<Vec<u8>>();
        Ok((!bytes.is_empty() || !more || size == 0).then_some(bytes))
    }

    /// Bytes at `offset`; at the end, while a reply is being made, waits for what comes next.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when `interrupted` says so; as [`take`](Chats::take).
    pub fn read(
        &self,
        session: &str,
        offset: u64,
        size: usize,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Vec<u8>, Error> {
        loop {
            if let Some(bytes) = self.take(session, offset, size)? {
                return Ok(bytes);
            }
            if interrupted() {
                return Err(Error::Interrupted);
            }
            drop(self.changed.wait_timeout(self.lock(), HEARTBEAT));
        }
    }

    fn shown(&self, session: &str) -> Result<Option<Shown>, Error> {
        let Some(kept) = self.transcript(session)? else { return Ok(None) };
        let Some(next) = kept.next() else { return Ok(Some(Shown { kept, growing: String::new(), more: false })) };
        let state = self.lock();
        let replying = state.replying.get(session);
        let growing = replying.and_then(|replying| replying.shown(next.at)).unwrap_or_default();
        let more = replying.is_some();
        drop(state);
        Ok(Some(Shown { kept, growing, more }))
    }

    /// The transcript of a session; read again only when its file has changed.
    fn transcript(&self, session: &str) -> Result<Option<Arc<Transcript>>, Error> {
        let file = self.conversations().session(session)?;
        let found = file.and_then(|file| fs::metadata(&file).ok().map(|meta| (file, meta)));
        let Some((file, meta)) = found else {
            self.lock().transcripts.remove(session);
            return Ok(None);
        };
        let modified = meta.modified()?;
        let stamp = (file, meta.len(), modified);
        if let Some((known, transcript)) = self.lock().transcripts.get(session)
            && *known == stamp
        {
            return Ok(Some(Arc::clone(transcript)));
        }
        let transcript = Arc::new(Transcript::new(&self.conversations().turns(session)?, modified));
        self.lock().transcripts.insert(session.to_owned(), (stamp, Arc::clone(&transcript)));
        Ok(Some(transcript))
    }
}

/// `<name>` of `chat/<name>` and of `chat/<name>/2`, which is the next chat of that name.
fn name_of(session: &str) -> &str {
    let name = session.strip_prefix(CHATS).unwrap_or(session);
    name.split_once('/').map_or(name, |(name, _)| name)
}

fn turn(session: &str, role: Role, content: &str, at: Timestamp) -> Turn {
    let title = Some(name_of(session).to_owned());
    Turn { role, content: content.to_owned(), at, session: session.to_owned(), speaker: None, title }
}

#[cfg(test)]
mod tests;
