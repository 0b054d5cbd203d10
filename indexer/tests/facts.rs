//! Facts follow the documents and the owner: what is written is stated, what is gone is not, and orders last.

mod store;

use std::path::Path;
use std::time::Duration;

use echofs_indexer::conversations::Turn;
use echofs_indexer::facts::{Claim, Fact, Facts, Method, ToRead, Wish, Words};
use echofs_indexer::{Error, Index, Wanted};
use store::{PATIENCE, Place, holds};

/// Waits until `ready` holds for the facts.
fn until(index: &Index, what: &str, ready: impl Fn(&Facts) -> bool) {
    let end = std::time::Instant::now() + PATIENCE;
    while !ready(&index.facts()) {
        assert!(std::time::Instant::now() < end, "{what}: {:#?}", sentences(index));
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn sentences(index: &Index) -> Vec<String> {
    index.facts().all().map(|fact| fact.sentence()).collect()
}

/// What is so now.
fn current(index: &Index) -> Vec<String> {
    let facts = index.facts();
    facts.all().filter(|fact| fact.superseded_by.is_none()).map(|fact| fact.sentence()).collect()
}

fn first(facts: &Facts) -> Fact<'_> {
    facts.at(0).expect("a fact")
}

fn states(facts: &Facts, sentence: &str) -> bool {
    facts.all().any(|fact| fact.sentence() == sentence)
}

fn until_stated(index: &Index, sentence: &str) {
    until(index, sentence, |facts| states(facts, sentence));
}

fn until_gone(index: &Index, sentence: &str) {
    until(index, &format!("no {sentence}"), |facts| !states(facts, sentence));
}

fn id_of(index: &Index, sentence: &str) -> String {
    index.facts().all().find(|fact| fact.sentence() == sentence).expect("the fact").id.to_string()
}

#[test]
fn facts_follow_the_documents() {
    let place = Place::new();
    let note = place.write("oda.md", "# People\n\nOda Brekke lives in Bergen.\n");
    let index = place.open(None);
    until_stated(&index, "Oda Brekke lives in Bergen");
    let facts = index.facts();
    let fact = facts.all().find(|fact| fact.predicate == "lives in").expect("the fact");
    assert_eq!((fact.source.path, fact.source.line), (note.as_path(), 3));
    assert_eq!(fact.source.quote, "Oda Brekke lives in Bergen.");
    place.write("oda.md", "# People\n\nOda Brekke owns a boat.\n");
    index.touched(&note);
    until_stated(&index, "Oda Brekke owns a boat");
    until_gone(&index, "Oda Brekke lives in Bergen");
    std::fs::remove_file(&note).unwrap();
    index.touched(&note);
    until_gone(&index, "Oda Brekke owns a boat");
}

#[test]
fn one_fact_from_many_places_is_one() {
    let place = Place::new();
    for n in 0..10 {
        place.write(&format!("{n}.md"), "Oda Brekke works for the mill.\n");
    }
    let index = place.open(None);
    let one = |facts: &Facts| facts.len() == 1 && first(facts).sources.count() == 10;
    until(&index, "one fact with ten sources", one);
    let confidence = first(&index.facts()).confidence;
    for n in 0..9 {
        std::fs::remove_file(place.path(&format!("{n}.md"))).unwrap();
        index.touched(&place.path(&format!("{n}.md")));
    }
    until(&index, "the last source", |facts| facts.len() == 1 && first(facts).sources.is_single());
    assert!(first(&index.facts()).confidence < confidence);
}

#[test]
fn a_newer_statement_takes_the_place_of_an_older_one() {
    let place = Place::new();
    place.write("old.md", "---\ndate: 2024-02-01\n---\nOda Brekke lives in Bergen.\n");
    place.write("new.md", "---\ndate: 2026-03-01\n---\nOda Brekke lives in Oslo.\n");
    let index = place.open(None);
    until(&index, "two facts", |facts| facts.len() == 2);
    let facts = index.facts();
    let of = |object: &str| facts.all().find(|fact| fact.object == object).expect("the fact");
    let (old, new) = (of("Bergen"), of("Oslo"));
    assert_eq!(old.superseded_by, Some(new.id));
    assert_eq!(old.valid_until.map(|d| d.to_string()).as_deref(), Some("2026-03-01"));
    let on = |day: &str| {
        let day = day.parse().unwrap();
        facts.all().filter(|fact| fact.holds_on(day)).map(|fact| fact.object).collect::<Vec<_>>()
    };
    assert_eq!((on("2023-01-01"), on("2025-01-01"), on("2026-04-01")), (vec![], vec!["Bergen"], vec!["Oslo"]));
}

#[test]
fn a_turn_is_true_from_its_day_on_and_learnt_when_it_came_in() {
    let place = Place::new();
    let index = place.open(None);
    let turn = |at: &str, content: &str| {
        let line = format!("{{\"role\":\"user\",\"at\":\"{at}\",\"content\":\"{content}\"}}");
        Turn::parse(&line, "talk", jiff::Timestamp::now()).unwrap()
    };
    let turns = [
        turn("2023-03-05T12:00:00Z", "Oda Brekke lives in Bergen."),
        turn("2023-05-01T12:00:00Z", "Oda Brekke lives in Oslo."),
    ];
    index.conversations().append(&turns).unwrap();
    until_stated(&index, "Oda Brekke lives in Bergen");
    until_stated(&index, "Oda Brekke lives in Oslo");
    let facts = index.facts();
    let of = |object: &str| facts.all().find(|fact| fact.object == object).expect("the fact");
    assert_eq!(of("Bergen").since().to_string(), "2023-03-05");
    assert_eq!(of("Oslo").since().to_string(), "2023-05-01");
    assert_eq!(of("Bergen").superseded_by, Some(of("Oslo").id), "though they stand in one document");
    let on = |day: &str| {
        let day = day.parse().unwrap();
        let held = facts.all().filter(|fact| fact.holds_on(day)).map(|fact| fact.object).collect::<Vec<_>>();
        (held, facts.known_on(day).count())
    };
    assert_eq!((on("2023-04-01"), on("2023-06-01")), ((vec!["Bergen"], 0), (vec!["Oslo"], 0)));
    let today = jiff::Zoned::now().date().to_string();
    assert_eq!(on(&today), (vec!["Oslo"], 1));
}

#[test]
fn orders_of_the_owner_last() {
    let place = Place::new();
    let note = place.write("oda.md", "Oda Brekke lives in Bergen.\n\nOda Brekke owns a boat.\n");
    let index = place.open(None);
    until_stated(&index, "Oda Brekke lives in Bergen");
    until_stated(&index, "Oda Brekke owns a boat");
    index.change_facts(&Wish::Remove(id_of(&index, "Oda Brekke owns a boat"))).unwrap();
    let parts = ["Oda Brekke", "lives in", "Trondheim"].map(String::from);
    index.change_facts(&Wish::Correct(id_of(&index, "Oda Brekke lives in Bergen"), parts.into())).unwrap();
    let right = |index: &Index| current(index) == ["Oda Brekke lives in Trondheim"];
    assert!(right(&index), "{:?}", sentences(&index));
    let facts = index.facts();
    let of = |object: &str| facts.all().find(|fact| fact.object == object).expect("the fact");
    assert_eq!((of("Trondheim").method, of("Bergen").superseded_by), (Method::User, Some(of("Trondheim").id)));
    assert!(matches!(index.change_facts(&Wish::Remove("nothing".into())), Err(Error::NoFact)));
    // The same said elsewhere is removed as well, also after everything derived was lost.
    place.write("again.md", "Oda Brekke owns a boat.\n\nThe mill is closed on Mondays.\n");
    index.touched(&place.path("again.md"));
    until_stated(&index, "The mill is closed on Mondays");
    std::fs::remove_file(place.path("again.md")).unwrap();
    drop(index);
    for derived in ["facts", "index", "catalogue"] {
        std::fs::remove_dir_all(place.data().join(derived)).unwrap();
    }
    let index = place.open(None);
    until(&index, "the correction", |facts| facts.len() == 2);
    assert!(right(&index), "{:?}", sentences(&index));
    assert!(note.exists());
}

#[test]
fn the_owner_corrects_more_than_once() {
    let place = Place::new();
    place.write("oda.md", "---\ndate: 2024-02-01\n---\nOda Brekke owns a boat.\n");
    let index = place.open(None);
    until_stated(&index, "Oda Brekke owns a boat");
    let correct = |old: &str, object: &str| {
        let parts = ["Oda Brekke", "owns", object].map(String::from);
        index.change_facts(&Wish::Correct(id_of(&index, &format!("Oda Brekke owns {old}")), parts.into())).unwrap();
    };
    correct("a boat", "a ship");
    assert_eq!(current(&index), ["Oda Brekke owns a ship"]);
    // Somebody who still looks at the first puts the last one right.
    correct("a boat", "a raft");
    assert_eq!(current(&index), ["Oda Brekke owns a raft"]);
    correct("a raft", "a boat");
    assert_eq!(current(&index), ["Oda Brekke owns a boat"]);
    correct("a boat", "a canoe");
    // What is removed takes with it what it had replaced: the document's word does not come back.
    index.change_facts(&Wish::Remove(id_of(&index, "Oda Brekke owns a canoe"))).unwrap();
    assert_eq!(sentences(&index), [""; 0]);
}

#[test]
fn a_correction_says_since_when() {
    let place = Place::new();
    place.write("oda.md", "---\ndate: 2024-02-01\n---\nOda Brekke owns a boat.\n");
    let index = place.open(None);
    until_stated(&index, "Oda Brekke owns a boat");
    let words = |object: &str, from: &str| Words {
        valid_from: from.parse().ok(),
        ..["Oda Brekke", "owns", object].map(String::from).into()
    };
    index.change_facts(&Wish::Correct(id_of(&index, "Oda Brekke owns a boat"), words("a boat", "2023-05-01"))).unwrap();
    let since = |sentence: &str| {
        let facts = index.facts();
        facts.all().find(|fact| fact.sentence() == sentence).map(|fact| (fact.since().to_string(), fact.valid_until))
    };
    assert_eq!(since("Oda Brekke owns a boat"), Some(("2023-05-01".into(), None)));
    assert_eq!(current(&index).len(), 1);
    index.change_facts(&Wish::Correct(id_of(&index, "Oda Brekke owns a boat"), words("a ship", "2025-01-01"))).unwrap();
    let until = "2025-01-01".parse().ok();
    assert_eq!(since("Oda Brekke owns a boat"), Some(("2023-05-01".into(), until)));
    assert_eq!(since("Oda Brekke owns a ship"), Some(("2025-01-01".into(), None)));
}

#[test]
fn what_is_kept_needs_no_second_reading_and_damage_heals() {
    let place = Place::new();
    place.write("oda.md", "Oda Brekke lives in Bergen.\n");
    drop({
        let index = place.open(None);
        until_stated(&index, "Oda Brekke lives in Bergen");
        index
    });
    garble(&place.data().join("facts"));
    let index = place.open(None);
    until_stated(&index, "Oda Brekke lives in Bergen");
}

fn garble(dir: &Path) {
    for entry in std::fs::read_dir(dir).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let mut bytes = std::fs::read(entry.path()).unwrap();
        bytes.iter_mut().step_by(3).for_each(|byte| *byte ^= 0x5a);
        std::fs::write(entry.path(), bytes).unwrap();
    }
}

