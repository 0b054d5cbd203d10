//! Programs that read every file there is: for them `events` has an end.
//!
//! The files that take orders are bait. Nobody opens one of them to read it but a person, with a program that opens
//! nothing else, and a program that opens everything.

use std::collections::VecDeque;
use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a program is remembered.
const MEMORY: Duration = Duration::from_secs(60);
/// Programs that are remembered.
const MOST: usize = 64;

/// The programs that took the bait, with the time.
#[derive(Default)]
pub struct Crawlers(Mutex<VecDeque<(u32, Instant)>>);

impl Crawlers {
    /// The thread `tid` reads a file that nobody has a reason to read.
    pub fn took_bait(&self, tid: u32) {
        let Some(process) = process(tid) else { return };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(pid, at)| *pid != process && at.elapsed() < MEMORY);
        known.push_back((process, Instant::now()));
        if known.len() > MOST {
            known.pop_front();
        }
    }

    /// Whether the process of this thread reads everything.
    pub fn has(&self, tid: u32) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_empty() {
            return false;
        }
        let Some(process) = process(tid) else { return false };
        known.iter().any(|(pid, at)| *pid == process && at.elapsed() < MEMORY)
    }
}

/// The process of a thread; `None` for threads of other pid namespaces.
fn process(tid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{tid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Tgid:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_threads_of_a_program_are_known() {
        let crawlers = Crawlers::default();
        let own = || {
            let link = fs::read_link("/proc/thread-self").expect("a link");
            link.file_name().and_then(|name| name.to_str()?.parse().ok()).expect("a thread id")
        };
        assert!(!crawlers.has(own()));
        std::thread::scope(|scope| scope.spawn(|| crawlers.took_bait(own())).join().expect("no panic"));
        assert!(crawlers.has(own()) && !crawlers.has(1) && !crawlers.has(0));
    }
}
