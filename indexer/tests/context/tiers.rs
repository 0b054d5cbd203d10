//! Documents move between tiers.

use std::path::Path;

use echofs_indexer::context::{self, Tier};
use echofs_indexer::relationship::Kind;
use jiff::Zoned;

use crate::store::{self, Place};
use crate::{Made, NOW, dated, used};

#[test]
fn documents_move_between_tiers() {
    let place = Place::new();
    let dated = |day: &str, text: &str| format!("---\ndate: {day}\n---\n# Page\n\n{text}\n");
    let old = place.write("old.md", &dated("2024-01-05", "The heron was here."));
    let gate = place.write("gate.md", &dated("2024-01-05", "The code of the gate is 7193."));
    let new = place.write("new.md", &dated("2026-11-21", "The heron came back."));
    let index = place.open(None);
    let mut made = Made::of(&index, NOW);
    let tier = |made: &Made, path: &Path| context::tiers(&made.moment())[path].0;
    assert_eq!([&old, &gate, &new].map(|path| tier(&made, path)), [Tier::Archive, Tier::LongTerm, Tier::Working]);
    assert!(index.moved(&made.moment()).is_empty());
    made.opened.push((old.clone(), NOW.parse::<Zoned>().unwrap().timestamp()));
    let moved = index.moved(&made.moment());
    let told: Vec<_> = moved.iter().map(|moved| (&moved.path, moved.from, moved.to, moved.why.as_str())).collect();
    assert_eq!(told, [(&old, Some(Tier::Archive), Tier::Working, "used today")]);
    assert_eq!(index.tiers()[&old], Tier::Working, "what comes next is compared with this");
    assert_eq!(index.moved(&made.moment()), moved, "a second look finds no other move");
    index.forget(&old).unwrap();
    assert!(!store::holds(&place.data().join("context"), "old.md"));
    assert!(index.moved(&made.moment()).is_empty(), "a page of before is made");
    assert!(!store::holds(&place.data().join("context"), "old.md"));
}

#[test]
fn use_and_open_tasks_keep_a_document_near() {
    let place = Place::new();
    let page = |name: &str, text: &str| place.write(name, &dated("2024-01-05", name, text));
    let often = page("often.md", "The heron was here.");
    let once = page("once.md", "The heron was there.");
    let open = page("open.md", "- [ ] paint the heron");
    let soon = page("soon.md", "- [ ] feed the heron by 2026-11-25");
    let late = page("late.md", "- [ ] count the herons by 2026-12-01\n- [ ] feed the heron by 2026-11-12");
    let index = place.open(None);
    let days = ["2026-08-01", "2026-08-20", "2026-09-01", "2026-09-10", "2026-09-20", "2026-09-25"];
    let opens = days.map(|day| used(&often, Kind::Observation, Some("opens"), &format!("{day}T10:00:00Z")));
    index.relationship().append(opens.to_vec()).unwrap();
    let cited = used(&once, Kind::Interaction, None, "2026-09-20T10:00:00Z");
    index.relationship().append(vec![cited]).unwrap();
    let at = |now: &str| {
        let made = Made::of(&index, now);
        let tiers = context::tiers(&made.moment());
        [&often, &once, &open, &soon, &late].map(|path| tiers[path.as_path()].0)
    };
    let [recent, working, long_term, archive] = [Tier::Recent, Tier::Working, Tier::LongTerm, Tier::Archive];
    assert_eq!(at("2026-10-01T09:00[Europe/London]"), [recent, recent, long_term, long_term, long_term]);
    assert_eq!(at("2026-11-22T09:00[Europe/London]"), [long_term, archive, long_term, working, working]);
    assert_eq!(at("2028-11-22T09:00[Europe/London]"), [archive, archive, long_term, long_term, long_term]);
}
