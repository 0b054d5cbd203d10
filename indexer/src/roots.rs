//! Under which sources the documents were indexed. What is indexed of a path begins at its source, so it changes with them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::{Source, lines};

/// The roots of this run, and of all runs since everything was last indexed below those of one.
pub struct Roots {
    file: PathBuf,
    used: Vec<Vec<PathBuf>>,
    now: Vec<PathBuf>,
}

impl Roots {
    /// Without a list of earlier runs, nothing has changed. Those of this one are on disk from now on, since any document may be
    /// indexed below them before it ends.
    pub fn open(data: &Path, sources: &[Source]) -> Self {
        let file = data.join("roots");
        let now: Vec<PathBuf> = sources.iter().map(|source| source.root.clone()).collect();
        let used = std::fs::read(&file).map(|bytes| listed(&bytes)).unwrap_or_default();
        let mut roots = Self { file, used, now };
        if !roots.used.contains(&roots.now) {
            roots.used.push(roots.now.clone());
            roots.write();
        }
        roots
    }

    /// Whether a file may have been indexed below another source than it is below now.
    pub fn differ(&self, path: &Path) -> bool {
        let mut others = self.used.iter().filter(|used| **used != self.now);
        others.any(|used| deepest(used, path) != deepest(&self.now, path))
    }

    /// Everything is indexed below the roots of this run.
    pub fn keep(&mut self) {
        if self.used.len() > 1 {
            self.used = vec![self.now.clone()];
            self.write();
        }
    }

    fn write(&self) {
        if let Err(e) = lines::rewrite(&self.file, &written(&self.used)) {
            log::warn!("under which sources documents are indexed is not kept: {e}");
        }
    }
}

/// Each path ends with a null byte, and each list with another one.
fn written(lists: &[Vec<PathBuf>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for list in lists {
        for path in list {
            bytes.extend_from_slice(path.as_os_str().as_bytes());
            bytes.push(0);
        }
        bytes.push(0);
    }
    bytes
}

fn listed(bytes: &[u8]) -> Vec<Vec<PathBuf>> {
    let paths: Vec<&[u8]> = bytes.split(|byte| *byte == 0).collect();
    let lists = paths.split(|path| path.is_empty()).filter(|list| !list.is_empty());
    lists.map(|list| list.iter().map(|path| PathBuf::from(OsStr::from_bytes(path))).collect()).collect()
}

fn deepest<'a>(roots: &'a [PathBuf], path: &Path) -> Option<&'a PathBuf> {
    roots.iter().filter(|root| path.starts_with(root)).max_by_key(|root| root.components().count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    fn opened(data: &Path, roots: &[&str]) -> Roots {
        let source = |root: &&str| Source {
            name: "s".into(),
            root: root.into(),
            kind: Kind::File,
            watch: String::new(),
            available: true,
        };
        Roots::open(data, &roots.iter().map(source).collect::<Vec<_>>())
    }

    #[test]
    fn a_source_within_another_changes_its_files_alone() {
        let dir = tempfile::tempdir().unwrap();
        let mut first = opened(dir.path(), &["/a"]);
        assert!(!first.differ(Path::new("/a/b/c")), "nothing is known of an earlier run");
        first.keep();
        let mut second = opened(dir.path(), &["/a", "/a/b"]);
        assert!(second.differ(Path::new("/a/b/c")) && !second.differ(Path::new("/a/c")));
        second.keep();
        assert!(!second.differ(Path::new("/a/b/c")));
        assert!(!opened(dir.path(), &["/a", "/a/b"]).differ(Path::new("/a/b/c")));
    }

    #[test]
    fn what_a_run_that_was_cut_short_indexed_is_indexed_again() {
        let dir = tempfile::tempdir().unwrap();
        opened(dir.path(), &["/a"]).keep();
        drop(opened(dir.path(), &["/a", "/a/b"]));
        let mut again = opened(dir.path(), &["/a"]);
        assert!(again.differ(Path::new("/a/b/c")) && !again.differ(Path::new("/a/c")));
        again.keep();
        assert!(!opened(dir.path(), &["/a"]).differ(Path::new("/a/b/c")));
    }
}
