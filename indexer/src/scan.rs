//! Looking at directories: what is there, and what the policy says of it.
//!
//! [`list`] looks at one directory, [`walk`] at a whole source. Both take the disk as it is: files that
//! vanish in between are left out, what cannot be looked at is reported, links are never followed, so
//! there are no loops. One thread is enough: a warm directory entry costs some two microseconds.

use std::ffi::OsString;
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::policy::{MAX_DEPTH, Node, Policy, Reason, Rules};

/// What tells a file from another, or from itself after a change. A rename keeps all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileStat {
    /// Size in bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Inode number.
    pub ino: u64,
    /// Device number; may differ after a restart of the machine.
    pub dev: u64,
}

impl From<&Metadata> for FileStat {
    fn from(meta: &Metadata) -> FileStat {
        let mtime_ns = meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec());
        FileStat { size: meta.size(), mtime_ns, ino: meta.ino(), dev: meta.dev() }
    }
}

/// What one directory entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A file to be indexed.
    File(FileStat),
    /// A directory to be entered.
    Directory(FileStat),
    /// A file not to be read or a directory not to be entered; the stat is all zero where it was not touched.
    Skipped(Reason, FileStat),
    /// It could not be looked at; the system's words.
    Failed(String),
}

/// One directory, looked at once.
#[derive(Debug)]
pub struct Listing {
    /// Its entries, in no order.
    pub entries: Vec<(OsString, Found)>,
    /// The ignore rules in force inside it.
    pub rules: Option<Arc<Rules>>,
}

/// Counts of a [`walk`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Files to be indexed.
    pub files: usize,
    /// Directories entered.
    pub directories: usize,
    /// Files skipped and directories not entered.
    pub skipped: usize,
    /// What could not be looked at.
    pub failed: usize,
}

/// Looks at the entries of `dir`, which is `depth` directories below its source on device `dev`.
/// `above` are the rules in force in the directory that holds it.
///
/// # Errors
/// What the system says when the directory cannot be opened or read.
pub fn list(dir: &Path, policy: &Policy, above: Option<Arc<Rules>>, dev: u64, depth: usize) -> io::Result<Listing> {
    let rules = Rules::enter(dir, above);
    let mounts = policy.mount_points();
    let look = Look { policy, rules: rules.as_ref(), mounts: &mounts, dev, depth };
    let mut entries = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if let Some(found) = look.at_entry(&entry) {
            entries.push((entry.file_name(), found));
        }
    }
    Ok(Listing { entries, rules })
}

/// Looks at one path whose directory is entered; `None` when nothing is there.
pub(crate) fn look(path: &Path, policy: &Policy, rules: Option<&Arc<Rules>>, dev: u64, depth: usize) -> Option<Found> {
    let mounts = policy.mount_points();
    let look = Look { policy, rules, mounts: &mounts, dev, depth };
    look.at(path, || path.symlink_metadata())
}

/// What is needed to judge the entries of one directory.
struct Look<'a> {
    policy: &'a Policy,
    rules: Option<&'a Arc<Rules>>,
    mounts: &'a [PathBuf],
    dev: u64,
    depth: usize,
}

impl Look<'_> {
    fn at_entry(&self, entry: &DirEntry) -> Option<Found> {
        self.at(&entry.path(), || entry.metadata())
    }

    /// The place is judged before anything touches it; then the system is asked, then the rest is judged.
    fn at(&self, path: &Path, stat: impl FnOnce() -> io::Result<Metadata>) -> Option<Found> {
        if let Err(reason) = self.policy.judge_place(path, self.mounts) {
            return Some(Found::Skipped(reason, FileStat::default()));
        }
        match stat() {
            Ok(meta) => Some(self.judge(path, &meta)),
            Err(error) if vanished(&error) => None,
            Err(error) => Some(Found::Failed(error.to_string())),
        }
    }

    fn judge(&self, path: &Path, meta: &Metadata) -> Found {
        let node = Node::from(meta.file_type());
        let stat = FileStat::from(meta);
        let verdict = self
            .policy
            .judge_entry(path, node, self.rules)
            .and_then(|()| self.policy.judge_size(node, meta))
            .and_then(|()| if node == Node::Directory { self.judge_directory(meta) } else { Ok(()) });
        match verdict {
            Err(reason) => Found::Skipped(reason, stat),
            Ok(()) if node == Node::Directory => Found::Directory(stat),
            Ok(()) => Found::File(stat),
        }
    }

    fn judge_directory(&self, meta: &Metadata) -> Result<(), Reason> {
        if meta.dev() != self.dev {
            return Err(Reason::OtherFileSystem);
        }
        if self.depth >= MAX_DEPTH { Err(Reason::TooDeep) } else { Ok(()) }
    }
}

