//! The filesystem: methods named like the system calls, plain values in, `Result` out.
//!
//! Nothing here knows the FUSE protocol; [`crate::fuse`] calls these and replies.

use std::ffi::OsStr;
use std::fs::File as OsFile;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fuser::{FileAttr, FileType, FopenFlags, PollNotifier};
use rustix::io::{ReadWriteFlags, preadv2};

use crate::append::Appending;
use crate::chat::Writing;
use crate::crawlers::Crawlers;
use crate::error::Error;
use crate::handle::{AnswerStream, Handle, Handles, Listed};
use crate::inodes::Inodes;
use crate::interrupt;
use crate::node::{Caller, Content, Control, Id, Node, Ttl};
use crate::real::{self, Changes, RealNode};
use crate::tree::{self, Context};

/// Longest name that is accepted, in bytes.
pub const MAX_NAME: usize = 1024;

/// The filesystem.
pub struct Fs {
    cx: Arc<Context>,
    inodes: Inodes,
    handles: Handles,
    crawlers: Crawlers,
}

/// A file that was created and opened.
pub struct Created {
    /// Its attributes.
    pub attr: FileAttr,
    /// How long the kernel may keep them.
    pub ttl: Ttl,
    /// Number of the handle.
    pub handle: u64,
    /// How it is open.
    pub how: FopenFlags,
}

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

    /// Changes attributes. On a control file a truncation does nothing, so that `>` works; mode and times of what is
    /// copied in do nothing, so that `cp -p` works.
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
            Node::File(file) if may_be_set(&file.content, &changes) => self.getattr(id),
            Node::Dir(dir) if changes.are_times() => dir.touch(&self.cx).and_then(|()| self.getattr(id)),
            Node::Dir(_) | Node::File(_) | Node::Link(_) => Err(PART_OF_THE_TREE),
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

    /// Whether removing a file of this directory is an order, which takes longer than a system call.
    pub fn unlinks_slowly(&self, parent: Id) -> bool {
        matches!(self.inodes.get(parent), Ok(Node::Dir(_)))
    }

    /// Removes a file.
    pub fn unlink(&self, parent: Id, name: &OsStr) -> Result<(), Error> {
        match self.inodes.get(parent)? {
            Node::Dir(dir) => dir.unlink(&self.cx, utf8(name)?),
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

    /// Opens a file. Answering a question starts with the first read, not here.
    pub fn open(&self, id: Id, flags: i32, caller: Caller) -> Result<(u64, FopenFlags), Error> {
        let writes = flags & libc::O_ACCMODE != libc::O_RDONLY;
        let node = self.inodes.get(id)?;
        self.note_open(&node, caller);
        let (handle, how) = match node {
            Node::Real(file) => {
                let written = AtomicBool::new(flags & libc::O_TRUNC != 0);
                (Handle::Real { file: file.open(flags)?, written }, FopenFlags::empty())
            }
            Node::File(file) => match &file.content {
                Content::Control { order, text } => {
                    if !writes {
                        self.crawlers.took_bait(caller.pid);
                    }
                    let (text, partial) = (Arc::clone(text), Mutex::default());
                    (Handle::Control { order: *order, text, partial }, FopenFlags::FOPEN_DIRECT_IO)
                }
                Content::Lines(target) if writes => {
                    (Handle::Lines(Appending::open(&self.cx, target, flags)?), FopenFlags::FOPEN_DIRECT_IO)
                }
                Content::Chat(session) => {
                    let writing = writes.then(|| Writing::open(&self.cx.chats, session, flags)).transpose()?;
                    let how = if writes { FopenFlags::FOPEN_DIRECT_IO } else { LIVE };
                    let ends = self.crawlers.has(caller.pid) || flags & libc::O_NONBLOCK != 0;
                    (Handle::Chat { session: session.clone(), writing, ends }, how)
                }
                Content::Upload(upload) => {
                    let file = real::os(OsFile::options().read(true).write(true).open(&upload.path))?;
                    (Handle::Upload { file, upload: upload.clone() }, FopenFlags::FOPEN_DIRECT_IO)
                }
                _ if writes => return Err(PART_OF_THE_TREE),
                Content::Stored { path, .. } => {
                    (Handle::Real { file: real::os(OsFile::open(path))?, written: AtomicBool::default() }, SETTLED)
                }
                Content::Lines(target) => match target.file(&self.cx) {
                    Some(path) => {
                        (Handle::Real { file: real::os(OsFile::open(path))?, written: AtomicBool::default() }, LIVE)
                    }
                    None => (Handle::Bytes(Arc::default()), LIVE),
                },
                Content::Live(bytes) => (Handle::Bytes(Arc::clone(bytes)), LIVE),
                Content::Settled(bytes) => (Handle::Bytes(Arc::clone(bytes)), SETTLED),
                Content::Events => (Handle::Events(self.cx.events.open(self.crawlers.has(caller.pid))), STREAM),
                Content::Question { text, form } => {
                    let stream = AnswerStream { question: text.clone(), form: *form, cursor: 0, reader: None };
                    (Handle::Answer(Mutex::new(stream)), STREAM)
                }
            },
            Node::Dir(_) => return Err(Error::IsADirectory),
            Node::Link(_) => return Err(Error::NotALink),
        };
        Ok((self.handles.insert(handle), how))
    }

    /// Remembers the document that somebody opens, or from which an excerpt is; not for a program that reads everything.
    fn note_open(&self, node: &Node, caller: Caller) {
        let path = match node {
            Node::Real(file) => file.path().ok(),
            Node::File(file) => match &file.content {
                Content::Stored { path, .. } => Some(path.clone()),
                _ => file.xattrs.iter().find(|(name, _)| *name == "source").map(|(_, path)| PathBuf::from(path)),
            },
            Node::Dir(_) | Node::Link(_) => None,
        };
        if let Some(path) = path.filter(|_| !self.crawlers.has(caller.pid)) {
            self.cx.opened.note(path, caller.pid);
        }
    }

    /// Creates and opens a file.
    pub fn create(&self, parent: Id, name: &OsStr, mode: u32, flags: i32) -> Result<Created, Error> {
        if let Node::Dir(dir) = self.inodes.get(parent)? {
            let node = dir.create(&self.cx, utf8(name)?)?;
            let (attr, ttl) = self.enter(&node, parent, name)?;
            let (handle, how) = self.open(node.id(), flags, Caller::default())?;
            return Ok(Created { attr, ttl, handle, how });
        }
        let dir = self.real(parent)?;
        let (node, file) = dir.create(name, mode, flags)?;
        let (attr, ttl) = self.made(&dir, name, node)?;
        let handle = self.handles.insert(Handle::Real { file, written: AtomicBool::new(false) });
        Ok(Created { attr, ttl, handle, how: FopenFlags::empty() })
    }

    /// Whether a read of this handle may wait for long.
    pub fn waits(&self, handle: u64) -> bool {
        matches!(self.handles.get(handle).as_deref(), Ok(Handle::Answer(_) | Handle::Events(_) | Handle::Chat { .. }))
    }

    /// Bytes of a file that are in memory now; `None` when the read has to be done elsewhere.
    /// `found` gets them without a copy; `flags` are those of the open file.
    pub fn read_now<T>(
        &self,
        handle: u64,
        offset: u64,
        size: usize,
        flags: i32,
        found: impl FnOnce(&[u8]) -> T,
    ) -> Result<Option<T>, Error> {
        match &*self.handles.get(handle)? {
            Handle::Bytes(bytes) | Handle::Control { text: bytes, .. } => Ok(Some(found(part(bytes, offset, size)))),
            Handle::Real { file, .. } | Handle::Upload { file, .. } => {
                Ok(pread_cached(file, offset, size).map(|bytes| found(&bytes)))
            }
            Handle::Answer(_) | Handle::Lines(_) => Ok(None),
            Handle::Chat { session, ends, .. } => match self.cx.chats.take(session, offset, size)? {
                None if *ends => Ok(Some(found(&[]))),
                bytes => Ok(bytes.map(|bytes| found(&bytes))),
            },
            Handle::Events(reader) => match self.cx.events.take(*reader, size)? {
                None if flags & libc::O_NONBLOCK != 0 => Err(Error::WouldBlock),
                bytes => Ok(bytes.map(|bytes| found(&bytes))),
            },
            Handle::Dir { .. } => Err(Error::IsADirectory),
        }
    }

    /// Bytes of a file; waits for them where it must, until `caller` gets a signal.
    pub fn read(&self, handle: u64, offset: u64, size: usize, caller: Caller) -> Result<Vec<u8>, Error> {
        match &*self.handles.get(handle)? {
            Handle::Bytes(bytes) | Handle::Control { text: bytes, .. } => Ok(part(bytes, offset, size).to_vec()),
            Handle::Real { file, .. } | Handle::Upload { file, .. } => pread(file, offset, size),
            Handle::Lines(lines) => match lines.file(&self.cx) {
                Some(path) => pread(&real::os(OsFile::open(path))?, offset, size),
                None => Ok(Vec::new()),
            },
            Handle::Chat { session, .. } => {
                self.cx.chats.read(session, offset, size, &|| interrupt::is_pending(caller.pid))
            }
            Handle::Answer(stream) => self.read_answer(stream, size, caller),
            Handle::Events(reader) => self.cx.events.wait(*reader, size, &|| interrupt::is_pending(caller.pid)),
            Handle::Dir { .. } => Err(Error::IsADirectory),
        }
    }

    fn read_answer(&self, stream: &Mutex<AnswerStream>, size: usize, caller: Caller) -> Result<Vec<u8>, Error> {
        let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
        let AnswerStream { question, form, cursor, reader } = &mut *stream;
        let reader = reader.get_or_insert_with(|| self.cx.answers.ask(question));
        match reader.read(*form, *cursor, size, &|| interrupt::is_pending(caller.pid)) {
            Ok(bytes) => {
                *cursor += bytes.len() as u64;
                Ok(bytes)
            }
            Err(e) => {
                stream.reader = None;
                Err(Error::Answer(e))
            }
        }
    }

    /// Whether writing to this handle gives an order that takes longer than a write.
    pub fn is_order(&self, handle: u64) -> bool {
        matches!(
            self.handles.get(handle).as_deref(),
            Ok(Handle::Control { .. } | Handle::Lines(_) | Handle::Chat { .. } | Handle::Upload { .. })
        )
    }

    /// Writes to a real file, adds lines, or gives an order to a control file; the number of bytes taken.
    pub fn write(&self, handle: u64, offset: u64, data: &[u8]) -> Result<usize, Error> {
        match &*self.handles.get(handle)? {
            Handle::Real { file, written } => {
                written.store(true, Ordering::Release);
                real::os(std::os::unix::fs::FileExt::write_at(file, data, offset))
            }
            Handle::Control { order, partial, .. } => {
                let mut partial = partial.lock().unwrap_or_else(PoisonError::into_inner);
                partial.extend_from_slice(data);
                while let Some(end) = partial.iter().position(|&byte| byte == b'\n') {
                    let line: Vec<u8> = partial.drain(..=end).collect();
                    self.obey(*order, &line)?;
                }
                Ok(data.len())
            }
            Handle::Lines(lines) => lines.write(&self.cx, offset, data),
            Handle::Chat { writing: Some(writing), .. } => writing.write(offset, data),
            Handle::Upload { file, .. } => real::os(std::os::unix::fs::FileExt::write_at(file, data, offset)),
            Handle::Bytes(_)
            | Handle::Answer(_)
            | Handle::Events(_)
            | Handle::Chat { writing: None, .. }
            | Handle::Dir { .. } => Err(PART_OF_THE_TREE),
        }
    }

    fn obey(&self, order: Control, line: &[u8]) -> Result<(), Error> {
        let line = std::str::from_utf8(line).map_err(|_| Error::Invalid("this is not UTF-8".into()))?.trim();
        if line.is_empty() { Ok(()) } else { tree::control::obey(&self.cx, order, line) }
    }

    /// A descriptor was closed: gives the order of a last line without an end, and tells the index of writes.
    pub fn flush(&self, handle: u64) -> Result<(), Error> {
        match &*self.handles.get(handle)? {
            Handle::Control { order, partial, .. } => {
                let line = std::mem::take(&mut *partial.lock().unwrap_or_else(PoisonError::into_inner));
                self.obey(*order, &line)
            }
            Handle::Real { file, written } => {
                if written.swap(false, Ordering::AcqRel) {
                    self.touched_file(file);
                }
                Ok(())
            }
            Handle::Lines(lines) => lines.flush(&self.cx),
            Handle::Chat { writing: Some(writing), .. } => writing.flush(),
            Handle::Upload { file, .. } => real::os(file.sync_all()),
            Handle::Bytes(_)
            | Handle::Answer(_)
            | Handle::Events(_)
            | Handle::Chat { writing: None, .. }
            | Handle::Dir { .. } => Ok(()),
        }
    }

    /// The last descriptor of a handle is gone: what was copied in is imported; the last reader of an answer ends its
    /// generation.
    pub fn release(&self, handle: u64) {
        let Some(handle) = self.handles.remove(handle) else { return };
        match &*handle {
            Handle::Real { file, written } if written.load(Ordering::Acquire) => self.touched_file(file),
            Handle::Events(reader) => self.cx.events.close(*reader),
            Handle::Upload { upload, .. } => {
                self.cx.index.conversations().imports.submit(upload.number, upload.path.clone(), &upload.name);
            }
            _ => {}
        }
    }

    /// Whether a read of this handle would not wait. If it would, `notifier` is told once that has changed.
    pub fn poll(&self, handle: u64, notifier: PollNotifier) -> bool {
        match self.handles.get(handle).as_deref() {
            Ok(Handle::Events(reader)) => self.cx.events.poll(*reader, notifier),
            _ => true,
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

    /// Makes what was written durable.
    pub fn fsync(&self, handle: u64, data_only: bool) -> Result<(), Error> {
        match &*self.handles.get(handle)? {
            Handle::Real { file, .. } if data_only => real::os(file.sync_data()),
            Handle::Real { file, .. } | Handle::Upload { file, .. } => real::os(file.sync_all()),
            Handle::Dir { node: Node::Real(dir), .. } => {
                real::os(dir.open(libc::O_RDONLY | libc::O_DIRECTORY)?.sync_all())
            }
            Handle::Lines(lines) => lines.flush(&self.cx),
            Handle::Chat { writing: Some(writing), .. } => writing.flush(),
            Handle::Bytes(_)
            | Handle::Control { .. }
            | Handle::Answer(_)
            | Handle::Events(_)
            | Handle::Chat { writing: None, .. }
            | Handle::Dir { .. } => Ok(()),
        }
    }

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
            Node::File(file) if matches!(file.content, Content::Upload(_)) => Err(Error::Unsupported),
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

    /// Reserves or frees room in a real file; `mode` as in fallocate(2).
    pub fn fallocate(&self, handle: u64, offset: u64, length: u64, mode: i32) -> Result<(), Error> {
        let handle = self.handles.get(handle)?;
        let Handle::Real { file, written } = &*handle else { return Err(Error::Unsupported) };
        written.store(true, Ordering::Release);
        let flags = rustix::fs::FallocateFlags::from_bits_retain(mode as u32);
        Ok(rustix::fs::fallocate(file, flags, offset, length)?)
    }

    /// Finds data or a hole in a file; `whence` as in lseek(2).
    pub fn lseek(&self, handle: u64, offset: i64, whence: i32) -> Result<i64, Error> {
        let handle = self.handles.get(handle)?;
        let at = u64::try_from(offset).map_err(|_| Error::Invalid("negative offset".into()))?;
        let size = match &*handle {
            Handle::Real { file, .. } => {
                let from = match whence {
                    libc::SEEK_DATA => rustix::fs::SeekFrom::Data(at),
                    libc::SEEK_HOLE => rustix::fs::SeekFrom::Hole(at),
                    _ => return Err(Error::Invalid("this kind of seek is the kernel's".into())),
                };
                return Ok(rustix::fs::seek(file, from)? as i64);
            }
            Handle::Bytes(bytes) => bytes.len() as u64,
            Handle::Answer(_)
            | Handle::Events(_)
            | Handle::Control { .. }
            | Handle::Lines(_)
            | Handle::Chat { .. }
            | Handle::Upload { .. }
            | Handle::Dir { .. } => return Err(Error::Unsupported),
        };
        match whence {
            _ if at >= size => Err(Error::Os(std::io::Error::from_raw_os_error(libc::ENXIO))),
            libc::SEEK_DATA => Ok(offset),
            libc::SEEK_HOLE => Ok(size as i64),
            _ => Err(Error::Invalid("this kind of seek is the kernel's".into())),
        }
    }

    /// Copies between real files within the notes.
    pub fn copy_file_range(
        &self,
        from: u64,
        offset: u64,
        to: u64,
        to_offset: u64,
        length: usize,
    ) -> Result<usize, Error> {
        let (from, to) = (self.handles.get(from)?, self.handles.get(to)?);
        let (Handle::Real { file: from, .. }, Handle::Real { file: to, written }) = (&*from, &*to) else {
            return Err(Error::CrossDevice);
        };
        written.store(true, Ordering::Release);
        let (mut offset, mut to_offset) = (offset, to_offset);
        Ok(rustix::fs::copy_file_range(from, Some(&mut offset), to, Some(&mut to_offset), length)?)
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
const LIVE: FopenFlags = FopenFlags::FOPEN_DIRECT_IO.union(FopenFlags::FOPEN_NOFLUSH);
const SETTLED: FopenFlags = FopenFlags::FOPEN_KEEP_CACHE.union(FopenFlags::FOPEN_NOFLUSH);
const STREAM: FopenFlags =
    FopenFlags::FOPEN_DIRECT_IO.union(FopenFlags::FOPEN_STREAM).union(FopenFlags::FOPEN_NONSEEKABLE);

fn utf8(name: &OsStr) -> Result<&str, Error> {
    name.to_str().ok_or(Error::NotFound)
}

fn dots(offset: u64) -> impl Iterator<Item = (u64, &'static str)> {
    [(1, "."), (2, "..")].into_iter().skip(offset.min(2) as usize)
}

/// Whether a change of attributes is accepted and does nothing.
fn may_be_set(content: &Content, changes: &Changes) -> bool {
    match content {
        Content::Control { .. } => changes.size == Some(0),
        Content::Lines(_) | Content::Chat(_) | Content::Upload(_) => changes.size.is_none(),
        _ => false,
    }
}

fn pread(file: &OsFile, offset: u64, size: usize) -> Result<Vec<u8>, Error> {
    let mut buffer = vec![0; size];
    let read = real::os(std::os::unix::fs::FileExt::read_at(file, &mut buffer, offset))?;
    buffer.truncate(read);
    Ok(buffer)
}

fn part(bytes: &[u8], offset: u64, size: usize) -> &[u8] {
    let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
    &bytes[start..bytes.len().min(start.saturating_add(size))]
}

/// Reads what the page cache holds; `None` when the disk would have to be waited for.
fn pread_cached(file: &OsFile, offset: u64, size: usize) -> Option<Vec<u8>> {
    let mut buffer = vec![0; size];
    let mut slices = [std::io::IoSliceMut::new(&mut buffer)];
    let read = preadv2(file, &mut slices, offset, ReadWriteFlags::NOWAIT).ok()?;
    // Short of what was asked for, the rest may be on disk: only an empty read at the end is known to be all.
    let all = read == size || read > 0 && file.metadata().is_ok_and(|meta| offset + read as u64 >= meta.len());
    if !all && read > 0 {
        return None;
    }
    buffer.truncate(read);
    Some(buffer)
}
