//! Nearest neighbours: recall against speed of the scan and of the graph, on vectors from a file.
//!
//! `cargo run --release -p echofs-indexer --example neighbours -- VECTORS DIM COUNT...`
//!
//! VECTORS holds 32-bit floats, DIM for each vector. The first 1,000 are the queries, the next COUNT are searched, in
//! one thread. Prints a JSON object a line. `scripts/bench-vectors.sh` makes the file and compares with hnswlib.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use echofs_indexer::vectors::{Growth, Quantised, Vectors, seed};
use serde_json::json;

const QUERIES: usize = 1_000;
/// Queries whose true neighbours are computed.
const JUDGED: usize = 200;
const NEIGHBOURS: usize = 10;
const EFFORTS: [usize; 8] = [24, 32, 48, 64, 100, 160, 256, 400];

struct Source {
    file: File,
    dim: usize,
}

impl Source {
    fn vector(&self, number: usize) -> Vec<f32> {
        let mut bytes = vec![0; self.dim * 4];
        self.file.read_exact_at(&mut bytes, (number * self.dim * 4) as u64).expect("so many vectors");
        bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, path, dim, counts @ ..] = &arguments[..] else { panic!("neighbours VECTORS DIM COUNT...") };
    let source = Source { file: File::open(path).expect("the vectors"), dim: dim.parse().expect("a number") };
    for count in counts {
        measure(&source, count.parse().expect("a number"));
    }
}

fn measure(source: &Source, count: usize) {
    let exact: Vec<Vec<f32>> = (0..QUERIES).map(|n| source.vector(n)).collect();
    let queries: Vec<Quantised> = exact.iter().map(|query| Quantised::new(query)).collect();
    let mut vectors = Vectors::new(source.dim);
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
fn truth(source: &Source, queries: &[Vec<f32>], count: usize) -> Vec<Vec<u32>> {
    let mut best: Vec<Vec<(f32, u32)>> = vec![Vec::new(); queries.len()];
    for n in 0..count {
        let vector = source.vector(QUERIES + n);
        for (query, best) in queries.iter().zip(&mut best) {
            let cosine: f32 = query.iter().zip(&vector).map(|(a, b)| a * b).sum();
            if best.len() < NEIGHBOURS || best[best.len() - 1].0 < cosine {
                let at = best.partition_point(|(other, _)| *other >= cosine);
                best.insert(at, (cosine, n as u32));
                best.truncate(NEIGHBOURS);
            }
        }
    }
    best.into_iter().map(|best| best.into_iter().map(|(_, row)| row).collect()).collect()
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
    while let Some(growth) = vectors.growth() {
        match growth {
            Growth::Seed(rows) => vectors.plant(seed(&rows, &|| false).expect("not stopped")),
            Growth::Row(plan) => vectors.grow(plan),
        }
    }
    started.elapsed()
}

fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

fn report(line: serde_json::Value) {
    println!("{line}");
}
