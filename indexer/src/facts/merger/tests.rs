//! Facts of a few documents, and changes of them against whole merges.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use proptest::prelude::{ProptestConfig, Strategy, any, proptest};

use super::*;
use crate::facts::fact::{Fact, Found};
use crate::facts::merge::Visit;
use crate::facts::notable::Reason;
use crate::facts::orders::Order;
use crate::facts::{Id, Method};

fn found(subject: &str, predicate: &str, object: &str, line: u32) -> Found {
    let quote = format!("{subject} {predicate} {object}.");
    Found { line, quote, ..entity::tests::found(subject, predicate, object) }
}

fn whole(documents: &[(&str, Vec<Found>)], orders: Vec<Order>, dir: Option<&Path>) -> Facts {
    let mut stated = Vec::new();
    for (n, (path, found)) in (1..).zip(documents) {
        let at = Timestamp::new(n * 1_000_000, 0).unwrap();
        stated.push(Stated { path: Path::new(*path), found, read: &[], notable: &[], at, learnt: at });
    }
    Merger::default().whole(1, stated.as_slice(), &Orders::new(Path::new("/j"), orders), dir).unwrap()
}

fn by_owner(found: Found) -> Found {
    Found { method: Method::User, ..found }
}

fn shown(facts: &Facts) -> Vec<String> {
    let one = |fact: Fact| format!("{}:{} {}", fact.source.path.display(), fact.source.line, fact.sentence());
    facts.all().map(one).collect()
}

#[test]
fn two_names_are_one_person_as_long_as_the_owner_says_so() {
    let documents = [
        ("/a", vec![found("Hanna Lund", "lives in", "Bergen", 1), found("Hanna Lund", "owns", "a boat", 2)]),
        ("/b", vec![found("Hanna Brekke", "owns", "the boat", 1)]),
    ];
    let at = Timestamp::UNIX_EPOCH;
    let fact = by_owner(found("Hanna Lund", "is now called", "Hanna Brekke", 0));
    let statements = vec![draft::statement(&fact).to_string()];
    let names = |orders: Vec<Order>| {
        let facts = whole(&documents, orders, None);
        let lives = facts.all().find(|fact| fact.predicate == "lives in").unwrap();
        (lives.subject_entity.map(str::to_owned), facts.all().filter(|fact| fact.predicate == "owns").count())
    };
    let (lund, brekke) = (Some("Hanna Lund".to_owned()), Some("Hanna Brekke".to_owned()));
    assert_eq!(names(vec![]), (lund.clone(), 2));
    let said = Order::State { fact, at };
    assert_eq!(names(vec![said.clone()]), (brekke, 1));
    assert_eq!(names(vec![said, Order::Remove { statements, at }]), (lund, 2));
}

