//! Sources come and go: whether each is there and the same, and how its changes are noticed.

use std::time::{Duration, Instant};

use super::Worker;
use crate::watch::Change;
use crate::watch::roots::is_remote;
use crate::watch::state::Watch;
use crate::watch::survey::Trouble;

/// How often a source that is out of reach is looked for: nothing tells of what is made where nothing is.
const SEARCH: Duration = Duration::from_secs(1);

impl Worker {
    pub(super) fn try_kernel_again(&mut self, root: usize, now: Instant) {
        let polled = matches!(self.roots[root].watch, Watch::Polling(_));
        if polled && self.roots[root].retry <= now {
            self.roots[root].watch = self.how_to_watch(root);
            if self.roots[root].watch == Watch::Inotify {
                self.survey.rewatch(root);
            }
        }
    }

    fn how_to_watch(&self, root: usize) -> Watch {
        let kind = self.policy.kind_of(&self.roots[root].path);
        match (&self.kernel_missing, kind) {
            (_, Some(kind)) if is_remote(&kind) => Watch::Polling(format!("{kind} does not tell of changes")),
            (Some(why), _) => Watch::Polling(why.clone()),
            (None, _) => Watch::Inotify,
        }
    }

    /// Looks whether a source is there and the same; begins it anew if it is another, gives it up if it is gone.
    pub(super) fn check(&mut self, root: usize) -> bool {
        match self.roots[root].probe(&self.policy) {
            Ok(id) if self.roots[root].id == Some(id) && self.roots[root].unavailable.is_none() => true,
            Ok(id) => {
                self.enter(root, id);
                true
            }
            Err(reason) => {
                self.lose(root, reason);
                false
            }
        }
    }

    fn enter(&mut self, root: usize, id: (u64, u64)) {
        let path = self.roots[root].path.clone();
        if self.roots[root].unavailable.take().is_some() {
            self.mark(Change::RootBack { root: path });
        }
        self.roots[root].id = Some(id);
        self.roots[root].watch = self.how_to_watch(root);
        self.roots[root].retry = Instant::now() + self.options.reconcile;
        self.survey.enter(root, id, self.roots[root].watch == Watch::Inotify);
        self.abandon(root);
        self.begin(root, true);
    }

    pub(super) fn lose(&mut self, root: usize, reason: String) {
        self.roots[root].next = Instant::now() + SEARCH;
        self.roots[root].pass = None;
        let path = self.roots[root].path.clone();
        if self.roots[root].unavailable.replace(reason.clone()).is_some() {
            return;
        }
        log::warn!("{}: {reason}; its documents are kept", path.display());
        self.survey.forget(root);
        self.abandon(root);
        self.mark(Change::RootUnavailable { root: path, reason });
    }

    /// Something was mounted or unmounted somewhere.
    pub(super) fn remounted(&mut self) {
        let mounts = self.policy.mount_points();
        let inside = mounts != self.mounts;
        self.mounts = mounts;
        for root in 0..self.roots.len() {
            if self.check(root) && inside {
                self.begin(root, false);
            }
        }
    }

    /// Does what a failed visit asks for; `again` puts the visit back where it makes sense.
    pub(super) fn meet(&mut self, trouble: Trouble, again: impl FnOnce(&mut Worker)) {
        match trouble {
            Trouble::Root(root) => {
                if self.check(root) {
                    self.lose(root, "it cannot be listed".to_owned());
                }
            }
            Trouble::Limit(root) => {
                let why = "the limit of inotify watches is reached (fs.inotify.max_user_watches)";
                log::warn!("{}: {why}; it is polled", self.roots[root].path.display());
                self.survey.unwatch(root);
                let now = Instant::now();
                self.roots[root].watch = Watch::Polling(why.to_owned());
                self.roots[root].retry = now + self.options.reconcile;
                self.roots[root].next = now + self.options.poll;
                again(self);
            }
        }
    }
}
