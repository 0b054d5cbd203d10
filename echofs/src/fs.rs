//! The filesystem: methods named like the system calls, plain values in, `Result` out.
//!
//! Nothing here knows the FUSE protocol; [`crate::fuse`] calls these and replies. Names and attributes are here, what is
//! open is in `fs/`.

mod directories;
mod opening;
mod reading;
mod writing;

use std::ffi::OsStr;
use std::fs::File as OsFile;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;

use fuser::FileAttr;

use crate::crawlers::Crawlers;
use crate::error::Error;
use crate::handle::{Handle, Handles};
use crate::inodes::Inodes;
use crate::node::{Caller, Content, File, Id, Node, Ttl};
use crate::real::{self, Changes, RealNode};
use crate::tree::{self, Context};

pub use directories::DirEntry;
pub use opening::Created;

/// Longest name that is accepted, in bytes.
pub const MAX_NAME: usize = 1024;

/// The filesystem.
pub struct Fs {
    cx: Arc<Context>,
    inodes: Inodes,
    handles: Handles,
    crawlers: Crawlers,
}

impl Fs {
    /// The filesystem over this knowledge.
    pub fn new(cx: Arc<Context>) -> Fs {
        let fs = Fs { cx, inodes: Inodes::default(), handles: Handles::default(), crawlers: Crawlers::default() };
        fs.inodes.remember(&Node::Dir(Arc::new(tree::Root)), Id::ROOT, OsStr::new(""));
        fs
    }

    /// Whether this is a directory made by a branch of the tree: changing it is an order, which may take a while.
    pub fn takes_orders(&self, dir: Id) -> bool {
        matches!(self.inodes.get(dir), Ok(Node::Dir(_)))
    }

    /// Whether looking into this directory has work to do now.
    pub fn is_slow(&self, dir: Id) -> bool {
        matches!(self.inodes.get(dir), Ok(Node::Dir(dir)) if dir.is_slow(&self.cx))
    }

    /// Finds `name` in `parent` and counts the lookup.
    pub fn lookup(&self, parent: Id, name: &OsStr, caller: Caller) -> Result<(FileAttr, Ttl), Error> {
        if name.len() > MAX_NAME {
            return Err(Error::NameTooLong);
        }
        let node = match self.inodes.get(parent)? {
            Node::Dir(dir) => dir.lookup(&self.cx, utf8(name)?, caller)?,
            Node::Real(dir) => Node::Real(Arc::new(dir.lookup(name)?)),
            Node::File(_) | Node::Link(_) => return Err(Error::NotADirectory),
        };
        self.enter(&node, parent, name)
    }

    fn enter(&self, node: &Node, parent: Id, name: &OsStr) -> Result<(FileAttr, Ttl), Error> {
        let attr = node.attr(&self.cx)?;
        Ok((attr, self.inodes.remember(node, parent, name).ttl()))
    }

    /// The kernel drops `lookups` of its lookups of this inode.
    pub fn forget(&self, id: Id, lookups: u64) {
        self.inodes.forget(id, lookups);
    }

    /// Attributes of an inode.
    pub fn getattr(&self, id: Id) -> Result<(FileAttr, Ttl), Error> {
        let node = self.inodes.get(id)?;
        Ok((node.attr(&self.cx)?, node.ttl()))
    }

    /// Changes attributes. On a control file and a page about facts a truncation does nothing by itself, so that `>` works; mode
    /// and times of what is copied in or under way do nothing, so that `cp -p` works.
    pub fn setattr(&self, id: Id, changes: Changes, handle: Option<u64>) -> Result<(FileAttr, Ttl), Error> {
        let node = self.inodes.get(id)?;
        match &node {
            Node::Real(file) => {
                let open = handle.and_then(|handle| self.handles.get(handle).ok());
                let open = match open.as_deref() {
                    Some(Handle::Real { file, .. }) => Some(file),
                    _ => None,
                };
                let resized = changes.size.is_some();
                let attr = file.setattr(changes, open)?;
                if resized {
                    self.touched(file);
                }
                Ok((attr, node.ttl()))
            }
            Node::File(file) if may_be_set(&file.content, &changes) => {
                self.resize_edited(file, &changes, handle)?;
                self.getattr(id)
            }
            Node::Dir(dir) if changes.are_times() => dir.touch(&self.cx).and_then(|()| self.getattr(id)),
            Node::Dir(_) | Node::File(_) | Node::Link(_) => Err(PART_OF_THE_TREE),
        }
    }

