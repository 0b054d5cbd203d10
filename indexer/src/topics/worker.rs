//! The thread that keeps the topics in step with the documents, in idle time.

use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::describe::{Describer, Offer, entry_of};
use super::form::form;
use super::grounding;
use super::heirs::inherit;
use super::points::Points;
use super::store;
use super::topic::{Excerpt, Place, Topics};
use super::vector::{Space, holders};
use crate::Error;
use crate::record::{Key, Record};
use crate::shared::{Progress, Shared, lock};
use crate::snapshot::Snapshot;

/// Documents that topics are formed of, at most; the others are put into what comes of it.
const FORMED_OF: usize = 20_000;
/// Topics are formed anew when one document in so many has come or gone, and so many in all.
const MUCH: (usize, usize) = (4, 8);
/// A topic is described anew when it has grown by one document in so many.
const GROWN: usize = 4;
/// Documents that fit nowhere may be one in so many; then something new has come up.
const MISC: usize = 8;
/// Documents that are placed between two looks at what else is to be done.
const STEP: usize = 64;
/// How often changes are saved.
const SAVE: Duration = Duration::from_secs(30);
/// How long it waits after an error.
const RETRY: Duration = Duration::from_secs(30);
/// Stands in place of the documents that a topic had when it was described, once it has lost one of them.
const LOST: usize = usize::MAX;
/// The engine where no vectors are to be had.
const WORDS: &str = "words";

/// Runs until the index stops.
pub fn run(shared: &Shared) {
    let niced = rustix::process::nice(19);
    log::debug!("topics at priority {niced:?}");
    while !shared.is_stopping() {
        let work = || Worker::open(shared).and_then(|mut worker| worker.run());
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(())) => continue,
            Ok(Err(e)) => log::warn!("topics: {e}"),
            Err(_) => log::error!("topics: some document cannot be grouped"),
        }
        shared.wait_for(RETRY, |_| shared.is_stopping());
    }
}

struct Worker<'a> {
    shared: &'a Shared,
    dir: PathBuf,
    topics: Topics,
    saved: Instant,
    /// Whether there is something that is not saved.
    unsaved: bool,
}

/// The documents of one state of the index.
struct Now<'a> {
    snapshot: &'a Snapshot,
    records: HashMap<u64, &'a Record>,
    /// The embedding model and the numbers of its vectors.
    engine: (String, usize),
}

impl<'a> Worker<'a> {
    fn open(shared: &'a Shared) -> Result<Self, Error> {
        let dir = shared.config.data.join("topics");
        let topics = store::load(&dir)?;
        let worker = Self { shared, dir, topics, saved: Instant::now(), unsaved: false };
        if !worker.topics.places.is_empty() {
            shared.publish_topics(worker.topics.clone());
        }
        Ok(worker)
    }

    fn run(&mut self) -> Result<(), Error> {
        while !self.shared.is_stopping() {
            let progress = self.shared.progress();
            let snapshot = self.shared.snapshot();
            let now = self.look(&snapshot, &progress);
            let purging = progress.topic_purges.0 > progress.topic_purges.1;
            self.leave_out(&now, progress.scanned || purging)?;
            self.purge(progress.topic_purges)?;
            self.take_labels(&now)?;
            if self.is_quiet(&progress) {
                self.add(&now, progress.table)?;
            }
            if self.unsaved && self.saved.elapsed() >= SAVE {
                self.save()?;
            }
            let waiting = self.shared.progress().topics_table != progress.table;
            let changed = |p: &Progress| {
                let asked = p.topic_purges.0 > p.topic_purges.1 || p.labels != progress.labels;
                let other_engine = p.semantic_error.is_some() != progress.semantic_error.is_some();
                p.table != progress.table || asked || other_engine || waiting && self.is_quiet(p)
            };
            let patience = if self.unsaved { SAVE.saturating_sub(self.saved.elapsed()) } else { Duration::MAX };
            self.shared.wait_for(patience, |p| self.shared.is_stopping() || changed(p));
        }
        if self.unsaved { self.save() } else { Ok(()) }
    }

