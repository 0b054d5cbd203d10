//! What is saved is found, what is gone is gone, and everything is accounted for.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use echofs_embedder::Hashed;
use echofs_indexer::{Error, Index, Kind, State};

use crate::store::{Place, found, search, until};

#[test]
fn what_is_saved_is_found_and_what_is_deleted_is_gone() {
    let place = Place::new();
    place.write("bread.md", "# Sourdough\n\nFeed the starter every evening.\n");
    let index = place.open(None);
    assert_eq!(found(&index, "starter"), ["bread.md"]);
    let epoch = index.epoch();

    place.write("net.md", "The router password is on the fridge.\n");
    until("a new file is found", || found(&index, "lex:fridge") == ["net.md"]);
    assert!(index.epoch() > epoch);

    place.write("net.md", "The router password is in the safe.\n");
    until("its new text is found", || found(&index, "lex:safe") == ["net.md"]);
    assert!(found(&index, "lex:fridge").is_empty());

    fs::remove_file(place.path("net.md")).unwrap();
    until("it is gone", || index.document(&place.path("net.md")).is_none());
    assert!(found(&index, "password").is_empty());
    assert_eq!(index.documents().len(), 1);
}

#[test]
fn hits_lead_to_lines() {
    let place = Place::new();
    place.write("a.md", "# Title\n\nfirst paragraph\n\n## Two\n\nthe walrus sleeps\n");
    let index = place.open(None);
    let hit = &search(&index, "walrus").hits[0];
    assert_eq!((hit.rank, hit.document.title.as_str()), (1, "Title"));
    let lines: Vec<String> = fs::read_to_string(place.path("a.md")).unwrap().lines().map(str::to_owned).collect();
    let cited = lines[hit.passage.line as usize - 1..hit.passage.end_line as usize].join("\n");
    assert!(cited.contains(hit.passage.text.trim()), "{:?} is not in {cited:?}", hit.passage.text);
    assert_eq!(hit.why.words, ["walrus"]);
    assert_eq!((hit.why.lexical_rank, hit.why.semantic_rank), (Some(1), None));
    let passages = index.passages(&place.path("a.md")).unwrap();
    assert_eq!(passages[hit.passage.ordinal as usize], hit.passage);
}

#[test]
fn the_best_passage_of_a_long_document_is_shown() {
    let place = Place::new();
    let filler = "Nothing of note happened on this ordinary day in the office. ".repeat(18);
    let sections: Vec<String> = (0..12)
        .map(|n| format!("## Day {n}\n\n{filler}{}\n", if n == 7 { "We met the zebrafish." } else { "" }))
        .collect();
    place.write("diary.md", &format!("# Diary\n\n{}", sections.join("\n")));
    let index = place.open(Some(Arc::new(Hashed::new(64))));
    assert_eq!(index.graph().tombstones, 0, "parts that were shown early are not added again");
    for query in ["zebrafish", "lex:zebrafish", "\"the zebrafish\""] {
        let results = search(&index, query);
        assert!(results.hits[0].passage.text.contains("zebrafish"), "{query}");
    }
}

#[test]
fn one_process_per_directory() {
    let place = Place::new();
    let _index = Index::open(place.config(), None).unwrap();
    let error = Index::open(place.config(), None).err().unwrap();
    assert!(matches!(error, Error::Locked { pid, .. } if pid == std::process::id()), "{error}");
}

#[test]
fn the_data_is_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    place.write("a.md", "text\n");
    drop(place.open(Some(Arc::new(Hashed::new(64)))));
    fn check(dir: &Path) {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode & 0o077, 0, "{}: {mode:o}", entry.path().display());
            if entry.path().is_dir() {
                check(&entry.path());
            }
        }
    }
    assert_eq!(fs::metadata(place.data()).unwrap().permissions().mode() & 0o777, 0o700);
    check(&place.data());
}

#[test]
fn notes_are_a_source_of_their_own() {
    let place = Place::new();
    place.write("file.md", "walrus\n");
    let index = place.open(None);
    let note = place.data().join("notes/mine.md");
    fs::write(&note, "walrus\n").unwrap();
    index.touched(&note);
    until("the note is found", || found(&index, "in:notes walrus") == ["mine.md"]);
    assert_eq!(index.document(&note).unwrap().kind, Kind::Note);
    assert_eq!(found(&index, "in:files walrus"), ["file.md"]);
    assert!(index.sources().iter().any(|s| s.kind == Kind::Note && s.name == "notes" && s.available));
}

#[test]
fn secrets_and_binaries_are_accounted_for_and_not_found() {
    let place = Place::new();
    place.write(".env", "TOKEN=zebrafish\n");
    place.write("key.pem", "zebrafish\n");
    place.write("empty.md", "");
    fs::write(place.path("pic.bin"), [0u8, 159, 146, 150, 0, 0, 1, 2]).unwrap();
    place.write("ok.md", "walrus\n");
    let index = place.open(None);
    assert!(found(&index, "zebrafish").is_empty());
    let coverage = index.coverage();
    for name in [".env", "key.pem", "pic.bin", "empty.md"] {
        let line =
            coverage.iter().find(|c| c.path == place.path(name)).unwrap_or_else(|| panic!("{name} is not listed"));
        assert!(line.state == State::Skipped && !line.reason.is_empty(), "{line:?}");
    }
    assert!(!index.readable(&place.path("key.pem")) && index.readable(&place.path("ok.md")));
    assert_eq!(index.counts().documents, 1);
}
