//! Passes: walks over whole sources, in steps of some milliseconds.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{POLL_PAUSE, Worker};
use crate::shared::lock;
use crate::watch::roots::{Pass, Root};
use crate::watch::state::Watch;
use crate::watch::{Change, HIGH_WATER};

/// A step of a walk.
const STEP: Duration = Duration::from_millis(20);
/// Polling costs at most one part in this many of one core.
const POLL_SHARE: u32 = 20;

impl Worker {
    /// Begins a pass over a source that is there, or notes that one has to follow.
    pub(super) fn begin(&mut self, root: usize, full: bool) {
        if full {
            self.publish(true);
        }
        let Root { path, id, unavailable, pass, stale, .. } = &mut self.roots[root];
        if id.is_none() || unavailable.is_some() {
            return;
        }
        if !full && pass.is_some() {
            *stale = true;
            return;
        }
        *pass = Some(Pass::new(path, full));
        if full {
            let (path, policy) = (path.clone(), self.policy.clone());
            self.with_outbox(|outbox| outbox.start(&path, |known| policy.root_of(known) == Some(&path)));
        }
    }

    /// Goes on with the passes for a moment, one source after the other.
    pub(super) fn step(&mut self) {
        if self.is_ahead() {
            return;
        }
        let deadline = Instant::now() + STEP;
        for _ in 0..self.roots.len() {
            self.turn = (self.turn + 1) % self.roots.len();
            self.step_root(self.turn, deadline);
        }
    }

    fn step_root(&mut self, root: usize, deadline: Instant) {
        let began = Instant::now();
        while let Some((dir, full)) = self.next_of_pass(root) {
            match self.survey.visit(&dir, true, full) {
                Ok(next) => self.put_on_pass(root, next),
                Err(trouble) => self.meet(trouble, |worker| worker.put_on_pass(root, vec![dir])),
            }
            if Instant::now() >= deadline {
                break;
            }
        }
        let spent = began.elapsed();
        if let Some(pass) = &mut self.roots[root].pass {
            pass.spent += spent;
        }
        if self.roots[root].pass.as_ref().is_some_and(|pass| pass.stack.is_empty()) {
            self.finish(root);
        }
    }

    fn next_of_pass(&mut self, root: usize) -> Option<(PathBuf, bool)> {
        let pass = self.roots[root].pass.as_mut()?;
        Some((pass.stack.pop()?, pass.full))
    }

    fn put_on_pass(&mut self, root: usize, dirs: Vec<PathBuf>) {
        if let Some(pass) = &mut self.roots[root].pass {
            pass.stack.extend(dirs);
        }
    }

    fn finish(&mut self, root: usize) {
        let Some(pass) = self.roots[root].pass.take() else { return };
        let now = Instant::now();
        self.roots[root].next = match self.roots[root].watch {
            Watch::Inotify => now + self.options.reconcile,
            Watch::Polling(_) => {
                now + (pass.spent * POLL_SHARE).clamp(self.options.poll, POLL_PAUSE.max(self.options.poll))
            }
        };
        self.publish(true);
        if pass.full {
            self.complete(root);
        }
        if std::mem::take(&mut self.roots[root].stale) {
            self.begin(root, false);
        }
        self.show_states();
    }

    /// Ends a full pass, unless the source went away or became another one during it.
    fn complete(&mut self, root: usize) {
        let known = self.roots[root].id.filter(|_| self.roots[root].unavailable.is_none());
        if known.is_some() && self.roots[root].probe(&self.policy).ok() == known {
            let path = self.roots[root].path.clone();
            self.mark(Change::Complete { root: path, files: self.survey.files(root) });
        } else {
            self.roots[root].next = Instant::now();
        }
    }

    /// Is the consumer so far behind that scanning on would only fill the memory?
    pub(super) fn is_ahead(&self) -> bool {
        lock(&self.shared.outbox).len() > HIGH_WATER
    }
}
