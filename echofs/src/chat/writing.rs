//! Messages on their way in.
//!
//! What is written from an open to the last close is one message, however many lines it is. A program that keeps the file
//! open ends its message by waiting for a moment after a line, as somebody does who types into `cat`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use echofs_indexer::conversations::Role;
use jiff::Timestamp;

use super::{Chats, turn};
use crate::error::Error;

/// No message is longer, in bytes.
const MAX_MESSAGE: usize = 1 << 20;

const ONLY_APPENDS: Error = Error::NotPermitted("a chat takes messages at its end only: use >> and not >");
const IS_OVER: Error = Error::NotPermitted("this chat was ended");

/// A handle that adds to a chat.
pub struct Writing {
    chats: Arc<Chats>,
    session: String,
    /// Whether every write goes to the end, whatever its offset; else the chat was empty and is written from its start.
    to_end: bool,
    state: Mutex<Written>,
}

#[derive(Default)]
struct Written {
    /// The beginning of a line whose end has not come.
    partial: Vec<u8>,
    /// Bytes taken so far.
    taken: u64,
    /// The message that the lines belong to.
    message: Option<Timestamp>,
    /// Its length so far.
    length: usize,
}

impl Writing {
    /// Opens a chat for writing, with these open(2) flags.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] where writing would change what is there.
    pub fn open(chats: &Arc<Chats>, session: &str, flags: i32) -> Result<Writing, Error> {
        let to_end = flags & libc::O_APPEND != 0;
        let empty = chats.size(session).0 == 0;
        if !empty && (!to_end || flags & libc::O_TRUNC != 0) {
            return Err(ONLY_APPENDS);
        }
        Ok(Writing { chats: Arc::clone(chats), session: session.to_owned(), to_end, state: Mutex::default() })
    }

    /// Takes bytes; the whole lines among them are on disk when this returns.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the reason; [`Error::NotPermitted`] when this is no append.
    pub fn write(&self, offset: u64, data: &[u8]) -> Result<usize, Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.to_end && offset != state.taken {
            return Err(ONLY_APPENDS);
        }
        if state.length + state.partial.len() + data.len() > MAX_MESSAGE {
            // The rest of it is refused as well, since the kernel hands long writes on in pieces.
            (state.partial, state.length) = (Vec::new(), MAX_MESSAGE);
            return Err(Error::Invalid(format!("a message is longer than {} KiB", MAX_MESSAGE >> 10)));
        }
        let whole = data.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if whole > 0 {
            let lines = [&state.partial, &data[..whole]].concat();
            self.say(&mut state, &lines)?;
            state.partial.clear();
        }
        state.partial.extend_from_slice(&data[whole..]);
        state.taken += data.len() as u64;
        Ok(data.len())
    }

    /// A descriptor was closed: a last line needs no end. Others may still have the file open and go on.
    ///
    /// # Errors
    /// As [`write`](Writing::write).
    pub fn flush(&self) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let partial = std::mem::take(&mut state.partial);
        self.say(&mut state, &partial)
    }

    fn say(&self, state: &mut Written, bytes: &[u8]) -> Result<(), Error> {
        let text = std::str::from_utf8(bytes).map_err(|_| Error::Invalid("this is not UTF-8".into()))?;
        if text.trim().is_empty() {
            return Ok(());
        }
        if text.contains('\0') {
            return Err(Error::Invalid("this is not text".into()));
        }
        let message = self.chats.say(&self.session, state.message, text.trim_end())?;
        if state.message.replace(message) != Some(message) {
            state.length = 0;
        }
        state.length += text.len();
        Ok(())
    }
}

/// The last descriptor was closed: what was written is a whole message.
impl Drop for Writing {
    fn drop(&mut self) {
        if let Some(message) = self.state.get_mut().unwrap_or_else(PoisonError::into_inner).message {
            self.chats.said_all(&self.session, message);
        }
    }
}

impl Chats {
    /// Keeps text as a part of `message`, if that still goes on, else of a new one, and gives which. It is on disk when
    /// this returns, and a reply is on its way.
    fn say(self: &Arc<Self>, session: &str, message: Option<Timestamp>, text: &str) -> Result<Timestamp, Error> {
        if self.transcript(session)?.is_some_and(|transcript| transcript.ended) {
            return Err(IS_OVER);
        }
        let mut state = self.lock();
        let key = |at| (session.to_owned(), at);
        let goes_on = message.filter(|at| state.open.contains_key(&key(*at)));
        let at = goes_on.unwrap_or_else(Timestamp::now);
        state.open.insert(key(at), None);
        drop(state);
        let kept = self.conversations().append(&[turn(session, Role::User, text, at)]);
        self.lock().open.insert(key(at), Some(Instant::now()));
        kept?;
        self.start(session);
        Ok(at)
    }

    /// Nothing more comes of a message.
    fn said_all(&self, session: &str, message: Timestamp) {
        self.lock().open.remove(&(session.to_owned(), message));
        self.changed.notify_all();
    }
}
