//! How many of the nearest passages of a query the search of a finished store finds.
//!
//! `cargo run --release -p echofs-indexer --example recall -- DATA [QUERIES]`
//!
//! DATA is a data directory that nobody has mounted, with a saved generation of vectors; QUERIES are 32-bit floats. Without
//! them 500 stored vectors ask for others. What is true comes from a scan of the vectors as they were computed. Prints a JSON
//! object a line: the mean cosine of the first and the tenth, then recall@10 of a search as the mount makes it and of
//! walks of other lengths. One thread.

#[path = "shared/exact.rs"]
mod exact;
#[path = "shared/flat.rs"]
mod flat;
#[path = "shared/grow.rs"]
mod grow;
#[path = "shared/store.rs"]
mod store;

use std::path::Path;
use std::time::Instant;

use echofs_indexer::vectors::{Bits, Cache, Generations, Quantised, Vectors};
use exact::{Exact, dot};
use flat::Flat;
use serde_json::json;

/// Stored vectors that are asked for.
const ASKED: usize = 500;
const NEIGHBOURS: usize = 10;
const EFFORTS: [usize; 4] = [64, 128, 256, 512];
/// Rounding of other sums of the same products.
const ROUNDING: f32 = 1e-5;

/// What the mount would search, each vector a document of its own.
struct Saved {
    vectors: Vectors,
    cache: Cache,
    keys: Vec<[u8; 16]>,
}

/// A query, and the row that it is, if it is one.
struct Asked {
    queries: Vec<Vec<f32>>,
    own: Vec<Option<u32>>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, queries @ ..] = &arguments[..] else { panic!("recall DATA [QUERIES]") };
    let _lock = store::open(data.as_ref());
    let (model, dim) = store::model(data.as_ref());
    let mut saved = Saved::open(&model, dim);
    let asked = match queries {
        [] => saved.stored(),
        [file, ..] => given(&Flat::open(file, dim)),
    };
    let truth = saved.truth(&asked);
    let mean = |place: usize| truth.iter().map(|best| best[place].0).sum::<f32>() / truth.len() as f32;
    report(
        json!({"vectors": saved.keys.len(), "queries": truth.len(), "first": mean(0), "tenth": mean(NEIGHBOURS - 1)}),
    );

    let all = all(saved.keys.len());
    saved.measure("search", &asked, &truth, |vectors, query| searched(vectors, query, &all));
    for effort in EFFORTS {
        let walk = |vectors: &Vectors, query: &Quantised| {
            let near = vectors.neighbours(query, NEIGHBOURS + 1, Some(effort));
            near.into_iter().map(|near| near.row).collect()
        };
        saved.measure(&format!("walk of {effort}"), &asked, &truth, walk);
    }
}

impl Saved {
    fn open(model: &Path, dim: usize) -> Self {
        let generations = Generations::in_dir(model);
        let newest = *generations.numbers().last().expect("a saved generation");
        let loaded = generations.open(newest, dim).expect("a whole generation");
        let (keys, owners) = (loaded.keys, 0..loaded.rows.count() as u32);
        assert!(keys.len() > NEIGHBOURS, "only {} vectors are saved", keys.len());
        let mut vectors = Vectors::of(loaded.rows, owners.collect(), loaded.graph);
        grow::grow(&mut vectors);
        Self { vectors, cache: Cache::open(model, dim).expect("the cache of vectors"), keys }
    }

    fn vector(&mut self, row: u32) -> Vec<f32> {
        self.cache.get(&self.keys[row as usize]).expect("the vector of a saved row")
    }

    /// Vectors here and there.
    fn stored(&mut self) -> Asked {
        let step = self.keys.len().div_ceil(ASKED);
        let rows: Vec<u32> = (0..self.keys.len() as u32).step_by(step).collect();
        Asked { queries: rows.iter().map(|row| self.vector(*row)).collect(), own: rows.into_iter().map(Some).collect() }
    }

    /// The nearest others of each query, by all bits.
    fn truth(&mut self, asked: &Asked) -> Vec<Vec<(f32, u32)>> {
        let mut exact = Exact::new(&asked.queries, NEIGHBOURS + 1);
        (0..self.keys.len() as u32).for_each(|row| exact.offer(row, &self.vector(row)));
        let others = |(mut best, own): (Vec<(f32, u32)>, &Option<u32>)| {
            best.retain(|(_, row)| Some(*row) != *own);
            best.truncate(NEIGHBOURS);
            best
        };
        exact.best.into_iter().zip(&asked.own).map(others).collect()
    }

    fn measure(
        &mut self,
        method: &str,
        asked: &Asked,
        truth: &[Vec<(f32, u32)>],
        search: impl Fn(&Vectors, &Quantised) -> Vec<u32>,
    ) {
        let queries: Vec<Quantised> = asked.queries.iter().map(|query| Quantised::new(query)).collect();
        let started = Instant::now();
        let found: Vec<Vec<u32>> = queries.iter().map(|query| search(&self.vectors, query)).collect();
        let per_second = (queries.len() as f64 / started.elapsed().as_secs_f64()).round();
        let mut hits = 0;
        for (n, mut rows) in found.into_iter().enumerate() {
            rows.retain(|row| Some(*row) != asked.own[n]);
            rows.truncate(NEIGHBOURS);
            // By cosine, since some texts are there twice.
            let last = truth[n][NEIGHBOURS - 1].0 - ROUNDING;
            hits += rows.into_iter().filter(|row| dot(&asked.queries[n], &self.vector(*row)) >= last).count();
        }
        let recall = hits as f64 / (truth.len() * NEIGHBOURS) as f64;
        report(json!({"method": method, "recall": recall, "per_second": per_second}));
    }
}

fn given(queries: &Flat) -> Asked {
    Asked { queries: (0..queries.count()).map(|n| queries.vector(n)).collect(), own: vec![None; queries.count()] }
}

fn all(count: usize) -> Bits {
    let mut all = Bits::none(count);
    (0..count as u32).for_each(|row| all.insert(row));
    all
}

/// As the mount searches where no filter is asked for; best first.
fn searched(vectors: &Vectors, query: &Quantised, all: &Bits) -> Vec<u32> {
    let nearest = vectors.nearest(query, all, vectors.size().living, &[]);
    let score = |row: &u32| nearest.score[*row as usize];
    let mut found = nearest.found;
    found.sort_unstable_by(|a, b| score(b).total_cmp(&score(a)));
    found.truncate(NEIGHBOURS + 1);
    found
}

fn report(line: serde_json::Value) {
    println!("{line}");
}
