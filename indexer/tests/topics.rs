//! Topics follow the documents: what is alike stands together, names stay, what is gone leaves nothing.

mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use echofs_embedder::Embedder;
use echofs_indexer::Index;
use echofs_indexer::topics::{Label, ToLabel, Topic};
use store::agreement::nmi;
use store::{Counting, PATIENCE, Place, copy, found_set, holds, search, until};

/// Three subjects, and words that only documents about them hold.
const SUBJECTS: [(&str, &str); 3] = [
    ("sourdough", "flour yeast oven crust knead rye loaf"),
    ("sailing", "boat mast harbour anchor rudder tide sail"),
    ("telescope", "mirror planet eyepiece nebula comet orbit lens"),
];

/// Words that any document may hold.
const COMMON: &str = "yesterday evening friend street kitchen window letter morning paper garden market station";
/// Words of subjects that are closer to each other than [`SUBJECTS`], and that no title names.
const LABELLED: [&str; 8] = [
    "flour yeast oven crust knead rye loaf dough salt bakery",
    "boat mast harbour anchor rudder tide sail keel salt wind",
    "mirror planet eyepiece nebula comet orbit lens tide night telescope",
    "camera lens shutter tripod exposure aperture film portrait night darkroom",
    "hive queen brood swarm honey frame mite syrup smoker nectar",
    "wheel chain pedal brake saddle tyre frame gear helmet wind",
    "fiddle chord melody concert rhythm drum choir tuning song film",
    "plank saw chisel joint oak hammer nail bench frame plane",
];

/// Numbers that look like chance and are always the same.
struct Dice(u64);

impl Dice {
    fn word<'a>(&mut self, words: &'a str) -> &'a str {
        let words: Vec<&str> = words.split(' ').collect();
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        words[(self.0 >> 33) as usize % words.len()]
    }
}

/// A document of three sentences: most words of its subject, some of another, some of all.
fn labelled(place: &Place, subject: usize, number: usize) -> std::path::PathBuf {
    let (own, other) = (LABELLED[subject], LABELLED[(subject + number) % LABELLED.len()]);
    let mut dice = Dice((subject * 1000 + number) as u64);
    let mut sentence = || {
        let from = [own, own, COMMON, own, own, other, own, COMMON, own];
        from.map(|words| dice.word(words)).join(" ")
    };
    let text = format!("The {}.\nA {}.\nThis {}.\n", sentence(), sentence(), sentence());
    place.write(&format!("note-{number}-{subject}.md"), &text)
}

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

/// Has a model say a name and a summary of each topic, or nothing, and gives what it was asked.
fn label(index: &Index, said: impl Fn(&str) -> Option<[&'static str; 2]>) -> BTreeMap<String, ToLabel> {
    let mut all = BTreeMap::new();
    while let Some(asked) = index.next_to_label() {
        let label =
            |[name, summary]: [&str; 2]| Label { name: name.into(), summary: summary.into(), model: "m".into() };
        index.bring_label(asked.clone(), said(&asked.path).map(label));
        all.insert(asked.path.clone(), asked);
    }
    until("all are labelled", || index.counts().pending_labels == 0);
    all
}

fn topic_at(index: &Index, path: &str) -> Topic {
    let topics = index.topics();
    topics.topics[topics.at(path).expect("a topic")].clone()
}

/// What a model said of a topic, as far as it is kept.
fn summary(index: &Index, path: &str) -> Option<String> {
    topic_at(index, path).summary.map(|summary| summary.text)
}

const SAID: &str = "The boat has a mast and an anchor.";

fn of_sailing(path: &str) -> Option<[&'static str; 2]> {
    (path == "sailing").then_some(["Boats and anchors", SAID])
}

#[test]
fn a_name_that_a_model_chose_stays_and_the_former_one_leads_to_it() {
    let place = library(8);
    let index = open(&place, None);
    let before = homes(&index);
    assert_eq!(label(&index, of_sailing).len(), 3);
    let check = |index: &Index| {
        let topic = topic_at(index, "sailing");
        assert_eq!((topic.name.as_str(), topic.namer.as_deref()), ("boats-and-anchors", Some("m")));
        assert_eq!(summary(index, "boats-and-anchors").as_deref(), Some(SAID));
        let homes = homes(index);
        for name in before.keys() {
            assert_eq!(name.starts_with("sailing"), homes[name] == "boats-and-anchors", "{homes:?}");
        }
        assert_eq!(found_set(index, "topic:sailing"), found_set(index, "topic:boats-and-anchors"));
    };
    check(&index);
    assert_eq!(found_set(&index, "topic:sailing").len(), 8);
    // As many again: they are formed anew.
    for number in 21..30 {
        (0..3).for_each(|subject| index.touched(&write(&place, subject, number)));
    }
    until("all have their places", || homes(&index).len() == 24 + 27);
    settle(&index);
    check(&index);
    drop(index);
    let index = open(&place, None);
    check(&index);
    assert!(index.next_to_label().is_none_or(|asked| asked.path != "boats-and-anchors"));
}

#[test]
fn a_name_of_another_topic_or_of_a_single_document_is_refused() {
    let place = Place::new();
    for (subject, number) in (0..3).flat_map(|subject| (0..8).map(move |number| (subject, number))) {
        let path = write(&place, subject, number);
        let rare = if (subject, number) == (1, 3) { "Zeppelins. " } else { "" };
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text}{rare}Kept in the shed of Brekke.\n")).unwrap();
    }
    let index = open(&place, None);
    label(&index, |path| Some([if path == "sailing" { "Sailing zeppelins" } else { "Brekke shed" }, ""]));
    let names = || index.topics().topics.iter().map(|topic| topic.name.clone()).collect::<BTreeSet<String>>();
    let (shed, sailing) = ("brekke-shed".to_owned(), "sailing".to_owned());
    let expected = |kept: &str| BTreeSet::from([shed.clone(), sailing.clone(), kept.to_owned()]);
    assert!(names() == expected("telescope") || names() == expected("sourdough"), "{:?}", names());
}

