//! Topics follow the documents: what is alike stands together, names stay, what is gone leaves nothing.

mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use echofs_embedder::Embedder;
use echofs_indexer::Index;
use store::{Counting, PATIENCE, Place, found_set, holds, search, until};

/// Three subjects, and words that only documents about them hold.
const SUBJECTS: [(&str, &str); 3] = [
    ("sourdough", "flour yeast oven crust knead rye loaf"),
    ("sailing", "boat mast harbour anchor rudder tide sail"),
    ("telescope", "mirror planet eyepiece nebula comet orbit lens"),
];

fn write(place: &Place, subject: usize, number: usize) -> std::path::PathBuf {
    let (name, words) = SUBJECTS[subject];
    let mut words: Vec<&str> = words.split(' ').collect();
    words.rotate_left(number % 7);
    let text = format!("# On {name}\n\n{name} {}. The {name} of day {number}.\n", words.join(" "));
    place.write(&format!("{name}-{number}.md"), &text)
}

fn library(count: usize) -> Place {
    let place = Place::new();
    for number in 0..count {
        (0..3).for_each(|subject| drop(write(&place, subject, number)));
    }
    place
}

fn open(place: &Place, embedder: Option<Arc<dyn Embedder>>) -> Arc<Index> {
    let index = place.open(embedder);
    settle(&index);
    index
}

fn settle(index: &Index) {
    assert!(index.wait(true, PATIENCE), "not settled: {:?}", index.counts());
    until("every document has its place", || index.counts().pending_topics == 0);
}

/// The topic of each document, by file name.
fn homes(index: &Index) -> BTreeMap<String, String> {
    let topics = index.topics();
    let home = |document: &echofs_indexer::Document| {
        let name = document.path.file_name().unwrap().to_string_lossy().into_owned();
        let home = topics.places.get(&document.id)?.home;
        Some((name, home.map_or("misc".into(), |home| topics.path(home))))
    };
    index.documents().iter().filter_map(home).collect()
}

#[test]
fn what_is_alike_stands_together_under_a_name_of_its_own() {
    for embedder in [None, Some(Counting::new() as Arc<dyn Embedder>)] {
        let place = library(8);
        let index = open(&place, embedder);
        let homes = homes(&index);
        assert_eq!(homes.len(), 24);
        for (name, home) in &homes {
            let subject = name.split('-').next().unwrap();
            assert_eq!(home, subject, "{homes:?}");
        }
        let topics = index.topics();
        let sailing = &topics.topics[topics.named("sailing")[0]];
        assert_eq!(sailing.phrases[0], "sailing");
        let excerpt = &sailing.excerpts[0];
        let document = index.documents().iter().find(|document| document.id == excerpt.document).cloned().unwrap();
        let text = std::fs::read_to_string(document.path).unwrap();
        let lines: Vec<&str> = text.lines().skip(excerpt.line as usize - 1).collect();
        assert!(lines.join("\n").starts_with(&excerpt.text), "{excerpt:?}");
    }
}

#[test]
fn queries_keep_to_a_topic() {
    let place = library(8);
    let index = open(&place, None);
    let sailing: Vec<String> = (0..8).map(|number| format!("sailing-{number}.md")).collect();
    assert_eq!(found_set(&index, "topic:sailing"), sailing);
    assert_eq!(found_set(&index, "topic:Sailing day"), sailing);
    assert_eq!(found_set(&index, "-topic:sailing").len(), 16);
    assert_eq!(found_set(&index, "topic:misc"), [""; 0]);
    let ignored = &search(&index, "topic:geology day").explain.ignored;
    assert!(ignored.len() == 1 && ignored[0].contains("there is no such topic"), "{ignored:?}");
}

#[test]
fn new_documents_join_and_names_stay_also_when_topics_are_formed_anew() {
    let place = library(8);
    let index = open(&place, None);
    let before = homes(&index);
    index.touched(&write(&place, 1, 20));
    until("the new one has its place", || homes(&index).contains_key("sailing-20.md"));
    assert_eq!(homes(&index)["sailing-20.md"], "sailing");
    // As many again: they are formed anew.
    for number in 21..30 {
        (0..3).for_each(|subject| index.touched(&write(&place, subject, number)));
    }
    until("all have their places", || homes(&index).len() == 24 + 1 + 27);
    settle(&index);
    let after = homes(&index);
    let moved: Vec<&String> = before.keys().filter(|name| after[*name] != before[*name]).collect();
    assert!(moved.is_empty(), "{moved:?} of {after:?}");
}

#[test]
fn topics_outlive_a_restart_and_the_loss_of_what_is_stored() {
    let place = library(8);
    let index = open(&place, None);
    let before = homes(&index);
    drop(index);
    let index = Index::open(place.config(), None).unwrap();
    index.start();
    until("the stored topics are shown", || homes(&index) == before);
    drop(index);
    let state = place.data().join("topics/state");
    let bytes = std::fs::read(&state).unwrap();
    std::fs::write(&state, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(homes(&open(&place, None)), before);
    std::fs::remove_dir_all(place.data().join("topics")).unwrap();
    assert_eq!(homes(&open(&place, None)), before);
}

#[test]
fn what_is_quoted_is_what_stands_there() {
    let place = library(8);
    let index = open(&place, None);
    let quoted = index.topics().topics[index.topics().named("sailing")[0]].excerpts[0].clone();
    let document = index.documents().iter().find(|document| document.id == quoted.document).cloned().unwrap();
    std::fs::write(&document.path, "# On sailing\n\nSailing, but rowed.\n").unwrap();
    index.touched(&document.path);
    until("the old words are gone", || index.topics().topics.iter().all(|topic| !topic.excerpts.contains(&quoted)));
}

#[test]
fn what_is_gone_or_forgotten_leaves_nothing() {
    let place = library(8);
    let text = "# To zanzibar\n\nIsland of zanzibar: market, spice, clove, palace, beach.\n";
    let secrets: Vec<_> = (0..3).map(|number| place.write(&format!("secret-{number}.md"), text)).collect();
    let index = open(&place, None);
    let stored = || holds(&place.data().join("topics"), "zanzibar");
    until("a phrase is stored", || index.topics().topics.iter().any(|t| t.phrases.join(" ").contains("zanzibar")));
    assert!(stored());
    secrets.iter().for_each(|path| drop(index.forget(path).unwrap()));
    assert!(!stored());
    let topics = index.topics();
    let said = |topic: &echofs_indexer::topics::Topic| format!("{:?} {:?}", topic.phrases, topic.excerpts);
    assert!(topics.topics.iter().all(|topic| !said(topic).contains("zanzibar")));
    for number in 0..8 {
        let path = place.path(&format!("telescope-{number}.md"));
        std::fs::remove_file(&path).unwrap();
        index.touched(&path);
    }
    // They go one by one; the last of them may stand in no topic for a moment.
    let names = || homes(&index).into_values().collect::<BTreeSet<String>>();
    until("their topic is gone", || names() == BTreeSet::from(["sailing".to_owned(), "sourdough".to_owned()]));
    until("nothing has its name", || index.topics().named("telescope").is_empty());
}
