//! Search by meaning: the vectors of all passages, in memory as 8-bit numbers.
//!
//! A vector takes its length in bytes and a scale. A search compares the query with every passage that passes the
//! filter, and keeps the best one of each document: exact, a millisecond for ten thousand passages. Rows of
//! documents that are gone stay as tombstones until a quarter of all rows are.

mod cache;
mod dot;

use std::collections::HashMap;
use std::ops::Range;

pub use cache::Cache;
pub use dot::Quantised;

use crate::bits::Bits;
use crate::record::Serial;

/// Owner of a row that nobody owns any more.
const NOBODY: Serial = Serial::MAX;

/// The vectors of all passages.
#[derive(Debug, Default)]
pub struct Vectors {
    dim: usize,
    codes: Vec<i8>,
    scales: Vec<f32>,
    /// The document of each row.
    owners: Vec<Serial>,
    /// The rows of each document: those of its first passages, in order.
    rows: HashMap<Serial, Range<u32>>,
    dead: usize,
}

/// What one search by meaning found.
#[derive(Debug, Default)]
pub struct Nearest {
    /// By serial number: the highest cosine of a passage; `NEG_INFINITY` where there is none.
    pub score: Vec<f32>,
    /// Documents with a score.
    pub found: Vec<Serial>,
}

impl Vectors {
    /// For vectors of `dim` numbers.
    pub fn new(dim: usize) -> Self {
        Self { dim, ..Self::default() }
    }

    /// Passages that can be found.
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
        (self.rows, self.dead) = (rows, 0);
    }

    /// The best cosine of every document in `allowed`, whose serial numbers are all below `serials`.
    pub fn nearest(&self, query: &Quantised, allowed: &Bits, serials: usize) -> Nearest {
        let mut nearest = Nearest { score: vec![f32::NEG_INFINITY; serials], found: Vec::new() };
        for (row, owner) in self.owners.iter().enumerate() {
            if !allowed.contains(*owner) {
                continue;
            }
            let cosine = self.cosine(query, row);
            let best = &mut nearest.score[*owner as usize];
            if *best == f32::NEG_INFINITY {
                nearest.found.push(*owner);
            }
            *best = best.max(cosine);
        }
        nearest
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
        let nearest = vectors.nearest(&Quantised::new(&query), &all(50), 50);
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
        let found = vectors.nearest(&Quantised::new(&unit(2_500, 16)), &allowed, 4_000);
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
        let nearest = vectors.nearest(&Quantised::new(&[0.5; 4]), &all(1), 1);
        assert_eq!(nearest.score[0], 0.0);
    }
}
