//! The seam of the store: open, start, search.

mod forget;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use echofs_embedder::Embedder;
use echofs_query_lang::{Node, Query};
use quick_cache::sync::Cache;

use crate::context::{Moment, Move, Moved, Tier};
use crate::conversations::Conversations;
use crate::facts::readings::{self, ToRead};
use crate::facts::{self, Claim, Facts, Wish};
use crate::files::{self, Lock};
use crate::forgotten;
use crate::ingest::{self, Event, Ingest};
use crate::jobs::Jobs;
use crate::opening::{self, Opened};
use crate::prepare::Reader;
use crate::ranking::Ranking;
use crate::record::Record;
use crate::relationship::{Entry, Relationship};
use crate::rerank::{self, Reranking};
use crate::scratch::Scratch;
use crate::search::{self, Searcher};
use crate::shared::{Shared, lock, read};
use crate::topics::{self, Label, ToLabel, Topics, label};
use crate::watch::{self, Watcher};
use crate::writer::Writer;
use crate::{
    Counts, Coverage, Document, Error, Graph, Happened, Kept, Passage, Results, Source, State, meaning, stated,
};

pub use forget::Wanted;

/// Readers of files, and as many extraction workers.
const READERS: usize = 2;
/// Events that may wait for the indexing thread.
const EVENTS: usize = 64;
/// Queries whose vectors are kept.
const QUERIES: usize = 256;
/// How long an order about facts waits to be shown.
const SHOWN: Duration = Duration::from_secs(10);

/// What an index is opened with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data directory; made with mode 0700 when it is missing.
    pub data: PathBuf,
    /// The owner's directories, absolute and canonical.
    pub sources: Vec<PathBuf>,
    /// Never entered: the mount point, the data directory (but for its `notes`).
    pub excluded: Vec<PathBuf>,
    /// Command line of the extraction worker, the program first; empty to extract in this process (tests).
    pub worker: Vec<OsString>,
}

/// The store of one data directory.
pub struct Index {
    shared: Arc<Shared>,
    kept: Kept,
    conversations: Arc<Conversations>,
    relationship: Arc<Relationship>,
    moved: Moved,
    ranking: Ranking,
    queries: Cache<String, Arc<Vec<f32>>>,
    reranking: OnceLock<Reranking>,
    idle: Mutex<Option<Opened>>,
    running: Mutex<Option<Running>>,
    _lock: Lock,
}

/// The threads of a started index.
struct Running {
    events: SyncSender<Event>,
    jobs: Arc<Jobs>,
    watcher: Arc<Watcher>,
    threads: Vec<JoinHandle<()>>,
}

impl Index {
    /// Opens the store without loading a model. Damaged derived stores are moved aside and rebuilt after [`start`](Index::start).
    ///
    /// # Errors
    /// [`Error::Locked`] when another process has the directory; I/O errors.
    pub fn open(config: Config, embedder: Option<Arc<dyn Embedder>>) -> Result<Arc<Index>, Error> {
        files::private_dir(&config.data)?;
        let lock = Lock::take(&config.data)?;
        let conversations = Arc::new(Conversations::open(&config.data)?);
        let relationship = Arc::new(Relationship::open(&config.data)?);
        let data = config.data.clone();
        let (shared, opened) = opening::open(config, embedder)?;
        Ok(Arc::new(Index {
            shared: Arc::new(shared),
            conversations,
            relationship,
            moved: Moved::open(&data),
            kept: Kept::open(&data.join("journal/queries.jsonl"))?,
            ranking: Ranking::default(),
            queries: Cache::new(QUERIES),
            reranking: OnceLock::new(),
            idle: Mutex::new(Some(opened)),
            running: Mutex::new(None),
            _lock: lock,
        }))
    }

    /// Has `sort:rerank` and answers ask this reranker. Once; later ones are not asked.
    pub fn rerank_with(&self, reranking: Reranking) {
        self.reranking.set(reranking).ok();
    }

    /// The reranker, where there is one.
    pub fn reranking(&self) -> Option<&Reranking> {
        self.reranking.get()
    }

