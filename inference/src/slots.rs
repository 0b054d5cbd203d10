//! Kept states on disk: a fixed number of files, opened before the service gives up the right to open any.
//!
//! A file holds the length of its head, the head (JSON), the state, and the BLAKE3 hash of all that. What is torn, truncated
//! or changed does not have its hash and counts as empty. Files are overwritten in place, the one unused for longest first.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::SystemTime;

use rustix::fs::FlockOperation;

use crate::states::Key;

const FILES: usize = 32;
const MAGIC: &[u8; 8] = b"echostat";
const HASH: usize = 32;
const LONGEST_HEAD: u32 = 16 << 20;

#[derive(Debug)]
struct Slot {
    file: File,
    /// What it holds, as its head says; `None` when it is empty.
    key: Option<Key>,
    bytes: u64,
    used: SystemTime,
}

/// The files of a directory.
#[derive(Debug)]
pub struct Slots {
    slots: Vec<Slot>,
    budget: u64,
    _lock: File,
}

impl Slots {
    /// Opens the files, making them (mode 0600) where they are missing; they hold `budget` bytes together at most.
    ///
    /// # Errors
    /// From the file system; `WouldBlock` when another service uses the directory.
    pub fn open(directory: &Path, budget: u64) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let lock = open(&directory.join("lock"))?;
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        let slots = (0..FILES).map(|number| slot(&directory.join(format!("{number:02}.state"))));
        let mut slots = Self { slots: slots.collect::<io::Result<_>>()?, budget, _lock: lock };
        slots.shrink(None);
        Ok(slots)
    }

    /// What is there.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.slots.iter().filter_map(|slot| slot.key.as_ref())
    }

    /// The state of this key; `None`, and an empty file, if it is damaged.
    pub fn load(&mut self, key: &Key) -> Option<Vec<u8>> {
        let slot = self.slots.iter_mut().find(|slot| slot.key.as_ref() == Some(key))?;
        match slot.load() {
            Ok(state) => Some(state),
            Err(error) => {
                log::warn!("a kept state is damaged ({error}) and is computed again");
                slot.clear();
                None
            }
        }
    }

    /// Keeps a state, in the place of those that it makes useless, or of the one unused for longest.
    pub fn store(&mut self, key: &Key, state: &[u8]) {
        if state.len() as u64 > self.budget / 2 {
            return;
        }
        let replaced = |slot: &&mut Slot| slot.key.as_ref().is_some_and(|old| key.replaces(old));
        self.slots.iter_mut().filter(replaced).for_each(Slot::clear);
        let number = self.slots.iter().position(|slot| slot.key.is_none()).unwrap_or_else(|| self.oldest());
        let slot = &mut self.slots[number];
        if let Err(error) = slot.store(key, state) {
            log::warn!("a state cannot be kept on disk: {error}");
            slot.clear();
        }
        self.shrink(Some(number));
    }

    /// Notes that a state was used.
    pub fn touch(&mut self, key: &Key) {
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.key.as_ref() == Some(key)) {
            slot.touch();
        }
    }

    /// Empties the file of this key.
    pub fn remove(&mut self, key: &Key) {
        self.slots.iter_mut().filter(|slot| slot.key.as_ref() == Some(key)).for_each(Slot::clear);
    }

    /// Empties every file, on disk too when this returns.
    pub fn clear(&mut self) {
        self.slots.iter_mut().for_each(Slot::erase);
    }

    fn oldest(&self) -> usize {
        let numbers = 0..self.slots.len();
        numbers.min_by_key(|&number| self.slots[number].used).unwrap_or(0)
    }

    /// Empties files, the one unused for longest first, until the budget holds; never the one just written.
    fn shrink(&mut self, spared: Option<usize>) {
        while self.slots.iter().map(|slot| slot.bytes).sum::<u64>() > self.budget {
            let full = (0..self.slots.len()).filter(|&number| self.slots[number].bytes > 0 && Some(number) != spared);
            let Some(oldest) = full.min_by_key(|&number| self.slots[number].used) else { return };
            self.slots[oldest].clear();
        }
    }
}

impl Slot {
    /// Reads the head. Nothing is believed of a file that is not exactly as long as its head says.
    fn head(&mut self) -> io::Result<Key> {
        let (mut magic, mut length) = ([0; 8], [0; 4]);
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_exact(&mut magic)?;
        self.file.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        if &magic != MAGIC || length > LONGEST_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut head = vec![0; length as usize];
        self.file.read_exact(&mut head)?;
        Ok(serde_json::from_slice(&head)?)
    }

    fn load(&mut self) -> io::Result<Vec<u8>> {
        let key = self.head()?;
        let from = self.file.stream_position()? as usize;
        let mut bytes = Vec::with_capacity(self.bytes as usize);
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(&mut bytes)?;
        let end = bytes.len().checked_sub(HASH).filter(|end| *end >= from).ok_or(io::ErrorKind::UnexpectedEof)?;
        if blake3::hash(&bytes[..end]).as_bytes() != &bytes[end..] || self.key.as_ref() != Some(&key) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        bytes.truncate(end);
        bytes.drain(..from);
        self.touch();
        Ok(bytes)
    }

    fn store(&mut self, key: &Key, state: &[u8]) -> io::Result<()> {
        self.clear();
        let head = serde_json::to_vec(key)?;
        let length = u32::try_from(head.len()).ok().filter(|length| *length <= LONGEST_HEAD);
        let length = length.ok_or(io::ErrorKind::InvalidInput)?.to_le_bytes();
        let mut hash = blake3::Hasher::new();
        self.file.seek(SeekFrom::Start(0))?;
        for part in [&MAGIC[..], &length, &head, state] {
            hash.update(part);
            self.file.write_all(part)?;
        }
        self.file.write_all(hash.finalize().as_bytes())?;
        self.bytes = self.file.stream_position()?;
        self.key = Some(key.clone());
        self.used = SystemTime::now();
        Ok(())
    }

    fn touch(&mut self) {
        self.used = SystemTime::now();
        if let Err(error) = self.file.set_modified(self.used) {
            log::debug!("a kept state cannot be marked as used: {error}");
        }
    }

    fn erase(&mut self) {
        self.clear();
        if let Err(error) = self.file.sync_all() {
            log::warn!("a kept state may still be on disk: {error}");
        }
    }

    fn clear(&mut self) {
        (self.key, self.bytes) = (None, 0);
        if let Err(error) = self.file.set_len(0) {
            log::warn!("a kept state cannot be removed: {error}");
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)
}

fn slot(path: &Path) -> io::Result<Slot> {
    let file = open(path)?;
    let meta = file.metadata()?;
    let used = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let mut slot = Slot { file, key: None, bytes: meta.len(), used };
    match slot.head() {
        Ok(key) => slot.key = Some(key),
        Err(_) => slot.clear(),
    }
    Ok(slot)
}
