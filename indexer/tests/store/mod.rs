//! A store on temporary directories, for tests.
#![allow(dead_code)] // each test binary uses a part of it

pub mod agreement;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use echofs_embedder::{Embedder, Error, Hashed, ModelId};
use echofs_indexer::{Config, Index, Results};
use echofs_query_lang::parse;

/// Longest wait for anything.
pub const PATIENCE: Duration = Duration::from_secs(240);

/// Counts the texts it embeds.
pub struct Counting {
    inner: Hashed,
    /// Texts of passages so far.
    pub texts: AtomicUsize,
}

impl Counting {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { inner: Hashed::new(64), texts: AtomicUsize::new(0) })
    }

    pub fn count(&self) -> usize {
        self.texts.load(Ordering::SeqCst)
    }
}

impl Embedder for Counting {
    fn id(&self) -> &ModelId {
        self.inner.id()
    }
    fn dim(&self) -> usize {
        self.inner.dim()
    }
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        self.texts.fetch_add(texts.len(), Ordering::SeqCst);
        self.inner.embed(texts)
    }
    fn embed_query(&self, text: &str) -> Result<Vec<f32>, Error> {
        self.inner.embed_query(text)
    }
    fn loaded(&self) -> bool {
        true
    }
    fn unload(&self) {}
}

/// Directories of a store that may be opened several times.
pub struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(place.notes()).unwrap();
        place
    }

    pub fn notes(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join("src")
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join("data")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.notes().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub fn config(&self) -> Config {
        Config { data: self.data(), sources: vec![self.notes()], excluded: vec![self.data()], worker: Vec::new() }
    }

    /// Opens and starts the store and waits until it is up to date.
    pub fn open(&self, embedder: Option<Arc<dyn Embedder>>) -> Arc<Index> {
        let index = Index::open(self.config(), embedder).unwrap();
        index.start();
        assert!(index.wait(true, PATIENCE), "not settled: {:?}", index.counts());
        index
    }
}

pub fn search(index: &Index, query: &str) -> Results {
    let parsed = parse(query, &jiff::Zoned::now());
    index.search(&parsed.query).unwrap()
}

/// File names of the hits, in order.
pub fn found(index: &Index, query: &str) -> Vec<String> {
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    search(index, query).hits.iter().map(|hit| name(&hit.document.path)).collect()
}

/// The same, sorted.
pub fn found_set(index: &Index, query: &str) -> Vec<String> {
    let mut names = found(index, query);
    names.sort();
    names
}

/// Polls until `ready` holds.
pub fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !ready() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether any file below `dir` holds the bytes of `text`.
pub fn holds(dir: &Path, text: &str) -> bool {
    fs::read_dir(dir).unwrap().flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = fs::read(&path).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

/// Copies a directory with everything in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
