//! The word index (tantivy): one entry for each version of a document, named by its serial number.
//!
//! Four fields hold words: the text, the title, tags and authors, and the path below its source. The entry also keeps the texts of
//! the passages. What is found is looked up in the record table, so an entry that is out of date is never shown.

mod entry;
mod schema;
mod words;

use std::path::{Path, PathBuf};

use tantivy::index::SegmentId;
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, Term};

use crate::record::Serial;
use crate::{Error, analyzer, files};

pub use entry::{Entry, StoredPassage};
pub use schema::Fields;
use schema::{schema, settings};
pub use words::Words;

/// Memory for words that are not yet committed.
const WRITER_BYTES: usize = 32 << 20;
/// An index up to this size is checked before it is used.
const CHECKED_AT_ONCE: u64 = 64 << 20;

/// The index on disk and its only writer.
pub struct Lexical {
    dir: PathBuf,
    index: Index,
    fields: Fields,
    reader: IndexReader,
    writer: Option<IndexWriter>,
}

impl Lexical {
    /// Opens or makes the index in `dir`. One that cannot be read is moved aside.
    ///
    /// # Errors
    /// When a new one cannot be made either.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        match Self::try_open(dir) {
            Ok(lexical) => Ok(lexical),
            Err(why) => {
                files::move_aside(dir, &why)?;
                Self::try_open(dir)
            }
        }
    }

    fn try_open(dir: &Path) -> Result<Self, Error> {
        files::private_dir(dir)?;
        let (schema, fields) = schema();
        let settings = settings();
        let index =
            match Index::exists(&tantivy::directory::MmapDirectory::open(dir).map_err(tantivy::TantivyError::from)?) {
                Ok(true) => Index::open_in_dir(dir)?,
                _ => Index::builder().schema(schema.clone()).settings(settings.clone()).create_in_dir(dir)?,
            };
        if index.schema() != schema || *index.settings() != settings {
            return Err(Error::Damaged("word index", "it is of another version".into()));
        }
        index.tokenizers().register(analyzer::NAME, analyzer::Analyzer::default());
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let lexical = Self { dir: dir.to_owned(), index, fields, reader, writer: None };
        if size_of(dir) <= CHECKED_AT_ONCE {
            lexical.check()?;
        }
        Ok(lexical)
    }

    /// Compares every file with its checksum. Done at once for a small index, by the indexing thread for a large one.
    ///
    /// # Errors
    /// [`Error::Damaged`] names a file that has changed.
    pub fn check(&self) -> Result<(), Error> {
        // Files that this maps are unmapped in the end, and all that was read of them with it.
        match Index::open_in_dir(&self.dir)?.validate_checksum()?.iter().next() {
            Some(file) => Err(Error::Damaged("word index", format!("{} has changed", file.display()))),
            None => Ok(()),
        }
    }

    /// Threads and memory for writing are taken when they are first needed.
    fn writer(&mut self) -> Result<&mut IndexWriter, Error> {
        if self.writer.is_none() {
            self.writer = Some(self.index.writer_with_num_threads(1, WRITER_BYTES)?);
        }
        self.writer.as_mut().ok_or(Error::Stopped)
    }

    /// Adds a document; seen after the next [`commit`](Lexical::commit).
    ///
    /// # Errors
    /// [`Error::Lexical`]; nothing since the last commit can be relied on then.
    pub fn add(&mut self, serial: Serial, entry: &Entry) -> Result<(), Error> {
        let stored = postcard::to_stdvec(entry).map_err(|e| Error::Damaged("entry", e.to_string()))?;
        let mut document = TantivyDocument::new();
        document.add_u64(self.fields.serial, u64::from(serial));
        document.add_text(self.fields.text, entry.text());
        document.add_text(self.fields.title, &entry.title);
        entry.keywords.iter().for_each(|keyword| document.add_text(self.fields.keywords, keyword));
        document.add_text(self.fields.path, &entry.path);
        document.add_bytes(self.fields.stored, &stored);
        self.writer()?.add_document(document)?;
        Ok(())
    }

    /// Takes a document out; gone after the next commit.
    ///
    /// # Errors
    /// [`Error::Lexical`] when there is no writer.
    pub fn delete(&mut self, serial: Serial) -> Result<(), Error> {
        let term = Term::from_field_u64(self.fields.serial, u64::from(serial));
        self.writer()?.delete_term(term);
        Ok(())
    }

    /// Saves and shows what was added and deleted. After an error everything since the last commit is undone.
    ///
    /// # Errors
    /// [`Error::Lexical`], e.g. for a full disk.
    pub fn commit(&mut self) -> Result<(), Error> {
        let committed = self.writer()?.commit().map(drop);
        if committed.is_err() {
            // A writer that failed once refuses all further work.
            self.writer = None;
        }
        committed?;
        self.reader.reload()?;
        Ok(())
    }

    /// Undoes what was not committed.
    pub fn rollback(&mut self) {
        self.writer = None;
    }

    /// Rewrites every segment that still holds deleted documents, so that nothing of them stays on disk.
    ///
    /// # Errors
    /// [`Error::Lexical`], e.g. for a full disk; then some of it may still be there.
    pub fn purge(&mut self) -> Result<(), Error> {
        if let Err(e) = self.rewrite_segments() {
            // A merge that runs already may have had a segment: when it has ended, there is no other.
            log::debug!("segments are rewritten again: {e}");
            if let Some(writer) = self.writer.take() {
                writer.wait_merging_threads()?;
            }
            self.rewrite_segments()?;
        }
        let removed = self.writer()?.garbage_collect_files().wait()?;
        match removed.failed_to_delete_files.first() {
            Some(file) => Err(Error::Damaged("word index", format!("{} cannot be removed", file.display()))),
            None => Ok(()),
        }
    }

    fn rewrite_segments(&mut self) -> Result<(), Error> {
        self.reader.reload()?;
        let searcher = self.reader.searcher();
        let dirty = searcher.segment_readers().iter().filter(|s| s.has_deletes());
        let segments: Vec<SegmentId> = dirty.map(|s| s.segment_id()).collect();
        drop(searcher);
        for segment in segments {
            self.writer()?.merge(&[segment]).wait()?;
        }
        self.reader.reload()?;
        Ok(())
    }

    /// The committed state, to be searched.
    pub fn snapshot(&self, before: Option<&Words>) -> Result<Words, Error> {
        Words::new(self.reader.searcher(), self.fields, before)
    }
}

