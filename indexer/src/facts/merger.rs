//! Keeps facts in step with their documents: made of all of them, or changed where documents changed.
//!
//! A change makes anew the facts that a changed document states or stated, of the statements of all documents that state
//! them, and lays them over the others. What else rests on these facts (which took the place of which, who is a person) is
//! found anew for them alone. Invariant: the outcome is that of a whole merge, unless the names that documents give changed,
//! so that others may be meant elsewhere; then [`Merger::standing`] says so until the next whole merge.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::census::Census;
use super::draft;
use super::entity;
use super::fact::{Found, Id};
use super::functional::Succession;
use super::layers::Layers;
use super::merge::{self, Documents, Merge, Part, Stated};
use super::names::Names;
use super::notable::Notable;
use super::orders::{Mark, Orders};
use super::renamed::{may_rename, renamed};
use super::shift::Shift;
use super::state::{Facts, Noted};
use crate::Error;

/// How facts stand to what a whole merge would make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// They are the same.
    #[default]
    Settled,
    /// There are names, or other forms of them, that are not yet looked for elsewhere.
    NewNames,
    /// There are names still that no document gives any more.
    LostNames,
}

/// What a document stated before it changed, as far as it has to be known.
#[derive(Debug, Default)]
pub struct Trace {
    /// The facts.
    ids: Vec<Id>,
    /// The names of people.
    names: Names,
}

/// What new orders are about: facts, and documents that state them or have a sentence that they name.
#[derive(Debug, Default)]
struct Ordered {
    ids: HashSet<Id>,
    paths: BTreeSet<PathBuf>,
}

/// What the facts were made with.
#[derive(Debug, Default)]
pub struct Merger {
    names: Names,
    succession: Succession,
    census: Census,
    standing: Standing,
    /// The orders after which the facts were made.
    orders: Mark,
}

impl Merger {
    /// How the facts stand to what a whole merge would make.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Whether a change is enough to carry these orders out.
    pub fn follows(&self, orders: &Orders) -> bool {
        orders.since(self.orders).is_some()
    }

    /// What has to be known of a document when it changes.
    pub fn trace(&self, stated: &Stated) -> Trace {
        let near = entity::near(stated.found);
        let ids = stated.statements().map(|found| merge::id(found, stated.path, &self.names, &near)).collect();
        Trace { ids, names: names_in(stated) }
    }

    /// The facts in these documents, after these orders of the owner; kept in files in `dir`, if there is one.
    ///
    /// # Errors
    /// [`Error::Io`] of those files, and errors of the documents.
    pub fn whole(
        &mut self,
        number: u64,
        documents: &(impl Documents + ?Sized),
        orders: &Orders,
        dir: Option<&Path>,
    ) -> Result<Facts, Error> {
        *self = Self { orders: orders.mark(), ..Self::default() };
        let mut notable = BTreeMap::new();
        let own = orders.stated().flat_map(|stated| stated.found.iter());
        own.filter(|found| orders.hold(draft::statement(found))).for_each(|found| self.names.gather_other(found));
        documents.each(None, &mut |stated| {
            stated.found.iter().for_each(|found| self.names.gather(found));
            let holds = |found: &&Found| !orders.is_removed(draft::statement(found));
            stated.found.iter().filter(holds).for_each(|found| self.names.gather_other(found));
            note(&mut notable, &stated, orders);
            Ok(())
        })?;
        let layers = Layers::new(Merge::new(&self.names, orders, None).packed(documents, dir)?);
        for at in 0..layers.len() {
            self.succession.add(&layers, at, orders);
            self.census.add(&layers.fact(at));
        }
        let superseded = self.succession.settle(&layers, orders);
        let people = self.census.people(&layers);
        layers.rest();
        Ok(Facts { number, layers, superseded, notable, people })
    }

    /// The facts after changes of documents and new orders; `None` when these changed nothing. `changes` has what the documents
    /// stated in `facts`, which were made last.
    ///
    /// # Errors
    /// As [`whole`](Merger::whole). What was made then is of no use any more.
    pub fn change(
        &mut self,
        facts: &Facts,
        changes: &BTreeMap<PathBuf, Trace>,
        documents: &(impl Documents + ?Sized),
        orders: &Orders,
    ) -> Result<Option<Facts>, Error> {
        let Ordered { mut ids, paths: mut noted } = self.ordered(facts, orders);
        noted.extend(changes.keys().cloned());
        let (mut notable, mut now) = (BTreeMap::new(), BTreeMap::new());
        documents.each(Some(&noted), &mut |stated| {
            if changes.contains_key(stated.path) {
                now.insert(stated.path.to_owned(), self.trace(&stated));
            }
            note(&mut notable, &stated, orders);
            Ok(())
        })?;
        self.count_names(changes, &now);
        ids.extend(changes.values().chain(now.values()).flat_map(|trace| trace.ids.iter().copied()));
        let were_notable = noted.iter().any(|path| facts.notable.contains_key(path.as_path()));
        if ids.is_empty() && notable.is_empty() && !were_notable {
            return Ok(None);
        }
        let part = Part { ids: &ids, paths: holders(facts, changes, &ids) };
        let patch = Merge::new(&self.names, orders, Some(&part)).packed(documents, None)?;
        let layers = facts.layers.with(&ids, patch);
        let kept = facts.notable.iter().filter(|(path, _)| !noted.contains(&***path));
        notable.extend(kept.map(|(path, noted)| (path.clone(), noted.clone())));
        let shift = Shift::new(positions(&facts.layers, &ids), positions(&layers, &ids));
        self.exchange(&facts.layers, &layers, &shift, orders);
        let superseded = self.succession.settle(&layers, orders);
        let people = self.census.changed(&facts.people, &layers, &shift);
        Ok(Some(Facts { number: facts.number + 1, layers, superseded, notable, people }))
    }

