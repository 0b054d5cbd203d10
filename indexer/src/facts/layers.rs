//! Facts in two layers, as one sequence by source and line: what the last whole merge packed, and over it what changed since.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::fact::{Fact, Id};
use super::packed::Packed;
use super::shift::Shift;

/// The layers. Never changed; a change makes others, which share the lower one.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    base: Arc<Packed>,
    /// Rows of the base, by id.
    by_id: Arc<[u32]>,
    /// What lies over the base, in order.
    over: Vec<Over>,
    /// The same by id, each with its place in `over`.
    over_by_id: Vec<(Id, u32)>,
    /// From rows of the base to positions.
    shift: Shift,
}

/// A fact over the base.
#[derive(Clone, Debug)]
struct Over {
    packed: Arc<Packed>,
    row: u32,
    id: Id,
    /// How many rows of the base come before it, also of those that are gone.
    rank: u32,
}

impl Over {
    fn fact(&self) -> Fact<'_> {
        self.packed.fact(self.row as usize)
    }
}

/// What the order is by.
fn place<'a>(fact: &Fact<'a>) -> (&'a Path, u32, Id) {
    (fact.source.path, fact.source.line, fact.id)
}

impl Layers {
    /// One layer.
    pub fn new(base: Packed) -> Self {
        let mut by_id: Vec<u32> = (0..base.len() as u32).collect();
        by_id.sort_unstable_by_key(|row| base.id(*row as usize));
        Self { base: Arc::new(base), by_id: by_id.into(), ..Self::default() }
    }

    /// These with what `patch` has in place of the facts with these ids.
    pub fn with(&self, ids: &HashSet<Id>, patch: Packed) -> Self {
        let patch = Arc::new(patch);
        let taken = ids.iter().filter_map(|id| self.in_base(*id));
        let mut gone: Vec<u32> = self.shift.gone().iter().copied().chain(taken).collect();
        gone.sort_unstable();
        gone.dedup();
        let new = (0..patch.len()).map(|row| {
            let rank = self.rank(&patch.fact(row));
            Over { id: patch.id(row), row: row as u32, rank, packed: patch.clone() }
        });
        let kept = self.over.iter().filter(|over| !ids.contains(&over.id)).cloned();
        let mut over: Vec<Over> = kept.chain(new).collect();
        over.sort_by(|a, b| place(&a.fact()).cmp(&place(&b.fact())));
        let living = |rank: u32| rank - gone.partition_point(|gone| *gone < rank) as u32;
        let come = (0..).zip(&over).map(|(before, over)| before + living(over.rank)).collect();
        let mut over_by_id: Vec<(Id, u32)> = (0..).zip(&over).map(|(at, over)| (over.id, at)).collect();
        over_by_id.sort_unstable();
        Self { base: self.base.clone(), by_id: self.by_id.clone(), over, over_by_id, shift: Shift::new(gone, come) }
    }

    /// How many rows of the base come before a fact.
    fn rank(&self, fact: &Fact) -> u32 {
        partition(self.base.len(), |row| place(&self.base.fact(row)) < place(fact)) as u32
    }

    /// Whether anything lies over the base, or is gone from it.
    pub fn is_changed(&self) -> bool {
        !self.over.is_empty() || !self.shift.gone().is_empty()
    }

    /// How many facts there are.
    pub fn len(&self) -> usize {
        self.base.len() - self.shift.gone().len() + self.over.len()
    }

    /// The fact at a position, an empty one where there are fewer. What took its place is not known here.
    pub fn fact(&self, at: usize) -> Fact<'_> {
        let (packed, row) = self.find(at);
        packed.fact(row)
    }

    /// What orders call the statements of a fact.
    pub fn statements(&self, at: usize) -> Vec<Id> {
        let (packed, row) = self.find(at);
        packed.statements(row)
    }

    fn find(&self, at: usize) -> (&Packed, usize) {
        match self.shift.back(at as u32) {
            Ok(row) => (&self.base, row as usize),
            Err(new) => (&self.over[new].packed, self.over[new].row as usize),
        }
    }

    /// The first position whose fact does not come before, of facts of which those that do stand first.
    pub fn partition_point(&self, before: impl Fn(&Fact) -> bool) -> usize {
        partition(self.len(), |at| before(&self.fact(at)))
    }

    /// The position of the fact with this id.
    pub fn position(&self, id: Id) -> Option<usize> {
        let over = self.over_by_id.binary_search_by_key(&id, |(id, _)| *id);
        let at = match over {
            Ok(at) => self.over_at(self.over_by_id[at].1),
            Err(_) => self.in_base(id).and_then(|row| self.shift.forth(row)),
        };
        at.map(|at| at as usize)
    }

    /// The positions of the facts with ids from `first` to `last`, in no order.
    pub fn between(&self, first: Id, last: Id) -> impl Iterator<Item = usize> {
        let from = self.by_id.partition_point(|row| self.base.id(*row as usize) < first);
        let rows = self.by_id[from..].iter().take_while(move |row| self.base.id(**row as usize) <= last);
        let from = self.over_by_id.partition_point(|(id, _)| *id < first);
        let over = self.over_by_id[from..].iter().take_while(move |(id, _)| *id <= last);
        let over = over.filter_map(|(_, at)| self.over_at(*at));
        rows.filter_map(|row| self.shift.forth(*row)).chain(over).map(|at| at as usize)
    }

    /// The position of what stands at a place in `over`.
    fn over_at(&self, at: u32) -> Option<u32> {
        self.shift.come().get(at as usize).copied()
    }

    fn in_base(&self, id: Id) -> Option<u32> {
        let at = self.by_id.binary_search_by_key(&id, |row| self.base.id(*row as usize)).ok()?;
        self.by_id.get(at).copied()
    }

    /// Gives back the memory that reading took.
    pub fn rest(&self) {
        self.base.rest();
    }
}

/// The first of `len` numbers that does not come before, where those that do are the smaller ones.
fn partition(len: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut from, mut to) = (0, len);
    while from < to {
        let middle = from.midpoint(to);
        match before(middle) {
            true => from = middle + 1,
            false => to = middle,
        }
    }
    from
}
