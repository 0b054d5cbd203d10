//! The codes of all passages: those of the last saved generation in files that are mapped, later ones in memory.

use std::sync::Arc;

use super::codes::{self, Coded, Measure, Probe, Quantised};
use super::dot;
use super::mapped::Mapped;

/// Rows of codes, numbered from 0.
#[derive(Clone, Debug)]
pub struct Rows {
    width: usize,
    dim: usize,
    saved: Option<Arc<Mapped>>,
    /// How many rows are saved.
    before: usize,
    coarse: Vec<u8>,
    fine: Vec<u8>,
    measures: Vec<Measure>,
}

impl Rows {
    /// None, for vectors of `dim` numbers.
    pub fn new(dim: usize) -> Self {
        let width = codes::width(dim);
        Self { width, dim, saved: None, before: 0, coarse: Vec::new(), fine: Vec::new(), measures: Vec::new() }
    }

    /// Saved rows, as many as there are measures.
    pub fn of(dim: usize, saved: Mapped, measures: Vec<Measure>) -> Self {
        Self { saved: Some(Arc::new(saved)), before: measures.len(), measures, ..Self::new(dim) }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.measures.len()
    }

    /// How many are in memory alone.
    pub fn unsaved(&self) -> usize {
        self.count() - self.before
    }

    /// Numbers of a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// A copy of the first `count` rows, in memory.
    pub fn first(&self, count: usize) -> Self {
        let mut copy = Self::new(self.dim);
        for row in 0..count.min(self.count()) as u32 {
            copy.coarse.extend_from_slice(self.coarse(row));
            copy.fine.extend_from_slice(self.fine(row));
            copy.measures.push(self.measure(row));
        }
        copy
    }

    /// Adds a row.
    pub fn push(&mut self, vector: &[f32]) {
        let Coded { coarse, fine, measure } = Coded::new(vector, self.dim);
        self.coarse.extend_from_slice(&coarse);
        self.fine.extend_from_slice(&fine);
        self.measures.push(measure);
    }

    /// The vector in 8 bits.
    pub fn coarse(&self, row: u32) -> &[u8] {
        let row = row as usize;
        match &self.saved {
            Some(saved) if row < self.before => &saved.coarse()[row * self.width..][..self.width],
            _ => &self.coarse[(row - self.before) * self.width..][..self.width],
        }
    }

    /// What the 8 bits leave over.
    pub fn fine(&self, row: u32) -> &[u8] {
        let row = row as usize;
        match &self.saved {
            Some(saved) if row < self.before => &saved.fine()[row * self.width..][..self.width],
            _ => &self.fine[(row - self.before) * self.width..][..self.width],
        }
    }

    /// Scale and sum.
    pub fn measure(&self, row: u32) -> Measure {
        self.measures[row as usize]
    }

    /// A row, to be compared with others.
    pub fn probe(&self, row: u32) -> Probe {
        Probe::new(self.coarse(row), self.measure(row).scale)
    }

    /// The cosine with what is looked for, about.
    pub fn rough(&self, probe: &Probe, row: u32) -> f32 {
        probe.dot(self.coarse(row), self.measure(row))
    }

    /// The cosine with all bits.
    pub fn exact(&self, query: &Quantised, row: u32) -> f32 {
        query.exact(self.coarse(row), self.fine(row), self.measure(row)).clamp(-1.0, 1.0)
    }

    /// Has the row fetched from memory, since it is needed soon.
    pub fn prefetch(&self, row: u32) {
        dot::prefetch(self.coarse(row));
    }

    /// Leaves what was read of saved rows to the system, where all of them were.
    pub fn let_go(&self) {
        self.saved.iter().for_each(|saved| saved.let_go());
    }

    /// Adds a row to a sum of vectors.
    pub fn add_to(&self, sum: &mut [f32], row: u32) {
        let scale = self.measure(row).scale;
        let codes = self.coarse(row).iter().zip(self.fine(row));
        let values = codes.map(|(c, f)| (f32::from(*c as i8) + f32::from(*f as i8) / 256.0) * scale);
        sum.iter_mut().zip(values).for_each(|(s, x)| *s += x);
    }
}
