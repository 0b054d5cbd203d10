//! The threads that reply: one for each chat with messages that have no reply.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use echofs_indexer::conversations::Turn;
use echofs_inference::Cancel;
use jiff::{SignedDuration, Timestamp};

use super::transcript::{self, Message, Transcript};
use super::{Chats, State, talk, wording};
use crate::answer::follow_up;
use crate::answer::{Conversation, ReadError, Stream};
use crate::error::Error;

/// A message is whole when nothing came for so long after a line, though its file is still open.
const PAUSE: Duration = Duration::from_millis(300);
/// Messages that are younger are replied to after a restart.
const FRESH: SignedDuration = SignedDuration::from_hours(24);

/// The thread of a chat.
#[derive(Default)]
pub(super) struct Replying {
    /// Whether something was said since the thread looked.
    more: bool,
    reply: Option<Reply>,
}

/// A reply that is being made.
#[derive(Clone)]
struct Reply {
    to: Timestamp,
    begun: Timestamp,
    stream: Arc<Stream>,
    cancel: Cancel,
}

impl Replying {
    /// Whether a reply is under way.
    #[cfg(test)]
    pub fn is_replying(&self) -> bool {
        self.reply.is_some()
    }

    /// The reply to the message of this time as far as it goes; nothing of one that was stopped.
    pub fn shown(&self, to: Timestamp) -> Option<String> {
        let reply = self.reply.as_ref().filter(|reply| reply.to == to && !reply.cancel.is_cancelled())?;
        Some(transcript::growing(reply.begun, wording::opening(&reply.markdown())))
    }
}

impl Reply {
    fn markdown(&self) -> String {
        String::from_utf8_lossy(&self.stream.markdown()).into_owned()
    }
}

/// While it lives, replies are made; the first are to what was said shortly before the last end.
pub struct Running(Arc<Chats>);

impl Running {
    /// Goes on where a restart has interrupted replies; on a thread of its own.
    pub fn start(chats: &Arc<Chats>) -> Running {
        let resuming = Arc::clone(chats);
        let resume = move || resuming.resume().unwrap_or_else(|e| log::error!("chats: {e}"));
        if let Err(e) = std::thread::Builder::new().name("chats".into()).spawn(resume) {
            log::error!("chats: {e}");
        }
        Running(Arc::clone(chats))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.lock().stopping = true;
        self.0.cancel(|_| true);
    }
}

/// While it lives, something is being forgotten and no reply is made.
pub struct Forgetting<'a>(pub(super) &'a Chats);

impl Drop for Forgetting<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.forgetting -= 1;
        state.conversations.clear();
        drop(state);
        self.0.changed.notify_all();
    }
}

impl Chats {
    fn resume(self: &Arc<Self>) -> Result<(), Error> {
        let fresh = |message: &Message| Timestamp::now().duration_since(message.at) < FRESH;
        for (_, session) in self.all()? {
            if self.transcript(&session)?.is_some_and(|chat| chat.next().is_some_and(fresh)) {
                self.start(&session);
            }
        }
        Ok(())
    }

    /// Sees to it that the messages of a chat are replied to.
    pub(super) fn start(self: &Arc<Self>, session: &str) {
        let mut state = self.lock();
        if let Some(replying) = state.replying.get_mut(session) {
            replying.more = true;
            return;
        }
        let (chats, of) = (Arc::clone(self), session.to_owned());
        match std::thread::Builder::new().name("chat".into()).spawn(move || chats.reply_to_all(&of)) {
            Ok(_) => drop(state.replying.insert(session.to_owned(), Replying::default())),
            Err(e) => log::error!("{session}: no thread to reply: {e}"),
        }
    }

    /// Stops the replies of some sessions. What has then no reply gets another, unless the chat is over.
    pub(super) fn cancel(&self, which: impl Fn(&str) -> bool) {
        let state = self.lock();
        let replies = state.replying.iter().filter(|(session, _)| which(session)).filter_map(|(_, r)| r.reply.as_ref());
        replies.for_each(|reply| reply.cancel.cancel());
        drop(state);
        self.changed.notify_all();
    }

    fn reply_to_all(&self, session: &str) {
        let all = || -> Result<(), Error> {
            while self.waits_for_whole(session)? {
                self.reply_to_next(session)?;
            }
            Ok(())
        };
        match catch_unwind(AssertUnwindSafe(all)) {
            Ok(Ok(())) => return,
            Ok(Err(e)) => log::error!("{session}: {e}"),
            Err(_) => log::error!("{session}: a reply panicked"),
        }
        self.lock().replying.remove(session);
        self.changed.notify_all();
    }

