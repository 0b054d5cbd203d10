//! The log: append-only lines, each with the digest of the one before, so that no change of an older one goes unseen.
//!
//! Beside it `head.json` names the last line, since no line after it does. Unlike other files here the log is never put
//! right by itself: what was changed stays as it is, and is told. What the owner has forgotten leaves an entry that says
//! nothing but the digest of the line that it was, so that the chain goes on across it.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::entry::Entry;
use crate::{Error, files, lines};

/// The log, open for adding to it.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
    last: Head,
}

/// The last line of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    seq: u64,
    digest: String,
}

/// Where a log stops to be what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

impl Log {
    /// Opens or makes the log at `path`; gives its entries, also those behind a break. A line that a crash left
    /// half-written was never acknowledged and is cut off.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(path: &Path) -> Result<(Log, Vec<Entry>), Error> {
        let made = !path.exists();
        let mut file = files::private_file().open(path).map_err(Error::io(path))?;
        if made && let Some(dir) = path.parent() {
            files::sync_dir(dir)?;
        }
        let bytes = fs::read(path).map_err(Error::io(path))?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if whole < bytes.len() {
            file.set_len(whole as u64).and_then(|()| file.sync_all()).map_err(Error::io(path))?;
        }
        file.seek(SeekFrom::End(0)).map_err(Error::io(path))?;
        let lines: Vec<&[u8]> =
            bytes[..whole].split_inclusive(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end).collect();
        let entries: Vec<Entry> = lines.iter().filter_map(|line| serde_json::from_slice(line).ok()).collect();
        let seq = entries.iter().map(|entry| entry.seq).max().unwrap_or(0);
        let last = Head { seq, digest: lines.last().map(|line| link(line)).unwrap_or_default() };
        Ok((Log { path: path.to_owned(), file, last }, entries))
    }

    /// Adds entries, numbered and chained here. They are on disk when this returns.
    ///
    /// # Errors
    /// [`Error::Io`]; the log is then as it was before.
    pub fn append(&mut self, entries: Vec<Entry>) -> Result<Vec<Entry>, Error> {
        let (mut last, mut text) = (self.last.clone(), String::new());
        let mut chained = Vec::new();
        for entry in entries {
            let entry = Entry { seq: last.seq + 1, prev: last.digest, ..entry };
            let line = serde_json::to_string(&entry).map_err(|e| Error::Damaged("log entry", e.to_string()))?;
            last = Head { seq: entry.seq, digest: digest(line.as_bytes()) };
            text.push_str(&line);
            text.push('\n');
            chained.push(entry);
        }
        let before = self.file.stream_position().map_err(Error::io(&self.path))?;
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        if let Err(e) = written {
            self.file.set_len(before).and_then(|()| self.file.seek(SeekFrom::Start(before))).ok();
            return Err(Error::io(&self.path)(e));
        }
        self.last = last;
        self.note_head();
        Ok(chained)
    }

    /// Empties the entries that are to be `forgotten`; gives what is in the log then, and how many were emptied.
    ///
    /// # Errors
    /// [`Error::Io`]; the log is then as it was before.
    pub fn forget(&mut self, forgotten: impl Fn(&Entry) -> bool) -> Result<(Vec<Entry>, usize), Error> {
        let bytes = fs::read(&self.path).map_err(Error::io(&self.path))?;
        let (mut entries, mut kept, mut count) = (Vec::new(), Vec::new(), 0);
        for line in lines::acknowledged(&bytes) {
            let entry = serde_json::from_slice::<Entry>(line).ok();
            let emptied = entry.as_ref().filter(|entry| entry.forgotten.is_none() && forgotten(entry));
            let emptied = emptied.map(|entry| entry.emptied(digest(line)));
            count += usize::from(emptied.is_some());
            match &emptied {
                Some(entry) => {
                    serde_json::to_writer(&mut kept, entry).map_err(|e| Error::Damaged("log entry", e.to_string()))?
                }
                None => kept.extend_from_slice(line),
            }
            kept.push(b'\n');
            entries.extend(emptied.or(entry));
        }
        if count > 0 {
            lines::rewrite(&self.path, &kept)?;
            self.file = files::private_file().open(&self.path).map_err(Error::io(&self.path))?;
            self.file.seek(SeekFrom::End(0)).map_err(Error::io(&self.path))?;
        }
        Ok((entries, count))
    }

    /// A head that is older than the log is no harm, so this may fail.
    fn note_head(&self) {
        let (path, new) = (head_path(&self.path), self.path.with_extension("head.new"));
        let text = serde_json::to_string(&self.last).unwrap_or_default();
        let written =
            files::private_file().truncate(true).open(&new).and_then(|mut file| file.write_all(text.as_bytes()));
        if let Err(e) = written.and_then(|()| fs::rename(&new, &path)) {
            log::warn!("{}: {e}", path.display());
        }
    }
}

fn head_path(log: &Path) -> PathBuf {
    log.with_file_name("head.json")
}

fn digest(line: &[u8]) -> String {
    blake3::hash(line).to_hex().to_string()
}

/// What the next line has to say of this one.
fn link(line: &[u8]) -> String {
    let forgotten = serde_json::from_slice::<Entry>(line).ok().and_then(|entry| entry.forgotten);
    forgotten.unwrap_or_else(|| digest(line))
}

/// Compares every line of a log with the chain; the number of its lines, or the first that is broken.
///
/// # Errors
/// I/O errors, as the outer result.
pub fn verify(path: &Path) -> std::io::Result<Result<usize, Broken>> {
    let bytes = match fs::read(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        other => other?,
    };
    let head: Option<Head> = fs::read(head_path(path)).ok().and_then(|text| serde_json::from_slice(&text).ok());
    Ok(chain(&bytes, head.as_ref()))
}

