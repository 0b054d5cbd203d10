//! The knowledge store as evidence.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use echofs_indexer::conversations::CHATS;
use echofs_indexer::facts::{Fact, Facts, speaks_to_programs};
use echofs_indexer::{Document, Hit, Index, Judgement, Kind, Reranked};
use echofs_query_lang::{Node, Query, Sort};
use jiff::civil::Date;
use quick_cache::sync::Cache;

use super::dated::{Dated, Stated, When};
use super::evidence::{Evidence, Found, Passage};
use super::listed::{self, Items};
use super::listing::Listing;
use super::place::{Spot, place};
use super::versions::{self, Version};
use crate::recorder;

/// Time for comparing sentences with a question.
const PATIENCE: Duration = Duration::from_millis(120);
/// Time for reading passages together with a question.
const READING: Duration = Duration::from_millis(1500);
/// Hits that may be conversations of this program's own.
const OWN: usize = 5;
/// Hits that may be chats.
const MANY: usize = 20;
/// Vectors of sentences that are kept.
const VECTORS: usize = 2048;

/// An index that is asked for evidence.
pub(super) struct Indexed {
    index: Arc<Index>,
    vectors: Cache<String, Arc<[f32]>>,
}

impl Indexed {
    /// Asks `index`.
    pub fn new(index: Arc<Index>) -> Indexed {
        Indexed { index, vectors: Cache::new(VECTORS) }
    }

    /// The pages of chats.
    fn chats(&self) -> Result<HashSet<PathBuf>, String> {
        self.index.conversations().pages_of(CHATS).map_err(|error| error.to_string())
    }

    /// What a document states, with what is known of it; nothing of a conversation, whose turns have days and writers of their own.
    fn stated(&self, facts: &Facts, path: &Path) -> Vec<Stated> {
        let document = self.index.document(path).filter(|document| document.kind != Kind::Conversation);
        let Some(document) = document else { return Vec::new() };
        let (written, own) = (written(&document), document.is_owners());
        let counts = |fact: &Fact| fact.superseded_by.is_none() && !speaks_to_programs(fact.source.quote);
        let on = |fact: &Fact| written.filter(|day| self.is_stated_only_on(fact, *day));
        facts.of(path).filter(counts).map(|fact| Stated::of(&fact, on(&fact), own)).collect()
    }

    /// Whether no document of another day states the same.
    fn is_stated_only_on(&self, fact: &Fact, day: Date) -> bool {
        let other = |path: &Path| self.index.document(path).and_then(|document| written(&document));
        fact.sources
            .iter()
            .filter(|source| source.path != fact.source.path)
            .all(|source| other(source.path).is_none_or(|other| other == day))
    }

    /// The vector of a text; `None` without a model in memory.
    fn vector(&self, text: &str) -> Option<Arc<[f32]>> {
        if let Some(known) = self.vectors.get(text) {
            return Some(known);
        }
        let embedder = self.index.embedder().filter(|embedder| embedder.loaded())?;
        let vector: Arc<[f32]> = embedder.embed_query(text).ok()?.into();
        self.vectors.insert(text.to_owned(), vector.clone());
        Some(vector)
    }
}

impl Evidence for Indexed {
    fn search(&self, question: &str, limit: usize) -> Result<Vec<Found>, String> {
        let chats = self.chats()?;
        let own = OWN + chats.len().min(MANY);
        let results = self.index.search(&plain(question, limit + own)).map_err(|error| error.to_string())?;
        let hits = results.hits.into_iter().filter(|hit| !is_own(hit, &chats));
        Ok(hits.take(limit).map(found).collect())
    }

    fn likeness(&self, question: &str, texts: &[String]) -> Vec<f32> {
        let started = Instant::now();
        let Some(asked) = self.vector(question) else { return Vec::new() };
        let in_time = texts.iter().take_while(|_| started.elapsed() < PATIENCE);
        let vectors = in_time.map_while(|text| self.vector(text));
        vectors.map(|vector| vector.iter().zip(asked.iter()).map(|(a, b)| a * b).sum()).collect()
    }

