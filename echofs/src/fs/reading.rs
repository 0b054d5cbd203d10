//! System calls that read open files.

use std::fs::File as OsFile;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

use fuser::PollNotifier;
use rustix::io::{ReadWriteFlags, preadv2};

use super::Fs;
use crate::error::Error;
use crate::handle::{AnswerStream, Handle};
use crate::interrupt;
use crate::node::Caller;
use crate::part::part;
use crate::real;

impl Fs {
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

    /// Whether a read of this handle would not wait. If it would, `notifier` is told once that has changed.
    pub fn poll(&self, handle: u64, notifier: PollNotifier) -> bool {
        match self.handles.get(handle).as_deref() {
            Ok(Handle::Events(reader)) => self.cx.events.poll(*reader, notifier),
            _ => true,
        }
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
}

fn pread(file: &OsFile, offset: u64, size: usize) -> Result<Vec<u8>, Error> {
    let mut buffer = vec![0; size];
    let read = real::os(file.read_at(&mut buffer, offset))?;
    buffer.truncate(read);
    Ok(buffer)
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
