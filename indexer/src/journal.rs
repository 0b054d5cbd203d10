//! Append-only JSON lines: the part of the truth that is not in the owner's own files.
//!
//! Each line is `{"sum":"<16 hex digits>","entry":{...}}`, the sum being the start of the BLAKE3 digest of the
//! entry's text. How the lines are kept is told in [`crate::lines`].

use std::fs;
use std::marker::PhantomData;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Error;
use crate::lines::{self, Lines, sum};

/// A journal of entries of one type.
#[derive(Debug)]
pub struct Journal<T> {
    lines: Lines,
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
        let (lines, entries) = Lines::open(path, entry)?;
        Ok((Self { lines, entries: PhantomData }, entries))
    }

    /// Adds an entry. It is on disk when this returns.
    ///
    /// # Errors
    /// [`Error::Io`]; the journal is then as it was before.
    pub fn append(&self, entry: &T) -> Result<(), Error> {
        self.append_all(std::slice::from_ref(entry))
    }

    /// Adds entries, all or none. They are on disk when this returns.
    ///
    /// # Errors
    /// As [`append`](Journal::append).
    pub fn append_all(&self, entries: &[T]) -> Result<(), Error> {
        self.lines.append(&lines_of(entries)?)
    }

    /// Takes out the entries that `keep` does not hold for; gives the others, oldest first.
    ///
    /// # Errors
    /// [`Error::Io`]; the journal is then as it was before.
    pub fn retain(&self, mut keep: impl FnMut(&T) -> bool) -> Result<Vec<T>, Error> {
        let mut kept = Vec::new();
        self.lines.retain(|line| match entry(line) {
            Some(entry) if !keep(&entry) => false,
            entry => {
                kept.extend(entry);
                true
            }
        })?;
        Ok(kept)
    }

    /// Puts these entries in place of a journal that nobody has open.
    ///
    /// # Errors
    /// [`Error::Io`]; the journal is then as it was before.
    pub fn replace(path: &Path, entries: &[T]) -> Result<(), Error> {
        lines::rewrite(path, lines_of(entries)?.as_bytes())
    }
}

fn lines_of<T: Serialize>(entries: &[T]) -> Result<String, Error> {
    let lines: serde_json::Result<String> = entries.iter().map(line_of).collect();
    lines.map_err(|e| Error::Damaged("journal entry", e.to_string()))
}

fn line_of<T: Serialize>(entry: &T) -> serde_json::Result<String> {
    let entry = serde_json::value::to_raw_value(entry)?;
    let mut line = serde_json::to_string(&Line { sum: sum(entry.get()), entry: &entry })?;
    line.push('\n');
    Ok(line)
}

fn entry<T: DeserializeOwned>(line: &str) -> Option<T> {
    serde_json::from_str(whole(line)?.entry.get()).ok()
}

/// A line that bears its sum.
fn whole(line: &str) -> Option<Line<'_>> {
    serde_json::from_str(line).ok().filter(|line: &Line| sum(line.entry.get()) == line.sum)
}

/// Compares every entry of the journals below a data directory with its sum: their number, and how many are damaged.
///
/// # Errors
/// [`Error::Io`] of a journal that cannot be read.
pub fn check_journals(data: &Path) -> Result<(usize, usize), Error> {
    let (mut entries, mut damaged) = (0, 0);
    let files = fs::read_dir(data.join("journal")).into_iter().flatten().flatten().map(|file| file.path());
    for path in files.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl")) {
        let bytes = fs::read(&path).map_err(Error::io(&path))?;
        for line in lines::acknowledged(&bytes).filter(|line| !line.is_empty()) {
            entries += 1;
            damaged += usize::from(std::str::from_utf8(line).ok().and_then(whole).is_none());
        }
    }
    Ok((entries, damaged))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reopened(path: &Path) -> Vec<String> {
        Journal::<String>::open(path).unwrap().1
    }

    #[test]
    fn a_changed_entry_is_told_and_a_half_written_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("journal")).unwrap();
        let path = dir.path().join("journal/j.jsonl");
        let (journal, _) = Journal::<String>::open(&path).unwrap();
        journal.append_all(&["one".to_owned(), "two".to_owned()]).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("two", "six") + "{\"sum\"").unwrap();
        assert_eq!(check_journals(dir.path()).unwrap(), (2, 1));
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
    fn entries_that_are_taken_out_leave_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j.jsonl");
        let (journal, _) = Journal::<String>::open(&path).unwrap();
        journal.append_all(&["one", "two", "three"].map(String::from)).unwrap();
        assert_eq!(journal.retain(|entry| entry != "two").unwrap(), ["one", "three"]);
        journal.append(&"four".into()).unwrap();
        assert_eq!(reopened(&path), ["one", "three", "four"]);
        assert!(!fs::read_to_string(&path).unwrap().contains("two"));
    }

    #[test]
    fn what_a_crash_left_of_a_rewriting_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j.jsonl");
        fs::write(path.with_extension("new"), "what was to be forgotten later").unwrap();
        assert!(reopened(&path).is_empty());
        assert!(!path.with_extension("new").exists());
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
