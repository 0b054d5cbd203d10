//! From the statements of all documents to facts: the same one from ten places is one, and a newer one takes the
//! place of an older one that it contradicts.
//!
//! The documents are gone through one after the other, three times: for the names in them, for the facts that are stated more
//! than once, and for the facts. So it is enough to have one of them in memory.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use super::draft::{self, Entities};
use super::entity::{self, Names};
use super::fact::{Fact, Found, Id, day_of};
use super::functional;
use super::notable::Notable;
use super::orders::Orders;
use super::packed::Packed;
use super::packer::Packer;
use super::people::{self, Person};
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

/// Documents, by path, which say the same as often as they are asked.
pub trait Documents {
    /// Calls `visit` for each of them.
    ///
    /// # Errors
    /// Those of `visit`, and those of the store.
    fn each(&self, visit: &mut dyn FnMut(Stated<'_>) -> Result<(), Error>) -> Result<(), Error>;
}

impl Documents for [Stated<'_>] {
    fn each(&self, visit: &mut dyn FnMut(Stated<'_>) -> Result<(), Error>) -> Result<(), Error> {
        self.iter().try_for_each(|stated| visit(*stated))
    }
}

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
    packed: Packed,
    /// What took the place of a fact, and on which day that ended.
    superseded: HashMap<u32, (Id, Date)>,
    /// Positions of all facts, by id.
    by_id: Vec<u32>,
    notable: Vec<Noted>,
    people: Vec<Person>,
}

impl Facts {
    /// The facts in these documents, after these orders of the owner; kept in files in `dir`, if there is one.
    ///
    /// # Errors
    /// [`Error::Io`] of those files, and errors of the documents.
    pub fn new(
        number: u64,
        documents: &(impl Documents + ?Sized),
        orders: &Orders,
        dir: Option<&Path>,
    ) -> Result<Self, Error> {
        let (mut names, mut notable) = (Names::default(), Vec::new());
        documents.each(&mut |stated| {
            stated.found.iter().for_each(|found| names.gather(found));
            note(&mut notable, &stated, orders);
            Ok(())
        })?;
        let merge = Merge { names, orders, by_owner: orders.stated().collect() };
        let packed = merge.packed(documents, dir)?;
        let superseded = functional::superseded(&packed, orders);
        let people = people::people(&packed);
        let mut by_id: Vec<u32> = (0..packed.len() as u32).collect();
        by_id.sort_unstable_by_key(|at| packed.id(*at as usize));
        packed.rest();
        Ok(Self { number, packed, superseded, by_id, notable, people })
    }

    /// All of them, by source and line.
    pub fn all(&self) -> impl ExactSizeIterator<Item = Fact<'_>> + DoubleEndedIterator + Clone {
        (0..self.len()).map(|at| self.view(at))
    }

    /// Those of which this document is the best source, by line.
    pub fn of<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = Fact<'a>> {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = from.midpoint(to);
            match self.packed.fact(middle).source.path < path {
                true => from = middle + 1,
                false => to = middle,
            }
        }
        (from..self.len()).map(|at| self.view(at)).take_while(move |fact| fact.source.path == path)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.packed.len()
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
        let fact = self.packed.fact(at);
        match self.superseded.get(&(at as u32)) {
            Some((by, until)) => Fact { superseded_by: Some(*by), valid_until: Some(*until), ..fact },
            None => fact,
        }
    }

    /// The fact with this id.
    pub fn get(&self, id: Id) -> Option<Fact<'_>> {
        self.position(id).map(|at| self.view(at))
    }

    /// What was known on a day, whatever was learnt since: that is not yet there, and has ended nothing yet.
    pub fn known_on(&self, day: Date) -> impl Iterator<Item = Fact<'_>> + Clone {
        let was_known = move |fact: &Fact| day_of(fact.observed_at) <= day;
        let ended = move |(by, until): &(Id, Date)| *until <= day && self.get(*by).is_some_and(|by| was_known(&by));
        let known = (0..self.len()).filter(move |at| {
            let fact = self.packed.fact(*at);
            let over = fact.valid_until.is_some_and(|until| until < day);
            was_known(&fact) && !over && !self.superseded.get(&(*at as u32)).is_some_and(ended)
        });
        known.map(|at| self.view(at))
    }

    /// The facts whose ids begin with these digits.
    pub fn beginning(&self, digits: &str) -> impl Iterator<Item = Fact<'_>> {
        let first = Id::parse(&format!("{digits:0<16}")).map(|id| {
            let from = self.by_id.partition_point(|at| self.packed.id(*at as usize) < id);
            self.by_id[from..].iter().map(|at| self.view(*at as usize))
        });
        let digits = digits.to_owned();
        first.into_iter().flatten().take_while(move |fact| fact.id.to_string().starts_with(&digits))
    }

    fn position(&self, id: Id) -> Option<usize> {
        let at = self.by_id.binary_search_by_key(&id, |at| self.packed.id(*at as usize)).ok()?;
        self.by_id.get(at).map(|at| *at as usize)
    }

    /// The facts whose place a newer one took, each with that one, in no order.
    pub fn superseded(&self) -> impl Iterator<Item = (Id, Id)> {
        self.superseded.iter().map(|(at, (by, _))| (self.packed.id(*at as usize), *by))
    }

    /// The sentences that matter, by document and line. Those that the owner removed are not among them.
    pub fn notable(&self) -> &[Noted] {
        &self.notable
    }

    /// The people that the documents speak of, those with most facts first.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// What orders call the fact or sentence with this id.
    pub fn statements(&self, id: Id) -> Option<Vec<Id>> {
        let noted = || self.notable.iter().any(|noted| noted.id == id).then(|| vec![id]);
        self.position(id).map(|at| self.packed.statements(at)).or_else(noted)
    }

    /// Gives back the memory that reading took.
    pub fn rest(&self) {
        self.packed.rest();
    }
}

