//! The records of all files, on disk (sled). Derived: lost or damaged, it is made anew from the files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::forgotten::REASON;
use crate::record::{Changes, Record};
use crate::{Error, State, database};

/// Changes whenever the form of a stored record does.
const FORMAT: &[u8] = b"3";

/// The stored form of the record table.
#[derive(Debug)]
pub struct Catalogue {
    dir: PathBuf,
    db: sled::Db,
    records: sled::Tree,
}

impl Catalogue {
    /// Opens the catalogue in `dir` and reads all of it. A damaged one is moved aside; single records that cannot be
    /// read are left out.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Catalogue`].
    pub fn open(dir: &Path) -> Result<(Self, Vec<Arc<Record>>), Error> {
        database::open(dir, |db| {
            let catalogue = Self::of(db, dir)?;
            let records = catalogue.read()?;
            drop(catalogue.records);
            Ok((Self::of(database::reopened(catalogue.db, dir)?, dir)?, records))
        })
    }

    fn of(db: sled::Db, dir: &Path) -> Result<Self, Error> {
        let stated = db.get("format")?;
        if stated.as_deref().is_some_and(|f| f != FORMAT) {
            return Err(Error::Damaged("catalogue", "it is of another version".into()));
        }
        if stated.is_none() {
            db.insert("format", FORMAT)?;
        }
        let records = db.open_tree("records")?;
        Ok(Self { dir: dir.to_owned(), db, records })
    }

    fn read(&self) -> Result<Vec<Arc<Record>>, Error> {
        let mut records = Vec::new();
        for item in &self.records {
            let (key, value) = item?;
            let path = PathBuf::from(OsStr::from_bytes(&key));
            match postcard::from_bytes::<Record>(&value) {
                Ok(record) => records.push(Arc::new(Record { path, ..record })),
                Err(e) => log::warn!("{}: its record is damaged ({e}), it is read again", path.display()),
            }
        }
        Ok(records)
    }

    /// Saves changes, all or none of them, and waits until they are on disk. Of a forgotten file nothing is kept, not even its
    /// name: the next scan finds it and knows it again.
    ///
    /// # Errors
    /// [`Error::Catalogue`], e.g. for a full disk.
    pub fn write(&self, changes: &Changes) -> Result<(), Error> {
        let mut batch = sled::Batch::default();
        for (path, record) in changes {
            let key = path.as_os_str().as_bytes();
            match record.as_ref().filter(|record| !is_forgotten(record)) {
                Some(record) => batch.insert(key, encode(record)?),
                None => batch.remove(key),
            }
        }
        self.records.apply_batch(batch)?;
        self.db.flush()?;
        Ok(())
    }

    /// Writes these records to a new catalogue in place of this one, so that no trace of others stays in the files.
    ///
    /// # Errors
    /// As [`open`](Catalogue::open).
    pub fn rewritten(self, records: &[Arc<Record>]) -> Result<Self, Error> {
        let dir = self.dir.clone();
        drop(self);
        std::fs::remove_dir_all(&dir).map_err(Error::io(&dir))?;
        let new = Self::of(database::connect(&dir)?, &dir)?;
        new.write(&records.iter().map(|r| (r.path.clone(), Some(r.clone()))).collect())?;
        Ok(new)
    }
}

fn is_forgotten(record: &Record) -> bool {
    record.state == State::Skipped && record.reason == REASON
}

fn encode(record: &Record) -> Result<Vec<u8>, Error> {
    postcard::to_stdvec(record).map_err(|e| Error::Damaged("record", e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;

    fn saved(dir: &Path, count: u32) {
        let (catalogue, _) = Catalogue::open(dir).unwrap();
        let all = (0..count).map(|n| record(&format!("/n/{n}.md"), n + 1));
        catalogue.write(&all.map(|r| (r.path.clone(), Some(Arc::new(r)))).collect()).unwrap();
    }

    #[test]
    fn records_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("catalogue");
        saved(&dir, 3);
        let (catalogue, records) = Catalogue::open(&dir).unwrap();
        assert_eq!(records.len(), 3);
        assert_eq!(*records[0], record("/n/0.md", 1));
        catalogue.write(&Changes::from([("/n/0.md".into(), None)])).unwrap();
        drop(catalogue);
        assert_eq!(Catalogue::open(&dir).unwrap().1.len(), 2);
    }

    #[test]
    fn forgotten_files_are_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        saved(dir.path(), 1);
        let (catalogue, _) = Catalogue::open(dir.path()).unwrap();
        let forgotten = Record { state: State::Skipped, reason: REASON.into(), content: None, ..record("/n/0.md", 1) };
        catalogue.write(&Changes::from([("/n/0.md".into(), Some(Arc::new(forgotten)))])).unwrap();
        drop(catalogue);
        assert_eq!(Catalogue::open(dir.path()).unwrap().1, []);
    }

    #[test]
    fn paths_need_not_be_utf8() {
        let dir = tempfile::tempdir().unwrap();
        let path = PathBuf::from(OsStr::from_bytes(b"/n/\xff.md"));
        let odd = Record { path: path.clone(), ..record("/x", 1) };
        let (catalogue, _) = Catalogue::open(dir.path()).unwrap();
        catalogue.write(&Changes::from([(path.clone(), Some(Arc::new(odd)))])).unwrap();
        drop(catalogue);
        assert_eq!(Catalogue::open(dir.path()).unwrap().1[0].path, path);
    }

    #[test]
    fn damage_is_moved_aside() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("catalogue");
        saved(&dir, 500);
        for file in ["db", "conf"] {
            let path = dir.join(file);
            let mut bytes = std::fs::read(&path).unwrap();
            let len = bytes.len();
            bytes.iter_mut().take(len * 3 / 4).for_each(|b| *b = b.wrapping_mul(31) ^ 0x5a);
            std::fs::write(&path, bytes).unwrap();
            // Whatever can be read is right; what cannot is gone, and new records can be written.
            let (catalogue, records) = Catalogue::open(&dir).unwrap();
            assert!(records.iter().all(|r| r.path.starts_with("/n")));
            catalogue.write(&Changes::from([("/n/new".into(), Some(Arc::new(record("/n/new", 1000))))])).unwrap();
            drop(catalogue);
            assert!(Catalogue::open(&dir).unwrap().1.iter().any(|r| r.path == Path::new("/n/new")));
        }
    }

    #[test]
    fn a_rewritten_catalogue_holds_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("catalogue");
        saved(&dir, 2);
        let (catalogue, records) = Catalogue::open(&dir).unwrap();
        let catalogue = catalogue.rewritten(&records[1..]).unwrap();
        drop(catalogue);
        let holds = |text: &str| {
            let files = std::fs::read_dir(&dir).unwrap().flatten().filter(|e| e.path().is_file());
            files.map(|e| std::fs::read(e.path()).unwrap()).any(|b| b.windows(text.len()).any(|w| w == text.as_bytes()))
        };
        assert!(holds("/n/1.md") && !holds("/n/0.md"));
    }
}
