//! What a search gives back.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fuse::Parts;
use crate::{Document, Reranked};

/// The answer to a query: one hit per document, best first (or in the order of `sort:`).
#[derive(Clone, Debug)]
pub struct Results {
    /// At most as many as `limit:` says.
    pub hits: Vec<Hit>,
    /// State of the index they were taken from.
    pub epoch: u64,
    /// How they came about.
    pub explain: Explain,
}

/// A document that was found, with its best passage.
#[derive(Clone, Debug)]
pub struct Hit {
    /// Counted from 1.
    pub rank: usize,
    /// Fused score, higher is better; comparable within one result list only.
    pub score: f32,
    /// The document.
    pub document: Document,
    /// The passage that fits the query best.
    pub passage: Passage,
    /// Which engine brought it.
    pub why: Why,
    /// Documents that say the same and would have come later.
    pub copies: Vec<PathBuf>,
}

/// A passage of a document. For files that are text, `text` stands literally in lines `line..=end_line`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// Position among the document's passages, from 0.
    pub ordinal: u32,
    /// The text.
    pub text: String,
    /// First line, from 1.
    pub line: u32,
    /// Last line, inclusive.
    pub end_line: u32,
    /// Page, slide or sheet, from 1.
    pub page: Option<u32>,
    /// Headings above it, outermost first, joined by ` > `.
    pub heading: String,
}

/// Where a hit stands on each side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Why {
    /// Rank by words alone, from 1.
    pub lexical_rank: Option<usize>,
    /// Rank by meaning alone, from 1.
    pub semantic_rank: Option<usize>,
    /// BM25 score.
    pub lexical: Option<f32>,
    /// Cosine of the best passage with the query, -1 to 1.
    pub semantic: Option<f32>,
    /// The query's words that the document holds, as typed.
    pub words: Vec<String>,
    /// What the reranker gave it, where one was asked; higher is better.
    pub rerank: Option<f32>,
    /// What the fused score is the sum of.
    pub parts: Parts,
}

/// How a query was carried out, for `explain.md`.
#[derive(Clone, Debug, Default)]
pub struct Explain {
    /// Documents in the index.
    pub documents: usize,
    /// Documents that pass the filters; `None` when there are no filters.
    pub passed: Option<usize>,
    /// Each part of the query that filters, in canonical form, with the documents that it alone lets through.
    pub filters: Vec<(String, usize)>,
    /// Each word that ranks, and how it was looked up.
    pub words: Vec<WordUse>,
    /// Text whose meaning was compared, empty when none was.
    pub meaning: String,
    /// The word side.
    pub lexical: Stage,
    /// The meaning side.
    pub semantic: Stage,
    /// Share of the word score in the fused score, 0 to 1; the rest is meaning.
    pub lexical_weight: f32,
    /// Documents not yet searchable by meaning.
    pub pending_semantic: usize,
    /// Why meaning was not used although it was asked for.
    pub semantic_error: Option<String>,
    /// Parts of the query that have no meaning here, in canonical form, each with the reason.
    pub ignored: Vec<String>,
    /// What the reranker came to, where one was asked.
    pub reranked: Option<Reranked>,
    /// Documents that are named with another one because they say the same.
    pub folded: usize,
    /// Time to evaluate the filters.
    pub filter_time: Duration,
    /// Time to fuse, choose passages and read their texts.
    pub fuse_time: Duration,
    /// All of it.
    pub total_time: Duration,
}

/// One engine's part in a search.
#[derive(Clone, Debug, Default)]
pub struct Stage {
    /// How it searched (`bm25`, `exact scan`, `hnsw`); empty when it was not used.
    pub method: &'static str,
    /// Documents it gave a score to.
    pub candidates: usize,
    /// Time it took; for meaning this includes embedding the query.
    pub time: Duration,
}

/// How a word of the query was looked up.
#[derive(Clone, Debug, PartialEq)]
pub struct WordUse {
    /// As typed.
    pub word: String,
    /// The indexed forms it stands for.
    pub forms: Vec<String>,
    /// Documents that hold it.
    pub documents: usize,
    /// Whether that is an estimate, as it is for very many.
    pub estimated: bool,
    /// Whether the forms were guessed because nothing holds the word itself.
    pub corrected: bool,
    /// Whether it is so common that it was added only where it could matter.
    pub put_off: bool,
}
