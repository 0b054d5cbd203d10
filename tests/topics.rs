//! `topics/` on a real mount.

use std::fs;
use std::time::Duration;

use crate::common::{DEADLINE, Session, until};

fn garden_and_boat() -> Session {
    let mut session = Session::unmounted(&[]);
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
    let session = garden_and_boat();
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
    let session = garden_and_boat();
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
