//! Every vector that was ever computed for a text, on disk, so that none is computed twice.
//!
//! One directory per model. A generation is two files: `keys-N` has 32 bytes per vector (the text's key, a sum
//! over key and vector, and zeros), `rows-N` the vectors as 32-bit floats. Both only grow; a row is written before
//! its key, so what a crash leaves is cut off by length and found out by the sum. Compaction writes the next
//! generation and then removes the old one; where there are two, the older is the one that is surely whole.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::record::Key;
use crate::{Error, files};

const KEY_BYTES: usize = 32;

/// Vectors by the key of their text.
#[derive(Debug)]
pub struct Cache {
    dir: PathBuf,
    dim: usize,
    generation: u64,
    keys: File,
    rows: File,
    places: HashMap<Key, (u32, [u8; 8])>,
    /// Rows on disk, also those that no key names.
    count: u32,
    /// Whether a compaction did not end.
    interrupted: bool,
}

impl Cache {
    /// Opens or makes the cache in `dir` for vectors of `dim` numbers.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(dir: &Path, dim: usize) -> Result<Self, Error> {
        files::private_dir(dir)?;
        let found = generations(dir)?;
        let mut cache = Self::empty(dir, dim, found.iter().min().copied().unwrap_or(0))?;
        cache.interrupted = found.len() > 1;
        cache.load()?;
        cache.remove_other_generations();
        Ok(cache)
    }

    fn empty(dir: &Path, dim: usize, generation: u64) -> Result<Self, Error> {
        let open = |name: &str| {
            let path = dir.join(format!("{name}-{generation}"));
            files::private_file().open(&path).map_err(Error::io(path))
        };
        let (rows, keys) = (open("rows")?, open("keys")?);
        Ok(Self {
            dir: dir.to_owned(),
            dim,
            generation,
            keys,
            rows,
            places: HashMap::new(),
            count: 0,
            interrupted: false,
        })
    }

    fn row_bytes(&self) -> u64 {
        self.dim as u64 * 4
    }

    /// Reads the keys. What is longer in one of the files than in the other is cut off.
    fn load(&mut self) -> Result<(), Error> {
        let size = |file: &File| file.metadata().map(|m| m.len()).map_err(Error::io(&self.dir));
        let count = (size(&self.keys)? / KEY_BYTES as u64).min(size(&self.rows)? / self.row_bytes());
        self.keys.set_len(count * KEY_BYTES as u64).map_err(Error::io(&self.dir))?;
        self.rows.set_len(count * self.row_bytes()).map_err(Error::io(&self.dir))?;
        let mut bytes = vec![0; count as usize * KEY_BYTES];
        self.keys.read_exact_at(&mut bytes, 0).map_err(Error::io(&self.dir))?;
        for (row, bytes) in bytes.chunks_exact(KEY_BYTES).enumerate() {
            let (mut key, mut sum) = (Key::default(), [0; 8]);
            key.copy_from_slice(&bytes[..16]);
            sum.copy_from_slice(&bytes[16..24]);
            self.places.insert(key, (row as u32, sum));
        }
        self.count = count as u32;
        Ok(())
    }

    /// Vectors that can be had.
    #[expect(clippy::len_without_is_empty, reason = "nobody asks for that")]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether the vector of a text is here, as far as can be told without reading it.
    pub fn contains(&self, key: &Key) -> bool {
        self.places.contains_key(key)
    }

    /// The vector of a text. One whose sum is wrong is not there, and computed anew.
    pub fn get(&mut self, key: &Key) -> Option<Vec<f32>> {
        let (row, sum) = *self.places.get(key)?;
        let mut bytes = vec![0; self.row_bytes() as usize];
        let read = self.rows.read_exact_at(&mut bytes, u64::from(row) * self.row_bytes());
        if read.is_err() || sum_of(key, &bytes) != sum {
            log::warn!("{}: a vector is damaged, it is computed again", self.dir.display());
            self.places.remove(key);
            return None;
        }
        Some(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
    }

    /// Keeps the vectors of some texts. They are on disk after [`sync`](Cache::sync); losing them costs only time.
    ///
    /// # Errors
    /// [`Error::Io`], e.g. for a full disk; then none of them is kept.
    pub fn insert(&mut self, entries: &[(Key, Vec<f32>)]) -> Result<(), Error> {
        let (mut keys, mut rows) = (Vec::new(), Vec::new());
        let mut places = Vec::new();
        for (key, vector) in entries.iter().filter(|(_, v)| v.len() == self.dim) {
            let row: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
            let sum = sum_of(key, &row);
            places.push((*key, (self.count + places.len() as u32, sum)));
            keys.extend_from_slice(key);
            keys.extend_from_slice(&sum);
            keys.extend_from_slice(&[0; 8]);
            rows.extend_from_slice(&row);
        }
        let written = self.rows.write_all_at(&rows, u64::from(self.count) * self.row_bytes());
        let written = written.and_then(|()| self.keys.write_all_at(&keys, u64::from(self.count) * KEY_BYTES as u64));
        written.map_err(Error::io(&self.dir))?;
        self.count += places.len() as u32;
        self.places.extend(places);
        Ok(())
    }

    /// Waits until everything is on disk.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn sync(&self) -> Result<(), Error> {
        self.rows.sync_data().and_then(|()| self.keys.sync_data()).map_err(Error::io(&self.dir))
    }

    /// Rewrites the cache with the vectors of `live` alone, if that frees half of it or `always`.
    ///
    /// # Errors
    /// [`Error::Io`]; the cache is then as it was.
    pub fn compact(&mut self, live: &HashSet<Key>, always: bool) -> Result<(), Error> {
        let kept = live.iter().filter(|key| self.contains(key)).count();
        let gone = self.count as usize - kept;
        if gone == 0 || !(always || self.interrupted) && (gone < 1_000 || gone < kept) {
            return Ok(());
        }
        let mut next = Self::empty(&self.dir, self.dim, self.generation + 1)?;
        let mut keys: Vec<Key> = live.iter().filter(|key| self.contains(key)).copied().collect();
        keys.sort_unstable_by_key(|key| self.places[key].0);
        for batch in keys.chunks(1_000) {
            let entries: Vec<_> = batch.iter().filter_map(|key| Some((*key, self.get(key)?))).collect();
            next.insert(&entries)?;
        }
        next.sync()?;
        files::sync_dir(&self.dir)?;
        *self = next;
        self.remove_other_generations();
        Ok(())
    }

    fn remove_other_generations(&self) {
        let others = generations(&self.dir).unwrap_or_default().into_iter().filter(|g| *g != self.generation);
        for generation in others {
            for name in ["keys", "rows"] {
                fs::remove_file(self.dir.join(format!("{name}-{generation}"))).ok();
            }
        }
    }
}

