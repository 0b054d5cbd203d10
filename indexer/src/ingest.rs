//! The one thread that changes the word index and the catalogue.
//!
//! It hears of changes, has files read by others, and commits what came of them: first the word index, then the
//! catalogue, then the snapshot that searches see. A crash between the two leaves entries that no record names, which
//! the next start removes, or records that no entry bears out, whose files it reads again.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use crate::catalogue::Catalogue;
use crate::forgotten::Order;
use crate::jobs::{Job, Jobs};
use crate::lexical::Lexical;
use crate::prepare::{Outcome, Prepared, Reader};
use crate::record::{Changes, Record, Serial};
use crate::scan::FileStat;
use crate::shared::{Pending, Shared, lock, write};
use crate::snapshot::Snapshot;
use crate::watch::Change;
use crate::{Error, Forgotten, State, files};

/// A change that somebody may be waiting for is committed after this time at the latest ...
const LIVE: Duration = Duration::from_millis(150);
/// ... and what a scan brings after this.
const BULK: Duration = Duration::from_millis(800);
/// The least time between two commits.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a file that cannot be read now, or a full disk, is left alone.
const RETRY: Duration = Duration::from_secs(2);
/// A file that ends the worker this often is set aside.
const MAX_CRASHES: u32 = 2;

/// What the thread hears.
pub enum Event {
    /// From the watcher, in order.
    Changes(Vec<Change>),
    /// A file was read.
    Read(PathBuf, FileStat, Outcome),
    /// Remove what is at or below this path; the order is in the journal already.
    Forget(PathBuf, Sender<Result<Forgotten, Error>>),
    /// Read the files at or below this path again, or all.
    Reindex(Option<PathBuf>),
    /// Commit and end.
    Stop,
}

/// The thread's own state.
pub struct Ingest {
    shared: Arc<Shared>,
    reader: Arc<Reader>,
    jobs: Arc<Jobs>,
    lexical: Lexical,
    catalogue: Option<Catalogue>,
    next: Serial,
    changes: Changes,
    renames: Vec<(Serial, Serial)>,
    touched_words: bool,
    dirty: Option<Instant>,
    live: bool,
    committed: Instant,
    /// For each source that is being scanned, the paths met so far.
    passes: HashMap<PathBuf, HashSet<PathBuf>>,
    unscanned: HashSet<PathBuf>,
}

impl Ingest {
    /// Takes over the stores of an index that was just opened.
    pub fn new(
        shared: Arc<Shared>,
        reader: Arc<Reader>,
        jobs: Arc<Jobs>,
        lexical: Lexical,
        catalogue: Catalogue,
        next: Serial,
    ) -> Self {
        let unscanned = shared.sources.iter().map(|s| s.root.clone()).collect();
        Self {
            shared,
            reader,
            jobs,
            lexical,
            catalogue: Some(catalogue),
            next,
            changes: Changes::new(),
            renames: Vec::new(),
            touched_words: false,
            dirty: None,
            live: false,
            committed: Instant::now(),
            passes: HashMap::new(),
            unscanned,
        }
    }

