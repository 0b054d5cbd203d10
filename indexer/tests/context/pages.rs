//! The pages of working memory, each with what it has to hold.

use std::path::Path;

use echofs_indexer::context;
use echofs_indexer::conversations::Turn;
use echofs_indexer::relationship::{Entry, Evidence, Kind};
use jiff::{Timestamp, Zoned};

use crate::store::{self, Place, until};
use crate::{Made, NOW, dated, used, vault};

#[test]
fn tasks_are_in_the_order_of_their_days() {
    let place = Place::new();
    place.write(
        "todo.md",
        "---\ndate: 2026-11-20\n---\n# To do\n\n- [ ] post the parcel by 2026-11-21\n- [ ] paint the door\n- [x] buy a lamp\n- [ ] order coal before 2026-11-30\n",
    );
    let ics = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Choir\nDTSTART:20260903T190000\nRRULE:FREQ=WEEKLY;BYDAY=TH\nEND:VEVENT\nEND:VCALENDAR\n";
    place.write("calendar.ics", ics);
    let index = place.open(None);
    let made = Made::of(&index, NOW);
    let text = context::tasks(&made.moment());
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} is not in\n{text}"));
    let order = [
        "## Overdue",
        "[ ] 2026-11-21 (yesterday): post the parcel",
        "## Due",
        "2026-11-30 (in 8 days): order coal",
        "## Coming up",
        "Thu 2026-11-26 19:00 (in 4 days): Choir",
        "## Without a day",
        "[ ] paint the door (since 2026-11-20)",
    ];
    assert!(order.map(at).is_sorted(), "{text}");
    assert!(!text.contains("lamp") && text.contains("todo.md:6"), "{text}");
}

#[test]
fn people_have_one_page_whatever_they_are_called() {
    let place = Place::new();
    let made = Made::of(&vault(&place), NOW);
    let moment = made.moment();
    let people = context::people(&moment);
    let called = |name: &str| -> Vec<&str> {
        people.iter().filter(|person| person.may_be_called(name)).map(|person| person.name.as_str()).collect()
    };
    assert_eq!(called("p.nair@solwayrivers.example"), ["Priya Nair"]);
    assert_eq!(called("Priya"), ["Priya Nair"]);
    assert_eq!(called("morita@hokkaido-acoustics.example"), ["Kenji Morita"]);
    assert_eq!(called("Callum").len(), 2);
    let moira = people.iter().find(|person| person.name == "Moira Tait").unwrap();
    let page = context::person(&moment, moira);
    for part in ["Phone: +44 7700 900155", "The spare key is with Moira", "home/van.md:18", "m.tait@skerrow.example"] {
        assert!(page.contains(part) || part.contains('@'), "{part} is not in\n{page}");
    }
}

#[test]
fn every_sentence_about_the_owner_has_a_source() {
    let place = Place::new();
    let index = vault(&place);
    let entry = Entry {
        subject: Some("answers".into()),
        ..Entry::new(Kind::Preference, "short ones", "2026-11-01T10:00:00Z".parse().unwrap())
    };
    index.relationship().append(vec![entry]).unwrap();
    let text = context::about_me(&Made::of(&index, NOW).moment());
    let (said, sources) = text.split_once("## Sources").unwrap();
    for part in
        ["You are Hanna Brekke", "Callum Osei, Software developer at Osei Systems", "allergic to cashew", "short ones"]
    {
        assert!(said.contains(part), "{part} is not in\n{text}");
    }
    for line in said.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mark = line.rsplit_once(" [").map(|(_, mark)| format!("\n[{mark} ")).unwrap();
        assert!(sources.contains(mark.rsplit_once("][").map_or(mark.as_str(), |(first, _)| first)), "{line}");
    }
}

