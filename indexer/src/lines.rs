//! Files of lines that are only ever added to: the shape of everything here that must not be lost.
//!
//! A line is on disk before [`Lines::append`] returns. What a crash left half-written is cut off when the file is opened
//! again and kept beside it, as is every line that is not what its writer wrote.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::shared::lock;
use crate::{Error, files};

/// A file of whole lines, open for adding to it.
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    file: Mutex<File>,
}

impl Lines {
    /// Opens or makes the file; gives what `parse` reads in its lines, oldest first. A line that gives nothing is put aside.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read or its damaged part cannot be put aside.
    pub fn open<T>(path: &Path, parse: impl Fn(&str) -> Option<T>) -> Result<(Self, Vec<T>), Error> {
        let made = !path.exists();
        let mut file = files::private_file().open(path).map_err(Error::io(path))?;
        if made && let Some(dir) = path.parent() {
            files::sync_dir(dir)?;
        }
        // What a crash left of a rewriting.
        remove(&path.with_extension("new"))?;
        let bytes = fs::read(path).map_err(Error::io(path))?;
        let (entries, good, bad) = sort(&bytes, parse);
        if !bad.is_empty() {
            keep_aside(path, &bad)?;
            rewrite(path, &good)?;
            file = files::private_file().open(path).map_err(Error::io(path))?;
        }
        file.seek(SeekFrom::End(0)).map_err(Error::io(path))?;
        Ok((Self { path: path.to_owned(), file: Mutex::new(file) }, entries))
    }

    /// Adds whole lines, each with its line end. They are on disk when this returns.
    ///
    /// # Errors
    /// [`Error::Io`]; the file is then as it was before.
    pub fn append(&self, lines: &str) -> Result<(), Error> {
        let mut file = lock(&self.file);
        let before = file.stream_position().map_err(Error::io(&self.path))?;
        let written = file.write_all(lines.as_bytes()).and_then(|()| file.sync_data());
        written.map_err(|e| {
            // A full disk leaves half a line; without it the next entry would be glued to it.
            file.set_len(before).and_then(|()| file.seek(SeekFrom::Start(before))).ok();
            Error::io(&self.path)(e)
        })
    }

    /// Takes out the lines that `keep` does not hold for, in one step.
    ///
    /// # Errors
    /// [`Error::Io`]; the file is then as it was before.
    pub fn retain(&self, mut keep: impl FnMut(&str) -> bool) -> Result<(), Error> {
        let mut file = lock(&self.file);
        let text = fs::read_to_string(&self.path).map_err(Error::io(&self.path))?;
        let kept: String = text.split_inclusive('\n').filter(|line| keep(line.trim_end_matches('\n'))).collect();
        if kept.len() < text.len() {
            rewrite(&self.path, kept.as_bytes())?;
            *file = files::private_file().open(&self.path).map_err(Error::io(&self.path))?;
            file.seek(SeekFrom::End(0)).map_err(Error::io(&self.path))?;
        }
        Ok(())
    }
}

/// Removes a file that may be there.
///
/// # Errors
/// [`Error::Io`].
pub fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io(path)(e)),
        _ => Ok(()),
    }
}

/// What `parse` reads in the lines of a file, oldest first, without a change to it: for who is not its writer.
///
/// # Errors
/// [`Error::Io`].
pub fn read<T>(path: &Path, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Error> {
    Ok(sort(&fs::read(path).map_err(Error::io(path))?, parse).0)
}

/// The lines of a file but a last one without its end, which was never acknowledged: who opens the file cuts it off.
pub fn acknowledged(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"))
}

/// The start of the BLAKE3 digest of a text, in hex: what tells a whole line from a changed one.
pub fn sum(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
}

/// What the lines give, the bytes of the good lines, and the bytes of all others.
fn sort<T>(bytes: &[u8], parse: impl Fn(&str) -> Option<T>) -> (Vec<T>, Vec<u8>, Vec<u8>) {
    let (mut entries, mut good, mut bad) = (Vec::new(), Vec::new(), Vec::new());
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let text = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
        match text.and_then(&parse) {
            Some(entry) => {
                entries.push(entry);
                good.extend_from_slice(line);
            }
            None => bad.extend_from_slice(line),
        }
    }
    (entries, good, bad)
}

fn keep_aside(path: &Path, bad: &[u8]) -> Result<(), Error> {
    let aside = path.with_extension("damaged");
    log::warn!("{}: {} bytes are no whole entries, moved to {}", path.display(), bad.len(), aside.display());
    let mut file = files::private_file().append(true).open(&aside).map_err(Error::io(&aside))?;
    file.write_all(bad).and_then(|()| file.sync_data()).map_err(Error::io(&aside))
}

/// Puts whole lines in place of all that a file holds, in one step.
///
/// # Errors
/// [`Error::Io`]; the file is then as it was before.
pub fn rewrite(path: &Path, good: &[u8]) -> Result<(), Error> {
    let new = path.with_extension("new");
    let mut file = files::private_file().truncate(true).open(&new).map_err(Error::io(&new))?;
    file.write_all(good).and_then(|()| file.sync_all()).map_err(Error::io(&new))?;
    fs::rename(&new, path).map_err(Error::io(path))?;
    path.parent().map_or(Ok(()), files::sync_dir)
}
