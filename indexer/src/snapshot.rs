//! One moment of the store, as a search sees it.

use std::sync::Arc;

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
