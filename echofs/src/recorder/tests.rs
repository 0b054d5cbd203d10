use echofs_indexer::relationship::Order;

use super::*;
use crate::answer::Forgetting;

fn recorder(dir: &Path) -> Arc<Recorder> {
    let data = dir.join("data");
    let config = echofs_indexer::Config { data, sources: Vec::new(), excluded: Vec::new(), worker: Vec::new() };
    let index = Index::open(config, None).expect("an index");
    let (waiting, news) = Default::default();
    Arc::new(Recorder { index, answers: Weak::new(), batch: Duration::from_millis(1), waiting, news })
}

fn answer(question: &str) -> Answer {
    let at = Timestamp::now().to_string();
    let value = serde_json::json!({
        "question": question, "answerable": true, "answer": "Blue [1]", "short_answer": "Blue",
        "citations": [{"n": 1, "path": "/n/boat.md", "line": 3, "end_line": 3, "quote": "The boat is blue."}],
        "model": null, "epoch": 1, "generated_at": at,
        "timings_ms": {"retrieval": 0.0, "first_evidence": 0.0, "first_token": null, "total": 0.0},
        "tokens": {"prompt": 0, "output": 0},
    });
    serde_json::from_value(value).expect("an answer")
}

fn settled(question: &str) -> Settled {
    let answer = answer(question);
    Settled {
        question: question.to_owned(),
        markdown: Arc::default(),
        json: serde_json::to_vec(&answer).expect("JSON").into(),
        generated_at: answer.generated_at,
        epoch: 1,
        model: None,
        citations: 1,
        answerable: true,
    }
}

#[test]
fn a_question_with_a_kept_answer_is_noted_with_what_answers_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let recorder = recorder(dir.path());
    let recording = Recording::start(&recorder).expect("a thread");
    recorder.asked_again(&settled("Where is the boat?"));
    drop(recording);
    let entries = log(&recorder);
    assert_eq!((entries.len(), entries[0].evidence[0].path.as_str()), (1, "/n/boat.md"));
    assert!(entries[0].kind == Kind::Interaction && entries[0].text == "Where is the boat?");
}

/// A chat in which something was said.
fn chat(recorder: &Recorder, session: &str) {
    let (at, content) = (Timestamp::now(), "Hello.".to_owned());
    let turn = Turn { role: Role::User, content, at, session: session.to_owned(), speaker: None, title: None };
    recorder.index.conversations().append(&[turn]).expect("kept");
}

fn log(recorder: &Recorder) -> Vec<Entry> {
    recorder.index.relationship().view().expect("a log").entries
}

fn say(recorder: &Recorder, line: &str) {
    let order = Order::parse(line, &jiff::Zoned::now()).expect("an order");
    recorder.observe().obey(&order).expect("obeyed");
}

#[test]
fn the_same_question_is_noted_once_in_a_while() {
    let dir = tempfile::tempdir().expect("a directory");
    let recorder = recorder(dir.path());
    let recording = Recording::start(&recorder).expect("a thread");
    for question in ["What colour is the boat?", "what colour is the boat", "Where is the boat?"] {
        recorder.asked(&answer(question));
    }
    drop(recording);
    let entries = log(&recorder);
    let texts: Vec<&str> = entries.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(texts, ["What colour is the boat?", "Where is the boat?"]);
    assert_eq!(entries[0].evidence, [Evidence { path: "/n/boat.md".into(), line: Some(3) }]);
    // Also after a restart, and when the answer is a kept one.
    recorder.lock().stopping = false;
    let recording = Recording::start(&recorder).expect("a thread");
    recorder.asked(&answer("what colour is the boat?"));
    recorder.asked_again(&settled("Where is the boat?"));
    drop(recording);
    assert_eq!((log(&recorder).len(), recorder.index.relationship().noted(Activity::Questions)), (2, 2));
}

#[test]
fn of_a_chat_only_questions_are_noted_in_words() {
    let dir = tempfile::tempdir().expect("a directory");
    let recorder = recorder(dir.path());
    let recording = Recording::start(&recorder).expect("a thread");
    chat(&recorder, "chat/boat");
    recorder.said("chat/boat", None, None);
    recorder.said("chat/boat", None, None);
    recorder.said("chat/boat", Some("When was it painted?"), Some(&answer("x")));
    drop(recording);
    let noted: Vec<(Kind, String)> = log(&recorder).into_iter().map(|entry| (entry.kind, entry.text)).collect();
    let want = [(Kind::Observation, "Something was said in a chat"), (Kind::Interaction, "When was it painted?")];
    assert_eq!(noted, want.map(|(kind, text)| (kind, text.to_owned())));
}

