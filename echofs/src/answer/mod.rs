//! Questions and their answers.
//!
//! [`Answers`] retrieves evidence, lets the language model word an answer from it, checks every claim against its
//! passage, and keeps the result until its evidence changes. One generation serves all readers of a question.
//!
//! ```text
//! question -> retrieve (sentences) -> evidence is shown -> prompt -> model -> claims -> check -> answer, sources
//! ```
//!
//! Left out: the tree and FUSE, which show these answers as files, and the search itself.

mod answerable;
mod check;
mod conversation;
mod dated;
mod error;
mod evidence;
pub(crate) mod follow_up;
pub(crate) mod forgetting;
mod index;
mod irregular;
mod listed;
mod listing;
mod opposites;
mod outdated;
mod place;
mod prompt;
pub(crate) mod question;
mod relative;
mod render;
mod rerank;
mod retrieve;
mod run;
mod running;
pub(crate) mod sentences;
mod settled;
mod several;
mod short;
mod span;
mod store;
mod stream;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod turns;
mod validity;
mod versions;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use echofs_indexer::Index;
use echofs_inference::{Cancel, Generator};

pub use dated::{Dated, When};
pub use error::{Error, ReadError};
pub use evidence::{Evidence, Found, Passage};
pub use forgetting::{Forgetting, Since};
pub use listed::{Item, Items};
pub use listing::{Listing, What};
pub use render::{Answer, Citation, NOT_FOUND, Timings, TokenCounts};
pub use running::Reader;
pub use settled::{Form, Settled};
pub use versions::Version;

pub(crate) use conversation::Conversation;
pub(crate) use render::evidence;
use run::{Basis, Stop};
use running::Running;
use store::Store;
pub(crate) use stream::Stream;
use validity::Patience;

/// Answers that are kept.
const KEPT: usize = 500;

struct Inner {
    evidence: Arc<dyn Evidence>,
    generator: Arc<dyn Generator>,
    store: Store,
    running: Mutex<Running>,
    patience: Patience,
    orders: Arc<forgetting::Orders>,
    listener: OnceLock<Listener>,
}

/// A question that was answered.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a> {
    /// With a new answer, begun at this moment.
    Made(&'a Answer, &'a Since),
    /// With one that was kept.
    Kept(&'a Settled),
}

/// What is told of every answer that was asked for.
pub type Listener = Box<dyn Fn(Told) + Send + Sync>;

/// All answers of one data directory.
pub struct Answers {
    inner: Arc<Inner>,
}

impl Answers {
    /// Opens the answers kept in `dir`; runs no search and no model.
    ///
    /// # Errors
    /// [`Error::Directory`] when `dir` cannot be made or listed. Damaged answers in it are removed, not an error.
    pub fn open(index: Arc<Index>, generator: Arc<dyn Generator>, dir: PathBuf) -> Result<Arc<Answers>, Error> {
        Answers::with(Arc::new(index::Indexed::new(index)), generator, dir)
    }

    /// The same over any evidence.
    ///
    /// # Errors
    /// As [`open`](Answers::open).
    pub fn with(
        evidence: Arc<dyn Evidence>,
        generator: Arc<dyn Generator>,
        dir: PathBuf,
    ) -> Result<Arc<Answers>, Error> {
        let store = Store::open(dir.clone(), KEPT).map_err(|source| Error::Directory { path: dir, source })?;
        let inner = Inner {
            evidence,
            generator,
            store,
            running: Mutex::default(),
            patience: Patience::default(),
            orders: Arc::default(),
            listener: OnceLock::new(),
        };
        Ok(Arc::new(Answers { inner: Arc::new(inner) }))
    }

    /// Tells `listener` of every question that is answered from now on. Once; later ones are not told.
    pub fn listen(&self, listener: Listener) {
        self.inner.listener.set(listener).ok();
    }

    /// Finished answers, newest first, without those whose documents are gone. From memory.
    pub fn settled(&self) -> Vec<Arc<Settled>> {
        self.inner.drop_outlived();
        self.inner.store.all().iter().map(|entry| entry.settled.clone()).collect()
    }

    /// Whether nothing has changed in the index since an answer was made or last compared with the notes.
    pub fn is_fresh(&self, settled: &Settled) -> bool {
        let known = self.inner.store.peek(&normalised(&settled.question));
        known.is_some_and(|entry| self.inner.unchanged(&entry))
    }

    /// The finished answer of a question if its evidence has not changed.
    ///
    /// Microseconds while the index is unchanged. After a change the evidence is compared in the background, which is
    /// waited for a few milliseconds at most and not at every call; no model runs.
    pub fn get(&self, question: &str) -> Option<Arc<Settled>> {
        let entry = self.inner.store.get(&normalised(question))?;
        self.inner.current(&entry).then(|| entry.settled.clone())
    }

    /// Answers a question for somebody who keeps the answer: it is not listed here, and nobody is told of it. `stream`
    /// gets the Markdown form as it comes. The model goes on from what it read in the conversation. Also whether it failed.
    ///
    /// # Errors
    /// [`ReadError::Cancelled`], [`ReadError::Failed`].
    pub(crate) fn reply(
        &self,
        question: &str,
        conversation: &mut Conversation,
        stream: &Stream,
        cancel: &Cancel,
    ) -> Result<(Answer, bool), ReadError> {
        let (evidence, generator) = (&*self.inner.evidence, &*self.inner.generator);
        match run::run(evidence, generator, question, Some(conversation), stream, cancel) {
            Ok(outcome) => Ok((outcome.answer, outcome.failed)),
            Err(Stop::Cancelled) => Err(ReadError::Cancelled),
            Err(Stop::Failed(reason)) => Err(ReadError::Failed(reason)),
        }
    }

    /// A conversation in which this was asked last, with what the model will have read for it. Searches; runs no model.
    pub(crate) fn recall(&self, name: &str, question: &str) -> Conversation {
        let mut conversation = Conversation::new(name);
        let bases = self.inner.generator.model().map(|_| Basis::all(&*self.inner.evidence, question, None));
        for basis in bases.and_then(Result::ok).iter().flatten() {
            basis.excerpts.iter().for_each(|excerpt| drop(conversation.reads(&basis.gathered, excerpt)));
        }
        conversation
    }

    /// Drops the kept answer of a question; whether there was one.
    pub fn discard(&self, question: &str) -> bool {
        let known = self.inner.store.get(&normalised(question));
        known.is_some_and(|entry| {
            self.inner.store.remove(&entry);
            true
        })
    }

    /// Whether [`get`](Answers::get) has nothing to compare before it can say which kept answers are still valid.
    pub fn is_checked(&self) -> bool {
        self.inner.store.all_are(|entry| self.inner.unchanged(entry))
    }

    /// Keeps no answer that is being made or begun while what this gives lives, since it may rest on what is being forgotten.
    pub fn forgetting(&self) -> Forgetting {
        Forgetting::new(&self.inner.orders)
    }

    /// Drops the answers that were made from the document or directory at `path`.
    pub fn forget(&self, path: &Path) {
        self.inner.store.forget(path);
        self.inner.evidence.forget();
        self.inner.forget_running();
    }
}

/// What makes two questions the same: white space and the question mark at the end do not count.
fn normalised(question: &str) -> String {
    text::one_line(question).trim_end_matches(['?', '？', '؟', ' ']).to_owned()
}

impl Inner {
    fn tell(&self, told: Told) {
        self.listener.get().into_iter().for_each(|listener| listener(told));
    }
}
