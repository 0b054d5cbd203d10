//! What a language model reads: passages are laid out for it, and what it finds is taken in.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Timestamp;

use super::Worker;
use crate::Error;
use crate::facts::pace::{Past, spent};
use crate::facts::readings::Brought;
use crate::record::Key;
use crate::shared::lock;

impl Worker<'_> {
    /// Counts the passages that a document is to have, in place of those that it has.
    pub(super) fn hold(&mut self, path: &Path, passages: &[(Key, u32)]) -> Result<(), Error> {
        // What is damaged was not counted either.
        for (key, _) in self.store()?.head(path).unwrap_or_default().passages {
            if let Some(held) = self.held.get_mut(&key) {
                *held -= 1;
                if *held == 0 {
                    self.held.remove(&key);
                }
            }
        }
        passages.iter().for_each(|(key, _)| *self.held.entry(*key).or_default() += 1);
        Ok(())
    }

    /// Takes in what a language model has read meanwhile, as far as its passages are still there.
    pub(super) fn take_in(&mut self) -> Result<(), Error> {
        let brought = lock(&self.shared.desk).take();
        if brought.is_empty() {
            return Ok(());
        }
        for Brought { path, key, found } in brought {
            let there = self.documents.contains_key(&path);
            let passages = if there { self.store()?.head(&path)?.passages } else { Vec::new() };
            let here = passages.iter().filter(|(passage, _)| *passage == key).count();
            if here == 0 {
                continue;
            }
            if !found.is_empty() || self.by_model.contains(&key) {
                self.note_change(&path)?;
                // Other documents may hold the same passage.
                self.waiting.many |= self.held.get(&key).is_some_and(|held| *held as usize > here);
            }
            self.store()?.put_read(&key, found)?;
            self.by_model.insert(key);
            self.unlaid = true;
        }
        Ok(())
    }

    /// Drops what was read in passages that are gone.
    pub(super) fn drop_unused(&mut self) -> Result<(), Error> {
        let unused: Vec<Key> = self.by_model.iter().filter(|key| !self.held.contains_key(*key)).copied().collect();
        for key in unused {
            self.by_model.remove(&key);
            self.store()?.remove_read(&key)?;
        }
        self.lost = false;
        Ok(())
    }

    /// Lays out what a language model may read next: the newest documents first.
    fn lay_out(&self) -> Result<(), Error> {
        let store = self.store()?;
        let shown = self.documents.iter().filter_map(|(path, known)| Some((path, known.shown?.dated)));
        let mut newest: Vec<(&PathBuf, Timestamp)> = shown.collect();
        let mut unread = HashSet::new();
        for (path, _) in &newest {
            let passages = store.head(path)?.passages.into_iter().map(|(key, _)| key);
            unread.extend(passages.filter(|key| !self.by_model.contains(key)));
        }
        let counts = (self.by_model.len(), unread.len());
        newest.sort_by_key(|(_, at)| std::cmp::Reverse(*at));
        let passages = newest.into_iter().flat_map(|(path, _)| {
            let head = store.head(path).unwrap_or_default();
            head.passages.into_iter().map(move |(key, _)| (path.clone(), key))
        });
        // Each once.
        lock(&self.shared.desk).lay_out(passages.filter(|(_, key)| unread.remove(key)), counts);
        Ok(())
    }

    /// Lays out others where what there was to read changed, unless that was done just now.
    pub(super) fn lay_out_if_due(&mut self) -> Result<(), Error> {
        if self.unlaid && self.laid.rest(Instant::now()).is_zero() {
            let begun = spent();
            self.lay_out()?;
            self.unlaid = false;
            self.laid = Past::new(spent().saturating_sub(begun), Instant::now());
        }
        Ok(())
    }
}
