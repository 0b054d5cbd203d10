//! The watcher's one thread: sleeps, takes hints and requests, walks in steps, hands over what it finds.
//!
//! Nothing here waits for anybody but the kernel. A walk goes on in steps of some milliseconds, so a hint is
//! looked at soon even while a large source is scanned for the first time.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Options;
use super::kernel::Kernel;
use super::outbox::Outbox;
use super::roots::{Pass, Root, is_remote};
use super::shared::{Command, Shared, lock};
use super::signal::Sleep;
use super::state::{RootState, Watch};
use super::survey::{Staged, Survey, Trouble, Visit};
use super::{Change, HIGH_WATER};
use crate::policy::Policy;

/// A step of a walk.
const STEP: Duration = Duration::from_millis(20);
/// What hints make necessary is walked at once for up to this long; then what was found is told.
const AT_ONCE: Duration = Duration::from_secs(1);
/// How often a source that is out of reach is looked for.
const SEARCH: Duration = Duration::from_secs(1);
/// Polling costs at most one part in this many of one core.
const POLL_SHARE: u32 = 20;
/// The longest pause between two polls.
const POLL_PAUSE: Duration = Duration::from_secs(60);

/// All that the thread owns.
pub struct Worker {
    policy: Arc<Policy>,
    options: Options,
    shared: Arc<Shared>,
    survey: Survey,
    roots: Vec<Root>,
    kernel_missing: Option<String>,
    mounts: Arc<[PathBuf]>,
    told: Instant,
    turn: usize,
}

impl Worker {
    /// A worker with nothing done yet. A kernel without inotify means polling, not failure.
    pub fn new(policy: Arc<Policy>, options: Options, shared: Arc<Shared>) -> Worker {
        let now = Instant::now();
        let events = shared.clone();
        let (kernel, kernel_missing) = match Kernel::start(options.max_watches, move |event| events.event(event)) {
            Ok(kernel) => (Some(kernel), None),
            Err(error) => (None, Some(format!("inotify is not available: {error}"))),
        };
        let roots = policy.roots().iter().map(|path| Root::new(path.clone(), now)).collect();
        let survey = Survey::new(policy.clone(), kernel);
        let mounts = policy.mount_points();
        Worker { policy, options, shared, survey, roots, kernel_missing, mounts, told: now, turn: 0 }
    }

    /// Works until the stop.
    pub fn run(mut self, sleep: &Sleep) {
        while !self.shared.is_stopped() {
            self.shared.turns.fetch_add(1, Ordering::Relaxed);
            self.obey();
            // Counted under the lock of the hints: all that is counted here is taken below.
            let touched = self.counted();
            self.take_hints();
            self.look_at_clock();
            self.step();
            self.publish(false);
            if !self.survey.has_visits() {
                self.shared.touched.1.store(touched, Ordering::Release);
            }
            let pause = self.pause();
            let remounted = sleep.until(&self.shared.bell, pause);
            lock(&self.shared.hints).sleep_until(None);
            if remounted {
                self.remounted();
            }
        }
    }

    fn counted(&self) -> u64 {
        let _hints = lock(&self.shared.hints);
        self.shared.touched.0.load(Ordering::Acquire)
    }

    /// How long there is nothing to do; `None` would be for ever, which the passes rule out.
    fn pause(&self) -> Option<Duration> {
        let now = Instant::now();
        if self.survey.has_visits() || (self.roots.iter().any(|root| root.pass.is_some()) && !self.is_ahead()) {
            return Some(Duration::ZERO);
        }
        let clock = self.roots.iter().filter(|root| root.pass.is_none()).map(|root| root.next).min();
        let mut hints = lock(&self.shared.hints);
        let alarm = hints.next(now).into_iter().chain(clock).min();
        hints.sleep_until(Some(alarm.unwrap_or(now + POLL_PAUSE)));
        alarm.map(|alarm| alarm.saturating_duration_since(now))
    }

    /// Is the consumer so far behind that scanning on would only fill the memory?
    fn is_ahead(&self) -> bool {
        lock(&self.shared.outbox).len() > HIGH_WATER
    }

    fn obey(&mut self) {
        for command in self.shared.take_commands() {
            let Command::Rescan(which) = command;
            for root in 0..self.roots.len() {
                if which.as_ref().is_none_or(|path| *path == self.roots[root].path) && self.check(root) {
                    self.begin(root, true);
                }
            }
        }
    }

