//! What moved from one tier to another, on disk. Derived: lost, it begins again with the tiers of that moment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::{fs, mem};

use serde::{Deserialize, Serialize};

use super::tiers::moves;
use super::{Moment, Move, Tier, tiers};
use crate::shared::lock;
use crate::{Error, files, lines, purge};

/// Moves that are kept.
const MOST: usize = 1_000;

/// The log of one data directory.
#[derive(Debug)]
pub struct Moved {
    path: PathBuf,
    known: Mutex<Option<Known>>,
}

/// The tiers at the last look, and what moved before it, the oldest first.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Known {
    tiers: BTreeMap<PathBuf, Tier>,
    moves: Vec<Move>,
}

impl Moved {
    /// The log below `data`; reads nothing yet. It begins again where something that was forgotten may still be on disk.
    pub fn open(data: &Path) -> Self {
        let moved = Self { path: data.join("context/tiers.json"), known: Mutex::default() };
        if purge::is_owed(data) {
            moved.remove();
        }
        moved
    }

    /// The tiers at the last look.
    pub fn tiers(&self) -> BTreeMap<PathBuf, Tier> {
        lock(&self.known).get_or_insert_with(|| self.read()).tiers.clone()
    }

    /// Looks at the tiers of this moment, notes what moved, and gives everything that moved, the oldest first. Only documents
    /// that are still there are looked at.
    pub(crate) fn note(&self, moment: &Moment, is_there: &dyn Fn(&Path) -> bool) -> Vec<Move> {
        let mut known = lock(&self.known);
        let known = known.get_or_insert_with(|| self.read());
        let mut now = tiers(moment);
        now.retain(|path, _| is_there(path));
        let found = moves(&known.tiers, &now, moment);
        let named = now.iter().map(|(path, (tier, _))| (path.to_path_buf(), *tier));
        let before = mem::replace(&mut known.tiers, named.collect());
        let count = known.moves.len() + found.len();
        known.moves.extend(found);
        known.moves.retain(|moved| now.contains_key(moved.path.as_path()));
        known.moves.drain(..known.moves.len().saturating_sub(MOST));
        if before != known.tiers || known.moves.len() != count {
            self.write(known);
        }
        known.moves.clone()
    }

    /// Drops everything about the files at or below these paths, from the disk too, whatever else that takes along.
    pub fn forget(&self, paths: &[PathBuf]) {
        let mut known = lock(&self.known);
        let known = known.get_or_insert_with(|| self.read());
        let gone = |path: &Path| paths.iter().any(|forgotten| path.starts_with(forgotten));
        known.tiers.retain(|path, _| !gone(path));
        known.moves.retain(|moved| !gone(&moved.path));
        if self.path.exists()
            && let Err(e) = self.replace(known)
        {
            log::warn!("what moved between tiers is dropped: {e}");
            self.remove();
        }
    }

    fn remove(&self) {
        for file in [&self.path, &self.new_path()] {
            lines::remove(file).unwrap_or_else(|e| log::error!("{e}"));
        }
    }

    fn new_path(&self) -> PathBuf {
        self.path.with_extension("new")
    }

    fn read(&self) -> Known {
        let text = fs::read(&self.path).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn write(&self, known: &Known) {
        if let Err(e) = self.replace(known) {
            log::warn!("what moved between tiers is not kept: {e}");
        }
    }

    fn replace(&self, known: &Known) -> Result<(), Error> {
        let text = serde_json::to_vec(known).map_err(|e| Error::Damaged("tiers", e.to_string()))?;
        self.path.parent().map_or(Ok(()), files::private_dir)?;
        let new = self.new_path();
        let mut file = files::private_file().truncate(true).open(&new).map_err(Error::io(&new))?;
        std::io::Write::write_all(&mut file, &text).map_err(Error::io(&new))?;
        fs::rename(&new, &self.path).map_err(Error::io(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log in which one document is named.
    fn log(data: &Path) -> Moved {
        let moved = Moved::open(data);
        files::private_dir(moved.path.parent().unwrap()).unwrap();
        fs::write(&moved.path, r#"{"tiers":{"/n/old.md":"archive"},"moves":[]}"#).unwrap();
        assert_eq!(moved.tiers().len(), 1);
        moved
    }

    #[test]
    fn what_is_forgotten_goes_even_where_nothing_can_be_written() {
        let dir = tempfile::tempdir().unwrap();
        let moved = log(dir.path());
        fs::create_dir(moved.new_path()).unwrap();
        moved.forget(&["/n".into()]);
        assert!(!moved.path.exists() && moved.tiers().is_empty());
    }

    #[test]
    fn it_begins_again_after_a_crash_while_something_was_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let path = log(dir.path()).path;
        Moved::open(dir.path());
        assert!(path.exists());
        files::private_dir(&dir.path().join("journal")).unwrap();
        purge::owe(dir.path()).unwrap();
        assert!(Moved::open(dir.path()).tiers().is_empty() && !path.exists());
    }
}