/// Did the file go away, or a directory above it?
pub(crate) fn vanished(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Walks a source, telling `each` every path with what it is; a skipped directory once, not what is in it.
///
/// # Errors
/// What the system says when the source itself cannot be listed. Anything below is reported to `each`.
pub fn walk(root: &Path, policy: &Policy, mut each: impl FnMut(&Path, &Found)) -> io::Result<Totals> {
    if policy.on_echofs(root) {
        return Err(io::Error::other("the source lies on an EchoFS mount"));
    }
    let dev = root.symlink_metadata()?.dev();
    let mut totals = Totals::default();
    let mut stack = vec![(root.to_path_buf(), None, 0)];
    while let Some((dir, above, depth)) = stack.pop() {
        let listing = match list(&dir, policy, above, dev, depth) {
            Ok(listing) => listing,
            Err(error) if dir == root => return Err(error),
            Err(error) if vanished(&error) => continue,
            Err(error) => {
                totals.failed += 1;
                each(&dir, &Found::Failed(error.to_string()));
                continue;
            }
        };
        totals.directories += 1;
        for (name, found) in listing.entries {
            let path = dir.join(name);
            totals.count(&found);
            each(&path, &found);
            if let Found::Directory(_) = found {
                stack.push((path, listing.rules.clone(), depth + 1));
            }
        }
    }
    Ok(totals)
}

impl Totals {
    fn count(&mut self, found: &Found) {
        match found {
            Found::File(_) => self.files += 1,
            Found::Skipped(..) => self.skipped += 1,
            Found::Failed(_) => self.failed += 1,
            Found::Directory(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_walk_finds_everything_once_and_skipped_directories_once() {
        let temp = tempfile::Builder::new().prefix("scan").tempdir().unwrap();
        let root = temp.path();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::create_dir_all(root.join("node_modules/x/y")).unwrap();
        for name in ["a/1.md", "a/b/2.md", "3.md", "node_modules/x/y/no.md"] {
            fs::write(root.join(name), "x").unwrap();
        }
        std::os::unix::fs::symlink(root, root.join("a/loop")).unwrap();
        let policy = Policy::new(vec![root.to_path_buf()], vec![]);
        let mut found = Vec::new();
        let totals = walk(root, &policy, |path, what| {
            let kind = match what {
                Found::File(_) => "file".to_owned(),
                Found::Directory(_) => "directory".to_owned(),
                Found::Skipped(reason, _) => reason.to_string(),
                Found::Failed(error) => error.clone(),
            };
            found.push(format!("{} {kind}", path.strip_prefix(root).unwrap().display()));
        });
        found.sort();
        let expected = [
            "3.md file",
            "a directory",
            "a/1.md file",
            "a/b directory",
            "a/b/2.md file",
            "a/loop symbolic link",
            "node_modules cache or build output",
        ];
        assert_eq!(found, expected);
        assert_eq!(totals.unwrap(), Totals { files: 3, directories: 3, skipped: 2, failed: 0 });
    }

    #[test]
    #[ignore = "a measurement: run it by name, in release"]
    fn twenty_thousand_files() {
        let temp = tempfile::Builder::new().prefix("scan").tempdir().unwrap();
        for dir in 0..200 {
            let dir = temp.path().join(format!("dir{dir}"));
            fs::create_dir(&dir).unwrap();
            (0..100).for_each(|file| fs::write(dir.join(format!("note {file}.md")), "text").unwrap());
        }
        let policy = Policy::new(vec![temp.path().to_path_buf()], vec![]);
        for _ in 0..3 {
            let began = Instant::now();
            let totals = walk(temp.path(), &policy, |_, _| ()).unwrap();
            println!("{} files in {:?}", totals.files, began.elapsed());
        }
    }
}