#[test]
fn of_a_chat_that_is_deleted_before_it_is_noted_nothing_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let recorder = recorder(dir.path());
    chat(&recorder, "chat/boat");
    recorder.said("chat/boat", Some("When was it painted?"), None);
    let page = recorder.index.conversations().page_of("chat/boat").expect("readable").expect("a page");
    recorder.index.conversations().forget(&page).expect("deleted");
    drop(Recording::start(&recorder).expect("a thread"));
    assert!(log(&recorder).is_empty());
}

#[test]
fn an_answer_from_what_is_gone_when_it_is_made_is_not_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    let recorder = recorder(dir.path());
    let listener = listener(recorder.clone(), Record::default());
    let mut made = answer("Where is the boat?");
    let sessions = || recorder.index.conversations().sessions(QUESTIONS).expect("readable").len();
    made.citations[0].path = dir.path().join("data/notes/gone.md").to_string_lossy().into_owned();
    let orders = Arc::default();
    listener(Told::Made(&made, &Since::now(&orders)));
    assert_eq!(sessions(), 0);
    listener(Told::Made(&answer("Where is the boat?"), &Since::now(&orders)));
    assert_eq!(sessions(), 1);
}

#[test]
fn an_answer_that_was_begun_before_something_was_forgotten_is_not_kept_and_not_noted() {
    let dir = tempfile::tempdir().expect("a directory");
    let recorder = recorder(dir.path());
    let listener = listener(recorder.clone(), Record::default());
    let (orders, made) = (Arc::default(), answer("Where is the boat?"));
    let since = Since::now(&orders);
    drop(Forgetting::new(&orders));
    listener(Told::Made(&made, &since));
    assert!(recorder.index.conversations().sessions(QUESTIONS).expect("readable").is_empty());
    assert!(recorder.lock().said.is_empty());
    listener(Told::Made(&made, &Since::now(&orders)));
    assert_eq!(recorder.index.conversations().sessions(QUESTIONS).expect("readable").len(), 1);
    assert_eq!(recorder.lock().said.len(), 1);
}

#[test]
fn what_is_off_or_paused_is_not_noted() {
    let dir = tempfile::tempdir().expect("a directory");
    let recorder = recorder(dir.path());
    chat(&recorder, "chat/x");
    let asked = |question: &str| {
        recorder.lock().stopping = false;
        let recording = Recording::start(&recorder).expect("a thread");
        recorder.asked(&answer(question));
        recorder.said("chat/x", Some(question), None);
        drop(recording);
        log(&recorder).len()
    };
    assert_eq!(asked("one?"), 2);
    say(&recorder, "off questions");
    assert_eq!(asked("two?"), 3);
    say(&recorder, "pause 1h");
    assert_eq!(asked("three?"), 3);
    say(&recorder, "resume");
    say(&recorder, "on questions");
    assert_eq!(asked("four?"), 5);
    // Who pauses means what waits as well.
    recorder.asked(&answer("five?"));
    say(&recorder, "pause");
    recorder.lock().stopping = false;
    drop(Recording::start(&recorder).expect("a thread"));
    assert_eq!(log(&recorder).len(), 5);
}

#[test]
fn a_batch_of_many_is_bounded_and_left_out() {
    let dir = tempfile::tempdir().expect("a directory");
    let recorder = recorder(dir.path());
    for n in 0..1_000 {
        recorder.opened(Path::new(&format!("/n/{n}.md")));
    }
    recorder.opened(Path::new("/n/3.md"));
    assert_eq!(recorder.lock().seen[&Activity::Opens].len(), MANY + 1);
    drop(Recording::start(&recorder).expect("a thread"));
    assert!(log(&recorder).is_empty() && recorder.lock().seen.is_empty());
}

#[test]
fn a_document_is_noted_once_an_hour_and_there_is_a_limit() {
    let mut latest = Latest::default();
    let at = |minute: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute);
    let mut is_new = |what: &str, minute| latest.is_new(Activity::Opens, what, HOUR, at(minute));
    assert!(is_new("/a", 0) && !is_new("/a", 59) && is_new("/b", 59) && is_new("/a", 60));
    let rest = (0..100).filter(|n| is_new(&format!("/{n}"), 61)).count();
    assert_eq!(rest, HOURLY - 2);
    assert!(is_new("/c", 200), "the limit is one of an hour");
}
