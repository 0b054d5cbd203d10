//! The thread that keeps the facts in step with the documents: what is gone goes at once, what is new is read when
//! nothing waits to be found by words, and shown when [`pace`](super::pace) says so.

mod model;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::merge::{Documents, Stated, Visit};
use super::merger::{Merger, Standing, Trace};
use super::pace::{Merging, Pace, Past, Waiting, spent};
use super::reader::found;
use super::readings;
use super::state::Facts;
use super::store::{Kept, Store};
use crate::record::{Key, Record};
use crate::remembered::NOTE;
use crate::shared::{Progress, Shared, lock};
use crate::snapshot::Snapshot;
use crate::{Error, memory};

/// How often new facts are shown at most while more are coming.
const PUBLISH: Duration = Duration::from_secs(2);
/// If more than one in so many documents changed, all facts are made anew.
const MANY: usize = 20;
/// How often it is asked whether words are still being indexed.
const BUSY: Duration = Duration::from_millis(200);
/// How often it is looked whether anything is to be done when nothing happens.
const IDLE: Duration = Duration::from_secs(60);
/// How long a store that fails is left alone.
const RETRY: Duration = Duration::from_secs(30);

/// Runs until the index stops.
pub fn run(shared: &Shared) {
    // Only in idle time: this thread gives way to all others.
    let niced = rustix::process::nice(19);
    log::debug!("facts at priority {niced:?}");
    while !shared.is_stopping() {
        // sled panics on some damage, which the next opening finds.
        let work = || Worker::open(shared).and_then(|mut worker| worker.run());
        let done = catch_unwind(AssertUnwindSafe(work));
        if let Err(e) = done.unwrap_or_else(|_| Err(Error::Damaged("facts", "reading them panicked".into()))) {
            log::warn!("facts: {e}");
            shared.wait_for(RETRY, |_| shared.is_stopping());
        }
    }
}

/// A document whose statements are stored.
struct Known {
    /// Digest of the content they were found in.
    hash: Key,
    /// Their times; `None` while they are not shown.
    shown: Option<Times>,
}

/// The times of a document.
#[derive(Clone, Copy, PartialEq)]
struct Times {
    /// Its stated date, else when it was changed.
    dated: Timestamp,
    /// When it was changed.
    learnt: Timestamp,
}

impl Times {
    fn of(record: &Record) -> Times {
        let time = |seconds: i64| Timestamp::from_second(seconds).unwrap_or_default();
        Times { dated: time(record.date()), learnt: time(record.stat.mtime_ns.div_euclid(1_000_000_000)) }
    }
}

struct Worker<'a> {
    shared: &'a Shared,
    store: Option<Store>,
    documents: BTreeMap<PathBuf, Known>,
    /// The passages that a language model has read.
    by_model: HashSet<Key>,
    /// How often each passage that a model may read stands in the documents.
    held: HashMap<Key, u32>,
    merger: Merger,
    /// The documents that changed since facts were shown, with what they stated then.
    changes: BTreeMap<PathBuf, Trace>,
    waiting: Waiting,
    pace: Pace,
    /// The last time that passages were laid out for the model.
    laid: Past,
    /// Whether others are to be.
    unlaid: bool,
    /// Whether documents went, whose passages may be nowhere else.
    lost: bool,
}

impl<'a> Worker<'a> {
    fn open(shared: &'a Shared) -> Result<Self, Error> {
        let (store, contents) = Store::open(&shared.config.data.join("facts"))?;
        let known = |(path, hash)| (path, Known { hash, shown: None });
        let now = Instant::now();
        Ok(Self {
            shared,
            store: Some(store),
            documents: contents.documents.into_iter().map(known).collect(),
            by_model: contents.read,
            held: contents.passages,
            merger: Merger::default(),
            changes: BTreeMap::new(),
            waiting: Waiting { fresh: true, gone: false, many: true },
            pace: Pace::new(now),
            laid: Past::new(Duration::ZERO, now),
            unlaid: false,
            lost: false,
        })
    }

    fn store(&self) -> Result<&Store, Error> {
        self.store.as_ref().ok_or(Error::Stopped)
    }

    fn run(&mut self) -> Result<(), Error> {
        while !self.shared.is_stopping() {
            // Before the snapshot: what is asked for later may concern a later one.
            let Progress { table: number, orders, scanned, fact_purges, readings, .. } = self.shared.progress();
            let snapshot = self.shared.snapshot();
            let missing = self.compare(&snapshot, scanned)?;
            if orders.0 != orders.1 {
                self.publish(self.for_orders())?;
                self.shared.update(|p| p.orders.1 = orders.0);
            }
            self.show()?;
            self.take_in()?;
            self.purge(fact_purges)?;
            self.read(&snapshot, missing, number)?;
            let changed = |p: &Progress| {
                p.table != number
                    || p.orders.0 != p.orders.1
                    || p.fact_purges.0 > p.fact_purges.1
                    || p.scanned != scanned
                    || p.readings != readings
            };
            self.lay_out_if_due()?;
            self.shared.wait_for(self.patience(), |p| self.shared.is_stopping() || changed(p));
            self.shared.facts().rest();
        }
        self.store()?.flush()
    }