    fn look<'s>(&self, snapshot: &'s Snapshot, progress: &Progress) -> Now<'s> {
        let records = snapshot.table.records().iter().filter(|record| record.content.is_some());
        let engine = self.shared.embedder.as_ref().filter(|_| progress.semantic_error.is_none());
        Now {
            snapshot,
            records: records.map(|record| (record.id(), &**record)).collect(),
            engine: engine.map_or((WORDS.into(), 0), |engine| (engine.id().0.clone(), engine.dim())),
        }
    }

    /// Whether no document waits for its words or its vectors.
    fn is_quiet(&self, progress: &Progress) -> bool {
        let read = progress.scanned && progress.uncommitted == 0 && lock(&self.shared.pending).is_empty();
        let meant = progress.meant == progress.table && progress.missing.0 == 0;
        read && (meant || self.shared.embedder.is_none() || progress.semantic_error.is_some())
    }

    fn is_interrupted(&self, table: u64) -> bool {
        self.shared.is_stopping() || self.shared.table_number() != table
    }

    /// Leaves out documents that are gone, and quotations and summaries that do not stand any more. Before the first scan has ended,
    /// a document that is not there yet may still come; it is `certain` that none does afterwards, and one that was
    /// forgotten must go at once.
    fn leave_out(&mut self, now: &Now, certain: bool) -> Result<(), Error> {
        let Topics { topics, places, changed, .. } = &mut self.topics;
        let mut touched = BTreeSet::new();
        let before = places.len();
        places.retain(|id, place| {
            let gone = certain && !now.records.contains_key(id);
            touched.extend(place.topics().filter(|_| gone));
            !gone
        });
        let gone = before - places.len();
        *changed += gone;
        let record = |id: u64| now.records.get(&id).copied();
        for (number, topic) in topics.iter_mut().enumerate() {
            if certain
                && let Some(summary) = &mut topic.summary
                && !summary.stands(now.snapshot, &record)?
            {
                topic.summary = None;
                touched.insert(number);
            }
            let is_old = |quote: &Excerpt| {
                now.records.get(&quote.document).is_some_and(|record| hash(record) != Some(quote.hash))
            };
            touched.extend(topic.excerpts.iter().any(is_old).then_some(number));
        }
        if gone == 0 && touched.is_empty() {
            return Ok(());
        }
        for topic in touched {
            let top = self.topics.top_of(topic);
            self.topics.topics[top].described = LOST;
        }
        self.topics.prune();
        self.describe(now, HashMap::new())?;
        self.publish();
        Ok(())
    }

    /// Takes what a language model said of topics, where the documents that it was shown are as they were.
    fn take_labels(&mut self, now: &Now) -> Result<(), Error> {
        let brought = lock(&self.shared.labels).clone();
        let count = brought.len();
        if brought.is_empty() {
            return Ok(());
        }
        let mut offers = HashMap::new();
        for (asked, said) in brought {
            let as_shown =
                |(id, shown): (&u64, &Key)| now.records.get(id).is_some_and(|record| hash(record) == Some(*shown));
            let Some(topic) = self.topics.at(&asked.path).filter(|_| asked.sources.iter().all(as_shown)) else {
                continue;
            };
            self.topics.topics[topic].summary = Some(grounding::summary(&asked, said.as_ref()));
            let name = said.as_ref().and_then(|said| grounding::name(&asked, said));
            if let Some((said, name)) = said.zip(name) {
                let top = self.topics.top_of(topic);
                self.topics.topics[top].described = LOST;
                offers.insert(topic, Offer { name, model: said.model });
            }
        }
        self.describe(now, offers)?;
        self.publish();
        // Not before it is shown, or the same would be asked again.
        lock(&self.shared.labels).drain(..count);
        Ok(())
    }

    /// Leaves nothing on disk of what was forgotten.
    fn purge(&mut self, (asked, done): (u64, u64)) -> Result<(), Error> {
        if asked > done {
            self.save()?;
            self.shared.update(|p| p.topic_purges.1 = asked);
        }
        Ok(())
    }

    /// Puts new documents into the topics, or forms those anew.
    fn add(&mut self, now: &Now, table: u64) -> Result<(), Error> {
        let is_new =
            |id: &u64, record: &Record| self.topics.places.get(id).is_none_or(|p| Some(p.hash) != hash(record));
        let mut new: Vec<u64> =
            now.records.iter().filter(|(id, record)| is_new(id, record)).map(|(id, _)| *id).collect();
        new.sort_unstable();
        self.shared.update(|p| p.missing_topics = new.len());
        let complete = if self.is_outgrown(now, new.len()) {
            let all: Vec<u64> = now.records.keys().copied().collect();
            self.form(now, table)? && self.place(now, &all, table)?
        } else {
            let before = self.topics.places.len();
            let complete = self.place(now, &new, table)?;
            self.topics.changed += self.topics.places.len() - before;
            complete
        };
        if complete {
            self.shared.update(|p| (p.missing_topics, p.topics_table) = (0, table));
        }
        Ok(())
    }

    fn is_outgrown(&self, now: &Now, new: usize) -> bool {
        let Topics { formed, changed, places, engine, .. } = &self.topics;
        let changed = changed + new;
        let strange = places.values().filter(|place| place.home.is_none()).count();
        *engine != now.engine.0 && !now.records.is_empty()
            || changed >= MUCH.1.max(formed / MUCH.0)
            || *formed < MUCH.1 && changed > 0
            || strange > MUCH.1.max(places.len() / MISC) && changed > formed / 20
    }

    /// Forms the topics anew; whether it came to its end.
    fn form(&mut self, now: &Now, table: u64) -> Result<bool, Error> {
        let begun = Instant::now();
        let mut ids: Vec<u64> = now.records.keys().copied().collect();
        ids.sort_unstable();
        let step = ids.len().div_ceil(FORMED_OF).max(1);
        let mut space = self.space(now);
        let mut points = Points::new(space.dim());
        let mut documents: Vec<(u64, Key)> = Vec::new();
        for id in ids.iter().step_by(step) {
            if documents.len().is_multiple_of(STEP) && self.is_interrupted(table) {
                return Ok(false);
            }
            let record = now.records[id];
            if let Some((serial, entry)) = entry_of(now.snapshot, record)? {
                points.push(&space.point(serial, &entry)?);
                documents.push((*id, hash(record).unwrap_or_default()));
            }
        }
        let Some(mut topics) = form(&points, &documents, &|| self.is_interrupted(table)) else { return Ok(false) };
        inherit(&mut topics, &self.topics);
        (topics.engine, topics.formed) = (now.engine.0.clone(), ids.len());
        self.topics = topics;
        self.describe(now, HashMap::new())?;
        log::info!("{} topics formed of {} documents in {:.1?}", self.topics.topics.len(), ids.len(), begun.elapsed());
        self.publish();
        self.save()?;
        Ok(true)
    }

    /// Puts documents where they belong; whether it came to its end. A document that was changed stays where it is, if that
    /// is one of the two places where it could stand.
    fn place(&mut self, now: &Now, new: &[u64], table: u64) -> Result<bool, Error> {
        let mut space = self.space(now);
        let mut moved = false;
        for (number, id) in new.iter().enumerate() {
            if number.is_multiple_of(STEP) && self.is_interrupted(table) {
                return Ok(false);
            }
            let record = now.records[id];
            let Some(hash) = hash(record) else { continue };
            let former = self.topics.places.get(id).copied();
            if former.is_some_and(|place| place.hash == hash) {
                continue;
            }
            let Some((serial, entry)) = entry_of(now.snapshot, record)? else { continue };
            let point = space.point(serial, &entry)?;
            let (home, second) = self.topics.locate(&point);
            let stays = second.is_some() && former.is_some_and(|place| place.home == second);
            let (home, second) = if stays { (second, home) } else { (home, second) };
            self.topics.places.insert(*id, Place { home, second, hash });
            moved |= former.is_none_or(|place| (place.home, place.second) != (home, second));
            self.unsaved = true;
        }
        if moved {
            self.topics.prune();
            self.describe(now, HashMap::new())?;
            self.publish();
        }
        Ok(true)
    }

    /// Describes what has lost documents, or has grown since it was described, or has a name offered.
    fn describe(&mut self, now: &Now, offers: HashMap<usize, Offer>) -> Result<(), Error> {
        let is_stale = |topics: &Topics, top: usize, size: usize| {
            let described = topics.topics[top].described;
            described == LOST || described == 0 || size > described + described / GROWN
        };
        let mut tops: Vec<(usize, Vec<u64>)> = self.topics.members().into_iter().collect();
        tops.retain(|(top, members)| is_stale(&self.topics, *top, members.len()));
        // The largest chooses its name first.
        tops.sort_by_key(|(_, members)| std::cmp::Reverse(members.len()));
        if tops.is_empty() {
            return Ok(());
        }
        let holders = holders(&now.snapshot.words)?;
        let mut describer = Describer { snapshot: now.snapshot, space: self.space(now), holders, offers };
        for (top, members) in tops {
            let records: Vec<&Record> = members.iter().filter_map(|id| now.records.get(id).copied()).collect();
            describer.describe(&mut self.topics, top, &records)?;
        }
        Ok(())
    }

    fn space<'s>(&self, now: &Now<'s>) -> Space<'s>
    where
        'a: 's,
    {
        let documents = now.snapshot.table.totals().documents;
        Space::new(&now.snapshot.words, &self.shared.vectors, now.engine.1, documents)
    }

    fn publish(&mut self) {
        self.unsaved = true;
        self.shared.publish_topics(self.topics.clone());
    }

    fn save(&mut self) -> Result<(), Error> {
        (self.unsaved, self.saved) = (false, Instant::now());
        store::save(&self.dir, &self.topics)
    }
}

fn hash(record: &Record) -> Option<Key> {
    record.content.as_ref().map(|content| content.hash)
}