    /// Starts scanning, watching, indexing and embedding on background threads. Once; later calls do nothing.
    pub fn start(self: &Arc<Self>) {
        let Some(opened) = lock(&self.idle).take() else { return };
        match self.run(opened) {
            Ok(running) => *lock(&self.running) = Some(running),
            Err(e) => {
                log::error!("the index cannot be kept up to date: {e}");
                self.shared.update(|p| p.write_error = Some(e.to_string()));
            }
        }
    }

    fn run(&self, opened: Opened) -> Result<Running, Error> {
        let shared = &self.shared;
        let data = || shared.config.data.clone();
        let watcher = Watcher::start(shared.policy.clone(), watch::Options::default()).map_err(Error::io(data()))?;
        let watcher = Arc::new(watcher);
        let (events, heard) = sync_channel(EVENTS);
        let jobs = Arc::new(Jobs::default());
        let reader = Arc::new(Reader::new(&shared.config, shared.policy.clone(), shared.sources.clone(), READERS));
        let Opened { lexical, catalogue, next } = opened;
        let writer = Writer::new(shared.clone(), lexical, catalogue, next);
        let ingest = Ingest::new(shared.clone(), reader.clone(), jobs.clone(), writer);
        let mut threads = vec![spawn("index", move || ingest.run(&heard))?];
        for _ in 0..READERS {
            let (jobs, reader, events) = (jobs.clone(), reader.clone(), events.clone());
            threads.push(spawn("reader", move || ingest::read_files(&jobs, &reader, &events))?);
        }
        let (told, tell) = (watcher.clone(), events.clone());
        threads.push(spawn("changes", move || ingest::hand_on(&told, &tell))?);
        let (pages, kept, seen) = (self.conversations.clone(), shared.clone(), watcher.clone());
        threads.push(spawn("conversations", move || pages.keep(&|| kept.is_stopping(), &|page| seen.touched(page)))?);
        let (pages, kept, seen) = (self.relationship.clone(), shared.clone(), watcher.clone());
        threads.push(spawn("relationship", move || pages.keep(&|| kept.is_stopping(), &|page| seen.touched(page)))?);
        let (imports, kept) = (self.conversations.clone(), shared.clone());
        threads.push(spawn("imports", move || imports.import_waiting(&|| kept.is_stopping()))?);
        if let Some(embedder) = shared.embedder.clone() {
            let shared = shared.clone();
            threads.push(spawn("meaning", move || meaning::run(&shared, &*embedder))?);
        }
        let told = shared.clone();
        threads.push(spawn("facts", move || facts::worker::run(&told))?);
        let told = shared.clone();
        threads.push(spawn("topics", move || topics::worker::run(&told))?);
        Ok(Running { events, jobs, watcher, threads })
    }

    /// Saves what is known and ends the background threads. Searching still works.
    pub fn stop(&self) {
        let Some(running) = lock(&self.running).take() else { return };
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.update(|_| {});
        running.watcher.stop();
        running.jobs.stop();
        running.events.send(Event::Stop).ok();
        drop(running.events);
        for thread in running.threads {
            if thread.join().is_err() {
                log::error!("a thread of the index panicked");
            }
        }
        files::make_private(&self.shared.config.data.join("index"));
        files::make_private(&self.shared.config.data.join("catalogue"));
    }

    /// Grows with every visible change of the index.
    pub fn epoch(&self) -> u64 {
        self.shared.epoch()
    }

    /// Runs a query.
    ///
    /// # Errors
    /// [`Error::Semantic`] when only meaning was asked for and it is not available; I/O errors of the indexes.
    pub fn search(&self, query: &Query) -> Result<Results, Error> {
        self.search_with(query, &self.ranking)
    }

    /// The same with other weights, to measure them.
    ///
    /// # Errors
    /// As [`search`](Index::search).
    pub fn search_with(&self, query: &Query, ranking: &Ranking) -> Result<Results, Error> {
        let wide = rerank::widened(query);
        let mut results = self.results(ranking, |searcher| searcher.search(&wide, None))?;
        stated::show(&mut results, query, &self.facts());
        rerank::show(&mut results, query, self.reranking());
        Ok(results)
    }

