//! What was found in each document, on disk (sled). Derived: lost or damaged, it is made anew from the documents.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::compact;
use super::fact::Found;
use super::notable::Notable;
use crate::record::Key;
use crate::{Error, database, files};

/// Changes whenever the rules or the form of what is stored do.
const FORMAT: &[u8] = b"6";

/// What keys of passages that a language model has read begin with; paths begin with a slash.
const READ: &[u8] = b"read:";

fn read_key(key: &Key) -> Vec<u8> {
    [READ, key.as_slice()].concat()
}

/// The statements of one document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// What can be read without the rest.
    pub head: Head,
    /// The statements.
    #[serde(with = "compact")]
    pub found: Vec<Found>,
    /// The sentences that matter.
    pub notable: Vec<Notable>,
}

/// What is known of a document before its statements are read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Digest of the content they were found in.
    pub hash: Key,
    /// The passages that a language model may read: hash of the text, and first line.
    pub passages: Vec<(Key, u32)>,
}

#[derive(Serialize, Deserialize)]
struct Statements(#[serde(with = "compact")] Vec<Found>);

/// What there is.
#[derive(Debug, Default, PartialEq)]
pub struct Contents {
    /// The documents, each with the digest of the content that was read.
    pub documents: BTreeMap<PathBuf, Key>,
    /// The passages that a language model may read, each with how often the documents hold it.
    pub passages: HashMap<Key, u32>,
    /// The passages that a language model has read.
    pub read: HashSet<Key>,
}

/// The stored form.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    db: sled::Db,
}

impl Store {
    /// Opens the store in `dir` and says what is in it. A damaged one is moved aside.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Catalogue`].
    pub fn open(dir: &Path) -> Result<(Self, Contents), Error> {
        remove(&unfinished(dir))?;
        database::open(dir, |db| {
            let store = Self::of(db, dir)?;
            let contents = store.contents()?;
            Ok((store, contents))
        })
    }

    fn of(db: sled::Db, dir: &Path) -> Result<Self, Error> {
        if db.get("format")?.as_deref() != Some(FORMAT) {
            db.clear()?;
            db.insert("format", FORMAT)?;
        }
        Ok(Self { dir: dir.to_owned(), db })
    }

    /// Reads everything, so that what is damaged is not relied on.
    fn contents(&self) -> Result<Contents, Error> {
        let mut all = Contents::default();
        for item in self.db.scan_prefix("/") {
            let (key, value) = item?;
            let path = PathBuf::from(OsStr::from_bytes(&key));
            match postcard::from_bytes::<Kept>(&value) {
                Ok(kept) => {
                    all.documents.insert(path, kept.head.hash);
                    kept.head.passages.iter().for_each(|(key, _)| *all.passages.entry(*key).or_default() += 1);
                }
                Err(e) => log::warn!("{}: its facts are damaged ({e}), it is read again", path.display()),
            }
        }
        for item in self.db.scan_prefix(READ) {
            let (key, value) = item?;
            let key = Key::try_from(&key[READ.len()..]);
            if let (Ok(key), Ok(_)) = (key, postcard::from_bytes::<Statements>(&value)) {
                all.read.insert(key);
            }
        }
        Ok(all)
    }

    /// What a document states; nothing when it is not there.
    ///
    /// # Errors
    /// [`Error::Catalogue`]; [`Error::Damaged`] when it cannot be read.
    pub fn get(&self, path: &Path) -> Result<Kept, Error> {
        let value = self.db.get(path.as_os_str().as_bytes())?;
        value.map_or(Ok(Kept::default()), |value| postcard::from_bytes(&value).map_err(damaged))
    }

    /// What is known of a document before its statements are read.
    ///
    /// # Errors
    /// As [`get`](Store::get).
    pub fn head(&self, path: &Path) -> Result<Head, Error> {
        let value = self.db.get(path.as_os_str().as_bytes())?;
        value.map_or(Ok(Head::default()), |value| Ok(postcard::take_from_bytes(&value).map_err(damaged)?.0))
    }

    /// What a language model found in a passage; lines count from the beginning of it.
    ///
    /// # Errors
    /// As [`get`](Store::get).
    pub fn get_read(&self, key: &Key) -> Result<Vec<Found>, Error> {
        let value = self.db.get(read_key(key))?;
        value.map_or(Ok(Vec::new()), |value| Ok(postcard::from_bytes::<Statements>(&value).map_err(damaged)?.0))
    }

