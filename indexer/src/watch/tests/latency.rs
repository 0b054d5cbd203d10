//! How soon a change is told. The limits are generous, for loaded machines; the figures are printed.

use std::fs;
use std::time::{Duration, Instant};

use super::bench::Bench;

fn percentiles(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[times.len() * 95 / 100])
}

fn measure(what: &str, rounds: usize, mut round: impl FnMut(usize) -> Duration) -> Duration {
    let (half, most) = percentiles((0..rounds).map(&mut round).collect());
    println!("{what}: p50 {half:?}, p95 {most:?}");
    half
}

#[test]
fn saved_and_deleted_files_are_told_soon() {
    let mut bench = Bench::new();
    let saved = measure("saved", 40, |round| {
        let path = bench.at(&format!("{round}.md"));
        fs::write(&path, "x").unwrap();
        let began = Instant::now();
        bench.until("told", |books| books.documents.contains_key(&path));
        began.elapsed()
    });
    let renamed = measure("renamed over", 40, |round| {
        let (temp, path) = (bench.at(".save"), bench.at(&format!("{round}.md")));
        fs::write(&temp, "longer").unwrap();
        fs::rename(&temp, &path).unwrap();
        let began = Instant::now();
        bench.until("told", |books| books.documents.get(&path).is_some_and(|stat| stat.size == 6));
        began.elapsed()
    });
    let deleted = measure("deleted", 40, |round| {
        let path = bench.at(&format!("{round}.md"));
        fs::remove_file(&path).unwrap();
        let began = Instant::now();
        bench.until("told", |books| !books.documents.contains_key(&path));
        began.elapsed()
    });
    for time in [saved, renamed, deleted] {
        assert!(time < Duration::from_millis(500), "{time:?}");
    }
}
