//! Questions that are being answered: one generation each, on a thread of its own, shared by all who read it.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use echofs_inference::Cancel;

use super::run::{self, Outcome, Stop};
use super::stream::{End, Stream};
use super::{Answers, Form, Inner, ReadError, Settled, Since, Told, normalised};

/// Questions that are worked on at one time.
pub(super) const RUNNING: usize = 64;
/// How long an answer that is not kept serves further readers of the same question.
const GRACE: Duration = Duration::from_secs(5);

/// A question that is being answered.
#[derive(Debug)]
struct Job {
    key: String,
    stream: Stream,
    cancel: Cancel,
    /// Those who read it while it is made. Changed while `Running` is held.
    readers: AtomicUsize,
}

/// What is under way, by normalised question.
#[derive(Debug, Default)]
pub(super) struct Running {
    jobs: HashMap<String, Arc<Job>>,
    /// Finished but not kept, each until a moment.
    brief: Vec<(Instant, Arc<Job>)>,
}

impl Answers {
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
        if let Some(job) = running.jobs.get(&key) {
            job.readers.fetch_add(1, Ordering::Relaxed);
            return Reader { inner: self.inner.clone(), job: job.clone(), counted: true };
        }
        let (stream, cancel) = Default::default();
        let job = Arc::new(Job { key: key.clone(), stream, cancel, readers: AtomicUsize::new(1) });
        let counted = self.inner.start(&mut running, &job, question);
        Reader { inner: self.inner.clone(), job, counted }
    }
}

impl Running {
    /// Has a job serve no further readers.
    fn leave_out(&mut self, job: &Arc<Job>) {
        if self.jobs.get(&job.key).is_some_and(|known| Arc::ptr_eq(known, job)) {
            self.jobs.remove(&job.key);
        }
    }
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
        running.jobs.insert(job.key.clone(), job.clone());
        true
    }

    fn work(&self, job: &Arc<Job>, question: &str) {
        let end = catch_unwind(AssertUnwindSafe(|| self.answer(job, question)));
        let end = end.unwrap_or_else(|_| End::Failed(ReadError::Failed("an internal error".to_owned())));
        job.stream.end(end);
        self.running().leave_out(job);
    }

    /// A kept answer that is still valid, else a new one.
    fn answer(&self, job: &Arc<Job>, question: &str) -> End {
        let known = self.store.get(&job.key).filter(|entry| self.still_valid(entry));
        if let Some(entry) = known {
            self.tell(Told::Kept(&entry.settled));
            return End::Done(entry.settled.clone());
        }
        let since = Since::now(&self.orders);
        match run::run(&*self.evidence, &*self.generator, question, None, &job.stream, &job.cancel) {
            Ok(outcome) => End::Done(self.keep(job, outcome, &since)),
            Err(Stop::Cancelled) => End::Failed(ReadError::Cancelled),
            Err(Stop::Failed(reason)) => End::Failed(ReadError::Failed(reason)),
        }
    }

    /// Keeps an answer whose documents are still what they were while it was made.
    fn keep(&self, job: &Arc<Job>, outcome: Outcome, since: &Since) -> Arc<Settled> {
        let Outcome { answer, places, keep, failed, without_model } = outcome;
        self.tell(Told::Made(&answer, since));
        let markdown = job.stream.markdown();
        let stands = since.nothing_is_forgotten();
        let unchanged = places.iter().all(|place| self.evidence.stamp(&place.path) == Some(place.stamp));
        if keep && unchanged && stands {
            let entry = self.store.insert(job.key.clone(), markdown, answer, places, without_model);
            return entry.settled.clone();
        }
        if stands && (keep || failed) {
            self.running().brief.push((Instant::now() + GRACE, job.clone()));
        }
        Arc::new(Settled::new(&answer, markdown))
    }

    /// Answers that are not kept, and those that are being made, serve no further readers.
    pub(super) fn forget_running(&self) {
        let mut running = self.running();
        running.brief.clear();
        running.jobs.clear();
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
        if self.job.readers.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.job.cancel.cancel();
            running.leave_out(&self.job);
        }
    }
}
