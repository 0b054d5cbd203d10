//! Answers while there is no model.

use std::sync::atomic::Ordering;

use echofs_inference::Error as Failure;

use super::{Script, bench};

#[test]
fn without_a_model_the_evidence_answers_until_one_is_there() {
    let bench = bench(Script::Says("SQLite [1]"));
    bench.model.installed.store(0, Ordering::Release);
    let json = bench.json("when were the tomatoes planted?");
    assert_eq!(
        (&json["answerable"], &json["short_answer"], &json["model"]),
        (&true.into(), &"3 May 2026".into(), &serde_json::Value::Null)
    );
    assert!(json["timings_ms"]["first_token"].is_null());
    assert!(bench.answers.get("when were the tomatoes planted?").is_some() && bench.model.calls() == 0);
    bench.model.installed.store(1, Ordering::Release);
    assert!(bench.answers.get("when were the tomatoes planted?").is_none());
}

#[test]
fn an_answer_made_while_the_model_was_down_says_so_and_is_not_kept() {
    for (failure, word) in
        [(Script::Fails(|| Failure::Down("gone".into())), "down"), (Script::Fails(|| Failure::Busy(8)), "busy")]
    {
        let bench = bench(failure);
        let text = bench.markdown("when were the tomatoes planted?");
        assert!(text.contains("3 May 2026") && text.contains(word), "{text}");
        assert!(bench.answers.settled().is_empty());
    }
}
