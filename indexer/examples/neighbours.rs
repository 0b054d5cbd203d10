//! Nearest neighbours: recall against speed of the scan and of the graph, on vectors from a file.
//!
//! `cargo run --release -p echofs-indexer --example neighbours -- VECTORS DIM COUNT...`
//!
//! VECTORS holds 32-bit floats, DIM for each vector. The first 1,000 are the queries, the next COUNT are searched, in
//! one thread. Prints a JSON object a line. `scripts/bench-vectors.py` makes the file and compares with hnswlib.

#[path = "shared/exact.rs"]
mod exact;
#[path = "shared/flat.rs"]
mod flat;
#[path = "shared/grow.rs"]
mod grow;

use std::time::{Duration, Instant};

use echofs_indexer::vectors::{Quantised, Vectors};
use exact::Exact;
use flat::Flat;
use serde_json::json;

const QUERIES: usize = 1_000;
/// Queries whose true neighbours are computed.
const JUDGED: usize = 200;
const NEIGHBOURS: usize = 10;
const EFFORTS: [usize; 10] = [24, 32, 48, 64, 100, 160, 256, 400, 640, 1_000];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, path, dim, counts @ ..] = &arguments[..] else { panic!("neighbours VECTORS DIM COUNT...") };
    let dim = dim.parse().expect("a number");
    let source = Flat::open(path, dim);
    for count in counts {
        measure(&source, dim, count.parse().expect("a number"));
    }
}

fn measure(source: &Flat, dim: usize, count: usize) {
    assert!(QUERIES + count <= source.count(), "only {} vectors are there", source.count());
    let exact: Vec<Vec<f32>> = (0..QUERIES).map(|n| source.vector(n)).collect();
    let queries: Vec<Quantised> = exact.iter().map(|query| Quantised::new(query)).collect();
    let mut vectors = Vectors::new(dim);
    for n in 0..count {
        vectors.add(n as u32, &[source.vector(QUERIES + n)]);
    }
    let truth = truth(source, &exact[..JUDGED], count);
    let judge = |search: &dyn Fn(&Quantised) -> Vec<u32>| {
        let hits: usize = queries.iter().zip(&truth).map(|(q, t)| common(&search(q), t)).sum();
        hits as f64 / (truth.len() * NEIGHBOURS) as f64
    };
    let scan = |query: &Quantised| rows(&vectors, query, None);
    let few = &queries[..QUERIES.min(20_000_000 / count).max(50)];
    report(json!({"method": "scan", "count": count, "recall": judge(&scan), "per_second": speed(few, &scan)}));

    let build = build(&mut vectors);
    let per_second = (count as f64 / build.as_secs_f64()).round();
    report(
        json!({"method": "build", "count": count, "seconds": build.as_secs_f64(), "per_second": per_second, "rss_mb": resident() >> 20}),
    );
    for effort in EFFORTS {
        let walk = |query: &Quantised| rows(&vectors, query, Some(effort));
        report(
            json!({"method": "graph", "count": count, "effort": effort, "recall": judge(&walk), "per_second": speed(&queries, &walk)}),
        );
    }
}

fn rows(vectors: &Vectors, query: &Quantised, effort: Option<usize>) -> Vec<u32> {
    vectors.neighbours(query, NEIGHBOURS, effort).into_iter().map(|near| near.row).collect()
}

/// The neighbours by the vectors as they are in the file.
fn truth(source: &Flat, queries: &[Vec<f32>], count: usize) -> Vec<Vec<u32>> {
    let mut exact = Exact::new(queries, NEIGHBOURS);
    (0..count).for_each(|n| exact.offer(n as u32, &source.vector(QUERIES + n)));
    exact.best.into_iter().map(|best| best.into_iter().map(|(_, row)| row).collect()).collect()
}

fn common(found: &[u32], truth: &[u32]) -> usize {
    truth.iter().filter(|row| found.contains(row)).count()
}

/// Searches a second; the best of three rounds.
fn speed(queries: &[Quantised], search: &dyn Fn(&Quantised) -> Vec<u32>) -> f64 {
    let round = |_| {
        let started = Instant::now();
        queries.iter().for_each(|query| drop(std::hint::black_box(search(query))));
        queries.len() as f64 / started.elapsed().as_secs_f64()
    };
    (0..3).map(round).fold(0.0, f64::max).round()
}

fn build(vectors: &mut Vectors) -> Duration {
    let started = Instant::now();
    vectors.scan_up_to(0);
    grow::grow(vectors);
    started.elapsed()
}

fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

fn report(line: serde_json::Value) {
    println!("{line}");
}
