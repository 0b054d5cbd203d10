//! Finished answers: in memory, and on disk so that they outlive the mount.
//!
//! One file for each answer, a checksum before the data, written beside and renamed. All of it can be made again:
//! what is damaged is removed. A bounded number is kept, those read last.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use super::Settled;
use super::render::Answer;
use super::run::{Place, covers};

const HEADER: &str = "echofs answer 1 ";
const SUFFIX: &str = "answer";

/// A kept answer.
#[derive(Debug)]
pub(super) struct Entry {
    /// The question it answers, normalised.
    pub key: String,
    /// Its two forms.
    pub settled: Arc<Settled>,
    /// What it was made from.
    pub places: Vec<Place>,
    /// Whether it was made without a model because there was none.
    pub without_model: bool,
    /// Epoch at which its evidence was last found unchanged; `u64::MAX` when not since the start.
    pub checked: AtomicU64,
    /// Whether a check is under way.
    pub checking: AtomicBool,
    /// When it was last read, by the store's clock.
    used: AtomicU64,
}

/// An entry as a file holds it.
#[derive(Serialize, Deserialize)]
struct Record {
    key: String,
    markdown: String,
    answer: Answer,
    places: Vec<Place>,
    without_model: bool,
}

/// All kept answers.
#[derive(Debug)]
pub(super) struct Store {
    dir: PathBuf,
    bound: usize,
    entries: RwLock<HashMap<String, Arc<Entry>>>,
    clock: AtomicU64,
}

impl Store {
    /// Opens the directory, making it (mode 0700) when it is missing, and removes what is damaged in it.
    pub fn open(dir: PathBuf, bound: usize) -> io::Result<Store> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        let store = Store { dir, bound, entries: RwLock::default(), clock: AtomicU64::new(1) };
        let mut read = Vec::new();
        for file in fs::read_dir(&store.dir)?.flatten() {
            read.extend(load(&file.path()));
        }
        read.sort_by_key(|record| record.answer.generated_at);
        for record in read {
            store.admit(record, u64::MAX);
        }
        Ok(store)
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    fn admit(&self, record: Record, checked: u64) -> Arc<Entry> {
        let settled = Arc::new(Settled::new(&record.answer, record.markdown.into_bytes()));
        let entry = Arc::new(Entry {
            key: record.key,
            settled,
            places: record.places,
            without_model: record.without_model,
            checked: AtomicU64::new(checked),
            checking: AtomicBool::new(false),
            used: AtomicU64::new(self.tick()),
        });
        self.write().insert(entry.key.clone(), entry.clone());
        self.evict();
        entry
    }

    /// Keeps an answer. A failed write is logged; the answer is kept in memory then.
    pub fn insert(
        &self,
        key: String,
        markdown: Vec<u8>,
        answer: Answer,
        places: Vec<Place>,
        without_model: bool,
    ) -> Arc<Entry> {
        let epoch = answer.epoch;
        let markdown = String::from_utf8_lossy(&markdown).into_owned();
        let record = Record { key, markdown, answer, places, without_model };
        if let Err(error) = self.save(&record) {
            log::warn!("the answer to {:?} is not kept on disk: {error}", record.answer.question);
        }
        self.admit(record, epoch)
    }

    /// The answer kept under a normalised question; counts as a use.
    pub fn get(&self, key: &str) -> Option<Arc<Entry>> {
        let entry = self.read().get(key).cloned()?;
        entry.used.store(self.tick(), Ordering::Relaxed);
        Some(entry)
    }

    /// The answer kept under a normalised question, only to look at it.
    pub fn peek(&self, key: &str) -> Option<Arc<Entry>> {
        self.read().get(key).cloned()
    }

    /// All entries, newest first.
    pub fn all(&self) -> Vec<Arc<Entry>> {
        let mut all: Vec<Arc<Entry>> = self.read().values().cloned().collect();
        all.sort_by(|a, b| b.settled.generated_at.cmp(&a.settled.generated_at).then_with(|| a.key.cmp(&b.key)));
        all
    }

    /// Whether `test` holds for every entry.
    pub fn all_are(&self, test: impl Fn(&Entry) -> bool) -> bool {
        self.read().values().all(|entry| test(entry))
    }

    /// Drops an entry, unless another answer took its place.
    pub fn remove(&self, entry: &Arc<Entry>) {
        let mut entries = self.write();
        if entries.get(&entry.key).is_some_and(|known| Arc::ptr_eq(known, entry)) {
            entries.remove(&entry.key);
            drop(entries);
            discard(&self.file(&entry.key));
        }
    }

    /// Drops every answer that was made from `path` or from something below it.
    pub fn forget(&self, path: &Path) {
        for entry in self.all() {
            if entry.places.iter().any(|place| covers(path, &place.path)) {
                self.remove(&entry);
            }
        }
    }

    fn evict(&self) {
        let mut all = self.all();
        if all.len() > self.bound {
            all.sort_by_key(|entry| entry.used.load(Ordering::Relaxed));
            let surplus = all.len() - self.bound;
            all.iter().take(surplus).for_each(|entry| self.remove(entry));
        }
    }

    fn file(&self, key: &str) -> PathBuf {
        self.dir.join(format!("{}.{SUFFIX}", &blake3::hash(key.as_bytes()).to_hex()[..32]))
    }

    fn save(&self, record: &Record) -> io::Result<()> {
        let body = serde_json::to_vec(record)?;
        let path = self.file(&record.key);
        let beside = path.with_extension("new");
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        writeln!(file, "{HEADER}{}", blake3::hash(&body).to_hex())?;
        file.write_all(&body)?;
        drop(file);
        fs::rename(&beside, &path)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<String, Arc<Entry>>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<String, Arc<Entry>>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file's record; a file that is none is removed.
fn load(path: &Path) -> Option<Record> {
    let known = path.extension().is_some_and(|e| e == SUFFIX);
    let record = fs::read(path).ok().filter(|_| known).and_then(|bytes| parse(&bytes));
    if record.is_none() {
        log::info!("removing a damaged answer: {}", path.display());
        discard(path);
    }
    record
}

fn parse(bytes: &[u8]) -> Option<Record> {
    let end = bytes.iter().position(|&b| b == b'\n')?;
    let sum = std::str::from_utf8(&bytes[..end]).ok()?.strip_prefix(HEADER)?;
    let body = &bytes[end + 1..];
    (blake3::hash(body).to_hex().as_str() == sum).then(|| serde_json::from_slice(body).ok())?
}

fn discard(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        log::warn!("cannot remove {}: {error}", path.display());
    }
}