    /// Documents like the one at `path`, filtered by `query`; the document itself is not among them.
    ///
    /// # Errors
    /// [`Error::Unknown`] when the document is not indexed, else as [`search`](Index::search).
    pub fn similar(&self, path: &Path, query: &Query) -> Result<Results, Error> {
        let unknown = || Error::Unknown(path.to_owned());
        let record = self.record(path).ok_or_else(unknown)?;
        let serial = record.content.as_ref().ok_or_else(unknown)?.serial;
        let like = Node::Like(path.to_str().ok_or_else(unknown)?.to_owned());
        let root = match query.root.clone() {
            Some(root) => Node::And(vec![root, like]),
            None => like,
        };
        let wide = Query { root: Some(root), ..rerank::widened(query) };
        let mut results = self.results(&self.ranking, |searcher| searcher.search(&wide, Some(serial)))?;
        rerank::show(&mut results, query, self.reranking());
        Ok(results)
    }

    fn results(
        &self,
        ranking: &Ranking,
        run: impl FnOnce(&Searcher) -> Result<Results, Error>,
    ) -> Result<Results, Error> {
        let epoch = self.epoch();
        let mut results = self.searching(ranking, run)?;
        results.epoch = epoch;
        results.explain.pending_semantic = self.shared.counts().pending_semantic;
        Ok(results)
    }

    fn searching<R>(&self, ranking: &Ranking, run: impl FnOnce(&Searcher) -> Result<R, Error>) -> Result<R, Error> {
        let (snapshot, facts) = (self.shared.snapshot(), self.shared.facts());
        let embed = |text: &str| self.query_vector(text);
        let searcher = Searcher {
            snapshot: &snapshot,
            vectors: &self.shared.vectors,
            embed: self.shared.embedder.as_ref().map(|_| &embed as &dyn Fn(&str) -> _),
            sources: &self.shared.sources,
            topics: self.shared.topics(),
            facts: &facts,
            ranking,
        };
        run(&searcher)
    }

    /// A query's vector; kept, since a query is run again whenever the index changes.
    fn query_vector(&self, text: &str) -> Result<Arc<Vec<f32>>, Error> {
        if let Some(vector) = self.queries.get(text) {
            return Ok(vector);
        }
        let embedder = self.shared.embedder.as_ref().ok_or_else(|| Error::Semantic("there is no model".into()))?;
        let vector = search::embed_query(&**embedder, text)?;
        self.queries.insert(text.to_owned(), vector.clone());
        Ok(vector)
    }

    /// What was noticed.
    pub fn relationship(&self) -> &Arc<Relationship> {
        &self.relationship
    }

    /// Adds to the relationship log what was noted here, but for what rests on something that was forgotten meanwhile.
    ///
    /// # Errors
    /// I/O errors of the log.
    pub fn note(&self, entries: Vec<Entry>) -> Result<(), Error> {
        let holds = |entry: &Entry| !entry.evidence.iter().any(|evidence| self.is_gone(Path::new(&evidence.path)));
        self.relationship.append_where(entries, &holds)
    }

    /// Whether what is at a path was forgotten, or is a note or a conversation that was deleted.
    pub fn is_gone(&self, path: &Path) -> bool {
        let is_note = path.starts_with(self.shared.config.data.join("notes"));
        self.shared.is_forgotten(path) || is_note && !path.exists() || self.conversations.is_gone(path)
    }

    /// Deletes a chat that has no page, by the page it would have, and what was noted of it.
    ///
    /// # Errors
    /// [`Error::Io`]; what was not removed is still there.
    pub fn drop_chat(&self, page: &Path) -> Result<(), Error> {
        self.conversations.forget(page)?;
        let changed = self.relationship.forget(&|entry| entry.rests_on(page))?;
        self.relationship.remake();
        changed.iter().for_each(|page| self.touched(page));
        Ok(())
    }