#[test]
fn facts_stand_by_source_and_line() {
    let documents = [
        ("/a", vec![found("Oda", "owns", "a boat", 7), found("Oda Brekke", "lives in", "Bergen", 2)]),
        ("/k", vec![found("Oda Brekke", "owns", "the boat", 1), found("Oda", "owns", "a mill", 1)]),
    ];
    let at = Timestamp::UNIX_EPOCH;
    let state = |subject: &str, object: &str| Order::State { fact: found(subject, "owns", object, 0), at };
    let owned = whole(&documents, vec![state("Kari", "a cat"), state("Oda Brekke", "a mill")], None);
    let want = [
        "/a:2 Oda Brekke lives in Bergen",
        "/a:7 Oda Brekke owns a boat",
        "/j:1 Kari owns a cat",
        "/k:1 Oda Brekke owns a mill",
    ];
    assert_eq!(shown(&owned), want);
    let of = |path: &str| owned.of(Path::new(path)).map(|fact| fact.source.line).collect::<Vec<_>>();
    assert_eq!(["/", "/a", "/b", "/j", "/k", "/z"].map(of), [vec![], vec![2, 7], vec![], vec![1], vec![1], vec![]]);
    let boat = owned.at(1).unwrap();
    let sources: Vec<(&Path, u32, &str)> = boat.sources.iter().map(|s| (s.path, s.line, s.quote)).collect();
    let want = [(Path::new("/a"), 7, "Oda owns a boat."), (Path::new("/k"), 1, "Oda Brekke owns the boat.")];
    assert_eq!(sources, want);
    assert_eq!((boat.sources.count(), boat.confidence, boat.subject_entity), (2, 0.88, Some("Oda Brekke")));
    assert_eq!(owned.at(3).unwrap().sources.count(), 2, "the owner says so too");
    assert_eq!(owned.get(boat.id).unwrap().sentence(), boat.sentence());
    assert_eq!(owned.statements(boat.id).unwrap().len(), 2);
    assert!(owned.at(4).is_none() && owned.get(Id(7)).is_none());
    let digits = &boat.id.to_string()[..10];
    assert_eq!(owned.beginning(digits).map(|fact| fact.id).collect::<Vec<_>>(), [boat.id]);
    assert!(owned.beginning("zz").next().is_none() && owned.beginning("").count() == owned.len());
}

#[test]
fn of_the_owners_words_for_one_fact_the_last_hold() {
    let documents = [("/a", vec![found("Oda Brekke", "lives in", "Bergen", 2)])];
    let state = |subject: &str, day: &str| {
        let fact = Found { valid_from: day.parse().ok(), ..by_owner(found(subject, "lives in", "Bergen", 0)) };
        Order::State { fact, at: Timestamp::UNIX_EPOCH }
    };
    // Several times, since what they are kept in has another order each time.
    for _ in 0..8 {
        let orders = vec![state("Oda", "2021-01-01"), state("Oda Brekke", "2022-01-01")];
        let facts = whole(&documents, orders, None);
        assert_eq!((facts.len(), facts.at(0).unwrap().valid_from), (1, "2022-01-01".parse().ok()));
    }
}

#[test]
fn what_is_remembered_does_not_begin_on_the_day_it_was() {
    let of = |day: &str| Found { valid_from: day.parse().ok(), ..found("Oda Brekke", "lives in", "Bergen", 1) };
    let known = of("2020-01-02");
    let learnt = "2026-11-22T09:30:00Z".parse().ok();
    let remembered = Found { learnt, ..by_owner(of("2026-11-22")) };
    for documents in [[known.clone(), remembered.clone()], [remembered, known]] {
        let [a, b] = documents;
        let facts = whole(&[("/a", vec![a]), ("/b", vec![b])], Vec::new(), None);
        let fact = facts.at(0).unwrap();
        assert_eq!((fact.valid_from, fact.method), ("2020-01-02".parse().ok(), Method::User));
    }
}

#[test]
fn files_hold_the_same_facts_as_memory() {
    let one = |n: usize| found(&format!("Oda {n} Brekke"), "owns", &format!("the boat {}", n % 900), n as u32);
    let documents: Vec<(String, Vec<Found>)> =
        (0..300).map(|n| (format!("/{n:03}"), (n * 10..n * 10 + 20).map(one).collect())).collect();
    let documents: Vec<(&str, Vec<Found>)> = documents.iter().map(|(p, found)| (p.as_str(), found.clone())).collect();
    let dir = tempfile::tempdir().unwrap();
    let (memory, files) = (whole(&documents, Vec::new(), None), whole(&documents, Vec::new(), Some(dir.path())));
    let lines = |facts: &Facts| facts.all().map(|f| serde_json::to_string(&f).unwrap()).collect::<Vec<_>>();
    files.rest();
    assert_eq!((memory.len(), lines(&files)), (3_010, lines(&memory)));
}

// ---- changes ----

/// Documents that come, change and go.
#[derive(Default)]
struct Corpus(BTreeMap<PathBuf, Text>);

