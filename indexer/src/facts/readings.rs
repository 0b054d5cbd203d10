//! What the language model has read, and what it may read next.
//!
//! The store knows no model: who has one asks for the next passage and brings the claims. A passage is known by the hash of its
//! text, so that neither a restart, nor a new name, nor a change elsewhere in its document has it read again.

use std::collections::VecDeque;
use std::path::PathBuf;

use super::document::Document;
use super::fact::Found;
use super::grounding::{self, Claim};
use crate::record::{Key, Table};
use crate::shared::{Shared, lock};
use crate::{Error, Kind, Passage};

/// No more passages are looked out at a time.
const AHEAD: usize = 500;

/// A passage for the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToRead {
    /// Hash of its text.
    pub key: Key,
    /// Its document.
    pub path: PathBuf,
    /// Title of its document.
    pub title: String,
    /// Headings above it.
    pub heading: String,
    /// Its text.
    pub text: String,
    /// Media kind of its document.
    pub media: String,
}

/// What a language model found in a passage of a document.
#[derive(Debug)]
pub struct Brought {
    /// The document.
    pub path: PathBuf,
    /// Hash of the text of the passage.
    pub key: Key,
    /// Its statements; lines count from the beginning of the passage.
    pub found: Vec<Found>,
}

/// What is handed to and fro between the reader and the thread of the facts.
#[derive(Debug, Default)]
pub struct Desk {
    /// Passages that wait, the newest documents first.
    unread: VecDeque<(PathBuf, Key)>,
    /// What was read and is not yet stored.
    brought: Vec<Brought>,
    /// Passages read, and passages that wait.
    counts: (usize, usize),
}

impl Desk {
    /// Takes what was brought.
    pub fn take(&mut self) -> Vec<Brought> {
        std::mem::take(&mut self.brought)
    }

    /// Lays out the first of what waits, and says how much is read and how much waits.
    pub fn lay_out(&mut self, unread: impl Iterator<Item = (PathBuf, Key)>, counts: (usize, usize)) {
        self.unread.clear();
        self.unread.extend(unread.take(AHEAD));
        self.counts = counts;
    }

    /// Passages read, and passages that wait.
    pub fn counts(&self) -> (usize, usize) {
        self.counts
    }

    fn done(&mut self, key: Key) {
        let before = self.unread.len();
        self.unread.retain(|(_, waiting)| *waiting != key);
        self.counts.1 = self.counts.1.saturating_sub(before - self.unread.len());
    }
}

/// The hash that a passage is known by.
pub fn key(text: &str) -> Key {
    let mut key = Key::default();
    let size = key.len();
    key.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..size]);
    key
}

/// Whether people wrote a document: pages of conversations hold what a model said.
pub fn is_by_people(kind: Kind) -> bool {
    !matches!(kind, Kind::Conversation | Kind::Relationship)
}

/// The next passage to be read; the same one until it is brought back.
///
/// # Errors
/// I/O errors of the word index.
pub fn next(shared: &Shared) -> Result<Option<ToRead>, Error> {
    loop {
        let Some((path, key)) = lock(&shared.desk).unread.front().cloned() else { return Ok(None) };
        let snapshot = shared.snapshot();
        if let Some(passage) = find(&snapshot.table, &path, key, |serial| {
            let address = snapshot.words.address(serial);
            address.map(|address| snapshot.words.entry(address)).transpose()
        })? {
            return Ok(Some(passage));
        }
        lock(&shared.desk).done(key);
    }
}

fn find(
    table: &Table,
    path: &std::path::Path,
    wanted: Key,
    entry: impl Fn(crate::record::Serial) -> Result<Option<crate::lexical::Entry>, Error>,
) -> Result<Option<ToRead>, Error> {
    let Some(record) = table.by_path(path) else { return Ok(None) };
    let Some(content) = &record.content else { return Ok(None) };
    let Some(entry) = entry(content.serial)? else { return Ok(None) };
    let passage = entry.passages.into_iter().map(|stored| stored.passage).find(|passage| key(&passage.text) == wanted);
    Ok(passage.map(|passage| ToRead {
        key: wanted,
        path: path.to_owned(),
        title: record.title(),
        heading: passage.heading,
        text: passage.text,
        media: content.media.clone(),
    }))
}

/// Brings what the model says that a passage states; what the passage does not bear out is dropped.
pub fn bring(shared: &Shared, passage: &ToRead, claims: &[Claim]) {
    let document = Document { title: &passage.title, media: &passage.media, date: None, language: None };
    // Lines count from the beginning of the passage, wherever that comes to stand.
    let text = Passage { text: passage.text.clone(), line: 0, ..Passage::default() };
    let found = grounding::grounded(&document, &text, claims);
    let mut desk = lock(&shared.desk);
    desk.done(passage.key);
    desk.brought.push(Brought { path: passage.path.clone(), key: passage.key, found });
    drop(desk);
    shared.update(|progress| progress.readings += 1);
}

/// What the model found in a document, without what the rules found there too; `read` has what it found in a passage.
pub fn combined(
    rules: &[Found],
    parts: &[(Key, u32)],
    read: impl Fn(&Key) -> Result<Vec<Found>, Error>,
) -> Result<Vec<Found>, Error> {
    let mut all = Vec::new();
    for (key, line) in parts {
        for found in read(key)? {
            let found = Found { line: found.line + line, ..found };
            if !rules.iter().any(|known| grounding::same(known, &found)) {
                all.push(found);
            }
        }
    }
    Ok(all)
}
