//! Questions through the mount, with a real model, with a dead one and with none.

use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;

use crate::common::{DEADLINE, Session, until};

const NOTES: &[(&str, &str)] = &[
    ("boat.md", "# Boat\n\nThe spare key of the boat shed hangs behind the oilskins.\n"),
    ("ferry.md", "# Ferry\n\nThe ferry to Lunna leaves at 7:45 from pier 3.\n"),
];
const QUESTION: &str = "where does the spare key of the boat shed hang?";

fn with_model(model: &str) -> Session {
    let mut session = Session::unmounted(NOTES).options(&["--model", model]);
    session.mount();
    session.wait_for_words();
    session
}

fn json(session: &Session, question: &str) -> serde_json::Value {
    serde_json::from_str(&session.read(format!("ask/{question}.json"))).expect("JSON")
}

fn quoted_right(session: &Session, answer: &serde_json::Value) {
    let citations = answer["citations"].as_array().expect("citations");
    assert!(!citations.is_empty());
    for citation in citations {
        let text = fs::read_to_string(citation["path"].as_str().expect("a path")).expect("readable");
        let (first, last) = (
            citation["line"].as_u64().expect("a line") as usize,
            citation["end_line"].as_u64().expect("a line") as usize,
        );
        let lines: Vec<&str> = text.lines().skip(first - 1).take(last + 1 - first).collect();
        assert!(lines.join("\n").contains(citation["quote"].as_str().expect("a quote")), "{citation}");
    }
    assert!(session.list("ask").iter().any(|name| name.ends_with(".md")));
}

#[test]
fn what_can_be_counted_is_counted_and_not_guessed() {
    let notes: Vec<(String, String)> = (1..=23)
        .map(|n| (format!("trip-{n}.md"), format!("# Trip {n}\n\nThe ketch went to Lunna.\n\n- [ ] Scrub hull {n}\n")))
        .collect();
    let notes: Vec<(&str, &str)> = notes.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let session = Session::with(&notes);
    session.wait_for_words();
    let answer = json(&session, "how many notes mention the ketch?");
    assert_eq!((&answer["short_answer"], &answer["model"]), (&"23".into(), &serde_json::Value::Null));
    assert!(answer["answer"].as_str().is_some_and(|text| text.ends_with("; and 3 more")), "{answer}");
    for citation in answer["citations"].as_array().expect("citations") {
        let text = fs::read_to_string(citation["path"].as_str().expect("a path")).expect("readable");
        let line = text.lines().nth(citation["line"].as_u64().expect("a line") as usize - 1);
        assert_eq!(line, citation["quote"].as_str(), "{citation}");
    }
    fs::remove_file(session.vault().join("trip-7.md")).expect("removed");
    until("the deleted note is not counted", DEADLINE, || {
        json(&session, "how many notes mention the ketch?")["short_answer"] == "22"
    });
    until("all tasks are known", DEADLINE, || json(&session, "how many tasks are open?")["short_answer"] == "22");
    let text = session.read("ask/list my open tasks?");
    assert!(text.contains("- Scrub hull 5 [") && text.contains("trip-5.md:5") && !text.contains("hull 7"), "{text}");
    assert_eq!(json(&session, "how many notes mention the zeppelin?")["answerable"], false);
}

#[test]
fn an_answer_is_made_once_and_then_an_ordinary_file() {
    let session = with_model("smollm2-135m-q4_1");
    let streamed = session.read(format!("ask/{QUESTION}"));
    assert!(streamed.contains("behind the oilskins") && streamed.contains("boat.md:3"), "{streamed}");
    assert_eq!(session.list("ask"), [format!("{QUESTION}.json"), format!("{QUESTION}.md")]);
    for _ in 0..2 {
        assert_eq!(session.read(format!("ask/{QUESTION}.md")), streamed);
    }
    let size = fs::metadata(session.at(format!("ask/{QUESTION}.md"))).expect("metadata").len();
    assert_eq!(size, streamed.len() as u64);
    let answer = json(&session, QUESTION);
    assert_eq!(answer["question"], QUESTION);
    assert!(answer["answerable"].is_boolean());
    assert_eq!(answer["model"], "smollm2-135m-q4_1");
    quoted_right(&session, &answer);
    let xattr = session.shell(&format!("getfattr --only-values -n user.echofs.question 'ask/{QUESTION}.md'"));
    assert_eq!(String::from_utf8_lossy(&xattr.stdout), QUESTION);
}

