//! Why there are no answers, or none to a question.

use std::path::PathBuf;

/// Why answers cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory of kept answers cannot be made or listed.
    #[error("the answers in {path} cannot be opened: {source}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

/// Why a read gave no bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The reader was told to give up.
    #[error("interrupted")]
    Interrupted,
    /// The generation was stopped because nobody read it any more.
    #[error("the answer was cancelled")]
    Cancelled,
    /// Too many questions at one time.
    #[error("too many questions are being answered")]
    Busy,
    /// There is no answer because the search failed.
    #[error("the question cannot be answered: {0}")]
    Failed(String),
}
