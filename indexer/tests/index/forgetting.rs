//! What is forgotten is gone from everywhere, and stays so.

use std::fs;
use std::sync::Arc;

use echofs_embedder::{Embedder, Hashed};
use echofs_indexer::relationship::{Entry, Kind as Entered, verify};
use echofs_indexer::{Error, Index, State, Wanted};

use crate::store::{PATIENCE, Place, found, found_set, holds, until};

#[test]
fn what_is_forgotten_stays_forgotten() {
    let place = Place::new();
    place.write("keep.md", "an ordinary walrus\n");
    place.write("secret-plan.md", "the zebrafish conspiracy\n");
    place.write("dir/more.md", "another zebrafish\n");
    let embedder: Arc<dyn Embedder> = Arc::new(Hashed::new(64));
    let index = place.open(Some(embedder.clone()));
    fs::create_dir_all(place.data().join("index.damaged")).unwrap();
    fs::write(place.data().join("index.damaged/old"), "the zebrafish conspiracy").unwrap();
    fs::create_dir_all(place.data().join("vectors/another-model")).unwrap();
    let forgotten = index.forget(&place.path("secret-plan.md")).unwrap();
    assert!(!place.data().join("vectors/another-model").exists());
    assert_eq!((forgotten.paths.len(), forgotten.passages), (1, 1));
    index.forget(&place.path("dir")).unwrap();
    let is_gone = |index: &Index| {
        assert_eq!(found_set(index, "zebrafish walrus"), ["keep.md"]);
        assert!(index.passages(&place.path("secret-plan.md")).is_err());
        assert!(!index.readable(&place.path("secret-plan.md")) && !index.readable(&place.path("dir/more.md")));
        assert!(index.coverage().iter().any(|c| c.state == State::Skipped && c.reason == "forgotten"));
    };
    is_gone(&index);
    assert!(!holds(&place.data(), "zebrafish"), "the text is still somewhere on disk");

    place.write("secret-plan.md", "the zebrafish conspiracy, second edition\n");
    place.write("dir/new.md", "a new zebrafish\n");
    index.reindex(None);
    assert!(index.wait(true, PATIENCE));
    is_gone(&index);
    drop(index);

    for derived in ["index", "catalogue", "vectors"] {
        fs::remove_dir_all(place.data().join(derived)).unwrap();
    }
    is_gone(&place.open(Some(embedder)));
}

#[test]
fn a_forgotten_file_that_is_renamed_stays_forgotten() {
    let place = Place::new();
    place.write("a.md", "the zebrafish conspiracy\n");
    let index = place.open(None);
    index.forget(&place.path("a.md")).unwrap();
    fs::rename(place.path("a.md"), place.path("b.md")).unwrap();
    until("the new name is known", || index.coverage().iter().any(|c| c.path == place.path("b.md")));
    assert!(index.wait(false, PATIENCE));
    assert!(found(&index, "zebrafish").is_empty());
    drop(index);
    fs::rename(place.path("b.md"), place.path("c.md")).unwrap();
    assert!(found(&place.open(None), "zebrafish").is_empty(), "renamed while nobody looked");
}

#[test]
fn a_copy_of_a_forgotten_file_is_forgotten_until_it_says_something_else() {
    let place = Place::new();
    place.write("a.md", "the zebrafish conspiracy\n");
    place.write("b.md", "the zebrafish conspiracy\n");
    let index = place.open(None);
    let would = index.would_forget(&index.wanted("a.md").unwrap().unwrap()).unwrap();
    assert_eq!(would.paths, [place.path("a.md"), place.path("b.md")]);
    assert_eq!(index.forget(&place.path("a.md")).unwrap().paths, would.paths);
    place.write("c.md", "the zebrafish conspiracy\n");
    until("the copy is seen", || index.coverage().iter().any(|c| c.path == place.path("c.md")));
    assert!(index.wait(false, PATIENCE));
    assert!(found(&index, "zebrafish").is_empty() && !index.readable(&place.path("c.md")));
    place.write("c.md", "a walrus\n");
    until("another text is found", || found(&index, "walrus") == ["c.md"]);
}

#[test]
fn orders_of_older_versions_hold_and_lose_their_paths() {
    let place = Place::new();
    let path = place.write("a.md", "the zebrafish conspiracy\n");
    let entry = format!("{{\"path\":\"{}\",\"hash\":null,\"at\":5}}", path.display());
    let sum = &blake3::hash(entry.as_bytes()).to_hex()[..16];
    fs::create_dir_all(place.data().join("journal")).unwrap();
    fs::write(place.data().join("journal/forget.jsonl"), format!("{{\"sum\":\"{sum}\",\"entry\":{entry}}}\n")).unwrap();
    assert!(found(&place.open(None), "zebrafish").is_empty());
    assert!(!holds(&place.data(), "a.md"));
    assert!(found(&place.open(None), "zebrafish").is_empty());
}