    /// Waits until the next message is all there; false when there is none, and then the thread of the session is gone.
    fn waits_for_whole(&self, session: &str) -> Result<bool, Error> {
        loop {
            self.lock().replying.entry(session.to_owned()).or_default().more = false;
            let next = self.transcript(session)?.and_then(|chat| chat.next().map(|message| message.at));
            let mut state = self.lock();
            let Some(at) = next.filter(|_| !state.stopping) else {
                if !state.stopping && state.replying.get(session).is_some_and(|replying| replying.more) {
                    continue;
                }
                state.replying.remove(session);
                self.changed.notify_all();
                return Ok(false);
            };
            let Some(rest) = state.unfinished(session, at) else {
                state.open.remove(&(session.to_owned(), at));
                return Ok(true);
            };
            drop(self.changed.wait_timeout(state, rest));
        }
    }

    /// Replies to the first message without a reply.
    fn reply_to_next(&self, session: &str) -> Result<(), Error> {
        let Some(chat) = self.transcript(session)? else { return Ok(()) };
        let Some(message) = chat.next() else { return Ok(()) };
        let Some(reply) = self.begin(session, message.at) else { return Ok(()) };
        if let Some(text) = self.word(session, &chat, message, &reply) {
            // What was forgotten or ended meanwhile takes no reply.
            let wanted = |turns: &[Turn]| !reply.cancel.is_cancelled() && transcript::waits(turns, message);
            self.conversations().append_where(&[transcript::reply(session, reply.begun, &text)], &wanted)?;
        }
        self.lock().replying.entry(session.to_owned()).or_default().reply = None;
        self.changed.notify_all();
        Ok(())
    }

    /// A new reply, which can be stopped from now on; none while something is being forgotten.
    fn begin(&self, session: &str, to: Timestamp) -> Option<Reply> {
        let (stream, cancel) = Default::default();
        let reply = Reply { to, begun: Timestamp::now(), stream, cancel };
        let mut state = self.lock();
        if state.forgetting > 0 {
            return None;
        }
        state.replying.entry(session.to_owned()).or_default().reply = Some(reply.clone());
        drop(state);
        self.changed.notify_all();
        Some(reply)
    }

    /// Words a reply: to what is said in passing from the model alone, to all else from the notes. `None` if it was stopped.
    fn word(&self, session: &str, chat: &Transcript, message: &Message, reply: &Reply) -> Option<String> {
        if talk::is_talk(&message.text) {
            self.recorder.said(session, None, None);
            return Some(talk::reply(&*self.generator, &message.text, &reply.cancel));
        }
        let about = chat.replied.iter().filter(|(message, _)| !talk::is_talk(&message.text));
        let before: Vec<_> = about.map(|(message, reply)| (message.text.as_str(), wording::said(reply))).collect();
        let question = follow_up::standalone(&message.text, &before);
        log::debug!("{:?} is asked as {question:?}", message.text);
        let mut conversation = self.conversation(session, &before);
        let answer = self.answers.reply(&question, &mut conversation, &reply.stream, &reply.cancel);
        let mut state = self.lock();
        // What was stopped may have read what is forgotten now.
        if answer.is_ok() && !reply.cancel.is_cancelled() {
            state.conversations.insert(session.to_owned(), conversation);
        }
        drop(state);
        let markdown = reply.markdown();
        let opening = wording::opening(&markdown);
        match answer {
            Ok((answer, model_failed)) => {
                let asked = Some(question.as_str()).filter(|question| talk::asks(question));
                self.recorder.said(session, asked, Some(&answer));
                Some(wording::reply(opening, &answer, model_failed))
            }
            Err(ReadError::Cancelled | ReadError::Interrupted) => None,
            Err(e) => Some(format!("{opening}\n\n(No reply could be made: {e}.)")),
        }
    }

    /// What the model read for the last message; after a restart, what it will have read for it.
    fn conversation(&self, session: &str, before: &[(&str, String)]) -> Conversation {
        let known = self.lock().conversations.remove(session);
        known.unwrap_or_else(|| match before.split_last() {
            Some(((message, _), earlier)) => self.answers.recall(session, &follow_up::standalone(message, earlier)),
            None => Conversation::new(session),
        })
    }
}

impl State {
    /// How long to wait until a message that is still being written counts as whole, and while something is being forgotten.
    fn unfinished(&self, session: &str, at: Timestamp) -> Option<Duration> {
        if self.forgetting > 0 {
            return Some(PAUSE);
        }
        match self.open.get(&(session.to_owned(), at))? {
            None => Some(PAUSE),
            Some(last) => PAUSE.checked_sub(last.elapsed()).filter(|rest| !rest.is_zero()),
        }
    }
}
