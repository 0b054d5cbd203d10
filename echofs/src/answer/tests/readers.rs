//! Readers share what is under way.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Answers, Form, Model, QUESTION, ReadError, Reader, Script, all, bench, until};
use crate::answer::running::RUNNING;
use crate::answer::{Evidence, Found, Items, Listing, Passage};

#[test]
fn fifty_readers_share_one_generation() {
    let bench = bench(Script::Says("SQLite [1]"));
    let texts: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let ask = |i: usize| {
            let form = if i.is_multiple_of(2) { Form::Markdown } else { Form::Json };
            (form, all(&bench.answers.ask(QUESTION), form))
        };
        let readers: Vec<_> = (0..50).map(|i| scope.spawn(move || ask(i))).collect();
        let texts = readers.into_iter().map(|reader| reader.join().unwrap());
        texts.filter(|(form, _)| *form == Form::Json).map(|(_, text)| text).collect()
    });
    assert!(texts.len() == 25 && texts.iter().all(|text| *text == texts[0]));
    assert_eq!(bench.model.calls(), 1);
}

#[test]
fn what_is_made_when_something_is_forgotten_serves_nobody_else() {
    let bench = bench(Script::Hangs("SQLite "));
    let before = bench.answers.ask(QUESTION);
    until("the model is called", || bench.model.calls() == 1);
    bench.model.becomes(Script::Says("SQLite [1]"));
    bench.answers.forget(Path::new("/elsewhere"));
    assert!(bench.markdown(QUESTION).contains("SQLite [1]"));
    assert!(before.finished().is_none() && bench.model.calls() == 2);
    drop(before);
    until("its generation stops", || bench.model.cancelled.load(Ordering::Acquire) == 1);
}

#[test]
fn the_last_reader_stops_the_generation() {
    let bench = bench(Script::Hangs("SQLite "));
    let (one, two) = (bench.answers.ask(QUESTION), bench.answers.ask(QUESTION));
    assert!(one.read(Form::Markdown, 0, 4096, &|| false).unwrap().starts_with(b"> We chose"));
    until("the model is called", || bench.model.calls() == 1);
    drop(one);
    assert_eq!(bench.model.cancelled.load(Ordering::Acquire), 0);
    let start = Instant::now();
    drop(two);
    until("the generation stops", || bench.model.cancelled.load(Ordering::Acquire) == 1);
    assert!(start.elapsed() < Duration::from_millis(300));
    assert!(bench.answers.settled().is_empty() && bench.answers.get(QUESTION).is_none());
    bench.model.becomes(Script::Says("SQLite [1]"));
    assert!(bench.markdown(QUESTION).contains("SQLite [1]"));
}

#[test]
fn a_waiting_reader_can_be_interrupted() {
    let bench = bench(Script::Hangs(""));
    let reader = bench.answers.ask(QUESTION);
    let start = Instant::now();
    let waited = reader.read(Form::Json, 0, 10, &|| start.elapsed() > Duration::from_millis(60));
    assert_eq!(waited, Err(ReadError::Interrupted));
    assert!(start.elapsed() < Duration::from_millis(300) && reader.finished().is_none());
}

#[test]
fn reading_can_go_on_at_any_byte() {
    let bench = bench(Script::Says("SQLite [1]"));
    let reader = bench.answers.ask(QUESTION);
    let whole = all(&reader, Form::Markdown);
    assert_eq!(*whole, *reader.finished().unwrap().markdown);
    for at in 0..=whole.len() {
        assert_eq!(reader.read(Form::Markdown, at as u64, 1 << 20, &|| false).unwrap(), whole[at..]);
    }
    assert_eq!(reader.read(Form::Markdown, u64::MAX, 9, &|| false).unwrap(), b"");
}

#[test]
fn a_failed_search_is_an_error_for_the_reader() {
    struct Broken;
    impl Evidence for Broken {
        fn search(&self, _: &str, _: usize) -> Result<Vec<Found>, String> {
            Err("the index is gone".into())
        }
        fn list(&self, _: &Listing) -> Result<Items, String> {
            Err("broken".into())
        }
        fn passages(&self, _: &Path) -> Vec<Passage> {
            Vec::new()
        }
        fn stamp(&self, _: &Path) -> Option<u64> {
            None
        }
        fn epoch(&self) -> u64 {
            0
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let answers = Answers::with(Arc::new(Broken), Model::new(Script::Says("x")), dir.path().into()).unwrap();
    let read = answers.ask("is it broken?").read(Form::Markdown, 0, 10, &|| false);
    assert_eq!(read, Err(ReadError::Failed("the index is gone".into())));
}

#[test]
fn one_question_too_many_is_busy_at_once_and_the_others_go_on() {
    let bench = bench(Script::Hangs("SQLite"));
    let question = |n: usize| format!("{QUESTION}{}", "!".repeat(n + 1));
    let readers: Vec<Reader> = (0..RUNNING).map(|n| bench.answers.ask(&question(n))).collect();
    let read = |reader: &Reader| reader.read(Form::Json, 0, 10, &|| true);
    assert_eq!(read(&bench.answers.ask(&question(RUNNING))), Err(ReadError::Busy));
    assert_eq!(read(&bench.answers.ask(&question(0))), Err(ReadError::Interrupted), "it joins what is under way");
    drop(readers);
    bench.model.becomes(Script::Says("SQLite [1]"));
    assert_eq!(bench.json(&question(RUNNING))["short_answer"], "SQLite");
}