/// What one of them states.
#[derive(Clone, Debug, Default)]
struct Text {
    found: Vec<Found>,
    read: Vec<Found>,
    notable: Vec<Notable>,
    at: Timestamp,
}

impl Documents for Corpus {
    fn each(&self, paths: Option<&BTreeSet<PathBuf>>, visit: &mut Visit) -> Result<(), Error> {
        let wanted = |path: &&PathBuf| paths.is_none_or(|paths| paths.contains(*path));
        self.0.keys().filter(wanted).try_for_each(|path| self.stated(path).map_or(Ok(()), &mut *visit))
    }
}

impl Corpus {
    fn stated<'a>(&'a self, path: &'a Path) -> Option<Stated<'a>> {
        let Text { found, read, notable, at } = self.0.get(path)?;
        Some(Stated { path, found, read, notable, at: *at, learnt: *at })
    }

    /// Puts texts in place of what is there, an empty one to remove it; gives what was stated before.
    fn change(&mut self, texts: Vec<(PathBuf, Text)>, merger: &Merger) -> BTreeMap<PathBuf, Trace> {
        let mut before = BTreeMap::new();
        for (path, text) in texts {
            let trace = || self.stated(&path).map(|stated| merger.trace(&stated)).unwrap_or_default();
            before.entry(path.clone()).or_insert_with(trace);
            match text.found.is_empty() && text.notable.is_empty() {
                true => drop(self.0.remove(&path)),
                false => drop(self.0.insert(path, text)),
            }
        }
        before
    }
}

const SUBJECTS: &[&str] =
    &["Oda", "Oda Brekke", "Oda Lie", "Kari", "Kari Lund", "He", "the mill", "Elin", "I", "Mr Lund"];
const PREDICATES: &[&str] =
    &["owns", "lives in", "moved to", "works for", "status", "email", "attendees", "From", "met", "plays", "Name"];
const OBJECTS: &[&str] = &[
    "a boat",
    "Bergen",
    "Oslo",
    "Kari",
    "Kari Lund",
    "oda@mill.example",
    "[Oda Brekke, Kari Lund]",
    "Jon Reid <oda@mill.example>",
    "her",
    "Lind",
];
const DAYS: &[&str] = &["", "2020-01-02", "2021-03-04", "2022-05-06"];

fn statement() -> impl Strategy<Value = Found> {
    let parts = (0..SUBJECTS.len(), 0..PREDICATES.len(), 0..OBJECTS.len());
    (parts, 1..4u32, 0..DAYS.len(), 0..8u8).prop_map(|((subject, predicate, object), line, day, by)| {
        let made = found(SUBJECTS[subject], PREDICATES[predicate], OBJECTS[object], line);
        let method = if by == 0 { Method::User } else { Method::Rule };
        let learnt = (by == 0).then_some(Timestamp::UNIX_EPOCH);
        Found { valid_from: DAYS[day].parse().ok(), method, learnt, ..made }
    })
}

fn text() -> impl Strategy<Value = Text> {
    let statements = |most: usize| proptest::collection::vec(statement(), 0..most);
    (statements(5), statements(2), any::<bool>()).prop_map(|(found, read, matters)| {
        let notable = found.iter().filter(|_| matters).map(|found| Notable {
            reason: Reason::Decision,
            line: found.line,
            quote: found.quote.clone(),
            topic: String::new(),
            day: None,
            strong: false,
        });
        let notable = notable.collect();
        Text { found, read, notable, at: Timestamp::UNIX_EPOCH }
    })
}

fn order() -> impl Strategy<Value = Order> {
    (statement(), statement(), 0..3u8).prop_map(|(old, new, kind)| {
        let (statements, at) = (vec![draft::statement(&old).to_string()], Timestamp::UNIX_EPOCH);
        let fact = by_owner(Found { learnt: None, ..new });
        match kind {
            0 => Order::Remove { statements, at },
            1 => Order::State { fact, at },
            _ => Order::Replace { statements, of: Vec::new(), fact, at },
        }
    })
}

