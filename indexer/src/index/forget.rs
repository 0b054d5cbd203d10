//! Forgetting: what an order takes away is found out once, for who only wants to see it and for carrying it out.

mod carrying_out;
mod scope;
mod told;

use std::path::{Component, Path, PathBuf};

use super::Index;
use crate::facts::{Id, Wish};
use crate::remembered::NOTE;
use crate::{Error, Forgotten};

/// What is to be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The file or directory at this absolute path.
    Path(PathBuf),
    /// The line with this number of the note of remembered sentences.
    Line(u32),
    /// The documents that a query lets through. Its bare words are required here.
    Query(String),
    /// The fact with this id. The text that states it stays.
    Fact(Id),
}

impl Index {
    /// What a text names, if it does: a line of the remembered sentences (`remembered.md:3`), a path, absolute or below a source,
    /// or the id of a fact.
    ///
    /// # Errors
    /// [`Error::Vague`] when the path is in several sources.
    pub fn wanted(&self, text: &str) -> Result<Option<Wanted>, Error> {
        if let Some((note, line)) = text.rsplit_once(':')
            && let Ok(line) = line.parse()
            && self.named(note)?.is_some_and(|note| note == self.notes().join(NOTE))
        {
            return Ok(Some(Wanted::Line(line)));
        }
        if let Some(path) = self.named(text)? {
            return Ok(Some(Wanted::Path(path)));
        }
        Ok(Id::parse(text).filter(|id| self.facts().statements(*id).is_some()).map(Wanted::Fact))
    }

    /// The path itself if it is absolute, else that of what is so called below a source.
    fn named(&self, text: &str) -> Result<Option<PathBuf>, Error> {
        let path = Path::new(text);
        if path.is_absolute() {
            return Ok(Some(path.to_owned()));
        }
        let plain = !text.is_empty() && path.components().all(|part| matches!(part, Component::Normal(_)));
        let there = |path: &PathBuf| self.record(path).is_some() || path.symlink_metadata().is_ok();
        let sources = self.shared.sources.iter().filter(|_| plain);
        let found: Vec<PathBuf> = sources.map(|source| source.root.join(path)).filter(there).collect();
        match found.as_slice() {
            [_, _, ..] => Err(Error::Vague(format!("{text} is in several sources, give its whole path"))),
            found => Ok(found.first().cloned()),
        }
    }

    fn notes(&self) -> PathBuf {
        self.shared.config.data.join("notes")
    }

    /// Removes the file or directory at `path` from everything, as [`forget_wanted`](Index::forget_wanted) does.
    ///
    /// # Errors
    /// As [`forget_wanted`](Index::forget_wanted).
    pub fn forget(&self, path: &Path) -> Result<Forgotten, Error> {
        self.forget_wanted(&Wanted::Path(path.to_owned()))
    }

    /// What [`forget_wanted`](Index::forget_wanted) would take away. Changes nothing.
    ///
    /// # Errors
    /// As [`forget_wanted`](Index::forget_wanted).
    pub fn would_forget(&self, wanted: &Wanted) -> Result<Forgotten, Error> {
        match wanted {
            Wanted::Fact(id) => self.fact_told(*id),
            wanted => self.told(&self.scope(wanted)?),
        }
    }

    /// Takes something away for good, from the index and from everything that was made of it: it is not indexed again, also
    /// after a rebuild, nor are files with the same bytes. The owner's files themselves stay; notes, remembered sentences
    /// and conversations, which belong to this system, are deleted. The order is on disk before anything is removed.
    ///
    /// # Errors
    /// [`Error::Outside`] when a path is under no source and was never indexed; [`Error::Vague`] and [`Error::Nothing`] when a
    /// query does not say what or nothing fits it; [`Error::NoFact`]; [`Error::Unerased`] when it is forgotten and some of it
    /// still on disk; I/O errors of the journal.
    pub fn forget_wanted(&self, wanted: &Wanted) -> Result<Forgotten, Error> {
        match wanted {
            Wanted::Fact(id) => self.forget_fact(*id),
            wanted => self.carry_out(&self.scope(wanted)?),
        }
    }

    fn fact_told(&self, id: Id) -> Result<Forgotten, Error> {
        let facts = self.facts();
        let noted = || facts.notable().find(|noted| noted.id == id).map(|noted| noted.notable.quote.clone());
        let sentence = facts.get(id).map(|fact| fact.sentence()).or_else(noted).ok_or(Error::NoFact)?;
        Ok(Forgotten { facts: vec![sentence], ..Forgotten::default() })
    }

    /// As the owner's order to remove it; what the owner stated of it leaves the journal.
    fn forget_fact(&self, id: Id) -> Result<Forgotten, Error> {
        let told = self.fact_told(id)?;
        let wish = Wish::Remove(id.to_string());
        let order = wish.order(&self.facts(), &self.shared.fact_orders()).ok_or(Error::NoFact)?;
        let number = self.shared.order_to_forget_facts(order)?;
        self.wait_until_shown(number);
        Ok(told)
    }
}
