//! What moved from one tier to another, on disk. Derived: lost, it begins again with the tiers of that moment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::{fs, mem};

use serde::{Deserialize, Serialize};

use super::tiers::moves;
use super::{Moment, Move, Tier, tiers};
use crate::shared::lock;
use crate::{Error, files};

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
    /// The log below `data`; reads nothing yet.
    pub fn open(data: &Path) -> Self {
        Self { path: data.join("context/tiers.json"), known: Mutex::default() }
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

    /// Drops everything about the files at or below these paths.
    pub fn forget(&self, paths: &[PathBuf]) {
        let mut known = lock(&self.known);
        let known = known.get_or_insert_with(|| self.read());
        let gone = |path: &Path| paths.iter().any(|forgotten| path.starts_with(forgotten));
        known.tiers.retain(|path, _| !gone(path));
        known.moves.retain(|moved| !gone(&moved.path));
        if self.path.exists() {
            self.write(known);
        }
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
        let new = self.path.with_extension("new");
        let mut file = files::private_file().truncate(true).open(&new).map_err(Error::io(&new))?;
        std::io::Write::write_all(&mut file, &text).map_err(Error::io(&new))?;
        fs::rename(&new, &self.path).map_err(Error::io(&self.path))
    }
}
