//! Search by meaning: the vectors of all passages as 8-bit numbers, and the graph over them.
//!
//! A search compares the query with every passage that passes the filter, and keeps the best one of each document:
//! a third of a millisecond for ten thousand passages. Above [`SCANNED`] passages a walk through a graph proposes which
//! ones to compare, unless a filter leaves few. The best are compared again with 16-bit numbers.
//!
//! One thread adds, removes, grows the graph and saves; searches and renames come from others. Rows of documents that
//! are gone stay as tombstones until the next generation is saved, which holds the living alone.

mod adopt;
mod audit;
mod cache;
mod codes;
mod dot;
mod generation;
mod graph;
mod mapped;
mod nearest;
mod rows;
mod seed;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Range;

pub use adopt::save;
pub use audit::{Recall, audit};
pub use cache::Cache;
pub use codes::Quantised;
pub use generation::Generations;
pub use graph::{Graph, Near, Plan};
pub use nearest::Nearest;
pub use rows::Rows;
pub use seed::seed;

pub use crate::bits::Bits;
use crate::record::Serial;
use nearest::Gathering;

/// Owner of a row that nobody owns any more.
const NOBODY: Serial = Serial::MAX;

/// Up to this many rows every search compares all of them.
pub const SCANNED: usize = 20_000;
/// Rows that hnsw_rs puts into a new graph.
const SEED: usize = 5_000;
/// Rows that a walk through the graph keeps in sight; more where a filter takes some away.
const EFFORT: usize = 256;
/// The graph is asked only if at least one document in this many passes the filter.
const SELECTIVE: usize = 10;

/// The vectors of all passages, of a long one those of its parts.
#[derive(Debug)]
pub struct Vectors {
    rows: Rows,
    /// The document of each row.
    owners: Vec<Serial>,
    /// The rows of each document: those of its first passages, in order.
    documents: HashMap<Serial, Range<u32>>,
    dead: usize,
    scanned: usize,
    effort: usize,
    graph: Option<Graph>,
}

/// What the graph needs next.
pub enum Growth {
    /// A graph over these rows.
    Seed(Rows),
    /// One more row.
    Row(Plan),
}

/// Sizes, for those who want to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Vectors that can be found.
    pub living: usize,
    /// Tombstones.
    pub dead: usize,
    /// Rows that the graph has, tombstones too.
    pub in_graph: usize,
    /// Rows that no generation has yet.
    pub unsaved: usize,
}

impl Vectors {
    /// For vectors of `dim` numbers.
    pub fn new(dim: usize) -> Self {
        Self::of(Rows::new(dim), Vec::new(), None)
    }

    /// Rows of these owners, the rows of each one after the other.
    pub fn of(rows: Rows, owners: Vec<Serial>, graph: Option<Graph>) -> Self {
        let documents = documents(&owners);
        let dead = owners.iter().filter(|owner| **owner == NOBODY).count();
        Self { rows, owners, documents, dead, scanned: SCANNED, effort: EFFORT, graph }
    }

    /// Scans up to so many rows, and asks a graph where there are more.
    pub fn scan_up_to(&mut self, rows: usize) {
        self.scanned = rows;
    }

    /// What the graph lacks; `None` when it has all rows or none is needed.
    pub fn growth(&self) -> Option<Growth> {
        if self.owners.len() <= self.scanned {
            return None;
        }
        match &self.graph {
            None => Some(Growth::Seed(self.rows.first(SEED))),
            Some(graph) if graph.rows() < self.owners.len() => Some(Growth::Row(graph.plan(&self.rows))),
            Some(_) => None,
        }
    }

    /// Takes a graph over the first rows.
    pub fn plant(&mut self, graph: Graph) {
        self.graph = Some(graph);
    }

    /// Puts the next row into the graph.
    pub fn grow(&mut self, plan: Plan) {
        if let Some(graph) = &mut self.graph {
            graph.put(plan);
        }
    }

    /// How many of everything there are.
    pub fn size(&self) -> Size {
        Size {
            living: self.owners.len() - self.dead,
            dead: self.dead,
            in_graph: self.graph.as_ref().map_or(0, Graph::rows),
            unsaved: self.rows.unsaved(),
        }
    }

    /// How many vectors of a document there are: those of its first passages.
    pub fn known(&self, serial: Serial) -> usize {
        self.documents.get(&serial).map_or(0, |rows| rows.len())
    }

    /// Adds the vectors of a document's next passages. Vectors without direction are taken as they are: their cosine
    /// with everything is 0. `false` when another document was added since this one's first passages; then nothing is done.
    pub fn add(&mut self, serial: Serial, vectors: &[impl AsRef<[f32]>]) -> bool {
        let end = self.owners.len() as u32;
        let rows = self.documents.entry(serial).or_insert(end..end);
        if rows.end != end {
            return false;
        }
        rows.end += vectors.len() as u32;
        for vector in vectors {
            self.rows.push(vector.as_ref());
            self.owners.push(serial);
        }
        true
    }

    /// Takes a document out.
    pub fn remove(&mut self, serial: Serial) {
        let Some(rows) = self.documents.remove(&serial) else { return };
        self.dead += rows.len();
        rows.for_each(|row| self.owners[row as usize] = NOBODY);
    }

