//! Compares the disk with the picture, one directory or one path at a time, and stages the differences.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::kernel::{Kernel, Refused};
use super::outbox::Seen;
use super::tree::{Child, Folder, Tree};
use crate::policy::{IGNORE_FILES, Policy, Rules};
use crate::scan::{self, Found, Listing};

/// One difference, not yet told.
#[derive(Debug)]
pub struct Staged {
    /// Index of the source.
    pub root: usize,
    /// The path.
    pub path: PathBuf,
    /// What it was.
    pub before: Option<Seen>,
    /// What it is.
    pub now: Option<Seen>,
    /// To be told even if it was told.
    pub again: bool,
}

/// A directory to look into.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The directory.
    pub dir: PathBuf,
    /// With all directories below it, not only the new ones.
    pub deep: bool,
}

/// Why a visit came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No watch is left for this source.
    Limit(usize),
    /// The source itself cannot be listed.
    Root(usize),
}

/// What the survey keeps of one source.
#[derive(Clone, Copy, Debug, Default)]
struct Source {
    id: (u64, u64),
    watched: bool,
    files: usize,
}

/// The picture, the watches that keep it true, and the differences found.
pub struct Survey {
    policy: Arc<Policy>,
    tree: Tree,
    kernel: Option<Kernel>,
    sources: Vec<Source>,
    staged: Vec<Staged>,
    visits: Vec<Visit>,
}

impl Survey {
    /// An empty picture of the policy's sources; without a kernel nothing is watched.
    pub fn new(policy: Arc<Policy>, kernel: Option<Kernel>) -> Survey {
        let sources = vec![Source::default(); policy.roots().len()];
        Survey { policy, tree: Tree::default(), kernel, sources, staged: Vec::new(), visits: Vec::new() }
    }

    /// Begins a source with an empty picture; `watched` sets kernel watches on the way.
    pub fn enter(&mut self, root: usize, id: (u64, u64), watched: bool) {
        self.forget(root);
        self.sources[root] = Source { id, watched: watched && self.kernel.is_some(), files: 0 };
        let path = self.policy.roots()[root].clone();
        self.tree.insert(path, Folder::new(root, 0, id, None));
    }

    /// Drops the picture of a source, its watches and what is staged of it, without telling of any file.
    pub fn forget(&mut self, root: usize) {
        self.unwatch(root);
        for dir in self.tree.of_root(root) {
            self.tree.remove(&dir, |_, _| ());
        }
        self.staged.retain(|staged| staged.root != root);
        self.sources[root] = Source::default();
    }

    /// Gives back all watches of a source and sets no more.
    pub fn unwatch(&mut self, root: usize) {
        self.sources[root].watched = false;
        if let Some(kernel) = &mut self.kernel {
            self.tree.of_root(root).iter().for_each(|dir| kernel.unwatch(dir));
        }
    }

    /// Sets watches from the next visits on; false without a kernel.
    pub fn rewatch(&mut self, root: usize) -> bool {
        self.sources[root].watched = self.kernel.is_some();
        self.sources[root].watched
    }

    /// How many files to be indexed the source has.
    pub fn files(&self, root: usize) -> usize {
        self.sources[root].files
    }

    /// The differences found since the last call.
    pub fn take_staged(&mut self) -> Vec<Staged> {
        mem::take(&mut self.staged)
    }

    /// The differences found and not taken.
    pub fn staged(&self) -> &[Staged] {
        &self.staged
    }

    /// The next directory that hints made it necessary to look into.
    pub fn next_visit(&mut self) -> Option<Visit> {
        self.visits.pop()
    }

    /// Puts off a visit.
    pub fn push_visit(&mut self, visit: Visit) {
        self.visits.push(visit);
    }

    /// Are there directories to look into?
    pub fn has_visits(&self) -> bool {
        !self.visits.is_empty()
    }

    /// Looks into a directory; gives those below it that are to be looked into next, all of them when `deep`.
    /// `again` tells of everything in it, new or not.
    ///
    /// # Errors
    /// [`Trouble`], with nothing staged.
    pub fn visit(&mut self, dir: &Path, deep: bool, again: bool) -> Result<Vec<PathBuf>, Trouble> {
        let Some(folder) = self.tree.get(dir) else { return Ok(Vec::new()) };
        let (root, depth, above) = (folder.root, folder.depth, folder.above.clone());
        self.watch(root, dir)?;
        match scan::list(dir, &self.policy, above, self.sources[root].id.0, depth) {
            Ok(listing) => Ok(self.compare(dir, listing, deep, again)),
            Err(_) if depth == 0 => Err(Trouble::Root(root)),
            Err(error) if scan::vanished(&error) => {
                self.look_at(dir);
                Ok(Vec::new())
            }
            Err(error) => {
                self.complain(dir, error.to_string(), again);
                Ok(Vec::new())
            }
        }
    }

