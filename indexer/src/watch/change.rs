//! What the watcher tells: one value per file, never one per kernel event.

use std::path::PathBuf;

use crate::policy::Reason;
use crate::scan::FileStat;

/// One thing that is true of the disk now and was not told before.
///
/// Every path is exact: no change speaks of what lies below a directory. When a directory of a
/// thousand files is renamed or removed, a thousand changes say so. Changes of one path come in
/// order, and only the last state counts: a file that was written five times while the consumer was
/// busy is told once, one that came and went is not told at all. By the time a file is read it may be gone
/// again; a change that says so follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A regular file to be indexed is there, and it is new or differs from what was told before
    /// (other size, modification time or inode). After a start every file is new to the watcher:
    /// the consumer compares `stat` with its own record and does nothing where they are equal.
    Changed {
        /// Absolute path.
        path: PathBuf,
        /// What `lstat` said.
        stat: FileStat,
    },
    /// A file told before lies elsewhere now, with the same inode, size and modification time: the
    /// same bytes under a new name. If `to` was known before, it was replaced.
    Moved {
        /// Where it was.
        from: PathBuf,
        /// Where it is.
        to: PathBuf,
        /// What `lstat` said of `to`.
        stat: FileStat,
    },
    /// What was told of exactly this path (changed, skipped or failed) is no longer true: nothing
    /// is there, or nothing worth an entry. Says nothing about other paths, also not about those below.
    Removed {
        /// Absolute path.
        path: PathBuf,
    },
    /// A file that is not indexed, or a directory that is not entered (told once for the whole
    /// directory). If it was a document before, it is one no longer.
    Skipped {
        /// Absolute path.
        path: PathBuf,
        /// Why.
        reason: Reason,
        /// What `lstat` said; all zero where the path must not be touched.
        stat: FileStat,
    },
    /// A directory that could not be listed or a file that could not be looked at. What was known
    /// below such a directory stays as it is.
    Failed {
        /// Absolute path.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// A full pass over `root` begins: everything in it will be told again. One that was begun before and not
    /// completed counts no more.
    Started {
        /// The root.
        root: PathBuf,
    },
    /// The full pass ended. What the consumer knew below `root` before `Started` and has not been
    /// told of since is gone, except what lies below a directory told as failed. Sent after [`Change::Started`] of the same root only: at the start,
    /// when a root came back and after [`super::Watcher::rescan`]. The passes in between that
    /// reconcile with the disk tell only differences and end silently.
    Complete {
        /// The root.
        root: PathBuf,
        /// How many files to be indexed there are.
        files: usize,
    },
    /// The whole root went away (unmounted, moved, its disk pulled). Its documents are out of
    /// reach, not deleted: keep them. A pass that was begun will not be completed.
    RootUnavailable {
        /// The root.
        root: PathBuf,
        /// Why, for people.
        reason: String,
    },
    /// The root is there again; a full pass follows.
    RootBack {
        /// The root.
        root: PathBuf,
    },
}