fn size_of(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|meta| meta.len()).sum()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::Passage;

    /// An entry with one passage for each text.
    pub fn entry(title: &str, texts: &[&str]) -> Entry {
        let passage = |(ordinal, text): (usize, &&str)| StoredPassage {
            passage: Passage {
                ordinal: ordinal as u32,
                text: text.to_string(),
                line: 1,
                end_line: 1,
                ..Passage::default()
            },
            words: crate::words::words(text).count() as u32,
            parts: 1,
        };
        Entry { title: title.into(), passages: texts.iter().enumerate().map(passage).collect(), ..Entry::default() }
    }

    #[test]
    fn a_number_that_was_never_given_out_takes_no_room() {
        let dir = tempfile::tempdir().unwrap();
        let mut lexical = Lexical::open(dir.path()).unwrap();
        for serial in [Serial::MAX, 2] {
            lexical.add(serial, &entry("T", &["one"])).unwrap();
        }
        lexical.commit().unwrap();
        let words = lexical.snapshot(None).unwrap();
        assert_eq!(words.addresses.len(), 2);
        assert!(words.address(2).is_some() && words.address(Serial::MAX).is_some() && words.address(3).is_none());
    }

    #[test]
    fn entries_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let mut lexical = Lexical::open(dir.path()).unwrap();
        for serial in 1..=3 {
            lexical.add(serial, &entry("T", &["one", "two"])).unwrap();
        }
        lexical.commit().unwrap();
        lexical.delete(2).unwrap();
        lexical.commit().unwrap();
        drop(lexical);
        let lexical = Lexical::open(dir.path()).unwrap();
        let words = lexical.snapshot(None).unwrap();
        let mut alive: Vec<Serial> = words.alive().map(|(serial, _)| serial).collect();
        alive.sort();
        assert_eq!(alive, [1, 3]);
        assert!(words.address(2).is_none());
        assert_eq!(words.entry(words.address(3).unwrap()).unwrap(), entry("T", &["one", "two"]));
    }

    #[test]
    fn damage_is_moved_aside() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("index");
        let mut lexical = Lexical::open(&dir).unwrap();
        lexical.add(1, &entry("T", &["some text"])).unwrap();
        lexical.commit().unwrap();
        drop(lexical);
        let files: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|e| e.unwrap().path()).collect();
        let store = files.iter().find(|p| p.extension().is_some_and(|e| e == "store")).unwrap();
        let mut bytes = std::fs::read(store).unwrap();
        bytes[3] ^= 0xff;
        std::fs::write(store, bytes).unwrap();
        let words = Lexical::open(&dir).unwrap().snapshot(None).unwrap();
        assert_eq!(words.alive().count(), 0);
        assert!(dir.with_extension("damaged").exists());
    }

    /// An index of a zebrafish, which is deleted, and a walrus.
    fn half_deleted(dir: &Path) -> Lexical {
        let mut lexical = Lexical::open(dir).unwrap();
        lexical.add(1, &entry("T", &["zebrafish"])).unwrap();
        lexical.add(2, &entry("T", &["walrus"])).unwrap();
        lexical.commit().unwrap();
        lexical.delete(1).unwrap();
        lexical.commit().unwrap();
        lexical
    }

    #[test]
    fn a_purge_that_fails_says_so_and_may_be_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let (index, away) = (dir.path().join("index"), dir.path().join("away"));
        let mut lexical = half_deleted(&index);
        std::fs::rename(&index, &away).unwrap();
        assert!(lexical.purge().is_err());
        std::fs::rename(&away, &index).unwrap();
        lexical.purge().unwrap();
        let deleted = lexical.reader.searcher().segment_readers().iter().map(|s| s.num_deleted_docs()).sum::<u32>();
        assert_eq!(deleted, 0);
    }

    #[test]
    fn purged_texts_leave_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let mut lexical = half_deleted(dir.path());
        lexical.purge().unwrap();
        let holds = |text: &str| {
            let files = std::fs::read_dir(dir.path()).unwrap().flatten().map(|e| std::fs::read(e.path()).unwrap());
            files.into_iter().any(|b| b.windows(text.len()).any(|w| w == text.as_bytes()))
        };
        assert!(holds("walrus") && !holds("zebrafish"));
    }
}
