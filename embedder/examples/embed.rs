//! Lines to vectors, and how fast: `embed MODEL_DIR LIBRARY [THREADS] < LINES > VECTORS`.
//!
//! Reads a text a line, writes the numbers of its vector as 32-bit floats, and ends with a JSON object on standard
//! error: passages a second, and the time of a question. Without helpers, to be compared with a plain loop.

use std::io::{BufRead, BufWriter, Write};
use std::time::{Duration, Instant};

use echofs_embedder::{Embedder, Fastembed, Options};

/// Lines that are handed over together, as the index does.
const BATCH: usize = 24;
/// Questions that are timed.
const QUESTIONS: usize = 50;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, model, library, threads @ ..] = &arguments[..] else { panic!("embed MODEL_DIR LIBRARY [THREADS]") };
    let threads = threads.first().map_or(1, |n| n.parse().expect("a number"));
    let options = Options { threads, helpers: 0, ..Options::new(library) };
    let embedder = Fastembed::open(model.as_ref(), options).expect("the model");
    let lines: Vec<String> = std::io::stdin().lock().lines().map(|line| line.expect("text")).collect();
    embedder.embed_query("warm up").expect("a vector");

    let mut out = BufWriter::new(std::io::stdout().lock());
    let started = Instant::now();
    for batch in lines.chunks(BATCH) {
        let texts: Vec<&str> = batch.iter().map(String::as_str).collect();
        for vector in embedder.embed(&texts).expect("vectors") {
            vector.iter().for_each(|x| out.write_all(&x.to_le_bytes()).expect("written"));
        }
    }
    let taken = started.elapsed();
    out.flush().expect("written");
    let speed = lines.len() as f64 / taken.as_secs_f64();
    let question = question(&embedder).as_secs_f64() * 1000.0;
    eprintln!("{{\"passages\": {}, \"per_second\": {speed:.1}, \"question_ms\": {question:.2}}}", lines.len());
}

/// The median time of a question of ten words.
fn question(embedder: &Fastembed) -> Duration {
    let time = |n: usize| {
        let started = Instant::now();
        embedder.embed_query(&format!("which database did we choose for sync server number {n}?")).expect("a vector");
        started.elapsed()
    };
    let mut times: Vec<Duration> = (0..QUESTIONS).map(time).collect();
    times.sort_unstable();
    times[QUESTIONS / 2]
}
