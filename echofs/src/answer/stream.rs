//! The bytes of one answer while they come, for any number of readers.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Form, ReadError, Settled};
use crate::part::part;

/// How often a waiting reader asks whether it should give up.
const HEARTBEAT: Duration = Duration::from_millis(50);

/// How a stream ended.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// All of it is there.
    Done(Arc<Settled>),
    /// Nothing more comes.
    Failed(ReadError),
}

#[derive(Debug, Default)]
struct State {
    markdown: Vec<u8>,
    end: Option<End>,
}

impl State {
    /// Whether there are bytes at `offset` although it has not ended.
    fn has_grown(&self, form: Form, offset: u64) -> bool {
        form == Form::Markdown && self.markdown.len() as u64 > offset
    }
}

/// Grows at its end until it ends; what was written never changes.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    state: Mutex<State>,
    grew: Condvar,
}

impl Stream {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds text to the Markdown form.
    pub fn push(&self, text: &str) {
        self.lock().markdown.extend_from_slice(text.as_bytes());
        self.grew.notify_all();
    }

    /// The Markdown so far.
    pub fn markdown(&self) -> Vec<u8> {
        self.lock().markdown.clone()
    }

    /// Ends it; the first end counts.
    pub fn end(&self, end: End) {
        self.lock().end.get_or_insert(end);
        self.grew.notify_all();
    }

    /// The finished answer.
    pub fn settled(&self) -> Option<Arc<Settled>> {
        match &self.lock().end {
            Some(End::Done(settled)) => Some(settled.clone()),
            _ => None,
        }
    }

    /// Bytes at `offset`: at least one, or none at the end. Waits for them.
    pub fn read(
        &self,
        form: Form,
        offset: u64,
        size: usize,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Vec<u8>, ReadError> {
        let mut state = self.lock();
        loop {
            match &state.end {
                Some(End::Done(settled)) => return Ok(part(settled.bytes(form), offset, size).to_vec()),
                Some(End::Failed(error)) => return Err(error.clone()),
                None if state.has_grown(form, offset) && size > 0 => {
                    return Ok(whole_characters(part(&state.markdown, offset, size)).to_vec());
                }
                None => {}
            }
            drop(state);
            if interrupted() {
                return Err(ReadError::Interrupted);
            }
            state = self
                .grew
                .wait_timeout_while(self.lock(), HEARTBEAT, |s| s.end.is_none() && !s.has_grown(form, offset))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

/// Without a character at the end of which only a part fits, unless nothing else is there.
fn whole_characters(bytes: &[u8]) -> &[u8] {
    let tail = bytes.iter().rev().take(3).position(|b| b & 0xc0 == 0xc0);
    let Some(back) = tail else { return bytes };
    let start = bytes.len() - 1 - back;
    let needed = match bytes[start] {
        0xf0.. => 4,
        0xe0.. => 3,
        _ => 2,
    };
    if bytes.len() - start < needed && start > 0 { &bytes[..start] } else { bytes }
}

#[cfg(test)]
mod tests {
    use super::whole_characters;

    #[test]
    fn characters_are_not_split() {
        assert_eq!(whole_characters("aé".as_bytes()), "aé".as_bytes());
        assert_eq!(whole_characters(&"aé".as_bytes()[..2]), b"a");
        assert_eq!(whole_characters(&"a😀".as_bytes()[..4]), b"a");
        assert_eq!(whole_characters(&"é".as_bytes()[..1]), &"é".as_bytes()[..1]);
        assert_eq!(whole_characters(b""), b"");
    }
}