    /// Takes in the facts that are new, for those that are gone.
    fn exchange(&mut self, before: &Layers, now: &Layers, shift: &Shift, orders: &Orders) {
        for fact in shift.gone().iter().map(|at| before.fact(*at as usize)) {
            self.succession.remove(&fact);
            self.census.remove(&fact);
        }
        for at in shift.come().iter().map(|at| *at as usize) {
            self.succession.add(now, at, orders);
            self.census.add(&now.fact(at));
        }
    }

    /// What orders are about that came since facts were made.
    fn ordered(&mut self, facts: &Facts, orders: &Orders) -> Ordered {
        let named: HashSet<Id> = orders.since(self.orders).unwrap_or_default().iter().copied().collect();
        let mut all = Ordered::default();
        if named.is_empty() {
            return all;
        }
        self.orders = orders.mark();
        let is_named = |at: &usize| facts.layers.statements(*at).iter().any(|name| named.contains(name));
        for fact in (0..facts.len()).filter(is_named).map(|at| facts.layers.fact(at)) {
            self.rename(may_rename(&fact));
            all.ids.insert(fact.id);
            all.paths.extend(fact.sources.iter().map(|source| source.path.to_owned()));
        }
        all.paths
            .extend(facts.notable().filter(|noted| named.contains(&noted.id)).map(|noted| noted.path.to_path_buf()));
        let own = orders.stated().flat_map(|stated| stated.found.iter().map(move |found| (stated.path, found)));
        let own = own.filter(|(_, found)| named.contains(&draft::statement(found)));
        let own: Vec<(&Path, &Found)> = own.collect();
        self.rename(own.iter().any(|(_, found)| renamed(found).is_some()));
        all.ids.extend(own.into_iter().map(|(path, found)| merge::id(found, path, &self.names, &HashSet::new())));
        all
    }

    /// If the owner says that two names are one, or not any more, others are meant everywhere.
    fn rename(&mut self, renamed: bool) {
        if renamed {
            self.standing = Standing::LostNames;
        }
    }

    /// Takes the names that changed documents give now for those that they gave, and finds out whether that matters elsewhere.
    fn count_names(&mut self, before: &BTreeMap<PathBuf, Trace>, now: &BTreeMap<PathBuf, Trace>) {
        let (nothing, mut standing) = (Trace::default(), self.standing);
        for Trace { names, .. } in now.values() {
            if !(self.names.know_addresses(names) & self.names.count(names)) {
                standing = standing.max(Standing::NewNames);
            }
        }
        for (path, Trace { names, .. }) in before {
            let new = &now.get(path).unwrap_or(&nothing).names;
            if !(self.names.keep_addresses(names, new) & self.names.discount(names)) {
                standing = Standing::LostNames;
            }
        }
        self.standing = standing;
    }
}

/// The documents that state any of these facts, and those that changed.
fn holders(facts: &Facts, changes: &BTreeMap<PathBuf, Trace>, ids: &HashSet<Id>) -> BTreeSet<PathBuf> {
    let known = ids.iter().filter_map(|id| facts.get(*id));
    let paths = known.flat_map(|fact| fact.sources.iter().map(|source| source.path.to_owned()));
    changes.keys().cloned().chain(paths).collect()
}

fn positions(layers: &Layers, ids: &HashSet<Id>) -> Vec<u32> {
    let mut positions: Vec<u32> = ids.iter().filter_map(|id| layers.position(*id)).map(|at| at as u32).collect();
    positions.sort_unstable();
    positions
}

fn names_in(stated: &Stated) -> Names {
    let mut names = Names::default();
    for found in stated.found {
        names.gather(found);
        names.gather_other(found);
    }
    names
}

/// Adds the sentences of a document that matter, without those that the owner removed, alone or with everything that they state.
fn note(all: &mut BTreeMap<Arc<Path>, Arc<[Noted]>>, stated: &Stated, orders: &Orders) {
    let removed = |notable: &Notable| {
        let mut here = stated.found.iter().filter(|found| found.quote == notable.quote);
        orders.remove_something() && here.any(|found| orders.is_removed(draft::statement(found)))
    };
    let path: Arc<Path> = stated.path.into();
    let noted = stated.notable.iter().filter(|notable| !removed(notable)).filter_map(|notable| {
        let id = draft::sentence(&notable.quote);
        (!orders.is_removed(id)).then(|| Noted { id, path: path.clone(), at: stated.at, notable: notable.clone() })
    });
    let noted: Arc<[Noted]> = noted.collect();
    if !noted.is_empty() {
        all.insert(path, noted);
    }
}

#[cfg(test)]
mod tests;