#[test]
fn forgotten_files_and_secrets_state_nothing() {
    let place = Place::new();
    place.write(".env", "OWNER=Oda Brekke lives in Bergen.\n");
    let note = place.write("oda.md", "Oda Brekke keeps the pelicanery.\n");
    place.write("mill.md", "The mill is closed.\n");
    let index = place.open(None);
    until_stated(&index, "Oda Brekke keeps the pelicanery");
    until_stated(&index, "The mill is closed");
    index.forget(&note).unwrap();
    until_gone(&index, "Oda Brekke keeps the pelicanery");
    assert_eq!(sentences(&index), ["The mill is closed"]);
    drop(index);
    assert!(!holds(&place.data(), "pelicanery"));
}

#[test]
fn only_the_systems_own_note_of_remembered_sentences_is_the_owners_word() {
    let place = Place::new();
    let notes = place.data().join("notes");
    let others = [place.path("remembered.md"), notes.join("old/remembered.md"), notes.join("remembered.md")];
    for (path, animal) in others.iter().zip(["okapi", "quagga", "tapir"]) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = format!("# Remembered\n\n- 2026-11-22 09:30: Oda Brekke owns the {animal}.\n");
        std::fs::write(path, text).unwrap();
    }
    let index = place.open(None);
    for animal in ["okapi", "quagga", "tapir"] {
        until_stated(&index, &format!("Oda Brekke owns the {animal}"));
    }
    let facts = index.facts();
    let of = |animal: &str| facts.all().find(|fact| fact.object.ends_with(animal)).expect("the fact").method;
    assert_eq!(["okapi", "quagga", "tapir"].map(of), [Method::Rule, Method::Rule, Method::User]);
}

