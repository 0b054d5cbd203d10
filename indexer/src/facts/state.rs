//! What is known at one moment.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use super::fact::{Fact, Id, day_of};
use super::layers::Layers;
use super::notable::Notable;
use super::people::Person;

/// A sentence that matters, and its document.
#[derive(Clone, Debug, PartialEq)]
pub struct Noted {
    /// The same while the words are the same: what an order to remove it names.
    pub id: Id,
    /// The document.
    pub path: Arc<Path>,
    /// The date of the document.
    pub at: Timestamp,
    /// The sentence.
    pub notable: Notable,
}

/// Facts at one moment. Never changed; the next moment has its own.
#[derive(Debug, Default)]
pub struct Facts {
    /// Grows with every change.
    pub number: u64,
    pub(super) layers: Layers,
    /// What took the place of a fact, and on which day that ended.
    pub(super) superseded: HashMap<Id, (Id, Date)>,
    /// The sentences that matter, by document.
    pub(super) notable: BTreeMap<Arc<Path>, Arc<[Noted]>>,
    pub(super) people: Vec<Person>,
}

impl Facts {
    /// All of them, by source and line.
    pub fn all(&self) -> impl ExactSizeIterator<Item = Fact<'_>> + DoubleEndedIterator + Clone {
        (0..self.len()).map(|at| self.view(at))
    }

    /// Those of which this document is the best source, by line.
    pub fn of<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = Fact<'a>> {
        let from = self.layers.partition_point(|fact| fact.source.path < path);
        (from..self.len()).map(|at| self.view(at)).take_while(move |fact| fact.source.path == path)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The one at a position in the order of [`all`](Facts::all).
    pub fn at(&self, at: u32) -> Option<Fact<'_>> {
        ((at as usize) < self.len()).then(|| self.view(at as usize))
    }

    fn view(&self, at: usize) -> Fact<'_> {
        self.ended(self.layers.fact(at))
    }

    /// A fact with what took its place.
    fn ended<'a>(&self, fact: Fact<'a>) -> Fact<'a> {
        match self.superseded.get(&fact.id) {
            Some((by, until)) => Fact { superseded_by: Some(*by), valid_until: Some(*until), ..fact },
            None => fact,
        }
    }

    /// The fact with this id.
    pub fn get(&self, id: Id) -> Option<Fact<'_>> {
        self.layers.position(id).map(|at| self.view(at))
    }

    /// What was known on a day, whatever was learnt since: that is not yet there, and has ended nothing yet.
    pub fn known_on(&self, day: Date) -> impl Iterator<Item = Fact<'_>> + Clone {
        let was_known = move |fact: &Fact| day_of(fact.observed_at) <= day;
        let ended = move |(by, until): &(Id, Date)| *until <= day && self.get(*by).is_some_and(|by| was_known(&by));
        let known = (0..self.len()).map(|at| self.layers.fact(at)).filter(move |fact| {
            let over = fact.valid_until.is_some_and(|until| until < day);
            was_known(fact) && !over && !self.superseded.get(&fact.id).is_some_and(ended)
        });
        known.map(|fact| self.ended(fact))
    }

    /// The facts whose ids begin with these digits, in no order.
    pub fn beginning(&self, digits: &str) -> impl Iterator<Item = Fact<'_>> {
        let first = Id::parse(&format!("{digits:0<16}")).zip(Id::parse(&format!("{digits:f<16}")));
        let positions = first.into_iter().flat_map(|(first, last)| self.layers.between(first, last));
        positions.map(|at| self.view(at))
    }

    /// The facts whose place a newer one took, each with that one, in no order.
    pub fn superseded(&self) -> impl Iterator<Item = (Id, Id)> {
        self.superseded.iter().map(|(old, (by, _))| (*old, *by))
    }

    /// The sentences that matter, by document and line. Those that the owner removed are not among them.
    pub fn notable(&self) -> impl Iterator<Item = &Noted> {
        self.notable.values().flat_map(|noted| noted.iter())
    }

    /// The people that the documents speak of, those with most facts first.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// What orders call the fact or sentence with this id.
    pub fn statements(&self, id: Id) -> Option<Vec<Id>> {
        let noted = || self.notable().any(|noted| noted.id == id).then(|| vec![id]);
        self.layers.position(id).map(|at| self.layers.statements(at)).or_else(noted)
    }

    /// Whether anything in them is not as the last whole merge packed it.
    pub fn are_changed(&self) -> bool {
        self.layers.is_changed()
    }

    /// Gives back the memory that reading took.
    pub fn rest(&self) {
        self.layers.rest();
    }
}
