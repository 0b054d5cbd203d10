//! What the threads of an open index share.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use echofs_embedder::Embedder;

use crate::facts::readings::Desk;
use crate::facts::{self, Facts};
use crate::forgotten::{Forgotten, Order};
use crate::happened::{Happened, Listener};
use crate::journal::Journal;
use crate::policy::Policy;
use crate::record::Key;
use crate::scan::FileStat;
use crate::snapshot::Snapshot;
use crate::topics::{Label, ToLabel, Topics};
use crate::vectors::{Recall, Vectors};
use crate::{Config, Counts, Error, Source};

/// State that readers and the background threads share.
pub struct Shared {
    /// What the index was opened with.
    pub config: Config,
    /// Which files may be read.
    pub policy: Arc<Policy>,
    /// The indexed roots, as configured; how they are watched is asked when it is needed.
    pub sources: Vec<Source>,
    /// Turns text to vectors.
    pub embedder: Option<Arc<dyn Embedder>>,
    /// Passages by meaning.
    pub vectors: RwLock<Vectors>,
    /// Files that wait to be read, with what was last seen of them.
    pub pending: Mutex<HashMap<PathBuf, Pending>>,
    /// Whether the threads are to end.
    pub stopping: AtomicBool,
    /// Passages for a language model, and what it found in them.
    pub desk: Mutex<Desk>,
    /// What a language model said of topics and is not yet stored; `None` where it said nothing.
    pub labels: Mutex<Vec<(ToLabel, Option<Label>)>>,
    /// Who is told of changes.
    pub listener: OnceLock<Listener>,
    journal: Journal<Order>,
    forgotten: RwLock<Forgotten>,
    facts: RwLock<Arc<Facts>>,
    topics: RwLock<Arc<Topics>>,
    fact_journal: Journal<facts::Order>,
    fact_orders: Mutex<facts::Orders>,
    snapshot: RwLock<Arc<Snapshot>>,
    epoch: AtomicU64,
    progress: Mutex<Progress>,
    moved: Condvar,
}

/// A file that waits to be read.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    /// What was last seen of it.
    pub stat: FileStat,
    /// Whether it changed just now, and was not merely met in a scan.
    pub live: bool,
    /// Whether it is to be extracted even if its bytes are known.
    pub force: bool,
    /// Times it ended the extraction worker.
    pub crashes: u32,
    /// When it is tried again; `None` while it is with a reader.
    pub later: Option<Instant>,
    /// Whether it changed while it was being read.
    pub again: bool,
    /// That of its job: what another one brings is of a file that has gone since.
    pub number: u64,
}

/// How far the background threads are.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Whether every source was scanned once.
    pub scanned: bool,
    /// Files read and not yet committed.
    pub uncommitted: usize,
    /// Number of the table that the meaning side has looked at; see [`Shared::table_number`].
    pub meant: u64,
    /// Number of the newest table.
    pub table: u64,
    /// Documents and passages without meaning, of table `meant`.
    pub missing: (usize, usize),
    /// What the last audit of the graph found.
    pub recall: Option<Recall>,
    /// Why meaning is not computed.
    pub semantic_error: Option<String>,
    /// Why nothing can be written.
    pub write_error: Option<String>,
    /// Purges of the embedding cache that were asked for and that are done.
    pub purges: (u64, u64),
    /// The same for the stored facts.
    pub fact_purges: (u64, u64),
    /// Orders about facts that were given and that are carried out.
    pub orders: (u64, u64),
    /// Documents that are not yet read for facts.
    pub missing_facts: usize,
    /// The table whose facts are shown.
    pub facts_table: u64,
    /// Passages that a language model has read so far.
    pub readings: u64,
    /// Topics that a language model has been asked about so far.
    pub labels: u64,
    /// Purges of the stored topics that were asked for and that are done.
    pub topic_purges: (u64, u64),
    /// Documents that have no place among the topics yet.
    pub missing_topics: usize,
    /// The table whose documents all have their place.
    pub topics_table: u64,
}

impl Progress {
    /// Whether every store has erased what it was asked to.
    pub fn is_purged(&self) -> bool {
        [self.purges, self.fact_purges, self.topic_purges].iter().all(|(asked, done)| asked == done)
    }
}