    fn rerank(&self, question: &str, passages: &[String]) -> Option<(Vec<usize>, Reranked)> {
        let Judgement { order, told, .. } = self.index.reranking()?.judge(question, passages, READING);
        Some((order, told))
    }

    fn list(&self, listing: &Listing) -> Result<Items, String> {
        let chats = self.chats()?;
        listed::items(&self.index, listing, &|hit| is_own(hit, &chats))
    }

    fn dated(&self, when: &When, paths: &[&Path]) -> Option<Dated> {
        let facts = self.index.facts();
        let stated = paths.iter().flat_map(|path| self.stated(&facts, path));
        let dated = when.dated(stated, jiff::Zoned::now().date())?;
        let Spot { line, page } = place(&self.index, &dated.path, dated.line, &dated.quote)?;
        Some(Dated { line, page, ..dated })
    }

    fn versions(&self, path: &Path, lines: RangeInclusive<u32>, said: &str) -> Option<(Vec<Version>, usize)> {
        let (all, at) = versions::of(&self.index.facts(), path, &lines, said)?;
        versions::standing(all, at, |version| place(&self.index, &version.path, version.line, &version.quote))
    }

    fn passages(&self, path: &Path) -> Vec<Passage> {
        self.index.passages(path).unwrap_or_default().into_iter().map(passage).collect()
    }

    fn stamp(&self, path: &Path) -> Option<u64> {
        let document = self.index.document(path)?;
        let mut hasher = DefaultHasher::new();
        (document.modified_ns, document.size, document.passages).hash(&mut hasher);
        Some(hasher.finish())
    }

    fn forget(&self) {
        self.vectors.clear();
    }

    fn epoch(&self) -> u64 {
        self.index.epoch()
    }
}

/// What was answered here before is no evidence, and what is being asked in a chat is none either.
fn is_own(hit: &Hit, chats: &HashSet<PathBuf>) -> bool {
    recorder::is_own(&hit.document) || chats.contains(&hit.document.path)
}

/// A question as bare words: nothing in it is an operator.
fn plain(question: &str, limit: usize) -> Query {
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let words: Vec<String> = question.split_whitespace().map(bare).filter(|w| !w.is_empty()).collect();
    let root = (!words.is_empty()).then_some(Node::Words(words));
    Query { root, sort: Sort::Score, limit: Some(limit) }
}

/// The day that a document states.
fn written(document: &Document) -> Option<Date> {
    document.dated.then(|| day(document.date)).flatten()
}

fn found(hit: Hit) -> Found {
    let document = hit.document;
    let date = written(&document);
    Found {
        path: document.path,
        title: document.title,
        kind: document.kind,
        author: document.author,
        date,
        score: hit.score,
        semantic: hit.why.semantic,
        passages: document.passages,
        passage: passage(hit.passage),
    }
}

/// The day of a moment, in seconds since 1970, in this place.
pub(super) fn day(seconds: i64) -> Option<Date> {
    let moment = jiff::Timestamp::from_second(seconds).ok()?;
    Some(moment.to_zoned(jiff::tz::TimeZone::system()).date())
}

fn passage(passage: echofs_indexer::Passage) -> Passage {
    let echofs_indexer::Passage { ordinal, text, line, page, heading, .. } = passage;
    Passage { ordinal, text, line, page, heading }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_has_no_operators() {
        let query = plain("who said \"no OR yes\" -path:x (in 2026)?", 7);
        let words = ["who", "said", "no", "OR", "yes", "path:x", "in", "2026"].map(str::to_owned).to_vec();
        assert_eq!(query, Query { root: Some(Node::Words(words)), sort: Sort::Score, limit: Some(7) });
        assert_eq!(plain(" ? ", 7).root, None);
    }
}
