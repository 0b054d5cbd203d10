//! `events`: what happens, as JSON lines, for any number of readers.
//!
//! A reader hears what happens from its open on, and before that what was refused in the last minute, since people look
//! there after a refusal. All readers share the last [`KEPT`] lines; one that falls behind is told how many it missed.

use std::collections::{HashMap, VecDeque};
use std::fs;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fuser::PollNotifier;
use jiff::Timestamp;
use serde::Serialize;

use crate::error::Error;

/// Lines that a slow reader may be behind.
const KEPT: usize = 4096;
/// Refusals that `status` shows.
const SHOWN: usize = 5;
/// How long a refusal is news to those who open the file after it.
const NEWS: Duration = Duration::from_secs(60);
/// The same refusal again within this time is not told again.
const REPEATED: Duration = Duration::from_secs(1);
/// How often a waiting read asks whether its reader was told to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Something that happened.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event<'a> {
    /// A document is found now that was not before.
    Indexed { path: &'a str, title: &'a str },
    /// A document has other bytes.
    Changed { path: &'a str, title: &'a str },
    /// A document is not found any more.
    Removed { path: &'a str },
    /// A file is left out on purpose.
    Skipped { path: &'a str, reason: &'a str },
    /// A file could not be read.
    Failed { path: &'a str, reason: &'a str },
    /// A kept query has a new hit.
    Hit { query: &'a str, path: &'a str, title: &'a str, rank: usize, line: u32 },
    /// A query is kept from now on.
    Kept { query: &'a str },
    /// A query is not kept any more.
    Dropped { query: &'a str },
    /// A kept query has another name.
    Renamed { query: &'a str, to: &'a str },
    /// A write was refused.
    Refused { operation: &'a str, path: &'a str, reason: &'a str },
    /// A question was answered.
    Answered { question: &'a str, answerable: bool },
    /// The state of the index is another one.
    State { state: &'a str, documents: usize, pending: usize, pending_semantic: usize },
    /// The state of a model is another one.
    Model { role: &'a str, model: Option<&'a str>, state: &'a str },
    /// The reader was too slow for this many lines.
    Missed { lines: u64 },
    /// Nothing happened; sent where the kernel ends mounts whose reads wait for long.
    Alive,
}

#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    at: String,
    #[serde(flatten)]
    event: &'a Event<'a>,
}

/// A write that was refused, as `status` shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Refusal {
    /// When.
    pub at: String,
    /// The system call.
    pub operation: String,
    /// What it was done to, below the mount point.
    pub path: String,
    /// Why.
    pub reason: String,
    #[serde(skip)]
    when: Instant,
    #[serde(skip)]
    line: Arc<str>,
}

/// Names one open of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReaderId(u64);

/// How far a reader is.
struct Reader {
    next: u64,
    /// What did not fit into its last read.
    rest: Vec<u8>,
    /// Whether it gets the end of the file instead of waiting.
    ends: bool,
    waiting: Option<PollNotifier>,
}

/// What happened, and who hears of it.
pub struct Events {
    state: Mutex<State>,
    more: Condvar,
    alive: Option<Duration>,
}

#[derive(Default)]
struct State {
    lines: VecDeque<Arc<str>>,
    /// Number of the next line.
    next: u64,
    refusals: VecDeque<Refusal>,
    readers: HashMap<ReaderId, Reader>,
    opened: u64,
}

impl Default for Events {
    fn default() -> Self {
        Events { state: Mutex::default(), more: Condvar::new(), alive: heartbeat() }
    }
}

impl Events {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody hears what is told now.
    pub fn has_readers(&self) -> bool {
        !self.lock().readers.is_empty()
    }

    /// Tells everybody who has the file open.
    pub fn tell(&self, event: &Event) {
        let mut state = self.lock();
        if state.readers.is_empty() {
            return;
        }
        state.push(event);
        self.wake(state);
    }

    /// Tells of a refused write, and keeps it for those who look later.
    pub fn refused(&self, operation: &str, path: &str, reason: &str) {
        let mut state = self.lock();
        let same = |old: &Refusal| (&*old.operation, &*old.path, &*old.reason) == (operation, path, reason);
        if state.refusals.back().is_some_and(|last| same(last) && last.when.elapsed() < REPEATED) {
            return;
        }
        let line = state.push(&Event::Refused { operation, path, reason });
        let (operation, path, reason) = (operation.to_owned(), path.to_owned(), reason.to_owned());
        let refusal = Refusal { at: now(), operation, path, reason, when: Instant::now(), line };
        state.refusals.push_back(refusal);
        if state.refusals.len() > SHOWN {
            state.refusals.pop_front();
        }
        self.wake(state);
    }

    /// The latest refusals, newest first.
    pub fn refusals(&self) -> Vec<Refusal> {
        self.lock().refusals.iter().rev().cloned().collect()
    }

    fn wake(&self, mut state: MutexGuard<State>) {
        let waiting: Vec<PollNotifier> = state.readers.values_mut().filter_map(|r| r.waiting.take()).collect();
        drop(state);
        self.more.notify_all();
        for notifier in waiting {
            if let Err(e) = notifier.notify() {
                log::debug!("a poll could not be woken: {e}");
            }
        }
    }

    /// One more reader; one that `ends` never waits.
    pub fn open(&self, ends: bool) -> ReaderId {
        let mut state = self.lock();
        let news = state.refusals.iter().filter(|refusal| refusal.when.elapsed() < NEWS);
        let rest = news.flat_map(|refusal| refusal.line.bytes()).collect();
        state.opened += 1;
        let (id, next) = (ReaderId(state.opened), state.next);
        state.readers.insert(id, Reader { next, rest, ends, waiting: None });
        id
    }

    /// The reader is gone.
    pub fn close(&self, id: ReaderId) {
        let mut state = self.lock();
        state.readers.remove(&id);
        if state.readers.is_empty() {
            state.lines.clear();
        }
    }

    /// What there is for a reader now, at most `size` bytes; `None` when it has to wait.
    pub fn take(&self, id: ReaderId, size: usize) -> Result<Option<Vec<u8>>, Error> {
        self.lock().take(id, size)
    }

    /// The same, waiting for it until `give_up` holds.
    pub fn wait(&self, id: ReaderId, size: usize, give_up: &dyn Fn() -> bool) -> Result<Vec<u8>, Error> {
        let since = Instant::now();
        loop {
            let mut state = self.lock();
            if self.alive.is_some_and(|limit| since.elapsed() >= limit) && state.is_behind(id).is_some_and(|b| !b) {
                let alive = line(state.next, &Event::Alive);
                state.readers.entry(id).and_modify(|reader| reader.rest.extend(alive.bytes()));
            }
            if let Some(bytes) = state.take(id, size)? {
                return Ok(bytes);
            }
            drop(self.more.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner));
            if give_up() {
                return Err(Error::Interrupted);
            }
        }
    }

    /// Whether a read would not wait. If it would, `notifier` is told once that has changed.
    pub fn poll(&self, id: ReaderId, notifier: PollNotifier) -> bool {
        let mut state = self.lock();
        let ready = state.is_behind(id).unwrap_or(true);
        if !ready && let Some(reader) = state.readers.get_mut(&id) {
            reader.waiting = Some(notifier);
        }
        ready
    }
}

impl State {
    fn push(&mut self, event: &Event) -> Arc<str> {
        let line = line(self.next, event);
        self.next += 1;
        self.lines.push_back(Arc::clone(&line));
        if self.lines.len() > KEPT {
            self.lines.pop_front();
        }
        line
    }

    /// Whether there is something to read; `None` for a reader that is gone.
    fn is_behind(&self, id: ReaderId) -> Option<bool> {
        let reader = self.readers.get(&id)?;
        Some(reader.ends || !reader.rest.is_empty() || reader.next < self.next)
    }

    fn take(&mut self, id: ReaderId, size: usize) -> Result<Option<Vec<u8>>, Error> {
        let first = self.next - self.lines.len() as u64;
        let reader = self.readers.get_mut(&id).ok_or(Error::Stale)?;
        let mut bytes = std::mem::take(&mut reader.rest);
        if reader.next < first {
            bytes.extend(line(first, &Event::Missed { lines: first - reader.next }).bytes());
            reader.next = first;
        }
        while !reader.ends && bytes.len() < size && reader.next < self.next {
            bytes.extend(self.lines[(reader.next - first) as usize].bytes());
            reader.next += 1;
        }
        if bytes.len() > size {
            reader.rest = bytes.split_off(size);
        }
        Ok(if bytes.is_empty() && !reader.ends { None } else { Some(bytes) })
    }
}

fn line(seq: u64, event: &Event) -> Arc<str> {
    let mut text = serde_json::to_string(&Line { seq, at: now(), event }).unwrap_or_default();
    text.push('\n');
    text.into()
}

fn now() -> String {
    format!("{:.3}", Timestamp::now())
}

/// Half the time after which the kernel ends a mount that does not answer a request; `None` where it never does.
fn heartbeat() -> Option<Duration> {
    let seconds = |name: &str| -> Option<u64> {
        fs::read_to_string(format!("/proc/sys/fs/fuse/{name}")).ok()?.trim().parse().ok().filter(|n| *n > 0)
    };
    let limits = ["default_request_timeout", "max_request_timeout"].into_iter().filter_map(seconds);
    limits.min().map(|seconds| Duration::from_millis(seconds * 500))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: Option<Vec<u8>>) -> String {
        String::from_utf8(bytes.expect("something to read")).expect("text")
    }

    fn removed(events: &Events, n: usize) {
        events.tell(&Event::Removed { path: &format!("/{n}") });
    }

    #[test]
    fn each_reader_hears_what_happens_from_its_open_on() {
        let events = Events::default();
        removed(&events, 0);
        let first = events.open(false);
        removed(&events, 1);
        let second = events.open(false);
        removed(&events, 2);
        let paths = |id| -> Vec<String> {
            let text = text(events.take(id, 1 << 20).expect("open"));
            let path = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["path"].to_string();
            text.lines().map(path).collect()
        };
        assert_eq!(paths(first), ["\"/1\"", "\"/2\""]);
        assert_eq!(paths(second), ["\"/2\""]);
        assert_eq!(events.take(first, 100).expect("open"), None);
        events.close(first);
        assert!(events.take(first, 100).is_err());
    }

    #[test]
    fn a_line_may_take_several_reads() {
        let events = Events::default();
        let id = events.open(false);
        removed(&events, 1);
        let mut all = String::new();
        while let Some(bytes) = events.take(id, 7).expect("open") {
            assert!(bytes.len() <= 7);
            all += std::str::from_utf8(&bytes).expect("text");
        }
        assert!(all.starts_with('{') && all.ends_with("\"event\":\"removed\",\"path\":\"/1\"}\n"), "{all}");
    }

    #[test]
    fn a_slow_reader_is_told_what_it_missed() {
        let events = Events::default();
        let id = events.open(false);
        (0..KEPT + 10).for_each(|n| removed(&events, n));
        let text = text(events.take(id, 1 << 20).expect("open"));
        let first = text.lines().next().expect("a line");
        assert!(first.contains("\"event\":\"missed\",\"lines\":10"), "{first}");
        assert_eq!(text.lines().count(), KEPT + 1);
    }

    #[test]
    fn refusals_are_told_once_and_kept_for_a_while() {
        let events = Events::default();
        for _ in 0..3 {
            events.refused("mkdir", "ask/x", "not here");
        }
        let id = events.open(false);
        let text = text(events.take(id, 1 << 20).expect("open"));
        assert!(text.lines().count() == 1 && text.contains("\"reason\":\"not here\""), "{text}");
        assert_eq!(events.refusals().len(), 1);
    }

    #[test]
    fn a_reader_that_ends_never_waits() {
        let events = Events::default();
        let id = events.open(true);
        removed(&events, 1);
        assert_eq!(events.wait(id, 100, &|| false).expect("open"), Vec::<u8>::new());
    }

    #[test]
    fn who_waits_is_woken_or_gives_up() {
        let events = Events::default();
        let id = events.open(false);
        assert!(matches!(events.wait(id, 100, &|| true), Err(Error::Interrupted)));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| events.wait(id, 1 << 20, &|| false));
            removed(&events, 7);
            assert!(text(waiting.join().expect("no panic").ok()).contains("/7"));
        });
    }
}
