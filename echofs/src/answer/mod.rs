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
mod evidence;
pub(crate) mod follow_up;
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
pub(crate) mod sentences;
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

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::time::{Duration, Instant};

use echofs_indexer::Index;
use echofs_inference::{Cancel, Generator};

pub use dated::{Dated, When};
pub use evidence::{Evidence, Found, Passage};
pub use listed::{Item, Items};
pub use listing::{Listing, What};
pub use render::{Answer, Citation, NOT_FOUND, Timings, TokenCounts};
pub use versions::Version;

pub(crate) use conversation::Conversation;
pub(crate) use render::evidence;
use run::{Basis, Outcome, Stop};
use store::{Entry, Store};
use stream::End;
pub(crate) use stream::Stream;
use validity::Patience;

/// Answers that are kept.
const KEPT: usize = 500;
/// Questions that are worked on at one time.
const RUNNING: usize = 64;
/// How long an answer that is not kept serves further readers of the same question.
const GRACE: Duration = Duration::from_secs(5);

/// Why answers cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory of kept answers cannot be made or listed.
    #[error("the answers in {path} cannot be opened: {source}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

/// Why a read gave no bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The reader was told to give up.
    #[error("interrupted")]
    Interrupted,
    /// The generation was stopped because nobody read it any more.
    #[error("the answer was cancelled")]
    Cancelled,
    /// Too many questions at one time.
    #[error("too many questions are being answered")]
    Busy,
    /// There is no answer because the search failed.
    #[error("the question cannot be answered: {0}")]
    Failed(String),
}

/// Which form of an answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Evidence, answer, sources; grows while the answer is made.
    Markdown,
    /// One object; there when the answer is finished.
    Json,
}

/// A finished answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// As it was asked, on one line.
    pub question: String,
    /// The Markdown form.
    pub markdown: Arc<[u8]>,
    /// The JSON form.
    pub json: Arc<[u8]>,
    /// When it was finished.
    pub generated_at: jiff::Timestamp,
    /// State of the index it was made from.
    pub epoch: u64,
    /// The model that worded it.
    pub model: Option<String>,
    /// Number of citations.
    pub citations: usize,
    /// Whether the notes hold the answer.
    pub answerable: bool,
}

impl Settled {
    fn new(answer: &Answer, markdown: Vec<u8>) -> Settled {
        Settled {
            question: answer.question.clone(),
            markdown: markdown.into(),
            json: render::json(answer).into(),
            generated_at: answer.generated_at,
            epoch: answer.epoch,
            model: answer.model.clone(),
            citations: answer.citations.len(),
            answerable: answer.answerable,
        }
    }

    /// The bytes of a form.
    pub fn bytes(&self, form: Form) -> &Arc<[u8]> {
        match form {
            Form::Markdown => &self.markdown,
            Form::Json => &self.json,
        }
    }
}

/// A question that is being answered.
#[derive(Debug)]
struct Job {
    key: String,
    stream: Stream,
    cancel: Cancel,
}

/// What is under way, by normalised question, with the number of readers.
#[derive(Debug, Default)]
struct Running {
    jobs: HashMap<String, (Arc<Job>, usize)>,
    /// Finished but not kept, each until a moment.
    brief: Vec<(Instant, Arc<Job>)>,
}

struct Inner {
    evidence: Arc<dyn Evidence>,
    generator: Arc<dyn Generator>,
    store: Store,
    running: Mutex<Running>,
    patience: Patience,
    listener: OnceLock<Listener>,
}

