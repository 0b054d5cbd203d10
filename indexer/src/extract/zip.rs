//! Archives of office documents and books, with limits against zip bombs.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::{ExtractError, Result};

/// One entry unpacks to no more than this, in bytes.
const MAX_ENTRY: u64 = 64 << 20;
/// All entries that are read unpack to no more than this, in bytes.
const MAX_TOTAL: u64 = 192 << 20;
/// No archive has more entries.
const MAX_ENTRIES: usize = 20_000;
/// Beyond its first megabyte an entry unpacks to no more than so many times its packed size.
const MAX_RATIO: u64 = 200;

/// An archive in memory.
pub struct Archive<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    unpacked: u64,
}

impl<'a> Archive<'a> {
    /// Reads the directory of an archive.
    pub fn open(bytes: &'a [u8]) -> Result<Self> {
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
        if archive.len() > MAX_ENTRIES {
            return Err(ExtractError::failed(format!("archive of more than {MAX_ENTRIES} entries")));
        }
        Ok(Self { archive, unpacked: 0 })
    }

    /// The names of its entries.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.archive.file_names().filter_map(|name| Some(name.ok()?.into_owned()))
    }

    /// Whether it has an entry of this name.
    pub fn has(&self, name: &str) -> bool {
        self.archive.index_for_name(name).is_some()
    }

    /// The bytes of an entry; `None` when there is none of this name.
    pub fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(index) = self.archive.index_for_name(name) else { return Ok(None) };
        let entry = match self.archive.by_index(index) {
            Err(ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED)) => {
                return Err(ExtractError::skipped("encrypted archive"));
            }
            other => other.map_err(damaged)?,
        };
        let packed = entry.compressed_size();
        let most = MAX_ENTRY.min(MAX_TOTAL - self.unpacked).min((packed.saturating_mul(MAX_RATIO)).max(1 << 20));
        let mut bytes = Vec::new();
        entry.take(most + 1).read_to_end(&mut bytes).map_err(ExtractError::failed)?;
        self.unpacked += (bytes.len() as u64).min(most);
        if bytes.len() as u64 > most {
            return Err(bomb());
        }
        Ok(Some(bytes))
    }

    /// Fails when the archive as a whole states that it unpacks to more than may be read, for parsers that
    /// unpack it themselves.
    pub fn check(&mut self) -> Result<()> {
        let (mut packed, mut unpacked) = (0u64, 0u64);
        for at in 0..self.archive.len() {
            let entry = self.archive.by_index_raw(at).map_err(damaged)?;
            packed = packed.saturating_add(entry.compressed_size());
            unpacked = unpacked.saturating_add(entry.size());
        }
        if unpacked > MAX_TOTAL || unpacked > packed.saturating_mul(MAX_RATIO).max(1 << 20) {
            return Err(bomb());
        }
        Ok(())
    }

    /// The text of an entry, empty when there is none of this name.
    pub fn text(&mut self, name: &str) -> Result<String> {
        let bytes = self.read(name)?.unwrap_or_default();
        Ok(super::decode::html(&bytes))
    }

    /// Names like `{before}7{after}`, by number.
    pub fn numbered(&self, before: &str, after: &str) -> Vec<(u32, String)> {
        let number = |name: &str| name.strip_prefix(before)?.strip_suffix(after)?.parse().ok();
        let mut found: Vec<(u32, String)> = self.names().filter_map(|name| Some((number(&name)?, name))).collect();
        found.sort();
        found
    }
}

fn bomb() -> ExtractError {
    ExtractError::failed("unpacks to far more than its size: a zip bomb?")
}

fn damaged(error: ZipError) -> ExtractError {
    ExtractError::failed(format!("damaged archive: {error}"))
}
