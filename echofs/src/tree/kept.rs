//! Kept queries: asked again when the index changes, told of in `events`, and shown to those who watch their directories.
//!
//! One thread does all this, beside the event loop. It waits until the index rests for a moment, and then for some
//! times as long as the last round took, so that many kept queries and a bulk index do not hold each other up.

mod known;
mod shown;

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use echofs_indexer::{Happened, What};

use self::known::Known;
use self::shown::Shown;
use super::search::{self, Listed};
use super::{Context, states};
use crate::error::Error;
use crate::events::{Event, Events};
use crate::node::Caller;

/// The index has to be at rest for this long ...
const REST: Duration = Duration::from_millis(200);
/// ... or has to have been waiting for this long.
const PATIENCE: Duration = Duration::from_secs(1);
/// After a round, as many times its length pass before the next one.
const SHARE: u32 = 5;
/// How often states are compared while somebody reads `events`: most of them tell nobody that they change.
const TICK: Duration = Duration::from_secs(1);
/// New hits of one query that are shown to watchers by name.
const NAMED: usize = 20;

/// What the index has said and the thread has not yet looked at.
#[derive(Default)]
pub struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// When the first and the last change came.
    since: Option<(Instant, Instant)>,
    /// Documents that came or changed, and files that went.
    came: HashSet<PathBuf>,
    went: HashSet<PathBuf>,
    /// What queries showed when they began to be kept.
    begun: HashMap<String, HashSet<PathBuf>>,
    stopping: bool,
}

impl State {
    /// What happened last to a file is what counts: some programs save by deleting and making anew.
    fn add(&mut self, Happened { path, what, .. }: &Happened) {
        let (into, from) = match what {
            What::Indexed | What::Changed => (&mut self.came, &mut self.went),
            What::Removed | What::Skipped(_) | What::Failed(_) => (&mut self.went, &mut self.came),
        };
        from.remove(path);
        into.insert(path.clone());
    }
}

impl Signal {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears of changes, and tells them to the readers of `events`.
    pub fn hear(&self, events: &Events, happened: &[Happened]) {
        let mut state = self.lock();
        happened.iter().for_each(|one| state.add(one));
        drop(state);
        self.ring();
        if events.has_readers() {
            happened.iter().for_each(|one| tell(events, one));
        }
    }

    /// A query is kept from now on and shows these documents: what comes later is new.
    pub fn begin(&self, name: &str, shown: HashSet<PathBuf>) {
        self.lock().begun.insert(name.to_owned(), shown);
    }

    /// Has everything looked at again.
    pub fn ring(&self) {
        let now = Instant::now();
        let mut state = self.lock();
        state.since = Some((state.since.map_or(now, |(first, _)| first), now));
        drop(state);
        self.changed.notify_all();
    }

    /// Somebody begins to read `events`: states are compared from now on.
    pub fn wake(&self) {
        drop(self.lock());
        self.changed.notify_all();
    }

    /// Waits for a change and for the rest after it, or until states are to be compared for the readers of `events`: whether there was
    /// a change. `None` when it is time to end.
    fn next(&self, not_before: Instant, events: &Events) -> Option<bool> {
        let has_readers = events.has_readers();
        let tick = has_readers.then(|| Instant::now() + TICK);
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            if state.stopping {
                return None;
            }
            let due = state.since.map(|(first, last)| (last + REST).min(first + PATIENCE).max(not_before));
            if due.is_some_and(|due| due <= now) {
                state.since = None;
                return Some(true);
            }
            if tick.is_some_and(|tick| tick <= now) || !has_readers && events.has_readers() {
                return Some(false);
            }
            state = self.wait(state, due.into_iter().chain(tick).min().map(|at| at - now));
        }
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, time: Option<Duration>) -> MutexGuard<'a, State> {
        match time {
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(left) => self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
        }
    }

    fn take(&self) -> (HashSet<PathBuf>, HashSet<PathBuf>, HashMap<String, HashSet<PathBuf>>) {
        let mut state = self.lock();
        let State { came, went, begun, .. } = &mut *state;
        (std::mem::take(came), std::mem::take(went), std::mem::take(begun))
    }
}

fn tell(events: &Events, Happened { path, title, what }: &Happened) {
    let path = &*path.to_string_lossy();
    events.tell(&match what {
        What::Indexed => Event::Indexed { path, title },
        What::Changed => Event::Changed { path, title },
        What::Removed => Event::Removed { path },
        What::Skipped(reason) => Event::Skipped { path, reason },
        What::Failed(reason) => Event::Failed { path, reason },
    });
}

