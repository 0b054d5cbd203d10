//! `facts/` on a real mount.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::common::{DEADLINE, Session, until};

/// What `facts.jsonl` states now.
fn facts(session: &Session) -> Vec<serde_json::Value> {
    let text = session.read("facts/facts.jsonl");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Whether something is so now.
fn states(session: &Session, subject: &str, object: &str) -> bool {
    let stated = |fact: &serde_json::Value| fact["subject"] == subject && fact["object"] == object;
    facts(session).iter().any(|fact| stated(fact) && fact["superseded_by"].is_null())
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
    assert_eq!(session.list("facts/as-of/2020-01-01"), ["facts.jsonl", "facts.md", "known.jsonl", "known.md"]);
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

/// The file of the fact that says this.
fn file_of(session: &Session, category: &str, sentence: &str) -> PathBuf {
    let dir = format!("facts/by-category/{category}");
    let start = format!("{sentence}~");
    let name = session.list(&dir).into_iter().find(|name| name.starts_with(&start));
    session.at(dir).join(name.unwrap_or_else(|| panic!("{sentence} is no file: {:#?}", facts(session))))
}

fn dated() -> Session {
    let files = [
        ("oda.md", "---\ndate: 2024-02-01\n---\n# Oda\n\nOda Brekke lives in Bergen.\n"),
        ("tasks.md", "# Tasks\n\n- [ ] call Oda by 2027-01-15\n"),
    ];
    let session = Session::with(&files);
    until("the facts are there", DEADLINE, || {
        states(&session, "Oda Brekke", "Bergen") && session.list("facts/by-category/task").len() == 1
    });
    session
}

/// Writes to a file that is there and tells how closing it would end.
fn edit(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = File::options().write(true).truncate(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[test]
fn a_fact_is_put_right_by_editing_its_file() {
    let mut session = dated();
    let old = file_of(&session, "location", "Oda Brekke lives in Bergen");
    let (page, inode) = (fs::read_to_string(&old).expect("a page"), fs::metadata(&old).expect("there").ino());
    edit(&old, &page.replace("object: \"Bergen\"", "object: \"Oslo\"")).expect("taken");
    let holds = |session: &Session| {
        assert!(states(session, "Oda Brekke", "Oslo") && !states(session, "Oda Brekke", "Bergen"));
        let all = facts(session);
        let of = |object: &str| all.iter().find(|fact| fact["object"] == object).expect("kept");
        assert_eq!((&of("Bergen")["superseded_by"], &of("Oslo")["method"]), (&of("Oslo")["id"], &"user".into()));
        let then = session.read("facts/as-of/2025-01-01/facts.jsonl");
        assert!(then.contains("Bergen") && !then.contains("Oslo"), "{then}");
        let entity = session.read("facts/by-entity/Oda Brekke.md");
        let (now, before) = entity.split_once("## before").expect("what was before");
        assert!(now.contains("lives in Oslo") && before.contains("lives in Bergen"), "{entity}");
    };
    holds(&session);
    let new = file_of(&session, "location", "Oda Brekke lives in Oslo");
    assert_eq!(session.list("facts/by-category/location").len(), 1);
    // The old name leads to what took its place, which is another file.
    assert_eq!(fs::read(&old).expect("followed"), fs::read(&new).expect("a page"));
    assert!(fs::metadata(&old).expect("there").ino() != inode);
    let task = file_of(&session, "task", "Tasks to do call Oda by 2027-01-15");
    let page = fs::read_to_string(&task).expect("a page");
    edit(&task, &page.replace("\"call Oda by", "\"call Kari by")).expect("taken");
    until("working memory follows", DEADLINE, || {
        let tasks = session.read("context/tasks.md");
        tasks.contains("call Kari") && !tasks.contains("call Oda")
    });
    session.unmount();
    fs::remove_dir_all(session.data().join("facts")).expect("derived");
    fs::remove_dir_all(session.data().join("index")).expect("derived");
    session.mount();
    session.wait_for_words();
    until("the facts are there again", DEADLINE, || facts(&session).iter().any(|fact| fact["object"] == "Bergen"));
    holds(&session);
    // The document is read again and says the same: the owner's word stays.
    session.write("oda.md", "---\ndate: 2024-02-01\n---\n# Oda\n\nOda Brekke lives in Bergen.\n\nShe owns a boat.\n");
    until("it is read again", DEADLINE, || states(&session, "Oda Brekke", "a boat"));
    holds(&session);
}

#[test]
fn to_remove_an_old_name_removes_what_it_shows() {
    let session = dated();
    let old = file_of(&session, "location", "Oda Brekke lives in Bergen");
    edit(&old, "Oda Brekke lives in Oslo\n").expect("taken");
    assert!(fs::read_to_string(&old).expect("followed").contains("lives in Oslo"));
    fs::remove_file(&old).expect("removed");
    assert!(!old.exists() && session.list("facts/by-category/location").is_empty());
    assert!(facts(&session).iter().all(|fact| fact["predicate"] != "lives in"), "{:#?}", facts(&session));
}

#[test]
fn editors_save_a_fact_in_their_ways() {
    let session = dated();
    let dir = session.at("facts/by-category/location");
    let now = |place: &str| file_of(&session, "location", &format!("Oda Brekke lives in {place}"));
    let changed = |from: &str, to: &str| {
        let page = fs::read_to_string(now(from)).expect("a page");
        page.replace(&format!("\nOda Brekke lives in {from}\n"), &format!("\nOda Brekke lives in {to}\n"))
    };
    // Beside it, and then in its place.
    fs::write(dir.join(".draft.swp"), changed("Bergen", "Oslo")).expect("written");
    assert_eq!(session.list("facts/by-category/location").len(), 1, "a draft is not listed");
    fs::rename(dir.join(".draft.swp"), now("Bergen")).expect("saved");
    assert!(states(&session, "Oda Brekke", "Oslo") && !dir.join(".draft.swp").exists());
    // With a program that does so.
    let sed = session.shell("sed -i 's/^object: .*/object: \"Moss\"/' facts/by-category/location/*.md");
    assert!(sed.status.success(), "{}", String::from_utf8_lossy(&sed.stderr));
    assert!(states(&session, "Oda Brekke", "Moss"));
    // From its start, and cut behind what was written.
    let text = changed("Moss", "Ås");
    let mut file = File::options().read(true).write(true).open(now("Moss")).expect("opens");
    file.write_all(text.as_bytes()).expect("written");
    file.set_len(text.len() as u64).expect("cut");
    drop(file);
    assert!(states(&session, "Oda Brekke", "Ås"));
    // By the sentence alone, in a shell, which closes the file once before it writes.
    let name = now("Ås");
    let shell = session.shell(&format!("echo 'Oda Brekke lives in Hamar.' > '{}'", name.display()));
    assert!(shell.status.success() && states(&session, "Oda Brekke", "Hamar"));
    // Where it is a line of a page.
    for (page, from, to) in [
        ("facts/by-entity/Oda Brekke.md", "Hamar", "Bodø"),
        ("facts/by-source/vault/tasks.md", "call Oda by", "call Kari by"),
    ] {
        let text = session.read(page);
        let lines = text.replacen(from, to, 1);
        assert!(lines != text, "{text}");
        edit(&session.at(page), &lines).expect("taken");
    }
    assert!(states(&session, "Oda Brekke", "Bodø") && states(&session, "Tasks", "call Kari by 2027-01-15"));
}

#[test]
fn what_cannot_be_edited_is_refused_and_nothing_is_lost() {
    let session = dated();
    let file = file_of(&session, "location", "Oda Brekke lives in Bergen");
    let (page, all) = (fs::read_to_string(&file).expect("a page"), facts(&session));
    let refused = |done: std::io::Result<()>, errno| assert_eq!(done.expect_err("refused").raw_os_error(), Some(errno));
    for bad in [
        page.replace("> Oda", "> Kari"),
        page.replace("confidence: ", "confidence: 1"),
        page.replace("object: \"Bergen\"", "object: \"\""),
        page[..page.len() / 2].to_owned(),
        "It rains.\n".to_owned(),
    ] {
        refused(edit(&file, &bad), libc_einval());
    }
    assert!(session.read("status").contains("two of the three parts of a sentence stay"), "{}", session.read("status"));
    let entity = session.at("facts/by-entity/Oda Brekke.md");
    let lines = fs::read_to_string(&entity).expect("a page");
    refused(edit(&entity, &format!("{lines}- Oda Brekke lives in Oslo\n")), libc_einval());
    refused(edit(&entity, &lines.replace("oda.md:", "kari.md:")), libc_einval());
    let dir = session.at("facts/by-category/location");
    fs::write(dir.join(".draft"), "It rains.\n").expect("written");
    refused(fs::rename(dir.join(".draft"), &file), libc_einval());
    fs::remove_file(dir.join(".draft")).expect("removed");
    fs::write(dir.join(".copy"), &page).expect("written");
    let eperm = rustix::io::Errno::PERM.raw_os_error();
    refused(fs::rename(&file, dir.join("other.md")), eperm);
    refused(fs::write(dir.join("new.md"), "x"), eperm);
    refused(fs::write(session.at("facts/facts.jsonl"), "x"), eperm);
    refused(fs::write(session.at("facts/as-of/2025-01-01/facts.md"), "x"), eperm);
    // Emptied and closed, it says nothing.
    File::options().write(true).truncate(true).open(&file).expect("opens").sync_all().expect("nothing is said");
    assert_eq!(fs::read_to_string(&file).expect("a page"), page);
    assert_eq!(facts(&session), all);
    fs::write(session.at(".echo/forget"), "oda.md\n").expect("forgotten");
    assert!(!dir.join(".copy").exists(), "what a program wrote beside it is forgotten too");
}

#[test]
fn a_file_that_is_moved_over_a_fact_does_not_remove_it() {
    let session = dated();
    let file = file_of(&session, "location", "Oda Brekke lives in Bergen");
    let (page, all) = (fs::read_to_string(&file).expect("a page"), facts(&session));
    let elsewhere = tempfile::tempdir().expect("a directory");
    fs::write(elsewhere.path().join("foreign.md"), "# Foreign\n\nIt rains.\n").expect("written");
    let oslo = page.replace("object: \"Bergen\"", "object: \"Oslo\"");
    fs::write(elsewhere.path().join("oslo.md"), oslo).expect("written");
    let shell = |command: &str, from: &str| {
        let from = elsewhere.path().join(from);
        session.shell(&format!("{command} '{}' '{}'", from.display(), file.display()))
    };
    for (command, from) in [("mv -f", "foreign.md"), ("cp", "foreign.md"), ("mv -f", "oslo.md")] {
        assert!(!shell(command, from).status.success(), "{command} {from}");
        assert!(elsewhere.path().join(from).exists(), "nothing is lost");
        assert_eq!(fs::read_to_string(&file).expect("a page"), page);
    }
    let out = session.shell(&format!("mv -f '{}' '{}'", file.display(), elsewhere.path().join("out.md").display()));
    assert!(!out.status.success() && file.exists());
    assert!(session.read("status").contains("`mv` would remove the fact"), "{}", session.read("status"));
    assert_eq!(facts(&session), all);
    assert!(shell("cp", "oslo.md").status.success() && states(&session, "Oda Brekke", "Oslo"));
}

fn libc_einval() -> i32 {
    rustix::io::Errno::INVAL.raw_os_error()
}

#[test]
fn what_was_true_and_what_was_known_on_a_day_are_two_things() {
    let session = Session::unmounted(&[("oda.md", "---\ndate: 2026-01-10\n---\nOda Brekke lives in Oslo.\n")]);
    let written: jiff::Timestamp = "2026-06-15T12:00:00Z".parse().expect("a time");
    let note = File::options().write(true).open(session.vault().join("oda.md")).expect("opens");
    note.set_modified(written.into()).expect("dated");
    let mut session = session;
    session.mount();
    session.wait_for_words();
    until("the fact is there", DEADLINE, || states(&session, "Oda Brekke", "Oslo"));
    let fact = &facts(&session)[0];
    assert_eq!((&fact["valid_from"], &fact["observed_at"]), (&"2026-01-10".into(), &"2026-06-15T12:00:00Z".into()));
    let on = |day: &str, name: &str| session.read(format!("facts/as-of/{day}/{name}.jsonl")).lines().count();
    assert_eq!((on("2026-01-09", "facts"), on("2026-01-09", "known")), (0, 0));
    assert_eq!((on("2026-02-01", "facts"), on("2026-02-01", "known")), (1, 0));
    assert_eq!((on("2026-06-16", "facts"), on("2026-06-16", "known")), (1, 1));
    assert!(session.read("facts/as-of/2026-06-16/known.md").contains("Oda Brekke lives in Oslo"));
}

#[test]
fn what_is_remembered_wins() {
    let mut session = Session::with(&[("oda.md", "---\ndate: 2026-03-01\n---\nOda Brekke lives in Bergen.\n")]);
    until("the file's word is there", DEADLINE, || states(&session, "Oda Brekke", "Bergen"));
    fs::write(session.at("remember"), "Oda Brekke lives in Oslo.\n").expect("kept");
    until("it is found", DEADLINE, || session.hits("lex:oslo").iter().any(|path| path.ends_with("remembered.md")));
    let wins = |session: &Session| {
        until("it wins", DEADLINE, || {
            states(session, "Oda Brekke", "Oslo") && !states(session, "Oda Brekke", "Bergen")
        });
        let all = facts(session);
        let of = |object: &str| all.iter().find(|fact| fact["object"] == object).expect("a fact");
        assert_eq!((&of("Oslo")["method"], &of("Bergen")["superseded_by"]), (&"user".into(), &of("Oslo")["id"]));
    };
    wins(&session);
    session.unmount();
    for derived in ["facts", "index", "catalogue"] {
        fs::remove_dir_all(session.data().join(derived)).expect("derived");
    }
    // Said of a later day, but not by the owner.
    session.write("newer.md", "---\ndate: 2027-05-01\n---\nOda Brekke lives in Moss.\n");
    session.mount();
    session.wait_for_words();
    until("all are there again", DEADLINE, || facts(&session).iter().any(|fact| fact["object"] == "Moss"));
    until("and Bergen", DEADLINE, || facts(&session).iter().any(|fact| fact["object"] == "Bergen"));
    wins(&session);
    assert!(!states(&session, "Oda Brekke", "Moss"));
}

#[test]
fn turns_and_events_are_facts_too() {
    let session = Session::with(&[("regatta.md", "# Regatta\n\nWhen: 2026-05-02\n")]);
    let turn = r#"{"role":"user","content":"Oda Brekke lives in Bergen.","at":"2023-03-05T10:00:00Z"}"#;
    fs::write(session.at("conversations/inbox/talk.jsonl"), format!("{turn}\n")).expect("taken");
    until("both are stated", DEADLINE, || {
        states(&session, "Oda Brekke", "Bergen") && states(&session, "Regatta", "2026-05-02")
    });
    let all = facts(&session);
    let said = all.iter().find(|fact| fact["object"] == "Bergen").expect("stated");
    let page = said["source"]["path"].as_str().expect("a path");
    assert!(page.contains("rendered/conversations") && page.ends_with(".md"), "{page}");
    assert_eq!(said["valid_from"], "2023-03-05", "the day it was said");
    assert!(said["observed_at"].as_str().expect("a time") > "2026-01-01", "learnt when it came in: {said}");
    file_of(&session, "location", "Oda Brekke lives in Bergen");
    let event = file_of(&session, "event", "Regatta When 2026-05-02");
    assert!(fs::read_to_string(event).expect("a page").contains("category: \"event\""));
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
