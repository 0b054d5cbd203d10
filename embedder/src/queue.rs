//! What waits for the model: queries first, passages in the order they came.

use std::collections::VecDeque;
use std::sync::mpsc::Sender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Error;

/// One text to embed and where its vector goes.
pub struct Job {
    /// Position among the texts of its caller.
    pub index: usize,
    /// The text, with the model's prefix.
    pub text: String,
    /// Takes the vector; a caller that has gone away is not an error.
    pub reply: Sender<(usize, Result<Vec<f32>, Error>)>,
}

/// What the owner of the model does next.
pub enum Task {
    /// Embed this.
    Embed(Job),
    /// Give the memory back.
    Unload,
    /// End.
    Stop,
}

#[derive(Default)]
struct Waiting {
    queries: VecDeque<Job>,
    passages: VecDeque<Job>,
    unload: bool,
    stop: bool,
}

/// Shared by the callers and the owner of the model.
#[derive(Default)]
pub struct Queue {
    waiting: Mutex<Waiting>,
    filled: Condvar,
}

impl Queue {
    /// Adds jobs that go ahead of all passages.
    pub fn push_query(&self, job: Job) {
        self.lock().queries.push_back(job);
        self.filled.notify_one();
    }

    /// Adds passages.
    pub fn push_passages(&self, jobs: impl IntoIterator<Item = Job>) {
        self.lock().passages.extend(jobs);
        self.filled.notify_one();
    }

    /// Asks for the model's memory once nothing waits.
    pub fn unload(&self) {
        self.lock().unload = true;
        self.filled.notify_one();
    }

    /// Ends the owner; what waits is dropped, so that its callers see the end of their channel.
    pub fn stop(&self) {
        *self.lock() = Waiting { stop: true, ..Waiting::default() };
        self.filled.notify_one();
    }

    /// Waits for the next thing to do; after `patience` that is to give the memory back.
    pub fn next(&self, patience: Option<Duration>) -> Task {
        let until = patience.and_then(|patience| Instant::now().checked_add(patience));
        let mut waiting = self.lock();
        loop {
            if waiting.stop {
                return Task::Stop;
            }
            if let Some(job) = waiting.queries.pop_front().or_else(|| waiting.passages.pop_front()) {
                return Task::Embed(job);
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

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
