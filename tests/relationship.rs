//! `relationship/`: the log that any program may add to, and what is made from it.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};

use crate::common::{DEADLINE, Session, until};

fn add(session: &Session, line: &str) -> std::io::Result<()> {
    OpenOptions::new()
        .append(true)
        .open(session.at("relationship/log.jsonl"))?
        .write_all(format!("{line}\n").as_bytes())
}

fn preference(text: &str) -> String {
    format!("{{\"kind\":\"preference\",\"subject\":\"answers\",\"text\":\"{text}\"}}")
}

#[test]
fn the_log_takes_entries_and_nothing_else() {
    let mut session = Session::with(&[]);
    add(&session, &preference("short ones, quokka style")).expect("taken");
    let log = session.read("relationship/log.jsonl");
    let entry: serde_json::Value = serde_json::from_str(log.trim()).expect("one entry");
    assert_eq!((entry["seq"].as_u64(), entry["prev"].as_str()), (Some(1), Some("")));
    for bad in [
        "x",
        "{\"kind\":\"guess\",\"text\":\"x\"}",
        "{\"kind\":\"observation\"}",
        "{\"kind\":\"milestone\",\"text\":\"x\",\"seq\":9}",
    ] {
        assert_eq!(add(&session, bad).expect_err("refused").kind(), ErrorKind::InvalidInput, "{bad}");
    }
    let path = session.at("relationship/log.jsonl");
    let is_denied = |done: std::io::Result<()>| assert_eq!(done.expect_err("denied").raw_os_error(), Some(1));
    is_denied(fs::write(&path, "x"));
    is_denied(OpenOptions::new().write(true).open(&path).map(drop));
    is_denied(fs::remove_file(&path));
    is_denied(fs::write(session.at("relationship/preferences.md"), "x"));
    assert_eq!(session.read("relationship/log.jsonl"), log);
    until("the page follows", DEADLINE, || session.read("relationship/preferences.md").contains("quokka style, since"));
    until("and is found", DEADLINE, || session.hits("in:relationship lex:quokka").len() == 1);
    session.kill();
    session.mount();
    add(&session, "{\"kind\":\"opinion\",\"subject\":\"SQLite\",\"text\":\"It is fast enough.\"}").expect("goes on");
    assert_eq!(session.read("relationship/log.jsonl").lines().count(), 2);
    until("the opinion is shown", DEADLINE, || session.list("relationship/opinions") == ["sqlite.md"]);
}

#[test]
fn the_owner_has_the_last_word() {
    let mut session = Session::with(&[]);
    add(&session, &preference("long ones")).expect("taken");
    add(&session, "{\"kind\":\"correction\",\"of\":1,\"text\":\"wrong\",\"retract\":true}").expect("taken");
    let is_gone = |session: &Session| {
        until("it is retracted", DEADLINE, || session.read("relationship/preferences.md").contains("None is known"));
    };
    is_gone(&session);
    session.unmount();
    fs::remove_dir_all(session.data().join("rendered")).expect("derived");
    session.mount();
    until("the page is made again", DEADLINE, || session.at("relationship/preferences.md").exists());
    is_gone(&session);
}

#[test]
fn doctor_names_the_first_broken_line() {
    let mut session = Session::with(&[]);
    for text in ["one", "two", "three"] {
        add(&session, &preference(text)).expect("taken");
    }
    session.unmount();
    let doctor = || String::from_utf8_lossy(&session.run(["doctor"]).stdout).into_owned();
    assert!(doctor().contains("3 entries, the chain is whole"));
    let log = session.data().join("relationship/log.jsonl");
    let text = fs::read_to_string(&log).expect("readable");
    fs::write(&log, text.replace("\"two\"", "\"tow\"")).expect("changed");
    let said = doctor();
    assert!(said.contains("FAIL  relationship") && said.contains("log.jsonl:2: it is not the one"), "{said}");
}

#[test]
fn questions_are_kept_unless_they_are_not_to_be() {
    let files = [("ferry.md", "# Ferry\n\nThe ferry to Lunna leaves at 7:45 from pier 3.\n")];
    let mut session = Session::unmounted(&files).options(&["--model", "none"]);
    session.mount();
    session.wait_for_words();
    let ask = |session: &Session, question: &str| session.read(format!("ask/{question}"));
    let first = ask(&session, "when does the ferry to Lunna leave?");
    until("it is kept", DEADLINE, || session.hits("in:conversations lex:lunna").len() == 1);
    until("it is noted", DEADLINE, || {
        session.read("relationship/log.jsonl").contains("when does the ferry to Lunna leave?")
    });
    session.wait_for_words();
    // What was answered is no evidence: a question like it finds the note, not the answer.
    let second = ask(&session, "when does the Lunna ferry leave?");
    assert!(first.contains("ferry.md:3") && second.contains("ferry.md:3") && !second.contains("rendered/"), "{second}");
    session.unmount();
    fs::write(session.data().join("config.toml"), "keep_questions = false\nobserve = false\n").expect("written");
    session.mount();
    session.wait_for_words();
    let before = session.read("relationship/log.jsonl");
    assert!(session.read(".echo/observe").starts_with("Nothing is noted: config.toml says `observe = false`."));
    assert_eq!(fs::write(session.at(".echo/observe"), "on\n").expect_err("refused").kind(), ErrorKind::InvalidInput);
    ask(&session, "from which pier does the ferry leave?");
    session.wait_for_words();
    assert!(
        session
            .hits("in:conversations lex:pier")
            .iter()
            .all(|path| !fs::read_to_string(path).expect("there").contains("from which pier"))
    );
    assert_eq!(session.read("relationship/log.jsonl"), before);
}

