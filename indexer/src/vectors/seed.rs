//! The first rows of a graph, built by hnsw_rs.

use hnsw_rs::prelude::{Distance, Hnsw};

use super::graph::{Graph, LINKS};
use super::rows::Rows;

/// Links of a row above the ground; twice as many on it.
const HALF: usize = LINKS / 2;
const LAYERS: usize = 16;
/// Candidates looked at when a row is put in.
const EFFORT: usize = 160;

/// 1 minus the cosine of two rows, which are given by their numbers; never below 0, whatever rounding does.
struct Unlikeness<'a>(&'a Rows);

impl Distance<u32> for Unlikeness<'_> {
    fn eval(&self, a: &[u32], b: &[u32]) -> f32 {
        (1.0 - self.0.rough(&self.0.probe(a[0]), b[0])).max(0.0)
    }
}

/// A graph over rows. Slow: about a thousand rows a second. `None` if `stop` says so meanwhile.
pub fn seed(rows: &Rows, stop: &dyn Fn() -> bool) -> Option<Graph> {
    let count = rows.count();
    let hnsw = Hnsw::new(HALF, count.max(1), LAYERS, EFFORT, Unlikeness(rows));
    for row in 0..count {
        if row % 64 == 0 && stop() {
            return None;
        }
        hnsw.insert((&[row as u32], row));
    }
    let mut links = vec![u32::MAX; count * LINKS];
    let points = hnsw.get_point_indexation();
    for layer in 0..=usize::from(points.get_max_level_observed()) {
        for point in points.get_layer_iterator(layer) {
            let list = &mut links[point.get_origin_id() * LINKS..][..LINKS];
            let ground = point.get_neighborhood_id().into_iter().next().unwrap_or_default();
            list.iter_mut().zip(ground).for_each(|(place, near)| *place = near.d_id as u32);
        }
    }
    Some(Graph::of(links))
}
