//! The thread that gives passages their vectors: from the cache at once, from the model as it comes.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use echofs_embedder::Embedder;

use crate::record::{Content, Key, Record, Serial};
use crate::shared::{Progress, Shared, lock, read, write};
use crate::snapshot::Snapshot;
use crate::vectors::{self, Cache, Generations, Growth, Vectors};
use crate::{Error, files, parts};

/// Passages that are given to the model together, of as many documents as it takes: enough for several threads, and soon
/// done when the index stops.
const BATCH: usize = 24;
/// Rows that are put into the graph between two documents that the model is needed for.
const STEP: usize = 512;
/// How often new vectors are made known.
const PUBLISH: Duration = Duration::from_secs(1);
/// So many files that wait to be read are a scan ...
const SCAN: usize = 64;
/// ... and meaning waits for its words for so long.
const WORDS_FIRST: Duration = Duration::from_secs(30);
/// How long a model that fails is left alone.
const RETRY: Duration = Duration::from_secs(30);

/// Runs until the index stops.
pub fn run(shared: &Shared, embedder: &dyn Embedder) {
    while !shared.is_stopping() {
        let ended = Meaning::open(shared, embedder).and_then(|mut meaning| meaning.run());
        if let Err(e) = ended {
            log::warn!("meaning: {e}");
            shared.update(|p| p.semantic_error = Some(e.to_string()));
            shared.wait_for(RETRY, |p| shared.is_stopping() || p.purges.0 > p.purges.1);
        }
    }
}

struct Meaning<'a> {
    shared: &'a Shared,
    embedder: &'a dyn Embedder,
    cache: Cache,
    generations: Generations,
    published: Instant,
    fresh: bool,
    /// Documents that the model failed on, until the next start.
    given_up: HashSet<Serial>,
    /// Failures one after the other.
    failures: usize,
    /// Since when a scan goes on.
    scan_since: Option<Instant>,
}

impl<'a> Meaning<'a> {
    fn open(shared: &'a Shared, embedder: &'a dyn Embedder) -> Result<Self, Error> {
        let dir = shared.config.data.join("vectors").join(dir_name(&embedder.id().0));
        let cache = match Cache::open(&dir, embedder.dim()) {
            Ok(cache) => cache,
            Err(why) => {
                files::move_aside(&dir, &why)?;
                Cache::open(&dir, embedder.dim())?
            }
        };
        Ok(Self {
            shared,
            embedder,
            cache,
            generations: Generations::in_dir(&dir),
            published: Instant::now(),
            fresh: false,
            given_up: HashSet::new(),
            failures: 0,
            scan_since: None,
        })
    }

    fn run(&mut self) -> Result<(), Error> {
        self.load_saved()?;
        while !self.shared.is_stopping() {
            // Before the snapshot: what is asked for later may concern a later one.
            let (number, asked) = (self.shared.table_number(), self.shared.progress().purges.0);
            let snapshot = self.shared.snapshot();
            self.purge(&snapshot, asked)?;
            self.remove_gone(&snapshot);
            let mut missing = self.load_cached(&snapshot);
            self.report(number, &missing);
            if !missing.is_empty() && self.waited_for_words() {
                continue;
            }
            missing.sort_by_key(|record| record.stat.mtime_ns);
            while !missing.is_empty() {
                let next = missing.split_off(missing.len() - last_batch(&missing));
                self.embed_or_judge(&snapshot, &next, number)?;
                self.grow_graph(number, STEP);
                self.save(&snapshot, 2);
                self.report(number, &missing);
                if self.shared.table_number() != number || self.shared.is_stopping() {
                    break;
                }
            }
            self.publish(true);
            if missing.is_empty() {
                self.grow_graph(number, usize::MAX);
                // What is saved before the graph is whole would have to be built again after each start.
                if !self.is_busy(number) {
                    self.tidy(&snapshot, number)?;
                }
            }
            let wanted = |p: &Progress| p.table != number || p.purges.0 > p.purges.1;
            self.shared.wait_for(Duration::from_secs(60), |p| self.shared.is_stopping() || wanted(p));
        }
        self.cache.sync()
    }

    /// Waits while a scan brings words in, so long at most: these are found at once, and alone they come twice as fast.
    /// Whether it did.
    fn waited_for_words(&mut self) -> bool {
        let scans = || lock(&self.shared.pending).len() >= SCAN;
        if !scans() {
            self.scan_since = None;
            return false;
        }
        let since = *self.scan_since.get_or_insert_with(Instant::now);
        let left = WORDS_FIRST.saturating_sub(since.elapsed());
        let is_wanted = |p: &Progress| self.shared.is_stopping() || p.purges.0 > p.purges.1 || !scans();
        !left.is_zero() && {
            self.shared.wait_for(left, is_wanted);
            true
        }
    }

    /// Takes what was saved the last time, so that little has to be computed and the graph need not be built.
    fn load_saved(&self) -> Result<(), Error> {
        if read(&self.shared.vectors).documents().next().is_some() {
            return Ok(());
        }
        if let Some(loaded) = self.generations.load(self.embedder.dim())? {
            let saved = Vectors::adopt(loaded, &self.shared.snapshot().table);
            *write(&self.shared.vectors) = saved;
            self.shared.more_meaning();
        }
        Ok(())
    }

