//! The knowledge store: documents, passages, search and the watcher.
//!
//! [`Index`] is the seam: open, start, search. Truth is the files under the sources and the journal; the word
//! index, the vectors and the catalogue are derived from them, and are rebuilt when they are missing or damaged.

mod document;
mod error;
mod index;
mod results;
mod status;

pub use document::{Coverage, Document, Extracted, Kind, Span, State};
pub use error::Error;
pub use index::{Config, Index};
pub use results::{Explain, Hit, Passage, Results, Stage, Why, WordUse};
pub use status::{Counts, Forgotten, Source};
