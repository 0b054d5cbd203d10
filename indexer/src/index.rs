//! The seam of the store: open, start, search. What it can do beyond its parts is in `index/`, by subject.

mod documents;
mod facts_and_topics;
mod forget;
mod searching;
mod threads;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use echofs_embedder::Embedder;
use quick_cache::sync::Cache;

use crate::context::{Moment, Move, Moved, Tier};
use crate::conversations::Conversations;
use crate::files::{self, Lock};
use crate::opening::{self, Opened};
use crate::ranking::Ranking;
use crate::relationship::{Entry, Relationship};
use crate::rerank::Reranking;
use crate::shared::Shared;
use crate::{Error, Happened, Kept};

pub use forget::Wanted;
use threads::Running;

/// Queries whose vectors are kept.
const QUERIES: usize = 256;

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

    /// Grows with every visible change of the index.
    pub fn epoch(&self) -> u64 {
        self.shared.epoch()
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

    /// What was said.
    pub fn conversations(&self) -> &Arc<Conversations> {
        &self.conversations
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

    /// The engine that turns text to vectors, if there is one.
    pub fn embedder(&self) -> Option<&Arc<dyn Embedder>> {
        self.shared.embedder.as_ref()
    }
}
