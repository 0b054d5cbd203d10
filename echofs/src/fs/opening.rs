//! System calls that open and close files.

use std::ffi::OsStr;
use std::fs::File as OsFile;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use echofs_indexer::relationship::Activity;
use fuser::{FileAttr, FopenFlags};

use super::{Fs, PART_OF_THE_TREE, utf8};
use crate::append::Appending;
use crate::chat::Writing;
use crate::edit::Editing;
use crate::error::Error;
use crate::handle::{AnswerStream, Handle};
use crate::node::{Caller, Content, File, Id, Node, Ttl};
use crate::real;

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

const LIVE: FopenFlags = FopenFlags::FOPEN_DIRECT_IO.union(FopenFlags::FOPEN_NOFLUSH);
const SETTLED: FopenFlags = FopenFlags::FOPEN_KEEP_CACHE.union(FopenFlags::FOPEN_NOFLUSH);
const STREAM: FopenFlags =
    FopenFlags::FOPEN_DIRECT_IO.union(FopenFlags::FOPEN_STREAM).union(FopenFlags::FOPEN_NONSEEKABLE);

impl Fs {
    /// Opens a file. Answering a question starts with the first read, not here.
    pub fn open(&self, id: Id, flags: i32, caller: Caller) -> Result<(u64, FopenFlags), Error> {
        let node = self.inodes.get(id)?;
        self.note_open(&node, caller);
        let (handle, how) = match node {
            Node::Real(file) => {
                let written = AtomicBool::new(flags & libc::O_TRUNC != 0);
                (Handle::Real { file: file.open(flags)?, written }, FopenFlags::empty())
            }
            Node::File(file) => self.open_made(&file, flags, caller)?,
            Node::Dir(_) => return Err(Error::IsADirectory),
            Node::Link(_) => return Err(Error::NotALink),
        };
        Ok((self.handles.insert(handle), how))
    }

    /// Opens a file that a branch of the tree made.
    fn open_made(&self, file: &File, flags: i32, caller: Caller) -> Result<(Handle, FopenFlags), Error> {
        let writes = flags & libc::O_ACCMODE != libc::O_RDONLY;
        Ok(match &file.content {
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
            Content::Draft(text) => (Handle::Edit(Editing::draft(text, flags)), FopenFlags::FOPEN_DIRECT_IO),
            Content::Facts { text, facts } if writes => {
                (Handle::Edit(Editing::page(text, facts, flags)), FopenFlags::FOPEN_DIRECT_IO)
            }
            _ if writes => return Err(PART_OF_THE_TREE),
            Content::Stored { path, .. } => {
                (Handle::Real { file: real::os(OsFile::open(path))?, written: AtomicBool::default() }, SETTLED)
            }
            Content::Large { file, .. } => {
                (Handle::Real { file: real::os(file.try_clone())?, written: AtomicBool::default() }, SETTLED)
            }
            Content::Lines(target) => match target.file(&self.cx) {
                Some(path) => {
                    (Handle::Real { file: real::os(OsFile::open(path))?, written: AtomicBool::default() }, LIVE)
                }
                None => (Handle::Bytes(Arc::default()), LIVE),
            },
            Content::Live(bytes) => (Handle::Bytes(Arc::clone(bytes)), LIVE),
            Content::Settled(bytes) | Content::Facts { text: bytes, .. } => (Handle::Bytes(Arc::clone(bytes)), SETTLED),
            Content::Events => {
                let reader = self.cx.events.open(self.crawlers.has(caller.pid));
                self.cx.signal.wake();
                (Handle::Events(reader), STREAM)
            }
            Content::Question { text, form } => {
                let stream = AnswerStream { question: text.clone(), form: *form, cursor: 0, reader: None };
                (Handle::Answer(Mutex::new(stream)), STREAM)
            }
        })
    }

    /// Notes the document that somebody opens, or from which an excerpt is, or the question whose kept answer it is, where the
    /// owner has that noted; not for a program that reads everything.
    fn note_open(&self, node: &Node, caller: Caller) {
        let attribute =
            |file: &File, wanted| file.xattrs.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone());
        if self.crawlers.has(caller.pid) {
            return;
        }
        if let Node::File(file) = node
            && let Some(question) = attribute(file, "question")
        {
            self.cx.recorder.opened_answer(&question);
        }
        if !self.cx.recorder.records(Activity::Opens) {
            return;
        }
        let path = match node {
            Node::Real(file) => file.path().ok(),
            Node::File(file) => match &file.content {
                Content::Stored { path, .. } => Some(path.clone()),
                _ => attribute(file, "source").map(PathBuf::from),
            },
            Node::Dir(_) | Node::Link(_) => None,
        };
        if let Some(path) = path {
            self.cx.recorder.opened(&path);
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
}