#[test]
fn what_cannot_be_erased_is_an_error_and_is_erased_later() {
    let place = Place::new();
    place.write("a.md", "the zebrafish conspiracy\n");
    place.write("b.md", "a walrus\n");
    let index = place.open(None);
    let (dir, away) = (place.data().join("index"), place.data().join("away"));
    fs::rename(&dir, &away).unwrap();
    let error = index.forget(&place.path("a.md")).unwrap_err();
    assert!(matches!(error, Error::Unerased(_)), "{error}");
    assert!(place.data().join("journal/unerased").exists());
    fs::rename(&away, &dir).unwrap();
    until("it is erased", || !place.data().join("journal/unerased").exists());
    assert_eq!(found_set(&index, "zebrafish walrus"), ["b.md"]);
    assert!(!holds(&place.data(), "zebrafish"));
}

#[test]
fn what_a_crash_left_is_erased_at_the_next_start() {
    let place = Place::new();
    place.write("a.md", "the zebrafish conspiracy\n");
    place.write("b.md", "a walrus\n");
    drop(place.open(None));
    fs::write(place.data().join("journal/unerased"), "").unwrap();
    fs::remove_file(place.path("a.md")).unwrap();
    let index = place.open(None);
    until("it is erased", || !place.data().join("journal/unerased").exists());
    assert!(!holds(&place.data(), "zebrafish"));
    assert_eq!(found_set(&index, "zebrafish walrus"), ["b.md"]);
}

#[test]
fn a_query_that_does_not_say_what_forgets_nothing() {
    let place = Place::new();
    place.write("a.md", "the zebrafish conspiracy\n");
    let index = place.open(None);
    for query in
        ["", "sem:(a fish)", "zebrafish limit:1", "zebrafish in:nowhere", "(zebrafish", "zebrafish like:\"a.md\""]
    {
        let error = index.forget_wanted(&Wanted::Query(query.into())).unwrap_err();
        assert!(matches!(error, Error::Vague(_)), "{query}: {error}");
    }
    let error = index.forget_wanted(&Wanted::Query("zebrafish walrus".into())).unwrap_err();
    assert!(matches!(error, Error::Nothing(_)), "{error}");
    for outside in ["/etc/passwd".into(), place.notes().join("../data/journal"), place.data().join("notes/none.md")] {
        assert!(index.forget(&outside).is_err(), "{}", outside.display());
    }
    assert_eq!(found(&index, "zebrafish"), ["a.md"]);
}

#[test]
fn a_query_reaches_into_the_relationship_log() {
    let place = Place::new();
    place.write("a.md", "a walrus\n");
    let index = place.open(None);
    let entry = |kind, subject: &str, text: &str| Entry {
        subject: Some(subject.into()),
        ..Entry::new(kind, text, jiff::Timestamp::now())
    };
    let log = index.relationship();
    log.append(vec![
        entry(Entered::Opinion, "zebrafish", "They thrive in cold water."),
        entry(Entered::Preference, "pets", "no zebrafish any more"),
        entry(Entered::Interaction, "questions", "Where does the zebrafish live?"),
        entry(Entered::Correction, "Zebrafish", "They thrive in warm water."),
        entry(Entered::Opinion, "walrus", "It is large."),
    ])
    .unwrap();
    until("the pages are found", || found_set(&index, "in:relationship lex:thrive") == ["zebrafish.md"]);
    let wanted = Wanted::Query("zebrafish".into());
    let would = index.would_forget(&wanted).unwrap();
    assert_eq!((would.entries.len(), would.paths.len()), (4, 0), "{would:?}");
    assert_eq!(log.view().unwrap().entries.len(), 4, "a dry run changes nothing");
    assert_eq!(index.forget_wanted(&wanted).unwrap().entries, would.entries);
    let left: Vec<String> = log.view().unwrap().entries.into_iter().map(|entry| entry.text).collect();
    assert_eq!(left, ["It is large."]);
    assert_eq!(verify(log.file()).unwrap(), Ok(5), "the chain goes on");
    for trace in ["zebrafish", "Zebrafish", "thrive"] {
        assert!(!holds(&place.data(), trace), "{trace} is still somewhere on disk");
    }
    until("the other page is there", || found_set(&index, "in:relationship lex:large") == ["walrus.md"]);
    assert!(found(&index, "lex:thrive").is_empty());
    let again = index.forget_wanted(&wanted).unwrap_err();
    assert!(matches!(again, Error::Nothing(_)), "{again}");
}
