//! An engine, a thread and a bounded queue for each class of work.
//!
//! A full queue is an error at once, never a wait. Work gives way to higher classes between its steps (see [`crate::turn`]); it
//! keeps its engine's state meanwhile, so that nothing is computed twice. An engine gives its memory back after an idle time.

mod hang;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::protocol::{ClassHealth, Event};
use crate::turn::{Load, Ticket, Turn};
use crate::{Adapter, Cancel, Class, Completion, Error, Request, State, priority};

/// What runs a model. It lives and dies in a thread of the scheduler.
pub trait Engine {
    /// Runs one generation; loads the model first if another one, or none, is in memory. Calls [`Turn::wait`] before each
    /// step.
    ///
    /// # Errors
    /// Those of [`crate::Generator::generate`].
    fn generate(&mut self, work: &Work, turn: &Turn<'_>, on_text: &mut dyn FnMut(&str)) -> Result<Completion, Error>;
    /// Keeps what later work can go on from. Called after each generation, once its caller has the end of it and before
    /// anything else is asked of the engine.
    fn keep_state(&mut self) {}
    /// Gives back what is out of date: another engine uses another model now, or kept states were forgotten.
    fn tidy(&mut self);
    /// Gives the memory of the model back.
    fn unload(&mut self);
    /// The name of the model in memory.
    fn loaded(&self) -> Option<String>;
    /// The build of the CPU code that runs.
    fn cpu(&self) -> Option<String>;
}

/// What is to be generated with what.
#[derive(Clone, Debug)]
pub struct Work {
    /// The model's file.
    pub model: PathBuf,
    /// The adapter on top of it.
    pub adapter: Option<Adapter>,
    /// The prompt.
    pub request: Request,
}

/// A generation to be run.
#[derive(Debug)]
pub struct Job {
    /// What it is.
    pub work: Work,
    /// Ends it.
    pub cancel: Cancel,
    /// Where its text and its end go; the receiver gone means nobody wants it.
    pub events: Sender<Event>,
}

#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<(Job, Ticket)>,
    running: bool,
    closed: bool,
    untidy: bool,
    loaded: Option<String>,
    cpu: Option<String>,
}

impl Queue {
    fn drop_cancelled(&mut self) {
        self.jobs.retain(|(job, _)| {
            let cancelled = job.cancel.is_cancelled();
            if cancelled {
                let _ = job.events.send(Event::from(&Error::Cancelled));
            }
            !cancelled
        });
    }
}

