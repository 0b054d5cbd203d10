//! Stand-ins for vectors that would take too long to compute, to measure large stores.
//!
//! `cargo run --release -p echofs-indexer --example stand_ins -- DATA OTHER`
//! `cargo run --release -p echofs-indexer --example stand_ins -- VECTORS DIM FIRST COUNT > MORE`
//!
//! The first form gives every passage of the data directory DATA that has no vector one: that of the same text in OTHER,
//! another data directory, where it has one, else a mixture of vectors of OTHER. The words of DATA are indexed before, with no
//! model; nobody has either mounted. Never for notes that somebody wants to search. DATA keeps the number of stand-ins in
//! `stand-ins.json`; that is printed too. The second form writes COUNT stand-ins, mixed of the vectors in a file (32-bit
//! floats, DIM for each) but for the FIRST.

#[path = "shared/chance.rs"]
mod chance;
#[path = "shared/flat.rs"]
mod flat;
#[path = "shared/grow.rs"]
mod grow;
#[path = "shared/mixer.rs"]
mod mixer;
#[path = "shared/store.rs"]
mod store;

use std::collections::HashSet;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use echofs_indexer::vectors::Cache;
use flat::Flat;
use mixer::{ENOUGH, Mixer};
use serde_json::{Value, json};

const SEED: u64 = 1;
/// Vectors that are written together.
const BATCH: usize = 1_000;
/// How often it says how far it is.
const SHOWN: usize = 100;

/// What a vector is kept by.
type Key = [u8; 16];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let parsed = |text: &String| text.parse().expect("a number");
    match &arguments[..] {
        [data, other] => fill(data.as_ref(), other.as_ref()),
        [vectors, dim, first, count] => print(&Flat::open(vectors, parsed(dim)), parsed(first), parsed(count)),
        _ => panic!("stand_ins DATA OTHER, or stand_ins VECTORS DIM FIRST COUNT"),
    }
}

fn print(real: &Flat, first: usize, count: usize) {
    let step = real.count().saturating_sub(first).div_ceil(ENOUGH).max(1);
    let mixer = Mixer::new((first..real.count()).step_by(step).map(|number| real.vector(number)), SEED);
    eprintln!("noise of {:.3}", mixer.noise);
    let mut out = BufWriter::new(std::io::stdout().lock());
    for number in 0..count {
        mixer.stand_in(number as u64).iter().for_each(|x| out.write_all(&x.to_le_bytes()).expect("written"));
    }
    out.flush().expect("written");
}

fn fill(data: &Path, other: &Path) {
    let begun = Instant::now();
    assert!(!mark(other).exists(), "{} has stand-ins itself", other.display());
    let (index, others) = (store::open(data), store::open(other));
    let (model, dim) = store::model(other);
    let mut real = Cache::open(&model, dim).expect("the vectors of the other");
    let name = model.file_name().expect("a name");
    let mut cache = Cache::open(&data.join("vectors").join(name), dim).expect("the cache of vectors");

    // A text that is there twice has one vector. The order stays, in which the mount will read them.
    let mut seen = HashSet::new();
    let keys: Vec<Key> = index.keys().into_iter().filter(|key| seen.insert(*key)).collect();
    let missing: Vec<Key> = keys.iter().filter(|key| !cache.contains(key)).copied().collect();
    let taken = missing.iter().filter(|key| real.contains(key)).count();
    let stand_ins = (stand_ins_before(data) + missing.len() - taken).min(keys.len());
    let report = json!({"vectors": keys.len(), "stand_ins": stand_ins, "made": missing.len() - taken, "taken": taken});
    fs::write(mark(data), report.to_string()).expect("written");

    if !missing.is_empty() {
        let mixer = mixer(&mut real, others.keys());
        add(&mut cache, &missing, |key| real.get(key).unwrap_or_else(|| mixer.stand_in(number(key))));
        eprintln!("noise of {:.3}, {:.0} s", mixer.noise, begun.elapsed().as_secs_f64());
    }
    println!("{report}");
}

/// Of vectors here and there.
fn mixer(real: &mut Cache, mut keys: Vec<Key>) -> Mixer {
    keys.retain(|key| real.contains(key));
    let step = keys.len().div_ceil(ENOUGH).max(1);
    Mixer::new(keys.iter().step_by(step).filter_map(|key| real.get(key)), SEED)
}

fn add(cache: &mut Cache, missing: &[Key], mut vector: impl FnMut(&Key) -> Vec<f32>) {
    for (done, batch) in missing.chunks(BATCH).enumerate() {
        let entries: Vec<_> = batch.iter().map(|key| (*key, vector(key))).collect();
        cache.insert(&entries).expect("room on the disk");
        if (done + 1).is_multiple_of(SHOWN) {
            eprintln!("{} of {} vectors", (done + 1) * BATCH, missing.len());
        }
    }
    cache.sync().expect("written");
}

fn mark(data: &Path) -> PathBuf {
    data.join("stand-ins.json")
}

fn stand_ins_before(data: &Path) -> usize {
    let text = fs::read(mark(data)).unwrap_or_default();
    let report: Value = serde_json::from_slice(&text).unwrap_or_default();
    report["stand_ins"].as_u64().unwrap_or(0) as usize
}

/// The stand-in of a text is the same whenever it is made.
fn number(key: &Key) -> u64 {
    key.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}
