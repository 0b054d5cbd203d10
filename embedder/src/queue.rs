//! What waits for a model: what is urgent first, the rest in the order it came.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What the owner of the model does next.
pub enum Task<J> {
    /// This.
    Do(J),
    /// Give the memory back.
    Unload,
    /// End.
    Stop,
}

struct Waiting<J> {
    urgent: VecDeque<J>,
    others: VecDeque<J>,
    unload: bool,
    stop: bool,
}

/// Shared by the callers and the owner of the model.
pub struct Queue<J> {
    waiting: Mutex<Waiting<J>>,
    filled: Condvar,
}

impl<J> Default for Queue<J> {
    fn default() -> Self {
        let waiting = Waiting { urgent: VecDeque::new(), others: VecDeque::new(), unload: false, stop: false };
        Self { waiting: Mutex::new(waiting), filled: Condvar::new() }
    }
}

impl<J> Queue<J> {
    /// Adds one that goes ahead of all that are not urgent.
    pub fn push_urgent(&self, job: J) {
        self.lock().urgent.push_back(job);
        self.filled.notify_one();
    }

    /// Adds others.
    pub fn push(&self, jobs: impl IntoIterator<Item = J>) {
        self.lock().others.extend(jobs);
        self.filled.notify_one();
    }

    /// Asks for the model's memory once nothing waits.
    pub fn unload(&self) {
        self.lock().unload = true;
        self.filled.notify_one();
    }

    /// Ends the owner; what waits is dropped, so that its callers see the end of their channel.
    pub fn stop(&self) {
        let mut waiting = self.lock();
        waiting.stop = true;
        waiting.urgent.clear();
        waiting.others.clear();
        self.filled.notify_one();
    }

    /// Waits for the next thing to do; after `patience` that is to give the memory back.
    pub fn next(&self, patience: Option<Duration>) -> Task<J> {
        let until = patience.and_then(|patience| Instant::now().checked_add(patience));
        let mut waiting = self.lock();
        loop {
            if waiting.stop {
                return Task::Stop;
            }
            if let Some(job) = waiting.urgent.pop_front().or_else(|| waiting.others.pop_front()) {
                return Task::Do(job);
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if std::mem::take(&mut waiting.unload) || left == Some(Duration::ZERO) {
                return Task::Unload;
            }
            waiting = match left {
                Some(left) => self.filled.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.filled.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<J>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