    fn take_hints(&mut self) {
        let now = Instant::now();
        let (overflow, due) = {
            let mut hints = lock(&self.shared.hints);
            (hints.take_overflow(), hints.take(now))
        };
        if overflow {
            log::info!("events were lost, the sources are compared with the disk");
            (0..self.roots.len()).for_each(|root| self.begin(root, false));
        }
        if due.is_empty() && !self.survey.has_visits() {
            return;
        }
        for due in due {
            match self.roots.iter().position(|root| root.path == due.path) {
                Some(root) if self.check(root) => {
                    self.survey.push_visit(Visit { dir: due.path, deep: due.renamed });
                }
                Some(_) => {}
                None => self.survey.hint(&due.path, due.renamed),
            }
        }
        self.visit_at_once(now + AT_ONCE);
        self.publish(true);
    }

    fn visit_at_once(&mut self, deadline: Instant) {
        while let Some(visit) = self.survey.next_visit() {
            match self.survey.visit(&visit.dir, visit.deep, false) {
                Ok(next) => next.into_iter().for_each(|dir| self.survey.push_visit(Visit { dir, deep: true })),
                Err(trouble) => self.meet(trouble, |worker| worker.survey.push_visit(visit)),
            }
            if Instant::now() > deadline {
                break;
            }
        }
    }

    /// Does what a failed visit asks for; `again` puts the visit back where it makes sense.
    fn meet(&mut self, trouble: Trouble, again: impl FnOnce(&mut Worker)) {
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

    fn look_at_clock(&mut self) {
        let now = Instant::now();
        for root in 0..self.roots.len() {
            let due = self.roots[root].pass.is_none() && self.roots[root].next <= now;
            if due && self.check(root) && self.roots[root].pass.is_none() {
                self.try_kernel_again(root, now);
                self.begin(root, false);
            }
        }
    }

    fn try_kernel_again(&mut self, root: usize, now: Instant) {
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
    fn check(&mut self, root: usize) -> bool {
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

    fn lose(&mut self, root: usize, reason: String) {
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

    /// What waits to be told of a source is of no use any more.
    fn abandon(&self, root: usize) {
        let path = &self.roots[root].path;
        self.with_outbox(|outbox| outbox.abandon(path, |known| self.policy.root_of(known) == Some(path)));
    }

    /// Begins a pass over a source that is there, or notes that one has to follow.
    fn begin(&mut self, root: usize, full: bool) {
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
    fn step(&mut self) {
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

    /// Something was mounted or unmounted somewhere.
    fn remounted(&mut self) {
        let mounts = self.policy.mount_points();
        let inside = mounts != self.mounts;
        self.mounts = mounts;
        for root in 0..self.roots.len() {
            if self.check(root) && inside {
                self.begin(root, false);
            }
        }
    }

    /// Hands over what was found. A pass that looks for differences keeps its finds together for up to a
    /// second unless `at_once`, so that both ends of a rename are told as one.
    fn publish(&mut self, at_once: bool) {
        let comparing = self.roots.iter().any(|root| root.pass.as_ref().is_some_and(|pass| !pass.full));
        if !at_once && comparing && self.told.elapsed() < AT_ONCE {
            return;
        }
        self.told = Instant::now();
        if !self.survey.staged().is_empty() {
            self.doubt_removals();
            let staged = self.survey.take_staged();
            self.with_outbox(|outbox| staged.into_iter().for_each(|staged| record(outbox, staged)));
        }
        self.show_states();
    }

    /// Files that vanish because their whole source went away are not deleted: it is looked at before they are told.
    fn doubt_removals(&mut self) {
        let removed = |root: usize, staged: &[Staged]| staged.iter().any(|one| one.root == root && one.now.is_none());
        for root in 0..self.roots.len() {
            if self.roots[root].unavailable.is_none() && removed(root, self.survey.staged()) {
                let id = self.roots[root].probe(&self.policy);
                match id {
                    Ok(id) if Some(id) == self.roots[root].id => {}
                    Ok(_) => {
                        self.survey.forget(root);
                        self.roots[root].id = None;
                        self.roots[root].pass = None;
                        self.roots[root].next = Instant::now();
                    }
                    Err(reason) => self.lose(root, reason),
                }
            }
        }
    }

    fn mark(&mut self, change: Change) {
        self.with_outbox(|outbox| outbox.mark(change));
    }

    /// The states are shown first, so that they are never behind what was told.
    fn with_outbox(&self, act: impl FnOnce(&mut Outbox)) {
        self.show_states();
        act(&mut lock(&self.shared.outbox));
        self.shared.ready.notify_all();
    }

    fn show_states(&self) {
        let states = self.roots.iter().enumerate().map(|(index, root)| RootState {
            root: root.path.clone(),
            watch: root.watch.clone(),
            unavailable: root.unavailable.clone(),
            scanning: root.pass.as_ref().is_some_and(|pass| pass.full),
            files: self.survey.files(index),
        });
        *lock(&self.shared.states) = states.collect();
    }
}

fn record(outbox: &mut Outbox, staged: Staged) {
    outbox.record(staged.path, staged.before, staged.now, staged.again);
}
