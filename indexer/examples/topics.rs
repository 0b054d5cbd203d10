//! Topics against folders: how well they agree, how much they move when documents come, and how long that takes.
//!
//! `cargo run --release -p echofs-indexer --example topics -- DIR MODEL_DIR LIBRARY DATA [PERCENT]`
//!
//! DIR has a folder for each label. MODEL_DIR and LIBRARY are the embedding model and the ONNX runtime, DATA keeps the vectors
//! for the next time. PERCENT of the documents (1) come later than the others. Prints the topics, then a JSON object.

#[path = "../tests/store/agreement.rs"]
mod agreement;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fs, thread};

use agreement::nmi;
use echofs_embedder::{Embedder, Fastembed, Options};
use echofs_indexer::topics::{MISC, Place, Topics};
use echofs_indexer::{Config, Index};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(3_600);
/// How long it may take until the index has seen all files.
const NOTICED: Duration = Duration::from_secs(30);

/// What each document is called: by its folder, by its topic, by that and the one below it.
struct Labels {
    folder: String,
    top: String,
    path: String,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, dir, model, library, data, percent @ ..] = &arguments[..] else {
        panic!("topics DIR MODEL_DIR LIBRARY DATA [PERCENT]")
    };
    let percent: usize = percent.first().map_or(1, |n| n.parse().expect("a number"));
    let embedder = Fastembed::open(model.as_ref(), Options { threads: 2, ..Options::new(library) }).expect("the model");
    let data = PathBuf::from(data);
    fs::create_dir_all(&data).expect("a directory");
    let data = data.canonicalize().expect("a directory");
    for old in ["source", "store/topics"] {
        fs::remove_dir_all(data.join(old)).ok();
    }
    let source = data.join("source");
    let files = files(Path::new(dir));
    let (late, early): (Vec<_>, Vec<_>) = files.iter().enumerate().partition(|(n, _)| n * percent % 100 < percent);
    let copy = |(_, file): &(usize, &PathBuf)| {
        let to = source.join(file.strip_prefix(dir).expect("below it"));
        fs::create_dir_all(to.parent().expect("a directory")).expect("a directory");
        fs::copy(file, to).expect("a copy");
    };
    early.iter().for_each(copy);
    let config = Config { data: data.join("store"), sources: vec![source.clone()], excluded: vec![], worker: vec![] };
    let index = Index::open(config, Some(Arc::new(embedder) as Arc<dyn Embedder>)).expect("the index");
    index.start();
    let forming = settled(&index);
    let before = labels(&index, &source);
    print(&index.topics());

    let begun = Instant::now();
    late.iter().for_each(copy);
    late.iter().for_each(|(_, file)| index.touched(&source.join(file.strip_prefix(dir).expect("below it"))));
    let seen = || index.coverage().len() >= files.len();
    while !seen() && begun.elapsed() < NOTICED {
        thread::sleep(Duration::from_millis(5));
    }
    let adding = settled(&index);
    let after = labels(&index, &source);
    let kept = |name: fn(&Labels) -> &String| {
        let same = before.iter().filter(|(id, labels)| after.get(id).is_some_and(|now| name(now) == name(labels)));
        same.count() as f64 / before.len() as f64
    };
    let agreement = |name: fn(&Labels) -> &String| nmi(after.values().map(|labels| (&labels.folder, name(labels))));
    let topics = index.topics();
    println!(
        "{}",
        json!({
            "documents": after.len(), "topics": topics.tops().count(), "of_both_levels": topics.topics.len(),
            "misc": topics.places.values().filter(|place| place.home.is_none()).count(),
            "in_two": topics.places.values().filter(|place| place.second.is_some()).count(),
            "nmi_first_level": agreement(|l| &l.top), "nmi_both_levels": agreement(|l| &l.path),
            "forming_s": forming.as_secs_f64(), "added": late.len(), "adding_s": adding.as_secs_f64(),
            "kept_first_level": kept(|l| &l.top), "kept_both_levels": kept(|l| &l.path),
        })
    );
    index.stop();
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            all.push(path);
        }
    }
    all.sort();
    all
}

/// Waits until every document has its place, and gives the time that took from when it had its vectors.
fn settled(index: &Index) -> Duration {
    assert!(index.wait(true, PATIENCE), "not settled: {:?}", index.counts());
    let begun = Instant::now();
    while index.counts().pending_topics > 0 {
        thread::sleep(Duration::from_millis(5));
    }
    begun.elapsed()
}

fn labels(index: &Index, source: &Path) -> HashMap<u64, Labels> {
    let topics = index.topics();
    let label = |document: &echofs_indexer::Document| {
        let below = document.path.strip_prefix(source).ok()?;
        let folder = below.components().next()?.as_os_str().to_string_lossy().into_owned();
        let home = topics.places.get(&document.id)?.home;
        let name = |topic: Option<usize>| topic.map_or_else(|| MISC.to_owned(), |topic| topics.path(topic));
        let (top, path) = (name(home.map(|home| topics.top_of(home))), name(home));
        Some((document.id, Labels { folder, top, path }))
    };
    index.documents().iter().filter_map(label).collect()
}

fn print(topics: &Topics) {
    let count = |topic: usize| topics.places.keys().filter(|id| topics.is_in(**id, &[topic])).count();
    let mut tops: Vec<usize> = topics.tops().collect();
    tops.sort_by_key(|top| std::cmp::Reverse(count(*top)));
    for top in tops {
        println!("{} ({}): {}", topics.path(top), count(top), topics.topics[top].phrases.join(", "));
        let subs = topics.below(Some(top));
        let subs: Vec<String> = subs.map(|sub| format!("{} {}", topics.topics[sub].name, count(sub))).collect();
        println!("    {}", subs.join(" | "));
    }
    let misc = |place: &&Place| place.home.is_none();
    println!("{MISC} ({})", topics.places.values().filter(misc).count());
}
