//! The picture of the sources: what was on the disk when it was last looked at.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::outbox::Seen;
use crate::policy::Rules;

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Child {
    /// A file, or a directory that is not entered.
    Leaf(Seen),
    /// A directory that is entered; it has a [`Folder`] of its own.
    Folder,
}

/// One directory that is entered.
#[derive(Debug)]
pub struct Folder {
    /// Index of its source.
    pub root: usize,
    /// Directories between it and its source; 0 for the source itself.
    pub depth: usize,
    /// Device and inode.
    pub id: (u64, u64),
    /// Ignore rules in force in the directory that holds it.
    pub above: Option<Arc<Rules>>,
    /// Ignore rules in force inside it.
    pub rules: Option<Arc<Rules>>,
    /// Its entries.
    pub children: HashMap<OsString, Child>,
    /// Why it could not be listed the last time.
    pub complaint: Option<String>,
}

impl Folder {
    /// A directory that was not looked into yet.
    pub fn new(root: usize, depth: usize, id: (u64, u64), above: Option<Arc<Rules>>) -> Folder {
        let rules = above.clone();
        Folder { root, depth, id, above, rules, children: HashMap::new(), complaint: None }
    }
}

/// All directories that are entered, by path.
#[derive(Debug, Default)]
pub struct Tree {
    folders: HashMap<PathBuf, Folder>,
}

impl Tree {
    /// The directory at `path`.
    pub fn get(&self, path: &Path) -> Option<&Folder> {
        self.folders.get(path)
    }

    /// The directory at `path`, to change it.
    pub fn get_mut(&mut self, path: &Path) -> Option<&mut Folder> {
        self.folders.get_mut(path)
    }

    /// Enters a directory; the parent's entry is the caller's.
    pub fn insert(&mut self, path: PathBuf, folder: Folder) {
        self.folders.insert(path, folder);
    }

    /// Takes a directory out with all below it; tells `each` what had an entry, and gives the directories.
    pub fn remove(&mut self, path: &Path, mut each: impl FnMut(PathBuf, Seen)) -> Vec<PathBuf> {
        let mut removed = Vec::new();
        let mut stack = vec![path.to_path_buf()];
        while let Some(path) = stack.pop() {
            let Some(folder) = self.folders.remove(&path) else { continue };
            for (name, child) in folder.children {
                match child {
                    Child::Leaf(seen) => each(path.join(name), seen),
                    Child::Folder => stack.push(path.join(name)),
                }
            }
            if let Some(complaint) = folder.complaint {
                each(path.clone(), Seen::Failed(complaint));
            }
            removed.push(path);
        }
        removed
    }

    /// The directories of one source.
    pub fn of_root(&self, root: usize) -> Vec<PathBuf> {
        self.folders.iter().filter(|(_, folder)| folder.root == root).map(|(path, _)| path.clone()).collect()
    }

    /// The deepest directory at or above `path` that is entered.
    pub fn nearest<'a>(&self, path: &'a Path) -> Option<&'a Path> {
        path.ancestors().find(|above| self.folders.contains_key(*above))
    }
}
