//! The knowledge store: documents, passages, search and the watcher.

mod document;

pub use document::{Coverage, Document, Extracted, Kind, Span, State};