/// Everything that can be seen of facts.
fn seen(facts: &Facts) -> Vec<String> {
    let line = |fact: &Fact| {
        let (statements, entities) = (facts.statements(fact.id), (fact.subject_entity, fact.object_entity));
        format!("{} {statements:?} {entities:?}", serde_json::to_string(fact).unwrap())
    };
    let mut all: Vec<String> = facts.all().map(|fact| line(&fact)).collect();
    all.extend(facts.notable().map(|noted| format!("{noted:?}")));
    all.extend(facts.people().iter().map(|person| format!("{person:?}")));
    for day in ["1970-02-01", "2021-01-01", "2030-01-01"] {
        all.extend(facts.known_on(day.parse().unwrap()).map(|fact| format!("{day} {}", line(&fact))));
    }
    all
}

/// Whether each fact is where it is looked for.
fn check_places(facts: &Facts) {
    for (at, fact) in (0..).zip(facts.all()) {
        assert_eq!(facts.get(fact.id).map(|found| found.sentence()), Some(fact.sentence()));
        assert_eq!(facts.at(at).map(|found| found.id), Some(fact.id));
        assert!(facts.of(fact.source.path).any(|found| found.id == fact.id));
        assert!(facts.beginning(&fact.id.to_string()[..9]).any(|found| found.id == fact.id));
    }
    assert_eq!(facts.beginning("").count(), facts.len());
}

/// What gives each name once for good, so that most changes leave the names as they are.
fn names() -> Text {
    let lives = ["Oda Brekke", "Oda Lie", "Kari Lund"].map(|name| found(name, "lives in", "Moss", 9));
    let mails = [found("Letter", "From", "Jon Reid <oda@mill.example>", 9)];
    Text { found: lives.into_iter().chain(mails).collect(), ..Text::default() }
}

/// What happens at a time: texts of documents by number, an order, and whether a whole merge is put off.
type Step = (Vec<(u8, Text)>, Option<Order>, bool);

/// Carries changes out one after the other, each compared with a whole merge; says how many were settled at once.
fn check_history(orders: Vec<Order>, names: Option<Text>, history: Vec<Step>) -> usize {
    let mut orders = Orders::new(Path::new("/d4j"), orders);
    let (mut corpus, mut merger, mut settled) = (Corpus::default(), Merger::default(), 0);
    corpus.0.extend(names.map(|text| (PathBuf::from("/d0"), text)));
    let mut facts = merger.whole(1, &corpus, &orders, None).unwrap();
    for (step, (texts, order, wait)) in (1..).zip(history) {
        let at = Timestamp::new(step * 100_000, 0).unwrap();
        let texts = texts.into_iter().map(|(n, text)| (format!("/d{n}").into(), Text { at, ..text })).collect();
        let before = corpus.change(texts, &merger);
        order.into_iter().for_each(|order| orders.add(order));
        if !merger.follows(&orders) {
            facts = merger.whole(1, &corpus, &orders, None).unwrap();
        } else if let Some(changed) = merger.change(&facts, &before, &corpus, &orders).unwrap() {
            facts = changed;
        }
        check_places(&facts);
        if merger.standing() == Standing::Settled {
            let wanted = Merger::default().whole(1, &corpus, &orders, None).unwrap();
            assert_eq!(seen(&facts), seen(&wanted));
            settled += 1;
        } else if !wait {
            facts = merger.whole(1, &corpus, &orders, None).unwrap();
        }
    }
    settled
}

