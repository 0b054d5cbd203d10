//! What is told of an order to forget.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::Index;
use super::scope::Scope;
use crate::conversations::keeper::all_files;
use crate::facts::{Fact, Going};
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

    /// The facts that nothing else states, and those that the owner put in place of them.
    fn facts_of(&self, scope: &Scope) -> Vec<String> {
        let (facts, orders) = (self.facts(), self.shared.fact_orders().clone());
        let corrections = orders.corrections(&self.going(scope));
        let is_correction = |fact: &Fact| {
            let own = !corrections.is_empty() && fact.sources.iter().all(|source| source.path == orders.path());
            own && facts.statements(fact.id).is_some_and(|names| names.iter().any(|name| corrections.contains(name)))
        };
        let is_gone = |fact: &Fact| fact.sources.iter().all(|source| scope.holds(&source)) || is_correction(fact);
        facts.all().filter(is_gone).map(|fact| fact.sentence()).collect()
    }

    /// What orders call the facts that go, and those that stay; nothing where the owner gave no orders.
    pub(super) fn going(&self, scope: &Scope) -> Going {
        let (facts, orders, mut going) = (self.facts(), self.shared.fact_orders().clone(), Going::default());
        for fact in facts.all().take_while(|_| orders.count() > 0) {
            let stated = || fact.sources.iter().filter(|source| source.path != orders.path());
            let left = stated().any(|source| !scope.holds(&source));
            if let Some(statements) = facts.statements(fact.id).filter(|_| stated().next().is_some()) {
                going.add(statements, left);
            }
        }
        let documents = scope.documents.keys().chain(&scope.places);
        documents.for_each(|path| going.add_document(self.shared.known_as(path)));
        going
    }
}
