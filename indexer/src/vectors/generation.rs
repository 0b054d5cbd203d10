//! Codes and graph on disk, so that a start need neither compute nor build them again.
//!
//! A generation is a directory: `coarse` and `fine` (the codes), `rows` (for each row the key of its text, scale and
//! sum), `links` (the graph) and `manifest.json`, which has the sizes and the BLAKE3 sums of the others. It is written
//! under another name, never changed, and holds no tombstones. What is damaged is moved aside; then everything comes
//! from the cache again.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::codes::{self, Measure};
use super::graph::{Graph, LINKS};
use super::mapped::Mapped;
use super::rows::Rows;
use crate::record::Key;
use crate::{Error, files};

const PREFIX: &str = "generation-";
const UNFINISHED: &str = "unfinished";
const MANIFEST: &str = "manifest.json";
/// A key, a scale and a sum.
const ROW_BYTES: usize = 24;

/// The saved generations in a directory.
#[derive(Clone, Debug)]
pub struct Generations {
    dir: PathBuf,
}

/// What a generation holds.
#[derive(Debug)]
pub struct Loaded {
    /// The codes, mapped.
    pub rows: Rows,
    /// The key of each row's text.
    pub keys: Vec<Key>,
    /// The graph over the first rows.
    pub graph: Option<Graph>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    dim: usize,
    rows: usize,
    in_graph: usize,
    coarse: String,
    fine: String,
    keys: String,
    links: String,
}

impl Generations {
    /// Those in `dir`.
    pub fn in_dir(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Numbers of the finished ones, ascending.
    pub fn numbers(&self) -> Vec<u64> {
        let names =
            fs::read_dir(&self.dir).into_iter().flatten().flatten().filter_map(|e| e.file_name().into_string().ok());
        let mut numbers: Vec<u64> = names.filter_map(|name| name.strip_prefix(PREFIX)?.parse().ok()).collect();
        numbers.sort_unstable();
        numbers
    }

    fn path(&self, number: u64) -> PathBuf {
        self.dir.join(format!("{PREFIX}{number}"))
    }

    /// The newest one that is whole, for vectors of `dim` numbers. Damaged ones are moved aside, older ones removed.
    ///
    /// # Errors
    /// [`Error::Io`] when one cannot be moved or removed.
    pub fn load(&self, dim: usize) -> Result<Option<Loaded>, Error> {
        for number in self.numbers().into_iter().rev() {
            match self.open(number, dim) {
                Ok(loaded) => {
                    self.keep_only(number)?;
                    return Ok(Some(loaded));
                }
                Err(why) => files::move_aside(&self.path(number), &why)?,
            }
        }
        Ok(None)
    }

    /// Opens one and compares it with its sums.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Damaged`].
    pub fn open(&self, number: u64, dim: usize) -> Result<Loaded, Error> {
        let dir = self.path(number);
        let text = fs::read(dir.join(MANIFEST)).map_err(Error::io(&dir))?;
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|e| damaged(&dir, &e))?;
        if manifest.dim != dim || manifest.in_graph > manifest.rows || manifest.rows >= u32::MAX as usize {
            return Err(damaged(&dir, &"its sizes make no sense"));
        }
        let Manifest { coarse, fine, keys, links, .. } = &manifest;
        for (name, sum) in [("coarse", coarse), ("fine", fine), ("rows", keys), ("links", links)] {
            if sum_of(&dir.join(name))? != *sum {
                return Err(damaged(&dir.join(name), &"its sum is wrong"));
            }
        }
        let bytes = manifest.rows * codes::width(dim);
        let mapped = Mapped::open(&dir.join("coarse"), &dir.join("fine"), bytes)?;
        let (keys, measures) = read_rows(&dir.join("rows"), manifest.rows)?;
        let graph = read_links(&dir.join("links"), manifest.in_graph)?;
        Ok(Loaded { rows: Rows::of(dim, mapped, measures), keys, graph })
    }

    /// Begins the next one.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn begin(&self, dim: usize) -> Result<Writing, Error> {
        let number = self.numbers().last().map_or(1, |last| last + 1);
        let dir = self.dir.join(UNFINISHED);
        if dir.exists() {
            fs::remove_dir_all(&dir).map_err(Error::io(&dir))?;
        }
        files::private_dir(&dir)?;
        let file = |name: &str| Summed::create(&dir.join(name));
        Ok(Writing {
            coarse: file("coarse")?,
            fine: file("fine")?,
            keys: file("rows")?,
            links: file("links")?,
            manifest: Manifest {
                dim,
                rows: 0,
                in_graph: 0,
                coarse: String::new(),
                fine: String::new(),
                keys: String::new(),
                links: String::new(),
            },
            last: self.path(number),
            dir,
            number,
        })
    }

    /// Removes all but one, and what is left of unfinished ones.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn keep_only(&self, number: u64) -> Result<(), Error> {
        let others = self.numbers().into_iter().filter(|n| *n != number).map(|n| format!("{PREFIX}{n}"));
        let others: Vec<String> = others.chain([UNFINISHED.into()]).collect();
        files::remove_others(&self.dir, &|name| !others.iter().any(|other| name == other.as_str()))
    }

    /// Removes what was begun and not ended.
    pub fn remove_unfinished(&self) {
        let dir = self.dir.join(UNFINISHED);
        if let Err(e) = fs::remove_dir_all(&dir) {
            log::warn!("{}: {e}", dir.display());
        }
    }

    /// Removes what was moved aside.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn remove_damaged(&self) -> Result<(), Error> {
        files::remove_others(&self.dir, &|name| !name.to_string_lossy().ends_with(".damaged"))
    }
}

