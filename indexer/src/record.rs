//! What is known of one file, and the snapshot of all of them that readers share.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::columns::Columns;
use crate::copies::Sketch;
use crate::scan::FileStat;
use crate::{Coverage, Document, Kind, State};

/// Names one version of one document in every derived store. Never used twice while they live.
pub type Serial = u32;

/// Names a text to the embedding cache: the start of its BLAKE3 digest.
pub type Key = [u8; 16];

/// One file under the sources.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Absolute path; kept as the key in the catalogue, since it need not be UTF-8.
    #[serde(skip)]
    pub path: PathBuf,
    /// The file as it was last looked at; all zero to have it read again.
    pub stat: FileStat,
    /// Its state.
    pub state: State,
    /// Why it is skipped or failed.
    pub reason: String,
    /// Seconds since 1970.
    pub indexed_at: i64,
    /// The document, while it is indexed.
    pub content: Option<Content>,
}

/// What an indexed document is known by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// Names this version.
    pub serial: Serial,
    /// Start of the BLAKE3 digest of the file.
    pub hash: Key,
    /// Stated title.
    pub stated_title: Option<String>,
    /// Where it comes from.
    pub kind: Kind,
    /// Stated date, seconds since 1970.
    pub stated_date: Option<i64>,
    /// Stated author.
    pub author: Option<String>,
    /// Stated tags.
    pub tags: Vec<String>,
    /// Language code.
    pub lang: Option<String>,
    /// Media kind.
    pub media: String,
    /// Lines of its text.
    pub lines: u32,
    /// Words of its text.
    pub words: u32,
    /// What its text is compared by with other texts.
    pub sketch: Sketch,
    /// What can be told of its text, as bits of [`Trait`](crate::traits::Trait).
    pub traits: u8,
    /// How many passages it has.
    pub passages: u32,
    /// The parts of its passages, as the embedding cache names them.
    pub keys: Vec<Key>,
}

impl Record {
    /// The number that its path has for ever.
    pub fn id(&self) -> u64 {
        id_of(&self.path)
    }

    /// The stated title, else the file name without its extension.
    pub fn title(&self) -> String {
        let stated = self.content.as_ref().and_then(|c| c.stated_title.as_deref());
        stated.map_or_else(|| lossy(self.path.file_stem()), str::to_owned)
    }

    /// The stated date, else the modification time; seconds since 1970.
    pub fn date(&self) -> i64 {
        let stated = self.content.as_ref().and_then(|c| c.stated_date);
        stated.unwrap_or_else(|| self.stat.mtime_ns.div_euclid(1_000_000_000))
    }

    /// Whether the file name has this extension, in any case.
    pub fn has_extension(&self, wanted: &str) -> bool {
        self.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
    }

    /// As the tree shows it; `None` when it is not indexed.
    pub fn document(&self) -> Option<Document> {
        let content = self.content.as_ref()?;
        Some(Document {
            id: self.id(),
            path: self.path.clone(),
            title: self.title(),
            kind: content.kind,
            size: self.stat.size,
            modified_ns: self.stat.mtime_ns,
            date: self.date(),
            dated: content.stated_date.is_some(),
            author: content.author.clone(),
            tags: content.tags.clone(),
            lang: content.lang.clone(),
            media: content.media.clone(),
            passages: content.passages,
        })
    }

    /// As the coverage list shows it.
    pub fn coverage(&self) -> Coverage {
        Coverage {
            path: self.path.clone(),
            state: self.state.clone(),
            reason: self.reason.clone(),
            passages: self.content.as_ref().map_or(0, |c| c.passages),
            modified: self.stat.mtime_ns.div_euclid(1_000_000_000),
            indexed_at: self.indexed_at,
        }
    }

    /// Whether the file is as it was when it was read. (Device numbers change when the machine starts anew.)
    pub fn is_same(&self, stat: &FileStat) -> bool {
        (self.stat.size, self.stat.mtime_ns, self.stat.ino) == (stat.size, stat.mtime_ns, stat.ino)
    }
}