/// The thread; ends when it is dropped.
pub struct Watch {
    signal: Arc<Signal>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Starts to listen to the index. `helper` is a command that touches the paths behind it.
    ///
    /// # Errors
    /// When there can be no more threads.
    pub fn start(cx: Arc<Context>, helper: Vec<OsString>) -> Result<Watch, Error> {
        let signal = Arc::clone(&cx.signal);
        let (told, events) = (Arc::clone(&signal), Arc::clone(&cx.events));
        let (recorder, tasks) = (Arc::clone(&cx.recorder), [Arc::clone(&cx.reading), Arc::clone(&cx.naming)]);
        cx.index.listen(move |happened| {
            told.hear(&events, happened);
            recorder.changed(happened);
            tasks.iter().for_each(|task| task.stir());
        });
        let watcher = Watcher { cx, helper, shown: Shown::default() };
        let thread = std::thread::Builder::new().name("echofs-kept".into()).spawn(move || watcher.run())?;
        Ok(Watch { signal, thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.signal.lock().stopping = true;
        self.signal.changed.notify_all();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            log::error!("the thread of the kept queries panicked");
        }
    }
}

struct Watcher {
    cx: Arc<Context>,
    helper: Vec<OsString>,
    shown: Shown,
}

impl Watcher {
    fn run(mut self) {
        let (signal, events) = (Arc::clone(&self.cx.signal), Arc::clone(&self.cx.events));
        let mut states = states::States::default();
        // What the first scan brings is new already.
        self.round(&signal);
        let mut not_before = Instant::now();
        while let Some(changed) = signal.next(not_before, &events) {
            if changed {
                let started = Instant::now();
                self.round(&signal);
                not_before = Instant::now() + started.elapsed() * SHARE;
            }
            states.compare(&self.cx);
        }
    }

    /// Asks every kept query again.
    fn round(&mut self, signal: &Signal) {
        let (came, went, begun) = signal.take();
        self.shown.begin(begun);
        self.shown.hear(came, &went);
        // Asked before the queries are: what becomes known after this rings again.
        let known = Known::of(&self.cx.index.counts());
        let mut all = known.meaning;
        let kept = self.cx.index.kept().all();
        self.shown.keep_only(|name| kept.iter().any(|query| query.name == name));
        for query in kept.iter() {
            let settled = known.settles(&query.name);
            all &= settled;
            if let Err(e) = self.ask(&query.name, settled) {
                log::warn!("the kept query {}: {e}", query.name);
            }
        }
        if all {
            self.shown.settle();
        }
    }

    fn ask(&mut self, name: &str, settled: bool) -> Result<(), Error> {
        let hits = search::hits(&self.cx, name)?;
        let found = hits.iter().map(|hit| hit.path.clone()).collect();
        let entered = self.shown.entered(name, found, settled);
        let new: Vec<&Listed> = hits.iter().filter(|hit| entered.contains(&hit.path)).collect();
        if !new.is_empty() {
            self.announce(name, &new);
        }
        Ok(())
    }

    fn announce(&self, query: &str, new: &[&Listed]) {
        for Listed { path, title, rank, line, .. } in new {
            let path = &*path.to_string_lossy();
            let event = Event::Hit { query, path, title, rank: *rank, line: *line };
            self.cx.events.tell(&event);
        }
        let dir = self.cx.mountpoint.join("search").join(query);
        let names = new.iter().take(NAMED).map(|hit| dir.join(&hit.name));
        if let Err(e) = self.cx.helper.touch(&self.helper, &dir, names) {
            log::warn!("watchers of {} are not told: {e}", dir.display());
        }
    }
}

/// The process that uses the mount so that inotify sees what has changed. The mount itself must never do that: it
/// would wait for itself.
#[derive(Default)]
pub struct Helper(AtomicU32);

impl Helper {
    /// Has the directory touched and the names in it made, as far as the kernel can tell.
    fn touch(&self, command: &[OsString], dir: &Path, names: impl Iterator<Item = PathBuf>) -> std::io::Result<()> {
        let [program, arguments @ ..] = command else { return Ok(()) };
        let mut command = Command::new(program);
        command.args(arguments).arg(dir).args(names).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        // It begins at the end of its input: by then it is known by its number.
        self.0.store(child.id(), Ordering::Release);
        let ended = child.wait();
        self.0.store(0, Ordering::Release);
        ended.map(drop)
    }

    /// Whether it is the helper that calls.
    pub fn is(&self, caller: Caller) -> bool {
        caller.pid != 0 && self.0.load(Ordering::Acquire) == caller.pid
    }
}
