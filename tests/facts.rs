//! `facts/` on a real mount.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use crate::common::{DEADLINE, Session, until};

/// What `facts.jsonl` states now.
fn facts(session: &Session) -> Vec<serde_json::Value> {
    let text = session.read("facts/facts.jsonl");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn states(session: &Session, subject: &str, object: &str) -> bool {
    facts(session).iter().any(|fact| fact["subject"] == subject && fact["object"] == object)
}

fn people() -> Session {
    let session = Session::with(&[
        ("people.md", "# People\n\nOda Brekke lives in Bergen. She owns a boat.\n\n- [ ] call Oda by 2027-01-15\n"),
        (
            "work/mill.md",
            "---\ndate: 2026-03-14\n---\n# Mill\n\nWe decided to keep the old wheel.\n\nOda Brekke is the owner of Arrin Mill.\n",
        ),
    ]);
    until("the facts are there", DEADLINE, || {
        states(&session, "Oda Brekke", "Bergen") && states(&session, "Oda Brekke", "Arrin Mill")
    });
    session
}

#[test]
fn documents_are_shown_as_facts() {
    let session = people();
    for fact in facts(&session) {
        let path = fact["source"]["path"].as_str().expect("a path");
        let quote = fact["source"]["quote"].as_str().expect("a quote");
        let line = fact["source"]["line"].as_u64().expect("a line") as usize;
        let text = fs::read_to_string(path).expect("the source");
        let from: Vec<&str> = text.lines().skip(line - 1).collect();
        assert!(from.join("\n").contains(quote) && from[0].contains(quote.lines().next().expect("a line")), "{fact}");
    }
    let page = session.read("facts/by-entity/Oda Brekke.md");
    assert!(page.contains("Oda Brekke lives in Bergen") && page.contains("people.md:3"), "{page}");
    assert!(page.contains("since 2026-03-14") && page.contains("mill.md:8"), "{page}");
    let tasks = session.list("facts/by-category/task");
    assert!(tasks.len() == 1 && tasks[0].contains("call Oda by 2027-01-15"), "{tasks:?}");
    let source = session.read("facts/by-source/vault/work/mill.md");
    assert!(source.contains("Arrin Mill") && !source.contains("Bergen"), "{source}");
    assert_eq!(session.list("facts/as-of/2020-01-01"), ["facts.jsonl", "facts.md"]);
    assert_eq!(session.read("facts/as-of/2020-01-01/facts.jsonl"), "");
    assert!(session.read("facts/as-of/2026-04-01/facts.jsonl").contains("Arrin Mill"));
    assert!(!session.at("facts/as-of/yesterday").exists() && !session.at("facts/by-entity/Nobody.md").exists());
}

#[test]
fn a_removed_fact_stays_removed_and_a_correction_holds() {
    let mut session = people();
    let name = session.list("facts/by-category/task").remove(0);
    fs::remove_file(session.at(format!("facts/by-category/task/{name}"))).expect("removed");
    assert!(session.list("facts/by-category/task").is_empty());
    let bergen = facts(&session).into_iter().find(|fact| fact["object"] == "Bergen").expect("the fact");
    let id = bergen["id"].as_str().expect("an id");
    fs::write(session.at("facts/correct"), format!("{id} | Oda Brekke | lives in | Oslo\n")).expect("corrected");
    assert!(states(&session, "Oda Brekke", "Oslo") && !states(&session, "Oda Brekke", "Bergen"));
    let refused = fs::write(session.at("facts/correct"), "what is this\n").expect_err("refused");
    assert_eq!(refused.raw_os_error(), Some(libc_einval()));
    session.unmount();
    fs::remove_dir_all(session.data().join("facts")).expect("derived");
    session.mount();
    until("the facts are there again", DEADLINE, || states(&session, "Oda Brekke", "Arrin Mill"));
    assert!(states(&session, "Oda Brekke", "Oslo") && !states(&session, "Oda Brekke", "Bergen"));
    assert!(session.list("facts/by-category/task").is_empty());
}

fn libc_einval() -> i32 {
    rustix::io::Errno::INVAL.raw_os_error()
}

#[test]
fn facts_go_with_their_last_source_and_files_keep_their_inodes() {
    let session = people();
    let page = |session: &Session| fs::metadata(session.at("facts/by-source/vault/work/mill.md")).map(|m| m.ino());
    let before = page(&session).expect("a page");
    fs::remove_file(session.vault().join("people.md")).expect("removed");
    until("the facts of the file are gone", Duration::from_secs(2), || !states(&session, "Oda Brekke", "Bergen"));
    assert_eq!(page(&session).expect("a page"), before);
    let size = fs::metadata(session.at("facts/facts.jsonl")).expect("metadata").len();
    assert_eq!(session.read("facts/facts.jsonl").len() as u64, size);
}

#[test]
fn statements_that_say_little_are_not_shown() {
    let session = Session::with(&[(
        "mail.eml",
        "From: Oda Brekke <oda@mill.example>\nTo: kari@mill.example\nSubject: Pump\nDate: Sat, 14 Mar 2026 10:00:00 +0000\n\nThe pump costs 300 euros. If it rains we could use it.\n",
    )]);
    until("the facts are there", DEADLINE, || states(&session, "The pump", "300 euros"));
    let all = facts(&session);
    let unlikely = |fact: &&serde_json::Value| fact["confidence"].as_f64().expect("a number") < 0.6;
    assert!(all.iter().filter(unlikely).any(|fact| fact["predicate"] == "From"), "{all:#?}");
    let mut shown = Vec::new();
    for category in session.list("facts/by-category") {
        for name in session.list(format!("facts/by-category/{category}")) {
            shown.push(session.read(format!("facts/by-category/{category}/{name}")));
        }
    }
    assert_eq!(shown.len(), all.len() - all.iter().filter(unlikely).count());
    assert!(shown.iter().any(|page| page.contains("300 euros")) && !shown.iter().any(|page| page.contains("oda@")));
}

#[test]
fn the_model_reads_while_nobody_asks() {
    let mut session = Session::unmounted(&[(
        "mill.md",
        "# Mill\n\nOda Brekke bought the old mill in Bergen from the harbour office.\n",
    )])
    .options(&["--model", "smollm2-135m-q4_1"]);
    fs::create_dir_all(session.data()).expect("a directory");
    fs::write(session.data().join("config.toml"), "facts_by_model = true\nfacts_idle_minutes = 0\n").expect("written");
    session.mount();
    session.wait_for_words();
    until("it is read", 4 * DEADLINE, || session.status()["facts_by_model"]["passages"] == 1);
    until("nothing is left", DEADLINE, || session.status()["facts_by_model"]["state"] == "all is read");
    assert!(session.read("status").contains("passages read by the model: 1, to go: 0"), "{}", session.read("status"));
    for fact in facts(&session) {
        assert_eq!(
            fact["source"]["quote"], "Oda Brekke bought the old mill in Bergen from the harbour office.",
            "{fact}"
        );
    }
    session.unmount();
}
