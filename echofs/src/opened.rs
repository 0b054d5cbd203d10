//! What somebody opened through the tree: in memory alone, and bounded.
//!
//! A program that opens many files looks at everything and at nothing in particular, so what it opened does not count.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// Opens that are remembered.
const MOST: usize = 512;
/// Different files that one program opens before it counts as one that reads everything.
const MANY: usize = 12;

/// The latest opens.
#[derive(Default)]
pub struct Opened {
    entries: Mutex<VecDeque<Open>>,
    /// Grows with each.
    number: AtomicU64,
}

struct Open {
    path: PathBuf,
    at: Timestamp,
    thread: u32,
}

impl Opened {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Open>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread `thread` opened the document at `path`.
    pub fn note(&self, path: PathBuf, thread: u32) {
        let mut entries = self.lock();
        if entries.len() == MOST {
            entries.pop_front();
        }
        entries.push_back(Open { path, at: Timestamp::now(), thread });
        self.number.fetch_add(1, Ordering::Relaxed);
    }

    /// Changes with every open.
    pub fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    /// Each document that somebody opened, with the last time, the latest first.
    pub fn latest(&self) -> Vec<(PathBuf, Timestamp)> {
        let entries = self.lock();
        let mut by_thread: HashMap<u32, HashSet<&Path>> = HashMap::new();
        for open in entries.iter() {
            by_thread.entry(open.thread).or_default().insert(&open.path);
        }
        let mut seen = HashSet::new();
        let counted = entries.iter().rev().filter(|open| by_thread[&open.thread].len() < MANY);
        counted.filter(|open| seen.insert(&open.path)).map(|open| (open.path.clone(), open.at)).collect()
    }

    /// Drops the opens of documents at or below these paths.
    pub fn forget(&self, paths: &[PathBuf]) {
        self.lock().retain(|open| !paths.iter().any(|path| open.path.starts_with(path)));
        self.number.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_opens_many_does_not_count() {
        let opened = Opened::default();
        let names = |opened: &Opened| -> Vec<String> {
            opened.latest().iter().map(|(path, _)| path.to_string_lossy().into_owned()).collect()
        };
        for path in ["/a", "/b", "/a"] {
            opened.note(path.into(), 1);
        }
        for n in 0..MANY {
            opened.note(format!("/all/{n}").into(), 2);
        }
        assert_eq!(names(&opened), ["/a", "/b"]);
        opened.forget(&["/a".into()]);
        assert_eq!(names(&opened), ["/b"]);
        for _ in 0..2 * MOST {
            opened.note("/c".into(), 3);
        }
        assert_eq!((names(&opened).len(), opened.lock().len()), (1, MOST));
    }
}
