//! sled databases of what is derived: one that is damaged is moved aside and made anew.

use std::fs::File;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::{Error, files};

/// A database of more bytes is worth to be opened again.
const LARGE: u64 = 16 << 20;

/// Opens the database in `dir` and reads it with `read`. One that is damaged is moved aside, and a new one is read.
///
/// # Errors
/// What is no damage (a full disk, missing rights), with the database left as it is; or what `read` says of a new one.
pub fn open<T>(dir: &Path, read: impl Fn(sled::Db) -> Result<T, Error>) -> Result<T, Error> {
    // sled panics on some damage; that is damage too.
    let attempt = || {
        catch_unwind(AssertUnwindSafe(|| read(connect(dir)?)))
            .unwrap_or_else(|_| Err(Error::Damaged("database", "sled panicked".into())))
    };
    match attempt() {
        Err(why) if is_damage(&why) => {
            files::move_aside(dir, &why)?;
            attempt()
        }
        result => result,
    }
}

/// The database in `dir` without what was read of it in memory, if it is large: sled keeps much of that until it is closed.
/// Nobody else may have it or a tree of it.
///
/// # Errors
/// As [`connect`].
pub fn reopened(db: sled::Db, dir: &Path) -> Result<sled::Db, Error> {
    if db.size_on_disk()? <= LARGE {
        return Ok(db);
    }
    db.flush()?;
    drop(db);
    connect(dir)
}

/// Opens the database in `dir` as it is. Every write is to be flushed by hand; what is stored is in memory anyway, so
/// sled's own cache is small.
///
/// # Errors
/// [`Error::Io`] or [`Error::Catalogue`].
pub fn connect(dir: &Path) -> Result<sled::Db, Error> {
    files::private_dir(dir)?;
    wait_until_closed(dir);
    let db = sled::Config::new().path(dir).cache_capacity(4 << 20).flush_every_ms(None).open()?;
    files::make_private(dir);
    Ok(db)
}

/// Threads of sled's own hold a database that was written a moment ago for a little longer than its last user, and
/// sled does not open one that is held. Other processes are kept out by the lock on the data directory.
fn wait_until_closed(dir: &Path) {
    let locked = File::open(dir.join("db")).and_then(|file| file.lock());
    if let Err(e) = locked.or_else(|e| if e.kind() == ErrorKind::NotFound { Ok(()) } else { Err(e) }) {
        log::debug!("{}: {e}", dir.display());
    }
}

/// Whether a new database would help.
fn is_damage(error: &Error) -> bool {
    match error {
        Error::Catalogue(sled::Error::Io(e)) => {
            let outside = matches!(
                e.kind(),
                ErrorKind::PermissionDenied
                    | ErrorKind::StorageFull
                    | ErrorKind::QuotaExceeded
                    | ErrorKind::ReadOnlyFilesystem
                    | ErrorKind::OutOfMemory
            );
            !outside && !matches!(e.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::EIO))
        }
        Error::Catalogue(_) | Error::Damaged(..) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_can_be_opened_as_soon_as_it_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        for n in 0..100_u32 {
            let db = open(dir.path(), Ok).unwrap();
            assert_eq!(db.len(), n as usize, "opened anew");
            db.insert(n.to_be_bytes(), vec![7; 100]).unwrap();
            db.flush().unwrap();
        }
        assert!(!dir.path().with_extension("damaged").exists());
    }

    #[test]
    fn a_large_database_is_read_and_can_be_written() {
        let dir = tempfile::tempdir().unwrap();
        let value = vec![7; 1 << 20];
        let count = LARGE / value.len() as u64 + 2;
        for expected in [0, count, count + 1] {
            let db = open(dir.path(), Ok).unwrap();
            assert_eq!(db.iter().count() as u64, expected);
            let db = reopened(db, dir.path()).unwrap();
            for n in expected..(expected + 1).max(count) {
                db.insert(n.to_be_bytes(), value.as_slice()).unwrap();
            }
            db.flush().unwrap();
        }
    }

    #[test]
    fn a_database_without_rights_is_left_as_it_is() {
        let denied = |kind| Error::Catalogue(sled::Error::Io(std::io::Error::from(kind)));
        assert!(!is_damage(&denied(ErrorKind::PermissionDenied)));
        assert!(!is_damage(&denied(ErrorKind::StorageFull)));
        assert!(is_damage(&denied(ErrorKind::UnexpectedEof)));
        assert!(is_damage(&Error::Catalogue(sled::Error::Corruption { at: None, bt: () })));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "mine").unwrap();
        open(&file, Ok).unwrap_err();
        assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    }
}
