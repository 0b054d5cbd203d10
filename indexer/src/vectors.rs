//! Search by meaning: the vectors of all passages, in memory as 8-bit numbers.
//!
//! A vector takes its length in bytes and a scale. A search compares the query with every passage that passes the
//! filter, and keeps the best one of each document: exact, a millisecond for ten thousand passages. Above
//! [`SCANNED`] passages a graph proposes which ones to compare, unless a filter leaves few. Rows of documents that
//! are gone stay as tombstones until a quarter of all rows are.

mod cache;
mod dot;
mod graph;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use graph::Graph;

pub use cache::Cache;
pub use dot::Quantised;

use crate::bits::Bits;
use crate::record::Serial;

/// Owner of a row that nobody owns any more.
const NOBODY: Serial = Serial::MAX;

/// Up to this many rows every search compares all of them.
pub const SCANNED: usize = 50_000;
/// Rows that the graph proposes in one search.
const PROPOSED: usize = 400;
/// The graph is asked only if at least one document in this many passes the filter.
const SELECTIVE: usize = 10;

/// The vectors of all passages.
#[derive(Debug)]
pub struct Vectors {
    dim: usize,
    codes: Vec<i8>,
    scales: Vec<f32>,
    /// The document of each row.
    owners: Vec<Serial>,
    /// The rows of each document: those of its first passages, in order.
    rows: HashMap<Serial, Range<u32>>,
    dead: usize,
    scanned: usize,
    graph: Option<Arc<Graph>>,
}

/// What one search by meaning found.
#[derive(Debug, Default)]
pub struct Nearest {
    /// By serial number: the highest cosine of a passage; `NEG_INFINITY` where there is none.
    pub score: Vec<f32>,
    /// Documents with a score.
    pub found: Vec<Serial>,
    /// How they were found.
    pub method: &'static str,
}

/// Rows that wait to be put into the graph.
pub struct Growth {
    graph: Arc<Graph>,
    codes: Vec<i8>,
    scales: Vec<f32>,
    dim: usize,
}

impl Growth {
    /// Puts them in. Slow: some hundred rows a second. Nothing is locked meanwhile.
    pub fn apply(self) {
        for (codes, scale) in self.codes.chunks_exact(self.dim).zip(self.scales) {
            self.graph.push(codes, scale);
        }
    }
}

impl Vectors {
    /// For vectors of `dim` numbers.
    pub fn new(dim: usize) -> Self {
        Self {
            dim,
            codes: Vec::new(),
            scales: Vec::new(),
            owners: Vec::new(),
            rows: HashMap::new(),
            dead: 0,
            scanned: SCANNED,
            graph: None,
        }
    }

    /// The next rows that the graph lacks, at most `count`; `None` when there are none or no graph is needed.
    pub fn growth(&mut self, count: usize) -> Option<Growth> {
        if self.owners.len() <= self.scanned {
            return None;
        }
        let graph = self.graph.get_or_insert_with(|| Arc::new(Graph::new(self.dim, 2 * self.owners.len()))).clone();
        let rows = graph.rows()..self.owners.len().min(graph.rows() + count);
        let codes = self.codes[rows.start * self.dim..rows.end * self.dim].to_vec();
        let scales = self.scales[rows.clone()].to_vec();
        (!rows.is_empty()).then_some(Growth { graph, codes, scales, dim: self.dim })
    }