impl Shared {
    /// Shares a store that was just opened.
    pub fn new(
        config: Config,
        policy: Arc<Policy>,
        sources: Vec<Source>,
        embedder: Option<Arc<dyn Embedder>>,
        forgotten: (Journal<Order>, Forgotten),
        fact_journal: (Journal<facts::Order>, facts::Orders),
        snapshot: Snapshot,
    ) -> Self {
        Self {
            config,
            policy,
            sources,
            vectors: RwLock::new(Vectors::new(embedder.as_ref().map_or(0, |e| e.dim()))),
            embedder,
            pending: Mutex::default(),
            stopping: AtomicBool::new(false),
            desk: Mutex::default(),
            labels: Mutex::default(),
            listener: OnceLock::new(),
            forgotten: RwLock::new(forgotten.1),
            journal: forgotten.0,
            facts: RwLock::default(),
            topics: RwLock::default(),
            fact_journal: fact_journal.0,
            fact_orders: Mutex::new(fact_journal.1),
            snapshot: RwLock::new(Arc::new(snapshot)),
            epoch: AtomicU64::new(1),
            progress: Mutex::new(Progress { table: 1, ..Progress::default() }),
            moved: Condvar::new(),
        }
    }

    /// The newest state.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        read(&self.snapshot).clone()
    }

    /// Shows a new state to everybody.
    pub fn publish(&self, snapshot: Snapshot) {
        *write(&self.snapshot) = Arc::new(snapshot);
        self.epoch.fetch_add(1, Ordering::Release);
        self.update(|progress| progress.table += 1);
    }

    /// Grows with every visible change.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Whether the embedding model is in memory now.
    pub fn has_model_loaded(&self) -> bool {
        self.embedder.as_ref().is_some_and(|embedder| embedder.loaded())
    }

    /// Says that more can be found by meaning.
    pub fn more_meaning(&self) {
        self.epoch.fetch_add(1, Ordering::Release);
        self.tell(&[]);
    }

    /// Tells the listener, if there is one.
    pub fn tell(&self, happened: &[Happened]) {
        if let Some(listener) = self.listener.get() {
            listener(happened);
        }
    }

    /// Changes the progress and wakes those who wait for it.
    pub fn update<R>(&self, change: impl FnOnce(&mut Progress) -> R) -> R {
        let result = self.note(change);
        self.moved.notify_all();
        result
    }

    /// Changes the progress, and wakes nobody: for what happens with every file.
    pub fn note<R>(&self, change: impl FnOnce(&mut Progress) -> R) -> R {
        change(&mut lock(&self.progress))
    }

    /// Has the threads end.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.update(|_| ());
    }

    /// The progress now.
    pub fn progress(&self) -> Progress {
        lock(&self.progress).clone()
    }

    /// Number of the newest table.
    pub fn table_number(&self) -> u64 {
        lock(&self.progress).table
    }

    /// Waits until `ready` holds or the time is over, and says whether it holds. Asked again at every [`update`](Shared::update), so
    /// that whoever makes it hold has to call that afterwards.
    pub fn wait_for(&self, timeout: Duration, ready: impl Fn(&Progress) -> bool) -> bool {
        let progress = lock(&self.progress);
        let waits = |progress: &mut Progress| !ready(progress);
        let waited = self.moved.wait_timeout_while(progress, timeout, waits).unwrap_or_else(PoisonError::into_inner);
        !waited.1.timed_out()
    }

    /// Whether the threads are to end.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Whether the path is to stay forgotten.
    pub fn is_forgotten(&self, path: &Path) -> bool {
        read(&self.forgotten).covers(path)
    }

    /// What a document is called where it is not to be named.
    pub fn known_as(&self, path: &Path) -> String {
        read(&self.forgotten).known_as(path)
    }

    /// Whether a file with these bytes is to stay forgotten, wherever it is.
    pub fn is_forgotten_content(&self, hash: Key) -> bool {
        read(&self.forgotten).has(hash)
    }

    /// Writes down that what is at these paths and has these bytes stays forgotten. It is on disk when this returns.
    ///
    /// # Errors
    /// [`Error::Io`] of the journal.
    pub fn order_to_forget(&self, places: &[&Path], contents: &[Key]) -> Result<(), Error> {
        let mut forgotten = write(&self.forgotten);
        let places = places.iter().map(|place| forgotten.order(Some(*place), None));
        let contents = contents.iter().map(|content| forgotten.order(None, Some(*content)));
        let orders: Vec<Order> = places.chain(contents).collect();
        self.journal.append_all(&orders)?;
        orders.iter().for_each(|order| forgotten.add(order));
        Ok(())
    }

    /// The facts now.
    pub fn facts(&self) -> Arc<Facts> {
        read(&self.facts).clone()
    }

    /// Shows new facts to everybody.
    pub fn publish_facts(&self, facts: Facts) {
        let before = std::mem::replace(&mut *write(&self.facts), Arc::new(facts));
        if !(before.is_empty() && self.facts().is_empty()) {
            self.epoch.fetch_add(1, Ordering::Release);
            self.tell(&[]);
        }
    }

    /// The topics now.
    pub fn topics(&self) -> Arc<Topics> {
        read(&self.topics).clone()
    }

    /// Shows new topics to everybody; queries may ask for them.
    pub fn publish_topics(&self, mut topics: Topics) {
        let mut shown = write(&self.topics);
        topics.number = shown.number + 1;
        *shown = Arc::new(topics);
        drop(shown);
        self.epoch.fetch_add(1, Ordering::Release);
        self.tell(&[]);
    }

    /// What the owner said about facts.
    pub fn fact_orders(&self) -> MutexGuard<'_, facts::Orders> {
        lock(&self.fact_orders)
    }

    /// Writes an order about facts down, where it is on disk when this returns, and has it carried out.
    ///
    /// # Errors
    /// [`Error::Io`] of the journal.
    pub fn order_about_facts(&self, order: facts::Order) -> Result<u64, Error> {
        let mut orders = self.fact_orders();
        self.fact_journal.append(&order)?;
        orders.add(order);
        drop(orders);
        Ok(self.ordered_facts())
    }

    /// The same for one that removes facts. What the owner stated of them leaves the journal.
    ///
    /// # Errors
    /// [`Error::Io`] of the journal.
    pub fn order_to_forget_facts(&self, order: facts::Order) -> Result<u64, Error> {
        let mut orders = self.fact_orders();
        self.fact_journal.append(&order)?;
        orders.add(order);
        let kept = self.fact_journal.retain(|order| !orders.have_removed(order))?;
        *orders = orders.left(kept);
        drop(orders);
        Ok(self.ordered_facts())
    }

    /// Takes the corrections of what is forgotten out of the journal.
    ///
    /// # Errors
    /// [`Error::Io`] of the journal.
    pub fn forget_corrections(&self, mut going: facts::Going) -> Result<(), Error> {
        let mut orders = self.fact_orders();
        let kept = self.fact_journal.retain(|order| !going.takes(order))?;
        if kept.len() < orders.count() {
            *orders = orders.left(kept);
            drop(orders);
            self.ordered_facts();
        }
        Ok(())
    }

    fn ordered_facts(&self) -> u64 {
        self.update(|p| {
            p.orders.0 += 1;
            p.orders.0
        })
    }

    /// Totals.
    pub fn counts(&self) -> Counts {
        let totals = self.snapshot().table.totals();
        let (topics, progress) = (self.topics(), self.progress());
        let (documents, passages) = progress.missing;
        let (read_by_model, pending_model) = lock(&self.desk).counts();
        // Who has not looked at the newest table may find that there is more to do.
        let left = |seen: u64, missing: usize| if seen == progress.table { missing } else { missing.max(1) };
        Counts {
            documents: totals.documents,
            chunks: totals.passages,
            pending: totals.pending + lock(&self.pending).len() + progress.uncommitted,
            pending_semantic: if self.embedder.is_none() { documents } else { left(progress.meant, documents) },
            pending_passages: passages,
            facts: self.facts().len(),
            pending_facts: left(progress.facts_table, progress.missing_facts),
            read_by_model,
            pending_model,
            topics: topics.tops().count(),
            pending_labels: topics.unlabelled().count(),
            pending_topics: left(progress.topics_table, progress.missing_topics),
            failed: totals.failed,
            skipped: totals.skipped,
            scanned: progress.scanned,
            semantic_error: progress.semantic_error,
            write_error: progress.write_error,
        }
    }
}

/// A lock whose holder panicked still guards whole data here: every change is made in one step.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As [`lock`].
pub fn read<T>(shared: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    shared.read().unwrap_or_else(PoisonError::into_inner)
}

/// As [`lock`].
pub fn write<T>(shared: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    shared.write().unwrap_or_else(PoisonError::into_inner)
}
