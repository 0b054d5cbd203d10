//! Files of codes, mapped into memory: the system reads what is needed and takes the memory back when it is short.

use std::fs::File;
use std::path::Path;

use memmap2::{Mmap, UncheckedAdvice};

use crate::Error;

/// The codes of a saved generation.
#[derive(Debug)]
pub struct Mapped {
    coarse: Mmap,
    fine: Mmap,
}

impl Mapped {
    /// Maps two files of `bytes` bytes each. They must not be changed while this lives.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Damaged`] for another length.
    pub fn open(coarse: &Path, fine: &Path, bytes: usize) -> Result<Self, Error> {
        Ok(Self { coarse: map(coarse, bytes)?, fine: map(fine, bytes)? })
    }

    /// The coarse codes of all rows.
    pub fn coarse(&self) -> &[u8] {
        &self.coarse
    }

    /// Leaves what was read of both to the system, which may have it again without asking.
    pub fn let_go(&self) {
        for map in [&self.coarse, &self.fine] {
            // SAFETY: pages of a file that is mapped shared and not written to: whoever looks at them next gets the same bytes.
            if let Err(e) = unsafe { map.unchecked_advise(UncheckedAdvice::DontNeed) } {
                log::debug!("mapped codes: {e}");
            }
        }
    }

    /// The fine codes of all rows.
    pub fn fine(&self) -> &[u8] {
        &self.fine
    }
}

fn map(path: &Path, bytes: usize) -> Result<Mmap, Error> {
    let file = File::open(path).map_err(Error::io(path))?;
    // SAFETY: the file is in the owner's private directory and written once, under another name; this program never
    // changes it afterwards, it only removes its name. Bytes that somebody else changes are still only bytes.
    let map = unsafe { Mmap::map(&file) }.map_err(Error::io(path))?;
    if map.len() != bytes {
        return Err(Error::Damaged(
            "saved vectors",
            format!("{} has {} bytes instead of {bytes}", path.display(), map.len()),
        ));
    }
    Ok(map)
}
