//! The one thread that decides what is indexed.
//!
//! It hears of changes, has files read by others, and hands what came of them to the [`Writer`].

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use crate::forgotten;
use crate::jobs::{Job, Jobs};
use crate::memory::Memory;
use crate::prepare::{Outcome, Prepared, ReadFile, Reader};
use crate::record::{Record, Serial};
use crate::roots::Roots;
use crate::scan::FileStat;
use crate::shared::{Pending, Shared, lock};
use crate::watch::Change;
use crate::writer::{Lost, Writer};
use crate::{Error, State, purge};

/// How long a file that cannot be read now is left alone.
const RETRY: Duration = Duration::from_secs(2);
/// How long what could not be erased is left alone.
const ERASE_AGAIN: Duration = Duration::from_secs(5);
/// How often it is looked at whether the stores have erased what they were asked to, unless whoever asked says that they have.
const ERASING: Duration = Duration::from_secs(1);
/// A file that ends the worker this often is set aside.
const MAX_CRASHES: u32 = 2;

/// What the thread hears.
pub enum Event {
    /// From the watcher, in order.
    Changes(Vec<Change>),
    /// Files were read.
    Read(Vec<ReadFile>),
    /// Remove what is at or below these paths; what is to stay forgotten is in the journal already. A file that is there and
    /// is not forgotten has lost a part of its text, and the rest is read again. Gives the documents that were removed.
    Forget(Vec<PathBuf>, Sender<Result<Vec<PathBuf>, Error>>),
    /// Every store has erased what it was asked to.
    Erased,
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
    writer: Writer,
    /// For each source that is being scanned, the paths met so far.
    passes: HashMap<PathBuf, HashSet<PathBuf>>,
    unscanned: HashSet<PathBuf>,
    /// Jobs so far.
    number: u64,
    /// When the first of the files that could not be read is tried again.
    retry: Option<Instant>,
    roots: Roots,
    /// Whether something that was forgotten may still be on disk ...
    owed: bool,
    /// ... and when it is erased here, unless it is.
    due: Option<Instant>,
}

impl Ingest {
    /// Has files read through `jobs` and writes with `writer`.
    pub fn new(shared: Arc<Shared>, reader: Arc<Reader>, jobs: Arc<Jobs>, writer: Writer) -> Self {
        let unscanned = shared.sources.iter().map(|s| s.root.clone()).collect();
        let roots = Roots::open(&shared.config.data, &shared.sources);
        let owed = purge::is_owed(&shared.config.data);
        let due = owed.then(Instant::now);
        let (passes, number, retry) = Default::default();
        Self { shared, reader, jobs, writer, passes, unscanned, number, retry, roots, owed, due }
    }

