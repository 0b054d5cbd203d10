//! The pool of extraction workers: started when there is work, ended when there is none, killed when they hang.
//!
//! A thread of the pool starts every worker: the kernel ends a worker when the *thread* that started it ends,
//! and callers come and go.

mod keeper;
mod lease;
mod process;

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Confinement, ExtractError, MAX_FILE, Result};
use crate::Extracted;
use crate::shared::lock;
use keeper::keep;
use lease::{End, Lease};
use process::Worker;

/// Turns files into text in sandboxed child processes. Any thread may call it; dropping it ends them all.
pub struct Extractor {
    shared: Arc<Shared>,
    keeper: Option<JoinHandle<()>>,
    deadline: Duration,
}

struct Shared {
    argv: Vec<OsString>,
    workers: usize,
    idle_for: Mutex<Duration>,
    state: Mutex<State>,
    /// Something for callers: a worker is free, or could not be started.
    freed: Condvar,
    /// Something for the keeper: a worker is wanted, or all is over.
    wanted: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<(Worker, Instant)>,
    /// Workers that run or are being started.
    alive: usize,
    to_start: usize,
    failures: VecDeque<String>,
    closed: bool,
    confinement: Option<Confinement>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn idle_for(&self) -> Duration {
        *lock(&self.idle_for)
    }
}

impl Extractor {
    /// A pool of at most `workers` processes of the command `argv`, none of which is started yet.
    pub fn new(argv: Vec<OsString>, workers: usize) -> Self {
        let shared = Arc::new(Shared {
            argv,
            workers: workers.max(1),
            idle_for: Mutex::new(Duration::from_secs(30)),
            state: Mutex::default(),
            freed: Condvar::new(),
            wanted: Condvar::new(),
        });
        let keeper = std::thread::Builder::new().name("extract-keeper".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || keep(&shared)
        });
        Self { shared, keeper: keeper.ok(), deadline: Duration::from_secs(20) }
    }

    /// How long a small file may take; a megabyte adds a second. 20 s unless told.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How long a worker may be without work before it is ended. 30 s unless told.
    #[must_use]
    pub fn idle(self, idle: Duration) -> Self {
        *lock(&self.shared.idle_for) = idle;
        self
    }

    /// What the workers are kept from, as the last one that was started found out; `None` before the first.
    pub fn confinement(&self) -> Option<Confinement> {
        self.shared.state().confinement
    }

    /// The process ids of the workers that wait for work.
    #[doc(hidden)]
    pub fn idle_pids(&self) -> Vec<u32> {
        self.shared.state().idle.iter().map(|(worker, _)| worker.id()).collect()
    }

    /// Text and passages of a file that the caller has read. Blocks until a worker is free and done.
    ///
    /// # Errors
    /// What [`super::extract`] says, and [`ExtractError::Crashed`], [`ExtractError::TimedOut`],
    /// [`ExtractError::Unavailable`]. After each of them the next file gets a new worker.
    pub fn extract(&self, path: &Path, bytes: Vec<u8>) -> Result<Extracted> {
        let unavailable = || Err(ExtractError::Unavailable("no reply".to_owned()));
        self.extract_all(&[(path.to_owned(), bytes)]).pop().unwrap_or_else(unavailable)
    }

    /// [`extract`](Extractor::extract) for several files, which one worker gets together, as long as it lives: it need not
    /// wait for the next one. In their order. Once they have taken as long as a single one may, the rest is
    /// [`ExtractError::Unavailable`]: who waits for the caller does not wait for every file that hangs.
    pub fn extract_all(&self, files: &[(PathBuf, Vec<u8>)]) -> Vec<Result<Extracted>> {
        let mut done = Vec::with_capacity(files.len());
        let until = Instant::now() + self.deadline;
        // A worker may have been ended from outside while it waited; that is not this file's fault.
        let mut unheard = 0;
        while done.len() < files.len() {
            match self.run(&files[done.len()..], until, &mut done) {
                End::Done => unheard = 0,
                End::Unheard if unheard <= self.shared.workers => unheard += 1,
                End::Unheard => {
                    done.push(Err(ExtractError::Unavailable("workers end before they take work".to_owned())));
                }
                End::Error(error) => done.push(Err(error)),
            }
        }
        done
    }

    fn run(&self, files: &[(PathBuf, Vec<u8>)], until: Instant, done: &mut Vec<Result<Extracted>>) -> End {
        if files[0].1.len() > MAX_FILE {
            return End::Error(ExtractError::Skipped(format!("too large: over {} MB", MAX_FILE >> 20)));
        }
        if !done.is_empty() && Instant::now() >= until {
            return End::late();
        }
        let mut lease = match self.lease() {
            Ok(lease) => lease,
            Err(error) => return End::Error(error),
        };
        let jobs: Vec<_> = files.iter().take_while(|(_, bytes)| bytes.len() <= MAX_FILE).collect();
        let end = lease.run(&jobs, self.deadline, until, done);
        if matches!(end, End::Done) {
            lease.give_back(jobs.iter().map(|(_, bytes)| bytes.len()).max().unwrap_or(0));
        }
        end
    }

    fn lease(&self) -> Result<Lease<'_>> {
        let mut state = self.shared.state();
        let mut asked = false;
        loop {
            if state.closed || self.keeper.is_none() {
                return Err(ExtractError::Unavailable("the pool is closed".to_owned()));
            }
            if let Some((worker, _)) = state.idle.pop() {
                return Ok(Lease::new(&self.shared, worker));
            }
            if let Some(reason) = state.failures.pop_front() {
                return Err(ExtractError::Unavailable(reason));
            }
            if !asked && state.alive < self.shared.workers {
                asked = true;
                state.alive += 1;
                state.to_start += 1;
                self.shared.wanted.notify_one();
            }
            state = self.shared.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
            asked &= state.alive >= self.shared.workers || state.to_start > 0;
        }
    }
}

impl Drop for Extractor {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        self.shared.wanted.notify_all();
        self.shared.freed.notify_all();
        if let Some(keeper) = self.keeper.take() {
            // A keeper that panicked has nothing more to say.
            let _ = keeper.join();
        }
    }
}