    /// Passages that can be found.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.owners.len() - self.dead
    }

    /// How many passages of a document can be found; its first ones.
    pub fn known(&self, serial: Serial) -> usize {
        self.rows.get(&serial).map_or(0, |rows| rows.len())
    }

    /// Adds the vectors of a document's next passages. Vectors without direction are taken as they are: their cosine
    /// with everything is 0. `false` when another document was added since this one's first passages; then nothing is done.
    pub fn add(&mut self, serial: Serial, vectors: &[impl AsRef<[f32]>]) -> bool {
        let end = self.owners.len() as u32;
        let rows = self.rows.entry(serial).or_insert(end..end);
        if rows.end != end {
            return false;
        }
        rows.end += vectors.len() as u32;
        for vector in vectors {
            let (codes, scale) = dot::quantise(vector.as_ref(), self.dim);
            self.codes.extend_from_slice(&codes);
            self.scales.push(scale);
            self.owners.push(serial);
        }
        true
    }

    /// Takes a document out.
    pub fn remove(&mut self, serial: Serial) {
        let Some(rows) = self.rows.remove(&serial) else { return };
        self.dead += rows.len();
        rows.for_each(|row| self.owners[row as usize] = NOBODY);
        if self.dead > 1_000 && self.dead * 4 > self.owners.len() {
            self.compact();
        }
    }

    /// The same passages under another serial number.
    pub fn rename(&mut self, from: Serial, to: Serial) {
        if let Some(rows) = self.rows.remove(&from) {
            rows.clone().for_each(|row| self.owners[row as usize] = to);
            self.rows.insert(to, rows);
        }
    }

    /// The documents that are in here.
    pub fn documents(&self) -> impl Iterator<Item = Serial> + '_ {
        self.rows.keys().copied()
    }

    fn compact(&mut self) {
        let mut next = 0;
        let mut rows: HashMap<Serial, Range<u32>> = HashMap::with_capacity(self.rows.len());
        for row in 0..self.owners.len() {
            let owner = self.owners[row];
            if owner == NOBODY {
                continue;
            }
            self.codes.copy_within(row * self.dim..(row + 1) * self.dim, next * self.dim);
            self.scales[next] = self.scales[row];
            self.owners[next] = owner;
            next += 1;
            rows.entry(owner).or_insert(next as u32 - 1..next as u32).end = next as u32;
        }
        self.codes.truncate(next * self.dim);
        self.scales.truncate(next);
        self.owners.truncate(next);
        (self.rows, self.dead, self.graph) = (rows, 0, None);
    }

    /// The best cosine of documents in `allowed`, whose serial numbers are all below `serials`: of every one of them by a
    /// scan, of the nearest and those in `wanted` with the graph.
    pub fn nearest(&self, query: &Quantised, allowed: &Bits, serials: usize, wanted: &[Serial]) -> Nearest {
        let mut nearest = Nearest { score: vec![f32::NEG_INFINITY; serials], found: Vec::new(), method: "exact scan" };
        match &self.graph {
            Some(graph) if self.asks_graph(graph, allowed) => {
                self.by_graph(graph, query, allowed, wanted, &mut nearest)
            }
            _ => (0..self.owners.len()).for_each(|row| self.compare(query, row, allowed, &mut nearest)),
        }
        nearest
    }

    fn asks_graph(&self, graph: &Graph, allowed: &Bits) -> bool {
        graph.rows() * 10 >= self.owners.len() * 9 && allowed.count() * SELECTIVE >= self.rows.len()
    }

    fn by_graph(&self, graph: &Graph, query: &Quantised, allowed: &Bits, wanted: &[Serial], nearest: &mut Nearest) {
        nearest.method = "hnsw";
        let is_allowed = |row: u32| self.owners.get(row as usize).is_some_and(|owner| allowed.contains(*owner));
        let proposed = graph.near(query.exact(), PROPOSED, &is_allowed);
        let wanted = wanted.iter().filter_map(|serial| self.rows.get(serial)).cloned().flatten();
        let rest = graph.rows() as u32..self.owners.len() as u32;
        for row in proposed.into_iter().chain(wanted).chain(rest) {
            self.compare(query, row as usize, allowed, nearest);
        }
    }

    fn compare(&self, query: &Quantised, row: usize, allowed: &Bits, nearest: &mut Nearest) {
        let owner = self.owners[row];
        if !allowed.contains(owner) {
            return;
        }
        let cosine = self.cosine(query, row);
        let best = &mut nearest.score[owner as usize];
        if *best == f32::NEG_INFINITY {
            nearest.found.push(owner);
        }
        *best = best.max(cosine);
    }

    /// The cosine of each passage of a document, as far as they are known.
    pub fn passages(&self, query: &Quantised, serial: Serial) -> Vec<f32> {
        let rows = self.rows.get(&serial).cloned().unwrap_or_default();
        rows.map(|row| self.cosine(query, row as usize)).collect()
    }

    /// The sum of a document's vectors; `None` when none is known.
    pub fn sum(&self, serial: Serial) -> Option<Vec<f32>> {
        let rows = self.rows.get(&serial).filter(|rows| !rows.is_empty())?.clone();
        let mut sum = vec![0.0; self.dim];
        for row in rows {
            let scale = self.scales[row as usize];
            let codes = &self.codes[row as usize * self.dim..][..self.dim];
            sum.iter_mut().zip(codes).for_each(|(s, c)| *s += f32::from(*c) * scale);
        }
        Some(sum)
    }

    fn cosine(&self, query: &Quantised, row: usize) -> f32 {
        let codes = &self.codes[row * self.dim..][..self.dim];
        (query.dot(codes) * self.scales[row]).clamp(-1.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(seed: u64, dim: usize) -> Vec<f32> {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        };
        let vector: Vec<f32> = (0..dim).map(|_| next()).collect();
        let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        vector.iter().map(|x| x / norm).collect()
    }

    fn all(count: usize) -> Bits {
        let mut bits = Bits::none(count);
        (0..count as u32).for_each(|n| bits.insert(n));
        bits
    }

    #[test]
    fn cosines_are_close_to_exact() {
        let mut vectors = Vectors::new(384);
        for serial in 0..50 {
            assert!(vectors.add(serial, &[unit(serial.into(), 384), unit(serial as u64 + 1000, 384)]));
        }
        let query = unit(7, 384);
        let nearest = vectors.nearest(&Quantised::new(&query), &all(50), 50, &[]);
        for serial in 0..50u64 {
            let exact = |seed| query.iter().zip(unit(seed, 384)).map(|(a, b)| a * b).sum::<f32>();
            let best = exact(serial).max(exact(serial + 1000));
            assert!((nearest.score[serial as usize] - best).abs() < 0.01);
        }
        assert!(nearest.score[7] > 0.99);
    }

    #[test]
    fn removed_and_filtered_documents_are_not_found() {
        let mut vectors = Vectors::new(16);
        for serial in 0..3_000 {
            vectors.add(serial, &[unit(serial.into(), 16)]);
        }
        (0..2_000).for_each(|serial| vectors.remove(serial));
        assert_eq!(vectors.len(), 1_000);
        assert!(vectors.dead < 1_000, "compacted");
        vectors.rename(2_500, 3_500);
        let mut allowed = all(4_000);
        allowed.subtract(&{
            let mut one = Bits::none(4_000);
            one.insert(2_999);
            one
        });
        let found = vectors.nearest(&Quantised::new(&unit(2_500, 16)), &allowed, 4_000, &[]);
        assert_eq!(found.found.len(), 999);
        assert!(found.score[3_500] > 0.98 && found.score[2_999] == f32::NEG_INFINITY);
        assert_eq!(vectors.passages(&Quantised::new(&unit(2_500, 16)), 3_500).len(), 1);
    }

    #[test]
    fn passages_come_one_document_after_the_other() {
        let mut vectors = Vectors::new(16);
        assert!(vectors.add(1, &[unit(1, 16)]) && vectors.add(1, &[unit(2, 16)]));
        assert_eq!(vectors.known(1), 2);
        assert!(vectors.add(2, &[unit(3, 16)]));
        assert!(!vectors.add(1, &[unit(4, 16)]));
        assert_eq!((vectors.known(1), vectors.len()), (2, 3));
    }

    #[test]
    fn vectors_without_direction_match_nothing() {
        let mut vectors = Vectors::new(4);
        vectors.add(0, &[vec![0.0; 4], vec![f32::NAN; 4], vec![1.0; 3]]);
        let nearest = vectors.nearest(&Quantised::new(&[0.5; 4]), &all(1), 1, &[]);
        assert_eq!(nearest.score[0], 0.0);
    }

    #[test]
    fn the_graph_finds_what_a_scan_finds() {
        let mut vectors = Vectors::new(48);
        for serial in 0..2_000 {
            vectors.add(serial, &[unit(serial.into(), 48)]);
        }
        let queries: Vec<Quantised> = (0..20).map(|n| Quantised::new(&unit(90_000 + n, 48))).collect();
        let top = |vectors: &Vectors, query: &Quantised, allowed: &Bits| -> Vec<Serial> {
            let nearest = vectors.nearest(query, allowed, 2_000, &[]);
            let mut found = nearest.found.clone();
            found.sort_by(|a, b| nearest.score[*b as usize].total_cmp(&nearest.score[*a as usize]));
            found.truncate(10);
            found
        };
        vectors.remove(77);
        let everything = all(2_000);
        let exact: Vec<Vec<Serial>> = queries.iter().map(|q| top(&vectors, q, &everything)).collect();
        assert!(vectors.growth(100).is_none(), "no graph for few rows");
        vectors.scanned = 100;
        while let Some(growth) = vectors.growth(500) {
            growth.apply();
        }
        assert_eq!(vectors.nearest(&queries[0], &everything, 2_000, &[77, 5]).method, "hnsw");
        let same: usize = queries
            .iter()
            .zip(&exact)
            .map(|(q, exact)| top(&vectors, q, &everything).iter().filter(|serial| exact.contains(serial)).count())
            .sum();
        assert!(same >= 190, "recall {same} of 200");

        let mut few = Bits::none(2_000);
        (0..50).for_each(|n| few.insert(n * 7 + 1));
        let nearest = vectors.nearest(&queries[0], &few, 2_000, &[]);
        assert_eq!((nearest.method, nearest.found.len()), ("exact scan", 50));
        vectors.add(1_999, &[unit(90_000, 48)]);
        assert_eq!(top(&vectors, &queries[0], &everything)[0], 1_999, "a row that is not in the graph yet");
    }
}