fn chain(bytes: &[u8], head: Option<&Head>) -> Result<usize, Broken> {
    let (mut before, mut count) = (String::new(), 0);
    let mut headed = head.is_none();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let broken = |why: String| Broken { line: count + 1, why };
        let line = line.strip_suffix(b"\n").ok_or_else(|| broken("it has no end".into()))?;
        let entry: Entry = serde_json::from_slice(line).map_err(|e| broken(format!("it is no entry: {e}")))?;
        if entry.seq != count as u64 + 1 {
            return Err(broken(format!("its number is {}", entry.seq)));
        }
        if entry.prev != before {
            // This line says what the one before it was; that one was changed, unless there is none.
            return Err(Broken { line: count.max(1), why: "it is not the one that was written".into() });
        }
        before = entry.forgotten.unwrap_or_else(|| digest(line));
        headed |= head.is_some_and(|head| head.seq == entry.seq && head.digest == before);
        if head.is_some_and(|head| head.seq == entry.seq && head.digest != before) {
            return Err(broken("it is not the one that was written".into()));
        }
        count += 1;
    }
    let lost = || Broken { line: count + 1, why: "it is missing: the log was longer".into() };
    if headed || head.is_some_and(|head| head.seq == 0) { Ok(count) } else { Err(lost()) }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::entry::Kind;
    use super::*;

    fn log(texts: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.jsonl");
        let (mut log, _) = Log::open(&path).unwrap();
        for text in texts {
            log.append(vec![Entry::new(Kind::Observation, text, Timestamp::UNIX_EPOCH)]).unwrap();
        }
        (dir, path)
    }

    #[test]
    fn any_change_is_found_and_its_line_named() {
        let texts = ["one", "two", "three", "four"];
        let check = |change: &dyn Fn(&mut Vec<String>), line: usize| {
            let (_dir, path) = log(&texts);
            assert_eq!(verify(&path).unwrap(), Ok(4));
            let mut lines: Vec<String> = fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
            change(&mut lines);
            fs::write(&path, lines.join("\n") + "\n").unwrap();
            let broken = verify(&path).unwrap().unwrap_err();
            assert_eq!(broken.line, line, "{broken:?}");
        };
        check(&|lines| lines[0] = lines[0].replace("one", "won"), 1);
        check(&|lines| lines[3] = lines[3].replace("four", "for"), 4);
        check(&|lines| drop(lines.remove(0)), 1);
        check(&|lines| drop(lines.remove(2)), 3);
        check(&|lines| drop(lines.pop()), 4);
        check(&|lines| lines.swap(1, 2), 2);
        check(&|lines| lines[1] = "{}".into(), 2);
        check(&|lines| lines.push(lines[3].clone()), 5);
    }

    #[test]
    fn the_chain_goes_on_after_a_torn_line() {
        let (_dir, path) = log(&["one", "two"]);
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend_from_slice(b"{\"seq\":3,\"at\"");
        fs::write(&path, &bytes).unwrap();
        let (mut log, entries) = Log::open(&path).unwrap();
        assert_eq!(entries.len(), 2);
        let three = log.append(vec![Entry::new(Kind::Milestone, "three", Timestamp::UNIX_EPOCH)]).unwrap();
        assert_eq!((three[0].seq, verify(&path).unwrap()), (3, Ok(3)));
    }

    #[test]
    fn what_is_forgotten_leaves_a_gap_that_the_chain_goes_across() {
        for gone in ["one", "two", "three"] {
            let (_dir, path) = log(&["one", "two", "three"]);
            let (mut log, _) = Log::open(&path).unwrap();
            let (entries, count) = log.forget(|entry| entry.text == gone).unwrap();
            assert_eq!((entries.len(), count, verify(&path).unwrap()), (3, 1, Ok(3)), "{gone}");
            let text = fs::read_to_string(&path).unwrap();
            assert!(!text.contains(gone) && text.contains("\"forgotten\":"), "{text}");
            log.append(vec![Entry::new(Kind::Observation, "four", Timestamp::UNIX_EPOCH)]).unwrap();
            assert_eq!(log.forget(|entry| entry.text == gone).unwrap().1, 0);
            let (mut log, _) = Log::open(&path).unwrap();
            log.append(vec![Entry::new(Kind::Observation, "five", Timestamp::UNIX_EPOCH)]).unwrap();
            assert_eq!(verify(&path).unwrap(), Ok(5), "{gone}");
            let changed = fs::read_to_string(&path).unwrap().replace("\"four\"", "\"for\"");
            fs::write(&path, changed).unwrap();
            assert_eq!(verify(&path).unwrap().unwrap_err().line, 4);
        }
    }

    #[test]
    fn a_broken_line_does_not_keep_others_from_being_forgotten() {
        let (_dir, path) = log(&["one", "two"]);
        let broken = [b"{\"seq\":\xff}\n".as_slice(), &fs::read(&path).unwrap()].concat();
        fs::write(&path, &broken).unwrap();
        let (mut log, _) = Log::open(&path).unwrap();
        assert_eq!(log.forget(|entry| entry.text == "one").unwrap().1, 1);
        let text = fs::read(&path).unwrap();
        assert!(text.starts_with(&broken[..10]), "it stays as it is");
        assert!(!String::from_utf8_lossy(&text).contains("\"one\""));
    }

    #[test]
    fn an_empty_log_is_whole() {
        let (_dir, path) = log(&[]);
        assert_eq!(verify(&path).unwrap(), Ok(0));
        assert_eq!(verify(&path.with_file_name("none")).unwrap(), Ok(0));
    }
}
