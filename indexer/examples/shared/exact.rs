//! The true neighbours: every vector as it was computed, compared with every query.

/// Products that are added up side by side.
const LANES: usize = 16;

/// The nearest rows of some queries among those that were offered so far.
pub struct Exact<'a> {
    queries: &'a [Vec<f32>],
    count: usize,
    /// For each query: product and row, nearest first.
    pub best: Vec<Vec<(f32, u32)>>,
}

impl<'a> Exact<'a> {
    /// The `count` nearest of each query.
    pub fn new(queries: &'a [Vec<f32>], count: usize) -> Self {
        Self { queries, count, best: vec![Vec::new(); queries.len()] }
    }

    pub fn offer(&mut self, row: u32, vector: &[f32]) {
        for (query, best) in self.queries.iter().zip(&mut self.best) {
            let product = dot(query, vector);
            if best.len() < self.count || best[best.len() - 1].0 < product {
                let at = best.partition_point(|(other, _)| *other >= product);
                best.insert(at, (product, row));
                best.truncate(self.count);
            }
        }
    }
}

pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        (0..LANES).for_each(|lane| sums[lane] += a[lane] * b[lane]);
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}
