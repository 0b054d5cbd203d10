//! What was found in each document, on disk (sled). Derived: lost or damaged, it is made anew from the documents.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::fact::Found;
use super::notable::Notable;
use crate::record::Key;
use crate::{Error, database, files};

/// Changes whenever the rules or the form of what is stored do.
const FORMAT: &[u8] = b"3";

/// What keys of passages that a language model has read begin with; paths begin with a slash.
const READ: &[u8] = b"read:";

fn read_key(key: &Key) -> Vec<u8> {
    [READ, key.as_slice()].concat()
}

/// The statements of one document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Digest of the content they were found in.
    pub hash: Key,
    /// The statements.
    pub found: Vec<Found>,
    /// The sentences that matter.
    pub notable: Vec<Notable>,
    /// The passages that a language model may read: hash of the text, and first line.
    pub passages: Vec<(Key, u32)>,
}

/// Everything that is stored.
#[derive(Debug, Default, PartialEq)]
pub struct Stored {
    /// For each document, what the rules found.
    pub kept: BTreeMap<PathBuf, Kept>,
    /// For each passage that a language model has read, what it found; lines count from the beginning of the passage.
    pub read: HashMap<Key, Vec<Found>>,
}

/// The stored form.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    db: sled::Db,
}

impl Store {
    /// Opens the store in `dir` and reads all of it. A damaged one is moved aside.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Catalogue`].
    pub fn open(dir: &Path) -> Result<(Self, Stored), Error> {
        database::open(dir, |db| {
            let store = Self::of(db, dir)?;
            let stored = store.read()?;
            Ok((store, stored))
        })
    }

    fn of(db: sled::Db, dir: &Path) -> Result<Self, Error> {
        if db.get("format")?.as_deref() != Some(FORMAT) {
            db.clear()?;
            db.insert("format", FORMAT)?;
        }
        Ok(Self { dir: dir.to_owned(), db })
    }

    fn read(&self) -> Result<Stored, Error> {
        let mut all = Stored::default();
        for item in self.db.scan_prefix("/") {
            let (key, value) = item?;
            let path = PathBuf::from(OsStr::from_bytes(&key));
            match serde_json::from_slice::<Kept>(&value) {
                Ok(kept) => drop(all.kept.insert(path, kept)),
                Err(e) => log::warn!("{}: its facts are damaged ({e}), it is read again", path.display()),
            }
        }
        for item in self.db.scan_prefix(READ) {
            let (key, value) = item?;
            let key = Key::try_from(&key[READ.len()..]);
            if let (Ok(key), Ok(found)) = (key, serde_json::from_slice(&value)) {
                all.read.insert(key, found);
            }
        }
        Ok(all)
    }

    /// Keeps what a document states.
    ///
    /// # Errors
    /// [`Error::Catalogue`], e.g. for a full disk.
    pub fn put(&self, path: &Path, kept: &Kept) -> Result<(), Error> {
        let bytes = serde_json::to_vec(kept).map_err(|e| Error::Damaged("statements", e.to_string()))?;
        self.db.insert(path.as_os_str().as_bytes(), bytes)?;
        Ok(())
    }

    /// Keeps what a language model found in a passage.
    ///
    /// # Errors
    /// As [`put`](Store::put).
    pub fn put_read(&self, key: &Key, found: &[Found]) -> Result<(), Error> {
        let bytes = serde_json::to_vec(found).map_err(|e| Error::Damaged("statements", e.to_string()))?;
        self.db.insert(read_key(key), bytes)?;
        Ok(())
    }

    /// Drops what a language model found in a passage.
    ///
    /// # Errors
    /// As [`put`](Store::put).
    pub fn remove_read(&self, key: &Key) -> Result<(), Error> {
        self.db.remove(read_key(key))?;
        Ok(())
    }

    /// Drops what a document stated.
    ///
    /// # Errors
    /// As [`put`](Store::put).
    pub fn remove(&self, path: &Path) -> Result<(), Error> {
        self.db.remove(path.as_os_str().as_bytes())?;
        Ok(())
    }

    /// Waits until everything is on disk.
    ///
    /// # Errors
    /// As [`put`](Store::put).
    pub fn flush(&self) -> Result<(), Error> {
        self.db.flush()?;
        files::make_private(&self.dir);
        Ok(())
    }

    /// Writes these documents' statements to a new store in place of this one, so that no trace of others stays.
    ///
    /// # Errors
    /// As [`open`](Store::open).
    pub fn rewritten(self, all: &Stored) -> Result<Self, Error> {
        let dir = self.dir.clone();
        drop(self);
        std::fs::remove_dir_all(&dir).map_err(Error::io(&dir))?;
        let store = Self::of(database::connect(&dir)?, &dir)?;
        all.kept.iter().try_for_each(|(path, kept)| store.put(path, kept))?;
        all.read.iter().try_for_each(|(key, found)| store.put_read(key, found))?;
        store.flush()?;
        Ok(store)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::fact::{Category, Method};

    fn kept(object: &str) -> Kept {
        let found = Found {
            subject: "Oda".into(),
            predicate: "has".into(),
            object: object.into(),
            category: Category::Relation,
            confidence: 0.5,
            valid_from: "2026-03-14".parse().ok(),
            valid_until: None,
            line: 3,
            quote: format!("Oda has {object}."),
            method: Method::Rule,
        };
        Kept { hash: [1; 16], found: vec![found], notable: Vec::new(), passages: Vec::new() }
    }

    #[test]
    fn statements_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("facts");
        let (store, all) = Store::open(&path).unwrap();
        assert_eq!(all, Stored::default());
        store.put(Path::new("/a.md"), &kept("the quern")).unwrap();
        store.put(Path::new("/b.md"), &kept("the boat")).unwrap();
        store.remove(Path::new("/b.md")).unwrap();
        store.put_read(&[1; 16], &kept("the mill").found).unwrap();
        store.put_read(&[2; 16], &[]).unwrap();
        store.remove_read(&[2; 16]).unwrap();
        store.flush().unwrap();
        drop(store);
        let (store, all) = Store::open(&path).unwrap();
        assert_eq!(all.kept, BTreeMap::from([("/a.md".into(), kept("the quern"))]));
        assert_eq!(all.read, HashMap::from([([1; 16], kept("the mill").found)]));
        drop(store.rewritten(&Stored::default()).unwrap());
        assert_eq!(Store::open(&path).unwrap().1, Stored::default());
    }
}
