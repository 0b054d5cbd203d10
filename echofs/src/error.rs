//! What can go wrong in the tree, and the errno each cause becomes.

use std::io;

use echofs_indexer::Error as Store;
use fuser::Errno;

use crate::answer::ReadError;

/// Why an operation on the tree failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such name.
    #[error("no such file or directory")]
    NotFound,
    /// A directory was needed.
    #[error("not a directory")]
    NotADirectory,
    /// A file was needed.
    #[error("is a directory")]
    IsADirectory,
    /// This part of the tree cannot be changed that way.
    #[error("the tree does not allow this here: {0}")]
    NotPermitted(&'static str),
    /// The name is longer than names may be.
    #[error("name too long")]
    NameTooLong,
    /// What was written makes no sense to this file.
    #[error("{0}")]
    Invalid(String),
    /// The inode or handle is not known any more.
    #[error("stale inode or handle")]
    Stale,
    /// No such extended attribute.
    #[error("no such attribute")]
    NoAttribute,
    /// Not a symbolic link.
    #[error("not a symbolic link")]
    NotALink,
    /// A question was not answered.
    #[error(transparent)]
    Answer(#[from] crate::answer::ReadError),
    /// The call would cross from one part of the tree into another.
    #[error("source and target are in different parts of the tree")]
    CrossDevice,
    /// The operation is not there at all.
    #[error("not supported")]
    Unsupported,
    /// The reader was told to stop while it waited.
    #[error("interrupted")]
    Interrupted,
    /// There is nothing to read now, and the reader does not wait.
    #[error("there is nothing to read now")]
    WouldBlock,
    /// There are as many as there may be.
    #[error("{0}")]
    TooMany(&'static str),
    /// The name is taken.
    #[error("it is there already")]
    Exists,
    /// The store failed.
    #[error(transparent)]
    Index(#[from] Store),
    /// A system call on a real file failed.
    #[error(transparent)]
    Os(#[from] io::Error),
}

impl From<rustix::io::Errno> for Error {
    fn from(errno: rustix::io::Errno) -> Error {
        Error::Os(errno.into())
    }
}

impl Error {
    /// The errno a caller sees.
    pub fn errno(&self) -> Errno {
        match self {
            Error::NotFound => Errno::ENOENT,
            Error::NotADirectory => Errno::ENOTDIR,
            Error::IsADirectory => Errno::EISDIR,
            Error::NotPermitted(_) => Errno::EPERM,
            Error::NameTooLong => Errno::ENAMETOOLONG,
            Error::Invalid(_) | Error::NotALink => Errno::EINVAL,
            Error::Stale => Errno::ESTALE,
            Error::NoAttribute => Errno::ENODATA,
            Error::Answer(ReadError::Interrupted | ReadError::Cancelled) => Errno::EINTR,
            Error::Answer(ReadError::Busy) => Errno::EBUSY,
            Error::Answer(ReadError::Failed(_)) => Errno::EIO,
            Error::Interrupted => Errno::EINTR,
            Error::WouldBlock => Errno::EAGAIN,
            Error::TooMany(_) => Errno::EDQUOT,
            Error::Exists => Errno::EEXIST,
            Error::CrossDevice => Errno::EXDEV,
            Error::Unsupported => Errno::EOPNOTSUPP,
            Error::Index(Store::NoFact | Store::Outside(_) | Store::Vague(_) | Store::Nothing(_)) => Errno::EINVAL,
            Error::Index(Store::Io { source: e, .. }) => os(e),
            Error::Index(_) => Errno::EIO,
            Error::Os(e) => os(e),
        }
    }

    /// Whether the owner would want to know why a write that failed with this did so. What a program learns about
    /// the names it asked for is no refusal.
    pub fn is_refusal(&self) -> bool {
        match self {
            Error::NotPermitted(_) | Error::NameTooLong | Error::Invalid(_) | Error::TooMany(_) => true,
            Error::Unsupported | Error::Index(_) => true,
            Error::Os(e) => !matches!(
                e.raw_os_error(),
                Some(
                    libc::ENOENT
                        | libc::EEXIST
                        | libc::ENOTEMPTY
                        | libc::ENOTDIR
                        | libc::EISDIR
                        | libc::ENODATA
                        | libc::EINTR
                        | libc::EAGAIN
                )
            ),
            Error::NotFound | Error::NotADirectory | Error::IsADirectory | Error::Stale | Error::NoAttribute => false,
            Error::NotALink | Error::Answer(_) | Error::Interrupted | Error::WouldBlock | Error::Exists => false,
            // Programs then copy.
            Error::CrossDevice => false,
        }
    }
}

fn os(error: &io::Error) -> Errno {
    Errno::from_i32(error.raw_os_error().unwrap_or(libc::EIO))
}
