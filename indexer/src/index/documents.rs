//! What is indexed, and how far.

use std::path::Path;
use std::sync::Arc;

use super::Index;
use crate::record::{Key, Record};
use crate::shared::{lock, read};
use crate::{Counts, Coverage, Document, Error, Graph, Passage, Source, State, forgotten};

impl Index {
    /// Every indexed document, sorted by path. Made once per epoch.
    pub fn documents(&self) -> Arc<Vec<Document>> {
        self.shared.snapshot().table.documents()
    }

    pub(super) fn record(&self, path: &Path) -> Option<Arc<Record>> {
        self.shared.snapshot().table.by_path(path).cloned()
    }

    /// The indexed document at `path`.
    pub fn document(&self, path: &Path) -> Option<Document> {
        self.record(path)?.document()
    }

    /// Whether any document stands below `path`; cheap.
    pub fn is_above(&self, path: &Path) -> bool {
        let table = &self.shared.snapshot().table;
        table.records()[table.places_below(path)].iter().any(|record| record.content.is_some())
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

    /// The vectors and their graph; cheap.
    pub fn graph(&self) -> Graph {
        let size = read(&self.shared.vectors).size();
        let recall_at_10 = self.shared.progress().recall.map(|recall| recall.at_10);
        Graph { vectors: size.living, tombstones: size.dead, in_graph: size.in_graph, recall_at_10 }
    }

    /// What the vectors of all documents are kept by, in the order of their paths.
    #[doc(hidden)] // for benchmarks
    pub fn keys(&self) -> Vec<Key> {
        let snapshot = self.shared.snapshot();
        let contents = snapshot.table.records().iter().filter_map(|record| record.content.as_ref());
        contents.flat_map(|content| content.keys.iter().copied()).collect()
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

    /// Whether the contents of `path` may be shown: under a source, not excluded, not secret, not forgotten.
    pub fn readable(&self, path: &Path) -> bool {
        let forgotten = |record: &Record| record.reason == forgotten::REASON;
        let is_forgotten = self.shared.is_forgotten(path) || self.record(path).is_some_and(|record| forgotten(&record));
        self.shared.policy.readable(path).is_ok() && !is_forgotten
    }
}
