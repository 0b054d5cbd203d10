//! The thread that keeps the facts in step with the documents: what is gone goes at once, what is new is read when
//! nothing waits to be found by words.

use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::document::{self, Document};
use super::fact::day_of;
use super::grounding;
use super::merge::{Documents, Facts, Stated};
use super::notable::notable;
use super::readings::{self, Brought};
use super::remembered;
use super::store::{Head, Kept, Store};
use crate::conversations::without_own;
use crate::record::{Key, Record};
use crate::remembered::NOTE;
use crate::shared::{Progress, Shared, lock};
use crate::snapshot::Snapshot;
use crate::{Error, Kind, Passage, memory};

/// How often new facts are shown while more are coming: after this time, and this many times what showing them took.
const PUBLISH: (Duration, u32) = (Duration::from_secs(2), 10);
/// How often it is asked whether words are still being indexed.
const BUSY: Duration = Duration::from_millis(200);
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
    published: Instant,
    /// How long the last showing took.
    cost: Duration,
    fresh: bool,
    /// Whether something is shown of documents that are gone.
    gone: bool,
    /// Whether documents went, whose passages may be nowhere else.
    lost: bool,
}

impl<'a> Worker<'a> {
    fn open(shared: &'a Shared) -> Result<Self, Error> {
        let (store, contents) = Store::open(&shared.config.data.join("facts"))?;
        let known = |(path, hash)| (path, Known { hash, shown: None });
        Ok(Self {
            shared,
            store: Some(store),
            documents: contents.documents.into_iter().map(known).collect(),
            by_model: contents.read,
            published: Instant::now(),
            cost: Duration::ZERO,
            fresh: true,
            gone: false,
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
            if orders.0 != orders.1 || self.gone || self.fresh && self.is_due() {
                self.publish()?;
                self.shared.update(|p| p.orders.1 = orders.0);
            }
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
            let patience = match self.shared.progress().missing_facts {
                0 if self.fresh => (self.cost * PUBLISH.1).saturating_sub(self.published.elapsed()),
                0 => Duration::from_secs(60),
                _ => BUSY,
            };
            self.shared.wait_for(patience, |p| self.shared.is_stopping() || changed(p));
            self.shared.facts().rest();
        }
        self.store()?.flush()
    }

    /// Drops what no document states any more, takes what is known already, and gives the documents to be read.
    fn compare(&mut self, snapshot: &Snapshot, scanned: bool) -> Result<Vec<Arc<Record>>, Error> {
        let indexed = |path: &PathBuf| snapshot.table.by_path(path).is_some_and(|r| r.content.is_some());
        let mut lost = Vec::new();
        for (path, known) in self.documents.iter_mut().filter(|(path, _)| !indexed(path)) {
            let gone = known.shown.take().is_some();
            (self.fresh, self.gone) = (self.fresh | gone, self.gone | gone);
            // Before the first scan has ended, a document that is not there yet may still come.
            if scanned || gone {
                lost.push(path.clone());
            }
        }
        self.lost |= !lost.is_empty();
        for path in &lost {
            self.documents.remove(path);
            self.store()?.remove(path)?;
        }
        let mut missing = Vec::new();
        for record in snapshot.table.records() {
            let Some(content) = &record.content else { continue };
            match self.documents.get_mut(&record.path) {
                Some(known) if known.hash == content.hash => {
                    let at = Some(Times::of(record));
                    self.fresh |= known.shown != at;
                    known.shown = at;
                }
                _ => missing.push(record.clone()),
            }
        }
        self.shared.update(|p| p.missing_facts = missing.len());
        Ok(missing)
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
            let kept = found(snapshot, &record)?;
            self.store()?.put(&record.path, &kept)?;
            self.documents.insert(record.path.clone(), Known { hash: kept.head.hash, shown: Some(Times::of(&record)) });
            self.fresh = true;
            if self.published.elapsed() >= PUBLISH.0 && self.is_due() {
                self.publish()?;
            }
            self.shared.update(|p| p.missing_facts = missing.len());
        }
        if self.lost {
            self.drop_unused()?;
        }
        if self.fresh && self.is_due() {
            self.publish()?;
            self.store()?.flush()?;
        }
        if !self.fresh {
            self.shared.update(|p| p.facts_table = number);
        }
        Ok(())
    }

    /// Whether showing what is new would not take more than a small part of the time.
    fn is_due(&self) -> bool {
        self.published.elapsed() >= self.cost * PUBLISH.1
    }

    /// Whether words wait to be indexed, or there is something newer to look at.
    fn is_interrupted(&self, number: u64, orders: u64) -> bool {
        let progress = self.shared.progress();
        let busy = progress.uncommitted > 0 || !lock(&self.shared.pending).is_empty();
        busy || self.shared.is_stopping() || progress.table != number || progress.orders.0 != orders
    }

    /// Takes in what a language model has read meanwhile, as far as its passages are still there.
    fn take_in(&mut self) -> Result<(), Error> {
        let brought = lock(&self.shared.desk).take();
        if brought.is_empty() {
            return Ok(());
        }
        for Brought { path, key, found } in brought {
            if self.documents.contains_key(&path) && self.store()?.head(&path)?.passages.iter().any(|(k, _)| *k == key)
            {
                self.store()?.put_read(&key, found)?;
                // Shown at once or not, it counts as read.
                self.fresh = true;
                self.by_model.insert(key);
            }
        }
        Ok(())
    }

