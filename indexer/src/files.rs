//! The data directory: who may read it, who has it open, and where damaged parts go.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::Error;

/// Makes a directory for the owner alone, with what is missing above it.
pub fn private_dir(path: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(Error::io(path))?;
    fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(Error::io(path))
}

/// Options that make new files for the owner alone.
pub fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options
}

/// Takes the group's and everybody's rights from `dir` and all files below it.
pub fn make_private(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    fs::set_permissions(dir, Permissions::from_mode(0o700)).ok();
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => make_private(&entry.path()),
            Ok(kind) if kind.is_file() => {
                let open = entry.metadata().is_ok_and(|m| m.permissions().mode() & 0o077 != 0);
                if open && let Err(e) = fs::set_permissions(entry.path(), Permissions::from_mode(0o600)) {
                    log::debug!("{}: {e}", entry.path().display());
                }
            }
            _ => {}
        }
    }
}

/// Moves a damaged store out of the way, beside itself. Only the last such copy is kept.
pub fn move_aside(path: &Path, why: &dyn std::fmt::Display) -> Result<(), Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(".damaged");
    let aside = PathBuf::from(name);
    log::warn!("{} is damaged ({why}): moved to {} and made anew", path.display(), aside.display());
    if aside.is_dir() {
        fs::remove_dir_all(&aside).map_err(Error::io(&aside))?;
    }
    match fs::rename(path, &aside) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(Error::io(path)),
    }
}

/// Removes everything in `dir` but what is named `kept`.
pub fn remove_others(dir: &Path, kept: &dyn Fn(&std::ffi::OsStr) -> bool) -> Result<(), Error> {
    for entry in fs::read_dir(dir).map_err(Error::io(dir))?.flatten().filter(|entry| !kept(&entry.file_name())) {
        let path = entry.path();
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(Error::io(path))?;
    }
    Ok(())
}

/// Makes the names in `dir` last.
pub fn sync_dir(dir: &Path) -> Result<(), Error> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(Error::io(dir))
}

/// Held while the data directory is open; given back by the system when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the directory for this process.
    ///
    /// # Errors
    /// [`Error::Locked`] with the id of the process that has it.
    pub fn take(data: &Path) -> Result<Self, Error> {
        let path = data.join("lock");
        let mut file = private_file().open(&path).map_err(Error::io(&path))?;
        // SAFETY: flock on a descriptor that `file` keeps open; it touches no memory.
        if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } != 0 {
            let mut pid = String::new();
            file.read_to_string(&mut pid).ok();
            return Err(Error::Locked { path: data.to_owned(), pid: pid.trim().parse().unwrap_or(0) });
        }
        let written =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
        if let Err(e) = written {
            log::warn!("{}: {e}", path.display());
        }
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_opened_once() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::take(dir.path()).unwrap();
        let error = Lock::take(dir.path()).unwrap_err();
        assert!(matches!(error, Error::Locked { pid, .. } if pid == std::process::id()), "{error}");
        drop(lock);
        Lock::take(dir.path()).unwrap();
    }

    #[test]
    fn the_damaged_copy_is_kept_once() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store");
        for content in ["one", "two"] {
            private_dir(&store).unwrap();
            fs::write(store.join("file"), content).unwrap();
            move_aside(&store, &"test").unwrap();
            assert!(!store.exists());
            assert_eq!(fs::read_to_string(dir.path().join("store.damaged/file")).unwrap(), content);
        }
        move_aside(&store, &"nothing there").unwrap();
    }

    #[test]
    fn files_are_made_private() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a/b");
        private_dir(&dir.path().join("a")).unwrap();
        fs::write(&file, "x").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        make_private(dir.path());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
