//! Memory that was freed and that the allocator keeps for later: after a bulk it is more than what is in use.

use std::time::{Duration, Instant};

/// The least time between two times that memory is given back: it takes some milliseconds.
const PAUSE: Duration = Duration::from_secs(20);
/// It is given back when nothing has happened for so long.
const QUIET: Duration = Duration::from_millis(250);

/// Gives memory back to the system now and then.
pub struct Memory<State> {
    given_back: Instant,
    state: Option<State>,
}

impl<State: PartialEq> Memory<State> {
    /// Nothing was given back yet.
    pub fn new() -> Self {
        Self { given_back: Instant::now(), state: None }
    }

    /// When to call [`tidy`](Memory::tidy) unless something else happens before. Where `state` is that of the last time, it is looked
    /// at seldom: what other threads free is told nobody.
    pub fn patience(&self, state: &State) -> Duration {
        match self.state.as_ref() == Some(state) {
            true => PAUSE,
            false => PAUSE.saturating_sub(self.given_back.elapsed()).max(QUIET),
        }
    }

    /// Gives back what is free, if `state` is another one than the last time and that is a while ago.
    pub fn tidy(&mut self, state: State) {
        if self.given_back.elapsed() < PAUSE || self.state.as_ref() == Some(&state) {
            return;
        }
        give_back();
        self.given_back = Instant::now();
        self.state = Some(state);
    }
}

/// Gives back what is free.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes no pointers; only trims the allocator's free lists.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Blocks of more bytes go back to the system as soon as they are freed. The allocator would raise this by itself, up to 32 MiB, and
/// keep what the first and largest things of a process (indexes, models) needed for a moment.
const LARGE: i32 = 1 << 20;
/// Heaps that threads share. The allocator would give nearly every thread its own, and each keeps what is free in it: with 100,000
/// documents that is a sixth of all memory.
const HEAPS: i32 = 2;

/// Has large blocks go back to the system when they are freed, and threads share what is free of the others. Once, before there is a
/// thread.
pub fn keep_little() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes no pointers; sets numbers of the allocator.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_ARENA_MAX, HEAPS);
    }
}
