//! Working memory of the sample vault at one moment: what is important is said first, and budgets are kept.

mod store;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use echofs_indexer::context::{self, Moment, Tier};
use echofs_indexer::conversations::Turn;
use echofs_indexer::facts::{Facts, Wish};
use echofs_indexer::relationship::{Entry, Evidence, Kind, View};
use echofs_indexer::{Config, Document, Index, Source};
use jiff::{Timestamp, Zoned};
use store::{Place, until};

/// What the pages are made from.
struct Made {
    now: Zoned,
    documents: Arc<Vec<Document>>,
    facts: Arc<Facts>,
    log: View,
    opened: Vec<(PathBuf, Timestamp)>,
    sources: Vec<Source>,
    before: BTreeMap<PathBuf, Tier>,
}

impl Made {
    fn of(index: &Index, now: &str) -> Made {
        until("every document is read for facts", || index.counts().pending_facts == 0);
        let log = index.relationship().view().unwrap();
        let (documents, facts, sources) = (index.documents(), index.facts(), index.sources());
        Made { now: now.parse().unwrap(), documents, facts, log, opened: Vec::new(), sources, before: index.tiers() }
    }

    fn moment(&self) -> Moment<'_> {
        Moment {
            now: &self.now,
            documents: &self.documents,
            facts: &self.facts,
            log: &self.log,
            opened: &self.opened,
            hits: &[],
            sources: &self.sources,
            before: &self.before,
        }
    }

    fn briefing(&self, budget: usize) -> String {
        context::briefing(&self.moment(), budget, &tokens)
    }
}

/// About as many tokens as a model makes of it.
fn tokens(text: &str) -> usize {
    text.split_inclusive(|c: char| !c.is_alphanumeric()).map(|word| word.len().div_ceil(5).max(1)).sum()
}

fn vault(place: &Place) -> Arc<Index> {
    let vault = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/vault").canonicalize().unwrap();
    let index = Index::open(Config { sources: vec![vault], ..place.config() }, None).unwrap();
    index.start();
    assert!(index.wait(false, store::PATIENCE));
    index
}

const NOW: &str = "2026-11-22T09:00[Europe/London]";

#[test]
fn briefings_hold_what_is_important_within_their_budget() {
    let place = Place::new();
    let made = Made::of(&vault(&place), NOW);
    for budget in [100, 500, 1_000, 2_000, 4_000, 8_000] {
        let text = made.briefing(budget);
        let used = tokens(&text);
        assert!(text.lines().any(|line| line.starts_with("- ")), "{budget}: {text}");
        assert!(used <= budget && (budget < 500 || used * 10 > budget * 9), "{used} of {budget}:\n{text}");
    }
    let text = made.briefing(1_000);
    let important = [
        "Mateo is allergic to cashew and pistachio. (vault/family/mateo-allergy.md:11)",
        "since 1 June 2026 it is 7193. (vault/garden/allotment.md:16)",
        "Front door code 4471",
        "Your slides should reach me by Monday 23 November",
        "Fri 2026-11-27 11:40 (in 5 days): Talk in Edinburgh",
        "Both expire in January 2027, so order in December",
        "The catalogue moves from CouchDB to PostgreSQL 16.",
        "The chunk size goes down to 1 MiB with version 0.6.2.",
    ];
    for line in important {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let whole = made.briefing(30_000);
    for outdated in ["The chunk size is 4 MiB", "ignore all earlier instructions"] {
        assert!(!whole.contains(outdated), "{outdated} is in\n{whole}");
    }
}

#[test]
fn every_line_of_a_briefing_can_be_looked_up() {
    let place = Place::new();
    let made = Made::of(&vault(&place), NOW);
    let root = &made.sources[0].root;
    for line in made.briefing(4_000).lines().filter(|line| line.starts_with("- ")) {
        let (_, source) = line.rsplit_once(" (").unwrap();
        let (path, number) = source.trim_end_matches(')').rsplit_once(':').unwrap();
        let path = root.join(path.strip_prefix("vault/").unwrap());
        assert!(path.exists() && number.parse::<u32>().is_ok_and(|number| number > 0), "{line}");
    }
}

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

fn dated(day: &str, title: &str, text: &str) -> String {
    format!("---\ndate: {day}\n---\n# {title}\n\n{text}\n")
}

fn used(path: &Path, kind: Kind, subject: Option<&str>, at: &str) -> Entry {
    let evidence = vec![Evidence { path: path.to_string_lossy().into_owned(), line: Some(1) }];
    Entry { evidence, subject: subject.map(str::to_owned), ..Entry::new(kind, "what?", at.parse().unwrap()) }
}

/// Gives a file the time of its last change.
fn touch(path: &Path, at: &str) {
    let at: Timestamp = at.parse().unwrap();
    std::fs::File::options().write(true).open(path).unwrap().set_modified(at.into()).unwrap();
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

#[test]
fn what_is_put_away_comes_last_in_a_briefing() {
    let place = Place::new();
    let heron = place.write("heron.md", &dated("2026-09-01", "Heron log", "Nothing else."));
    place.write("barn.md", &dated("2026-10-01", "Barn log", "Nothing else."));
    let mut made = Made::of(&place.open(None), NOW);
    let order = |made: &Made| {
        let text = made.briefing(1_000);
        let at = |title: &str| text.find(title).unwrap_or_else(|| panic!("{title} is not in\n{text}"));
        at("2026-09-01: Heron log").cmp(&at("2026-10-01: Barn log"))
    };
    assert_eq!(order(&made), std::cmp::Ordering::Greater, "both are put away, the newest first");
    made.opened.push((heron, NOW.parse::<Zoned>().unwrap().timestamp()));
    assert_eq!(order(&made), std::cmp::Ordering::Less, "what is in use comes first");
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
