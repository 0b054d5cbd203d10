//! What the answering part needs of the knowledge store, and nothing more.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use echofs_indexer::{Kind, Reranked};

use super::dated::{Dated, When};
use super::listed::Items;
use super::listing::Listing;
use super::versions::Version;

/// A passage of a document. `text` is verbatim: lines `line..=end_line` of the document or a part of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Place among the document's passages, from 0.
    pub ordinal: u32,
    /// The text, LF line ends.
    pub text: String,
    /// First line, from 1.
    pub line: u32,
    /// Page, slide or sheet, from 1, where the format has such.
    pub page: Option<u32>,
    /// The headings above it.
    pub heading: String,
}

/// A document that a question found, with its best passage.
#[derive(Clone, Debug)]
pub struct Found {
    /// Absolute path.
    pub path: PathBuf,
    /// Title, else the file name.
    pub title: String,
    /// Where it comes from.
    pub kind: Kind,
    /// Who wrote it, where it says so.
    pub author: Option<String>,
    /// The day it states, where it does.
    pub date: Option<jiff::civil::Date>,
    /// Score of the search; higher is better.
    pub score: f32,
    /// Cosine of its meaning with the question's, where meaning was compared.
    pub semantic: Option<f32>,
    /// Number of passages of the document.
    pub passages: u32,
    /// The best one.
    pub passage: Passage,
}

/// The store as seen from here.
pub trait Evidence: Send + Sync {
    /// The best documents for a question in plain words, best first, at most `limit`.
    fn search(&self, question: &str, limit: usize) -> Result<Vec<Found>, String>;
    /// Cosine of each text's meaning with the question's, in order, as far as a short time allows; empty where meaning
    /// is not compared.
    fn likeness(&self, question: &str, texts: &[String]) -> Vec<f32> {
        let _ = (question, texts);
        Vec::new()
    }
    /// For each place the passage that a reranker puts there, as far as a short time allows, and what it came to; `None` where
    /// there is no reranker.
    fn rerank(&self, question: &str, passages: &[String]) -> Option<(Vec<usize>, Reranked)> {
        let _ = (question, passages);
        None
    }
    /// What a question that counts or lists asks for.
    fn list(&self, listing: &Listing) -> Result<Items, String>;
    /// The day that a fact in these documents gives for a question.
    fn dated(&self, when: &When, paths: &[&Path]) -> Option<Dated> {
        let _ = (when, paths);
        None
    }
    /// The values that the thing had of which the fact in these lines says `said`, oldest first, and which of them that is;
    /// `None` where it never changed.
    fn versions(&self, path: &Path, lines: RangeInclusive<u32>, said: &str) -> Option<(Vec<Version>, usize)> {
        let _ = (path, lines, said);
        None
    }
    /// All passages of a document, in order; empty when it is gone.
    fn passages(&self, path: &Path) -> Vec<Passage>;
    /// Something that changes when the document does; `None` when it is gone. Cheap.
    fn stamp(&self, path: &Path) -> Option<u64>;
    /// Forgets what it remembers of texts that were compared.
    fn forget(&self) {}
    /// Grows with every visible change. Cheap.
    fn epoch(&self) -> u64;
}
