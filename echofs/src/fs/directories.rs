//! System calls on open directories.

use std::ffi::OsStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fuser::{FileAttr, FileType};

use super::Fs;
use crate::error::Error;
use crate::handle::{Handle, Listed};
use crate::node::{Id, Node, Ttl};

/// One directory entry, as `readdir` gives it.
pub struct DirEntry<'a> {
    /// Inode number.
    pub id: Id,
    /// Where the next entry is.
    pub next: u64,
    /// The name.
    pub name: &'a OsStr,
    /// The kind.
    pub kind: FileType,
}

impl Fs {
    /// Opens a directory and lists it; a query directory runs its search here.
    pub fn opendir(&self, id: Id) -> Result<u64, Error> {
        let node = self.inodes.get(id)?;
        let listed = Mutex::new(self.list(&node)?);
        Ok(self.handles.insert(Handle::Dir { node, listed, read: AtomicBool::new(false) }))
    }

    fn list(&self, node: &Node) -> Result<Listed, Error> {
        match node {
            Node::Dir(dir) => Ok(Listed::Tree(dir.list(&self.cx)?)),
            Node::Real(dir) => Ok(Listed::Real(Arc::clone(dir), Arc::new(dir.list()?))),
            Node::File(_) | Node::Link(_) => Err(Error::NotADirectory),
        }
    }

    /// The listing behind a handle; made again when the directory is read from its start once more.
    fn listed(&self, handle: u64, offset: u64) -> Result<(Id, Listed), Error> {
        let handle = self.handles.get(handle)?;
        let Handle::Dir { node, listed, read } = &*handle else { return Err(Error::NotADirectory) };
        let mut listed = listed.lock().unwrap_or_else(PoisonError::into_inner);
        if read.swap(true, Ordering::AcqRel) && offset == 0 {
            *listed = self.list(node)?;
        }
        Ok((node.id(), listed.clone()))
    }

    /// Gives entries from `offset` on to `add` until it says that it is full.
    pub fn readdir(&self, handle: u64, offset: u64, mut add: impl FnMut(DirEntry) -> bool) -> Result<(), Error> {
        let (id, listed) = self.listed(handle, offset)?;
        for (next, name) in dots(offset) {
            if add(DirEntry { id, next, name: OsStr::new(name), kind: FileType::Directory }) {
                return Ok(());
            }
        }
        let skip = offset.saturating_sub(2) as usize;
        match &listed {
            Listed::Tree(listing) => {
                for (i, (name, node)) in listing.entries().iter().enumerate().skip(skip) {
                    if add(DirEntry { id: node.id(), next: i as u64 + 3, name: OsStr::new(name), kind: node.kind() }) {
                        break;
                    }
                }
            }
            Listed::Real(_, entries) => {
                for (i, entry) in entries.iter().enumerate().skip(skip) {
                    if add(DirEntry { id: entry.id, next: i as u64 + 3, name: &entry.name, kind: entry.kind }) {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// The same with attributes; each entry that was taken counts as looked up.
    pub fn readdirplus(
        &self,
        handle: u64,
        offset: u64,
        mut add: impl FnMut(DirEntry, &FileAttr, Ttl) -> bool,
    ) -> Result<(), Error> {
        let (id, listed) = self.listed(handle, offset)?;
        for (next, name) in dots(offset) {
            let (attr, _) = self.getattr(id)?;
            if add(DirEntry { id, next, name: OsStr::new(name), kind: FileType::Directory }, &attr, Ttl::default()) {
                return Ok(());
            }
        }
        let skip = offset.saturating_sub(2) as usize;
        let mut give = |next: usize, name: &OsStr, node: &Node| -> Result<bool, Error> {
            let attr = node.attr(&self.cx)?;
            let entry = DirEntry { id: node.id(), next: next as u64, name, kind: node.kind() };
            let full = add(entry, &attr, node.ttl());
            if !full {
                self.inodes.remember(node, id, name);
            }
            Ok(full)
        };
        match &listed {
            Listed::Tree(listing) => {
                for (i, (name, node)) in listing.entries().iter().enumerate().skip(skip) {
                    if give(i + 3, OsStr::new(name), node)? {
                        break;
                    }
                }
            }
            Listed::Real(dir, entries) => {
                for (i, entry) in entries.iter().enumerate().skip(skip) {
                    // A file that vanished since the directory was read is left out.
                    let Ok(node) = dir.lookup(&entry.name) else { continue };
                    if give(i + 3, &entry.name, &Node::Real(Arc::new(node)))? {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

fn dots(offset: u64) -> impl Iterator<Item = (u64, &'static str)> {
    [(1, "."), (2, "..")].into_iter().skip(offset.min(2) as usize)
}
