//! The thread that owns a model: it starts when the first work comes, loads the model for it, does one piece at a time,
//! and lets the model go when nobody has needed it for long. While much waits, helpers of low priority do some of it,
//! each with the model once more, and let go of that soon.

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::Error;
use crate::queue::{Queue, Task};

/// How a model is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The ONNX runtime library.
    pub runtime: PathBuf,
    /// Threads that work on one text. One is best while other processes are busy.
    pub threads: usize,
    /// How many helpers embed while many texts wait.
    pub helpers: usize,
    /// The model leaves memory when it was not used for so long; it comes back in a tenth of a second.
    pub idle: Duration,
}

/// Long enough for a person who goes on searching.
const IDLE: Duration = Duration::from_secs(15 * 60);
/// How long a helper keeps its model when nothing waits.
const HELPER_IDLE: Duration = Duration::from_secs(10);
/// A helper goes behind what a person waits for, and yet takes no more than a second for a text on a busy machine, so that
/// the others of its batch need not wait long.
const HELPER_NICENESS: i32 = 10;
/// So many waiting pieces of work are worth to load a model once more.
const MANY: usize = 8;
/// More helpers than this gain little and heat a laptop.
const MAX_HELPERS: usize = 3;

impl Options {
    /// One thread, a helper for every two cores and a quarter of an hour, with this runtime library.
    pub fn new(runtime: impl Into<PathBuf>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { runtime: runtime.into(), threads: 1, helpers: (cores / 2).min(MAX_HELPERS), idle: IDLE }
    }
}

/// A model that can be loaded, and what it does then.
pub trait Work: Send + Sync + 'static {
    /// The model in memory.
    type Engine: Send;
    /// One piece of work.
    type Input: Send + 'static;
    /// What comes of it.
    type Output: Send + 'static;

    /// Where the model is.
    fn dir(&self) -> &Path;
    /// Brings it into memory.
    ///
    /// # Errors
    /// [`Error::Missing`] or [`Error::Unusable`].
    fn load(&self) -> Result<Self::Engine, Error>;
    /// Does one piece of work.
    ///
    /// # Errors
    /// [`Error::Failed`].
    fn run(&self, engine: &mut Self::Engine, input: Self::Input) -> Result<Self::Output, Error>;
}

/// A piece of work and where its result goes.
struct Job<W: Work> {
    /// Position among those of its caller.
    index: usize,
    input: W::Input,
    /// After this nobody waits for it.
    until: Option<Instant>,
    /// A caller that has gone away is not an error.
    reply: mpsc::Sender<(usize, Result<W::Output, Error>)>,
}

/// Results with their positions, as they come; ends when all have come or were given up.
pub type Replies<W> = mpsc::Receiver<(usize, Result<<W as Work>::Output, Error>)>;

/// A model and its threads.
pub struct Owner<W: Work> {
    work: Arc<W>,
    idle: Duration,
    helpers: usize,
    queue: Arc<Queue<Job<W>>>,
    /// How often the model is in memory.
    loaded: Arc<AtomicUsize>,
    /// The owner, then its helpers.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl<W: Work> Owner<W> {
    /// A model that is not yet loaded, and leaves memory when it was not used for as long as `idle`; so many helpers at
    /// most.
    pub fn new(work: W, idle: Duration, helpers: usize) -> Self {
        let (queue, loaded) = (Arc::default(), Arc::default());
        Self { work: Arc::new(work), idle, helpers, queue, loaded, threads: Mutex::default() }
    }

    /// What the model is.
    pub fn work(&self) -> &W {
        &self.work
    }

    /// Has these begun in their order; what is not begun at `until` is given up.
    pub fn ask(&self, inputs: impl Iterator<Item = W::Input>, until: Option<Instant>) -> Replies<W> {
        let (reply, replies) = mpsc::channel();
        let jobs = inputs.enumerate().map(|(index, input)| Job { index, input, until, reply: reply.clone() });
        let waiting = self.queue.push(jobs);
        self.start(if waiting < MANY { 0 } else { self.helpers });
        replies
    }

    /// Has one done ahead of all others.
    pub fn ask_first(&self, input: W::Input) -> Replies<W> {
        let (reply, replies) = mpsc::channel();
        self.queue.push_urgent(Job { index: 0, input, until: None, reply });
        self.start(0);
        replies
    }