    /// Keeps what a document states.
    ///
    /// # Errors
    /// [`Error::Catalogue`], e.g. for a full disk.
    pub fn put(&self, path: &Path, kept: &Kept) -> Result<(), Error> {
        self.db.insert(path.as_os_str().as_bytes(), postcard::to_stdvec(kept).map_err(damaged)?)?;
        Ok(())
    }

    /// Keeps what a language model found in a passage.
    ///
    /// # Errors
    /// As [`put`](Store::put).
    pub fn put_read(&self, key: &Key, found: Vec<Found>) -> Result<(), Error> {
        self.db.insert(read_key(key), postcard::to_stdvec(&Statements(found)).map_err(damaged)?)?;
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

    /// The same store without what was read of it in memory.
    ///
    /// # Errors
    /// As [`open`](Store::open).
    pub fn reopened(self) -> Result<Self, Error> {
        Self::of(database::reopened(self.db, &self.dir)?, &self.dir)
    }

    /// Writes what is there to a new store in place of this one, so that no trace of what is gone stays.
    ///
    /// # Errors
    /// As [`open`](Store::open).
    pub fn rewritten(self) -> Result<Self, Error> {
        let (dir, new) = (self.dir.clone(), unfinished(&self.dir));
        remove(&new)?;
        let db = database::connect(&new)?;
        for item in self.db.iter() {
            let (key, value) = item?;
            db.insert(key, value)?;
        }
        db.flush()?;
        drop((db, self));
        remove(&dir)?;
        std::fs::rename(&new, &dir).map_err(Error::io(&dir))?;
        let store = Self::of(database::connect(&dir)?, &dir)?;
        store.flush()?;
        Ok(store)
    }
}

/// Where a store in place of the one in `dir` is written.
fn unfinished(dir: &Path) -> PathBuf {
    dir.with_extension("unfinished")
}

fn remove(dir: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io(dir)(e)),
        _ => Ok(()),
    }
}

fn damaged(error: postcard::Error) -> Error {
    Error::Damaged("statements", error.to_string())
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
            learnt: "2026-06-01T08:00:00Z".parse().ok(),
        };
        let other = Found { subject: "She".into(), line: 4, ..found.clone() };
        Kept {
            head: Head { hash: [1; 16], passages: vec![([2; 16], 3)] },
            found: vec![found, other],
            notable: Vec::new(),
        }
    }

    #[test]
    fn statements_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("facts");
        let (store, all) = Store::open(&path).unwrap();
        assert_eq!(all, Contents::default());
        store.put(Path::new("/a.md"), &kept("the quern")).unwrap();
        store.put(Path::new("/b.md"), &kept("the boat")).unwrap();
        store.remove(Path::new("/b.md")).unwrap();
        store.put_read(&[1; 16], kept("the mill").found).unwrap();
        store.put_read(&[2; 16], Vec::new()).unwrap();
        store.remove_read(&[2; 16]).unwrap();
        store.flush().unwrap();
        drop(store);
        let check = |store: &Store, all: Contents| {
            assert_eq!(all.documents, BTreeMap::from([("/a.md".into(), [1; 16])]));
            assert_eq!(all.passages, HashMap::from([([2; 16], 1)]));
            assert_eq!(all.read, HashSet::from([[1; 16]]));
            assert_eq!(store.get(Path::new("/a.md")).unwrap(), kept("the quern"));
            assert_eq!(store.head(Path::new("/a.md")).unwrap(), kept("the quern").head);
            assert_eq!(store.get(Path::new("/b.md")).unwrap(), Kept::default());
            assert_eq!(store.get_read(&[1; 16]).unwrap(), kept("the mill").found);
        };
        let (store, all) = Store::open(&path).unwrap();
        check(&store, all);
        drop(store.rewritten().unwrap());
        let (store, all) = Store::open(&path).unwrap();
        check(&store, all);
        let holds = |text: &str| {
            let files = std::fs::read_dir(&path).unwrap().flatten().filter(|entry| entry.path().is_file());
            files.map(|e| std::fs::read(e.path()).unwrap()).any(|b| b.windows(text.len()).any(|w| w == text.as_bytes()))
        };
        assert!(holds("quern") && !holds("boat"));
    }
}
