//! The knowledge store: documents, passages, search and the watcher.
//!
//! [`Index`] is the seam: open, start, search. Truth is the files under the sources and the journal; the word
//! index, the vectors and the catalogue are derived from them, and are rebuilt when they are missing or damaged.

mod analyzer;
mod bits;
mod bm25;
mod catalogue;
mod chunk;
mod document;
mod error;
pub mod extract;
mod files;
mod index;
mod journal;
mod lexical;
mod phrase;
pub mod policy;
mod record;
mod results;
pub mod scan;
mod status;
mod words;

pub use document::{Coverage, Document, Extracted, Kind, Span, State};
pub use error::Error;
pub use index::{Config, Index};
pub use results::{Explain, Hit, Passage, Results, Stage, Why, WordUse};
pub use status::{Counts, Forgotten, Source};
