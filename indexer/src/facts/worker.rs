//! The thread that keeps the facts in step with the documents: what is gone goes at once, what is new is read when
//! nothing waits to be found by words.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::document::{self, Document};
use super::fact::{Found, day_of};
use super::grounding;
use super::merge::{Facts, Stated};
use super::notable::{Notable, notable};
use super::readings;
use super::store::{Kept, Store, Stored};
use crate::conversations::without_own;
use crate::record::{Key, Record};
use crate::shared::{Progress, Shared, lock};
use crate::snapshot::Snapshot;
use crate::{Error, Kind, Passage};

/// How often new facts are shown while more are coming: after this time, and this many times what showing them took.
const PUBLISH: (Duration, u32) = (Duration::from_secs(2), 10);
/// How often it is asked whether words are still being indexed.
const BUSY: Duration = Duration::from_millis(200);
/// How long a store that fails is left alone.
const RETRY: Duration = Duration::from_secs(30);

/// Runs until the index stops.
pub fn run(shared: &Shared) {
    // Only in idle time: this thread gives way to all others.
    let niced = rustix::process::nice(10);
    log::debug!("facts at priority {niced:?}");
    while !shared.is_stopping() {
        if let Err(e) = Worker::open(shared).and_then(|mut worker| worker.run()) {
            log::warn!("facts: {e}");
            shared.wait_for(RETRY, |_| shared.is_stopping());
        }
    }
}

struct Worker<'a> {
    shared: &'a Shared,
    store: Option<Store>,
    stored: Stored,
    /// The documents whose statements are shown, and when those were learnt.
    stated: BTreeMap<PathBuf, Timestamp>,
    published: Instant,
    /// How long the last showing took.
    cost: Duration,
    fresh: bool,
    /// Whether documents went, whose passages may be nowhere else.
    lost: bool,
}

impl<'a> Worker<'a> {
    fn open(shared: &'a Shared) -> Result<Self, Error> {
        let (store, stored) = Store::open(&shared.config.data.join("facts"))?;
        Ok(Self {
            shared,
            store: Some(store),
            stored,
            stated: BTreeMap::new(),
            published: Instant::now(),
            cost: Duration::ZERO,
            fresh: true,
            lost: false,
        })
    }