    /// Whether the model is in memory now.
    pub fn loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire) > 0
    }

    /// Gives the model's memory back until it is needed again.
    pub fn unload(&self) {
        self.queue.unload();
    }

    /// Sees to it that the owner and so many helpers are there.
    fn start(&self, helpers: usize) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        while threads.len() < 1 + helpers {
            let running = Running { work: self.work.clone(), loaded: self.loaded.clone(), engine: None };
            let (queue, idle, first) = (self.queue.clone(), self.idle, threads.is_empty());
            let run = move || if first { running.own(&queue, idle) } else { running.help(&queue, idle) };
            match std::thread::Builder::new().name("model".into()).spawn(run) {
                Ok(handle) => threads.push(handle),
                Err(e) => {
                    log::error!("no thread for the model in {}: {e}", self.work.dir().display());
                    if threads.is_empty() {
                        self.queue.clear();
                    }
                    return;
                }
            }
        }
    }
}

impl<W: Work> Drop for Owner<W> {
    fn drop(&mut self) {
        self.queue.stop();
        for thread in self.threads.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            if thread.join().is_err() {
                log::error!("a thread of the model in {} panicked", self.work.dir().display());
            }
        }
    }
}

/// What a thread has.
struct Running<W: Work> {
    work: Arc<W>,
    loaded: Arc<AtomicUsize>,
    engine: Option<W::Engine>,
}

impl<W: Work> Running<W> {
    fn own(self, queue: &Queue<Job<W>>, idle: Duration) {
        self.run(|running| queue.next(running.engine.as_ref().map(|_| idle)));
    }

    /// Takes what is over while the owner is busy, if it can have the model once more. On Linux a thread has a niceness of
    /// its own.
    fn help(self, queue: &Queue<Job<W>>, idle: Duration) {
        let idle = idle.min(HELPER_IDLE);
        if let Err(e) = rustix::process::nice(HELPER_NICENESS) {
            log::warn!("a helper has the priority of all: {e}");
        }
        self.run(|running| {
            let (many, patience) = if running.engine.is_some() { (1, Some(idle)) } else { (MANY, None) };
            match queue.next_of_many(many, patience) {
                Task::Do(job) if !running.can_help() => {
                    queue.put_back(job);
                    Task::Stop
                }
                task => task,
            }
        });
    }

    fn run(mut self, next: impl Fn(&mut Self) -> Task<Job<W>>) {
        loop {
            match next(&mut self) {
                Task::Do(job) if job.until.is_some_and(|until| until <= Instant::now()) => {}
                Task::Do(job) => {
                    let result = self.work_on(job.input);
                    job.reply.send((job.index, result)).ok();
                }
                Task::Unload => self.forget_engine(),
                Task::Stop => return,
            }
        }
    }

    /// What a helper cannot load is no fault of the text that it was to do.
    fn can_help(&mut self) -> bool {
        let loaded = self.guarded(|running| running.engine().map(|_| ()));
        loaded.inspect_err(|e| log::warn!("a helper has no model: {e}")).is_ok()
    }

    fn work_on(&mut self, input: W::Input) -> Result<W::Output, Error> {
        let work = self.work.clone();
        self.guarded(|running| work.run(running.engine()?, input))
    }

    /// A panic of the libraries below is an error of this piece.
    fn guarded<R>(&mut self, work: impl FnOnce(&mut Self) -> Result<R, Error>) -> Result<R, Error> {
        let result = catch_unwind(AssertUnwindSafe(|| work(self)));
        result.unwrap_or_else(|_| {
            self.forget_engine();
            Err(Error::Failed("the model panicked".into()))
        })
    }

    /// The model, brought into memory if it is not there.
    fn engine(&mut self) -> Result<&mut W::Engine, Error> {
        match &mut self.engine {
            Some(engine) => Ok(engine),
            none => {
                let started = Instant::now();
                let engine = none.insert(self.work.load()?);
                self.loaded.fetch_add(1, Ordering::Release);
                log::info!("loaded {} in {:.0?}", self.work.dir().display(), started.elapsed());
                Ok(engine)
            }
        }
    }

    fn forget_engine(&mut self) {
        if self.engine.take().is_some() {
            self.loaded.fetch_sub(1, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests;
