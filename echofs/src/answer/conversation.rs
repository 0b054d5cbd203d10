//! What the model read for the last message of a conversation, so that the next one goes on from it.
//!
//! In a prompt the passage stands before the question. A message is often about the passage that was read for the one before; then
//! the same sentences are shown again, if they hold what may answer this one and what stands around it. The prompt begins like
//! the one before, whose state the service keeps, and only the question is read. Deliberately absent: earlier messages in the
//! prompt. Each would make all later prompts longer, and a small model takes its answers from them instead of the passage; what a
//! message leaves unsaid is put into it before (see [`super::follow_up`]).

use std::path::PathBuf;

use super::retrieve::{Excerpt, Gathered};

/// States that are kept of one conversation.
const KEPT: usize = 3;

/// Sentences of a passage that the model read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Read {
    path: PathBuf,
    ordinal: u32,
    sentences: Vec<usize>,
}

/// A conversation by its name, with what was read for its last message that the model was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    name: String,
    read: Vec<Read>,
}

impl Conversation {
    /// One in which nothing was read.
    pub fn new(name: &str) -> Conversation {
        Conversation { name: name.to_owned(), read: Vec::new() }
    }

    /// The same for its next message: nothing was read for that so far.
    pub fn again(&self) -> Conversation {
        Conversation::new(&self.name)
    }

    /// Whether nothing was read.
    pub fn is_new(&self) -> bool {
        self.read.is_empty()
    }

    /// Notes that an excerpt is read, and gives the name under which the state after it is kept, if it is.
    pub fn reads(&mut self, gathered: &Gathered, excerpt: &Excerpt) -> Option<String> {
        if self.read.len() == KEPT {
            return None;
        }
        let candidate = &gathered.candidates[excerpt.candidate];
        let (path, ordinal) = (candidate.path.clone(), candidate.passage.ordinal);
        self.read.push(Read { path, ordinal, sentences: excerpt.sentences.clone() });
        Some(format!("{} {}", self.name, self.read.len()))
    }

    /// Widens or moves excerpts to what was read of their passages, where that serves this question as well.
    pub fn go_on_from(&self, gathered: &Gathered, excerpts: &mut [Excerpt]) {
        for excerpt in excerpts {
            if let Some(read) = self.read.iter().find(|read| read.serves(gathered, excerpt)) {
                excerpt.sentences.clone_from(&read.sentences);
            }
        }
    }
}

impl Read {
    /// Whether it is of the same passage and holds the best sentence of the excerpt with its neighbours.
    fn serves(&self, gathered: &Gathered, excerpt: &Excerpt) -> bool {
        let candidate = &gathered.candidates[excerpt.candidate];
        let count = candidate.sentences.len();
        let mut around = excerpt.best.saturating_sub(1)..(excerpt.best + 2).min(count);
        (&self.path, self.ordinal) == (&candidate.path, candidate.passage.ordinal)
            && self.sentences.last().is_some_and(|last| *last < count)
            && around.all(|sentence| self.sentences.contains(&sentence))
    }
}
