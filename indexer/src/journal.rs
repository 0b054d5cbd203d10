//! Append-only JSON lines: the part of the truth that is not in the owner's own files.
//!
//! Each line is `{"sum":"<16 hex digits>","entry":{...}}`, the sum being the start of the BLAKE3 digest of the
//! entry's text. An entry is on disk before [`Journal::append`] returns. What a crash left half-written is cut
//! off at the next start and kept beside the journal, as is any line whose sum is wrong.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Error, files};

/// A journal of entries of one type.
#[derive(Debug)]
pub struct Journal<T> {
    path: PathBuf,
    file: Mutex<File>,
    entries: PhantomData<fn(T)>,
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    sum: String,
    #[serde(borrow)]
    entry: &'a RawValue,
}

impl<T: Serialize + DeserializeOwned> Journal<T> {
    /// Opens or makes the journal at `path`; gives its entries, oldest first.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read or its damaged part cannot be put aside.
    pub fn open(path: &Path) -> Result<(Self, Vec<T>), Error> {
        let made = !path.exists();
        let mut file = files::private_file().open(path).map_err(Error::io(path))?;
        if made && let Some(dir) = path.parent() {
            files::sync_dir(dir)?;
        }
        let bytes = fs::read(path).map_err(Error::io(path))?;
        let (entries, good, bad) = read::<T>(&bytes);
        if !bad.is_empty() {
            keep_aside(path, &bad)?;
            rewrite(path, &good)?;
            file = files::private_file().open(path).map_err(Error::io(path))?;
        }
        file.seek(SeekFrom::End(0)).map_err(Error::io(path))?;
        Ok((Self { path: path.to_owned(), file: Mutex::new(file), entries: PhantomData }, entries))
    }

    /// Adds an entry. It is on disk when this returns.
    ///
    /// # Errors
    /// [`Error::Io`]; the journal is then as it was before.
    pub fn append(&self, entry: &T) -> Result<(), Error> {
        let line = line_of(entry).map_err(|e| Error::Damaged("journal entry", e.to_string()))?;
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let before = file.stream_position().map_err(Error::io(&self.path))?;
        let written = file.write_all(line.as_bytes()).and_then(|()| file.sync_data());
        written.map_err(|e| {
            // A full disk leaves half a line; without it the next entry would be glued to it.
            file.set_len(before).and_then(|()| file.seek(SeekFrom::Start(before))).ok();
            Error::io(&self.path)(e)
        })
    }
}

fn line_of<T: Serialize>(entry: &T) -> serde_json::Result<String> {
    let entry = serde_json::value::to_raw_value(entry)?;
    let mut line = serde_json::to_string(&Line { sum: sum(entry.get()), entry: &entry })?;
    line.push('\n');
    Ok(line)
}

fn sum(entry: &str) -> String {
    blake3::hash(entry.as_bytes()).to_hex()[..16].to_owned()
}

/// Entries, the bytes of the good lines, and the bytes of all others.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> (Vec<T>, Vec<u8>, Vec<u8>) {
    let (mut entries, mut good, mut bad) = (Vec::new(), Vec::new(), Vec::new());
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        match entry(line) {
            Some(entry) => {
                entries.push(entry);
                good.extend_from_slice(line);
            }
            None => bad.extend_from_slice(line),
        }
    }
    (entries, good, bad)
}

fn entry<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let line: Line = serde_json::from_str(text).ok()?;
    (sum(line.entry.get()) == line.sum).then(|| serde_json::from_str(line.entry.get()).ok()).flatten()
}

fn keep_aside(path: &Path, bad: &[u8]) -> Result<(), Error> {
    let aside = path.with_extension("damaged");
    log::warn!("{}: {} bytes are no whole entries, moved to {}", path.display(), bad.len(), aside.display());
    let mut file = files::private_file().append(true).open(&aside).map_err(Error::io(&aside))?;
    file.write_all(bad).and_then(|()| file.sync_data()).map_err(Error::io(&aside))
}

fn rewrite(path: &Path, good: &[u8]) -> Result<(), Error> {
    let new = path.with_extension("new");
    let mut file = files::private_file().truncate(true).open(&new).map_err(Error::io(&new))?;
    file.write_all(good).and_then(|()| file.sync_all()).map_err(Error::io(&new))?;
    fs::rename(&new, path).map_err(Error::io(path))?;
    path.parent().map_or(Ok(()), files::sync_dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reopened(path: &Path) -> Vec<String> {
        Journal::<String>::open(path).unwrap().1
    }

    #[test]
    fn entries_come_back_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j.jsonl");
        let (journal, entries) = Journal::<String>::open(&path).unwrap();
        assert!(entries.is_empty());
        for entry in ["one", "line\nbreak", "ünï"] {
            journal.append(&entry.to_owned()).unwrap();
        }
        assert_eq!(reopened(&path), ["one", "line\nbreak", "ünï"]);
    }

    #[test]
    fn any_cut_leaves_whole_entries() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j.jsonl");
        let (journal, _) = Journal::<String>::open(&path).unwrap();
        journal.append(&"first".into()).unwrap();
        journal.append(&"second".into()).unwrap();
        let whole = fs::read(&path).unwrap();
        let first = whole.iter().position(|b| *b == b'\n').unwrap() + 1;
        for cut in 0..=whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let expected = usize::from(cut >= first) + usize::from(cut >= whole.len());
            assert_eq!(reopened(&path).len(), expected, "cut at {cut}");
            let (journal, _) = Journal::<String>::open(&path).unwrap();
            journal.append(&"after".into()).unwrap();
            assert_eq!(reopened(&path).len(), expected + 1, "append after a cut at {cut}");
        }
    }

    #[test]
    fn a_changed_entry_is_put_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j.jsonl");
        let (journal, _) = Journal::<String>::open(&path).unwrap();
        journal.append(&"first".into()).unwrap();
        journal.append(&"second".into()).unwrap();
        let text = fs::read_to_string(&path).unwrap().replace("first", "forged");
        fs::write(&path, text).unwrap();
        assert_eq!(reopened(&path), ["second"]);
        assert!(fs::read_to_string(path.with_extension("damaged")).unwrap().contains("forged"));
    }
}
