//! How often the graph finds what a scan finds: asked of stored vectors now and then, told in `status`.

use std::sync::RwLock;

use super::codes::Probe;
use super::graph::Near;
use super::{NOBODY, Vectors};
use crate::shared::{read, write};

/// Stored vectors whose neighbours are looked for.
const SAMPLE: usize = 50;
/// Neighbours of each.
const NEIGHBOURS: usize = 10;
/// Below this recall a walk is given more to do.
const WANTED: f32 = 0.98;
/// The most that a walk is given to do.
const LARGEST_EFFORT: usize = 1_024;

/// What an audit found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recall {
    /// Share of the 10 nearest rows that a walk finds.
    pub at_10: f32,
    /// Vectors that were asked for.
    pub sample: usize,
    /// Rows that the graph had.
    pub rows: usize,
}

/// Compares walks with scans, one stored vector after the other; `None` without a graph, or if `stop` says so. Walks do
/// more from then on if they found too little.
pub fn audit(vectors: &RwLock<Vectors>, stop: &dyn Fn() -> bool) -> Option<Recall> {
    let rows = read(vectors).size().in_graph;
    let (mut found, mut sample) = (0, 0);
    for row in spread(rows) {
        if stop() {
            return None;
        }
        if let Some(hits) = read(vectors).found_of(row) {
            (found, sample) = (found + hits, sample + 1);
        }
    }
    let at_10 = (sample > 0).then(|| found as f32 / (sample * NEIGHBOURS) as f32)?;
    let mut vectors = write(vectors);
    vectors.rows.let_go();
    if at_10 < WANTED {
        vectors.effort = (vectors.effort * 3 / 2).min(LARGEST_EFFORT);
        log::info!("the graph finds {at_10:.3} of what a scan finds: walks look at {} rows now", vectors.effort);
    }
    Some(Recall { at_10, sample, rows })
}

/// Rows here and there.
fn spread(rows: usize) -> impl Iterator<Item = u32> {
    let step = (rows as f64 * 0.618_034) as usize | 1;
    (0..if rows == 0 { 0 } else { SAMPLE }).map(move |n| (n * step % rows) as u32)
}

impl Vectors {
    /// How many of the nearest neighbours of a living row a walk finds.
    fn found_of(&self, row: u32) -> Option<usize> {
        let graph = self.graph.as_ref().filter(|graph| graph.rows() > NEIGHBOURS)?;
        let alive = |row: u32| self.owners.get(row as usize).is_some_and(|owner| *owner != NOBODY);
        if !alive(row) {
            return None;
        }
        let probe = self.rows.probe(row);
        let all = 0..graph.rows() as u32;
        let truth = self.best(&probe, all.filter(|other| *other != row && alive(*other)));
        let walk = graph.walk(&self.rows, &probe, self.effort, |_| {});
        let proposed =
            self.best(&probe, walk.iter().map(|near| near.row).filter(|other| *other != row && alive(*other)));
        // By cosine, since some texts are there twice.
        let last = truth.last().map_or(f32::INFINITY, |near| near.cosine);
        Some(proposed.iter().filter(|near| near.cosine >= last).count())
    }

    fn best(&self, probe: &Probe, rows: impl Iterator<Item = u32>) -> Vec<Near> {
        let mut near: Vec<Near> = rows.map(|row| Near { cosine: self.rows.rough(probe, row), row }).collect();
        if near.len() > NEIGHBOURS {
            near.select_nth_unstable_by(NEIGHBOURS - 1, |a, b| b.cosine.total_cmp(&a.cosine));
            near.truncate(NEIGHBOURS);
        }
        near.sort_unstable_by(|a, b| b.cosine.total_cmp(&a.cosine));
        near
    }
}