    /// How long nothing is to be done if nothing happens.
    fn patience(&self) -> Duration {
        if self.shared.progress().missing_facts > 0 {
            return BUSY;
        }
        let now = Instant::now();
        let show = self.next(now).map(|(_, rest)| rest);
        let lay_out = self.unlaid.then(|| self.laid.rest(now));
        show.into_iter().chain(lay_out).min().unwrap_or(IDLE)
    }

    /// Drops what no document states any more, takes what is known already, and gives the documents to be read.
    fn compare(&mut self, snapshot: &Snapshot, scanned: bool) -> Result<Vec<Arc<Record>>, Error> {
        // Before the first scan has ended, a document that is not there yet may still come.
        let may_go = |known: &Known| scanned || known.shown.is_some();
        let (mut lost, mut redated, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        // Both are sorted by path.
        let mut documents = self.documents.iter().peekable();
        for record in snapshot.table.records() {
            let Some(content) = &record.content else { continue };
            while let Some((path, known)) = documents.next_if(|(path, _)| **path < record.path) {
                lost.extend(may_go(known).then(|| path.clone()));
            }
            match documents.next_if(|(path, _)| **path == record.path) {
                Some((_, known)) if known.hash != content.hash => missing.push(record.clone()),
                Some((_, known)) if known.shown != Some(Times::of(record)) => redated.push(record.clone()),
                Some(_) => {}
                None => missing.push(record.clone()),
            }
        }
        lost.extend(documents.filter(|(_, known)| may_go(known)).map(|(path, _)| path.clone()));
        lost.iter().try_for_each(|path| self.lose(path))?;
        redated.iter().try_for_each(|record| self.redate(record))?;
        self.shared.update(|p| p.missing_facts = missing.len());
        Ok(missing)
    }

    /// Drops a document that is gone.
    fn lose(&mut self, path: &Path) -> Result<(), Error> {
        if self.documents.get(path).is_some_and(|known| known.shown.is_some()) {
            self.note_change(path)?;
            self.waiting.gone = true;
        }
        self.hold(path, &[])?;
        self.documents.remove(path);
        self.lost = true;
        self.store()?.remove(path)
    }

    /// Takes a document that says what is known already, with its times.
    fn redate(&mut self, record: &Record) -> Result<(), Error> {
        self.note_change(&record.path)?;
        if let Some(known) = self.documents.get_mut(&record.path) {
            known.shown = Some(Times::of(record));
        }
        Ok(())
    }

    /// Keeps what a document stated when facts were shown last. Called before anything of it changes.
    fn note_change(&mut self, path: &Path) -> Result<(), Error> {
        self.waiting.fresh = true;
        self.waiting.many |= self.pace.is_cheap() || self.changes.len() * MANY >= self.documents.len();
        if self.waiting.many {
            self.changes.clear();
            return Ok(());
        }
        if !self.changes.contains_key(path) {
            let mut trace = Trace::default();
            self.visit(path, &mut |stated| {
                trace = self.merger.trace(&stated);
                Ok(())
            })?;
            self.changes.insert(path.to_owned(), trace);
        }
        Ok(())
    }

    /// Reads documents, the newest first, as long as nothing else is to be done.
    fn read(&mut self, snapshot: &Snapshot, mut missing: Vec<Arc<Record>>, number: u64) -> Result<(), Error> {
        missing.sort_by_key(|record| record.stat.mtime_ns);
        let orders = self.shared.progress().orders.0;
        let mut read = 0;
        while let Some(record) = missing.pop() {
            // One at least each time, so that what keeps changing does not keep all others waiting.
            if self.shared.is_stopping() || read > 0 && self.is_interrupted(number, orders) {
                return Ok(());
            }
            read += 1;
            let kept = found(snapshot, &record, &self.shared.config.data.join("notes").join(NOTE))?;
            self.note_change(&record.path)?;
            self.hold(&record.path, &kept.head.passages)?;
            self.store()?.put(&record.path, &kept)?;
            self.documents.insert(record.path.clone(), Known { hash: kept.head.hash, shown: Some(Times::of(&record)) });
            if self.pace.last().elapsed() >= PUBLISH {
                self.show()?;
            }
            self.shared.update(|p| p.missing_facts = missing.len());
        }
        if self.lost {
            self.drop_unused()?;
        }
        self.show()?;
        if read > 0 {
            self.store()?.flush()?;
        }
        if !self.waiting.fresh && self.merger.standing() == Standing::Settled {
            self.shared.update(|p| p.facts_table = number);
        }
        Ok(())
    }

    /// How new orders of the owner are carried out, which is done at once.
    fn for_orders(&self) -> Merging {
        match self.waiting.many || self.pace.is_cheap() || !self.merger.follows(&self.shared.fact_orders()) {
            true => Merging::Whole,
            false => Merging::Changes,
        }
    }

    /// What is to be shown next, and how long it is until then.
    fn next(&self, now: Instant) -> Option<(Merging, Duration)> {
        self.pace.next(self.waiting, self.merger.standing(), now)
    }

    /// Shows what is to be shown by now.
    fn show(&mut self) -> Result<(), Error> {
        match self.next(Instant::now()) {
            Some((merging, rest)) if rest.is_zero() => self.publish(merging),
            _ => Ok(()),
        }
    }

    /// Whether words wait to be indexed, or there is something newer to look at.
    fn is_interrupted(&self, number: u64, orders: u64) -> bool {
        let progress = self.shared.progress();
        let busy = progress.uncommitted > 0 || !lock(&self.shared.pending).is_empty();
        busy || self.shared.is_stopping() || progress.table != number || progress.orders.0 != orders
    }

    fn publish(&mut self, merging: Merging) -> Result<(), Error> {
        let begun = spent();
        // One that fails half-way is of no use any more.
        let mut merger = std::mem::take(&mut self.merger);
        let facts = match self.made(&mut merger, merging) {
            Err(Error::Stopped) => return Ok(()),
            facts => facts?,
        };
        facts.into_iter().for_each(|facts| self.shared.publish_facts(facts));
        self.pace.made(merging, spent().saturating_sub(begun), Instant::now());
        let left = merger.standing() == Standing::LostNames;
        self.waiting = Waiting { gone: self.waiting.gone && left, ..Waiting::default() };
        self.merger = merger;
        self.changes.clear();
        self.unlaid = true;
        self.lay_out_if_due()?;
        if merging == Merging::Whole {
            self.reopen()?;
            memory::give_back();
        }
        Ok(())
    }

    /// Opens the store again, of which everything was read.
    fn reopen(&mut self) -> Result<(), Error> {
        if let Some(store) = self.store.take() {
            self.store = Some(store.reopened()?);
        }
        Ok(())
    }

    /// The facts now, if they are others.
    fn made(&self, merger: &mut Merger, merging: Merging) -> Result<Option<Facts>, Error> {
        let (facts, orders) = (self.shared.facts(), self.shared.fact_orders().clone());
        let (number, dir) = (facts.number + 1, self.shared.config.data.join("facts"));
        match merging {
            Merging::Changes => merger.change(&facts, &self.changes, self, &orders),
            Merging::Whole => match merger.whole(number, self, &orders, Some(&dir)) {
                // What is gone has to go, also when there is no room on the disk.
                Err(Error::Io { .. }) => merger.whole(number, self, &orders, None).map(Some),
                facts => facts.map(Some),
            },
        }
    }

    /// Leaves nothing on disk of what was forgotten.
    fn purge(&mut self, (asked, done): (u64, u64)) -> Result<(), Error> {
        if asked == done {
            return Ok(());
        }
        self.drop_unused()?;
        // The words of what was forgotten lie below what changed since.
        if self.shared.facts().are_changed() {
            self.publish(Merging::Whole)?;
        }
        if let Some(store) = self.store.take() {
            self.store = Some(store.rewritten()?);
        }
        self.shared.update(|p| p.fact_purges.1 = asked);
        Ok(())
    }
}

/// The documents that are shown, read from the store one after the other.
impl Documents for Worker<'_> {
    fn each(&self, paths: Option<&BTreeSet<PathBuf>>, visit: &mut Visit) -> Result<(), Error> {
        let mut next = |path: &PathBuf| match self.shared.is_stopping() {
            true => Err(Error::Stopped),
            false => self.visit(path, visit),
        };
        match paths {
            Some(paths) => paths.iter().try_for_each(&mut next),
            None => self.documents.keys().try_for_each(&mut next),
        }
    }
}

impl Worker<'_> {
    /// Calls `visit` for a document, if it is shown.
    fn visit(&self, path: &Path, visit: &mut Visit) -> Result<(), Error> {
        let Some(Times { dated: at, learnt }) = self.documents.get(path).and_then(|known| known.shown) else {
            return Ok(());
        };
        let store = self.store()?;
        let Kept { head, found, notable } = store.get(path)?;
        let by_model = |key: &Key| if self.by_model.contains(key) { store.get_read(key) } else { Ok(Vec::new()) };
        let read = readings::combined(&found, &head.passages, by_model)?;
        visit(Stated { path, found: &found, read: &read, notable: &notable, at, learnt })
    }
}
