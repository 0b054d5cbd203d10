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
    /// Adds a job, ahead of all bulk ones if it is `live`.
    pub fn push(&self, job: Job, live: bool) {
        let mut waiting = self.lock();
        if live {
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
    fn live_jobs_go_first() {
        let jobs = Jobs::default();
        for (path, live) in [("a", false), ("b", true), ("c", false), ("d", true)] {
            jobs.push(Job { path: path.into(), known: None }, live);
        }
        let order: Vec<PathBuf> = (0..4).filter_map(|_| jobs.next()).map(|job| job.path).collect();
        assert_eq!(order, ["b", "d", "a", "c"].map(PathBuf::from));
        jobs.stop();
        assert!(jobs.next().is_none());
    }
}
