//! One moment of the store, as a search sees it.

use std::sync::Arc;

use crate::languages;
use crate::lexical::Words;
use crate::record::Table;

/// Records and word index of the same moment.
#[derive(Clone)]
pub struct Snapshot {
    /// All records.
    pub table: Arc<Table>,
    /// The word index.
    pub words: Words,
}

impl Snapshot {
    /// The two together. Words are inflected as in the languages that the documents are written in.
    pub fn new(table: Arc<Table>, words: Words) -> Self {
        let stemmers = languages::stemmers(table.languages(), table.totals().documents);
        Self { table, words: words.inflected(stemmers) }
    }
}