/// What statements are made facts with.
struct Merge<'a> {
    names: Names,
    orders: &'a Orders,
    /// What the owner stated, in the journal.
    by_owner: Vec<Stated<'a>>,
}

impl Merge<'_> {
    fn packed(&self, documents: &(impl Documents + ?Sized), dir: Option<&Path>) -> Result<Packed, Error> {
        let mut ids = Vec::new();
        documents.each(&mut |stated| {
            let near = entity::near(stated.found);
            ids.extend(self.kept(&stated).map(|found| self.id(found, &stated, &near)));
            Ok(())
        })?;
        let own: Vec<(u32, Id)> =
            self.own().map(|(stated, found)| (found.line, self.id(found, stated, &HashSet::new()))).collect();
        let (mut packer, stated_too) = (Packer::new(dir, repeated(&ids, &own)), stated_by(&ids, &own));
        let (mut ids, mut waiting) = (ids.into_iter(), true);
        documents.each(&mut |stated| {
            if waiting && self.by_owner.first().is_some_and(|journal| journal.path < stated.path) {
                waiting = false;
                self.reserve(&mut packer, &own, &stated_too)?;
            }
            let near = entity::near(stated.found);
            let mut page = packer.begin(stated.path)?;
            for found in self.kept(&stated) {
                let Some(id) = ids.next() else { break };
                packer.add(&mut page, found, stated.learnt, id, || Entities::of(found, &self.names, &near))?;
            }
            packer.end(&mut page)
        })?;
        if waiting {
            self.reserve(&mut packer, &own, &stated_too)?;
        }
        if let Some(journal) = self.by_owner.first() {
            let mut page = packer.begin(journal.path)?;
            for ((stated, found), (_, id)) in self.own().zip(&own) {
                packer
                    .add(&mut page, found, stated.learnt, *id, || Entities::of(found, &self.names, &HashSet::new()))?;
            }
        }
        packer.finish()
    }

    /// Keeps places for what only the owner states, where the journal stands among the documents.
    fn reserve(&self, packer: &mut Packer, own: &[(u32, Id)], stated_too: &HashSet<Id>) -> Result<(), Error> {
        let Some(journal) = self.by_owner.first() else { return Ok(()) };
        let mut page = packer.begin(journal.path)?;
        packer.reserve(&mut page, own.iter().copied().filter(|(_, id)| !stated_too.contains(id)));
        packer.end(&mut page)
    }

    /// The statements of a document that the owner did not remove.
    fn kept<'s>(&'s self, stated: &Stated<'s>) -> impl Iterator<Item = &'s Found> {
        let all = stated.found.iter().chain(stated.read);
        all.filter(|found| !(self.orders.remove_something() && self.orders.is_removed(draft::statement(found))))
    }

    fn own(&self) -> impl Iterator<Item = (&Stated<'_>, &Found)> {
        self.by_owner.iter().flat_map(|stated| stated.found.iter().map(move |found| (stated, found)))
    }

    fn id(&self, found: &Found, stated: &Stated, near: &HashSet<String>) -> Id {
        Entities::of(found, &self.names, near).id(found, stated.path)
    }
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

