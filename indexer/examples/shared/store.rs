//! A data directory that nobody has mounted.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use echofs_indexer::{Config, Index};

/// Bytes of a key in the cache of vectors.
const KEY_BYTES: usize = 32;

/// The store, which others cannot open while this lives. Nothing is scanned, read or embedded.
pub fn open(data: &Path) -> Arc<Index> {
    assert!(data.join("catalogue").is_dir(), "{} is no data directory", data.display());
    let data = data.canonicalize().expect("a data directory");
    let config = Config { data, sources: Vec::new(), excluded: Vec::new(), worker: Vec::new() };
    Index::open(config, None).expect("a store that is not mounted")
}

/// Where the vectors of its one model are, and how many numbers each has.
pub fn model(data: &Path) -> (PathBuf, usize) {
    let entries = fs::read_dir(data.join("vectors")).expect("vectors").flatten().map(|entry| entry.path());
    let models: Vec<PathBuf> = entries.filter(|path| path.extension().is_none_or(|end| end != "damaged")).collect();
    let [model] = &models[..] else { panic!("{} has vectors of {} models, not of one", data.display(), models.len()) };
    let (keys, rows) = (size(model, "keys-") / KEY_BYTES, size(model, "rows-") / 4);
    assert!(keys > 0 && rows.is_multiple_of(keys), "{} was not closed: mount it once more", model.display());
    (model.clone(), rows / keys)
}

fn size(dir: &Path, start: &str) -> usize {
    let files = fs::read_dir(dir).expect("a directory").flatten();
    let named = files.filter(|file| file.file_name().to_string_lossy().starts_with(start));
    named.map(|file| file.metadata().expect("its size").len() as usize).sum()
}
