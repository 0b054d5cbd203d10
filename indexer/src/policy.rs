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

use std::ffi::OsStr;
use std::fmt;
use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use serde::{Deserialize, Serialize};

use crate::shared::lock;

mod clutter;
mod ignored;
mod mounts;
mod secret;

pub use ignored::{IGNORE_FILES, Rules, Ruling};
pub use mounts::{Mount, Mounts};
pub use secret::secret;

/// Files above this are not indexed unless [`Policy::max_bytes`] says otherwise: 64 MiB.
pub const MAX_BYTES: u64 = 64 << 20;

/// Directories deeper than this below their source are not entered.
pub const MAX_DEPTH: usize = 128;

/// What the rule says of one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A file to be indexed, or a directory to be entered.
    Index,
    /// Not to be read, or not to be entered.
    Skip(Reason),
}

/// Why a path is skipped. `Display` gives the words of the coverage list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// It is below no source.
    OutsideSources,
    /// It is the mount point, the data directory or below them.
    Excluded,
    /// It is a source of its own, reported there.
    OtherSource,
    /// Something else is mounted there, or it is on another device.
    OtherFileSystem,
    /// It holds secrets of the named kind.
    Secret(String),
    /// It belongs to a version control system.
    VersionControl,
    /// It is a symbolic link.
    SymbolicLink,
    /// It is a pipe, a socket or a device.
    Special(String),
    /// It is larger than the limit, in bytes.
    TooLarge(u64),
    /// It is deeper below its source than [`MAX_DEPTH`].
    TooDeep,
    /// The named file says so.
    Ignored(String),
    /// Its name begins with a dot.
    Hidden,
    /// It is a cache, build output or a temporary file.
    Clutter(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::OutsideSources => f.write_str("outside of the sources"),
            Reason::Excluded => f.write_str("excluded: belongs to this filesystem"),
            Reason::OtherSource => f.write_str("a source of its own"),
            Reason::OtherFileSystem => f.write_str("other file system"),
            Reason::Secret(what) => write!(f, "secret: {what}"),
            Reason::VersionControl => f.write_str("version control"),
            Reason::SymbolicLink => f.write_str("symbolic link"),
            Reason::Special(what) => write!(f, "special file: {what}"),
            Reason::TooLarge(limit) => write!(f, "too large: more than {} MiB", limit >> 20),
            Reason::TooDeep => write!(f, "too deep: more than {MAX_DEPTH} directories"),
            Reason::Ignored(file) => write!(f, "ignored by {file}"),
            Reason::Hidden => f.write_str("hidden"),
            Reason::Clutter(what) => f.write_str(what),
        }
    }
}

/// What kind of thing a directory entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Directory,
    File,
    Link,
    Special(&'static str),
}

impl From<FileType> for Node {
    fn from(kind: FileType) -> Node {
        match kind {
            kind if kind.is_dir() => Node::Directory,
            kind if kind.is_file() => Node::File,
            kind if kind.is_symlink() => Node::Link,
            kind if kind.is_fifo() => Node::Special("pipe"),
            kind if kind.is_socket() => Node::Special("socket"),
            _ => Node::Special("device"),
        }
    }
}

/// The sources, what is excluded from them, and the mount table: all that the rule depends on.
#[derive(Debug)]
pub struct Policy {
    roots: Vec<PathBuf>,
    excluded: Vec<PathBuf>,
    max_bytes: u64,
    table: Mutex<(Mounts, Arc<[PathBuf]>)>,
}

impl Policy {
    /// A policy for sources (absolute, canonical) and excluded paths. A source below an excluded path, such as
    /// `notes` in the data directory, is a source all the same; a source in a source belongs to itself only.
    pub fn new(roots: Vec<PathBuf>, excluded: Vec<PathBuf>) -> Policy {
        let mounts = Mounts::read();
        let inner = mounts_inside(&mounts, &roots);
        Policy { roots, excluded, max_bytes: MAX_BYTES, table: Mutex::new((mounts, inner)) }
    }

    /// The same policy with another size limit, in bytes.
    pub fn max_bytes(mut self, limit: u64) -> Policy {
        self.max_bytes = limit;
        self
    }

    /// The sources.
    pub fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// The source that `path` belongs to: the deepest that holds it.
    pub fn root_of(&self, path: &Path) -> Option<&Path> {
        let above = self.roots.iter().filter(|root| path.starts_with(root));
        above.max_by_key(|root| root.components().count()).map(PathBuf::as_path)
    }

