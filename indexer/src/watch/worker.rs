//! The watcher's one thread: sleeps, takes hints and requests, walks in steps, hands over what it finds.
//!
//! Nothing here waits for anybody but the kernel. A walk goes on in steps of some milliseconds, so a hint is
//! looked at soon even while a large source is scanned for the first time.

mod handing_over;
mod passes;
mod sources;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Options;
use super::kernel::Kernel;
use super::roots::Root;
use super::shared::{Command, Shared};
use super::signal::Sleep;
use super::survey::{Survey, Visit};
use crate::policy::Policy;
use crate::shared::lock;

/// What hints make necessary is walked at once for up to this long; then what was found is told.
const AT_ONCE: Duration = Duration::from_secs(1);
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
}