    /// Cuts or lengthens what is being written to a page about facts, or a draft of one.
    fn resize_edited(&self, file: &File, changes: &Changes, handle: Option<u64>) -> Result<(), Error> {
        let Some(size) = changes.size else { return Ok(()) };
        let open = handle.and_then(|handle| self.handles.get(handle).ok());
        match (&file.content, open.as_deref()) {
            (Content::Draft(text), _) => text.resize(size),
            (Content::Facts { .. }, Some(Handle::Edit(editing))) => editing.resize(size),
            // Nobody writes: what is empty says nothing.
            (Content::Facts { .. }, _) if size > 0 => Err(PART_OF_THE_TREE),
            _ => Ok(()),
        }
    }

    /// Where a link leads.
    pub fn readlink(&self, id: Id) -> Result<Vec<u8>, Error> {
        match self.inodes.get(id)? {
            Node::Link(link) => Ok(link.target.as_os_str().as_encoded_bytes().to_vec()),
            Node::Real(link) => link.readlink(),
            Node::Dir(_) | Node::File(_) => Err(Error::NotALink),
        }
    }

    /// Makes a file, pipe or socket.
    pub fn mknod(&self, parent: Id, name: &OsStr, mode: u32, caller: Caller) -> Result<(FileAttr, Ttl), Error> {
        match self.inodes.get(parent)? {
            Node::Dir(dir) => self.enter(&dir.mknod(&self.cx, utf8(name)?, caller)?, parent, name),
            Node::Real(dir) => self.made(&dir, name, dir.mknod(name, mode)?),
            Node::File(_) | Node::Link(_) => Err(Error::NotADirectory),
        }
    }

    /// Makes a directory; in `search/` it keeps a query.
    pub fn mkdir(&self, parent: Id, name: &OsStr, mode: u32) -> Result<(FileAttr, Ttl), Error> {
        match self.inodes.get(parent)? {
            Node::Dir(dir) => self.enter(&dir.mkdir(&self.cx, utf8(name)?)?, parent, name),
            Node::Real(dir) => self.made(&dir, name, dir.mkdir(name, mode)?),
            Node::File(_) | Node::Link(_) => Err(Error::NotADirectory),
        }
    }

    /// Makes a symbolic link.
    pub fn symlink(&self, parent: Id, name: &OsStr, target: &Path) -> Result<(FileAttr, Ttl), Error> {
        let dir = self.real(parent)?;
        self.made(&dir, name, dir.symlink(name, target)?)
    }

    /// Gives a real file a further name.
    pub fn link(&self, id: Id, parent: Id, name: &OsStr) -> Result<(FileAttr, Ttl), Error> {
        let (Node::Real(file), Node::Real(dir)) = (self.inodes.get(id)?, self.inodes.get(parent)?) else {
            return Err(PART_OF_THE_TREE);
        };
        self.made(&dir, name, dir.link(&file, name)?)
    }

    fn made(&self, dir: &RealNode, name: &OsStr, node: RealNode) -> Result<(FileAttr, Ttl), Error> {
        self.touched_in(dir, name);
        self.enter(&Node::Real(Arc::new(node)), dir.id(), name)
    }

    /// Removes a file.
    pub fn unlink(&self, parent: Id, name: &OsStr, caller: Caller) -> Result<(), Error> {
        match self.inodes.get(parent)? {
            Node::Dir(dir) => dir.unlink(&self.cx, utf8(name)?, caller),
            Node::Real(dir) => dir.unlink(name).map(|()| self.touched_in(&dir, name)),
            Node::File(_) | Node::Link(_) => Err(Error::NotADirectory),
        }
    }

    /// Removes an empty directory, or drops a kept query.
    pub fn rmdir(&self, parent: Id, name: &OsStr) -> Result<(), Error> {
        match self.inodes.get(parent)? {
            Node::Dir(dir) => dir.rmdir(&self.cx, utf8(name)?),
            Node::Real(dir) => dir.rmdir(name).map(|()| self.touched_in(&dir, name)),
            Node::File(_) | Node::Link(_) => Err(Error::NotADirectory),
        }
    }