    /// Is this source on an EchoFS mount, told by the mount table alone? Such a one must not be touched.
    pub fn on_echofs(&self, root: &Path) -> bool {
        self.kind_of(root).is_some_and(|kind| kind.ends_with(".echofs") || kind == "echofs")
    }

    /// Type of the file system that `path` is on, from the mount table.
    pub fn kind_of(&self, path: &Path) -> Option<String> {
        let mut table = lock(&self.table);
        self.refresh(&mut table);
        table.0.kind_of(path).map(str::to_owned)
    }

    /// Is something mounted exactly here, by the mount table?
    pub(crate) fn is_mounted(&self, point: &Path) -> bool {
        let mut table = lock(&self.table);
        self.refresh(&mut table);
        table.0.is_mount_point(point)
    }

    /// The mount points inside of the sources, fresh. One system call while the mount table does not change.
    pub(crate) fn mount_points(&self) -> Arc<[PathBuf]> {
        let mut table = lock(&self.table);
        self.refresh(&mut table);
        table.1.clone()
    }

    fn refresh(&self, table: &mut (Mounts, Arc<[PathBuf]>)) {
        if table.0.refresh() {
            table.1 = mounts_inside(&table.0, &self.roots);
        }
    }

    /// The whole rule for one path, with the ignore files of its directories read from the disk. For a walk,
    /// which has judged the directories above, see [`crate::scan`]. A path that does not exist is judged by its name.
    pub fn verdict(&self, path: &Path, is_dir: bool) -> Verdict {
        match self.judge_whole(path, is_dir) {
            Ok(()) => Verdict::Index,
            Err(reason) => Verdict::Skip(reason),
        }
    }

    fn judge_whole(&self, path: &Path, is_dir: bool) -> Result<(), Reason> {
        self.readable(path)?;
        let root = self.root_of(path).ok_or(Reason::OutsideSources)?;
        if path == root {
            return Ok(());
        }
        let mounts = self.mount_points();
        let mut rules = Rules::enter(root, None);
        for dir in directories_between(root, path) {
            self.judge_at(dir, Node::Directory, rules.as_ref(), &mounts)?;
            rules = Rules::enter(dir, rules);
        }
        let assumed = if is_dir { Node::Directory } else { Node::File };
        self.judge_at(path, assumed, rules.as_ref(), &mounts)
    }

    /// Judges a path by what is really there, if anything is.
    fn judge_at(
        &self,
        path: &Path,
        assumed: Node,
        rules: Option<&Arc<Rules>>,
        mounts: &[PathBuf],
    ) -> Result<(), Reason> {
        self.judge_place(path, mounts)?;
        let found = path.symlink_metadata().ok();
        let node = found.as_ref().map_or(assumed, |meta| meta.file_type().into());
        self.judge_entry(path, node, rules)?;
        found.map_or(Ok(()), |meta| self.judge_size(node, &meta))
    }

    /// Rules 1 to 3 and version control, from names and the mount table alone: may this path be shown to anybody?
    /// Microseconds, and never a stat. For search, and before a read.
    ///
    /// # Errors
    /// The reason why not.
    pub fn readable(&self, path: &Path) -> Result<(), Reason> {
        let root = self.root_of(path).ok_or(Reason::OutsideSources)?;
        if self.is_excluded(path, root) {
            return Err(Reason::Excluded);
        }
        if self.mount_points().iter().any(|point| path.starts_with(point) && !root.starts_with(point)) {
            return Err(Reason::OtherFileSystem);
        }
        if let Some(what) = secret(path) {
            return Err(Reason::Secret(what.to_owned()));
        }
        let below = path.strip_prefix(root).unwrap_or(path);
        if below.iter().any(is_version_control) { Err(Reason::VersionControl) } else { Ok(()) }
    }

    fn is_excluded(&self, path: &Path, root: &Path) -> bool {
        self.excluded.iter().any(|excluded| path.starts_with(excluded) && excluded.starts_with(root))
    }

    /// Opens a file for reading if it is readable by the rule and a regular file: no link on the way below the
    /// source, no other mount, no waiting for the writer of a pipe.
    ///
    /// # Errors
    /// `PermissionDenied` with the reason where the rule forbids it; what the system says otherwise.
    pub fn open(&self, path: &Path) -> io::Result<File> {
        self.readable(path).map_err(|reason| io::Error::new(io::ErrorKind::PermissionDenied, reason.to_string()))?;
        let root = self.root_of(path).ok_or(io::ErrorKind::NotFound)?;
        regular(open_below(root, path)?)
    }

