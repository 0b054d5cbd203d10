//! Kernel events as hints: which paths to look at, and when.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, CreateKind, Flag, ModifyKind, RemoveKind};
use notify::{Event, EventKind};

/// A path that is being written to is looked at after this long without an event ...
const QUIET: Duration = Duration::from_millis(60);
/// ... but not later than this after the first.
const LONGEST: Duration = Duration::from_millis(300);
/// After a writer closed a file.
const CLOSED: Duration = Duration::from_millis(15);
/// After a name came or went: long enough for both ends of a rename and for the dance of editors that move
/// the file away, write it anew and delete the old one.
const NAMED: Duration = Duration::from_millis(40);
/// What falls due within this is looked at together, so that the two ends of a rename are seen at once.
const TOGETHER: Duration = Duration::from_millis(10);

/// When to look at one path.
#[derive(Clone, Copy, Debug)]
struct Hint {
    first: Instant,
    due: Instant,
    renamed: bool,
}

/// All paths to look at.
#[derive(Debug, Default)]
pub struct Hints {
    paths: HashMap<PathBuf, Hint>,
    overflow: bool,
    alarm: Option<Instant>,
}

/// One path whose time has come.
#[derive(Debug)]
pub struct Due {
    /// The path.
    pub path: PathBuf,
    /// Names came or went there: a directory may be another one, and its watches may be lost.
    pub renamed: bool,
}

impl Hints {
    /// Takes one event in. Events of our own reads (open, read, close without a write) say nothing.
    /// True when the sleeper has to be woken.
    pub fn event(&mut self, event: &Event, now: Instant) -> bool {
        if event.attrs.flag() == Some(Flag::Rescan) {
            return self.lost(now);
        }
        let Some((delay, renamed)) = delay(&event.kind) else { return false };
        event.paths.iter().fold(false, |wake, path| self.add(path, delay, renamed, now) | wake)
    }

    /// Something was lost: everything has to be looked at. True when the sleeper has to be woken.
    pub fn lost(&mut self, now: Instant) -> bool {
        self.overflow = true;
        self.is_early(now)
    }

    /// `path` is to be looked at `delay` after `now`. True when the sleeper has to be woken.
    pub fn add(&mut self, path: &Path, delay: Duration, renamed: bool, now: Instant) -> bool {
        self.schedule(path, delay, renamed, now);
        self.is_early(now + delay)
    }

    /// The reader of the hints sleeps until `alarm`, or is awake.
    pub fn sleep_until(&mut self, alarm: Option<Instant>) {
        self.alarm = alarm;
    }

    /// Would the sleeper be late for this? It is woken once.
    fn is_early(&mut self, due: Instant) -> bool {
        let early = self.alarm.is_some_and(|alarm| due < alarm);
        if early {
            self.alarm = Some(due);
        }
        early
    }

    fn schedule(&mut self, path: &Path, delay: Duration, renamed: bool, now: Instant) {
        match self.paths.get_mut(path) {
            Some(hint) => {
                hint.due = (now + delay).min(hint.first + LONGEST);
                hint.renamed |= renamed;
            }
            None => {
                self.paths.insert(path.to_path_buf(), Hint { first: now, due: now + delay, renamed });
            }
        }
    }

    /// When the next path falls due.
    pub fn next(&self, now: Instant) -> Option<Instant> {
        if self.overflow { Some(now) } else { self.paths.values().map(|hint| hint.due).min() }
    }

    /// Takes the paths that are due, the shortest first, if any is.
    pub fn take(&mut self, now: Instant) -> Vec<Due> {
        if !self.paths.values().any(|hint| hint.due <= now) {
            return Vec::new();
        }
        let due = self.paths.extract_if(|_, hint| hint.due <= now + TOGETHER);
        let mut due: Vec<Due> = due.map(|(path, hint)| Due { path, renamed: hint.renamed }).collect();
        due.sort_by_cached_key(|due| due.path.as_os_str().len());
        due
    }

    /// Were events lost since the last call?
    pub fn take_overflow(&mut self) -> bool {
        std::mem::take(&mut self.overflow)
    }
}

/// How long to wait after an event, and whether it is about a name; `None` for events that say nothing.
fn delay(kind: &EventKind) -> Option<(Duration, bool)> {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some((CLOSED, false)),
        EventKind::Access(_) => None,
        EventKind::Create(CreateKind::Folder) => Some((Duration::ZERO, true)),
        EventKind::Create(_) | EventKind::Any | EventKind::Other => Some((QUIET, true)),
        EventKind::Remove(RemoveKind::Folder) => Some((Duration::ZERO, true)),
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => Some((NAMED, true)),
        EventKind::Modify(_) => Some((QUIET, false)),
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{DataChange, RenameMode};

    use super::*;

    fn event(kind: EventKind) -> Event {
        Event::new(kind).add_path("/v/a".into())
    }

    fn due(hints: &mut Hints, at: Instant) -> Vec<PathBuf> {
        hints.take(at).into_iter().map(|due| due.path).collect()
    }

    #[test]
    fn a_file_written_to_constantly_is_looked_at_within_the_longest_delay() {
        let (mut hints, start) = (Hints::default(), Instant::now());
        let written = event(EventKind::Modify(ModifyKind::Data(DataChange::Any)));
        for ms in (0..290).step_by(10) {
            let now = start + Duration::from_millis(ms);
            hints.event(&written, now);
            assert!(due(&mut hints, now).is_empty());
        }
        assert_eq!(due(&mut hints, start + LONGEST), [PathBuf::from("/v/a")]);
    }

    #[test]
    fn closing_brings_it_forward() {
        let (mut hints, start) = (Hints::default(), Instant::now());
        hints.event(&event(EventKind::Create(CreateKind::File)), start);
        hints.event(&event(EventKind::Access(AccessKind::Close(AccessMode::Write))), start);
        assert_eq!(hints.next(start), Some(start + CLOSED));
    }

    #[test]
    fn reading_says_nothing() {
        let (mut hints, now) = (Hints::default(), Instant::now());
        for kind in [AccessKind::Open(AccessMode::Any), AccessKind::Close(AccessMode::Read), AccessKind::Read] {
            hints.event(&event(EventKind::Access(kind)), now);
        }
        assert_eq!(hints.next(now), None);
    }

    #[test]
    fn both_ends_of_a_rename_are_seen_together() {
        let (mut hints, start) = (Hints::default(), Instant::now());
        let name = |path: &str, mode| Event::new(EventKind::Modify(ModifyKind::Name(mode))).add_path(path.into());
        hints.event(&name("/v/a", RenameMode::From), start);
        hints.event(&name("/v/b", RenameMode::To), start + Duration::from_millis(3));
        assert_eq!(due(&mut hints, start + NAMED).len(), 2);
    }

    #[test]
    fn an_overflow_has_no_path_and_is_due_at_once() {
        let (mut hints, now) = (Hints::default(), Instant::now());
        hints.event(&Event::new(EventKind::Other).set_flag(Flag::Rescan), now);
        assert_eq!(hints.next(now), Some(now));
        assert!(hints.take_overflow());
        assert_eq!(hints.next(now), None);
    }
}
