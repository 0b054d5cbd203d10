//! Files that wait to be read: those that just changed go before those of a scan.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::record::Key;
use crate::shared::lock;

/// A file to be read.
#[derive(Debug)]
pub struct Job {
    /// Where it is.
    pub path: PathBuf,
    /// Digest of what is indexed of it; `None` to read it in any case.
    pub known: Option<Key>,
    /// Whether somebody may be waiting for it: it goes ahead of the others.
    pub live: bool,
    /// Tells what comes of it from what was asked for before.
    pub number: u64,
}

#[derive(Default)]
struct Waiting {
    live: VecDeque<Job>,
    bulk: VecDeque<Job>,
    stopped: bool,
}

/// A queue for many takers.
#[derive(Default)]
pub struct Jobs {
    waiting: Mutex<Waiting>,
    filled: Condvar,
}

impl Jobs {
    /// Adds a job.
    pub fn push(&self, job: Job) {
        let mut waiting = self.lock();
        if job.live {
            waiting.live.push_back(job)
        } else {
            waiting.bulk.push_back(job)
        }
        self.filled.notify_one();
    }

    /// Waits for a job; `None` after [`stop`](Jobs::stop).
    pub fn next(&self) -> Option<Job> {
        let mut waiting = self.lock();
        loop {
            if waiting.stopped {
                return None;
            }
            let live = waiting.live.pop_front();
            if let Some(job) = live.or_else(|| waiting.bulk.pop_front()) {
                return Some(job);
            }
            waiting = self.filled.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// One that goes together with others, if nobody waits for any.
    pub fn another(&self) -> Option<Job> {
        let mut waiting = self.lock();
        if waiting.stopped || !waiting.live.is_empty() { None } else { waiting.bulk.pop_front() }
    }

    /// Ends all takers.
    pub fn stop(&self) {
        self.lock().stopped = true;
        self.filled.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_jobs_go_first_and_alone() {
        let jobs = Jobs::default();
        for (path, live) in [("a", false), ("b", true), ("c", false), ("d", true)] {
            jobs.push(Job { path: path.into(), known: None, live, number: 0 });
        }
        let path = |job: Option<Job>| job.map(|job| job.path.to_string_lossy().into_owned());
        assert_eq!(path(jobs.next()).as_deref(), Some("b"));
        assert_eq!(path(jobs.another()), None, "d is live");
        assert_eq!(path(jobs.next()).as_deref(), Some("d"));
        assert_eq!(path(jobs.another()).as_deref(), Some("a"));
        assert_eq!(path(jobs.next()).as_deref(), Some("c"));
        jobs.stop();
        assert!(jobs.next().is_none() && jobs.another().is_none());
    }
}
