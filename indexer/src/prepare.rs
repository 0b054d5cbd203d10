//! From a file to what is indexed of it. Runs on several threads and touches no store.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::conversations;
use crate::copies::Sketch;
use crate::extract::{ExtractError, Extractor, MAX_FILE, extract};
use crate::jobs::Job;
use crate::lexical::{Entry, StoredPassage};
use crate::policy::Policy;
use crate::record::{Content, Key};
use crate::scan::FileStat;
use crate::traits::traits;
use crate::words::words;
use crate::{Config, Extracted, Kind, Passage, Source, Span, globs, parts};

/// What came of reading one file.
#[derive(Debug)]
pub enum Outcome {
    /// Its bytes are those that are indexed already.
    Same,
    /// It is to be indexed.
    Text(Box<Prepared>),
    /// It has no text, for this reason.
    Skipped(String),
    /// It cannot be read, for this reason.
    Failed(String),
    /// It ended the extraction worker.
    Crashed(String),
    /// It was not its turn: no worker, or it is being written. To be tried again.
    Later(String),
}

/// A document that waits for its serial number.
#[derive(Debug)]
pub struct Prepared {
    /// What it is known by; the serial number is still 0.
    pub content: Content,
    /// What is indexed.
    pub entry: Entry,
}

/// A file that was read, and what came of it.
#[derive(Debug)]
pub struct ReadFile {
    /// Where it is.
    pub path: PathBuf,
    /// When it was read.
    pub stat: FileStat,
    /// What came of it.
    pub outcome: Outcome,
    /// That of the job.
    pub number: u64,
}

/// A file whose text is still to be extracted.
pub struct Unread {
    path: PathBuf,
    stat: FileStat,
    hash: Key,
    bytes: Vec<u8>,
    number: u64,
}

impl Unread {
    /// Its size in bytes.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}

/// Reads and extracts files.
pub struct Reader {
    policy: std::sync::Arc<Policy>,
    sources: Vec<Source>,
    extractor: Option<Extractor>,
}

impl Reader {
    /// With a pool of worker processes, or in this process when no command is given.
    pub fn new(config: &Config, policy: std::sync::Arc<Policy>, sources: Vec<Source>, workers: usize) -> Self {
        let extractor = (!config.worker.is_empty()).then(|| Extractor::new(config.worker.clone(), workers));
        Self { policy, sources, extractor }
    }

    /// What a file holds, unless its digest is known.
    ///
    /// # Errors
    /// What came of the file, if that is all.
    pub fn read(&self, job: Job) -> Result<Unread, ReadFile> {
        let Job { path, known, number, .. } = job;
        let ended = |path, stat, outcome| Err(ReadFile { path, stat, outcome, number });
        let (stat, bytes) = match self.policy.open(&path).and_then(|file| contents(&file)) {
            Ok((before, bytes, after)) if before == after => (before, bytes),
            Ok((before, ..)) => return ended(path, before, Outcome::Later("it is being written".into())),
            Err(e) => return ended(path, FileStat::default(), Outcome::Failed(e.to_string())),
        };
        let hash = key_of(&bytes);
        match known == Some(hash) {
            true => ended(path, stat, Outcome::Same),
            false => Ok(Unread { path, stat, hash, bytes, number }),
        }
    }

    /// Has the text of files extracted, by one worker as long as it lives.
    pub fn extract(&self, files: Vec<Unread>) -> Vec<ReadFile> {
        let (seen, contents): (Vec<_>, Vec<_>) =
            files.into_iter().map(|file| ((file.stat, file.hash, file.number), (file.path, file.bytes))).unzip();
        let extracted = match &self.extractor {
            Some(extractor) => extractor.extract_all(&contents),
            None => contents.iter().map(|(path, bytes)| extract(path, bytes)).collect(),
        };
        let mut read = Vec::with_capacity(seen.len());
        for (((stat, hash, number), (path, _)), extracted) in seen.into_iter().zip(contents).zip(extracted) {
            let outcome = self.outcome(&path, hash, extracted);
            read.push(ReadFile { path, stat, outcome, number });
        }
        read
    }

    fn outcome(&self, path: &Path, hash: Key, extracted: Result<Extracted, ExtractError>) -> Outcome {
        match extracted {
            Ok(extracted) => Outcome::Text(Box::new(self.prepare(path, hash, extracted))),
            Err(ExtractError::Skipped(reason)) => Outcome::Skipped(reason),
            Err(ExtractError::Failed(reason)) => Outcome::Failed(reason),
            Err(e @ (ExtractError::Crashed(_) | ExtractError::TimedOut(_))) => Outcome::Crashed(e.to_string()),
            Err(e @ ExtractError::Unavailable(_)) => Outcome::Later(e.to_string()),
        }
    }

