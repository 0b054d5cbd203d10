//! Evidence in the order of a reranker.

use std::sync::Arc;

use echofs_embedder::{Reranker, SharedWords};
use echofs_indexer::Reranking;

use super::{Bench, QUESTION, Script, over, until};

/// Has all words of the question that say something, and none of the others.
const BY_WORDS: (&str, &str) = ("/n/a.md", "Sync server database: choose Postgres.\n");
/// Has fewer of those, and more of all words together.
const BY_RERANKER: (&str, &str) = ("/n/b.md", "For the sync server we did choose SQLite.\n");

fn reranked(notes: &[(&str, &str)], model: Result<SharedWords, echofs_embedder::Error>) -> Bench {
    let bench = over(notes, Script::Reads(|prompt| if prompt.contains("SQLite") { "SQLite" } else { "NOT FOUND" }));
    let model = model.map(|model| Arc::new(model) as Arc<dyn Reranker>);
    assert!(bench.notes.reranking.set(Reranking::new("shared-words", model)).is_ok());
    bench
}

#[test]
fn evidence_is_in_the_order_of_the_reranker_where_there_is_one() {
    let plain = over(&[BY_WORDS, BY_RERANKER], Script::Says("NOT FOUND"));
    assert!(plain.markdown(QUESTION).starts_with("> Sync server database"), "{}", plain.markdown(QUESTION));
    assert_eq!(plain.json(QUESTION)["reranked"], serde_json::Value::Null);

    let bench = reranked(&[BY_WORDS, BY_RERANKER], Ok(SharedWords));
    let text = bench.markdown(QUESTION);
    assert!(text.starts_with("> For the sync server"), "{text}");
    let told = &bench.json(QUESTION)["reranked"][0];
    assert_eq!((&told["model"], &told["passages"], &told["of"]), (&"shared-words".into(), &2.into(), &2.into()));
    assert_eq!(told["error"], serde_json::Value::Null);
    let now = "which database did we finally choose for the sync server?";
    assert!(bench.markdown(now).starts_with("> Sync server database"), "the newest is not for it to choose");
    assert_eq!(bench.json(now)["reranked"], serde_json::Value::Null);
}

#[test]
fn a_reranker_does_not_put_what_a_model_wrote_before_what_people_wrote() {
    let said = format!("## assistant, 2026-03-14 09:00\n\n{}", BY_RERANKER.1);
    let human = ("/n/human.md", "Choose for the sync server: MySQL.\n");
    let bench = reranked(&[BY_WORDS, human, ("/c/said.md", &said)], Ok(SharedWords));
    let text = bench.markdown(QUESTION);
    assert!(text.starts_with("> Choose for the sync server") && text.contains("SQLite"), "{text}");
    assert_eq!(bench.json(QUESTION)["reranked"][0]["of"], 2, "it has not read what the model wrote");
}

#[test]
fn a_reranker_that_does_not_work_is_told_of_and_the_order_is_that_of_the_search() {
    let gone = echofs_embedder::Error::Missing("/m/gone/model.onnx".into());
    let bench = reranked(&[BY_WORDS, BY_RERANKER], Err(gone));
    let text = bench.markdown(QUESTION);
    assert!(text.starts_with("> Sync server database"), "{text}");
    assert!(text.contains("gave no order: no model at /m/gone/model.onnx;"), "{text}");
    assert_eq!(bench.json(QUESTION)["reranked"][0]["passages"], 0);
}

#[test]
fn an_answer_stays_although_the_search_leads_with_what_the_reranker_passed_over() {
    let says = |who: &str| (format!("/n/{who}.md"), format!("For the sync server we did choose SQLite, says {who}.\n"));
    let others = ["Bram", "Carl", "Dora", "Ester"].map(says);
    let mut notes: Vec<(&str, &str)> = others.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    notes.insert(0, BY_WORDS);
    let bench = reranked(&notes, Ok(SharedWords));
    let text = bench.markdown(QUESTION);
    assert!(text.contains("SQLite") && !text.contains("Postgres"), "{text}");
    let settled = bench.answers.get(QUESTION).unwrap();
    bench.notes.write("/n/other.md", "The heron is back.\n");
    let gone = || bench.answers.get(QUESTION).is_none();
    until("it is compared", || gone() || bench.answers.is_fresh(&settled));
    assert!(!gone(), "nothing better has come");
    bench.notes.write(BY_WORDS.0, "Sync server database: choose MariaDB.\n");
    until("it goes", gone);
}
