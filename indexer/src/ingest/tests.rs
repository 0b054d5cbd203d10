//! What is done with changes and with what the readers bring, in orders that no clock has to bring about.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Ingest;
use crate::opening::{self, Opened};
use crate::prepare::{ReadFile, Reader, key_of};
use crate::record::Key;
use crate::scan::FileStat;
use crate::watch::Change;
use crate::writer::Writer;
use crate::{Config, files};

/// An index without threads over an empty source, with a path in it.
fn ingest(dir: &Path) -> (Ingest, PathBuf) {
    let dir = dir.canonicalize().unwrap();
    let (data, source) = (dir.join("data"), dir.join("files"));
    files::private_dir(&data).unwrap();
    fs::create_dir(&source).unwrap();
    let config = Config { data, sources: vec![source.clone()], excluded: Vec::new(), worker: Vec::new() };
    let (shared, Opened { lexical, catalogue, next }) = opening::open(config, None).unwrap();
    let shared = Arc::new(shared);
    let reader = Arc::new(Reader::new(&shared.config, shared.policy.clone(), shared.sources.clone(), 1));
    let writer = Writer::new(shared.clone(), lexical, catalogue, next);
    (Ingest::new(shared, reader, Arc::default(), writer), source.join("a.md"))
}

fn stat(path: &Path) -> FileStat {
    FileStat::from(&fs::metadata(path).unwrap())
}

/// Writes a file, tells of it, and does what a reader does.
fn write(ingest: &mut Ingest, path: &Path, text: &str) -> ReadFile {
    fs::write(path, text).unwrap();
    ingest.change(Change::Changed { path: path.to_owned(), stat: stat(path) });
    let job = ingest.jobs.next().unwrap();
    ingest.reader.read(job).map_or_else(|read| read, |unread| ingest.reader.extract(vec![unread]).remove(0))
}

fn indexed(ingest: &Ingest, path: &Path) -> Option<Key> {
    ingest.writer.current(path).and_then(|record| record.content.as_ref().map(|content| content.hash))
}

#[test]
fn what_was_read_of_a_file_before_it_went_is_not_what_is_indexed_of_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let (mut ingest, path) = ingest(dir.path());
    let old = write(&mut ingest, &path, "What it was.");
    fs::remove_file(&path).unwrap();
    ingest.change(Change::Removed { path: path.clone() });
    let new = write(&mut ingest, &path, "What it is.");
    ingest.read(old);
    assert_eq!(indexed(&ingest, &path), None);
    ingest.read(new);
    assert_eq!(indexed(&ingest, &path), Some(key_of(b"What it is.")));
    assert!(ingest.is_idle());
}

#[test]
fn a_file_that_was_renamed_is_soon_gone_under_its_old_name() {
    let dir = tempfile::tempdir().unwrap();
    let (mut ingest, path) = ingest(dir.path());
    let read = write(&mut ingest, &path, "A text.");
    ingest.read(read);
    ingest.commit();
    let to = path.with_file_name("b.md");
    fs::rename(&path, &to).unwrap();
    ingest.change(Change::Moved { from: path.clone(), to: to.clone(), stat: stat(&to) });
    assert_eq!((indexed(&ingest, &path), indexed(&ingest, &to)), (None, Some(key_of(b"A text."))));
    let patience = ingest.writer.patience(false);
    assert!(
        patience.is_some_and(|patience| patience < Duration::from_millis(500)),
        "it waits as long as what a scan brings"
    );
}