/// A question that was answered.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a> {
    /// With a new answer.
    Made(&'a Answer),
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

    /// Joins the running generation of a question or starts one; never blocks.
    pub fn ask(&self, question: &str) -> Reader {
        let key = normalised(question);
        let mut running = self.inner.running();
        let now = Instant::now();
        running.brief.retain(|(until, _)| *until > now);
        let brief = running.brief.iter().find(|(_, job)| job.key == key).map(|(_, job)| job.clone());
        if let Some(job) = brief {
            return Reader { inner: self.inner.clone(), job, counted: false };
        }
        if let Some((job, readers)) = running.jobs.get_mut(&key) {
            *readers += 1;
            return Reader { inner: self.inner.clone(), job: job.clone(), counted: true };
        }
        let job = Arc::new(Job { key: key.clone(), stream: Stream::default(), cancel: Cancel::default() });
        let counted = self.inner.start(&mut running, &job, question);
        Reader { inner: self.inner.clone(), job, counted }
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

    /// Drops the answers that were made from the document or directory at `path`.
    pub fn forget(&self, path: &Path) {
        self.inner.store.forget(path);
        self.inner.evidence.forget();
        self.inner.running().brief.clear();
    }
}

/// What makes two questions the same: white space and the question mark at the end do not count.
fn normalised(question: &str) -> String {
    text::one_line(question).trim_end_matches(['?', '？', '؟', ' ']).to_owned()
}

impl Inner {
    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the thread of a job. Whether it has to be counted among those running.
    fn start(self: &Arc<Self>, running: &mut Running, job: &Arc<Job>, question: &str) -> bool {
        let known = self.store.get(&job.key).filter(|entry| self.unchanged(entry));
        if let Some(entry) = known {
            self.tell(Told::Kept(&entry.settled));
            job.stream.end(End::Done(entry.settled.clone()));
            return false;
        }
        if running.jobs.len() >= RUNNING {
            job.stream.end(End::Failed(ReadError::Busy));
            return false;
        }
        let (inner, run, question) = (self.clone(), job.clone(), question.to_owned());
        let thread = std::thread::Builder::new().name("answer".to_owned()).spawn(move || inner.work(&run, &question));
        if let Err(error) = thread {
            job.stream.end(End::Failed(ReadError::Failed(error.to_string())));
            return false;
        }
        running.jobs.insert(job.key.clone(), (job.clone(), 1));
        true
    }

    fn work(&self, job: &Arc<Job>, question: &str) {
        let end = catch_unwind(AssertUnwindSafe(|| self.answer(job, question)));
        let end = end.unwrap_or_else(|_| End::Failed(ReadError::Failed("an internal error".to_owned())));
        job.stream.end(end);
        let mut running = self.running();
        if running.jobs.get(&job.key).is_some_and(|(known, _)| Arc::ptr_eq(known, job)) {
            running.jobs.remove(&job.key);
        }
    }

    /// A kept answer that is still valid, else a new one.
    fn answer(&self, job: &Arc<Job>, question: &str) -> End {
        let known = self.store.get(&job.key).filter(|entry| self.still_valid(entry));
        if let Some(entry) = known {
            self.tell(Told::Kept(&entry.settled));
            return End::Done(entry.settled.clone());
        }
        match run::run(&*self.evidence, &*self.generator, question, None, &job.stream, &job.cancel) {
            Ok(outcome) => End::Done(self.keep(job, outcome)),
            Err(Stop::Cancelled) => End::Failed(ReadError::Cancelled),
            Err(Stop::Failed(reason)) => End::Failed(ReadError::Failed(reason)),
        }
    }

    /// Keeps an answer whose documents are still what they were while it was made.
    fn keep(&self, job: &Arc<Job>, outcome: Outcome) -> Arc<Settled> {
        let Outcome { answer, places, keep, failed, without_model } = outcome;
        self.tell(Told::Made(&answer));
        let markdown = job.stream.markdown();
        let unchanged = places.iter().all(|place| self.evidence.stamp(&place.path) == Some(place.stamp));
        if keep && unchanged {
            let entry = self.store.insert(job.key.clone(), markdown, answer, places, without_model);
            return entry.settled.clone();
        }
        if keep || failed {
            self.running().brief.push((Instant::now() + GRACE, job.clone()));
        }
        Arc::new(Settled::new(&answer, markdown))
    }

    fn tell(&self, told: Told) {
        self.listener.get().into_iter().for_each(|listener| listener(told));
    }

    fn drop_outlived(&self) {
        let epoch = self.evidence.epoch();
        if self.patience.seen(epoch) {
            return;
        }
        self.store.all().iter().filter(|entry| self.outlived(entry)).for_each(|entry| self.store.remove(entry));
    }

    /// Whether an entry may be shown now; see [`Answers::get`].
    fn current(self: &Arc<Self>, entry: &Arc<Entry>) -> bool {
        if self.unchanged(entry) {
            return true;
        }
        if self.outlived(entry) {
            self.store.remove(entry);
            return false;
        }
        if !entry.checking.swap(true, Ordering::AcqRel) {
            self.patience.wait(&self.check(entry));
        }
        // One that is still compared is not shown: who reads the question waits for that, and is told what holds.
        self.unchanged(entry) && self.store.get(&entry.key).is_some_and(|known| Arc::ptr_eq(&known, entry))
    }
}

impl Inner {
    /// Compares the evidence of an entry on another thread, which drops its end of the channel when it is done.
    fn check(self: &Arc<Self>, entry: &Arc<Entry>) -> mpsc::Receiver<()> {
        let (done, wait) = mpsc::channel();
        let (inner, checked) = (self.clone(), entry.clone());
        let work = move || {
            inner.still_valid(&checked);
            checked.checking.store(false, Ordering::Release);
            drop(done);
        };
        if let Err(error) = std::thread::Builder::new().name("answer-check".to_owned()).spawn(work) {
            log::warn!("no thread to check an answer: {error}");
            entry.checking.store(false, Ordering::Release);
        }
        wait
    }
}

/// One reader of an answer. The last one dropped while the answer is made stops its generation.
pub struct Reader {
    inner: Arc<Inner>,
    job: Arc<Job>,
    counted: bool,
}

impl Reader {
    /// Bytes of a form at `offset`, at most `size`; waits until there is at least one, or gives none at the end.
    /// `interrupted` is asked every 50 ms while waiting.
    ///
    /// # Errors
    /// [`ReadError::Interrupted`] when `interrupted` says so; the others when there is no answer to read.
    pub fn read(
        &self,
        form: Form,
        offset: u64,
        size: usize,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Vec<u8>, ReadError> {
        self.job.stream.read(form, offset, size, interrupted)
    }

    /// The answer, once it is finished.
    pub fn finished(&self) -> Option<Arc<Settled>> {
        self.job.stream.settled()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if !self.counted {
            return;
        }
        let mut running = self.inner.running();
        let Some((job, readers)) = running.jobs.get_mut(&self.job.key) else { return };
        if !Arc::ptr_eq(job, &self.job) {
            return;
        }
        *readers -= 1;
        if *readers == 0 {
            self.job.cancel.cancel();
            running.jobs.remove(&self.job.key);
        }
    }
}