    fn watch(&mut self, root: usize, dir: &Path) -> Result<(), Trouble> {
        let Some(kernel) = self.kernel.as_mut().filter(|_| self.sources[root].watched) else { return Ok(()) };
        match kernel.watch(dir) {
            Ok(()) => Ok(()),
            Err(Refused::Limit) => Err(Trouble::Limit(root)),
            Err(error) => {
                log::debug!("{}: not watched: {error}", dir.display());
                Ok(())
            }
        }
    }

    /// Takes a fresh listing for the truth.
    fn compare(&mut self, dir: &Path, listing: Listing, deep: bool, again: bool) -> Vec<PathBuf> {
        let Some(folder) = self.tree.get_mut(dir) else { return Vec::new() };
        folder.rules = listing.rules.clone();
        let (root, depth) = (folder.root, folder.depth);
        let mut old = mem::take(&mut folder.children);
        if let Some(complaint) = folder.complaint.take() {
            self.stage(root, dir.to_path_buf(), Some(Seen::Failed(complaint)), None, false);
        }
        let place = Place { root, depth: depth + 1, rules: listing.rules.as_ref(), again };
        let mut children = HashMap::with_capacity(listing.entries.len());
        let mut next = Vec::new();
        for (name, found) in listing.entries {
            let path = dir.join(&name);
            let (child, fresh) = self.settle(&place, &path, old.remove(&name), found);
            if child == Child::Folder && (deep || fresh) {
                next.push(path);
            }
            children.insert(name, child);
        }
        for (name, child) in old {
            self.remove(root, dir.join(name), child, Gone::FromDisk);
        }
        if let Some(folder) = self.tree.get_mut(dir) {
            folder.children = children;
        }
        next
    }

    /// Looks at one path that may have changed. `renamed` says that a directory there may be another one.
    pub fn hint(&mut self, path: &Path, renamed: bool) {
        let name = path.file_name().unwrap_or_default();
        if self.look_at(path) {
            self.visits.push(Visit { dir: path.to_path_buf(), deep: renamed });
        }
        let Some(parent) = path.parent().filter(|parent| self.tree.get(parent).is_some()) else { return };
        if IGNORE_FILES.iter().any(|file| name == *file) {
            self.visits.push(Visit { dir: parent.to_path_buf(), deep: true });
        }
        if marks_clutter(name) {
            self.look_at(parent);
        }
    }