#[test]
fn one_document_is_changed_among_others() {
    let text = |object: &str, line: u32| Text { found: vec![found("Kari", "lives in", object, line)], ..names() };
    let of = |n: u8, text: Text| (vec![(n, text)], None, false);
    let history = vec![
        of(1, text("Bergen", 3)),
        of(3, text("Bergen", 1)),
        of(1, text("Oslo", 2)),
        of(2, text("Bergen", 2)),
        of(1, Text::default()),
        of(3, Text::default()),
        of(2, Text::default()),
    ];
    assert_eq!(check_history(Vec::new(), Some(names()), history), 7, "none of them changes a name");
}

#[test]
fn a_name_that_comes_or_goes_is_looked_for_everywhere() {
    let (mut corpus, mut merger, orders) = (Corpus::default(), Merger::default(), Orders::default());
    let text = |subject: &str| Text { found: vec![found(subject, "lives in", "Moss", 1)], ..Text::default() };
    corpus.0.insert("/a".into(), text("Oda"));
    let facts = merger.whole(1, &corpus, &orders, None).unwrap();
    let before = corpus.change(vec![("/b".into(), text("Oda Brekke"))], &merger);
    let facts = merger.change(&facts, &before, &corpus, &orders).unwrap().unwrap();
    assert_eq!((merger.standing(), facts.len()), (Standing::NewNames, 2));
    let facts = merger.whole(facts.number + 1, &corpus, &orders, None).unwrap();
    assert_eq!((merger.standing(), facts.len()), (Standing::Settled, 1));
    let before = corpus.change(vec![("/b".into(), Text::default())], &merger);
    merger.change(&facts, &before, &corpus, &orders).unwrap().unwrap();
    assert_eq!(merger.standing(), Standing::LostNames);
}

#[test]
fn what_states_nothing_changes_nothing() {
    let (mut corpus, mut merger, orders) = (Corpus::default(), Merger::default(), Orders::default());
    corpus.0.insert("/a".into(), names());
    let facts = merger.whole(1, &corpus, &orders, None).unwrap();
    let before = BTreeMap::from([("/b".into(), Trace::default())]);
    assert!(merger.change(&facts, &before, &corpus, &orders).unwrap().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn changes_come_to_what_a_whole_merge_gives(
        orders in proptest::collection::vec(order(), 0..4),
        with_names in any::<bool>(),
        history in proptest::collection::vec(
            (proptest::collection::vec((1..8u8, text()), 0..3), proptest::option::weighted(0.3, order()), any::<bool>()),
            1..12,
        ),
    ) {
        check_history(orders, with_names.then(names), history);
    }
}

/// `cargo test --release -p echofs-indexer --lib -- --ignored --nocapture a_change_among_many_documents`
#[test]
#[ignore = "measures, on 100,000 documents"]
fn a_change_among_many_documents() {
    let (mut corpus, mut merger, orders) = (Corpus::default(), Merger::default(), Orders::default());
    let text = |n: usize, object: &str| {
        let own = (0..4).map(|line| found(&format!("The mill {n}"), "owns", &format!("the boat {line} of {n}"), line));
        let shared = found(&format!("Oda {} Brekke", n % 9_000), "lives in", object, 5);
        Text { found: own.chain([shared]).collect(), ..Text::default() }
    };
    corpus.0.extend((0..100_000).map(|n| (PathBuf::from(format!("/{n:06}")), text(n, "Bergen"))));
    let dir = tempfile::tempdir().unwrap();
    let begun = std::time::Instant::now();
    let mut facts = merger.whole(1, &corpus, &orders, Some(dir.path())).unwrap();
    println!("{} facts made in {:?}", facts.len(), begun.elapsed());
    let begun = std::time::Instant::now();
    for n in (0..100_000).step_by(1_000) {
        let before = corpus.change(vec![(format!("/{n:06}").into(), text(n, "Oslo"))], &merger);
        facts = merger.change(&facts, &before, &corpus, &orders).unwrap().unwrap();
    }
    println!("a change in {:?}, {:?}", begun.elapsed() / 100, merger.standing());
    assert_eq!(facts.of(Path::new("/099000")).count(), 5);
}