    /// Where a document comes from.
    pub fn kind(&self, path: &Path) -> Kind {
        let above = self.sources.iter().filter(|source| path.starts_with(&source.root));
        above.max_by_key(|source| source.root.components().count()).map_or(Kind::File, |source| source.kind)
    }

    /// The path as its words are indexed; that of a conversation with its day in words, as people ask for it.
    pub fn indexed_path(&self, path: &Path) -> String {
        let below = globs::below_source(path, &self.sources);
        match conversations::day_of(path).filter(|_| self.kind(path) == Kind::Conversation) {
            Some(day) => format!("{below} {}", day.strftime("%A %-d %B %Y")),
            None => below,
        }
    }

    fn prepare(&self, path: &Path, hash: Key, extracted: Extracted) -> Prepared {
        let title = extracted.title.clone().filter(|title| !title.trim().is_empty());
        let (passages, keys) = passages(&extracted.text, &extracted.passages, title.as_deref());
        let content = Content {
            sketch: Sketch::new(passages.iter().map(|p| p.passage.text.as_str())),
            traits: traits(&extracted),
            serial: 0,
            hash,
            kind: self.kind(path),
            stated_date: extracted.date.as_deref().and_then(seconds),
            author: extracted.author,
            tags: extracted.tags,
            lang: extracted.lang,
            media: extracted.media,
            lines: extracted.text.lines().count() as u32,
            words: passages.iter().map(|p| p.words).sum(),
            passages: passages.len() as u32,
            keys,
            stated_title: title,
        };
        let stem = || path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let title = content.stated_title.clone().unwrap_or_else(stem);
        // Of a conversation everybody who speaks is an author, and stands in its text.
        let authors = content.author.iter().filter(|_| content.kind != Kind::Conversation);
        let keywords = content.tags.iter().chain(authors).cloned().collect();
        Prepared { content, entry: Entry { title, keywords, path: self.indexed_path(path), passages } }
    }
}

/// The stat before reading, the bytes, and the stat after. Of a file that has grown since it was met no more is read than
/// shows that it is too large.
fn contents(file: &File) -> std::io::Result<(FileStat, Vec<u8>, FileStat)> {
    const MOST: u64 = MAX_FILE as u64 + 1;
    let before = FileStat::from(&file.metadata()?);
    let mut bytes = Vec::with_capacity(before.size.min(MOST) as usize);
    file.take(MOST).read_to_end(&mut bytes)?;
    Ok((before, bytes, FileStat::from(&file.metadata()?)))
}

/// The passages, and the keys of the parts of all of them.
fn passages(text: &str, spans: &[Span], title: Option<&str>) -> (Vec<StoredPassage>, Vec<Key>) {
    let mut keys = Vec::new();
    let passage = |(ordinal, span): (usize, &Span)| {
        let text = text.get(span.start as usize..span.end as usize)?;
        let passage = Passage {
            ordinal: ordinal as u32,
            text: text.to_owned(),
            line: span.line,
            end_line: span.end_line,
            page: span.page,
            heading: span.heading.clone(),
        };
        let own = parts::keys(&parts::texts(title, &passage));
        let parts = own.len() as u32;
        keys.extend(own);
        Some(StoredPassage { words: words(text).count() as u32, parts, passage })
    };
    (spans.iter().enumerate().filter_map(passage).collect(), keys)
}

/// The start of the BLAKE3 digest.
pub fn key_of(bytes: &[u8]) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    key
}

/// Seconds since 1970 of an ISO 8601 date or date-time; without an offset it is local.
fn seconds(date: &str) -> Option<i64> {
    let local = |at: jiff::civil::DateTime| at.to_zoned(jiff::tz::TimeZone::system()).ok().map(|z| z.timestamp());
    let timestamp = date.parse::<jiff::Timestamp>().ok();
    let timestamp = timestamp.or_else(|| date.parse::<jiff::civil::DateTime>().ok().and_then(local));
    let timestamp = timestamp.or_else(|| date.parse::<jiff::civil::Date>().ok().and_then(|d| local(d.at(0, 0, 0, 0))));
    timestamp.map(|t| t.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_has_become_huge_takes_no_more_memory_than_the_largest() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(1 << 42).unwrap();
        let (before, bytes, after) = contents(&file).unwrap();
        assert_eq!((before.size, before, bytes.len()), (1 << 42, after, MAX_FILE + 1));
    }

    #[test]
    fn dates_of_all_forms() {
        assert_eq!(seconds("2026-03-14T10:00:00Z"), Some(1_773_482_400));
        assert!(seconds("2026-03-14").is_some() && seconds("2026-03-14T10:00:00").is_some());
        assert_eq!(seconds("soon"), None);
    }
}
