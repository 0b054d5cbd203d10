//! Forgetting: what can be named, what a dry run tells, what is deleted, and what stays so.

use std::fs;
use std::path::Path;

use crate::common::{DEADLINE, Session, compressed, holding, until};

const TANK: &str = "# Tank\n\nThe axolotl sleeps in tank nineteen.\n";

fn vault() -> Session {
    Session::with(&[
        ("zoo/tank.md", TANK),
        ("zoo/food.md", "# Food\n\nThe axolotl eats worms.\n"),
        ("copy.md", TANK),
        ("keep.md", "# Keep\n\nThe capybara lives in the river house.\n"),
    ])
}

/// What `echofs forget` prints.
fn forget(session: &Session, arguments: &[&str]) -> String {
    let out = session.run([&["forget"], arguments].concat());
    assert!(out.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// The lists of a dry run, by kind.
fn would_forget(session: &Session, arguments: &[&str]) -> serde_json::Value {
    let out = forget(session, &[&["--dry-run", "--json"], arguments].concat());
    serde_json::from_str::<serde_json::Value>(&out).expect("JSON")["would_forget"].take()
}

fn in_vault(session: &Session, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| session.vault().join(name).to_string_lossy().into_owned()).collect()
}

/// Files of every kind below a directory, with their bytes.
fn contents(root: &Path) -> Vec<(String, Vec<u8>)> {
    let out = std::process::Command::new("find").arg(root).args(["-type", "f"]).output().expect("find starts");
    let names = String::from_utf8_lossy(&out.stdout).into_owned();
    let mut files: Vec<_> = names.lines().map(|name| (name.to_owned(), fs::read(name).unwrap_or_default())).collect();
    files.sort();
    files
}

#[test]
fn a_dry_run_lists_what_would_go_and_changes_nothing() {
    let session = vault();
    session.wait_for_the_rest();
    let truth = || ["journal", "notes", "conversations"].map(|dir| contents(&session.data().join(dir)));
    let before = truth();
    let by_query = would_forget(&session, &["--query", "axolotl tank"]);
    assert_eq!(by_query["document"], serde_json::json!(in_vault(&session, &["copy.md", "zoo/tank.md"])));
    let by_path = would_forget(&session, &["zoo"]);
    assert_eq!(by_path["document"], serde_json::json!(in_vault(&session, &["copy.md", "zoo/food.md", "zoo/tank.md"])));
    assert_eq!(by_path["deleted"], serde_json::Value::Null, "the owner's files stay");
    fs::write(session.at(".echo/forget"), "--dry-run zoo/food.md\n").expect("told");
    let told = session.read(".echo/forget");
    assert!(told.starts_with(&format!("document: {}\n", session.vault().join("zoo/food.md").display())), "{told}");
    assert!(told.contains("--query QUERY"), "{told}");
    assert_eq!(truth(), before);
    assert_eq!(session.hits("lex:axolotl").len(), 2, "copies are one hit");
}

#[test]
fn what_a_query_lets_through_is_forgotten_and_stays_so() {
    let mut session = vault();
    let told = forget(&session, &["--query", "axolotl tank"]);
    assert!(told.starts_with("forgotten: 2 documents, 2 passages"), "{told}");
    let is_gone = |session: &Session| {
        let hits = session.hits("lex:axolotl");
        assert!(hits.len() == 1 && hits[0].ends_with("food.md"), "{hits:?}");
    };
    is_gone(&session);
    // The same bytes are known by any name, and other bytes under that name are something else.
    session.write("later.md", TANK);
    session.write("other.md", "# Other\n\nThe okapi is shy.\n");
    until("the other file is found", DEADLINE, || session.hits("lex:okapi").len() == 1);
    until("the copy is seen", DEADLINE, || session.read(".echo/coverage.jsonl").contains("later.md"));
    session.wait_for_words();
    is_gone(&session);
    session.unmount();
    for store in ["index", "vectors", "catalogue", "facts", "topics"] {
        let _ = fs::remove_dir_all(session.data().join(store));
    }
    session.mount();
    session.wait_for_words();
    is_gone(&session);
    session.unmount();
    for trace in ["nineteen", "tank.md", "copy.md"] {
        assert_eq!(holding(&session.data(), trace), Vec::<String>::new(), "{trace}");
        assert_eq!(compressed(&session.data(), trace), Vec::<String>::new(), "{trace}");
    }
    assert!(session.vault().join("zoo/tank.md").exists(), "the files themselves stay");
}

#[test]
fn a_mistyped_path_is_no_query() {
    let mut session = vault();
    session.wait_for_words();
    let refused = |session: &Session, what: &str| {
        let out = session.run(["forget", what]);
        let error = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(!out.status.success() && error.contains(what) && error.contains("--query QUERY"), "{what}: {error}");
    };
    for what in ["zoo/tanks.md", "tank.md", "axolotl", "axolotl tank"] {
        refused(&session, what);
    }
    for what in ["zoo/axolotl", "axolotl.md", "~/axolotl", ".axolotl"] {
        let written = fs::write(session.at(".echo/forget"), format!("{what}\n"));
        assert_eq!(written.expect_err("refused").kind(), std::io::ErrorKind::InvalidInput, "{what}");
        assert!(session.read(".echo/forget").starts_with(&format!("refused: {what}: ")), "{what}");
    }
    session.unmount();
    refused(&session, "axolotl tank");
    session.mount();
    session.wait_for_words();
    assert_eq!(session.hits("lex:axolotl").len(), 2, "nothing was forgotten; copies are one hit");
    fs::write(session.at(".echo/forget"), "--dry-run axolotl tank\n").expect("the file takes a query");
    assert!(session.read(".echo/forget").starts_with("document: "));
}

#[test]
fn notes_and_remembered_sentences_are_deleted() {
    let session = vault();
    let note = session.at("knowledge/notes/okapi.md");
    fs::write(&note, "# Okapi\n\nThe okapi is shy.\n").expect("a note");
    for sentence in ["The quokka has the spare key", "The numbat sleeps at noon", "The quokka likes figs"] {
        fs::write(session.at("remember"), format!("{sentence}\n")).expect("kept");
    }
    let remembered = session.data().join("notes/remembered.md");
    until("all are found", DEADLINE, || session.hits("lex:okapi").len() == 1 && session.hits("lex:figs").len() == 1);
    let would = would_forget(&session, &["--query", "quokka key"]);
    assert_eq!(would["document"], serde_json::Value::Null, "the other sentences stay");
    assert_eq!(would["line"].as_array().map(Vec::len), Some(1), "{would}");
    let told = forget(&session, &["--query", "quokka key"]);
    assert!(told.starts_with("forgotten: 1 line deleted"), "{told}");
    let text = || fs::read_to_string(&remembered).expect("the note");
    assert!(!text().contains("spare") && text().contains("numbat") && text().contains("figs"), "{}", text());
    forget(&session, &["remembered.md:3"]);
    assert!(!text().contains("numbat") && text().contains("figs"), "{}", text());
    until("the rest is found again", DEADLINE, || session.hits("lex:figs").len() == 1);
    assert!(session.hits("lex:spare").is_empty() && session.hits("lex:numbat").is_empty());

    let path = note.to_string_lossy().into_owned();
    let file = session.data().join("notes/okapi.md");
    assert_eq!(would_forget(&session, &[&path])["deleted"][0], file.to_string_lossy().as_ref());
    assert!(file.exists());
    forget(&session, &[&path]);
    assert!(!file.exists());
    assert!(session.hits("lex:okapi").is_empty());
    for trace in ["okapi", "spare key", "numbat"] {
        assert_eq!(holding(&session.data(), trace), Vec::<String>::new(), "{trace}");
        assert_eq!(compressed(&session.data(), trace), Vec::<String>::new(), "{trace}");
    }
}

#[test]
fn a_fact_is_forgotten_and_its_text_stays() {
    let mut session = Session::with(&[("oda.md", "# Oda\n\nOda Brekke lives in Bergen. Oda Brekke owns a boat.\n")]);
    let id = |session: &Session, object: &str| {
        let text = session.read("facts/facts.jsonl");
        let facts = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        facts.filter(|fact| fact["object"] == object).find_map(|fact| fact["id"].as_str().map(str::to_owned))
    };
    until("the fact is there", DEADLINE, || id(&session, "Bergen").is_some());
    fs::write(session.at("facts/correct"), "Oda Brekke | lives in | Zyxoburg\n").expect("stated");
    until("the other is there", DEADLINE, || id(&session, "Zyxoburg").is_some());
    for object in ["Bergen", "Zyxoburg"] {
        let fact = id(&session, object).expect("an id");
        let would = would_forget(&session, &["--fact", &fact]);
        assert!(would["fact"][0].as_str().is_some_and(|fact| fact.contains(object)), "{would}");
        assert!(id(&session, object).is_some());
        forget(&session, &[&fact]);
        assert!(id(&session, object).is_none());
    }
    assert_eq!(holding(&session.data().join("journal"), "Zyxoburg"), Vec::<String>::new());
    assert_eq!(session.hits("lex:Bergen").len(), 1, "the text that states it stays");
    session.unmount();
    let _ = fs::remove_dir_all(session.data().join("facts"));
    session.mount();
    session.wait_for_the_rest();
    until("the other fact is there", DEADLINE, || session.read("facts/facts.jsonl").contains("boat"));
    assert!(id(&session, "Bergen").is_none() && id(&session, "Zyxoburg").is_none());
}

#[test]
fn forgetting_needs_no_mount() {
    let mut session = vault();
    session.unmount();
    let would = would_forget(&session, &["zoo/food.md"]);
    assert_eq!(would["document"], serde_json::json!(in_vault(&session, &["zoo/food.md"])));
    let told = forget(&session, &["zoo/food.md"]);
    assert!(told.starts_with("forgotten: 1 document, 1 passage"), "{told}");
    assert_eq!(compressed(&session.data(), "worms"), Vec::<String>::new());
    let out = session.run(["forget", "no-such-thing"]);
    let error = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(!out.status.success() && error.contains("no-such-thing") && error.contains("Next: "), "{error}");
    session.mount();
    session.wait_for_words();
    assert!(session.hits("lex:worms").is_empty());
    let out = session.run(["forget", "no-such-thing"]);
    let error = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(!out.status.success() && error.contains("no-such-thing") && error.contains("Next: "), "{error}");
}
