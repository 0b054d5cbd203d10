//! What the watcher's thread, the kernel's event thread and the consumer share.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Instant;
use std::{io, mem};

use notify::Event;

use super::hints::Hints;
use super::outbox::Outbox;
use super::signal::Bell;
use super::state::RootState;
use crate::shared::lock;

/// A request to the watcher's thread.
#[derive(Debug)]
pub enum Command {
    /// A full pass over one source, or over all.
    Rescan(Option<PathBuf>),
}

/// The shared state; no lock is held while another is taken, nor while the disk is touched.
#[derive(Debug)]
pub struct Shared {
    /// What is still to be told.
    pub outbox: Mutex<Outbox>,
    /// Rung when the outbox has something, and at the stop.
    pub ready: Condvar,
    /// What is still to be looked at.
    pub hints: Mutex<Hints>,
    /// Wakes the watcher's thread.
    pub bell: Bell,
    /// The sources as they were last seen.
    pub states: Mutex<Vec<RootState>>,
    /// How often the watcher's thread woke up.
    pub turns: AtomicU64,
    /// How many times it was told of a change, and how many of these are in the outbox, if they are changes.
    pub touched: (AtomicU64, AtomicU64),
    /// Changes that were handed over last and may not be applied yet.
    pub handed: AtomicU64,
    commands: Mutex<Vec<Command>>,
    stopped: AtomicBool,
}

impl Shared {
    /// With nothing in it.
    ///
    /// # Errors
    /// The system's, when there are no descriptors left.
    pub fn new() -> io::Result<Shared> {
        Ok(Shared {
            outbox: Mutex::default(),
            ready: Condvar::new(),
            hints: Mutex::default(),
            bell: Bell::new()?,
            states: Mutex::default(),
            turns: AtomicU64::new(0),
            touched: Default::default(),
            handed: AtomicU64::new(0),
            commands: Mutex::default(),
            stopped: AtomicBool::new(false),
        })
    }

    /// Takes an event of the kernel in; called from notify's thread, never waits for the disk.
    pub fn event(&self, event: notify::Result<Event>) {
        let now = Instant::now();
        let wake = match event {
            Ok(event) => lock(&self.hints).event(&event, now),
            Err(error) => {
                log::warn!("watching: {error}");
                lock(&self.hints).lost(now)
            }
        };
        if wake {
            self.bell.ring();
        }
    }

    /// Asks the watcher's thread for something.
    pub fn ask(&self, command: Command) {
        lock(&self.commands).push(command);
        self.bell.ring();
    }

    /// Takes what was asked for.
    pub fn take_commands(&self) -> Vec<Command> {
        mem::take(&mut lock(&self.commands))
    }

    /// Ends everything that waits here.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.bell.ring();
        // The lock makes sure that nobody is between its last look at the flag and its sleep.
        drop(lock(&self.outbox));
        self.ready.notify_all();
    }

    /// Was it stopped?
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }
}
