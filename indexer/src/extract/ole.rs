//! Old Office files are compound files: their streams and the properties they state.

use std::io::{Cursor, Read};

use super::{ExtractError, Parsed, Result, decode};

/// No stream is read further than this, in bytes.
const MAX_STREAM: u64 = 64 << 20;

/// A compound file in memory.
pub struct Streams<'a>(cfb::CompoundFile<Cursor<&'a [u8]>>);

impl<'a> Streams<'a> {
    /// Reads the directory.
    pub fn open(bytes: &'a [u8]) -> Result<Self> {
        let file = cfb::CompoundFile::open(Cursor::new(bytes));
        file.map(Self).map_err(|e| ExtractError::failed(format!("damaged compound file: {e}")))
    }

    /// The bytes of a stream; `None` when there is none of this name or it cannot be read.
    pub fn read(&mut self, name: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.0.open_stream(name).ok()?.take(MAX_STREAM).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// The names of the storages at the top.
    pub fn storages(&self) -> Vec<String> {
        self.0.read_root_storage().filter(cfb::Entry::is_storage).map(|entry| entry.name().to_owned()).collect()
    }

    /// Title, author, date and key words of the document summary.
    pub fn summary(&mut self) -> Parsed {
        let mut meta = Parsed::default();
        let Some(bytes) = self.read("\u{5}SummaryInformation") else { return meta };
        let set = u32_at(&bytes, 44).unwrap_or(0) as usize;
        let count = u32_at(&bytes, set + 4).unwrap_or(0).min(100) as usize;
        for entry in (0..count).map(|at| set + 8 + at * 8) {
            let (Some(id), Some(offset)) = (u32_at(&bytes, entry), u32_at(&bytes, entry + 4)) else { break };
            let at = set.saturating_add(offset as usize);
            match id {
                2 => meta.title = string(&bytes, at),
                4 => meta.author = string(&bytes, at),
                5 => {
                    meta.tags =
                        string(&bytes, at).iter().flat_map(|words| words.split([',', ';'])).map(str::to_owned).collect()
                }
                12 => meta.date = u64_at(&bytes, at.saturating_add(4)).and_then(filetime),
                _ => {}
            }
        }
        meta
    }
}

/// A string property (VT_LPSTR).
fn string(bytes: &[u8], at: usize) -> Option<String> {
    let length = u32_at(bytes, at.checked_add(4)?)? as usize;
    let raw = bytes.get(at + 8..at.checked_add(8)?.checked_add(length)?)?;
    let raw = raw.split(|b| *b == 0).next()?;
    Some(decode::legacy(raw).trim().to_owned()).filter(|text| !text.is_empty())
}

/// A Windows file time (100 ns since 1601) as ISO 8601.
pub fn filetime(ticks: u64) -> Option<String> {
    let seconds = i64::try_from(ticks / 10_000_000).ok()? - 11_644_473_600;
    let at = jiff::Timestamp::from_second(seconds).ok()?;
    (seconds > 0).then(|| at.to_string())
}

/// A little-endian number at a place.
pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

/// A little-endian number at a place.
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

/// A little-endian number at a place.
pub fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at.checked_add(8)?)?.try_into().ok().map(u64::from_le_bytes)
}

/// Little-endian UTF-16.
pub fn utf16(bytes: &[u8]) -> String {
    let (units, _) = bytes.as_chunks::<2>();
    char::decode_utf16(units.iter().map(|unit| u16::from_le_bytes(*unit))).map(|c| c.unwrap_or('\u{FFFD}')).collect()
}