#[test]
fn without_a_model_the_answer_is_the_evidence() {
    let session = with_model("none");
    let answer = json(&session, QUESTION);
    assert_eq!(answer["model"], serde_json::Value::Null);
    quoted_right(&session, &answer);
    assert!(session.read(format!("ask/{QUESTION}")).contains("behind the oilskins"));
    assert!(session.engine().is_none());
}

#[test]
fn pages_are_told() {
    let session = with_model("none");
    let pdf = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/vault/projects/loch-arrin/field-report.pdf");
    session.write("report.pdf", fs::read(pdf).expect("the report"));
    until("it is indexed", DEADLINE, || session.hits("lex:passes").len() == 1);
    let question = "on how many nights were 11,862 passes recorded in all?";
    let answer = json(&session, question);
    let from = |page: u64| {
        let citations = answer["citations"].as_array().expect("citations");
        citations.iter().any(|c| c["page"] == page && c["quote"].as_str().is_some_and(|quote| quote.contains("11,862")))
    };
    assert!(from(3), "{answer}");
    let text = session.read(format!("ask/{question}"));
    assert!(text.contains("(page 3)"), "{text}");
}

#[test]
fn what_the_notes_do_not_hold_is_not_found() {
    let session = with_model("smollm2-135m-q4_1");
    let question = "what is the capital of Mongolia?";
    assert!(session.read(format!("ask/{question}")).contains("Not found in your notes."));
    let answer = json(&session, question);
    assert_eq!((&answer["answerable"], &answer["short_answer"]), (&false.into(), &"".into()));
}

#[test]
fn an_answer_goes_when_its_evidence_changes() {
    let session = with_model("none");
    let question = "when does the ferry to Lunna leave?";
    assert!(session.read(format!("ask/{question}")).contains("7:45"));
    session.write("ferry.md", "# Ferry\n\nThe ferry to Lunna leaves at 9:10 from pier 3.\n");
    until("the new time is told", DEADLINE, || {
        let text = session.read(format!("ask/{question}"));
        text.contains("9:10") && !text.contains("7:45")
    });
    fs::remove_file(session.vault().join("ferry.md")).expect("removed");
    until("nothing of it is told", DEADLINE, || !session.read(format!("ask/{question}")).contains("9:10"));
}

#[test]
fn a_dead_model_is_started_again_and_never_takes_the_mount_down() {
    let session = with_model("smollm2-135m-q4_1");
    session.read(format!("ask/{QUESTION}"));
    let engine = session.engine().expect("running");
    rustix::process::kill_process(engine, Signal::KILL).expect("ours");
    let text = session.read("ask/when does the ferry to Lunna leave from pier 3?");
    assert!(text.contains("7:45"), "{text}");
    until("the model is back", DEADLINE, || {
        json(&session, "which pier does the ferry to Lunna leave from?")["model"] != serde_json::Value::Null
    });
}

#[test]
fn one_question_too_many_is_refused_at_once() {
    let session = with_model("smollm2-135m-q4_1");
    session.read(format!("ask/{QUESTION}"));
    let engine = session.engine().expect("running");
    rustix::process::kill_process(engine, Signal::STOP).expect("ours");
    let cat = |n: usize| {
        let question = session.at(format!("ask/{QUESTION}{}?", "!".repeat(n)));
        Command::new("cat")
            .arg(question)
            .env("LC_ALL", "C")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("cat")
    };
    let mut readers: Vec<Child> = (1..=70).map(cat).collect();
    until("those beyond 64 are told", DEADLINE, || {
        readers.iter_mut().map(|cat| cat.try_wait()).filter(|ended| !matches!(ended, Ok(None))).count() == 6
    });
    for mut cat in readers {
        let waits = cat.try_wait().expect("ours").is_none();
        cat.kill().expect("ours");
        let done = cat.wait_with_output().expect("ended");
        assert!(waits || String::from_utf8_lossy(&done.stderr).contains("resource busy"), "{done:?}");
    }
    assert_eq!(session.list("chat"), Vec::<String>::new(), "the tree answers");
    rustix::process::kill_process(engine, Signal::CONT).expect("ours");
    until("questions are answered again", DEADLINE, || {
        session.shell(&format!("cat 'ask/{QUESTION}!?'")).status.success()
    });
}

