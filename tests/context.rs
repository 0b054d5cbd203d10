//! `context/`, `relationship/people/` and `about-me.md` on a real mount.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use echofs_inference::vocabulary::Vocabulary;

use crate::common::{DEADLINE, Session, until};

const MODEL: &str = "smollm2-135m-q4_1";

/// The file of the test model.
fn model() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let data = || variable("XDG_DATA_HOME").or_else(|| Some(variable("HOME")?.join(".local/share")));
    let models = variable("ECHOFS_MODELS").or_else(|| Some(data()?.join("echofs/models")));
    models.expect("a place for models").join("smollm2-135m-instruct-q4_1.gguf")
}

#[test]
fn briefings_keep_within_their_tokens_and_start_no_model() {
    let session = Session::sample(&["--model", MODEL]);
    session.wait_for_the_rest();
    let vocabulary = Vocabulary::read(&model()).expect("a vocabulary");
    for budget in [500, 1_000, 2_000, 4_000, 8_000] {
        let text = session.read(format!("context/briefing-{budget}.md"));
        let used = vocabulary.count(&text);
        assert!(used <= budget && used * 10 > budget * 9, "{used} of {budget}:\n{text}");
    }
    let listed = session.list("context");
    assert_eq!(listed, ["briefing.md", "now.md", "suggestions.md", "tasks.md", "tiers"]);
    assert_eq!(session.read("context/briefing.md"), session.read("context/briefing-1000.md"));
    for name in listed.iter().filter(|name| name.ends_with(".md")) {
        let size = session.at(format!("context/{name}")).metadata().expect("there").len();
        assert_eq!(size, session.read(format!("context/{name}")).len() as u64, "{name}");
    }
    for name in ["briefing-99.md", "briefing-32001.md", "briefing-x.md", "briefing-0500.md", "then.md"] {
        assert!(!session.at(format!("context/{name}")).exists(), "{name}");
    }
    assert_eq!(session.engine(), None, "looking starts no model");
}

#[test]
fn what_is_worked_on_is_shown_and_goes_when_it_is_forgotten() {
    let mut session =
        Session::unmounted(&[("gate.md", "# Gate\n\nThe code of the gate is 7193.\n")]).options(&["--model", "none"]);
    session.mount();
    session.wait_for_words();
    fs::write(session.at("knowledge/notes/quern.md"), "# Quern\n\n- [ ] oil the quern by 2031-01-05\n")
        .expect("written");
    until("it is a task", DEADLINE, || session.read("context/tasks.md").contains("2031-01-05"));
    assert_eq!(fs::read_to_string(session.at("knowledge/notes/quern.md")).expect("readable").lines().count(), 3);
    until("it was opened", DEADLINE, || {
        let now = session.read("context/now.md");
        now.contains("## Opened") && now.contains("/notes/quern.md")
    });
    session.wait_for_the_rest();
    let inode = || session.at("context/briefing.md").metadata().expect("there").ino();
    assert_eq!(inode(), inode(), "a page that reads the same is the same file");
    assert!(session.read("context/briefing.md").contains("7193"));
    let gate = session.vault().join("gate.md");
    fs::write(session.at(".echo/forget"), format!("{}\n", gate.display())).expect("forgotten");
    until("it is gone from every page", DEADLINE, || {
        let pages = ["context/briefing.md", "context/now.md", "context/tiers/long-term.md", "relationship/about-me.md"];
        pages.iter().all(|page| !session.read(page).contains("gate.md"))
    });
}

#[test]
fn people_have_pages_and_the_owner_has_the_last_word() {
    let session = Session::with(&[
        ("minutes.md", "---\nattendees: [Oda Brekke, Jon Lie]\n---\n# Minutes\n\nOda Brekke wants a new mill.\n"),
        ("oda.vcf", "BEGIN:VCARD\nVERSION:4.0\nFN:Oda Brekke\nEMAIL:oda@mill.example\nTEL:+47 555 0147\nEND:VCARD\n"),
    ]);
    session.wait_for_the_rest();
    until("they have pages", DEADLINE, || session.list("relationship/people") == ["Jon Lie.md", "Oda Brekke.md"]);
    let page = session.read("relationship/people/Oda Brekke.md");
    assert!(page.contains("+47 555 0147") && page.contains("oda.vcf:") && page.contains("minutes.md:6"), "{page}");
    for other in ["Oda.md", "oda@mill.example.md"] {
        assert_eq!(session.read(format!("relationship/people/{other}")), page, "{other}");
    }
    assert!(!session.at("relationship/people/Nobody.md").exists());
    let id = page
        .lines()
        .find(|line| line.contains("minutes.md:6"))
        .and_then(|line| line.rsplit_once('~'))
        .expect("an id")
        .1;
    fs::write(session.at("facts/correct"), format!("remove {id}\n")).expect("removed");
    until("it is not said again", DEADLINE, || !session.read("relationship/people/Oda Brekke.md").contains("new mill"));
}

#[test]
fn facts_and_names_are_found() {
    let session = Session::with(&[
        ("minutes.md", "---\nattendees: [Oda Brekke, Jon Lie]\n---\n# Minutes\n\nOda Brekke wants a new mill.\n"),
        ("boat.md", "# Boat\n\nThe boat is blue.\n"),
    ]);
    session.wait_for_the_rest();
    until("a name finds its documents", DEADLINE, || session.hits("entity:\"oda brekke\"").len() == 1);
    let line = session.read("search/in:facts mill/results.jsonl");
    let hit: serde_json::Value = serde_json::from_str(line.trim()).expect("one hit");
    assert_eq!((hit["kind"].as_str(), hit["line"].as_u64()), (Some("fact"), Some(6)), "{hit}");
}