#[test]
fn a_summary_goes_with_the_words_that_it_was_made_from() {
    let place = library(8);
    let index = open(&place, None);
    let asked = label(&index, of_sailing).remove("sailing").unwrap();
    let shown: Vec<_> = index.documents().iter().filter(|d| asked.sources.contains_key(&d.id)).cloned().collect();
    assert!(!shown.is_empty());
    let rewrite = |text: &str| {
        let write = |document: &echofs_indexer::Document| {
            std::fs::write(&document.path, text).unwrap();
            index.touched(&document.path);
        };
        shown.iter().for_each(write);
        let excerpts = || topic_at(&index, "sailing").excerpts;
        until("nothing old is quoted", || {
            excerpts().iter().all(|quote| text.contains(&quote.text) || !shown.iter().any(|d| d.id == quote.document))
        });
        settle(&index);
    };
    rewrite("# On sailing\n\nSailing boat, mast, harbour, anchor, rudder, tide, sail. And more.\n");
    assert_eq!(summary(&index, "sailing").as_deref(), Some(SAID));
    rewrite("# On sailing\n\nSailing boat, harbour, anchor, rudder, tide, sail.\n");
    until("it is gone", || summary(&index, "sailing").is_none());
    // What a model says after that is of the words as they are now; what it was shown before does not count.
    index.bring_label(asked.clone(), Some(Label { summary: SAID.into(), ..Label::default() }));
    until("it is dropped", || index.next_to_label().is_some_and(|again| again.path == "boats-and-anchors"));
    assert!(summary(&index, "sailing").is_none());
}

#[test]
fn what_a_model_said_is_forgotten_with_a_document_that_it_was_shown() {
    let place = library(8);
    let index = open(&place, None);
    let asked = label(&index, of_sailing).remove("sailing").unwrap();
    assert_eq!(summary(&index, "sailing").as_deref(), Some(SAID));
    let shown = index.documents().iter().find(|document| asked.sources.contains_key(&document.id)).cloned().unwrap();
    index.forget(&shown.path).unwrap();
    assert_eq!(summary(&index, "sailing"), None);
    assert!(!holds(&place.data().join("topics"), SAID));
    // The name is borne out by the others, and stays.
    assert_eq!(topic_at(&index, "sailing").name, "boats-and-anchors");
    assert!(holds(&place.data().join("topics"), "boats-and-anchors"));
}

#[test]
fn subjects_are_told_apart() {
    let place = Place::new();
    for number in 0..25 {
        (0..LABELLED.len()).for_each(|subject| drop(labelled(&place, subject, number)));
    }
    let index = open(&place, None);
    let topics = index.topics();
    let top = |document: &echofs_indexer::Document| {
        let name = document.path.file_name().unwrap().to_string_lossy().into_owned();
        let home = topics.places[&document.id].home.map(|home| topics.top_of(home));
        (name.split('-').next_back().unwrap().to_owned(), format!("{home:?}"))
    };
    let pairs: Vec<(String, String)> = index.documents().iter().map(top).collect();
    assert_eq!(pairs.len(), 200);
    let agreement = nmi(pairs.iter().map(|(label, topic)| (label, topic)));
    assert!(agreement >= 0.8, "{agreement}: {pairs:?}");
    // One document in a hundred comes.
    let before = homes(&index);
    (0..2).for_each(|subject| index.touched(&labelled(&place, subject, 99)));
    keep_their_names(&index, &before, 2);
}

/// Waits until so many documents more have their places, and then at least 97 in 100 of those before are where they were.
fn keep_their_names(index: &Index, before: &BTreeMap<String, String>, more: usize) {
    until("the new ones have their places", || homes(index).len() == before.len() + more);
    settle(index);
    let after = homes(index);
    let kept = before.iter().filter(|(name, home)| after[*name] == **home).count();
    assert!(kept * 100 >= before.len() * 97, "{kept} of {}: {before:?} {after:?}", before.len());
}

#[test]
fn one_document_more_in_a_hundred_moves_no_other() {
    let place = Place::new();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/vault"), &place.notes());
    let index = open(&place, Some(Counting::new()));
    let before = homes(&index);
    assert!(before.len() >= 60 && before.values().collect::<BTreeSet<_>>().len() > 3, "{before:?}");
    index.touched(&place.write("journal/one-more.md", "# A walk\n\nBats over the loch, and rain on the way home.\n"));
    keep_their_names(&index, &before, 1);
}

#[test]
fn what_is_like_nothing_stands_in_misc() {
    let place = library(8);
    let index = open(&place, None);
    index.touched(&place.write("stranger.md", "Zamboni quokka xylophone fjord gazpacho.\n"));
    until("it has its place", || homes(&index).get("stranger.md").is_some_and(|home| home == "misc"));
    assert_eq!(found_set(&index, "topic:misc"), ["stranger.md"]);
}
