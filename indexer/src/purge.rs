//! The mark that something is still to be erased from disk. It is there from before anything is forgotten until no store
//! has a byte of it left, so that neither a failure nor a crash in between leaves some.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Error, files, lines};

fn mark(data: &Path) -> PathBuf {
    data.join("journal/unerased")
}

/// Leaves the mark; it is on disk when this returns.
///
/// # Errors
/// [`Error::Io`].
pub fn owe(data: &Path) -> Result<(), Error> {
    let mark = mark(data);
    files::private_file().open(&mark).map_err(Error::io(&mark))?;
    mark.parent().map_or(Ok(()), files::sync_dir)
}

/// Whether the mark is there.
pub fn is_owed(data: &Path) -> bool {
    fs::exists(mark(data)).unwrap_or(true)
}

/// Takes the mark away.
///
/// # Errors
/// [`Error::Io`].
pub fn paid(data: &Path) -> Result<(), Error> {
    lines::remove(&mark(data))
}
