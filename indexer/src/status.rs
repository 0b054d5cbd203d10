//! What `status`, `knowledge/sources` and `forget` show of the store.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Kind;

/// Totals, read from memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Documents found by words.
    pub documents: usize,
    /// Their passages.
    pub chunks: usize,
    /// Files seen and not yet searchable by words.
    pub pending: usize,
    /// Documents not yet searchable by meaning.
    pub pending_semantic: usize,
    /// Passages not yet searchable by meaning.
    pub pending_passages: usize,
    /// Facts that the documents state.
    pub facts: usize,
    /// Documents not yet read for facts.
    pub pending_facts: usize,
    /// Passages that the language model has read for facts.
    pub read_by_model: usize,
    /// Passages that it may still read.
    pub pending_model: usize,
    /// Topics of the first level.
    pub topics: usize,
    /// Topics that a language model was not asked about.
    pub pending_labels: usize,
    /// Documents that have no place among the topics yet.
    pub pending_topics: usize,
    /// Files that could not be read.
    pub failed: usize,
    /// Files left out on purpose.
    pub skipped: usize,
    /// Whether the first scan of every source has ended.
    pub scanned: bool,
    /// Why meaning is not computed now, if it should be.
    pub semantic_error: Option<String>,
    /// Why the index cannot be written now (disk full ...); searching goes on.
    pub write_error: Option<String>,
}

/// The vectors of passages and the graph that finds them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// Vectors that can be found.
    pub vectors: usize,
    /// Vectors of what is gone, until the next generation is saved.
    pub tombstones: usize,
    /// Vectors that the graph has; 0 while there are so few that every search compares all.
    pub in_graph: usize,
    /// Share of the 10 nearest neighbours that the graph found in its last audit.
    pub recall_at_10: Option<f32>,
}

/// An indexed root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Unique name: its last path component, numbered where that is taken.
    pub name: String,
    /// Absolute path.
    pub root: PathBuf,
    /// What its documents are.
    pub kind: Kind,
    /// How changes are noticed: `inotify`, or `polling: <why>`.
    pub watch: String,
    /// Whether the directory can be read now.
    pub available: bool,
}

/// What an order to forget takes away, whether it was carried out or only looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// Documents that leave the index, with everything that was made from them.
    pub paths: Vec<PathBuf>,
    /// Their passages.
    pub passages: usize,
    /// Files that are deleted: notes and conversations, which belong to this system.
    pub deleted: Vec<PathBuf>,
    /// Lines of the note of remembered sentences that are deleted.
    pub lines: Vec<Taken>,
    /// Documents that lose a part and are made anew without it: conversations with this system, pages about what was noticed.
    pub changed: Vec<PathBuf>,
    /// Facts that nothing else states, as sentences.
    pub facts: Vec<String>,
    /// Entries of the relationship log that rest on it.
    pub entries: Vec<String>,
}

/// A line of a note.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Taken {
    /// The note.
    pub path: PathBuf,
    /// Number of the line, counted from 1.
    pub line: u32,
    /// What stands there.
    pub text: String,
}