    /// The tiers of working memory at the last look.
    pub fn tiers(&self) -> BTreeMap<PathBuf, Tier> {
        self.moved.tiers()
    }

    /// Looks at the tiers of this moment, and gives what moved between them until now, the oldest first.
    pub fn moved(&self, moment: &Moment) -> Vec<Move> {
        // Looked at only once the log is held: who forgets something now waits for it.
        let table = OnceCell::new();
        self.moved.note(moment, &|path| {
            let record = table.get_or_init(|| self.shared.snapshot().table.clone()).by_path(path);
            record.is_some_and(|record| record.content.is_some())
        })
    }

    /// Every indexed document, sorted by path. Made once per epoch.
    pub fn documents(&self) -> Arc<Vec<Document>> {
        self.shared.snapshot().table.documents()
    }

    fn record(&self, path: &Path) -> Option<Arc<Record>> {
        self.shared.snapshot().table.by_path(path).cloned()
    }

    /// The indexed document at `path`.
    pub fn document(&self, path: &Path) -> Option<Document> {
        self.record(path)?.document()
    }

    /// All passages of the document at `path`, in order.
    ///
    /// # Errors
    /// [`Error::Unknown`] when it is not indexed.
    pub fn passages(&self, path: &Path) -> Result<Vec<Passage>, Error> {
        let unknown = || Error::Unknown(path.to_owned());
        let snapshot = self.shared.snapshot();
        let content = snapshot.table.by_path(path).and_then(|r| r.content.as_ref()).ok_or_else(unknown)?;
        let address = snapshot.words.address(content.serial).ok_or_else(unknown)?;
        Ok(snapshot.words.entry(address)?.passages.into_iter().map(|p| p.passage).collect())
    }

    /// Every file seen under the sources, sorted by path.
    pub fn coverage(&self) -> Vec<Coverage> {
        let snapshot = self.shared.snapshot();
        let mut all: Vec<Coverage> = snapshot.table.records().iter().map(|r| r.coverage()).collect();
        let new = lock(&self.shared.pending)
            .iter()
            .filter(|(path, _)| snapshot.table.by_path(path).is_none())
            .map(|(path, pending)| Coverage {
                path: path.clone(),
                state: State::Pending,
                reason: String::new(),
                passages: 0,
                modified: pending.stat.mtime_ns.div_euclid(1_000_000_000),
                indexed_at: 0,
            })
            .collect::<Vec<_>>();
        if !new.is_empty() {
            all.extend(new);
            all.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        }
        all
    }

    /// Totals; cheap.
    pub fn counts(&self) -> Counts {
        let counts = self.shared.counts();
        let changes = lock(&self.running).as_ref().map_or(0, |running| running.watcher.waiting());
        Counts { pending: counts.pending + self.conversations.waiting() + changes, ..counts }
    }

    /// What was said.
    pub fn conversations(&self) -> &Arc<Conversations> {
        &self.conversations
    }

    /// The vectors and their graph; cheap.
    pub fn graph(&self) -> Graph {
        let size = read(&self.shared.vectors).size();
        let recall_at_10 = self.shared.progress().recall.map(|recall| recall.at_10);
        Graph { vectors: size.living, tombstones: size.dead, in_graph: size.in_graph, recall_at_10 }
    }

    /// The indexed roots: the given ones and the notes.
    pub fn sources(&self) -> Vec<Source> {
        let states = lock(&self.running).as_ref().map(|r| r.watcher.states()).unwrap_or_default();
        let with_state = |source: &Source| {
            let state = states.iter().find(|state| state.root == source.root);
            let watch = state.map_or_else(|| "not watched".into(), |state| state.watch.to_string());
            let available = state.map_or_else(|| source.root.is_dir(), |state| state.unavailable.is_none());
            Source { watch, available, ..source.clone() }
        };
        self.shared.sources.iter().map(with_state).collect()
    }

