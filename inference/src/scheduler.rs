//! One engine, one thread that owns it, a bounded queue in front.
//!
//! A full queue is an error at once, never a wait. The engine gives its memory back after an idle time.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::protocol::Event;
use crate::{Cancel, Completion, Error, Request, State};

/// What runs a model. It lives and dies in the scheduler's thread.
pub trait Engine {
    /// Runs one generation; loads the model first if another one, or none, is in memory.
    ///
    /// # Errors
    /// Those of [`crate::Generator::generate`].
    fn generate(
        &mut self,
        model: &std::path::Path,
        request: &Request,
        cancel: &Cancel,
        on_text: &mut dyn FnMut(&str),
    ) -> Result<Completion, Error>;
    /// Gives the memory of the model back.
    fn unload(&mut self);
    /// The name of the model in memory.
    fn loaded(&self) -> Option<String>;
    /// The build of the CPU code that runs.
    fn cpu(&self) -> Option<String>;
}

/// A generation to be run.
#[derive(Debug)]
pub struct Job {
    /// The model's file.
    pub model: PathBuf,
    /// The prompt.
    pub request: Request,
    /// Ends it.
    pub cancel: Cancel,
    /// Where its text and its end go; the receiver gone means nobody wants it.
    pub events: Sender<Event>,
}

#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<Job>,
    running: bool,
    closed: bool,
    loaded: Option<String>,
    cpu: Option<String>,
    last_end: Option<Instant>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The queue and its engine thread; dropping it ends the thread after the running job.
#[derive(Debug)]
pub struct Scheduler {
    shared: Arc<Shared>,
    capacity: usize,
    started: Instant,
    thread: Option<JoinHandle<()>>,
}

impl Scheduler {
    /// Starts the thread. `make` builds the engine inside of it (again if a job panics); `capacity` is how many jobs may wait.
    pub fn start<E: Engine>(make: impl Fn() -> E + Send + 'static, capacity: usize, idle: Duration) -> Self {
        let shared = Arc::new(Shared::default());
        let inner = Arc::clone(&shared);
        let thread = std::thread::spawn(move || work(&inner, &make, idle));
        Self { shared, capacity, started: Instant::now(), thread: Some(thread) }
    }

    /// Queues a job.
    ///
    /// # Errors
    /// [`Error::Busy`] at once when the queue is full.
    pub fn submit(&self, job: Job) -> Result<(), Error> {
        let mut queue = self.shared.lock();
        queue.jobs.retain(|job| !job.cancel.is_cancelled());
        // The first one does not wait when nothing runs, even if the thread has not taken it yet.
        let room = self.capacity + usize::from(!queue.running);
        if queue.jobs.len() >= room {
            return Err(Error::Busy(queue.jobs.len()));
        }
        queue.jobs.push_back(job);
        self.shared.changed.notify_all();
        Ok(())
    }

    /// What it does, how many jobs wait, the model in memory and the CPU code.
    pub fn state(&self) -> (State, usize, Option<String>, Option<String>) {
        let queue = self.shared.lock();
        let state = if queue.running { State::Busy } else { State::Idle };
        (state, queue.jobs.len(), queue.loaded.clone(), queue.cpu.clone())
    }

    /// How long nothing was to be done; zero while a job runs or waits.
    pub fn idle_for(&self) -> Duration {
        let queue = self.shared.lock();
        match queue.running || !queue.jobs.is_empty() {
            true => Duration::ZERO,
            false => queue.last_end.unwrap_or(self.started).elapsed(),
        }
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

enum Next {
    Job(Job),
    Idle,
    Closed,
}

/// The next job; `Idle` after `idle` without one.
fn next(shared: &Shared, idle: Duration) -> Next {
    let empty = |queue: &mut Queue| queue.jobs.is_empty() && !queue.closed;
    let waited = shared.changed.wait_timeout_while(shared.lock(), idle, empty);
    let (mut queue, _) = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
    match queue.jobs.pop_front() {
        _ if queue.closed => Next::Closed,
        Some(job) => {
            queue.running = true;
            Next::Job(job)
        }
        None => Next::Idle,
    }
}

fn work<E: Engine>(shared: &Shared, make: &impl Fn() -> E, idle: Duration) {
    let mut engine = make();
    note(shared, &engine);
    loop {
        match next(shared, idle) {
            Next::Closed => return,
            Next::Idle => engine.unload(),
            Next::Job(job) => {
                if catch_unwind(AssertUnwindSafe(|| run(&mut engine, &job))).is_err() {
                    let _ = job.events.send(Event::from(&Error::Down("the engine failed on this request".into())));
                    engine = make();
                }
            }
        }
        note(shared, &engine);
    }
}

fn note(shared: &Shared, engine: &impl Engine) {
    let mut queue = shared.lock();
    (queue.loaded, queue.cpu) = (engine.loaded(), engine.cpu());
    if std::mem::take(&mut queue.running) {
        queue.last_end = Some(Instant::now());
    }
}

/// Text is sent no more often than this: on a machine with two cores each piece takes a moment from the threads that
/// compute, and nobody reads faster.
const BEAT: Duration = Duration::from_millis(40);

/// Gathers the text of a job for a moment and sends it.
struct Stream<'a> {
    job: &'a Job,
    pending: String,
    sent: Option<Instant>,
}

impl Stream<'_> {
    fn push(&mut self, text: &str) {
        self.pending.push_str(text);
        if self.sent.is_none_or(|sent| sent.elapsed() >= BEAT) {
            self.flush();
            self.sent = Some(Instant::now());
        }
    }

    /// Sends what was gathered; stops the job when nobody listens any more.
    fn flush(&mut self) {
        let text = std::mem::take(&mut self.pending);
        if !text.is_empty() && self.job.events.send(Event::Text { text }).is_err() {
            self.job.cancel.cancel();
        }
    }
}

/// Runs a job and reports its end.
fn run(engine: &mut impl Engine, job: &Job) {
    if job.cancel.is_cancelled() {
        let _ = job.events.send(Event::from(&Error::Cancelled));
        return;
    }
    let mut stream = Stream { job, pending: String::new(), sent: None };
    let result = engine.generate(&job.model, &job.request, &job.cancel, &mut |text| stream.push(text));
    stream.flush();
    let end = match result {
        Ok(completion) => Event::Done { completion, cpu: engine.cpu() },
        Err(error) => Event::from(&error),
    };
    let _ = job.events.send(end);
}
