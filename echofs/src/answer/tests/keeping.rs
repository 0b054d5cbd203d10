//! Answers are kept while they hold.

use std::path::Path;
use std::sync::atomic::Ordering;

use super::{QUESTION, STANDUP, Script, bench, until};

#[test]
fn the_same_question_in_other_dress_is_the_same() {
    let bench = bench(Script::Says("SQLite [1]"));
    bench.markdown(QUESTION);
    bench.markdown("  which database did we choose\tfor the sync server  ");
    assert_eq!(bench.model.calls(), 1);
    assert_eq!(bench.answers.settled().len(), 1);
}

#[test]
fn an_answer_tells_whether_the_notes_have_changed_since() {
    let bench = bench(Script::Says("SQLite [1]"));
    bench.markdown(QUESTION);
    let settled = bench.answers.get(QUESTION).unwrap();
    assert!(bench.answers.is_fresh(&settled));
    bench.notes.write("/n/oven.md", "The oven is hot.\n");
    assert!(!bench.answers.is_fresh(&settled));
    until("it is compared", || bench.answers.get(QUESTION).is_some_and(|settled| bench.answers.is_fresh(&settled)));
    assert_eq!(bench.model.calls(), 1);
}

#[test]
fn an_answer_is_kept_while_its_evidence_is_the_same() {
    let mut bench = bench(Script::Says("SQLite [1]"));
    bench.markdown(QUESTION);
    let searches = bench.notes.searches.load(Ordering::Acquire);
    for _ in 0..100 {
        assert!(bench.answers.get(QUESTION).is_some());
    }
    assert_eq!(bench.notes.searches.load(Ordering::Acquire), searches, "no search while the index is unchanged");
    bench.notes.write("/n/shopping.md", "Bread, milk and a new hose.\n");
    bench.reopen();
    until("it is compared", || bench.answers.get(QUESTION).is_some());
    bench.markdown(QUESTION);
    assert_eq!(bench.model.calls(), 1);
}

#[test]
fn an_answer_whose_evidence_changed_is_made_anew() {
    let bench = bench(Script::Says("SQLite [1]"));
    let changes: [&dyn Fn(); 3] = [
        &|| bench.notes.write("/n/standup.md", &format!("A new first line.\n{STANDUP}")),
        &|| bench.notes.write("/n/standup.md", &STANDUP.replace("chose SQLite for", "chose SQLite, again, for")),
        &|| {
            bench.notes.write(
                "/n/a.md",
                "The database that we did choose for the sync server: SQLite, choose sync server database.\n",
            )
        },
    ];
    bench.markdown(QUESTION);
    for (i, change) in changes.iter().enumerate() {
        change();
        until("the stale answer goes", || bench.answers.get(QUESTION).is_none());
        bench.markdown(QUESTION);
        assert_eq!(bench.model.calls(), i + 2);
    }
}

#[test]
fn deleted_and_forgotten_documents_take_their_answers_along() {
    let bench = bench(Script::Says("SQLite [1]"));
    bench.markdown(QUESTION);
    bench.answers.forget(Path::new("/n"));
    assert!(bench.answers.settled().is_empty());
    bench.markdown(QUESTION);
    bench.notes.delete("/n/standup.md");
    assert!(bench.answers.settled().is_empty() && bench.answers.get(QUESTION).is_none());
    let left = std::fs::read_dir(bench.dir.path().join("answers")).unwrap().count();
    assert_eq!(left, 0, "nothing of it stays on disk");
}

#[test]
fn an_answer_that_is_made_while_something_is_forgotten_is_not_kept() {
    let bench = bench(Script::Says("SQLite [1]"));
    let forgetting = bench.answers.forgetting();
    assert!(bench.markdown(QUESTION).contains("SQLite"), "who asked is answered");
    drop(forgetting);
    assert!(bench.answers.settled().is_empty());
    bench.markdown(QUESTION);
    assert_eq!((bench.model.calls(), bench.answers.settled().len()), (2, 1));
}

#[test]
fn damaged_files_are_dropped() {
    let mut bench = bench(Script::Says("SQLite [1]"));
    bench.markdown(QUESTION);
    let dir = bench.dir.path().join("answers");
    let file = std::fs::read_dir(&dir).unwrap().next().unwrap().unwrap().path();
    let good = std::fs::read(&file).unwrap();
    for cut in [0, 1, 40, good.len() / 2, good.len() - 1] {
        std::fs::write(&file, &good[..cut]).unwrap();
        bench.reopen();
        assert!(bench.answers.settled().is_empty() && !file.exists());
    }
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    std::fs::write(&file, &flipped).unwrap();
    bench.reopen();
    assert!(bench.answers.settled().is_empty());
    std::fs::write(&file, &good).unwrap();
    bench.reopen();
    assert_eq!(bench.answers.settled().len(), 1);
}