    /// Renames; `flags` as in renameat2(2).
    pub fn rename(&self, parent: Id, name: &OsStr, to: Id, to_name: &OsStr, flags: u32) -> Result<(), Error> {
        match (self.inodes.get(parent)?, self.inodes.get(to)?) {
            (Node::Real(from), Node::Real(into)) => {
                from.rename(name, &into, to_name, flags)?;
                self.touched_in(&from, name);
                self.touched_in(&into, to_name);
                Ok(())
            }
            (Node::Dir(dir), Node::Dir(_)) if parent == to && flags & !libc::RENAME_NOREPLACE == 0 => {
                dir.rename(&self.cx, utf8(name)?, utf8(to_name)?)
            }
            _ => Err(Error::CrossDevice),
        }
    }

    /// Tells the owner of a write that was refused, and hands on what came of it.
    pub fn telling<T>(
        &self,
        operation: &str,
        id: Id,
        name: Option<&OsStr>,
        act: impl FnOnce(&Fs) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let done = act(self);
        if let Err(e) = &done
            && e.is_refusal()
        {
            let mut path = self.inodes.path(id);
            path.extend(name);
            self.cx.events.refused(operation, &path.to_string_lossy(), &e.to_string());
        }
        done
    }

    /// The value of an extended attribute.
    pub fn getxattr(&self, id: Id, name: &OsStr) -> Result<Vec<u8>, Error> {
        match self.inodes.get(id)? {
            Node::Real(file) => file.getxattr(name),
            Node::File(file) => {
                let name = name.to_str().and_then(|name| name.strip_prefix(XATTR_PREFIX)).ok_or(Error::NoAttribute)?;
                let found = file.xattrs.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| value.clone().into_bytes()).ok_or(Error::NoAttribute)
            }
            Node::Dir(_) | Node::Link(_) => Err(Error::NoAttribute),
        }
    }

    /// The names of the extended attributes, each ended by a NUL.
    pub fn listxattr(&self, id: Id) -> Result<Vec<u8>, Error> {
        match self.inodes.get(id)? {
            Node::Real(file) => file.listxattr(),
            Node::File(file) => {
                Ok(file.xattrs.iter().flat_map(|(name, _)| format!("{XATTR_PREFIX}{name}\0").into_bytes()).collect())
            }
            Node::Dir(_) | Node::Link(_) => Ok(Vec::new()),
        }
    }

    /// Sets an extended attribute of a real file.
    pub fn setxattr(&self, id: Id, name: &OsStr, value: &[u8], flags: i32) -> Result<(), Error> {
        match self.inodes.get(id)? {
            // `cp -p` then does without.
            Node::File(file) if matches!(file.content, Content::Upload(_) | Content::Draft(_)) => {
                Err(Error::Unsupported)
            }
            _ => self.real(id)?.setxattr(name, value, flags),
        }
    }

    /// Removes an extended attribute of a real file.
    pub fn removexattr(&self, id: Id, name: &OsStr) -> Result<(), Error> {
        self.real(id)?.removexattr(name)
    }

    /// Figures of the file system that the notes are on: what is left there is what can be written.
    pub fn statfs(&self) -> Result<rustix::fs::StatFs, Error> {
        self.cx.notes.statfs()
    }

    fn real(&self, id: Id) -> Result<Arc<RealNode>, Error> {
        match self.inodes.get(id)? {
            Node::Real(node) => Ok(node),
            Node::Dir(_) | Node::File(_) | Node::Link(_) => Err(PART_OF_THE_TREE),
        }
    }

    fn touched(&self, node: &RealNode) {
        if let Ok(path) = node.path() {
            self.cx.index.touched(&path);
        }
    }

    fn touched_in(&self, dir: &RealNode, name: &OsStr) {
        if let Ok(path) = dir.path() {
            self.cx.index.touched(&path.join(name));
        }
    }

    fn touched_file(&self, file: &OsFile) {
        if let Ok(path) = real::path_of(file.as_fd()) {
            self.cx.index.touched(&path);
        }
    }
}

const PART_OF_THE_TREE: Error = Error::NotPermitted("this is part of the tree; files live in knowledge/notes");
const XATTR_PREFIX: &str = "user.echofs.";

fn utf8(name: &OsStr) -> Result<&str, Error> {
    name.to_str().ok_or(Error::NotFound)
}

/// Whether a change of attributes is accepted and does nothing.
fn may_be_set(content: &Content, changes: &Changes) -> bool {
    match content {
        Content::Control { .. } => changes.size == Some(0),
        Content::Lines(_) | Content::Chat(_) | Content::Upload(_) => changes.size.is_none(),
        Content::Facts { .. } => changes.size.is_some(),
        Content::Draft(_) => true,
        _ => false,
    }
}