    fn run(&mut self) -> Result<(), Error> {
        while !self.shared.is_stopping() {
            // Before the snapshot: what is asked for later may concern a later one.
            let Progress { table: number, orders, scanned, fact_purges, readings, .. } = self.shared.progress();
            let snapshot = self.shared.snapshot();
            let missing = self.compare(&snapshot, scanned)?;
            if self.fresh || orders.0 != orders.1 {
                self.publish();
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
            let patience = if self.shared.progress().missing_facts > 0 { BUSY } else { Duration::from_secs(60) };
            self.shared.wait_for(patience, |p| self.shared.is_stopping() || changed(p));
        }
        self.store.as_ref().map_or(Ok(()), Store::flush)
    }

    /// Drops what no document states any more, takes what is known already, and gives the documents to be read.
    fn compare(&mut self, snapshot: &Snapshot, scanned: bool) -> Result<Vec<Arc<Record>>, Error> {
        let indexed = |path: &PathBuf| snapshot.table.by_path(path).is_some_and(|r| r.content.is_some());
        let gone: Vec<PathBuf> = self.stated.keys().filter(|path| !indexed(path)).cloned().collect();
        self.fresh |= !gone.is_empty();
        for path in &gone {
            self.stated.remove(path);
        }
        // Before the first scan has ended, a document that is not there yet may still come.
        let lost: Vec<PathBuf> = self
            .stored
            .kept
            .keys()
            .filter(|path| (scanned || gone.contains(path)) && !indexed(path))
            .cloned()
            .collect();
        self.lost |= !lost.is_empty();
        for path in &lost {
            self.stored.kept.remove(path);
            self.store.as_ref().map_or(Ok(()), |store| store.remove(path))?;
        }
        let mut missing = Vec::new();
        for record in snapshot.table.records() {
            let Some(content) = &record.content else { continue };
            match self.stored.kept.get(&record.path) {
                Some(kept) if kept.hash == content.hash => {
                    let at = date(record);
                    self.fresh |= self.stated.insert(record.path.clone(), at) != Some(at);
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
        while let Some(record) = missing.pop() {
            if self.is_interrupted(number, orders) {
                return Ok(());
            }
            let (found, notable, passages) = found(snapshot, &record)?;
            let hash = record.content.as_ref().map_or([0; 16], |c| c.hash);
            let kept = Kept { hash, found, notable, passages };
            self.store.as_ref().map_or(Ok(()), |store| store.put(&record.path, &kept))?;
            self.stated.insert(record.path.clone(), date(&record));
            self.stored.kept.insert(record.path.clone(), kept);
            self.fresh = true;
            if self.published.elapsed() >= PUBLISH.0.max(self.cost * PUBLISH.1) {
                self.publish();
            }
            self.shared.update(|p| p.missing_facts = missing.len());
        }
        if self.lost {
            self.drop_unused()?;
        }
        if self.fresh {
            self.publish();
            self.store.as_ref().map_or(Ok(()), Store::flush)?;
        }
        self.shared.update(|p| p.facts_table = number);
        Ok(())
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
        let used = self.used();
        for (key, found) in brought.into_iter().filter(|(key, _)| used.contains(key)) {
            self.store.as_ref().map_or(Ok(()), |store| store.put_read(&key, &found))?;
            // Shown at once or not, it counts as read.
            self.fresh = true;
            self.stored.read.insert(key, found);
        }
        Ok(())
    }

    /// The passages that documents have now.
    fn used(&self) -> HashSet<Key> {
        self.stored.kept.values().flat_map(|kept| &kept.passages).map(|(key, _)| *key).collect()
    }

    /// Drops what was read in passages that are gone.
    fn drop_unused(&mut self) -> Result<(), Error> {
        let used = self.used();
        let unused: Vec<Key> = self.stored.read.keys().filter(|key| !used.contains(*key)).copied().collect();
        for key in unused {
            self.stored.read.remove(&key);
            self.store.as_ref().map_or(Ok(()), |store| store.remove_read(&key))?;
        }
        self.lost = false;
        Ok(())
    }

    /// Lays out what a language model may read next: the newest documents first.
    fn lay_out(&self) {
        let mut newest: Vec<(&PathBuf, &Timestamp)> = self.stated.iter().collect();
        newest.sort_by_key(|(_, at)| std::cmp::Reverse(**at));
        let mut seen = HashSet::new();
        let passages = newest.into_iter().filter_map(|(path, _)| Some((path, self.stored.kept.get(path)?)));
        let passages = passages.flat_map(|(path, kept)| kept.passages.iter().map(move |(key, _)| (path, key)));
        let unread = passages.filter(|(_, key)| !self.stored.read.contains_key(*key) && seen.insert(**key));
        let unread: Vec<(PathBuf, Key)> = unread.map(|(path, key)| (path.clone(), *key)).collect();
        lock(&self.shared.desk).lay_out(unread.into_iter(), self.stored.read.len());
    }

    fn publish(&mut self) {
        let begun = Instant::now();
        let read: HashMap<&PathBuf, Vec<Found>> = self.by_model();
        let none = Vec::new();
        let stated = self.stated.iter().filter_map(|(path, at)| {
            let kept = self.stored.kept.get(path)?;
            let read = read.get(path).unwrap_or(&none);
            Some(Stated { path, found: &kept.found, read, notable: &kept.notable, at: *at })
        });
        let facts = Facts::new(self.shared.facts().number + 1, stated, &self.shared.fact_orders());
        self.shared.publish_facts(facts);
        self.lay_out();
        (self.fresh, self.published, self.cost) = (false, Instant::now(), begun.elapsed());
    }

    /// What the language model found in each document.
    fn by_model(&self) -> HashMap<&PathBuf, Vec<Found>> {
        if self.stored.read.is_empty() {
            return HashMap::new();
        }
        let documents = self.stated.keys().filter_map(|path| Some((path, self.stored.kept.get(path)?)));
        documents
            .map(|(path, kept)| (path, readings::combined(&kept.found, &kept.passages, &self.stored.read)))
            .collect()
    }

    /// Leaves nothing on disk of what was forgotten.
    fn purge(&mut self, (asked, done): (u64, u64)) -> Result<(), Error> {
        if asked == done {
            return Ok(());
        }
        self.drop_unused()?;
        if let Some(store) = self.store.take() {
            self.store = Some(store.rewritten(&self.stored)?);
        }
        self.shared.update(|p| p.fact_purges.1 = asked);
        Ok(())
    }
}

/// What a document states, which of its sentences matter, and which of its passages a model may read.
type Read = (Vec<Found>, Vec<Notable>, Vec<(Key, u32)>);

fn found(snapshot: &Snapshot, record: &Record) -> Result<Read, Error> {
    let Some(content) = &record.content else { return Ok(Read::default()) };
    let Some(address) = snapshot.words.address(content.serial)? else { return Ok(Read::default()) };
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
    let read = || (document::facts(&document, passages()), notable(&document, passages()), for_model());
    // A rule that fails on some text costs the facts of that document and nothing else.
    let facts = catch_unwind(AssertUnwindSafe(read));
    Ok(facts.unwrap_or_else(|_| {
        log::error!("{}: its facts cannot be read", record.path.display());
        Read::default()
    }))
}

/// When a document's statements were learnt.
fn date(record: &Record) -> Timestamp {
    Timestamp::from_second(record.date()).unwrap_or_default()
}