/// A generation that is being written.
pub struct Writing {
    coarse: Summed,
    fine: Summed,
    keys: Summed,
    links: Summed,
    manifest: Manifest,
    dir: PathBuf,
    last: PathBuf,
    number: u64,
}

impl Writing {
    /// Adds a row; `links` for those that are in the graph, which all come first.
    ///
    /// # Errors
    /// [`Error::Io`], e.g. for a full disk.
    pub fn row(&mut self, rows: &Rows, row: u32, key: &Key, links: Option<&[u32]>) -> Result<(), Error> {
        let Measure { scale, sum } = rows.measure(row);
        self.coarse.write(rows.coarse(row))?;
        self.fine.write(rows.fine(row))?;
        self.keys.write(key)?;
        self.keys.write(&scale.to_le_bytes())?;
        self.keys.write(&sum.to_le_bytes())?;
        self.manifest.rows += 1;
        let Some(links) = links else { return Ok(()) };
        self.manifest.in_graph += 1;
        let mut padded = links.iter().copied().chain(std::iter::repeat(u32::MAX)).take(LINKS);
        padded.try_for_each(|link| self.links.write(&link.to_le_bytes()))
    }

    /// Makes it last, and gives its number.
    ///
    /// # Errors
    /// [`Error::Io`]; then it is not there.
    pub fn end(self) -> Result<u64, Error> {
        let Self { coarse, fine, keys, links, manifest, dir, last, number } = self;
        let manifest =
            Manifest { coarse: coarse.end()?, fine: fine.end()?, keys: keys.end()?, links: links.end()?, ..manifest };
        let mut file = Summed::create(&dir.join(MANIFEST))?;
        file.write(&serde_json::to_vec(&manifest).map_err(|e| damaged(&dir, &e))?)?;
        file.end()?;
        files::sync_dir(&dir)?;
        fs::rename(&dir, &last).map_err(Error::io(&last))?;
        files::sync_dir(last.parent().unwrap_or(&last))?;
        Ok(number)
    }
}

/// A file with the sum of what is written to it.
struct Summed {
    path: PathBuf,
    file: BufWriter<File>,
    sum: blake3::Hasher,
}

impl Summed {
    fn create(path: &Path) -> Result<Self, Error> {
        let file = files::private_file().open(path).map_err(Error::io(path))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::with_capacity(1 << 16, file), sum: blake3::Hasher::new() })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.sum.update(bytes);
        self.file.write_all(bytes).map_err(Error::io(&self.path))
    }

    fn end(mut self) -> Result<String, Error> {
        let written = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        written.map_err(Error::io(&self.path))?;
        Ok(self.sum.finalize().to_hex().to_string())
    }
}

fn sum_of(path: &Path) -> Result<String, Error> {
    let file = File::open(path).map_err(Error::io(path))?;
    let mut sum = blake3::Hasher::new();
    sum.update_reader(file).map_err(Error::io(path))?;
    Ok(sum.finalize().to_hex().to_string())
}

fn read_rows(path: &Path, count: usize) -> Result<(Vec<Key>, Vec<Measure>), Error> {
    let bytes = fs::read(path).map_err(Error::io(path))?;
    let rows = bytes.as_chunks::<ROW_BYTES>().0;
    if rows.len() != count {
        return Err(damaged(path, &"it has another length"));
    }
    let parts = rows.iter().map(|row| {
        let (key, rest) = row.split_at(16);
        let (scale, sum) = rest.split_at(4);
        let measure = Measure { scale: f32::from_le_bytes(four(scale)), sum: i32::from_le_bytes(four(sum)) };
        (Key::try_from(key).unwrap_or_default(), measure)
    });
    Ok(parts.unzip())
}

fn read_links(path: &Path, rows: usize) -> Result<Option<Graph>, Error> {
    let bytes = fs::read(path).map_err(Error::io(path))?;
    let links: Vec<u32> = bytes.as_chunks::<4>().0.iter().map(|link| u32::from_le_bytes(*link)).collect();
    let valid = |link: &u32| *link == u32::MAX || (*link as usize) < rows;
    if links.len() != rows * LINKS || !links.iter().all(valid) {
        return Err(damaged(path, &"it is no graph over these rows"));
    }
    Ok((rows > 0).then(|| Graph::of(links)))
}

fn four(bytes: &[u8]) -> [u8; 4] {
    bytes.try_into().unwrap_or_default()
}

fn damaged(path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::Damaged("saved vectors", format!("{}: {why}", path.display()))
}
