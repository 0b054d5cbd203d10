//! The seam of the store: open, start, search.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use echofs_embedder::Embedder;
use echofs_query_lang::Query;

use crate::{Counts, Coverage, Document, Error, Forgotten, Passage, Results, Source};

/// What an index is opened with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data directory; made with mode 0700 when it is missing.
    pub data: PathBuf,
    /// The owner's directories, absolute and canonical.
    pub sources: Vec<PathBuf>,
    /// Never entered: the mount point, the data directory (but for its `notes`).
    pub excluded: Vec<PathBuf>,
    /// Command line of the extraction worker, the program first.
    pub worker: Vec<OsString>,
}

/// The store of one data directory.
pub struct Index {
    config: Config,
    embedder: Option<Arc<dyn Embedder>>,
}

impl Index {
    /// Opens the store without loading a model. Damaged derived stores are moved aside and rebuilt after [`start`](Index::start).
    pub fn open(config: Config, embedder: Option<Arc<dyn Embedder>>) -> Result<Arc<Index>, Error> {
        Ok(Arc::new(Index { config, embedder }))
    }

    /// Starts scanning, watching, indexing and embedding on background threads. Once; later calls do nothing.
    pub fn start(self: &Arc<Self>) {}

    /// Saves what is known and ends the background threads. Searching still works.
    pub fn stop(&self) {}

    /// Grows with every visible change of the index.
    pub fn epoch(&self) -> u64 {
        0
    }

    /// Runs a query.
    ///
    /// # Errors
    /// [`Error::Semantic`] when only meaning was asked for and it is not available; I/O errors of the indexes.
    pub fn search(&self, _query: &Query) -> Result<Results, Error> {
        Err(Error::Stopped)
    }

    /// Documents like the one at `path`, filtered by `query`; the document itself is not among them.
    ///
    /// # Errors
    /// [`Error::Unknown`] when the document is not indexed, else as [`search`](Index::search).
    pub fn similar(&self, path: &Path, _query: &Query) -> Result<Results, Error> {
        Err(Error::Unknown(path.to_owned()))
    }

    /// Every indexed document, sorted by path. Made once per epoch.
    pub fn documents(&self) -> Arc<Vec<Document>> {
        Arc::new(Vec::new())
    }

    /// The indexed document at `path`.
    pub fn document(&self, _path: &Path) -> Option<Document> {
        None
    }

    /// All passages of the document at `path`, in order.
    ///
    /// # Errors
    /// [`Error::Unknown`] when it is not indexed.
    pub fn passages(&self, path: &Path) -> Result<Vec<Passage>, Error> {
        Err(Error::Unknown(path.to_owned()))
    }

    /// Every file seen under the sources, sorted by path.
    pub fn coverage(&self) -> Vec<Coverage> {
        Vec::new()
    }

    /// Totals; cheap.
    pub fn counts(&self) -> Counts {
        Counts::default()
    }

    /// The indexed roots: the given ones and the notes.
    pub fn sources(&self) -> Vec<Source> {
        Vec::new()
    }

    /// Waits until everything under the sources is searchable by words (and by meaning, if `semantic`); whether that came in time.
    pub fn wait(&self, _semantic: bool, _timeout: Duration) -> bool {
        false
    }

    /// Removes the document or directory at `path` from everything derived from it, for good: it is not indexed again,
    /// also after a rebuild. The file itself stays. The order is on disk before anything is removed.
    ///
    /// # Errors
    /// [`Error::Outside`] when `path` is under no source and was never indexed; I/O errors of the journal.
    pub fn forget(&self, path: &Path) -> Result<Forgotten, Error> {
        Err(Error::Outside(path.to_owned()))
    }

    /// Reads the file or directory at `path`, or everything, again from disk. Returns at once.
    pub fn reindex(&self, _path: Option<&Path>) {}

    /// Says that this program changed `path`: it is looked at without waiting for the system's notice.
    pub fn touched(&self, _path: &Path) {}

    /// Whether the contents of `path` may be shown: under a source, not excluded, not secret, not forgotten.
    pub fn readable(&self, path: &Path) -> bool {
        let _ = (path, &self.config);
        false
    }

    /// The engine that turns text to vectors, if there is one.
    pub fn embedder(&self) -> Option<&Arc<dyn Embedder>> {
        self.embedder.as_ref()
    }
}