    /// Rules 1 and 2 for a directory entry: before anything touches it.
    pub(crate) fn judge_place(&self, path: &Path, mounts: &[PathBuf]) -> Result<(), Reason> {
        if self.excluded.iter().any(|excluded| excluded == path) {
            return Err(Reason::Excluded);
        }
        if self.roots.iter().any(|root| root == path) {
            return Err(Reason::OtherSource);
        }
        if mounts.iter().any(|point| point == path) { Err(Reason::OtherFileSystem) } else { Ok(()) }
    }

    /// Rules 3 to 8 for a directory entry whose directory is entered.
    pub(crate) fn judge_entry(&self, path: &Path, node: Node, rules: Option<&Arc<Rules>>) -> Result<(), Reason> {
        let is_dir = node == Node::Directory;
        if let Some(what) = secret::secret_entry(path, is_dir) {
            return Err(Reason::Secret(what.to_owned()));
        }
        let name = path.file_name().unwrap_or_default();
        if is_version_control(name) {
            return Err(Reason::VersionControl);
        }
        match node {
            Node::Link => return Err(Reason::SymbolicLink),
            Node::Special(what) => return Err(Reason::Special(what.to_owned())),
            Node::Directory | Node::File => {}
        }
        match rules.map_or(Ruling::Silent, |rules| rules.ruling(path, is_dir)) {
            Ruling::Skip(file) => Err(Reason::Ignored(file.to_owned())),
            Ruling::Admit => Ok(()),
            Ruling::Silent => judge_name(path, name, is_dir),
        }
    }

    /// The size limit, for files.
    pub(crate) fn judge_size(&self, node: Node, meta: &Metadata) -> Result<(), Reason> {
        if node == Node::File && meta.size() > self.max_bytes {
            return Err(Reason::TooLarge(self.max_bytes));
        }
        Ok(())
    }
}

/// Rules 7 and 8.
fn judge_name(path: &Path, name: &OsStr, is_dir: bool) -> Result<(), Reason> {
    let name = name.to_string_lossy();
    let clutter = if is_dir { None } else { clutter::file(&name) };
    if let Some(what) = clutter {
        return Err(Reason::Clutter(what.to_owned()));
    }
    if name.starts_with('.') {
        return Err(Reason::Hidden);
    }
    match is_dir.then(|| clutter::directory(path, &name)).flatten() {
        Some(what) => Err(Reason::Clutter(what.to_owned())),
        None => Ok(()),
    }
}

fn is_version_control(name: &OsStr) -> bool {
    [".git", ".hg", ".svn", ".bzr", ".jj", ".pijul", "_darcs", "CVS"].iter().any(|known| name == *known)
}

fn mounts_inside(mounts: &Mounts, roots: &[PathBuf]) -> Arc<[PathBuf]> {
    let mut points: Vec<PathBuf> = roots.iter().flat_map(|root| mounts.below(root)).collect();
    points.sort();
    points.dedup();
    points.into()
}

/// The directories strictly between a source and a path, the outermost first.
fn directories_between<'a>(root: &'a Path, path: &'a Path) -> Vec<&'a Path> {
    let mut dirs: Vec<&Path> = path.ancestors().skip(1).take_while(|dir| *dir != root).collect();
    dirs.reverse();
    dirs
}

/// Opens `path`, which lies below `root`, without following a link or crossing a mount after `root`.
fn open_below(root: &Path, path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    let dir = rustix::fs::openat(CWD, root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let below = path.strip_prefix(root).map_err(|_| io::ErrorKind::NotFound)?;
    let open = |flags| rustix::fs::openat2(&dir, below, flags, Mode::empty(), resolve);
    // That it is indexed is no use of a file. Only its owner may ask for that.
    let quietly = open(flags | OFlags::NOATIME);
    match quietly.or_else(|e| if e == rustix::io::Errno::PERM { open(flags) } else { Err(e) }) {
        Ok(file) => Ok(file.into()),
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => open_regular(path),
        Err(error) => Err(error.into()),
    }
}

/// Opens a regular file that is not reached through a link in its last component; never waits.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    regular(options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?)
}

fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}

#[cfg(test)]
mod tests;