#[test]
fn corrections_of_what_is_forgotten_are_forgotten() {
    let place = Place::new();
    let zoo = place.write("zoo.md", "Oda Brekke keeps the pelicanery.\n\nOda Brekke owns the quagga.\n");
    place.write("mill.md", "Kari Lund owns the mill.\n\nOda Brekke owns the quagga.\n");
    let index = place.open(None);
    until_stated(&index, "Oda Brekke keeps the pelicanery");
    until_stated(&index, "Kari Lund owns the mill");
    let correct = |old: &str, parts: [&str; 3], from: &str| {
        let words = Words { valid_from: from.parse().ok(), ..parts.map(String::from).into() };
        index.change_facts(&Wish::Correct(id_of(&index, old), words)).unwrap();
    };
    correct("Oda Brekke keeps the pelicanery", ["Oda Brekke", "keeps", "the pelicanery"], "2020-01-02");
    correct("Oda Brekke keeps the pelicanery", ["Oda Brekke", "keeps", "the flamingory"], "");
    correct("Oda Brekke keeps the flamingory", ["Oda Brekke", "keeps", "the ostrichery"], "");
    correct("Oda Brekke owns the quagga", ["Oda Brekke", "owns", "the okapi"], "");
    correct("Kari Lund owns the mill", ["Kari Lund", "owns", "the old mill"], "");
    let told = index.forget(&zoo).unwrap();
    assert!(told.facts.contains(&"Oda Brekke keeps the ostrichery".to_owned()), "{:?}", told.facts);
    until_gone(&index, "Oda Brekke keeps the ostrichery");
    let mut left = current(&index);
    left.sort();
    assert_eq!(left, ["Kari Lund owns the old mill", "Oda Brekke owns the okapi"]);
    drop(index);
    for trace in ["pelicanery", "flamingory", "ostrichery"] {
        assert!(!holds(&place.data(), trace), "{trace}");
    }
    assert!(holds(&place.data(), "the okapi"), "another document states what was put right");
}

