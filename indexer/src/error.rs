//! What can go wrong in the store.

use std::path::PathBuf;

/// A named cause, with the path it concerns.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has this data directory open.
    #[error("the data directory {path} is in use by process {pid}")]
    Locked {
        /// The data directory.
        path: PathBuf,
        /// The other process; 0 when it did not say.
        pid: u32,
    },
    /// A file operation failed.
    #[error("{path}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The word index failed.
    #[error("word index: {0}")]
    Lexical(#[from] tantivy::TantivyError),
    /// The catalogue failed.
    #[error("catalogue: {0}")]
    Catalogue(#[from] sled::Error),
    /// A stored record cannot be read.
    #[error("{0} is damaged: {1}")]
    Damaged(&'static str, String),
    /// The query's meaning cannot be computed and nothing else was asked.
    #[error("search by meaning is not available: {0}")]
    Semantic(String),
    /// A query that is only valid for a known document.
    #[error("{0} is not in the index")]
    Unknown(PathBuf),
    /// The path is not under any source.
    #[error("{0} is not under an indexed directory")]
    Outside(PathBuf),
    /// An order about a fact that is not there.
    #[error("there is no such fact")]
    NoFact,
    /// An order to forget that does not say what.
    #[error("it is not certain what is to be forgotten: {0}")]
    Vague(String),
    /// An order to forget that nothing fits.
    #[error("{0}: no file, fact or document that can be forgotten")]
    Nothing(String),
    /// The order is on disk, and some of what it is about could not be removed yet.
    #[error("the order is kept, and not all of it could be erased from the disk: {0}; that is tried again")]
    Unerased(String),
    /// A background thread ended.
    #[error("the index is stopped")]
    Stopped,
}

impl Error {
    /// Wraps an I/O error with the path it concerns.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io { path, source }
    }
}
