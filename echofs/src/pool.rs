//! Threads for what must not hold up the event loop.
//!
//! Two kinds of work: jobs of milliseconds (a search, an fsync), done by a few threads that stay, and reads
//! that wait for an answer, each on a thread of its own up to a bound.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crossbeam_channel::Sender;

type Job = Box<dyn FnOnce() + Send>;

/// Most reads that wait at one time.
const MAX_WAITING: usize = 256;
/// A waiting read needs little stack.
const WAITING_STACK: usize = 256 << 10;

/// The threads.
pub struct Pool {
    jobs: Sender<Job>,
    waiting: Arc<AtomicUsize>,
}

/// A place among those who may wait; given back when it is dropped.
pub struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Pool {
    /// Starts `threads` threads for short jobs.
    pub fn new(threads: usize) -> io::Result<Pool> {
        let (jobs, receiver) = crossbeam_channel::unbounded::<Job>();
        for n in 0..threads {
            let receiver = receiver.clone();
            let work = move || receiver.into_iter().for_each(caught);
            thread::Builder::new().name(format!("echofs-work-{n}")).spawn(work)?;
        }
        Ok(Pool { jobs, waiting: Arc::default() })
    }

    /// Does `job` soon on another thread.
    pub fn run(&self, job: impl FnOnce() + Send + 'static) {
        if self.jobs.send(Box::new(job)).is_err() {
            log::error!("no thread is left to do the work");
        }
    }

    /// A place to wait in, or `None` when all are taken.
    pub fn place(&self) -> Option<Place> {
        let place = Place(Arc::clone(&self.waiting));
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        (before < MAX_WAITING).then_some(place)
    }

    /// Does `job`, which may wait for long, on a thread of its own.
    pub fn wait(&self, place: Place, job: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let job = move || {
            let _place = place;
            caught(job);
        };
        thread::Builder::new().name("echofs-wait".into()).stack_size(WAITING_STACK).spawn(job)?;
        Ok(())
    }
}

/// Runs `job`; a panic in it is logged and ends there. A reply that it held is answered EIO as it is dropped.
pub fn caught(job: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(job)).is_err() {
        log::error!("a request panicked; it was answered with an input/output error");
    }
}