    /// Drops what was read in passages that are gone.
    fn drop_unused(&mut self) -> Result<(), Error> {
        let mut unused = self.by_model.clone();
        for path in self.documents.keys().take_while(|_| !self.by_model.is_empty()) {
            self.store()?.head(path)?.passages.iter().for_each(|(key, _)| {
                unused.remove(key);
            });
        }
        for key in unused {
            self.by_model.remove(&key);
            self.store()?.remove_read(&key)?;
        }
        self.lost = false;
        Ok(())
    }

    /// Lays out what a language model may read next: the newest documents first.
    fn lay_out(&self) -> Result<(), Error> {
        let store = self.store()?;
        let shown = self.documents.iter().filter_map(|(path, known)| Some((path, known.shown?.dated)));
        let mut newest: Vec<(&PathBuf, Timestamp)> = shown.collect();
        let mut unread = HashSet::new();
        for (path, _) in &newest {
            let passages = store.head(path)?.passages.into_iter().map(|(key, _)| key);
            unread.extend(passages.filter(|key| !self.by_model.contains(key)));
        }
        let counts = (self.by_model.len(), unread.len());
        newest.sort_by_key(|(_, at)| std::cmp::Reverse(*at));
        let passages = newest.into_iter().flat_map(|(path, _)| {
            let head = store.head(path).unwrap_or_default();
            head.passages.into_iter().map(move |(key, _)| (path.clone(), key))
        });
        // Each once.
        lock(&self.shared.desk).lay_out(passages.filter(|(_, key)| unread.remove(key)), counts);
        Ok(())
    }

    fn publish(&mut self) -> Result<(), Error> {
        let begun = Instant::now();
        let (number, orders) = (self.shared.facts().number + 1, self.shared.fact_orders().clone());
        let dir = self.shared.config.data.join("facts");
        let facts = match Facts::new(number, self, &orders, Some(&dir)) {
            // What is gone has to go, also when there is no room on the disk.
            Err(Error::Io { .. }) => Facts::new(number, self, &orders, None)?,
            Err(Error::Stopped) => return Ok(()),
            facts => facts?,
        };
        self.shared.publish_facts(facts);
        self.lay_out()?;
        memory::give_back();
        (self.fresh, self.gone) = (false, false);
        (self.published, self.cost) = (Instant::now(), begun.elapsed());
        Ok(())
    }

    /// Leaves nothing on disk of what was forgotten.
    fn purge(&mut self, (asked, done): (u64, u64)) -> Result<(), Error> {
        if asked == done {
            return Ok(());
        }
        self.drop_unused()?;
        if let Some(store) = self.store.take() {
            self.store = Some(store.rewritten()?);
        }
        self.shared.update(|p| p.fact_purges.1 = asked);
        Ok(())
    }
}

/// The documents that are shown, read from the store one after the other.
impl Documents for Worker<'_> {
    fn each(&self, visit: &mut dyn FnMut(Stated<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let store = self.store()?;
        for (path, Times { dated: at, learnt }) in
            self.documents.iter().filter_map(|(path, known)| Some((path, known.shown?)))
        {
            if self.shared.is_stopping() {
                return Err(Error::Stopped);
            }
            let Kept { head, found, notable } = store.get(path)?;
            let by_model = |key: &Key| if self.by_model.contains(key) { store.get_read(key) } else { Ok(Vec::new()) };
            let read = readings::combined(&found, &head.passages, by_model)?;
            visit(Stated { path, found: &found, read: &read, notable: &notable, at, learnt })?;
        }
        Ok(())
    }
}

/// What a document states, which of its sentences matter, and which of its passages a model may read.
fn found(snapshot: &Snapshot, record: &Record) -> Result<Kept, Error> {
    let Some(content) = &record.content else { return Ok(Kept::default()) };
    let nothing = || Kept { head: Head { hash: content.hash, passages: Vec::new() }, ..Kept::default() };
    let Some(address) = snapshot.words.address(content.serial) else { return Ok(nothing()) };
    let entry = snapshot.words.entry(address)?;
    let stated = content.stated_date.and_then(|at| Timestamp::from_second(at).ok()).map(day_of);
    let title = record.title();
    let language = content.lang.as_deref();
    let document = Document { title: &title, media: &content.media, date: stated, language };
    let stored = entry.passages.iter().map(|p| &p.passage);
    let said = (content.kind == Kind::Conversation).then(|| without_own(stored.clone()));
    let all: Vec<&Passage> = said.as_ref().map_or_else(|| stored.collect(), |said| said.iter().collect());
    let passages = || all.iter().copied();
    let for_model = || {
        let worth =
            |p: &&Passage| readings::is_by_people(content.kind) && grounding::is_worth_reading(&content.media, &p.text);
        passages().filter(worth).map(|p| (readings::key(&p.text), p.line)).collect()
    };
    let read = || Kept {
        head: Head { hash: content.hash, passages: for_model() },
        found: match content.kind == Kind::Note && record.path.ends_with(NOTE) {
            true => remembered::by_owner(document::facts(&document, passages()), passages()),
            false => document::facts(&document, passages()),
        },
        notable: notable(&document, passages()),
    };
    // A rule that fails on some text costs the facts of that document and nothing else.
    let facts = catch_unwind(AssertUnwindSafe(read));
    Ok(facts.unwrap_or_else(|_| {
        log::error!("{}: its facts cannot be read", record.path.display());
        nothing()
    }))
}