    /// Vectors of documents that are no more.
    fn remove_gone(&mut self, snapshot: &Snapshot) {
        let gone = |serial: &u32| snapshot.table.by_serial(*serial).is_none();
        let gone: Vec<u32> = read(&self.shared.vectors).documents().filter(gone).collect();
        if !gone.is_empty() {
            let mut vectors = write(&self.shared.vectors);
            gone.into_iter().for_each(|serial| vectors.remove(serial));
        }
    }

    /// Takes what the cache has; gives the documents that need the model.
    fn load_cached(&mut self, snapshot: &Snapshot) -> Vec<Arc<Record>> {
        let mut missing = Vec::new();
        for record in snapshot.table.records() {
            let Some(content) = &record.content else { continue };
            let known = read(&self.shared.vectors).known(content.serial);
            if known == content.keys.len() {
                continue;
            }
            if !self.given_up.contains(&content.serial) && !self.take_cached(content) {
                missing.push(record.clone());
            }
        }
        self.publish(false);
        missing
    }

    /// All vectors of a document, if the cache has them all.
    fn take_cached(&mut self, content: &Content) -> bool {
        if !content.keys.iter().all(|key| self.cache.contains(key)) {
            return false;
        }
        let vectors: Option<Vec<Vec<f32>>> = content.keys.iter().map(|key| self.cache.get(key)).collect();
        let Some(vectors) = vectors else { return false };
        let mut shared = write(&self.shared.vectors);
        shared.remove(content.serial);
        shared.add(content.serial, &vectors);
        self.fresh = true;
        true
    }

    /// One document that the model cannot take is passed over; a model that takes none is an error.
    fn embed_or_judge(&mut self, snapshot: &Snapshot, records: &[Arc<Record>], number: u64) -> Result<(), Error> {
        match (self.embed(snapshot, records, number), records) {
            (Ok(()), _) => {
                self.failures = 0;
                Ok(())
            }
            (Err(Error::Semantic(why)), [record]) if self.failures < 3 => {
                log::warn!("{}: no meaning: {why}", record.path.display());
                self.failures += 1;
                self.given_up.extend(record.content.as_ref().map(|c| c.serial));
                Ok(())
            }
            (Err(Error::Semantic(_)), [_, _, ..]) => {
                records.chunks(1).try_for_each(|record| self.embed_or_judge(snapshot, record, number))
            }
            (failed, _) => failed,
        }
    }

    /// Computes the vectors of documents that the cache does not have, some passages at a time, until there is something else
    /// to do: what is new goes before the rest of a long document.
    fn embed(&mut self, snapshot: &Snapshot, records: &[Arc<Record>], number: u64) -> Result<(), Error> {
        let absent: Vec<Vec<Absent>> =
            records.iter().map(|record| self.absent(snapshot, record)).collect::<Result<_, _>>()?;
        let mut met = HashSet::new();
        let absent: Vec<Absent> = absent.into_iter().flatten().filter(|a| met.insert(a.keys.clone())).collect();
        let contents = || records.iter().filter_map(|record| record.content.as_ref());
        for batch in absent.chunks(BATCH) {
            let entries = self.vectors(batch)?;
            self.cache.insert(&entries)?;
            contents().for_each(|content| self.extend(content));
            self.publish(false);
            if self.is_busy(number) {
                break;
            }
        }
        // What was added part by part stays where it is: to add it again would leave a tombstone for every row.
        for content in contents() {
            if read(&self.shared.vectors).known(content.serial) < content.keys.len() {
                self.take_cached(content);
            }
        }
        self.shared.update(|p| p.semantic_error = None);
        Ok(())
    }

    /// Passages of a document that the cache does not have.
    fn absent(&self, snapshot: &Snapshot, record: &Record) -> Result<Vec<Absent>, Error> {
        let Some(content) = &record.content else { return Ok(Vec::new()) };
        let Some(address) = snapshot.words.address(content.serial) else { return Ok(Vec::new()) };
        let mut keys = content.keys.iter().copied();
        let mut absent = Vec::new();
        for passage in snapshot.words.entry(address)?.passages {
            let keys: Vec<Key> = keys.by_ref().take(passage.parts as usize).collect();
            if !keys.iter().all(|key| self.cache.contains(key)) {
                let texts = parts::texts(content.stated_title.as_deref(), &passage.passage);
                absent.push(Absent { keys, texts });
            }
        }
        Ok(absent)
    }

    /// What the model says of some passages.
    fn vectors(&self, passages: &[Absent]) -> Result<Vec<(Key, Vec<f32>)>, Error> {
        let all: Vec<&str> = passages.iter().flat_map(|passage| &passage.texts).map(String::as_str).collect();
        let mut vectors = self.embedder.embed(&all).map_err(|e| Error::Semantic(e.to_string()))?.into_iter();
        let own = |Absent { keys, texts }: &Absent| {
            let mixed = parts::mixed(vectors.by_ref().take(texts.len()).collect());
            keys.iter().copied().zip(mixed).collect::<Vec<_>>()
        };
        Ok(passages.iter().flat_map(own).collect())
    }

