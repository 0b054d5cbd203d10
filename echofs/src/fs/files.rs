//! System calls on open files.

use std::ffi::OsStr;
use std::fs::File as OsFile;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use echofs_indexer::relationship::Activity;
use fuser::{FileAttr, FopenFlags, PollNotifier};
use rustix::io::{ReadWriteFlags, preadv2};

use super::{Fs, PART_OF_THE_TREE, utf8};
use crate::append::Appending;
use crate::chat::Writing;
use crate::edit::Editing;
use crate::error::Error;
use crate::handle::{AnswerStream, Handle};
use crate::interrupt;
use crate::node::{Caller, Content, Control, File, Id, Node, Ttl};
use crate::real;
use crate::tree;

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
                Content::Settled(bytes) | Content::Facts { text: bytes, .. } => {
                    (Handle::Bytes(Arc::clone(bytes)), SETTLED)
                }
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
            Handle::Edit(editing) => Ok(Some(found(&editing.read(offset, size)))),
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
            Handle::Edit(editing) => Ok(editing.read(offset, size)),
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
            Ok(Handle::Control { .. }
                | Handle::Lines(_)
                | Handle::Edit(_)
                | Handle::Chat { .. }
                | Handle::Upload { .. })
        )
    }

    /// Writes to a real file or the copy of a page, adds lines, or gives an order to a control file; the number of bytes taken.
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
            Handle::Edit(editing) => editing.write(offset, data),
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

    /// A descriptor was closed: gives the order of a last line without an end or of a page that was changed, and tells the index
    /// of writes.
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
            Handle::Edit(editing) => editing.save(&self.cx),
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

    /// Makes what was written durable.
    pub fn fsync(&self, handle: u64, data_only: bool) -> Result<(), Error> {
        match &*self.handles.get(handle)? {
            Handle::Real { file, .. } if data_only => real::os(file.sync_data()),
            Handle::Real { file, .. } | Handle::Upload { file, .. } => real::os(file.sync_all()),
            Handle::Dir { node: Node::Real(dir), .. } => {
                real::os(dir.open(libc::O_RDONLY | libc::O_DIRECTORY)?.sync_all())
            }
            Handle::Lines(lines) => lines.flush(&self.cx),
            Handle::Edit(editing) => editing.save(&self.cx),
            Handle::Chat { writing: Some(writing), .. } => writing.flush(),
            Handle::Bytes(_)
            | Handle::Control { .. }
            | Handle::Answer(_)
            | Handle::Events(_)
            | Handle::Chat { writing: None, .. }
            | Handle::Dir { .. } => Ok(()),
        }
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
            | Handle::Edit(_)
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
