//! `topics/` on a real mount.

use std::fs;
use std::time::Duration;

use crate::common::{DEADLINE, Session, until};

fn garden_and_boat(options: &[&str]) -> Session {
    let mut session = Session::unmounted(&[]).options(options);
    for number in 0..8 {
        let garden =
            format!("# Garden {number}\n\nThe garden has tomatoes, compost and a greenhouse of glass. Sow beans.\n");
        let sailing =
            format!("# Sailing {number}\n\nSailing out of the harbour: mast, anchor, rudder and a rising tide.\n");
        session.write(&format!("garden-{number}.md"), garden);
        session.write(&format!("sailing-{number}.md"), sailing);
    }
    session.mount();
    session.wait_for_meaning();
    until("every document has its place", DEADLINE, || {
        session.status()["documents"] == 16 && session.status()["pending_topics"] == 0
    });
    session
}

fn json(session: &Session) -> serde_json::Value {
    serde_json::from_str(&session.read("topics/topics.json")).expect("JSON")
}

/// The names of the topics that have a document in them.
fn topics_of(session: &Session, document: &str) -> Vec<String> {
    let is_in = |topic: &&serde_json::Value| {
        let documents = topic["documents"].as_array().expect("documents").iter();
        documents.filter_map(|path| path.as_str()).any(|path| path.ends_with(document))
    };
    let topics = json(session)["topics"].as_array().expect("topics").clone();
    topics.iter().filter(is_in).filter_map(|topic| topic["path"].as_str().map(str::to_owned)).collect()
}

#[test]
fn documents_that_belong_together_share_a_directory() {
    let session = garden_and_boat(&[]);
    let [garden] = &topics_of(&session, "garden-3.md")[..] else { panic!("{:#}", json(&session)) };
    let [sailing] = &topics_of(&session, "sailing-3.md")[..] else { panic!("{:#}", json(&session)) };
    assert_ne!(garden, sailing);
    let listed = session.list("topics");
    assert!(
        ["README.md", "topics.json", garden, sailing].iter().all(|name| listed.contains(&name.to_string())),
        "{listed:?}"
    );
    assert_eq!(
        fs::read_link(session.at(format!("topics/{garden}/garden-3.md"))).expect("a link"),
        session.vault().join("garden-3.md")
    );
    let page = session.read(format!("topics/{garden}/README.md"));
    assert!(page.starts_with(&format!("# {garden}\n")) && page.contains("> ") && page.contains("garden-"), "{page}");
    assert!(session.read("topics/README.md").contains(&format!("| `{garden}/` | 8 |")));
    let mut hits = session.hits(&format!("topic:{garden}"));
    hits.sort();
    let expected: Vec<String> =
        (0..8).map(|n| session.vault().join(format!("garden-{n}.md")).display().to_string()).collect();
    assert_eq!(hits, expected);
    assert!(!session.at("topics/nothing").exists());
}

#[test]
fn what_is_gone_leaves_its_topic() {
    let session = garden_and_boat(&[]);
    let garden = topics_of(&session, "garden-3.md").remove(0);
    let link = session.at(format!("topics/{garden}/garden-3.md"));
    fs::remove_file(session.vault().join("garden-3.md")).expect("removed");
    until("it is gone from its topic", Duration::from_secs(2), || {
        fs::symlink_metadata(&link).is_err() && !session.read("topics/topics.json").contains("garden-3.md")
    });
    let forgotten = session.run(["forget".as_ref(), session.vault().join("garden-4.md").as_os_str()]);
    assert!(forgotten.status.success(), "{}", String::from_utf8_lossy(&forgotten.stderr));
    assert!(!session.read("topics/topics.json").contains("garden-4.md"));
    assert_eq!(topics_of(&session, "garden-5.md"), [garden]);
}

#[test]
fn the_model_names_topics_when_it_is_told_to_and_former_names_lead_to_them() {
    let mut session = garden_and_boat(&["--model", "smollm2-135m-q4_1"]);
    let kinds = ["garden", "sailing"];
    let former = kinds.map(|kind| topics_of(&session, &format!("{kind}-3.md")).remove(0));
    assert_eq!(
        session.status()["topics_by_model"]["pending"],
        json(&session)["topics"].as_array().expect("topics").len()
    );
    let refused = fs::write(session.at(".echo/now"), "boats\n").expect_err("refused");
    assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
    let refused = fs::write(session.at(".echo/now"), "facts\n").expect_err("they are off");
    assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
    fs::write(session.at(".echo/now"), "topics\n").expect("told");
    until("all are named", 4 * DEADLINE, || session.status()["topics_by_model"]["state"] == "all are named");
    assert!(
        session.read(".echo/now").starts_with("topics   0 to go: all are named\n"),
        "{}",
        session.read(".echo/now")
    );
    for (kind, former) in kinds.iter().zip(&former) {
        let link = format!("topics/{former}/{kind}-3.md");
        assert_eq!(fs::read_link(session.at(&link)).expect(&link), session.vault().join(format!("{kind}-3.md")));
        let now = topics_of(&session, &format!("{kind}-3.md")).remove(0);
        let page = session.read(format!("topics/{now}/README.md"));
        assert_eq!(page.contains("Named by the language model smollm2-135m-q4_1"), now != *former, "{page}");
        assert_eq!(session.list("topics").contains(former), now == *former);
    }
    session.unmount();
}
