//! What can go wrong in the tree, and the errno each cause becomes.

use std::io;

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
    /// The store failed.
    #[error(transparent)]
    Index(#[from] echofs_indexer::Error),
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
            Error::CrossDevice => Errno::EXDEV,
            Error::Unsupported => Errno::EOPNOTSUPP,
            Error::Index(echofs_indexer::Error::Io { source: e, .. }) => os(e),
            Error::Index(_) => Errno::EIO,
            Error::Os(e) => os(e),
        }
    }
}

fn os(error: &io::Error) -> Errno {
    Errno::from_i32(error.raw_os_error().unwrap_or(libc::EIO))
}