#[test]
fn what_changed_is_said_openly_and_the_newest_wins() {
    let old = "---\ndate: 2026-03-05\n---\n# Address book\n\nOda Berg lives in Porto.\n";
    let new = "---\ndate: 2026-06-02\n---\n# News\n\nOda Berg moved to Lisbon.\n";
    let session = Session::with(&[("addresses.md", old), ("news.md", new)]);
    until("the newer fact has taken the place of the older", DEADLINE, || {
        session
            .read("facts/facts.jsonl")
            .lines()
            .any(|line| line.contains("Porto") && !line.contains("\"superseded_by\":null"))
    });
    let now = json(&session, "where does Oda Berg live?");
    assert_eq!(now["short_answer"], "Lisbon", "{now}");
    let said = now["answer"].as_str().expect("text");
    assert!(said.contains("2026-06-02") && said.contains("Porto"), "{now}");
    quoted_right(&session, &now);
    let then = json(&session, "where did Oda Berg live before?");
    assert!(then["answer"].as_str().is_some_and(|text| text.contains("Porto") && text.contains("Lisbon")), "{then}");
    session.write("addresses.md", old.replace("Oda", "Post is collected at noon.\n\nOda"));
    let stated =
        |line: &str| line.contains("Porto") && line.contains("\"line\":8") && !line.contains("\"superseded_by\":null");
    until("the fact stands in another line", DEADLINE, || session.read("facts/facts.jsonl").lines().any(stated));
    let now = json(&session, "where does Oda Berg live?");
    let citations = now["citations"].as_array().map_or(&[][..], Vec::as_slice);
    assert!(citations.iter().any(|c| c["path"].to_string().contains("addresses") && c["line"] == 8), "{now}");
    quoted_right(&session, &now);
}

#[test]
fn when_something_was_is_told_by_the_fact_that_says_it() {
    let news = "---\ndate: 2026-06-02\n---\n# News\n\nOda Berg moved to Lisbon.\n";
    let other = "---\ndate: 2026-03-05\n---\n# Address book\n\nIda Berg moved to Porto.\n";
    let session = Session::with(&[("news.md", news), ("addresses.md", other)]);
    session.wait_for_the_rest();
    let answer = json(&session, "when did Oda Berg move to Lisbon?");
    assert_eq!(
        (&answer["short_answer"], &answer["model"]),
        (&"2 June 2026".into(), &serde_json::Value::Null),
        "{answer}"
    );
    let cited = answer["citations"].as_array().map_or(&[][..], Vec::as_slice);
    assert!(cited.len() == 1 && cited[0]["quote"] == "Oda Berg moved to Lisbon." && cited[0]["line"] == 6, "{answer}");
    let near = json(&session, "when did Oda Berg move to Porto?");
    assert_ne!(near["short_answer"], "5 March 2026", "that was Ida: {near}");
    session.write("news.md", news.replace("06-02", "06-09"));
    until("it is made anew", DEADLINE, || {
        json(&session, "when did Oda Berg move to Lisbon?")["short_answer"] == "9 June 2026"
    });
}

#[test]
fn yesterday_is_told_as_a_day() {
    let session = Session::with(&[]);
    let turns = [("user", "I sold the old dinghy yesterday."), ("assistant", "Did the new owner collect it?")];
    let lines = turns.map(|(role, content)| {
        serde_json::json!({"role": role, "content": content, "at": "2026-05-08T13:56:00Z"}).to_string() + "\n"
    });
    let mut inbox = fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(session.at("conversations/inbox/dinghy.jsonl"))
        .expect("an inbox");
    inbox.write_all(lines.concat().as_bytes()).expect("taken");
    until("the turns are found", DEADLINE, || session.hits("dinghy").len() == 1);
    let answer = json(&session, "when did I sell the old dinghy?");
    assert_eq!(answer["short_answer"], "7 May 2026", "{answer}");
    quoted_right(&session, &answer);
}

#[test]
fn slashes_in_a_question() {
    let mut session =
        Session::unmounted(&[("net.md", "# Network\n\nIn our tests tcp/ip is reliable over the radio link.\n")])
            .options(&["--model", "none"]);
    session.mount();
    session.wait_for_words();
    assert!(session.read("ask/is tcp%2Fip reliable over the radio link?").contains("radio link"));
    let out =
        session.shell(&format!("cat '{}/ask/is tcp/ip reliable over the radio link?'", session.mountpoint().display()));
    assert!(out.status.success() && String::from_utf8_lossy(&out.stdout).contains("radio link"), "{out:?}");
    assert_eq!(session.list("ask").len(), 2, "both are one question");
}

#[test]
fn a_removed_answer_is_not_listed() {
    let session = with_model("none");
    session.read(format!("ask/{QUESTION}"));
    fs::remove_file(session.at(format!("ask/{QUESTION}.md"))).expect("removed");
    assert!(session.list("ask").is_empty());
}
