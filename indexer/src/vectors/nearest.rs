//! What one search by meaning found.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::graph::Near;
use crate::record::Serial;

/// Rows whose cosine is computed with all bits in the end.
const RESCORED: usize = 200;

/// The best cosine of each document that was compared.
#[derive(Debug, Default)]
pub struct Nearest {
    /// By serial number: the highest cosine of a passage; `NEG_INFINITY` where there is none.
    pub score: Vec<f32>,
    /// Documents with a score.
    pub found: Vec<Serial>,
    /// How they were found.
    pub method: &'static str,
}

/// Gathers rows as they are compared.
pub struct Gathering {
    nearest: Nearest,
    best: BinaryHeap<Reverse<ByCosine>>,
}

impl Gathering {
    /// Nothing yet; serial numbers are below `serials`.
    pub fn new(serials: usize, method: &'static str) -> Self {
        let nearest = Nearest { score: vec![f32::NEG_INFINITY; serials], found: Vec::new(), method };
        Self { nearest, best: BinaryHeap::with_capacity(RESCORED + 1) }
    }

    /// A row of `owner` with its cosine, about.
    pub fn add(&mut self, near: Near, owner: Serial) {
        let Nearest { score, found, .. } = &mut self.nearest;
        let score = &mut score[owner as usize];
        if *score == f32::NEG_INFINITY {
            found.push(owner);
        }
        *score = score.max(near.cosine);
        if self.best.len() < RESCORED {
            self.best.push(Reverse(ByCosine(near, owner)));
        } else if self.best.peek().is_some_and(|worst| worst.0.0.cosine < near.cosine) {
            self.best.pop();
            self.best.push(Reverse(ByCosine(near, owner)));
        }
    }

    /// The result, in which the best rows have the cosine that `exact` gives.
    pub fn end(self, exact: impl Fn(u32) -> f32) -> Nearest {
        let mut nearest = self.nearest;
        for Reverse(ByCosine(_, owner)) in &self.best {
            nearest.score[*owner as usize] = f32::NEG_INFINITY;
        }
        for Reverse(ByCosine(near, owner)) in &self.best {
            let score = &mut nearest.score[*owner as usize];
            *score = score.max(exact(near.row));
        }
        nearest
    }
}

/// A row and its owner, ordered by cosine.
struct ByCosine(Near, Serial);

impl Ord for ByCosine {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cosine.total_cmp(&other.0.cosine).then(other.0.row.cmp(&self.0.row))
    }
}

impl PartialOrd for ByCosine {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByCosine {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for ByCosine {}
