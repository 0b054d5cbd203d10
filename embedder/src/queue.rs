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
        self.filled.notify_all();
    }

    /// Adds others; how many wait then that are not urgent.
    pub fn push(&self, jobs: impl IntoIterator<Item = J>) -> usize {
        let mut waiting = self.lock();
        waiting.others.extend(jobs);
        self.filled.notify_all();
        waiting.others.len()
    }

    /// Takes one back, which goes ahead of the others that are not urgent.
    pub fn put_back(&self, job: J) {
        self.lock().others.push_front(job);
        self.filled.notify_all();
    }

    /// Asks for the model's memory once nothing waits.
    pub fn unload(&self) {
        self.lock().unload = true;
        self.filled.notify_all();
    }

    /// Drops what waits, so that its callers see the end of their channel.
    pub fn clear(&self) {
        let mut waiting = self.lock();
        waiting.urgent.clear();
        waiting.others.clear();
    }

    /// Ends the owner and its helpers; what waits is dropped.
    pub fn stop(&self) {
        self.clear();
        self.lock().stop = true;
        self.filled.notify_all();
    }

    /// Waits for the next thing to do; after `patience` that is to give the memory back.
    pub fn next(&self, patience: Option<Duration>) -> Task<J> {
        self.wait(patience, |waiting| match waiting.urgent.pop_front().or_else(|| waiting.others.pop_front()) {
            Some(job) => Some(Task::Do(job)),
            None => std::mem::take(&mut waiting.unload).then_some(Task::Unload),
        })
    }

    /// Waits until at least `many` that are not urgent are there, for one who takes them off the owner's hands; after
    /// `patience` the next thing to do is to give the memory back.
    pub fn next_of_many(&self, many: usize, patience: Option<Duration>) -> Task<J> {
        self.wait(patience, |waiting| {
            let job = if waiting.others.len() < many { None } else { waiting.others.pop_front() };
            job.map(Task::Do)
        })
    }

    fn wait(&self, patience: Option<Duration>, take: impl Fn(&mut Waiting<J>) -> Option<Task<J>>) -> Task<J> {
        let until = patience.and_then(|patience| Instant::now().checked_add(patience));
        let mut waiting = self.lock();
        loop {
            if waiting.stop {
                return Task::Stop;
            }
            if let Some(task) = take(&mut waiting) {
                return task;
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            waiting = match left {
                Some(Duration::ZERO) => return Task::Unload,
                Some(left) => self.filled.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.filled.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<J>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
