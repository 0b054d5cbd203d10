//! The knowledge store: documents, passages, search and the watcher.
//!
//! [`Index`] is the seam: open, start, search. Truth is the files under the sources and the journal; the word
//! index, the vectors and the catalogue are derived from them, and are rebuilt when they are missing or damaged.

mod analyzer;
mod bits;
mod bm25;
mod catalogue;
mod chunk;
mod columns;
pub mod context;
pub mod conversations;
mod copies;
mod database;
mod dictionary;
mod document;
mod error;
pub mod extract;
pub mod facts;
mod files;
mod filter;
mod forgotten;
mod fuse;
mod globs;
mod groups;
mod happened;
mod index;
mod ingest;
mod jobs;
mod journal;
mod kept;
mod languages;
mod lexical;
mod likeness;
mod lines;
mod meaning;
mod memory;
mod near;
mod opening;
mod parts;
mod passages;
mod phrase;
mod plan;
pub mod policy;
mod prepare;
mod purge;
mod ranking;
mod record;
pub mod relationship;
pub mod remembered;
mod results;
mod roots;
pub mod scan;
pub mod scratch;
mod search;
mod shared;
mod snapshot;
mod stated;
mod status;
mod stop_words;
pub mod topics;
mod traits;
#[doc(hidden)] // for benchmarks
pub mod vectors;
pub mod watch;
mod words;
mod writer;

pub use document::{Coverage, Document, Extracted, Kind, Span, State};
pub use error::Error;
pub use fuse::Parts;
pub use happened::{Happened, What};
pub use index::{Config, Index, Wanted};
pub use kept::{Kept, KeptQuery};
pub use ranking::Ranking;
pub use results::{Explain, Hit, Passage, Results, Stage, Why, WordUse};
pub use status::{Counts, Forgotten, Graph, Source, Taken};
