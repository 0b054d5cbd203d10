//! The watcher: keeps a picture of the sources and tells how the disk differs from what was told.
//!
//! Kernel events are hints that a path may have changed, never facts: a path that had a hint is
//! looked at once it has been quiet for a moment, compared with the picture, and the difference goes
//! to the outbox. What was told, and what is so, are all that counts; a lost, doubled or reordered
//! event costs a moment, not the truth. Renames are recognised by inode, size and modification time,
//! atomic saves come down to one change of the final name, temporary files that vanish to nothing.
//!
//! The consumer pulls ([`Watcher::next`]), so a slow one loses nothing and holds up nobody: the
//! outbox has at most one entry per path.
//!
//! ```no_run
//! # use std::{sync::Arc, time::Duration};
//! # use echofs_indexer::{policy::Policy, watch::{Options, Watcher}};
//! let policy = Arc::new(Policy::new(vec!["/home/me/notes".into()], vec!["/home/me/echo".into()]));
//! let watcher = Watcher::start(policy, Options::default())?;
//! while let Some(changes) = watcher.next(1_000, Duration::from_secs(60)) {
//!     // apply them in order; empty after a quiet minute; None once stopped
//! }
//! # Ok::<(), std::io::Error>(())
//! ```

mod change;
mod hints;
mod kernel;
mod outbox;
mod roots;
mod shared;
mod signal;
mod state;
mod survey;
#[cfg(test)]
mod tests;
mod tree;
mod worker;

pub use change::Change;
pub use state::{RootState, Watch};

use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::policy::Policy;
use crate::shared::lock;
use shared::{Command, Shared};
use signal::Sleep;
use worker::Worker;

/// Scanning pauses while more changes than this wait for the consumer. What hints bring goes on.
const HIGH_WATER: usize = 50_000;

/// How the watcher goes about it.
#[derive(Clone, Debug)]
pub struct Options {
    /// A source that the kernel watches is compared with the disk this often all the same.
    pub reconcile: Duration,
    /// The shortest pause between two scans of a source that is polled; large ones take a longer one.
    pub poll: Duration,
    /// At most this many kernel watches; `None` for what the system gives.
    pub max_watches: Option<usize>,
}

impl Default for Options {
    fn default() -> Options {
        Options { reconcile: Duration::from_secs(600), poll: Duration::from_secs(1), max_watches: None }
    }
}

/// Watches the sources of a policy until it is stopped or dropped.
#[derive(Debug)]
pub struct Watcher {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Watcher {
    /// Begins to scan and watch. A source that is not there is reported as out of reach and looked for.
    ///
    /// # Errors
    /// The system's, when there are no descriptors or threads left. Without inotify the sources are polled.
    pub fn start(policy: Arc<Policy>, options: Options) -> io::Result<Watcher> {
        let shared = Arc::new(Shared::new()?);
        let inner = shared.clone();
        let thread = thread::Builder::new().name("watch".to_owned()).spawn(move || {
            // Whatever ends the thread ends the consumer's wait.
            let _end = StopOnDrop(inner.clone());
            Worker::new(policy, options, inner).run(&Sleep::new());
        })?;
        Ok(Watcher { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Waits for changes and takes up to `limit` of them, to be applied in order. Empty when `timeout` passes
    /// without any; `None` once stopped. For one consumer.
    pub fn next(&self, limit: usize, timeout: Duration) -> Option<Vec<Change>> {
        self.shared.handed.store(0, Ordering::Release);
        let idle = |outbox: &mut outbox::Outbox| outbox.is_empty() && !self.shared.is_stopped();
        let guard = lock(&self.shared.outbox);
        let waited = self.shared.ready.wait_timeout_while(guard, timeout, idle);
        let (mut outbox, _) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
        if self.shared.is_stopped() {
            return None;
        }
        let full = outbox.len() > HIGH_WATER;
        let changes = outbox.take(limit);
        self.shared.handed.store(changes.len() as u64, Ordering::Release);
        if full && outbox.len() <= HIGH_WATER {
            self.shared.bell.ring();
        }
        Some(changes)
    }

    /// The states of all sources, in the policy's order; empty before the first look.
    pub fn states(&self) -> Vec<RootState> {
        lock(&self.shared.states).clone()
    }

    /// The state of one source.
    pub fn state(&self, root: &Path) -> Option<RootState> {
        lock(&self.shared.states).iter().find(|state| state.root == root).cloned()
    }

    /// Tells everything in one source, or in all, again: [`Change::Started`], what is there, [`Change::Complete`].
    pub fn rescan(&self, root: Option<&Path>) {
        self.shared.ask(Command::Rescan(root.map(Path::to_path_buf)));
    }

    /// Says that `path` changed, sooner and more surely than the kernel does.
    pub fn touched(&self, path: &Path) {
        let mut hints = lock(&self.shared.hints);
        self.shared.touched.0.fetch_add(1, Ordering::AcqRel);
        let sooner = hints.add(path, Duration::ZERO, true, Instant::now());
        drop(hints);
        if sooner {
            self.shared.bell.ring();
        }
    }

    /// How many changes are known of, at least, that the consumer has not yet applied. It has when it asks for more.
    pub fn waiting(&self) -> usize {
        let outbox = lock(&self.shared.outbox);
        let (told, seen) = (&self.shared.touched.0, &self.shared.touched.1);
        let unseen = usize::from(told.load(Ordering::Acquire) != seen.load(Ordering::Acquire));
        unseen + outbox.len() + usize::try_from(self.shared.handed.load(Ordering::Acquire)).unwrap_or(usize::MAX)
    }

    /// Ends the thread and every [`Watcher::next`].
    pub fn stop(&self) {
        self.shared.stop();
        if let Some(thread) = lock(&self.thread).take()
            && thread.join().is_err()
        {
            log::error!("the watcher's thread ended by a panic");
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Stops the shared state when it goes out of scope, also by a panic.
struct StopOnDrop(Arc<Shared>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}
