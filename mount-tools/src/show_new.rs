//! The process that uses the mount in place of the one that serves it, so that inotify sees what has changed in a kept query.

use std::io::Read;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, UTIME_NOW, mknodat, utimensat};

use crate::failure::Outcome;

/// Waits for the end of its input, from when on the mount knows who it is, makes the names and touches the directory.
pub fn run(directory: &Path, new: &[PathBuf]) -> Outcome {
    std::io::stdin().read_to_end(&mut Vec::new())?;
    for path in new {
        // The mount gives the file that is there; one that has gone since is left out.
        if let Err(error) = mknodat(CWD, path.as_path(), FileType::RegularFile, Mode::RUSR, 0) {
            log::debug!("{}: {error}", path.display());
        }
    }
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    utimensat(CWD, directory, &Timestamps { last_access: now, last_modification: now }, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(())
}
