//! The one rule that says which files are indexed, used by scan, watch, search and read.
//!
//! In this order, the first that applies wins:
//!
//! 1. Not below a source, or below an excluded path (the mount point, the data directory): skipped.
//! 2. A mount point inside a source, or a directory on another device: skipped, without touching it
//!    where the mount table knows it. A `stat` on EchoFS's own mount would wait for itself.
//! 3. Secrets ([`secret`]): skipped, and nothing can bring them back.
//! 4. Version control internals, symbolic links, devices, sockets and pipes, and files above the
//!    size limit: skipped. Links are never followed, so a file is one document under its real path.
//! 5. `.echoignore`, the deepest first, in the syntax of gitignore: `x` skips, `!x` lets in, also what
//!    the rules below would skip.
//! 6. `.gitignore`, the deepest first, inside and outside of git repositories; only those at or below
//!    the source count. As in git, nothing brings back a file whose directory is skipped.
//! 7. Names that begin with a dot: skipped, all of them.
//! 8. Caches and build output (`node_modules`, `__pycache__`, virtual environments, directories with a
//!    `CACHEDIR.TAG` ...) and files that editors and downloads leave for a while (`*~`, `#*#`, `*.part` ...).
//!
//! Names are bytes. Where a pattern is compared, bytes that are not UTF-8 stand for U+FFFD; the paths
//! themselves are never changed, so any file name works.
