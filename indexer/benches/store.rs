//! Speed of the store: opening, searching by words, by meaning and by both, filters, and indexing.
//!
//! `cargo bench -p echofs-indexer`. The texts are made up, from a vocabulary as uneven as a language's. Meaning comes
//! from hashed words: the time of a real model is not in these figures.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use divan::Bencher;
use echofs_embedder::Hashed;
use echofs_indexer::{Config, Index};
use echofs_query_lang::{Query, parse};

const SIZES: [usize; 2] = [2_000, 10_000];

fn main() {
    divan::main();
}

/// A generator of the same numbers every time (xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// The rank of a word: small numbers are common (Zipf).
    fn rank(&mut self) -> u64 {
        let uniform = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        (20_000f64.powf(uniform)) as u64
    }
}

/// A word for a rank, made of syllables.
fn word(rank: u64) -> String {
    const SYLLABLES: [&str; 16] =
        ["ba", "co", "di", "fu", "ge", "ha", "li", "mo", "nu", "pe", "ra", "so", "ti", "vu", "we", "za"];
    let mut rest = rank + 16;
    let mut word = String::new();
    while rest > 0 {
        word.push_str(SYLLABLES[(rest % 16) as usize]);
        rest /= 16;
    }
    word
}

fn write_notes(dir: &Path, count: usize) {
    let mut numbers = Numbers(count as u64 * 2 + 1);
    for n in 0..count {
        let words: Vec<String> = (0..150).map(|_| numbers.rank()).map(word).collect();
        let folder = dir.join((n % 20).to_string());
        fs::create_dir_all(&folder).expect("a directory");
        let text = format!("# {} {}\n\n{}.\n", words[0], words[1], words.join(" "));
        fs::write(folder.join(format!("{n}.md")), text).expect("a note");
    }
}

/// A store that is ready.
struct Store {
    dir: tempfile::TempDir,
    index: Option<Arc<Index>>,
}

fn config(base: &Path) -> Config {
    let (data, src): (PathBuf, PathBuf) = (base.join("data"), base.join("src"));
    Config { data: data.clone(), sources: vec![src], excluded: vec![data], worker: Vec::new() }
}

fn open(base: &Path) -> Arc<Index> {
    Index::open(config(base), Some(Arc::new(Hashed::new(384)))).expect("the store opens")
}

fn settled(count: usize) -> Store {
    let dir = tempfile::tempdir().expect("a directory");
    let base = dir.path().canonicalize().expect("its path");
    write_notes(&base.join("src"), count);
    let index = open(&base);
    index.start();
    assert!(index.wait(true, Duration::from_secs(300)), "{:?}", index.counts());
    Store { dir, index: Some(index) }
}

static STORES: LazyLock<Vec<(usize, Store)>> = LazyLock::new(|| SIZES.map(|size| (size, settled(size))).into());

fn store(size: usize) -> &'static Index {
    let (_, store) = STORES.iter().find(|(n, _)| *n == size).expect("one of the sizes");
    store.index.as_deref().expect("it is open")
}

fn queries(shape: impl Fn(&str, &str, &str) -> String) -> Vec<Query> {
    let mut numbers = Numbers(7);
    let mut next = || word(numbers.rank());
    (0..64).map(|_| parse(&shape(&next(), &next(), &next()), &jiff::Zoned::now()).query).collect()
}

fn search(bencher: Bencher, size: usize, shape: impl Fn(&str, &str, &str) -> String) {
    let (index, queries) = (store(size), queries(shape));
    let mut turn = queries.iter().cycle();
    bencher.bench_local(|| index.search(turn.next().expect("a cycle")).expect("a result"));
}

#[divan::bench(args = SIZES)]
fn search_words(bencher: Bencher, size: usize) {
    search(bencher, size, |a, b, c| format!("lex:({a} OR {b} OR {c})"));
}

#[divan::bench(args = SIZES)]
fn search_meaning(bencher: Bencher, size: usize) {
    search(bencher, size, |a, b, c| format!("sem:({a} {b} {c})"));
}

#[divan::bench(args = SIZES)]
fn search_both(bencher: Bencher, size: usize) {
    search(bencher, size, |a, b, c| format!("{a} {b} {c}"));
}

#[divan::bench(args = SIZES)]
fn search_filtered(bencher: Bencher, size: usize) {
    search(bencher, size, |a, b, c| format!("{a} {b} -{c} path:7/** ext:md"));
}

#[divan::bench(args = SIZES)]
fn phrase(bencher: Bencher, size: usize) {
    search(bencher, size, |a, b, _| format!("\"{a} {b}\"~4"));
}

#[divan::bench(args = SIZES)]
fn counts_and_epoch(bencher: Bencher, size: usize) {
    let index = store(size);
    bencher.bench_local(|| (index.counts(), index.epoch()));
}

/// From files to words that are found and vectors that are compared.
#[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
fn ingest(bencher: Bencher, size: usize) {
    bencher.counter(divan::counter::ItemsCount::new(size)).bench_local(|| settled(size));
}

/// Opening an index that was built before.
#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn reopen(bencher: Bencher, size: usize) {
    let mut store = settled(size);
    drop(store.index.take());
    let base = store.dir.path().canonicalize().expect("its path");
    bencher.bench_local(|| open(&base));
}
