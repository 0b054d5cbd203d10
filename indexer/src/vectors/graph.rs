//! Approximate search (HNSW, Malkov and Yashunin, 2016) for more passages than a scan can compare in time.
//!
//! The graph grows beside the rows it speaks of: rows that are not in it yet are scanned. It only proposes rows;
//! their cosines are computed from the rows themselves. It knows no deletion: rows without owner are left out when
//! they are met, and the graph is made anew when the rows are renumbered.

use std::sync::atomic::{AtomicUsize, Ordering};

use hnsw_rs::prelude::{Distance, FilterT, Hnsw};

use super::dot;

/// Links of a node; twice as many on the ground.
const LINKS: usize = 24;
const LAYERS: usize = 16;
/// Candidates looked at when a row is put in.
const EFFORT_IN: usize = 200;
/// Candidates looked at in a search, at least.
const EFFORT_OUT: usize = 256;

/// A graph over the first rows.
pub struct Graph {
    hnsw: Hnsw<'static, i8, Unlikeness>,
    clip: f32,
    rows: AtomicUsize,
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graph").field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// 1 minus the cosine of two unit vectors of a common scale; never below 0, whatever rounding does.
#[derive(Clone, Copy, Debug)]
struct Unlikeness {
    scale: f32,
}

impl Distance<i8> for Unlikeness {
    fn eval(&self, a: &[i8], b: &[i8]) -> f32 {
        (1.0 - dot::bytes(a, b) as f32 * self.scale).max(0.0)
    }
}

struct Allowed<'a>(&'a dyn Fn(u32) -> bool);

impl FilterT for Allowed<'_> {
    fn hnsw_filter(&self, id: &usize) -> bool {
        (self.0)(*id as u32)
    }
}

impl Graph {
    /// For unit vectors of `dim` numbers, about `expected` of them.
    pub fn new(dim: usize, expected: usize) -> Self {
        // Components of a unit vector are about 1/sqrt(dim); hardly any is six times that.
        let clip = (6.0 / (dim.max(1) as f32).sqrt()).min(1.0);
        let unit = clip / dot::LARGEST;
        let distance = Unlikeness { scale: unit * unit };
        Self { hnsw: Hnsw::new(LINKS, expected.max(1), LAYERS, EFFORT_IN, distance), clip, rows: AtomicUsize::new(0) }
    }

    /// Rows that are in it.
    pub fn rows(&self) -> usize {
        self.rows.load(Ordering::Acquire)
    }

    /// Adds the row after the last one, given by its codes and scale.
    pub fn push(&self, codes: &[i8], scale: f32) {
        let row = self.rows();
        let common: Vec<i8> = codes.iter().map(|code| self.code(f32::from(*code) * scale)).collect();
        self.hnsw.insert((&common, row));
        self.rows.store(row + 1, Ordering::Release);
    }

    fn code(&self, x: f32) -> i8 {
        (x / self.clip * dot::LARGEST).round().clamp(-dot::LARGEST, dot::LARGEST) as i8
    }

    /// Some `count` rows that are near `query` and allowed.
    pub fn near(&self, query: &[f32], count: usize, allowed: &dyn Fn(u32) -> bool) -> Vec<u32> {
        let query: Vec<i8> = query.iter().map(|x| self.code(*x)).collect();
        let filter = Allowed(allowed);
        let found = self.hnsw.search_filter(&query, count, EFFORT_OUT.max(count), Some(&filter));
        found.into_iter().map(|neighbour| neighbour.d_id as u32).collect()
    }
}