    /// Runs until it is told to stop or nobody is left to tell it.
    pub fn run(mut self, events: &Receiver<Event>) {
        self.audit();
        loop {
            match events.recv_timeout(self.patience()) {
                Ok(Event::Changes(changes)) => changes.into_iter().for_each(|change| self.change(change)),
                Ok(Event::Read(path, stat, outcome)) => self.read(path, stat, outcome),
                Ok(Event::Forget(path, reply)) => {
                    let forgotten = self.forget(&path);
                    reply.send(forgotten).ok();
                }
                Ok(Event::Reindex(path)) => self.reindex(path.as_deref()),
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.retry_later();
            if self.is_due() {
                self.commit();
            }
        }
        self.commit();
    }

    /// A large index is not checked when it is opened. If it is damaged, all files are read again into a new one.
    fn audit(&mut self) {
        let Err(why) = self.lexical.check() else { return };
        if let Err(e) = self.start_anew(&why) {
            self.failed_to_write(&e);
        }
    }

    fn start_anew(&mut self, why: &Error) -> Result<(), Error> {
        let dir = self.shared.config.data.join("index");
        files::move_aside(&dir, why)?;
        self.lexical = Lexical::open(&dir)?;
        for record in self.shared.snapshot().table.records().iter().filter(|r| r.content.is_some()) {
            let unread =
                Record { stat: FileStat::default(), state: State::Pending, content: None, ..Record::clone(record) };
            self.set(record.path.clone(), Some(unread));
        }
        self.commit();
        Ok(())
    }

    /// How long to listen before there is something else to do.
    fn patience(&self) -> Duration {
        match self.dirty {
            None => Duration::from_millis(250),
            Some(_) if lock(&self.shared.pending).is_empty() => PAUSE.saturating_sub(self.committed.elapsed()),
            Some(since) => self.limit().saturating_sub(since.elapsed()),
        }
    }

    fn limit(&self) -> Duration {
        if self.live { LIVE } else { BULK }
    }

    /// At once when nothing else is coming, else when it has waited long enough.
    fn is_due(&self) -> bool {
        let Some(since) = self.dirty else { return false };
        let idle = lock(&self.shared.pending).is_empty() && self.committed.elapsed() >= PAUSE;
        idle || since.elapsed() >= self.limit()
    }

    // ---- what the watcher tells ----

    fn change(&mut self, change: Change) {
        match change {
            Change::Changed { path, stat } => self.changed(path, stat),
            Change::Moved { from, to, stat } => self.moved(&from, to, stat),
            Change::Removed { path } => self.removed(path),
            Change::Skipped { path, reason, stat } => self.skipped(path, stat, reason.to_string()),
            Change::Failed { path, reason } => self.unreadable(path, reason),
            Change::Started { root } => {
                self.passes.insert(root, HashSet::new());
            }
            Change::Complete { root, .. } => self.complete(&root),
            Change::RootUnavailable { root, reason } => {
                log::warn!("{} is out of reach: {reason}", root.display());
                self.scanned(&root);
            }
            Change::RootBack { root } => log::info!("{} is there again", root.display()),
        }
    }

    /// What is so after the next commit.
    fn current(&self, path: &Path) -> Option<Arc<Record>> {
        match self.changes.get(path) {
            Some(change) => change.clone(),
            None => self.shared.snapshot().table.by_path(path).cloned(),
        }
    }

    /// Remembers that a pass met the path; whether it is part of a pass.
    fn meet(&mut self, path: &Path) -> bool {
        if self.passes.is_empty() {
            return false;
        }
        let root = self.shared.policy.root_of(path).map(Path::to_owned);
        let pass = root.and_then(|root| self.passes.get_mut(&root));
        pass.map(|pass| pass.insert(path.to_owned())).is_some()
    }

    fn changed(&mut self, path: PathBuf, stat: FileStat) {
        let live = !self.meet(&path);
        if self.shared.is_forgotten(&path) {
            return self.skipped(path, stat, "forgotten".into());
        }
        let current = self.current(&path);
        let same = current.as_ref().is_some_and(|r| r.state != State::Pending && r.is_same(&stat));
        if same {
            lock(&self.shared.pending).remove(&path);
            return;
        }
        self.ask_for(path, stat, live, false);
    }

    /// Has a file read, unless it is waiting already.
    fn ask_for(&mut self, path: PathBuf, stat: FileStat, live: bool, force: bool) {
        let mut pending = lock(&self.shared.pending);
        if let Some(waiting) = pending.get_mut(&path) {
            (waiting.stat, waiting.again) = (stat, true);
            waiting.force |= force;
            return;
        }
        pending.insert(path.clone(), Pending { stat, live, force, ..Pending::default() });
        drop(pending);
        self.push(path, live, force);
    }

    fn push(&self, path: PathBuf, live: bool, force: bool) {
        let known = self.current(&path).filter(|_| !force).and_then(|r| r.content.as_ref().map(|c| c.hash));
        self.jobs.push(Job { path, known }, live);
    }

    fn moved(&mut self, from: &Path, to: PathBuf, stat: FileStat) {
        self.meet(&to);
        lock(&self.shared.pending).remove(from);
        if self.shared.is_forgotten(from) && !self.shared.is_forgotten(&to) {
            let order = Order::new(&to, None);
            if let Err(e) = self.shared.order_to_forget(&order) {
                log::error!("{}: {e}", to.display());
            }
        }
        let old = self.current(from);
        let same_type = from.extension() == to.extension();
        let known = old.filter(|r| same_type && r.is_same(&stat) && !self.shared.is_forgotten(&to));
        if !known.is_some_and(|record| self.carry_over(&record, &to, stat)) {
            self.drop_record(from);
            return self.changed(to, stat);
        }
        self.drop_record(from);
    }

    /// Indexes a document under its new path without reading it; whether that could be done.
    fn carry_over(&mut self, record: &Record, to: &Path, stat: FileStat) -> bool {
        let Some(content) = &record.content else { return false };
        let words = &self.shared.snapshot().words;
        let entry = words.address(content.serial).ok().flatten().and_then(|address| words.entry(address).ok());
        let Some(entry) = entry else { return false };
        lock(&self.shared.pending).remove(to);
        let old = content.serial;
        let mut content = content.clone();
        content.kind = self.reader.kind(to);
        self.store(to.to_owned(), stat, Prepared { content, entry });
        self.renames.push((old, self.next - 1));
        true
    }

    fn removed(&mut self, path: PathBuf) {
        lock(&self.shared.pending).remove(&path);
        self.drop_record(&path);
        self.live = true;
    }

    fn skipped(&mut self, path: PathBuf, stat: FileStat, reason: String) {
        self.meet(&path);
        lock(&self.shared.pending).remove(&path);
        self.set_aside(path, stat, State::Skipped, reason);
    }

    /// A directory that cannot be listed keeps what was known below it.
    fn unreadable(&mut self, path: PathBuf, reason: String) {
        self.meet(&path);
        let below: Vec<PathBuf> = self.shared.snapshot().table.below(&path).iter().map(|r| r.path.clone()).collect();
        below.iter().for_each(|known| {
            self.meet(known);
        });
        if self.current(&path).is_none_or(|r| r.content.is_none()) {
            self.set_aside(path, FileStat::default(), State::Failed, reason);
        }
    }

    /// What a whole pass over a source did not meet is gone.
    fn complete(&mut self, root: &Path) {
        if let Some(met) = self.passes.remove(root) {
            let snapshot = self.shared.snapshot();
            let here = |record: &&Arc<Record>| self.shared.policy.root_of(&record.path) == Some(root);
            let gone = snapshot.table.below(root).iter().filter(here).filter(|record| !met.contains(&record.path));
            for record in gone.cloned().collect::<Vec<_>>() {
                self.removed(record.path.clone());
            }
        }
        self.scanned(root);
    }

    fn scanned(&mut self, root: &Path) {
        self.unscanned.remove(root);
        if self.unscanned.is_empty() {
            self.count_uncommitted();
            self.shared.update(|p| p.scanned = true);
        }
    }

    // ---- what the readers bring ----

    fn read(&mut self, path: PathBuf, stat: FileStat, outcome: Outcome) {
        let Some(waited) = lock(&self.shared.pending).get(&path).cloned() else { return };
        if waited.again {
            if let Some(pending) = lock(&self.shared.pending).get_mut(&path) {
                pending.again = false;
            }
            return self.push(path, waited.live, waited.force);
        }
        match outcome {
            Outcome::Crashed(why) if waited.crashes + 1 < MAX_CRASHES => return self.crashed(path, &waited, &why),
            Outcome::Later(why) => return self.later(path, &why),
            _ => {}
        }
        self.live |= waited.live;
        match outcome {
            Outcome::Same => self.touched(&path, stat),
            Outcome::Text(prepared) => self.found_text(path.clone(), stat, *prepared),
            Outcome::Skipped(why) => self.set_aside(path.clone(), stat, State::Skipped, why),
            // What cannot be opened has no stat of its own; that of the scan says when it is worth another look.
            Outcome::Failed(why) => self.set_aside(path.clone(), waited.stat, State::Failed, why),
            Outcome::Crashed(why) | Outcome::Later(why) => {
                let why = format!("set aside: {why}, {MAX_CRASHES} times");
                self.set_aside(path.clone(), stat, State::Failed, why);
            }
        }
        self.count_uncommitted();
        lock(&self.shared.pending).remove(&path);
    }

    fn crashed(&mut self, path: PathBuf, waited: &Pending, why: &str) {
        log::warn!("{}: {why}; tried again", path.display());
        if let Some(pending) = lock(&self.shared.pending).get_mut(&path) {
            pending.crashes = waited.crashes + 1;
        }
        self.push(path, false, waited.force);
    }

    fn later(&mut self, path: PathBuf, why: &str) {
        log::debug!("{}: {why}; tried again", path.display());
        if let Some(pending) = lock(&self.shared.pending).get_mut(&path) {
            pending.later = Some(Instant::now() + RETRY);
        }
    }

    fn retry_later(&mut self) {
        let now = Instant::now();
        let mut due = Vec::new();
        for (path, pending) in lock(&self.shared.pending).iter_mut() {
            if pending.later.is_some_and(|at| at <= now) {
                pending.later = None;
                due.push((path.clone(), pending.live, pending.force));
            }
        }
        due.into_iter().for_each(|(path, live, force)| self.push(path, live, force));
    }

    fn found_text(&mut self, path: PathBuf, stat: FileStat, prepared: Prepared) {
        if self.shared.is_forgotten(&path) {
            return self.set_aside(path, stat, State::Skipped, "forgotten".into());
        }
        let hash = prepared.content.hash;
        if self.shared.is_forgotten_content(hash) {
            if let Err(e) = self.shared.order_to_forget(&Order::new(&path, Some(hash))) {
                log::error!("{}: {e}", path.display());
            }
            return self.set_aside(path, stat, State::Skipped, "forgotten".into());
        }
        self.store(path, stat, prepared);
    }

    // ---- changes of the stores ----

    /// The same bytes: only what is known of the file itself changes.
    fn touched(&mut self, path: &Path, stat: FileStat) {
        let Some(record) = self.current(path) else { return };
        let record = Record { stat, state: State::Indexed, ..Record::clone(&record) };
        self.set(path.to_owned(), Some(record));
    }

    /// Indexes a document in place of what was known of its path.
    fn store(&mut self, path: PathBuf, stat: FileStat, mut prepared: Prepared) {
        self.delete_words(&path);
        let serial = self.next;
        self.next += 1;
        prepared.content.serial = serial;
        prepared.entry.path = self.reader.indexed_path(&path);
        if prepared.content.stated_title.is_none() {
            prepared.entry.title = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        }
        if let Err(e) = self.lexical.add(serial, &prepared.entry) {
            return self.failed_to_write(&e);
        }
        self.touched_words = true;
        let record = Record {
            path: path.clone(),
            stat,
            state: State::Indexed,
            reason: String::new(),
            indexed_at: jiff::Timestamp::now().as_second(),
            content: Some(prepared.content),
        };
        self.set(path, Some(record));
    }

    /// Notes that a file is not indexed, and why.
    fn set_aside(&mut self, path: PathBuf, stat: FileStat, state: State, reason: String) {
        let same = |r: &Arc<Record>| (&r.state, &r.reason) == (&state, &reason) && r.is_same(&stat);
        if self.current(&path).as_ref().is_some_and(same) {
            return;
        }
        self.delete_words(&path);
        let record = Record { path: path.clone(), stat, state, reason, indexed_at: 0, content: None };
        self.set(path, Some(record));
    }

    fn drop_record(&mut self, path: &Path) {
        if self.current(path).is_some() {
            self.delete_words(path);
            self.set(path.to_owned(), None);
        }
    }

    fn delete_words(&mut self, path: &Path) {
        let serial = self.current(path).and_then(|r| r.content.as_ref().map(|c| c.serial));
        let Some(serial) = serial else { return };
        self.touched_words = true;
        if let Err(e) = self.lexical.delete(serial) {
            self.failed_to_write(&e);
        }
    }

    fn set(&mut self, path: PathBuf, record: Option<Record>) {
        self.changes.insert(path, record.map(Arc::new));
        self.dirty.get_or_insert_with(Instant::now);
    }

    fn count_uncommitted(&self) {
        let waiting = |change: &&Option<Arc<Record>>| change.as_ref().is_some_and(|r| r.content.is_some());
        let count = if self.dirty.is_some() { self.changes.values().filter(waiting).count() } else { 0 };
        self.shared.update(|p| p.uncommitted = count);
    }

    /// Saves everything that changed and shows it.
    fn commit(&mut self) {
        if self.dirty.is_none() {
            return;
        }
        if self.touched_words
            && let Err(e) = self.lexical.commit()
        {
            return self.failed_to_write(&e);
        }
        let saved = self.catalogue.as_ref().map_or(Ok(()), |catalogue| catalogue.write(&self.changes));
        if let Err(e) = &saved {
            // Searches are right all the same; the next start reads these files again.
            log::error!("{e}");
        }
        let changes = std::mem::take(&mut self.changes);
        if let Err(e) = self.show(&changes) {
            self.changes = changes;
            return self.failed_to_write(&e);
        }
        (self.dirty, self.live, self.touched_words, self.committed) = (None, false, false, Instant::now());
        self.shared.update(|p| {
            p.uncommitted = 0;
            p.write_error = saved.err().map(|e| e.to_string());
        });
    }

    fn show(&mut self, changes: &Changes) -> Result<(), Error> {
        let old = self.shared.snapshot();
        let words = self.lexical.snapshot(Some(&old.words))?;
        let table = Arc::new(old.table.with(changes));
        let mut vectors = write(&self.shared.vectors);
        self.renames.drain(..).for_each(|(from, to)| vectors.rename(from, to));
        drop(vectors);
        self.shared.publish(Snapshot { table, words });
        Ok(())
    }

    /// Nothing since the last commit can be relied on: those files are read again a little later.
    fn failed_to_write(&mut self, error: &Error) {
        log::error!("{error}; tried again");
        self.lexical.rollback();
        self.renames.clear();
        self.shared.update(|p| p.write_error = Some(error.to_string()));
        let later = Some(Instant::now() + RETRY);
        let mut pending = lock(&self.shared.pending);
        for (path, record) in std::mem::take(&mut self.changes) {
            let stat = record.map(|r| r.stat).unwrap_or_default();
            pending.insert(path, Pending { stat, force: true, later, ..Pending::default() });
        }
        drop(pending);
        (self.dirty, self.touched_words) = (None, false);
        self.count_uncommitted();
    }

    // ---- orders ----

    fn reindex(&mut self, path: Option<&Path>) {
        let snapshot = self.shared.snapshot();
        let records = path.map_or(snapshot.table.records(), |path| snapshot.table.below(path));
        let unread = |r: &&Arc<Record>| r.stat != FileStat::default() && !self.shared.is_forgotten(&r.path);
        let wanted: Vec<Arc<Record>> = records.iter().filter(unread).cloned().collect();
        wanted.into_iter().for_each(|r| self.ask_for(r.path.clone(), r.stat, path.is_some(), true));
    }

    fn forget(&mut self, path: &Path) -> Result<Forgotten, Error> {
        self.commit();
        let records = self.shared.snapshot().table.below(path).to_vec();
        lock(&self.shared.pending).retain(|waiting, _| !waiting.starts_with(path));
        let mut forgotten = Forgotten::default();
        for record in records {
            if let Some(content) = &record.content {
                forgotten.paths.push(record.path.clone());
                forgotten.passages += content.keys.len();
            }
            self.set_aside(record.path.clone(), record.stat, State::Skipped, "forgotten".into());
        }
        self.commit();
        self.erase()?;
        Ok(forgotten)
    }

    /// Leaves nothing on disk of what was deleted.
    fn erase(&mut self) -> Result<(), Error> {
        self.lexical.purge()?;
        if let Some(catalogue) = self.catalogue.take() {
            self.catalogue = Some(catalogue.rewritten(self.shared.snapshot().table.records())?);
        }
        self.show(&Changes::new())?;
        if self.shared.embedder.is_some() {
            self.shared.update(|p| p.purges.0 += 1);
        }
        Ok(())
    }
}

/// Reads files until there are no more jobs.
pub fn read_files(jobs: &Jobs, reader: &Reader, events: &std::sync::mpsc::SyncSender<Event>) {
    while let Some(Job { path, known }) = jobs.next() {
        let (stat, outcome) = reader.read(&path, known);
        if events.send(Event::Read(path, stat, outcome)).is_err() {
            return;
        }
    }
}

/// Hands on what the watcher tells until it stops.
pub fn hand_on(watcher: &crate::watch::Watcher, events: &std::sync::mpsc::SyncSender<Event>) {
    while let Some(changes) = watcher.next(1_000, Duration::from_secs(60)) {
        if !changes.is_empty() && events.send(Event::Changes(changes)).is_err() {
            return;
        }
    }
}
