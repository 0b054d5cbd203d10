//! What counts: what the owner states and does not take back.

use std::path::Path;

use echofs_indexer::Index;
use echofs_indexer::context;
use echofs_indexer::conversations::Turn;
use echofs_indexer::facts::Wish;
use echofs_indexer::relationship::{Entry, Evidence, Kind};
use jiff::Timestamp;

use crate::store::{self, Place, until};
use crate::{Made, NOW, vault};

#[test]
fn what_the_owner_removes_is_not_said_again() {
    let place = Place::new();
    place.write("gate.md", "# Gate\n\nThe code of the gate is 7193.\n\nOda is allergic to wool.\n");
    let index = place.open(None);
    let said = |index: &Index, part: &str| Made::of(index, NOW).briefing(1_000).contains(part);
    assert!(said(&index, "7193") && said(&index, "wool"));
    let facts = index.facts();
    let sentence = facts.notable().find(|noted| noted.notable.quote.contains("wool")).unwrap();
    index.change_facts(&Wish::Remove(sentence.id.to_string())).unwrap();
    assert!(!Made::of(&index, NOW).facts.notable().any(|noted| noted.id == sentence.id));
    for fact in facts.all().filter(|fact| fact.source.quote.contains("7193")) {
        index.change_facts(&Wish::Remove(fact.id.to_string())).unwrap();
    }
    assert!(!said(&index, "7193"));
}

#[test]
fn facts_and_entities_are_searched() {
    let place = Place::new();
    let index = vault(&place);
    until("every document is read for facts", || index.counts().pending_facts == 0);
    let hit = |query: &str| {
        let results = store::search(&index, query);
        results.hits.first().map(|hit| (hit.document.kind, hit.passage.text.clone(), hit.passage.line))
    };
    let allergic = hit("in:facts allergic").unwrap();
    assert_eq!((allergic.0, allergic.2), (echofs_indexer::Kind::Fact, 11));
    assert!(allergic.1.contains("allergic to"));
    assert_eq!(hit("in:facts zyzzyva"), None);
    let with = |query: &str| store::found_set(&index, query);
    assert_eq!(with("entity:\"Priya Nair\""), with("entity:p.nair@solwayrivers.example"));
    assert!(with("entity:\"Priya Nair\"").contains(&"2026-09-14-nair-deadline.eml".to_owned()));
    assert_eq!(with("entity:Nobody"), Vec::<String>::new());
}

#[test]
fn what_the_user_says_in_a_conversation_counts_and_what_an_assistant_says_does_not() {
    let place = Place::new();
    place.write("boat.md", "# Boat\n\nThe boat is blue.\n");
    let index = place.open(None);
    let turn = |role: &str, content: &str| {
        let value = serde_json::json!({"role": role, "speaker": if role == "user" { "Hanna" } else { "Coach" }, "content": content});
        Turn::from_value(&value, "talk", "2026-11-20T10:00:00Z".parse().unwrap()).unwrap()
    };
    let said = [
        turn(
            "user",
            "I prefer oat porridge. I have to hand in the quern report by 2026-11-30.\n\n- [ ] oil the quern\n",
        ),
        turn(
            "assistant",
            "I prefer semolina. You must hand in the heron report by 2026-11-29.\n\n- [ ] feed the heron\n",
        ),
        turn("user", "Never use semicolons in what you write."),
    ];
    index.conversations().append(&said).unwrap();
    assert!(index.wait(false, store::PATIENCE));
    until("the conversation is read for facts", || {
        index.facts().notable().any(|noted| noted.notable.quote.contains("quern report"))
    });
    let made = Made::of(&index, NOW);
    let moment = made.moment();
    let tasks = context::tasks(&moment);
    assert!(tasks.contains("quern report") && tasks.contains("oil the quern"), "{tasks}");
    let briefing = made.briefing(2_000);
    assert!(briefing.contains("quern report") && briefing.contains("oat porridge"), "{briefing}");
    let about = context::about_me(&moment);
    assert!(about.contains("You said on 20 November 2026: \u{201c}I prefer oat porridge.\u{201d}"), "{about}");
    for page in [tasks, briefing, about, context::suggestions(&moment)] {
        for other in ["semolina", "heron", "semicolons"] {
            assert!(!page.contains(other), "{other} is in\n{page}");
        }
    }
    let page = index.conversations().page_of("talk").unwrap().unwrap();
    index.forget(&page).unwrap();
    until("it is gone from every page", || {
        let made = Made::of(&index, NOW);
        [context::tasks(&made.moment()), context::about_me(&made.moment())].iter().all(|page| !page.contains("quern"))
    });
}

#[test]
fn the_log_holds_nothing_that_was_forgotten_before_it_was_written() {
    let place = Place::new();
    let boat = place.write("boat.md", "# Boat\n\nThe boat is blue.\n");
    let index = place.open(None);
    let entry = |path: &Path, text: &str| Entry {
        evidence: vec![Evidence { path: path.to_string_lossy().into_owned(), line: None }],
        ..Entry::new(Kind::Observation, text, Timestamp::now())
    };
    let value = serde_json::json!({"role": "user", "content": "The zebrafish is well."});
    index.conversations().append(&[Turn::from_value(&value, "talk", Timestamp::now()).unwrap()]).unwrap();
    let page = index.conversations().page_of("talk").unwrap().unwrap();
    index.note(vec![entry(&boat, "first"), entry(&page, "first")]).unwrap();
    assert_eq!(index.relationship().view().unwrap().entries.len(), 2);
    index.forget(&boat).unwrap();
    index.forget(&page).unwrap();
    assert!(index.relationship().view().unwrap().entries.is_empty());
    index.note(vec![entry(&boat, "late"), entry(&page, "late"), entry(Path::new("/else.md"), "kept")]).unwrap();
    let texts: Vec<String> = index.relationship().view().unwrap().entries.into_iter().map(|entry| entry.text).collect();
    assert_eq!(texts, ["kept"]);
}