    /// Runs until it is told to stop or nobody is left to tell it.
    pub fn run(mut self, events: &Receiver<Event>) {
        if let Err(e) = self.writer.audit() {
            log::error!("{e}");
        }
        let mut memory = Memory::new();
        loop {
            let patience = self.patience().min(memory.patience(&self.used()));
            match events.recv_timeout(patience) {
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(event) => self.hear(event),
                Err(RecvTimeoutError::Timeout) => memory.tidy(self.used()),
            }
            self.do_what_is_due();
        }
        self.commit();
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Changes(changes) => changes.into_iter().for_each(|change| self.change(change)),
            Event::Read(files) => files.into_iter().for_each(|file| self.read(file)),
            Event::Forget(paths, reply) => {
                let forgotten = self.forget(&paths);
                reply.send(forgotten).ok();
            }
            Event::Reindex(path) => self.reindex(path.as_deref()),
            Event::Erased | Event::Stop => {}
        }
    }

    fn do_what_is_due(&mut self) {
        self.retry_later();
        let idle = self.is_idle();
        if self.writer.is_due(idle) {
            self.commit();
            self.writer.pace(idle);
        }
        if idle {
            // The queue of files is no part of the progress, and there are those who wait for its end.
            self.shared.update(|_| ());
        }
        self.settle();
        if self.unscanned.is_empty() && self.is_idle() && self.writer.uncommitted() == 0 {
            self.roots.keep();
        }
    }

    /// How long there is nothing to do unless something is heard.
    fn patience(&self) -> Duration {
        let now = Instant::now();
        let erase = self.due.filter(|_| self.owed && self.unscanned.is_empty());
        let deadlines = self.retry.into_iter().chain(erase).map(|at| at.saturating_duration_since(now));
        let looks = (self.owed && self.due.is_none()).then_some(ERASING);
        deadlines.chain(self.writer.patience(self.is_idle())).chain(looks).min().unwrap_or(Duration::MAX)
    }

    /// What memory is used for: when this changes, some was freed.
    fn used(&self) -> (u64, bool) {
        (self.shared.epoch(), self.shared.has_model_loaded())
    }

    fn is_idle(&self) -> bool {
        lock(&self.shared.pending).is_empty()
    }

    fn commit(&mut self) {
        if let Err(lost) = self.writer.commit() {
            self.read_again(lost);
        }
    }

    /// Has files read once the disk may take them.
    fn read_again(&mut self, lost: Lost) {
        let later = self.try_again_in(self.writer.retry_after().unwrap_or(RETRY));
        let mut pending = lock(&self.shared.pending);
        for (path, stat) in lost {
            self.number += 1;
            pending.insert(path, Pending { stat, force: true, later, number: self.number, ..Pending::default() });
        }
        drop(pending);
        self.count_uncommitted();
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
            return self.skipped(path, stat, forgotten::REASON.into());
        }
        let current = self.writer.current(&path);
        let same = current.as_ref().is_some_and(|r| r.state != State::Pending && r.is_same(&stat));
        let renamed = same && self.roots.differ(&path);
        if same && !renamed {
            lock(&self.shared.pending).remove(&path);
            return;
        }
        self.ask_for(path, stat, live, renamed);
    }

    /// Has a file read, unless it is waiting already.
    fn ask_for(&mut self, path: PathBuf, stat: FileStat, live: bool, force: bool) {
        let mut pending = lock(&self.shared.pending);
        if let Some(waiting) = pending.get_mut(&path) {
            (waiting.stat, waiting.again) = (stat, true);
            waiting.force |= force;
            return;
        }
        drop(pending);
        self.ask_anew(path, Pending { stat, live, force, ..Pending::default() });
    }

    /// Has a file read; what is being read of it now is from before.
    fn ask_anew(&mut self, path: PathBuf, waits: Pending) {
        self.number += 1;
        let waits = Pending { number: self.number, ..waits };
        lock(&self.shared.pending).insert(path.clone(), waits.clone());
        self.push(path, &waits);
    }

    fn push(&self, path: PathBuf, &Pending { live, force, number, .. }: &Pending) {
        let known = self.writer.current(&path).filter(|_| !force).and_then(|r| r.content.as_ref().map(|c| c.hash));
        self.jobs.push(Job { path, known, live, number });
    }

    fn moved(&mut self, from: &Path, to: PathBuf, stat: FileStat) {
        self.meet(&to);
        lock(&self.shared.pending).remove(from);
        if self.shared.is_forgotten(from)
            && !self.shared.is_forgotten(&to)
            && let Err(e) = self.shared.order_to_forget(&[&to], &[])
        {
            log::error!("{}: {e}", to.display());
        }
        let old = self.writer.current(from);
        let same_type = from.extension() == to.extension();
        // The old name is as gone as that of a file that was deleted.
        self.writer.hurry();
        let known = old.filter(|r| same_type && r.is_same(&stat) && !self.shared.is_forgotten(&to));
        if !known.is_some_and(|record| self.carry_over(&record, &to, stat)) {
            self.writer.remove(from);
            return self.changed(to, stat);
        }
        self.writer.remove(from);
    }

    /// Indexes a document under its new path without reading it; whether that could be done.
    fn carry_over(&mut self, record: &Record, to: &Path, stat: FileStat) -> bool {
        let Some(content) = &record.content else { return false };
        let words = &self.shared.snapshot().words;
        let entry = words.address(content.serial).and_then(|address| words.entry(address).ok());
        let Some(entry) = entry else { return false };
        lock(&self.shared.pending).remove(to);
        let old = content.serial;
        let mut content = content.clone();
        content.kind = self.reader.kind(to);
        if let Some(serial) = self.store(to.to_owned(), stat, Prepared { content, entry }) {
            self.writer.renamed(old, serial);
        }
        true
    }

    fn removed(&mut self, path: PathBuf) {
        lock(&self.shared.pending).remove(&path);
        self.writer.remove(&path);
        self.writer.hurry();
    }

    fn skipped(&mut self, path: PathBuf, stat: FileStat, reason: String) {
        self.meet(&path);
        lock(&self.shared.pending).remove(&path);
        self.writer.set_aside(path, stat, State::Skipped, reason);
    }

    /// A directory that cannot be listed keeps what was known below it.
    fn unreadable(&mut self, path: PathBuf, reason: String) {
        self.meet(&path);
        let below: Vec<PathBuf> = self.shared.snapshot().table.below(&path).iter().map(|r| r.path.clone()).collect();
        below.iter().for_each(|known| {
            self.meet(known);
        });
        if self.writer.current(&path).is_none_or(|r| r.content.is_none()) {
            self.writer.set_aside(path, FileStat::default(), State::Failed, reason);
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

    fn read(&mut self, ReadFile { path, stat, outcome, number }: ReadFile) {
        let asked = |waited: &&Pending| waited.number == number;
        let Some(waited) = lock(&self.shared.pending).get(&path).filter(asked).cloned() else { return };
        if waited.again {
            if let Some(pending) = lock(&self.shared.pending).get_mut(&path) {
                pending.again = false;
            }
            return self.push(path, &waited);
        }
        match outcome {
            Outcome::Crashed(why) if waited.crashes + 1 < MAX_CRASHES => return self.crashed(path, &waited, &why),
            Outcome::Later(why) => return self.later(path, &why),
            Outcome::Text(_) if self.writer.retry_after().is_some() => return self.later(path, "the disk is full"),
            _ => {}
        }
        if waited.live {
            self.writer.hurry();
        }
        match outcome {
            Outcome::Same => self.writer.touched(&path, stat),
            Outcome::Text(prepared) => return self.found_text(path, stat, *prepared),
            Outcome::Skipped(why) => self.writer.set_aside(path.clone(), stat, State::Skipped, why),
            // What cannot be opened has no stat of its own; that of the scan says when it is worth another look.
            Outcome::Failed(why) => self.writer.set_aside(path.clone(), waited.stat, State::Failed, why),
            Outcome::Crashed(why) | Outcome::Later(why) => {
                let why = format!("set aside: {why}, {MAX_CRASHES} times");
                self.writer.set_aside(path.clone(), stat, State::Failed, why);
            }
        }
        self.done(&path);
    }

    /// A file waits no longer. It counts as uncommitted before it stops to count as pending.
    fn done(&self, path: &Path) {
        self.count_uncommitted();
        lock(&self.shared.pending).remove(path);
    }

    fn crashed(&mut self, path: PathBuf, waited: &Pending, why: &str) {
        log::warn!("{}: {why}; tried again", path.display());
        if let Some(pending) = lock(&self.shared.pending).get_mut(&path) {
            pending.crashes = waited.crashes + 1;
        }
        self.push(path, &Pending { live: false, ..waited.clone() });
    }

    fn later(&mut self, path: PathBuf, why: &str) {
        log::debug!("{}: {why}; tried again", path.display());
        let later = self.try_again_in(RETRY);
        if let Some(pending) = lock(&self.shared.pending).get_mut(&path) {
            pending.later = later;
        }
    }

    fn try_again_in(&mut self, wait: Duration) -> Option<Instant> {
        let at = Instant::now() + wait;
        self.retry = Some(self.retry.map_or(at, |first| first.min(at)));
        Some(at)
    }

    fn retry_later(&mut self) {
        let now = Instant::now();
        if self.retry.is_none_or(|at| at > now) {
            return;
        }
        let mut due = Vec::new();
        let mut pending = lock(&self.shared.pending);
        for (path, pending) in pending.iter_mut() {
            if pending.later.is_some_and(|at| at <= now) {
                pending.later = None;
                due.push((path.clone(), pending.clone()));
            }
        }
        self.retry = pending.values().filter_map(|pending| pending.later).min();
        drop(pending);
        due.into_iter().for_each(|(path, waited)| self.push(path, &waited));
    }

    fn found_text(&mut self, path: PathBuf, stat: FileStat, prepared: Prepared) {
        if self.is_to_be_forgotten(&path, &prepared) {
            self.writer.set_aside(path.clone(), stat, State::Skipped, forgotten::REASON.into());
            return self.done(&path);
        }
        if self.store(path.clone(), stat, prepared).is_some() {
            self.done(&path);
        }
    }

    /// Whether the path is forgotten, or the bytes are. For the bytes there is no order about the path: what a copy of a
    /// forgotten file becomes later is another text.
    fn is_to_be_forgotten(&self, path: &Path, prepared: &Prepared) -> bool {
        self.shared.is_forgotten(path) || self.shared.is_forgotten_content(prepared.content.hash)
    }

    /// Indexes a document; `None` when it has to be tried again.
    fn store(&mut self, path: PathBuf, stat: FileStat, mut prepared: Prepared) -> Option<Serial> {
        prepared.entry.path = self.reader.indexed_path(&path);
        if prepared.content.stated_title.is_none() {
            prepared.entry.title = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        }
        match self.writer.store(path, stat, prepared) {
            Ok(serial) => Some(serial),
            Err(lost) => {
                self.read_again(lost);
                None
            }
        }
    }

    fn count_uncommitted(&self) {
        let count = self.writer.uncommitted();
        self.shared.note(|p| p.uncommitted = count);
    }

    // ---- orders ----

    fn reindex(&mut self, path: Option<&Path>) {
        let snapshot = self.shared.snapshot();
        let records = path.map_or(snapshot.table.records(), |path| snapshot.table.below(path));
        let unread = |r: &&Arc<Record>| r.stat != FileStat::default() && !self.shared.is_forgotten(&r.path);
        let wanted: Vec<Arc<Record>> = records.iter().filter(unread).cloned().collect();
        wanted.into_iter().for_each(|r| self.ask_for(r.path.clone(), r.stat, path.is_some(), true));
    }

    fn forget(&mut self, paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
        (self.owed, self.due) = (true, Some(Instant::now()));
        self.commit();
        let table = self.shared.snapshot().table.clone();
        let records: BTreeMap<PathBuf, Arc<Record>> =
            paths.iter().flat_map(|path| table.below(path)).map(|r| (r.path.clone(), r.clone())).collect();
        lock(&self.shared.pending).retain(|waiting, _| !paths.iter().any(|path| waiting.starts_with(path)));
        for (path, record) in &records {
            match self.shared.is_forgotten(path) {
                true => {
                    self.writer.set_aside(path.clone(), record.stat, State::Skipped, forgotten::REASON.into());
                }
                // What has no order, a note or a conversation, is gone with its file; not even its name is to stay.
                false => self.writer.remove(path),
            }
        }
        let erased = self.erase();
        for record in records.values() {
            if record.path.exists() && !self.shared.is_forgotten(&record.path) {
                let waits = Pending { stat: record.stat, live: true, force: true, ..Pending::default() };
                self.ask_anew(record.path.clone(), waits);
            }
        }
        erased?;
        Ok(records.into_values().filter(|r| r.content.is_some()).map(|r| r.path.clone()).collect())
    }

    /// Leaves nothing on disk of what was forgotten; what fails is tried again.
    fn erase(&mut self) -> Result<(), Error> {
        self.commit();
        let erased = self.writer.erase();
        self.due = erased.is_err().then(|| Instant::now() + ERASE_AGAIN);
        erased.map_err(|e| match e {
            Error::Unerased(_) => e,
            e => Error::Unerased(e.to_string()),
        })
    }

    /// Erases what could not be erased before, and takes the mark away when no store has anything left of it.
    fn settle(&mut self) {
        let is_due = |due: Instant| due <= Instant::now() && self.unscanned.is_empty();
        match self.due {
            _ if !self.owed => {}
            Some(due) if is_due(due) => {
                if let Err(e) = self.erase() {
                    log::warn!("{e}");
                }
            }
            None if self.shared.progress().is_purged() => match purge::paid(&self.shared.config.data) {
                Ok(()) => self.owed = false,
                Err(e) => log::warn!("{e}"),
            },
            _ => {}
        }
    }
}

/// Hands on what the watcher tells until it stops.
pub fn hand_on(watcher: &crate::watch::Watcher, events: &std::sync::mpsc::SyncSender<Event>) {
    while let Some(changes) = watcher.next(1_000, Duration::MAX) {
        if !changes.is_empty() && events.send(Event::Changes(changes)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