/// The queues, one for each class.
#[derive(Debug)]
struct Shared {
    queues: Mutex<[Queue; 3]>,
    changed: Condvar,
    load: Arc<Load>,
    last_end: Mutex<Instant>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, [Queue; 3]> {
        self.queues.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn last_end(&self) -> MutexGuard<'_, Instant> {
        self.last_end.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The queues and their engine threads; dropping it ends the threads after the running jobs.
#[derive(Debug)]
pub struct Scheduler {
    shared: Arc<Shared>,
    capacity: usize,
    threads: Vec<JoinHandle<()>>,
}

impl Scheduler {
    /// Starts the threads. `make` builds the engine of a class inside of its thread (again if a job panics); `capacity` is how
    /// many jobs of a class may wait.
    pub fn start<E: Engine>(
        make: impl Fn(Class) -> E + Send + Sync + 'static,
        capacity: usize,
        idle: Duration,
    ) -> Self {
        let shared = Arc::new(Shared {
            queues: Mutex::default(),
            changed: Condvar::new(),
            load: Arc::default(),
            last_end: Mutex::new(Instant::now()),
        });
        let make = Arc::new(make);
        let start = |class| {
            let (shared, make) = (Arc::clone(&shared), Arc::clone(&make));
            std::thread::spawn(move || {
                priority::take_long_turns();
                if class == Class::Background {
                    priority::lower_this_thread();
                }
                work(&shared, class, &*make, idle);
            })
        };
        let threads = Class::ALL.into_iter().map(start).collect();
        Self { shared, capacity, threads }
    }

    /// Queues a job.
    ///
    /// # Errors
    /// [`Error::Busy`] at once when the queue of its class is full.
    pub fn submit(&self, job: Job) -> Result<(), Error> {
        let class = job.work.request.class;
        let mut queues = self.shared.lock();
        let queue = &mut queues[class as usize];
        queue.drop_cancelled();
        // The first one does not wait when nothing runs, even if the thread has not taken it yet.
        let room = self.capacity + usize::from(!queue.running);
        if queue.jobs.len() >= room {
            return Err(Error::Busy(queue.jobs.len()));
        }
        queue.jobs.push_back((job, self.shared.load.enter(class)));
        self.shared.changed.notify_all();
        Ok(())
    }

    /// Ends the jobs that wait and that nobody wants any more.
    pub fn drop_cancelled(&self) {
        self.shared.lock().iter_mut().for_each(Queue::drop_cancelled);
    }

    /// Has every engine give back what is out of date, those that run a job after it.
    pub fn tidy(&self) {
        self.shared.lock().iter_mut().for_each(|queue| queue.untidy = true);
        self.shared.changed.notify_all();
    }

    /// What it does, how many jobs wait, the model in memory and the CPU code.
    pub fn state(&self) -> (State, usize, Option<String>, Option<String>) {
        let queues = self.shared.lock();
        let state = if queues.iter().any(|queue| queue.running) { State::Busy } else { State::Idle };
        let waiting = queues.iter().map(|queue| queue.jobs.len()).sum();
        let first = |of: fn(&Queue) -> Option<&String>| queues.iter().find_map(of).cloned();
        (state, waiting, first(|queue| queue.loaded.as_ref()), first(|queue| queue.cpu.as_ref()))
    }

    /// The same for each class.
    pub fn classes(&self) -> Vec<ClassHealth> {
        let queues = self.shared.lock();
        let health =
            |(class, queue): (Class, &Queue)| ClassHealth { class, running: queue.running, waiting: queue.jobs.len() };
        Class::ALL.into_iter().zip(queues.iter()).map(health).collect()
    }

    /// How long nothing was to be done; zero while a job runs or waits.
    pub fn idle_for(&self) -> Duration {
        match self.shared.lock().iter().any(|queue| queue.running || !queue.jobs.is_empty()) {
            true => Duration::ZERO,
            false => self.shared.last_end().elapsed(),
        }
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        for queue in self.shared.lock().iter_mut() {
            queue.closed = true;
            queue.jobs.clear();
        }
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

enum Next {
    Job(Box<Job>, Ticket),
    Tidy,
    Idle,
    Closed,
}

/// The next job of a class; `Idle` when it has had none until then.
fn next(shared: &Shared, class: Class, until: Option<Instant>) -> Next {
    let mut queues = shared.lock();
    loop {
        let queue = &mut queues[class as usize];
        if queue.closed {
            return Next::Closed;
        }
        if let Some((job, ticket)) = queue.jobs.pop_front() {
            queue.running = true;
            return Next::Job(Box::new(job), ticket);
        }
        if std::mem::take(&mut queue.untidy) {
            return Next::Tidy;
        }
        queues = match until.map(|until| until.saturating_duration_since(Instant::now())) {
            Some(Duration::ZERO) => return Next::Idle,
            Some(left) => shared.changed.wait_timeout(queues, left).unwrap_or_else(|poisoned| poisoned.into_inner()).0,
            None => shared.changed.wait(queues).unwrap_or_else(|poisoned| poisoned.into_inner()),
        };
    }
}

fn work<E: Engine>(shared: &Shared, class: Class, make: &impl Fn(Class) -> E, idle: Duration) {
    let make = || make(class);
    let mut engine = make();
    let mut until = Instant::now().checked_add(idle);
    loop {
        note(shared, class, &engine);
        match next(shared, class, until) {
            Next::Closed => return,
            Next::Tidy => {
                guarded(&mut engine, make, E::tidy);
            }
            Next::Idle => {
                guarded(&mut engine, make, E::unload);
                // There is nothing more to give back before the next job.
                until = None;
            }
            Next::Job(job, ticket) => {
                let done = guarded(&mut engine, make, |engine| run(engine, &job, &shared.load));
                let failed = || Event::from(&Error::Down("the engine failed on this request".into()));
                // Who hears of the end may ask at once what is in memory.
                note(shared, class, &engine);
                let _ = job.events.send(done.unwrap_or_else(failed));
                drop(job);
                end(shared, class, ticket);
                guarded(&mut engine, make, E::keep_state);
                until = Instant::now().checked_add(idle);
            }
        }
    }
}

/// What an engine does; one that panics is replaced.
fn guarded<E, T>(engine: &mut E, make: impl Fn() -> E, act: impl FnOnce(&mut E) -> T) -> Option<T> {
    let done = catch_unwind(AssertUnwindSafe(|| act(engine))).ok();
    if done.is_none() {
        *engine = make();
    }
    done
}

/// A job ended: the other engines may hold what is out of date by it.
fn end(shared: &Shared, class: Class, ticket: Ticket) {
    *shared.last_end() = Instant::now();
    let mut queues = shared.lock();
    queues[class as usize].running = false;
    for other in Class::ALL.into_iter().filter(|other| *other != class) {
        queues[other as usize].untidy = true;
    }
    drop(ticket);
    shared.changed.notify_all();
}

fn note(shared: &Shared, class: Class, engine: &impl Engine) {
    let queue = &mut shared.lock()[class as usize];
    (queue.loaded, queue.cpu) = (engine.loaded(), engine.cpu());
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

/// Runs a job; gives what ends it.
fn run(engine: &mut impl Engine, job: &Job, load: &Load) -> Event {
    let turn = Turn { class: job.work.request.class, cancel: &job.cancel, load: Some(load) };
    let mut stream = Stream { job, pending: String::new(), sent: None };
    let result = turn.wait().and_then(|()| engine.generate(&job.work, &turn, &mut |text| stream.push(text)));
    stream.flush();
    match result {
        Ok(completion) => Event::Done { completion, cpu: engine.cpu() },
        Err(error) => Event::from(&error),
    }
}

#[cfg(test)]
mod tests;