    /// Brings one entry up to date; true if it is a directory that is entered.
    fn look_at(&mut self, path: &Path) -> bool {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return false };
        let Some(folder) = self.tree.get_mut(parent) else {
            self.look_above(parent);
            return false;
        };
        let (root, depth, rules) = (folder.root, folder.depth, folder.rules.clone());
        let before = folder.children.remove(name);
        match scan::look(path, &self.policy, rules.as_ref(), self.sources[root].id.0, depth) {
            None => {
                before.into_iter().for_each(|child| self.remove(root, path.to_path_buf(), child, Gone::FromDisk));
                false
            }
            Some(found) => {
                let place = Place { root, depth: depth + 1, rules: rules.as_ref(), again: false };
                let (child, fresh) = self.settle(&place, path, before, found);
                let entered = child == Child::Folder;
                if fresh && entered {
                    self.visits.push(Visit { dir: path.to_path_buf(), deep: true });
                }
                if let Some(folder) = self.tree.get_mut(parent) {
                    folder.children.insert(name.to_owned(), child);
                }
                entered
            }
        }
    }

    /// A hint below a directory that is not known: unless it is skipped, its parent has to be looked into.
    fn look_above(&mut self, dir: &Path) {
        let Some(near) = self.tree.nearest(dir) else { return };
        let below = dir.strip_prefix(near).ok().and_then(|below| below.iter().next());
        let skipped = below.and_then(|name| self.tree.get(near)?.children.get(name));
        if !matches!(skipped, Some(Child::Leaf(_))) {
            self.visits.push(Visit { dir: near.to_path_buf(), deep: false });
        }
    }

    /// Takes what was found at `path` for the truth; says whether a directory there is a new one.
    fn settle(&mut self, place: &Place<'_>, path: &Path, before: Option<Child>, found: Found) -> (Child, bool) {
        let seen = match found {
            Found::Directory(stat) => {
                return (Child::Folder, self.settle_folder(place, path, before, (stat.dev, stat.ino)));
            }
            Found::File(stat) => Seen::File(stat),
            Found::Skipped(reason, stat) => Seen::Skipped(reason, stat),
            Found::Failed(error) => Seen::Failed(error),
        };
        let before = match before {
            Some(Child::Leaf(before)) => Some(before),
            Some(Child::Folder) => {
                let gone = if matches!(seen, Seen::Skipped(..)) { Gone::FromView } else { Gone::FromDisk };
                self.remove(place.root, path.to_path_buf(), Child::Folder, gone);
                None
            }
            None => None,
        };
        if place.again || !before.as_ref().is_some_and(|before| alike(before, &seen)) {
            self.stage(place.root, path.to_path_buf(), before, Some(seen.clone()), place.again);
        }
        (Child::Leaf(seen), false)
    }

    fn settle_folder(&mut self, place: &Place<'_>, path: &Path, before: Option<Child>, id: (u64, u64)) -> bool {
        if let Some(folder) = self.tree.get_mut(path).filter(|folder| folder.id == id && before == Some(Child::Folder))
        {
            folder.above = place.rules.cloned();
            return false;
        }
        if let Some(before) = before {
            self.remove(place.root, path.to_path_buf(), before, Gone::FromDisk);
        }
        self.tree.insert(path.to_path_buf(), Folder::new(place.root, place.depth, id, place.rules.cloned()));
        true
    }

    /// A directory that cannot be listed: what was known in it stays.
    fn complain(&mut self, dir: &Path, error: String, again: bool) {
        let Some(folder) = self.tree.get_mut(dir) else { return };
        let root = folder.root;
        let before = folder.complaint.replace(error.clone());
        if again || before.as_ref() != Some(&error) {
            self.stage(root, dir.to_path_buf(), before.map(Seen::Failed), Some(Seen::Failed(error)), again);
        }
    }

    /// Takes an entry out of the picture with all below it.
    fn remove(&mut self, root: usize, path: PathBuf, child: Child, gone: Gone) {
        match child {
            Child::Leaf(seen) => self.stage(root, path, Some(seen), None, false),
            Child::Folder => {
                let mut entries = Vec::new();
                let dirs = self.tree.remove(&path, |path, seen| entries.push((path, seen)));
                entries.into_iter().for_each(|(path, seen)| self.stage(root, path, Some(seen), None, false));
                if let Some(kernel) = &mut self.kernel {
                    match gone {
                        Gone::FromDisk => dirs.iter().for_each(|dir| kernel.forget(dir)),
                        Gone::FromView => dirs.iter().for_each(|dir| kernel.unwatch(dir)),
                    }
                }
            }
        }
    }

    fn stage(&mut self, root: usize, path: PathBuf, before: Option<Seen>, now: Option<Seen>, again: bool) {
        let is_file = |seen: &Option<Seen>| usize::from(matches!(seen, Some(Seen::File(_))));
        let files = &mut self.sources[root].files;
        *files = (*files + is_file(&now)).saturating_sub(is_file(&before));
        self.staged.push(Staged { root, path, before, now, again });
    }
}

/// Where an entry lies.
struct Place<'a> {
    root: usize,
    depth: usize,
    rules: Option<&'a Arc<Rules>>,
    again: bool,
}

/// How a directory came to be left.
#[derive(Clone, Copy)]
enum Gone {
    /// It is not there any more, nor are its watches.
    FromDisk,
    /// It is there and must not be looked into any more.
    FromView,
}

/// Is there nothing new to tell? The times of what is skipped do not matter (`.git` changes all day).
fn alike(before: &Seen, now: &Seen) -> bool {
    match (before, now) {
        (Seen::Skipped(before, _), Seen::Skipped(now, _)) => before == now,
        _ => before == now,
    }
}

/// Files that say that the directory they lie in is a cache or a virtual environment.
fn marks_clutter(name: &OsStr) -> bool {
    name == "CACHEDIR.TAG" || name == "pyvenv.cfg" || name == "conda-meta"
}
