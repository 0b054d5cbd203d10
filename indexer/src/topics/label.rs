//! What a language model is shown of a topic, and what it says of it: a name and a summary.
//!
//! The store knows no model: who has one asks for the next topic and brings back what the model said. A topic is asked about
//! once; again only when a document that was shown is gone, or does not hold any more what was taken from it.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use super::describe::entry_of;
use super::grounding::roots;
use super::topic::Topics;
use crate::Error;
use crate::facts::speaks_to_programs;
use crate::record::{Key, Record, Table};
use crate::shared::{Shared, lock};
use crate::snapshot::Snapshot;

/// Titles that are shown.
const TITLES: usize = 12;

/// A topic that a language model may be asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToLabel {
    /// Its path.
    pub path: String,
    /// Words and phrases that tell it from others.
    pub phrases: Vec<String>,
    /// Titles of some of its documents.
    pub titles: Vec<String>,
    /// Passages that are typical of it.
    pub passages: Vec<String>,
    /// The documents of these, with the digests of their contents.
    pub sources: Sources,
}

/// Documents with the digests of their contents.
pub type Sources = BTreeMap<u64, Key>;

/// What a language model says of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// A name of a few words.
    pub name: String,
    /// One or two sentences.
    pub summary: String,
    /// The model.
    pub model: String,
}

/// What is kept of what a language model said of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The sentences that the documents bear out; empty where none was.
    pub text: String,
    /// The model.
    pub model: String,
    /// Stems of its words that the documents hold.
    pub(super) words: Vec<String>,
    /// The documents that the model was shown.
    pub(super) sources: Sources,
}

/// The next topic to be asked about; `None` when there is none. The same one until it is brought back. Those of the first level
/// come first, the largest of them at the beginning.
pub fn next(shared: &Shared) -> Option<ToLabel> {
    let (topics, snapshot) = (shared.topics(), shared.snapshot());
    let brought: HashSet<usize> = lock(&shared.labels).iter().filter_map(|(asked, _)| topics.at(&asked.path)).collect();
    let sizes = topics.sizes();
    let rank = |topic: &usize| (topics.topics[*topic].parent.is_some(), std::cmp::Reverse(sizes[*topic]));
    let topic = topics.unlabelled().filter(|topic| !brought.contains(topic)).min_by_key(rank)?;
    Some(shown(&topics, topic, &snapshot.table))
}

/// Brings what a language model says of a topic; `None` when it said nothing.
pub fn bring(shared: &Shared, asked: ToLabel, said: Option<Label>) {
    lock(&shared.labels).push((asked, said));
    shared.update(|progress| progress.labels += 1);
}

fn shown(topics: &Topics, topic: usize, table: &Table) -> ToLabel {
    let excerpts = &topics.topics[topic].excerpts;
    let mut sources: Sources = excerpts.iter().map(|excerpt| (excerpt.document, excerpt.hash)).collect();
    let passages = excerpts.iter().map(|excerpt| excerpt.text.clone());
    let within: Vec<&Record> =
        table.records().iter().map(|record| &**record).filter(|record| topics.is_in(record.id(), &[topic])).collect();
    let mut titles: Vec<String> = Vec::new();
    for record in within.iter().step_by(within.len().div_ceil(TITLES).max(1)) {
        let (title, Some(content)) = (record.title(), &record.content) else { continue };
        if !titles.contains(&title) && !speaks_to_programs(&title) {
            titles.push(title);
            sources.entry(record.id()).or_insert(content.hash);
        }
    }
    ToLabel {
        path: topics.path(topic),
        phrases: topics.topics[topic].phrases.clone(),
        titles,
        passages: passages.filter(|text| !speaks_to_programs(text)).collect(),
        sources,
    }
}

impl Summary {
    /// Whether every document that the model was shown is there, and they still hold the words taken from them. Takes note of
    /// their contents as they are now.
    ///
    /// # Errors
    /// I/O errors of the index.
    pub fn stands<'a>(
        &mut self,
        snapshot: &Snapshot,
        record: &dyn Fn(u64) -> Option<&'a Record>,
    ) -> Result<bool, Error> {
        let mut now = Sources::new();
        for id in self.sources.keys() {
            let Some(content) = record(*id).and_then(|record| record.content.as_ref()) else { return Ok(false) };
            now.insert(*id, content.hash);
        }
        if now == self.sources {
            return Ok(true);
        }
        let mut held = HashSet::new();
        for record in now.keys().filter_map(|id| record(*id)) {
            if let Some((_, entry)) = entry_of(snapshot, record)? {
                held.extend(roots(&entry.title));
                held.extend(entry.passages.iter().flat_map(|stored| roots(&stored.passage.text)));
            }
        }
        self.sources = now;
        Ok(self.words.iter().all(|word| held.contains(word)))
    }
}
