//! From the statements of documents to facts: the same one from ten places is one.
//!
//! The documents are gone through one after the other, twice: for the facts that are stated more than once, and for the
//! facts. So it is enough to have one of them in memory.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::draft::{self, Entities};
use super::entity;
use super::fact::{Found, Id};
use super::names::Names;
use super::notable::Notable;
use super::orders::Orders;
use super::packed::Packed;
use super::packer::Packer;
use crate::Error;

/// Everything one document states.
#[derive(Clone, Copy, Debug)]
pub struct Stated<'a> {
    /// The document.
    pub path: &'a Path,
    /// Its statements, as rules found them.
    pub found: &'a [Found],
    /// What a language model found besides.
    pub read: &'a [Found],
    /// Its sentences that matter.
    pub notable: &'a [Notable],
    /// Its stated date or the time it was changed.
    pub at: Timestamp,
    /// The time it was changed: when it told what it states.
    pub learnt: Timestamp,
}

impl<'a> Stated<'a> {
    /// All its statements.
    pub fn statements(&self) -> impl Iterator<Item = &'a Found> + use<'a> {
        self.found.iter().chain(self.read)
    }
}

/// What is done with each of several documents.
pub type Visit<'v> = dyn FnMut(Stated<'_>) -> Result<(), Error> + 'v;

/// Documents, by path, which say the same as often as they are asked.
pub trait Documents {
    /// Calls `visit` for each of them, or for those of them that are at `paths`.
    ///
    /// # Errors
    /// Those of `visit`, and those of the store.
    fn each(&self, paths: Option<&BTreeSet<PathBuf>>, visit: &mut Visit) -> Result<(), Error>;
}

impl Documents for [Stated<'_>] {
    fn each(&self, paths: Option<&BTreeSet<PathBuf>>, visit: &mut Visit) -> Result<(), Error> {
        let wanted = |stated: &&Stated| paths.is_none_or(|paths| paths.contains(stated.path));
        self.iter().filter(wanted).try_for_each(|stated| visit(*stated))
    }
}

/// A part of the facts, and all documents that state any of it.
#[derive(Debug)]
pub struct Part<'a> {
    /// The facts.
    pub ids: &'a HashSet<Id>,
    /// The documents.
    pub paths: BTreeSet<PathBuf>,
}

/// What statements are made facts with.
pub struct Merge<'a> {
    names: &'a Names,
    orders: &'a Orders,
    /// What the owner stated, in the journal.
    by_owner: Vec<Stated<'a>>,
    /// The facts that are made, if not all.
    part: Option<&'a Part<'a>>,
}

impl<'a> Merge<'a> {
    /// By these names, after these orders.
    pub fn new(names: &'a Names, orders: &'a Orders, part: Option<&'a Part<'a>>) -> Self {
        Self { names, orders, by_owner: orders.stated().collect(), part }
    }

    /// The facts; kept in files in `dir`, if there is one.
    ///
    /// # Errors
    /// [`Error::Io`] of those files, and errors of the documents.
    pub fn packed(&self, documents: &(impl Documents + ?Sized), dir: Option<&Path>) -> Result<Packed, Error> {
        let paths = self.part.map(|part| &part.paths);
        let mut ids = Vec::new();
        documents.each(paths, &mut |stated| {
            let near = entity::near(stated.found);
            ids.extend(self.kept(&stated).map(|found| id(found, stated.path, self.names, &near)));
            Ok(())
        })?;
        let none = HashSet::new();
        let own: Vec<(u32, Id)> =
            self.own().map(|(stated, found)| (found.line, id(found, stated.path, self.names, &none))).collect();
        let (mut packer, stated_too) = (Packer::new(dir, repeated(&ids, &own)), stated_by(&ids, &own));
        let (mut ids, mut waiting) = (ids.into_iter(), true);
        documents.each(paths, &mut |stated| {
            if waiting && self.by_owner.first().is_some_and(|journal| journal.path < stated.path) {
                waiting = false;
                self.reserve(&mut packer, &own, &stated_too)?;
            }
            let near = entity::near(stated.found);
            let mut page = packer.begin(stated.path)?;
            for found in self.kept(&stated) {
                let Some(id) = ids.next() else { break };
                if self.is_wanted(id) {
                    packer.add(&mut page, found, stated.learnt, id, || Entities::of(found, self.names, &near))?;
                }
            }
            packer.end(&mut page)
        })?;
        if waiting {
            self.reserve(&mut packer, &own, &stated_too)?;
        }
        if let Some(journal) = self.by_owner.first() {
            let mut page = packer.begin(journal.path)?;
            for ((stated, found), (_, id)) in self.own().zip(&own).filter(|(_, (_, id))| self.is_wanted(*id)) {
                packer.add(&mut page, found, stated.learnt, *id, || Entities::of(found, self.names, &none))?;
            }
        }
        packer.finish()
    }

    /// Keeps places for what only the owner states, where the journal stands among the documents.
    fn reserve(&self, packer: &mut Packer, own: &[(u32, Id)], stated_too: &HashSet<Id>) -> Result<(), Error> {
        let Some(journal) = self.by_owner.first() else { return Ok(()) };
        let mut page = packer.begin(journal.path)?;
        let only_own = |(_, id): &(u32, Id)| !stated_too.contains(id) && self.is_wanted(*id);
        packer.reserve(&mut page, own.iter().copied().filter(only_own));
        packer.end(&mut page)
    }

    fn is_wanted(&self, id: Id) -> bool {
        self.part.is_none_or(|part| part.ids.contains(&id))
    }

    /// The statements of a document that the owner did not remove.
    fn kept<'s>(&self, stated: &Stated<'s>) -> impl Iterator<Item = &'s Found> {
        let all = stated.statements();
        all.filter(|found| !(self.orders.remove_something() && self.orders.is_removed(draft::statement(found))))
    }

    fn own(&self) -> impl Iterator<Item = (&Stated<'_>, &Found)> {
        self.by_owner.iter().flat_map(|stated| stated.found.iter().map(move |found| (stated, found)))
    }
}

/// The fact that a statement of the document at `path`, which names `near`, states.
pub fn id(found: &Found, path: &Path, names: &Names, near: &HashSet<String>) -> Id {
    Entities::of(found, names, near).id(found, path)
}

/// The facts that more than one statement states, and all that the owner states.
fn repeated(ids: &[Id], own: &[(u32, Id)]) -> HashSet<Id> {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    let twice = sorted.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
    twice.chain(own.iter().map(|(_, id)| *id)).collect()
}

/// The facts of the owner that documents state too.
fn stated_by(ids: &[Id], own: &[(u32, Id)]) -> HashSet<Id> {
    let own: HashSet<Id> = own.iter().map(|(_, id)| *id).collect();
    ids.iter().filter(|id| own.contains(id)).copied().collect()
}