    /// Waits until everything under the sources is searchable by words (and by meaning, if `semantic`); whether that came in time.
    pub fn wait(&self, semantic: bool, timeout: Duration) -> bool {
        let semantic = semantic && self.shared.embedder.is_some();
        self.shared.wait_for(timeout, |p| {
            let words = p.scanned && p.uncommitted == 0 && lock(&self.shared.pending).is_empty();
            words && self.conversations.waiting() == 0 && (!semantic || p.meant == p.table && p.missing.0 == 0)
        })
    }

    /// What the documents state, as far as they are read for it.
    pub fn facts(&self) -> Arc<Facts> {
        self.shared.facts()
    }

    /// Where something large can be written that is gone with its last reader.
    pub fn scratch(&self) -> Scratch {
        Scratch::new(Some(&self.shared.config.data.join("facts")))
    }

    /// The next passage that a language model may read for facts; `None` when there is none. The same one until it is
    /// [brought back](Index::bring_claims).
    ///
    /// # Errors
    /// I/O errors of the word index.
    pub fn next_to_read(&self) -> Result<Option<ToRead>, Error> {
        readings::next(&self.shared)
    }

    /// Takes what a language model says that a passage states. What no sentence of it bears out is dropped.
    pub fn bring_claims(&self, passage: &ToRead, claims: &[Claim]) {
        readings::bring(&self.shared, passage, claims);
    }

    /// What the documents are about.
    pub fn topics(&self) -> Arc<Topics> {
        self.shared.topics()
    }

    /// The next topic that a language model may be asked about; `None` when there is none. The same one until it is
    /// [brought back](Index::bring_label).
    pub fn next_to_label(&self) -> Option<ToLabel> {
        label::next(&self.shared)
    }

    /// Takes what a language model says of a topic, `None` when it said nothing. What the documents do not bear out is dropped.
    pub fn bring_label(&self, asked: ToLabel, said: Option<Label>) {
        label::bring(&self.shared, asked, said);
    }

    /// Does with the facts what the owner wants, for good: it is on disk when this returns, and shown.
    ///
    /// # Errors
    /// [`Error::NoFact`] when the wish is about one that is not there; I/O errors of the journal.
    pub fn change_facts(&self, wish: &Wish) -> Result<(), Error> {
        let order = wish.order(&self.facts(), &self.shared.fact_orders()).ok_or(Error::NoFact)?;
        let number = self.shared.order_about_facts(order)?;
        self.shared.wait_for(SHOWN, |p| p.orders.1 >= number || self.shared.is_stopping());
        Ok(())
    }

    /// Reads the file or directory at `path`, or everything, again from disk. Returns at once.
    pub fn reindex(&self, path: Option<&Path>) {
        if let Some(running) = &*lock(&self.running) {
            running.events.send(Event::Reindex(path.map(Path::to_owned))).ok();
            match path {
                Some(path) => running.watcher.touched(path),
                None => running.watcher.rescan(None),
            }
        }
    }

    /// The queries that are kept.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Has `listener` told of every visible change, on the thread that makes it, so it has to be quick. The first one counts.
    pub fn listen(&self, listener: impl Fn(&[Happened]) + Send + Sync + 'static) {
        if self.shared.listener.set(Box::new(listener)).is_err() {
            log::warn!("somebody listens to the index already");
        }
    }

    /// Says that this program changed `path`: it is looked at without waiting for the system's notice.
    pub fn touched(&self, path: &Path) {
        if let Some(running) = &*lock(&self.running) {
            running.watcher.touched(path);
        }
    }

    /// Whether the contents of `path` may be shown: under a source, not excluded, not secret, not forgotten.
    pub fn readable(&self, path: &Path) -> bool {
        let forgotten = |record: &Record| record.reason == forgotten::REASON;
        let is_forgotten = self.shared.is_forgotten(path) || self.record(path).is_some_and(|record| forgotten(&record));
        self.shared.policy.readable(path).is_ok() && !is_forgotten
    }

    /// The engine that turns text to vectors, if there is one.
    pub fn embedder(&self) -> Option<&Arc<dyn Embedder>> {
        self.shared.embedder.as_ref()
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    std::thread::Builder::new().name(name.into()).spawn(run).map_err(Error::io(name))
}
