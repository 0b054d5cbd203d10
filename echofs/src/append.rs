//! Files that take whole lines at their end and nothing else: sessions of conversations and the relationship log.
//!
//! A line is on disk before the write that ends it returns. A line without its end is held until the rest comes.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use echofs_indexer::conversations::Turn;
use echofs_indexer::relationship::Entry;
use jiff::Timestamp;

use crate::error::Error;
use crate::tree::Context;

/// No line is longer, in bytes.
const MAX_LINE: usize = 16 << 20;

/// Where the lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Turns of this session.
    Session(String),
    /// Entries of the relationship log.
    Relationship,
}

impl Target {
    /// The file that holds them, once there is one.
    pub fn file(&self, cx: &Context) -> Option<PathBuf> {
        match self {
            Target::Session(session) => cx.index.conversations().session(session).ok().flatten(),
            Target::Relationship => Some(cx.index.relationship().file().to_owned()),
        }
    }

    /// Adds lines, all or none of them.
    fn take(&self, cx: &Context, lines: &[&str]) -> Result<(), Error> {
        match self {
            Target::Session(session) => {
                let now = Timestamp::now();
                let turn = |line: &&str| Turn::parse(line, session, now).map_err(Error::Invalid);
                let turns = lines.iter().map(turn).collect::<Result<Vec<_>, Error>>()?;
                Ok(cx.index.conversations().append(&turns)?)
            }
            Target::Relationship => {
                let now = Timestamp::now();
                let entry = |line: &&str| Entry::parse(line, now).map_err(Error::Invalid);
                let entries = lines.iter().map(entry).collect::<Result<Vec<_>, Error>>()?;
                Ok(cx.index.relationship().append(entries)?)
            }
        }
    }
}

/// A handle that adds lines.
pub struct Appending {
    target: Target,
    /// Whether every write goes to the end, whatever its offset; else the file was empty and is written from its start.
    to_end: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The beginning of a line whose end has not come.
    partial: Vec<u8>,
    /// Bytes taken so far.
    taken: u64,
}

impl Appending {
    /// Opens with these open(2) flags.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] where writing would change what is there.
    pub fn open(cx: &Context, target: &Target, flags: i32) -> Result<Appending, Error> {
        let to_end = flags & libc::O_APPEND != 0;
        let empty = target.file(cx).is_none_or(|file| file.metadata().is_ok_and(|meta| meta.len() == 0));
        if !empty && (!to_end || flags & libc::O_TRUNC != 0) {
            return Err(ONLY_APPENDS);
        }
        Ok(Appending { target: target.clone(), to_end, state: Mutex::default() })
    }

    /// The file that holds the lines, once there is one.
    pub fn file(&self, cx: &Context) -> Option<PathBuf> {
        self.target.file(cx)
    }

    /// Takes bytes; the whole lines among them are on disk when this returns. One bad line refuses all of them.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the reason; [`Error::NotPermitted`] when this is no append.
    pub fn write(&self, cx: &Context, offset: u64, data: &[u8]) -> Result<usize, Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.to_end && offset != state.taken {
            return Err(ONLY_APPENDS);
        }
        let whole = data.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if state.partial.len() + data.len() > MAX_LINE {
            return Err(Error::Invalid(format!("a line is longer than {} MiB", MAX_LINE >> 20)));
        }
        if whole > 0 {
            let lines = [&state.partial, &data[..whole]].concat();
            self.take(cx, &lines)?;
            state.partial.clear();
        }
        state.partial.extend_from_slice(&data[whole..]);
        state.taken += data.len() as u64;
        Ok(data.len())
    }

    /// A descriptor was closed: a last line without its end is taken if it is whole.
    ///
    /// # Errors
    /// [`Error::Invalid`]; it is still held, since another descriptor may bring the rest.
    pub fn flush(&self, cx: &Context) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.take(cx, &state.partial)?;
        state.partial.clear();
        Ok(())
    }

    fn take(&self, cx: &Context, bytes: &[u8]) -> Result<(), Error> {
        let text = std::str::from_utf8(bytes).map_err(|_| Error::Invalid("this is not UTF-8".into()))?;
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        if lines.is_empty() { Ok(()) } else { self.target.take(cx, &lines) }
    }
}

const ONLY_APPENDS: Error = Error::NotPermitted("lines can only be added at the end");
