//! Questions of several things.

use super::{STANDUP, Script, bench, over};

#[test]
fn several_things_are_answered_one_after_the_other() {
    let reads = |prompt: &str| if prompt.contains("tomatoes") { "3 May 2026" } else { "SQLite" };
    let bench = bench(Script::Reads(reads));
    let question = "Which database did we choose for the sync server, and when were the tomatoes planted?";
    let text = bench.markdown(question);
    let (first, second) = (text.find("SQLite [1].").unwrap(), text.find("3 May 2026 [2]").unwrap());
    let evidence = text.find("> The tomatoes were planted").unwrap();
    assert!(first < evidence && evidence < second, "{text}");
    let json = bench.json(question);
    assert_eq!(json["short_answer"], "SQLite; 3 May 2026");
    let paths: Vec<&str> = json["citations"].as_array().unwrap().iter().map(|c| c["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["/n/standup.md", "/n/garden.md"]);
    assert!(bench.answers.get(question).is_some());
    bench.notes.delete("/n/garden.md");
    assert!(bench.answers.get(question).is_none(), "half of what it rests on is gone");
    let text = bench.markdown(question);
    assert!(
        text.contains("SQLite [1]") && text.contains("Not found in your notes: when were the tomatoes planted."),
        "{text}"
    );
}

#[test]
fn what_has_nothing_to_do_with_a_part_of_a_question_is_not_shown_for_it() {
    let race = ("/n/race.md", "The tortoise race was cold and nobody came.\n");
    let bench = over(&[("/n/standup.md", STANDUP), race], Script::Says("SQLite"));
    let far = "when does the zeppelin race of Friedrichshafen pilots begin?";
    let text = bench.markdown(&format!("Which database did we choose for the sync server, and {far}"));
    assert!(text.contains("SQLite [1]") && text.contains("Not found in your notes: when does the zeppelin"), "{text}");
    assert!(!text.contains("race.md"), "{text}");
    assert!(bench.markdown(far).contains("race.md"), "by itself it has the nearest passage");
}
