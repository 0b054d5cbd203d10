//! Under which sources the documents were indexed. What is indexed of a path begins at its source, so it changes with them.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::{Source, files};

/// The roots of the last run and those of this one.
pub struct Roots {
    file: PathBuf,
    earlier: Vec<PathBuf>,
    now: Vec<PathBuf>,
    is_kept: bool,
}

impl Roots {
    /// Without a list of the last run, nothing has changed.
    pub fn open(data: &Path, sources: &[Source]) -> Self {
        let file = data.join("roots");
        let now: Vec<PathBuf> = sources.iter().map(|source| source.root.clone()).collect();
        let kept = std::fs::read(&file).ok().map(|bytes| listed(&bytes));
        let is_kept = kept.as_ref() == Some(&now);
        Self { file, earlier: kept.unwrap_or_else(|| now.clone()), now, is_kept }
    }

    /// Whether a file that was indexed in the last run is below another source now.
    pub fn differ(&self, path: &Path) -> bool {
        self.earlier != self.now && deepest(&self.earlier, path) != deepest(&self.now, path)
    }

    /// Everything is indexed below the roots of this run.
    pub fn keep(&mut self) {
        if self.is_kept {
            return;
        }
        self.is_kept = true;
        let list = self.now.iter().flat_map(|root| [root.as_os_str().as_bytes(), b"\0"]).collect::<Vec<_>>().concat();
        let written = files::private_file().truncate(true).open(&self.file).and_then(|mut file| file.write_all(&list));
        match written {
            Ok(()) => self.earlier.clone_from(&self.now),
            Err(e) => log::warn!("{}: {e}", self.file.display()),
        }
    }
}

fn listed(bytes: &[u8]) -> Vec<PathBuf> {
    let roots = bytes.split(|byte| *byte == 0).filter(|root| !root.is_empty());
    roots.map(|root| PathBuf::from(OsStr::from_bytes(root))).collect()
}

fn deepest<'a>(roots: &'a [PathBuf], path: &Path) -> Option<&'a PathBuf> {
    roots.iter().filter(|root| path.starts_with(root)).max_by_key(|root| root.components().count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn a_source_within_another_changes_its_files_alone() {
        let dir = tempfile::tempdir().unwrap();
        let source = |root: &str| Source {
            name: "s".into(),
            root: root.into(),
            kind: Kind::File,
            watch: String::new(),
            available: true,
        };
        let mut first = Roots::open(dir.path(), &[source("/a")]);
        assert!(!first.differ(Path::new("/a/b/c")), "nothing is known of an earlier run");
        first.keep();
        let mut second = Roots::open(dir.path(), &[source("/a"), source("/a/b")]);
        assert!(second.differ(Path::new("/a/b/c")) && !second.differ(Path::new("/a/c")));
        second.keep();
        assert!(!second.differ(Path::new("/a/b/c")));
    }
}