#[test]
fn observation_is_paused_and_switched_off_by_kind() {
    let files = [("ferry.md", "# Ferry\n\nThe ferry to Lunna leaves at 7:45 from pier 3.\n")];
    let mut session = Session::unmounted(&files).options(&["--model", "none"]);
    session.mount();
    session.wait_for_words();
    let say = |session: &Session, order: &str| fs::write(session.at(".echo/observe"), format!("{order}\n"));
    let log = |session: &Session| session.read("relationship/log.jsonl");
    assert!(session.read(".echo/observe").starts_with("What you do is noted:\n\nquestions  on "));
    assert!(session.read("status").contains("noted       questions, chats, opens, changes (.echo/observe)"));
    for bad in ["pause soon", "stop", "off mail"] {
        assert_eq!(say(&session, bad).expect_err("refused").kind(), ErrorKind::InvalidInput, "{bad}");
    }
    until("the reason is told", DEADLINE, || {
        session.read("status").contains("mail: there are questions, chats, opens and changes")
    });
    say(&session, "off opens").expect("taken");
    session.unmount();
    session.mount();
    session.wait_for_words();
    assert!(session.read("status").contains("noted       questions, chats, changes (.echo/observe)"));
    fs::write(session.at("knowledge/notes/quern.md"), "# Quern\n\nThe quern is old.\n").expect("written");
    fs::read(session.at("knowledge/notes/quern.md")).expect("read");
    session.read("ask/when does the ferry to Lunna leave?");
    until("the change is noted, and the question", DEADLINE, || {
        let log = log(&session);
        log.contains("Changed quern.md") && log.contains("when does the ferry to Lunna leave?")
    });
    assert!(!log(&session).contains("Opened ") && !session.read("context/now.md").contains("## Opened"));
    say(&session, "on opens").expect("taken");
    fs::read(session.at("knowledge/notes/quern.md")).expect("read");
    until("the open is noted", DEADLINE, || log(&session).contains("Opened quern.md"));
    assert!(!log(&session).contains("is old"), "nothing of what stands in it");
    say(&session, "pause 1h").expect("taken");
    let before = log(&session);
    session.read("ask/from which pier does the ferry leave?");
    until("it is kept", DEADLINE, || {
        let pages = session.hits("in:conversations lex:pier");
        pages.iter().any(|page| fs::read_to_string(page).is_ok_and(|text| text.contains("from which pier")))
    });
    assert_eq!(log(&session), before);
    let shown = session.read(".echo/observe");
    assert!(
        shown.starts_with("Nothing is noted until 20") && shown.contains("opens      on        1 entries"),
        "{shown}"
    );
    say(&session, "resume").expect("taken");
    let quern = session.data().join("notes/quern.md");
    fs::write(session.at(".echo/forget"), format!("{}\n", quern.display())).expect("forgotten");
    assert!(!log(&session).contains("quern"), "{}", log(&session));
}

#[test]
fn chats_are_noted_and_go_with_what_they_say() {
    let files = [("ferry.md", "# Ferry\n\nThe ferry to Lunna leaves at 7:45 from pier 3.\n")];
    let mut session = Session::unmounted(&files).options(&["--model", "none"]);
    session.mount();
    session.wait_for_words();
    let say = |text: &str| {
        let mut chat = OpenOptions::new().append(true).create(true).open(session.at("chat/trip")).expect("opens");
        chat.write_all(format!("{text}\n").as_bytes()).expect("said");
    };
    let log = || session.read("relationship/log.jsonl");
    say("When does the ferry to Lunna leave?");
    until("the question is noted", DEADLINE, || log().contains("When does the ferry to Lunna leave?"));
    say("I packed the axolotl.");
    until("that something was said is noted", DEADLINE, || log().contains("Something was said in a chat"));
    assert!(!log().contains("axolotl"));
    fs::write(session.at(".echo/forget"), format!("{}\n", session.at("chat/trip").display())).expect("forgotten");
    assert!(!log().contains("Lunna") && !log().contains("Something"), "{}", log());
}

#[test]
fn what_the_owner_states_is_a_preference_until_it_is_gone() {
    let session = Session::with(&[
        ("old.md", "---\ndate: 2025-01-05\n---\n# Drinks\n\nI like green coffee.\n"),
        ("new.md", "---\ndate: 2026-03-01\n---\n# Drinks\n\nI love green coffee.\n"),
    ]);
    let preferences = || session.read("relationship/preferences.md");
    until("it is shown", DEADLINE, || preferences().contains("- green coffee, since 2025-01-05 ("));
    assert!(preferences().contains("old.md:6") && preferences().contains("new.md:6"), "{}", preferences());
    until("there is an opinion", DEADLINE, || session.list("relationship/opinions") == ["green-coffee.md"]);
    let opinion = session.read("relationship/opinions/green-coffee.md");
    assert!(opinion.contains("- 2026-03-01: I love green coffee. (") && opinion.contains("Confidence 0."), "{opinion}");
    fs::remove_file(session.vault().join("old.md")).expect("removed");
    until("the first is gone", DEADLINE, || preferences().contains("since 2026-03-01"));
    until("one statement is no opinion", DEADLINE, || session.list("relationship/opinions").is_empty());
    fs::remove_file(session.vault().join("new.md")).expect("removed");
    until("nothing is known", DEADLINE, || preferences().contains("None is known"));
}