    /// Shows the first passages of a long document while its others are still computed.
    fn extend(&mut self, content: &Content) {
        let known = read(&self.shared.vectors).known(content.serial);
        let next: Vec<Vec<f32>> = content.keys.iter().skip(known).map_while(|key| self.cache.get(key)).collect();
        if !next.is_empty() && write(&self.shared.vectors).add(content.serial, &next) {
            self.fresh = true;
        }
    }

    fn report(&self, number: u64, missing: &[Arc<Record>]) {
        let passages = missing.iter().filter_map(|r| r.content.as_ref()).map(|c| c.passages as usize).sum();
        self.shared.update(|p| {
            p.meant = number;
            p.missing = (missing.len(), passages);
        });
    }

    fn publish(&mut self, now: bool) {
        if self.fresh && (now || self.published.elapsed() >= PUBLISH) {
            self.fresh = false;
            self.published = Instant::now();
            self.shared.more_meaning();
        }
    }

    /// Removes every vector from the disk that no document needs, if that was asked for.
    fn purge(&mut self, snapshot: &Snapshot, wanted: u64) -> Result<(), Error> {
        if wanted > self.shared.progress().purges.1 {
            self.cache.compact(&live(snapshot), true)?;
            // Vectors of other models are of no use here and may be of what was forgotten.
            if !self.generations.numbers().is_empty() {
                vectors::save(&self.shared.vectors, &snapshot.table, &self.generations, &|| false)?;
            }
            self.generations.remove_damaged()?;
            let own = dir_name(&self.embedder.id().0);
            files::remove_others(&self.shared.config.data.join("vectors"), &|name| name == own.as_str())?;
            self.shared.update(|p| p.purges.1 = wanted);
        }
        Ok(())
    }

    /// Puts rows into the graph, `most` of them, until all are in or there is something else to do. Searches go on while
    /// it looks for the place of a row.
    fn grow_graph(&self, number: u64, most: usize) {
        let vectors = &self.shared.vectors;
        for _ in 0..most {
            if self.is_busy(number) {
                return;
            }
            let growth = read(vectors).growth();
            match growth {
                None => return,
                Some(Growth::Row(plan)) => write(vectors).grow(plan),
                Some(Growth::Seed(rows)) => match vectors::seed(&rows, &|| self.shared.is_stopping()) {
                    Some(graph) => write(vectors).plant(graph),
                    None => return,
                },
            }
        }
    }

    fn is_busy(&self, number: u64) -> bool {
        self.shared.table_number() != number || self.shared.is_stopping()
    }

    /// What has time: disk, the graph's recall, the next generation.
    fn tidy(&mut self, snapshot: &Snapshot, number: u64) -> Result<(), Error> {
        self.cache.sync()?;
        if self.cache.len() > 2 * snapshot.table.totals().parts + 1_000 {
            self.cache.compact(&live(snapshot), false)?;
        }
        self.audit(number);
        self.save(snapshot, 10);
        Ok(())
    }

    /// Measures the graph when it has grown by a tenth since it was measured.
    fn audit(&self, number: u64) {
        let measured = self.shared.progress().recall.map_or(0, |recall| recall.rows);
        if read(&self.shared.vectors).size().in_graph * 10 <= measured * 11 {
            return;
        }
        if let Some(recall) = vectors::audit(&self.shared.vectors, &|| self.is_busy(number)) {
            self.shared.update(|p| p.recall = Some(recall));
        }
    }

    /// Saves what is new, if that is one part in `share` of everything, or if many rows are tombstones. It only makes the
    /// next start faster: a full disk is no reason to stop.
    fn save(&self, snapshot: &Snapshot, share: usize) {
        if !read(&self.shared.vectors).is_worth_saving(share) {
            return;
        }
        let stop = || self.shared.is_stopping();
        if let Err(e) = vectors::save(&self.shared.vectors, &snapshot.table, &self.generations, &stop) {
            log::warn!("vectors are not saved: {e}");
        }
    }
}

/// A passage that has no vectors yet: a key and a text for each of its parts.
struct Absent {
    keys: Vec<Key>,
    texts: Vec<String>,
}

/// How many of the last documents make a batch, one at least.
fn last_batch(records: &[Arc<Record>]) -> usize {
    let passages = |record: &Arc<Record>| record.content.as_ref().map_or(0, |content| content.passages as usize);
    let mut sum = 0;
    let more = |record: &&Arc<Record>| {
        sum += passages(record);
        sum <= BATCH
    };
    records.iter().rev().take_while(more).count().max(1)
}

fn live(snapshot: &Snapshot) -> HashSet<Key> {
    let contents = snapshot.table.records().iter().filter_map(|r| r.content.as_ref());
    contents.flat_map(|c| c.keys.iter().copied()).collect()
}

/// A model's id as a directory name.
fn dir_name(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '_' }).collect()
}