fn generations(dir: &Path) -> Result<Vec<u64>, Error> {
    let entries = fs::read_dir(dir).map_err(Error::io(dir))?;
    let names = entries.flatten().filter_map(|e| e.file_name().into_string().ok());
    Ok(names.filter_map(|name| name.strip_prefix("keys-")?.parse().ok()).collect())
}

fn sum_of(key: &Key, row: &[u8]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    hasher.write_all(key).and_then(|()| hasher.write_all(row)).ok();
    let mut sum = [0; 8];
    sum.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> Key {
        [n; 16]
    }

    fn filled(dir: &Path, count: u8) -> Cache {
        let mut cache = Cache::open(dir, 4).unwrap();
        let entries: Vec<_> = (0..count).map(|n| (key(n), vec![f32::from(n); 4])).collect();
        cache.insert(&entries).unwrap();
        cache
    }

    #[test]
    fn vectors_come_back() {
        let dir = tempfile::tempdir().unwrap();
        drop(filled(dir.path(), 3));
        let mut cache = Cache::open(dir.path(), 4).unwrap();
        assert_eq!(cache.get(&key(2)), Some(vec![2.0; 4]));
        assert_eq!(cache.get(&key(9)), None);
        cache.insert(&[(key(9), vec![9.0; 4]), (key(8), vec![1.0])]).unwrap();
        assert_eq!((cache.get(&key(9)), cache.get(&key(8))), (Some(vec![9.0; 4]), None));
    }

    #[test]
    fn any_cut_and_any_damage_is_found_out() {
        let dir = tempfile::tempdir().unwrap();
        drop(filled(dir.path(), 3));
        let (keys, rows) = (dir.path().join("keys-0"), dir.path().join("rows-0"));
        let whole = (fs::read(&keys).unwrap(), fs::read(&rows).unwrap());
        for cut in 0..whole.1.len() {
            fs::write(&rows, &whole.1[..cut]).unwrap();
            fs::write(&keys, &whole.0[..cut * 2]).unwrap();
            let mut cache = Cache::open(dir.path(), 4).unwrap();
            assert_eq!(cache.len(), cut / 16);
            cache.insert(&[(key(7), vec![7.0; 4])]).unwrap();
            assert_eq!(cache.get(&key(7)), Some(vec![7.0; 4]));
        }
        let mut damaged = whole.1.clone();
        damaged[17] ^= 1;
        fs::write(&rows, damaged).unwrap();
        fs::write(&keys, &whole.0).unwrap();
        let mut cache = Cache::open(dir.path(), 4).unwrap();
        assert_eq!(cache.get(&key(1)), None);
        assert_eq!(cache.get(&key(2)), Some(vec![2.0; 4]));
    }

    #[test]
    fn compaction_leaves_the_living() {
        let dir = tempfile::tempdir().unwrap();
        let mut cache = filled(dir.path(), 5);
        let live = HashSet::from([key(1), key(4), key(99)]);
        cache.compact(&live, false).unwrap();
        assert_eq!(cache.len(), 5, "too little to gain");
        cache.compact(&live, true).unwrap();
        assert_eq!((cache.len(), cache.get(&key(4)), cache.get(&key(0))), (2, Some(vec![4.0; 4]), None));
        drop(cache);
        let mut cache = Cache::open(dir.path(), 4).unwrap();
        assert_eq!((cache.len(), cache.get(&key(1))), (2, Some(vec![1.0; 4])));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
