//! System calls that write to open files.

use std::os::unix::fs::FileExt;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::{Fs, PART_OF_THE_TREE};
use crate::error::Error;
use crate::handle::Handle;
use crate::node::{Control, Node};
use crate::real;
use crate::tree;

impl Fs {
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
                real::os(file.write_at(data, offset))
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
            Handle::Upload { file, .. } => real::os(file.write_at(data, offset)),
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