    /// The same passages under another serial number.
    pub fn rename(&mut self, from: Serial, to: Serial) {
        if let Some(rows) = self.documents.remove(&from) {
            rows.clone().for_each(|row| self.owners[row as usize] = to);
            self.documents.insert(to, rows);
        }
    }

    /// The documents that are in here.
    pub fn documents(&self) -> impl Iterator<Item = Serial> + '_ {
        self.documents.keys().copied()
    }

    /// The best cosine of documents in `allowed`, whose serial numbers are all below `serials`: of every one of them by a
    /// scan, of the nearest and those in `wanted` with the graph.
    pub fn nearest(&self, query: &Quantised, allowed: &Bits, serials: usize, wanted: &[Serial]) -> Nearest {
        let passing = allowed.count();
        let few = passing * SELECTIVE < self.documents.len();
        let gathering = match &self.graph {
            _ if few => self.by_document(query, allowed, serials),
            Some(graph) => self.by_graph(graph, query, (allowed, passing), serials, wanted),
            None => self.by_scan(query, allowed, serials),
        };
        gathering.end(|row| self.rows.exact(query, row))
    }

    fn by_document(&self, query: &Quantised, allowed: &Bits, serials: usize) -> Gathering {
        let mut gathering = Gathering::new(serials, "exact scan");
        let rows = allowed.iter().filter_map(|serial| self.documents.get(&serial)).cloned().flatten();
        rows.for_each(|row| self.compare(query, row, allowed, &mut gathering));
        gathering
    }

    fn by_scan(&self, query: &Quantised, allowed: &Bits, serials: usize) -> Gathering {
        let mut gathering = Gathering::new(serials, "exact scan");
        (0..self.owners.len() as u32).for_each(|row| self.compare(query, row, allowed, &mut gathering));
        gathering
    }

    fn by_graph(
        &self,
        graph: &Graph,
        query: &Quantised,
        (allowed, passing): (&Bits, usize),
        serials: usize,
        wanted: &[Serial],
    ) -> Gathering {
        let mut gathering = Gathering::new(serials, "hnsw");
        let effort = self.effort * self.documents.len().max(1) / passing.clamp(1, self.documents.len().max(1));
        graph.walk(&self.rows, query.probe(), effort, |near| {
            let owner = self.owners[near.row as usize];
            if allowed.contains(owner) {
                gathering.add(near, owner);
            }
        });
        let wanted = wanted.iter().filter_map(|serial| self.documents.get(serial)).cloned().flatten();
        let rest = graph.rows() as u32..self.owners.len() as u32;
        wanted.chain(rest).for_each(|row| self.compare(query, row, allowed, &mut gathering));
        gathering
    }

    fn compare(&self, query: &Quantised, row: u32, allowed: &Bits, gathering: &mut Gathering) {
        let owner = self.owners[row as usize];
        if allowed.contains(owner) {
            gathering.add(Near { cosine: self.rows.rough(query.probe(), row), row }, owner);
        }
    }

    /// The `count` nearest rows, whoever owns them: of all by a scan, or of those that a walk with this effort finds.
    pub fn neighbours(&self, query: &Quantised, count: usize, effort: Option<usize>) -> Vec<Near> {
        let rough = |row: u32| Near { cosine: self.rows.rough(query.probe(), row), row };
        let mut near: Vec<Near> = match (effort, &self.graph) {
            (Some(effort), Some(graph)) => graph.walk(&self.rows, query.probe(), effort, |_| {}),
            _ => (0..self.owners.len() as u32).map(rough).collect(),
        };
        let rescored = near.len().min(4 * count);
        if near.len() > rescored {
            near.select_nth_unstable_by(rescored - 1, |a, b| b.cosine.total_cmp(&a.cosine));
        }
        near.truncate(rescored);
        near.iter_mut().for_each(|near| near.cosine = self.rows.exact(query, near.row));
        near.sort_unstable_by(|a, b| b.cosine.total_cmp(&a.cosine));
        near.truncate(count);
        near
    }

    /// The cosine of each part of each passage of a document, as far as they are known.
    pub fn parts(&self, query: &Quantised, serial: Serial) -> Vec<f32> {
        let rows = self.documents.get(&serial).cloned().unwrap_or_default();
        rows.map(|row| self.rows.exact(query, row)).collect()
    }

    /// The sum of a document's vectors; `None` when none is known.
    pub fn sum(&self, serial: Serial) -> Option<Vec<f32>> {
        let rows = self.documents.get(&serial).filter(|rows| !rows.is_empty())?.clone();
        let mut sum = vec![0.0; self.rows.dim()];
        rows.for_each(|row| self.rows.add_to(&mut sum, row));
        Some(sum)
    }
}

/// The rows of each owner, which stand together.
fn documents(owners: &[Serial]) -> HashMap<Serial, Range<u32>> {
    let mut documents = HashMap::new();
    let mut start = 0;
    for run in owners.chunk_by(|a, b| a == b) {
        let end = start + run.len() as u32;
        if run[0] != NOBODY {
            documents.insert(run[0], start..end);
        }
        start = end;
    }
    documents
}