#[test]
fn what_the_owner_says_of_themselves_is_about_them() {
    let place = Place::new();
    place.write("me.md", "# Me\n\nI live in Bergen.\n\nI am a carpenter.\n\nI am late.\n");
    place.write(
        "gate.eml",
        "From: Callum Reid <reid@joiner.example>\nTo: oda@mill.example\nSubject: Gate\nDate: Sat, 14 Mar 2026 10:00:00 +0000\n\nI live in Oslo.\n",
    );
    let index = place.open(None);
    let states = |object: &str| index.facts().all().any(|fact| fact.object == object);
    until("everything is stated", || ["Bergen", "a carpenter", "Oslo"].into_iter().all(states));
    let text = context::about_me(&Made::of(&index, NOW).moment());
    let (said, _) = text.split_once("## Sources").unwrap();
    for part in ["## Who you are", "\u{201c}I live in Bergen.\u{201d} [", "\u{201c}I am a carpenter.\u{201d} ["] {
        assert!(said.contains(part), "{part} is not in\n{text}");
    }
    assert!(!said.contains("Oslo") && !said.contains("I am late"), "{text}");
}

/// Gives a file the time of its last change.
fn touch(path: &Path, at: &str) {
    let at: Timestamp = at.parse().unwrap();
    std::fs::File::options().write(true).open(path).unwrap().set_modified(at.into()).unwrap();
}

#[test]
fn what_is_worked_on_now() {
    let place = Place::new();
    let changed = place.write("changed.md", "# Changed page\n\n- [ ] oil the quern\n");
    let opened = place.write("opened.md", &dated("2024-01-05", "Opened page", "Nothing else."));
    let cited = place.write("cited.md", &dated("2024-01-05", "Cited page", "Nothing else."));
    let old = place.write("old.md", &dated("2024-01-05", "Old page", "- [ ] sell the barn"));
    let away = place.write("away.md", &dated("2024-01-05", "Away page", "Nothing else."));
    let late = place.write("late.md", &dated("2024-01-05", "Late page", "- [ ] feed the heron by 2026-11-25"));
    touch(&changed, "2026-11-22T07:00:00Z");
    for path in [&opened, &cited, &old, &late, &away] {
        touch(path, "2024-01-05T09:00:00Z");
    }
    let index = place.open(None);
    let turn = |session: &str, at: &str, content: &str| {
        let value = serde_json::json!({"role": "user", "content": content, "at": at});
        Turn::from_value(&value, session, Timestamp::now()).unwrap()
    };
    let said = [
        turn("live talk", "2026-11-22T08:00:00Z", "Shall we mill on Sunday?"),
        turn("questions-2026-11-22", "2026-11-22T08:30:00Z", "Where is the quern?"),
    ];
    index.conversations().append(&said).unwrap();
    assert!(index.wait(false, store::PATIENCE));
    let asked =
        Entry { text: "Where is the barn?".into(), ..used(&cited, Kind::Interaction, None, "2026-11-22T08:45:00Z") };
    index.relationship().append(vec![asked]).unwrap();
    let mut made = Made::of(&index, NOW);
    let now = |hours: i64| NOW.parse::<Zoned>().unwrap().timestamp() - jiff::SignedDuration::from_hours(hours);
    made.opened = vec![(opened, now(1)), (away, now(100))];
    let text = context::now(&made.moment());
    let section = |heading: &str| {
        let (_, rest) = text.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("{heading}:\n{text}"));
        rest.split("\n## ").next().unwrap_or_default().to_owned()
    };
    let check = |heading: &str, has: &str, lines: usize| {
        let section = section(heading);
        let found = section.lines().filter(|line| line.starts_with("- ")).count();
        assert!(section.contains(has) && found == lines, "{heading}: {has}\n{text}");
    };
    check("Changed", "Changed page\n", 1);
    check("Opened", "Opened page\n", 1);
    check("Asked", "Where is the barn?", 1);
    check("Conversation", "Shall we mill on Sunday?", 1);
    check("Due", "feed the heron", 1);
    check("Open", "oil the quern", 1);
    check("Also in use", "Cited page: used today\n", 2);
    assert!(section("Also in use").contains("Late page: a task in it is due in 3 days"), "{text}");
}

