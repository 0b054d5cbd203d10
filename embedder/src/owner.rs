//! The thread that owns a model: it starts when the first work comes, loads the model for it, does one piece at a time,
//! and lets the model go when nobody has needed it for long.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
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
    /// The model leaves memory when it was not used for so long; it comes back in a tenth of a second.
    pub idle: Duration,
}

/// Long enough for a person who goes on searching.
const IDLE: Duration = Duration::from_secs(15 * 60);

impl Options {
    /// One thread and a quarter of an hour, with this runtime library.
    pub fn new(runtime: impl Into<PathBuf>) -> Self {
        Self { runtime: runtime.into(), threads: 1, idle: IDLE }
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

/// A model and its thread.
pub struct Owner<W: Work> {
    work: Arc<W>,
    idle: Duration,
    queue: Arc<Queue<Job<W>>>,
    loaded: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl<W: Work> Owner<W> {
    /// A model that is not yet loaded, and leaves memory when it was not used for as long as `idle`.
    pub fn new(work: W, idle: Duration) -> Self {
        let (queue, loaded) = (Arc::default(), Arc::default());
        Self { work: Arc::new(work), idle, queue, loaded, thread: Mutex::new(None) }
    }

    /// What the model is.
    pub fn work(&self) -> &W {
        &self.work
    }

    /// Has these done in their order; what is not begun at `until` is given up.
    pub fn ask(&self, inputs: impl Iterator<Item = W::Input>, until: Option<Instant>) -> Replies<W> {
        let (reply, replies) = mpsc::channel();
        self.start();
        self.queue.push(inputs.enumerate().map(|(index, input)| Job { index, input, until, reply: reply.clone() }));
        replies
    }

    /// Has one done ahead of all others.
    pub fn ask_first(&self, input: W::Input) -> Replies<W> {
        let (reply, replies) = mpsc::channel();
        self.start();
        self.queue.push_urgent(Job { index: 0, input, until: None, reply });
        replies
    }

    /// Whether the model is in memory now.
    pub fn loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    /// Gives the model's memory back until it is needed again.
    pub fn unload(&self) {
        self.queue.unload();
    }

    fn start(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let (queue, idle) = (self.queue.clone(), self.idle);
            let running = Running { work: self.work.clone(), loaded: self.loaded.clone(), engine: None };
            match std::thread::Builder::new().name("model".into()).spawn(move || running.run(&queue, idle)) {
                Ok(handle) => *thread = Some(handle),
                Err(e) => log::error!("no thread for the model in {}: {e}", self.work.dir().display()),
            }
        }
    }
}

impl<W: Work> Drop for Owner<W> {
    fn drop(&mut self) {
        self.queue.stop();
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|handle| handle.join().is_err()) {
            log::error!("the thread of the model in {} panicked", self.work.dir().display());
        }
    }
}

/// What the thread has.
struct Running<W: Work> {
    work: Arc<W>,
    loaded: Arc<AtomicBool>,
    engine: Option<W::Engine>,
}

impl<W: Work> Running<W> {
    fn run(mut self, queue: &Queue<Job<W>>, idle: Duration) {
        loop {
            match queue.next(self.engine.as_ref().map(|_| idle)) {
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

    /// A panic of the libraries below is an error of this piece.
    fn work_on(&mut self, input: W::Input) -> Result<W::Output, Error> {
        let result = catch_unwind(AssertUnwindSafe(|| self.try_work_on(input)));
        result.unwrap_or_else(|_| {
            self.forget_engine();
            Err(Error::Failed("the model panicked".into()))
        })
    }

    fn try_work_on(&mut self, input: W::Input) -> Result<W::Output, Error> {
        let engine = match &mut self.engine {
            Some(engine) => engine,
            none => {
                let started = Instant::now();
                let engine = none.insert(self.work.load()?);
                self.loaded.store(true, Ordering::Release);
                log::info!("loaded {} in {:.0?}", self.work.dir().display(), started.elapsed());
                engine
            }
        };
        self.work.run(engine, input)
    }

    fn forget_engine(&mut self) {
        self.engine = None;
        self.loaded.store(false, Ordering::Release);
    }
}