fn lossy(name: Option<&OsStr>) -> String {
    name.map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The number a path has for ever.
fn id_of(path: &Path) -> u64 {
    let hash = blake3::hash(path.as_os_str().as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(first)
}

/// Changes that wait for the next commit: a record, or `None` where there is none any more.
pub type Changes = BTreeMap<PathBuf, Option<Arc<Record>>>;

/// All records at one moment, sorted by path. Never changed; the next moment has its own.
#[derive(Debug, Default)]
pub struct Table {
    records: Vec<Arc<Record>>,
    columns: Columns,
    totals: Totals,
    languages: BTreeMap<String, usize>,
    documents: OnceLock<Arc<Vec<Document>>>,
}

/// Sums over a [`Table`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Indexed documents.
    pub documents: usize,
    /// Their passages.
    pub passages: usize,
    /// The parts of their passages, each of which has a vector.
    pub parts: usize,
    /// Their words.
    pub words: usize,
    /// Files left out on purpose.
    pub skipped: usize,
    /// Files that could not be read.
    pub failed: usize,
    /// Files still to be read.
    pub pending: usize,
}

impl Table {
    /// A table of these records, in any order, one per path.
    pub fn new(mut records: Vec<Arc<Record>>) -> Self {
        records.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let mut table = Table::default();
        records.into_iter().for_each(|record| table.push(record));
        table.columns.finish();
        table
    }

    /// This table with changes applied.
    pub fn with(&self, changes: &Changes) -> Self {
        let count = self.records.len() + changes.len();
        let mut after = Table {
            records: Vec::with_capacity(count),
            columns: Columns::after(&self.columns, count),
            totals: self.totals,
            languages: self.languages.clone(),
            ..Table::default()
        };
        let mut changes = changes.iter().peekable();
        for (place, record) in self.records.iter().enumerate() {
            while let Some((_, change)) = changes.next_if(|(path, _)| **path < record.path) {
                change.iter().for_each(|new| after.push(new.clone()));
            }
            match changes.next_if(|(path, _)| **path == record.path) {
                Some((_, change)) => {
                    after.count(record, usize::wrapping_sub);
                    change.iter().for_each(|new| after.push(new.clone()));
                }
                None => {
                    after.records.push(record.clone());
                    after.columns.push_same(&self.columns, place);
                }
            }
        }
        changes.for_each(|(_, change)| change.iter().for_each(|new| after.push(new.clone())));
        after.languages.retain(|_, count| *count > 0);
        after.columns.finish();
        after
    }

    /// Adds a record behind all others.
    fn push(&mut self, record: Arc<Record>) {
        self.columns.push(&record);
        self.count(&record, usize::wrapping_add);
        self.records.push(record);
    }

    /// Adds a record to the sums, or takes it out of them.
    fn count(&mut self, record: &Record, change: fn(usize, usize) -> usize) {
        let Totals { documents, passages, parts, words, skipped, failed, pending } = &mut self.totals;
        let by = |sum: &mut usize, number: usize| *sum = change(*sum, number);
        match record.state {
            State::Indexed => {}
            State::Pending => by(pending, 1),
            State::Skipped => by(skipped, 1),
            State::Failed => by(failed, 1),
        }
        let Some(content) = &record.content else { return };
        by(documents, 1);
        by(passages, content.passages as usize);
        by(parts, content.keys.len());
        by(words, content.words as usize);
        if let Some(language) = &content.lang {
            by(self.languages.entry(language.clone()).or_default(), 1);
        }
    }

    /// All records, sorted by path.
    pub fn records(&self) -> &[Arc<Record>] {
        &self.records
    }

    /// One above the highest serial number in use.
    pub fn serials(&self) -> usize {
        self.columns.serials()
    }

    /// What filters ask of every record.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Sums.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// How many documents are in each language, by its three-letter code.
    pub fn languages(&self) -> &BTreeMap<String, usize> {
        &self.languages
    }

    /// The record of an indexed document.
    pub fn by_serial(&self, serial: Serial) -> Option<&Arc<Record>> {
        self.records.get(self.columns.place(serial)?)
    }

    /// The record of a path.
    pub fn by_path(&self, path: &Path) -> Option<&Arc<Record>> {
        let at = self.records.binary_search_by(|r| r.path.as_path().cmp(path)).ok()?;
        self.records.get(at)
    }

    /// The record at `path` and all below it. Paths order by components, so they stand together.
    pub fn below(&self, path: &Path) -> &[Arc<Record>] {
        &self.records[self.places_below(path)]
    }

    /// Where the record at `path` and all below it stand.
    pub fn places_below(&self, path: &Path) -> Range<usize> {
        let start = self.records.partition_point(|r| r.path.as_path() < path);
        let count = self.records[start..].partition_point(|r| r.path.starts_with(path));
        start..start + count
    }

    /// All indexed documents, sorted by path; made when first asked for.
    pub fn documents(&self) -> Arc<Vec<Document>> {
        self.documents.get_or_init(|| Arc::new(self.records.iter().filter_map(|r| r.document()).collect())).clone()
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A record of an indexed document without text.
    pub fn record(path: &str, serial: Serial) -> Record {
        Record {
            path: path.into(),
            stat: FileStat { size: 1, mtime_ns: 5_000_000_000, ino: 1, dev: 1 },
            state: State::Indexed,
            reason: String::new(),
            indexed_at: 6,
            content: Some(Content {
                serial,
                hash: [0; 16],
                stated_title: None,
                kind: Kind::File,
                stated_date: None,
                author: None,
                tags: Vec::new(),
                lang: None,
                media: "text".into(),
                lines: 1,
                words: 3,
                sketch: Sketch::default(),
                traits: 0,
                passages: 1,
                keys: vec![[1; 16]],
            }),
        }
    }

    fn table(paths: &[&str]) -> Table {
        Table::new(paths.iter().zip(1..).map(|(p, serial)| Arc::new(record(p, serial))).collect())
    }

    fn paths(records: &[Arc<Record>]) -> Vec<&str> {
        records.iter().map(|r| r.path.to_str().unwrap()).collect()
    }

    #[test]
    fn a_directory_is_a_range() {
        let table = table(&["/a", "/a/b/c", "/a/b.md", "/a/b/d", "/a.md", "/b"]);
        assert_eq!(paths(table.below(Path::new("/a/b"))), ["/a/b/c", "/a/b/d"]);
        assert_eq!(paths(table.below(Path::new("/b"))), ["/b"]);
        assert_eq!(table.below(Path::new("/a")).len(), 4);
        assert!(table.below(Path::new("/c")).is_empty());
    }

    #[test]
    fn changes_are_merged_in_order() {
        let before = table(&["/b", "/d"]);
        let changes = Changes::from([
            ("/a".into(), Some(Arc::new(record("/a", 7)))),
            ("/b".into(), None),
            ("/d".into(), Some(Arc::new(record("/d", 8)))),
            ("/e".into(), Some(Arc::new(record("/e", 9)))),
            ("/x".into(), None),
        ]);
        let after = before.with(&changes);
        assert_eq!(paths(after.records()), ["/a", "/d", "/e"]);
        assert_eq!(after.by_serial(8).unwrap().path, Path::new("/d"));
        assert!(after.by_serial(1).is_none() && after.by_serial(100).is_none());
        assert_eq!(after.totals(), Totals { documents: 3, passages: 3, parts: 3, words: 9, ..Totals::default() });
    }

    #[test]
    fn ids_follow_the_path_alone() {
        assert_eq!(record("/a", 1).document().unwrap().id, record("/a", 2).document().unwrap().id);
        assert_ne!(record("/a", 1).document().unwrap().id, record("/b", 1).document().unwrap().id);
    }
}