/// Adds the sentences of a document that matter, without those that the owner removed, alone or with everything that they state.
fn note(all: &mut Vec<Noted>, stated: &Stated, orders: &Orders) {
    let removed = |notable: &Notable| {
        let mut here = stated.found.iter().filter(|found| found.quote == notable.quote);
        orders.remove_something() && here.any(|found| orders.is_removed(draft::statement(found)))
    };
    let mut path: Option<Arc<Path>> = None;
    for notable in stated.notable.iter().filter(|notable| !removed(notable)) {
        let id = draft::sentence(&notable.quote);
        if !orders.is_removed(id) {
            let path = path.get_or_insert_with(|| stated.path.into()).clone();
            all.push(Noted { id, path, at: stated.at, notable: notable.clone() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Method;
    use crate::facts::orders::Order;

    fn found(subject: &str, predicate: &str, object: &str, line: u32) -> Found {
        let quote = format!("{subject} {predicate} {object}.");
        Found { line, quote, ..entity::tests::found(subject, predicate, object) }
    }

    fn facts(documents: &[(&str, Vec<Found>)], orders: Vec<Order>, dir: Option<&Path>) -> Facts {
        let mut stated = Vec::new();
        for (n, (path, found)) in (1..).zip(documents) {
            let at = Timestamp::new(n * 1_000_000, 0).unwrap();
            stated.push(Stated { path: Path::new(*path), found, read: &[], notable: &[], at, learnt: at });
        }
        Facts::new(1, stated.as_slice(), &Orders::new(Path::new("/j"), orders), dir).unwrap()
    }

    fn by_owner(found: Found) -> Found {
        Found { method: Method::User, ..found }
    }

    fn shown(facts: &Facts) -> Vec<String> {
        let one = |fact: Fact| format!("{}:{} {}", fact.source.path.display(), fact.source.line, fact.sentence());
        facts.all().map(one).collect()
    }

    #[test]
    fn facts_stand_by_source_and_line() {
        let documents = [
            ("/a", vec![found("Oda", "owns", "a boat", 7), found("Oda Brekke", "lives in", "Bergen", 2)]),
            ("/k", vec![found("Oda Brekke", "owns", "the boat", 1), found("Oda", "owns", "a mill", 1)]),
        ];
        let at = Timestamp::UNIX_EPOCH;
        let state = |subject: &str, object: &str| Order::State { fact: found(subject, "owns", object, 0), at };
        let owned = facts(&documents, vec![state("Kari", "a cat"), state("Oda Brekke", "a mill")], None);
        let want = [
            "/a:2 Oda Brekke lives in Bergen",
            "/a:7 Oda Brekke owns a boat",
            "/j:1 Kari owns a cat",
            "/k:1 Oda Brekke owns a mill",
        ];
        assert_eq!(shown(&owned), want);
        let of = |path: &str| owned.of(Path::new(path)).map(|fact| fact.source.line).collect::<Vec<_>>();
        assert_eq!(["/", "/a", "/b", "/j", "/k", "/z"].map(of), [vec![], vec![2, 7], vec![], vec![1], vec![1], vec![]]);
        let boat = owned.at(1).unwrap();
        let sources: Vec<(&Path, u32, &str)> = boat.sources.iter().map(|s| (s.path, s.line, s.quote)).collect();
        let want = [(Path::new("/a"), 7, "Oda owns a boat."), (Path::new("/k"), 1, "Oda Brekke owns the boat.")];
        assert_eq!(sources, want);
        assert_eq!((boat.sources.count(), boat.confidence, boat.subject_entity), (2, 0.88, Some("Oda Brekke")));
        assert_eq!(owned.at(3).unwrap().sources.count(), 2, "the owner says so too");
        assert_eq!(owned.get(boat.id).unwrap().sentence(), boat.sentence());
        assert_eq!(owned.statements(boat.id).unwrap().len(), 2);
        assert!(owned.at(4).is_none() && owned.get(Id(7)).is_none());
        let digits = &boat.id.to_string()[..10];
        assert_eq!(owned.beginning(digits).map(|fact| fact.id).collect::<Vec<_>>(), [boat.id]);
        assert!(owned.beginning("zz").next().is_none() && owned.beginning("").count() == owned.len());
    }

    #[test]
    fn of_the_owners_words_for_one_fact_the_last_hold() {
        let documents = [("/a", vec![found("Oda Brekke", "lives in", "Bergen", 2)])];
        let state = |subject: &str, day: &str| {
            let fact = Found { valid_from: day.parse().ok(), ..by_owner(found(subject, "lives in", "Bergen", 0)) };
            Order::State { fact, at: Timestamp::UNIX_EPOCH }
        };
        // Several times, since what they are kept in has another order each time.
        for _ in 0..8 {
            let orders = vec![state("Oda", "2021-01-01"), state("Oda Brekke", "2022-01-01")];
            let facts = facts(&documents, orders, None);
            assert_eq!((facts.len(), facts.at(0).unwrap().valid_from), (1, "2022-01-01".parse().ok()));
        }
    }

    #[test]
    fn what_is_remembered_does_not_begin_on_the_day_it_was() {
        let of = |day: &str| Found { valid_from: day.parse().ok(), ..found("Oda Brekke", "lives in", "Bergen", 1) };
        let known = of("2020-01-02");
        let learnt = "2026-11-22T09:30:00Z".parse().ok();
        let remembered = Found { learnt, ..by_owner(of("2026-11-22")) };
        for documents in [[known.clone(), remembered.clone()], [remembered, known]] {
            let [a, b] = documents;
            let facts = facts(&[("/a", vec![a]), ("/b", vec![b])], Vec::new(), None);
            let fact = facts.at(0).unwrap();
            assert_eq!((fact.valid_from, fact.method), ("2020-01-02".parse().ok(), Method::User));
        }
    }

    #[test]
    fn files_hold_the_same_facts_as_memory() {
        let one = |n: usize| found(&format!("Oda {n} Brekke"), "owns", &format!("the boat {}", n % 900), n as u32);
        let documents: Vec<(String, Vec<Found>)> =
            (0..300).map(|n| (format!("/{n:03}"), (n * 10..n * 10 + 20).map(one).collect())).collect();
        let documents: Vec<(&str, Vec<Found>)> =
            documents.iter().map(|(p, found)| (p.as_str(), found.clone())).collect();
        let dir = tempfile::tempdir().unwrap();
        let (memory, files) = (facts(&documents, Vec::new(), None), facts(&documents, Vec::new(), Some(dir.path())));
        let lines = |facts: &Facts| facts.all().map(|f| serde_json::to_string(&f).unwrap()).collect::<Vec<_>>();
        files.rest();
        assert_eq!((memory.len(), lines(&files)), (3_010, lines(&memory)));
    }
}
