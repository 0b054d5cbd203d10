//! What the watcher's thread sleeps on: a bell that others ring, and the kernel's mount table.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

/// Wakes the thread that sleeps in [`Sleep::until`]. Rung several times it wakes once.
#[derive(Debug)]
pub struct Bell(OwnedFd);

impl Bell {
    /// A bell that nobody rang.
    ///
    /// # Errors
    /// The system's, when there are no descriptors left.
    pub fn new() -> io::Result<Bell> {
        Ok(Bell(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    /// Rings.
    pub fn ring(&self) {
        // A full counter is a bell that rings already.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    fn quiet(&self) {
        let _ = rustix::io::read(&self.0, &mut [0u8; 8]);
    }
}

/// The mount table, open for as long as its changes matter.
#[derive(Debug)]
pub struct Sleep {
    mounts: Option<File>,
}

impl Sleep {
    /// Opens the mount table; without one its changes go unnoticed until the next pass.
    pub fn new() -> Sleep {
        Sleep { mounts: File::open("/proc/self/mountinfo").ok() }
    }

    /// Sleeps until the bell rings, something is mounted or unmounted, or the time is over (`None`: for ever).
    /// Says whether the mount table changed.
    pub fn until(&self, bell: &Bell, time: Option<Duration>) -> bool {
        let mut fds = vec![PollFd::new(&bell.0, PollFlags::IN)];
        fds.extend(self.mounts.as_ref().map(|mounts| PollFd::from_borrowed_fd(mounts.as_fd(), PollFlags::PRI)));
        let time = time.map(|time| Timespec {
            tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: time.subsec_nanos().into(),
        });
        let woken = poll(&mut fds, time.as_ref()).is_ok();
        let changed = woken && fds.get(1).is_some_and(|fd| !fd.revents().is_empty());
        bell.quiet();
        changed
    }
}
