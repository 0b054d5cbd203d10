//! What is told of an order to forget.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Index;
use super::scope::Scope;
use crate::conversations::keeper::all_files;
use crate::{Error, Forgotten};

impl Index {
    pub(super) fn told(&self, scope: &Scope) -> Result<Forgotten, Error> {
        let passages = scope.documents.values().filter_map(|record| record.content.as_ref());
        let mut changed: BTreeSet<PathBuf> = scope.lines.iter().map(|taken| taken.path.clone()).collect();
        let roots = self.paths(scope);
        for root in &roots {
            changed.extend(self.conversations.naming(root)?.iter().map(|place| self.conversations.page(place)));
        }
        let entries = self.relationship.chosen(&|entry| scope.takes(entry, &roots))?;
        Ok(Forgotten {
            paths: scope.documents.keys().cloned().collect(),
            passages: passages.map(|content| content.passages as usize).sum(),
            deleted: self.deleted(scope),
            lines: scope.lines.clone(),
            changed: changed.into_iter().filter(|path| !scope.documents.contains_key(path)).collect(),
            facts: self.facts_of(scope),
            entries: entries.into_iter().map(|entry| entry.text).collect(),
        })
    }

    fn deleted(&self, scope: &Scope) -> Vec<PathBuf> {
        let mut deleted: BTreeSet<PathBuf> =
            scope.conversations.iter().map(|place| self.conversations.turns_file(place)).collect();
        for note in &scope.notes {
            match note.symlink_metadata() {
                Ok(meta) if meta.is_dir() => deleted.extend(all_files(note)),
                Ok(_) => drop(deleted.insert(note.clone())),
                Err(_) => {}
            }
        }
        deleted.into_iter().collect()
    }

    /// The facts that nothing else states.
    fn facts_of(&self, scope: &Scope) -> Vec<String> {
        let taken = |path: &Path, line: u32| scope.lines.iter().any(|taken| taken.path == path && taken.line == line);
        let gone = |path: &Path, line: u32| scope.documents.contains_key(path) || taken(path, line);
        let facts = self.facts();
        let lost = facts.all().filter(|fact| fact.sources.iter().all(|source| gone(source.path, source.line)));
        lost.map(|fact| fact.sentence()).collect()
    }
}
