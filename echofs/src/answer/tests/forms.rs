//! What an answer looks like.

use super::{NOT_FOUND, QUESTION, STANDUP, Script, bench, over};

#[test]
fn evidence_comes_first_then_the_answer_then_the_sources() {
    let bench = bench(Script::Says("SQLite [1]"));
    let text = bench.markdown(QUESTION);
    let expected = "> We chose SQLite for the sync server, because it needs\n> no second process. Anna will write the schema.\n\n[1] \
        /n/standup.md:4\n\n\
        SQLite [1]\n\nSources:\n\n[1] /n/standup.md:4\n";
    assert_eq!(text, expected);
}

#[test]
fn the_json_form_holds_the_same() {
    let bench = bench(Script::Says("SQLite [1]"));
    let json = bench.json(QUESTION);
    assert_eq!(json["question"], QUESTION);
    assert_eq!(
        (&json["answerable"], &json["answer"], &json["short_answer"]),
        (&true.into(), &"SQLite [1]".into(), &"SQLite".into())
    );
    let cite = &json["citations"][0];
    assert_eq!(
        (&cite["n"], &cite["path"], &cite["line"], &cite["end_line"]),
        (&1.into(), &"/n/standup.md".into(), &4.into(), &5.into())
    );
    let lines: Vec<&str> = STANDUP.split('\n').collect();
    assert!(lines[3..5].join("\n").contains(cite["quote"].as_str().unwrap()));
    assert_eq!(
        (&json["model"], &json["tokens"]["prompt"], &json["tokens"]["output"]),
        (&"scripted".into(), &9.into(), &3.into())
    );
    assert!(json["timings_ms"]["first_token"].is_number() && json["epoch"] == 2);
}

#[test]
fn what_a_model_wrote_is_marked_and_what_people_wrote_is_not() {
    let said = "## user, 2026-03-14 09:00\n\nTell me about our boat.\n\n## assistant, 2026-03-14 09:01\n\nThe ketch is painted green.\n";
    let talk = over(&[("/c/ketch.md", said)], Script::Says("green"));
    let question = "in which colour is the ketch painted?";
    let text = talk.markdown(question);
    assert!(text.contains("] /c/ketch.md:7 (written by a language model)\n"), "{text}");
    let json = talk.json(question);
    let cited = json["citations"].as_array().unwrap();
    assert!(cited.iter().any(|c| c["line"] == 7 && c["by_model"] == true), "{json}");
    let own = bench(Script::Says("SQLite [1]"));
    assert!(!own.markdown(QUESTION).contains("language model"));
    assert_eq!(own.json(QUESTION)["citations"][0].get("by_model"), None);
}

#[test]
fn what_can_be_counted_is_counted_without_a_model() {
    let bench = bench(Script::Says("nine"));
    let text = bench.markdown("how many notes mention Anna?");
    assert_eq!(text, "1:\n\n- standup [1]\n\nSources:\n\n[1] /n/standup.md:1\n");
    let json = bench.json("which notes mention the tomatoes?");
    assert_eq!((&json["answer"], &json["short_answer"]), (&"garden [1]".into(), &"garden".into()));
    assert_eq!(json["citations"][0]["quote"], "# Garden");
    let json = bench.json("how many notes mention the Zeppelin?");
    assert_eq!((&json["answerable"], &json["answer"]), (&false.into(), &NOT_FOUND.into()));
    assert_eq!(bench.model.calls(), 0);
}