#[test]
fn suggestions_have_a_reason_and_a_source() {
    let place = Place::new();
    let lamp = place.write("lamp.md", "---\ndate: 2026-11-01\n---\n# Harbour lamps talk\n\nSlides are ready.\n");
    let boat = place.write("boat.md", "# Boat\n\nThe boat is blue.\n");
    let ics = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Talk about harbour lamps\nDTSTART:20261124T190000\nEND:VEVENT\nEND:VCALENDAR\n";
    place.write("calendar.ics", ics);
    let index = place.open(None);
    let evidence = |path: &Path| Evidence { path: path.to_string_lossy().into_owned(), line: Some(1) };
    for hour in [8, 9] {
        let at = format!("2026-11-20T{hour:02}:00:00Z").parse().unwrap();
        let asked =
            Entry { evidence: vec![evidence(&lamp), evidence(&boat)], ..Entry::new(Kind::Interaction, "what?", at) };
        index.relationship().append(vec![asked]).unwrap();
    }
    let mut made = Made::of(&index, NOW);
    let none = context::suggestions(&made.moment());
    assert!(!none.contains("Open together"), "{none}");
    made.opened.push((boat, NOW.parse::<Zoned>().unwrap().timestamp()));
    let text = context::suggestions(&made.moment());
    for part in [
        "Harbour lamps talk\u{201d} before: Tue 2026-11-24",
        "it answered 2 questions together",
        "relationship/log.jsonl #1 #2",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let suggested = text.lines().filter(|line| line.starts_with("- ")).count();
    let reasons = text.lines().filter(|line| line.starts_with("  because ")).count();
    assert!(suggested == reasons && suggested >= 2, "{text}");
}

#[test]
fn preferences_and_opinions_come_from_what_the_owner_states() {
    let place = Place::new();
    let dated = |name: &str, day: &str, text: &str| {
        place.write(name, &format!("---\ndate: {day}\n---\n# Drinks\n\n{text}\n"));
    };
    dated("old.md", "2025-01-05", "I like coffee.");
    dated("love.md", "2025-02-05", "I love coffee.");
    dated("new.md", "2026-03-01", "I prefer tea to coffee.");
    dated("newest.md", "2026-05-01", "I hate coffee.");
    let mail = "From: Callum Reid <reid@joiner.example>\nTo: oda@mill.example\nSubject: Gate\nDate: Sat, 14 Mar 2026 10:00:00 +0000\n\nI prefer oak.\n";
    place.write("gate.eml", mail);
    let index = place.open(None);
    let said = |role: &str, content: &str| {
        let value = serde_json::json!({"role": role, "content": content, "at": "2026-04-02T10:00:00Z"});
        Turn::from_value(&value, "talk", Timestamp::now()).unwrap()
    };
    index.conversations().append(&[said("user", "I like old boats."), said("assistant", "I prefer trains.")]).unwrap();
    let states = |object: &str| index.facts().all().any(|fact| fact.object == object);
    until("everything is stated", || ["old boats", "trains", "oak"].into_iter().all(states));
    until("every document is read for facts", || index.counts().pending_facts == 0);
    let made = Made::of(&index, NOW);
    let preferences = context::preferences(&made.moment()).unwrap();
    let src = place.notes().display().to_string();
    for line in [
        "## coffee or tea\n\n- tea, since 2026-03-01 (".to_owned(),
        format!("- before: coffee, from 2025-01-05 to 2026-03-01 ({src}/old.md:6) ({src}/love.md:6)\n"),
        "## old boats\n\n- old boats, since 2026-04-02 (".to_owned(),
    ] {
        assert!(preferences.contains(&line), "{line} is not in\n{preferences}");
    }
    assert!(!preferences.contains("oak") && !preferences.contains("trains"), "{preferences}");
    let opinions = context::opinions(&made.moment());
    let names: Vec<&str> = opinions.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["opinions/coffee.md"], "of one statement there is none");
    let coffee = &opinions[0].1;
    assert!(coffee.contains("## For\n\n- 2025-01-05: I like coffee. ("), "{coffee}");
    assert!(coffee.contains(&format!("## Against\n\n- 2026-05-01: I hate coffee. ({src}/newest.md:6)")), "{coffee}");
    // The owner's word in the log holds for these too.
    let correction = Entry {
        subject: Some("coffee or tea".into()),
        retract: true,
        ..Entry::new(Kind::Correction, "no", Timestamp::now())
    };
    index.relationship().append(vec![correction]).unwrap();
    let preferences = context::preferences(&Made::of(&index, NOW).moment()).unwrap();
    assert!(preferences.contains("old boats") && !preferences.contains("coffee"), "{preferences}");
}
