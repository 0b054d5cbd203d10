//! Bytes that are written once and read while somebody has them: in a file without a name, mapped, so that the system reads
//! what is needed and takes the memory back when it is short. A few bytes are not worth a file and stay in memory.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::ops::Deref;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{Mmap, UncheckedAdvice};

use crate::{Error, files};

/// So many bytes stay in memory.
const FEW: usize = 256 << 10;

/// Bytes that are being written.
#[derive(Debug)]
pub struct Scratch {
    /// Where there may be a file; `None` to stay in memory.
    dir: Option<PathBuf>,
    few: Vec<u8>,
    file: Option<BufWriter<File>>,
    len: u64,
}

impl Scratch {
    /// Nothing yet; what is more than a few bytes goes to a file in `dir`, if there is one.
    pub fn new(dir: Option<&Path>) -> Self {
        Self { dir: dir.map(Path::to_owned), few: Vec::new(), file: None, len: 0 }
    }

    /// How many bytes there are.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds bytes, and says where they begin.
    ///
    /// # Errors
    /// [`Error::Io`], e.g. for a full disk.
    pub fn add(&mut self, bytes: &[u8]) -> Result<u64, Error> {
        let at = self.len;
        if self.file.is_none() && self.few.len() + bytes.len() > FEW {
            self.spill()?;
        }
        match &mut self.file {
            Some(file) => file.write_all(bytes).map_err(|e| self.error(e))?,
            None => self.few.extend_from_slice(bytes),
        }
        self.len += bytes.len() as u64;
        Ok(at)
    }

    fn spill(&mut self) -> Result<(), Error> {
        let Some(dir) = &self.dir else { return Ok(()) };
        let mut file = BufWriter::new(unnamed(dir)?);
        file.write_all(&self.few).map_err(|e| self.error(e))?;
        self.few = Vec::new();
        self.file = Some(file);
        Ok(())
    }

    fn error(&self, error: std::io::Error) -> Error {
        Error::io(self.dir.as_deref().unwrap_or(Path::new("memory")))(error)
    }

    /// Puts other bytes in place of those that begin at `at`; as many must be there.
    ///
    /// # Errors
    /// As [`add`](Scratch::add).
    pub fn replace(&mut self, at: u64, bytes: &[u8]) -> Result<(), Error> {
        match &mut self.file {
            Some(file) => {
                let written = file.flush().and_then(|()| file.get_ref().write_all_at(bytes, at));
                written.map_err(|e| self.error(e))
            }
            None => {
                let at = at as usize;
                self.few[at..at + bytes.len()].copy_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// All bytes: where they are.
    ///
    /// # Errors
    /// As [`add`](Scratch::add).
    pub fn written(mut self) -> Result<Written, Error> {
        let Some(file) = self.file.take() else { return Ok(Written::Few(self.few)) };
        file.into_inner().map(Written::Many).map_err(|e| self.error(e.into_error()))
    }

    /// All bytes, to be read.
    ///
    /// # Errors
    /// As [`add`](Scratch::add).
    pub fn finish(self) -> Result<Bytes, Error> {
        let dir = self.dir.clone().unwrap_or_default();
        let file = match self.written()? {
            Written::Few(bytes) => return Ok(Bytes(Kept::Few(bytes))),
            Written::Many(file) => file,
        };
        // SAFETY: the file has no name, so nobody but this process has it, and this process does not write to it any more.
        let map = unsafe { Mmap::map(&file) };
        Ok(Bytes(Kept::Mapped(map.map_err(Error::io(dir))?)))
    }
}

/// Where bytes are that were written.
#[derive(Debug)]
pub enum Written {
    /// In memory.
    Few(Vec<u8>),
    /// In a file without a name.
    Many(File),
}

/// A new file in `dir` that nobody else can open and that is gone with its last user.
fn unnamed(dir: &Path) -> Result<File, Error> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    files::private_dir(dir)?;
    loop {
        let path = dir.join(format!("unnamed-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed)));
        let file = match files::private_file().create_new(true).open(&path) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => continue,
            file => file.map_err(Error::io(&path))?,
        };
        std::fs::remove_file(&path).map_err(Error::io(&path))?;
        return Ok(file);
    }
}

/// Bytes that do not change any more.
#[derive(Debug)]
pub struct Bytes(Kept);

#[derive(Debug)]
enum Kept {
    Few(Vec<u8>),
    Mapped(Mmap),
}

impl Default for Bytes {
    fn default() -> Self {
        Bytes(Kept::Few(Vec::new()))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Kept::Few(bytes) => bytes,
            Kept::Mapped(map) => map,
        }
    }
}

impl Bytes {
    /// Gives back the memory that reading took; what is read again comes from the system's cache or from the disk.
    pub fn rest(&self) {
        if let Kept::Mapped(map) = &self.0 {
            // SAFETY: the pages are those of a file and were never written through this map, so they hold the same bytes
            // when they are read again.
            if let Err(e) = unsafe { map.unchecked_advise(UncheckedAdvice::DontNeed) } {
                log::debug!("a mapped file stays in memory: {e}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_bytes_are_in_a_file_without_a_name() {
        let dir = tempfile::tempdir().unwrap();
        for (place, lines) in [(None, 100_000), (Some(dir.path()), 10), (Some(dir.path()), 100_000)] {
            let mut scratch = Scratch::new(place);
            for n in 0..lines {
                assert_eq!(scratch.add(format!("{n:08}").as_bytes()).unwrap(), n * 8);
            }
            scratch.replace(16, b"xxxxxxxx").unwrap();
            assert_eq!(scratch.len(), lines * 8);
            let bytes = scratch.finish().unwrap();
            bytes.rest();
            assert_eq!((bytes.len() as u64, &bytes[8..32]), (lines * 8, b"00000001xxxxxxxx00000003".as_slice()));
            assert_eq!(bytes[bytes.len() - 8..], *format!("{:08}", lines - 1).as_bytes());
            assert_eq!(matches!(bytes.0, Kept::Mapped(_)), place.is_some() && lines > 10);
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        }
    }
}
