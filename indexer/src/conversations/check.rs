//! Whether the kept turns are what was written.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Turn, keeper, known};
use crate::Error;
use crate::lines::acknowledged;

/// Compares every kept turn below a data directory with its sum: their number, and the first that is damaged, if one is.
///
/// # Errors
/// [`Error::Io`] of a file that cannot be read.
pub fn check(data: &Path) -> Result<(usize, Option<(PathBuf, usize)>), Error> {
    let root = data.join("conversations");
    let mut lines = 0;
    for path in keeper::all_files(&root).into_iter().filter(|path| known::place_of(&root, path).is_some()) {
        let text = fs::read(&path).map_err(Error::io(&path))?;
        for (n, line) in acknowledged(&text).enumerate() {
            if std::str::from_utf8(line).ok().and_then(Turn::from_line).is_none() {
                return Ok((lines, Some((path, n + 1))));
            }
            lines += 1;
        }
    }
    Ok((lines, None))
}