#[test]
fn a_correction_is_forgotten_with_the_document_that_said_otherwise_once() {
    let place = Place::new();
    let zoo = place.write("zoo.md", "Oda Brekke keeps the pelicanery.\n\nOda Brekke owns the quagga.\n");
    let index = place.open(None);
    until_stated(&index, "Oda Brekke keeps the pelicanery");
    let words = ["Oda Brekke", "keeps", "the ostrichery"].map(String::from).into();
    index.change_facts(&Wish::Correct(id_of(&index, "Oda Brekke keeps the pelicanery"), words)).unwrap();
    place.write("zoo.md", "Oda Brekke owns the quagga.\n");
    until_gone(&index, "Oda Brekke keeps the pelicanery");
    let told = index.would_forget(&Wanted::Path(zoo.clone())).unwrap();
    assert!(told.facts.contains(&"Oda Brekke keeps the ostrichery".to_owned()), "{:?}", told.facts);
    index.forget(&zoo).unwrap();
    until_gone(&index, "Oda Brekke keeps the ostrichery");
    drop(index);
    assert!(!holds(&place.data(), "ostrichery"));
}

const READABLE: &str = "With Oda Brekke it is hazelnuts that close the throat within a minute.\n";

/// The passage that a model may read next.
fn until_to_read(index: &Index) -> ToRead {
    let end = std::time::Instant::now() + PATIENCE;
    loop {
        if let Some(passage) = index.next_to_read().unwrap() {
            return passage;
        }
        assert!(std::time::Instant::now() < end, "nothing is to be read");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn claim(subject: &str, predicate: &str, object: &str) -> Claim {
    Claim { subject: subject.into(), predicate: predicate.into(), object: object.into() }
}

#[test]
fn a_passage_is_read_by_the_model_once() {
    let place = Place::new();
    let note = place.write("oda.md", &format!("# People\n\n{READABLE}"));
    place.write(
        "main.rs",
        "// Oda Brekke is allergic to hazelnuts, as everybody in the mill knows by now.\nfn main() {}\n",
    );
    let index = place.open(None);
    let passage = until_to_read(&index);
    assert!(passage.text.contains("hazelnuts") && index.next_to_read().unwrap() == Some(passage.clone()));
    let claims = [claim("Oda Brekke", "has it with", "hazelnuts"), claim("Oda Brekke", "is afraid of", "hazelnuts")];
    index.bring_claims(&passage, &claims);
    let stated = "Oda Brekke has it with hazelnuts";
    until_stated(&index, stated);
    let facts = index.facts();
    let fact = facts.all().find(|fact| fact.sentence() == stated).expect("the fact");
    assert_eq!((fact.method, fact.source.line, fact.source.quote), (Method::Model, 3, READABLE.trim_end()));
    assert!(!sentences(&index).iter().any(|sentence| sentence.contains("afraid")));
    assert_eq!(index.next_to_read().unwrap(), None, "code is not read, and nothing twice");
    drop(index);
    // Neither a restart, nor another name, nor a line more above it has it read again.
    std::fs::rename(&note, place.path("brekke.md")).unwrap();
    place.write("brekke.md", &format!("# People\n\n{READABLE}"));
    let index = place.open(None);
    until(&index, "its new place", |facts| {
        facts.all().any(|fact| fact.sentence() == stated && fact.source.path == place.path("brekke.md"))
    });
    assert_eq!(index.next_to_read().unwrap(), None);
    assert_eq!(index.counts().read_by_model, 1);
    std::fs::remove_file(place.path("brekke.md")).unwrap();
    index.touched(&place.path("brekke.md"));
    until_gone(&index, stated);
}

#[test]
fn what_the_model_read_is_forgotten_too() {
    let place = Place::new();
    let note = place.write("oda.md", "With Oda Brekke it is the pelicanery that closes the harbour office.\n");
    let index = place.open(None);
    let passage = until_to_read(&index);
    index.bring_claims(&passage, &[claim("Oda Brekke", "has it with", "pelicanery")]);
    until_stated(&index, "Oda Brekke has it with pelicanery");
    index.forget(&note).unwrap();
    until_gone(&index, "Oda Brekke has it with pelicanery");
    // What comes back late of something forgotten is not taken.
    index.bring_claims(&passage, &[claim("Oda Brekke", "keeps", "pelicanery")]);
    drop(index);
    assert!(!store::holds(&place.data(), "pelicanery"));
}
