//! Questions and statements that a fact does and does not answer.

use jiff::civil::date;

use super::*;
use crate::answer::evidence::Passage;
use crate::answer::retrieve::{Candidate, Gathered, Sentence};
use crate::answer::sentences::sentences;

const TODAY: Date = date(2026, 11, 25);

/// What a note of 14 March 2026 states.
fn stated(parts: [&str; 3], category: Category, from: Option<Date>, quote: &str) -> Stated {
    let [subject, predicate, object] = parts.map(str::to_owned);
    Stated {
        subject,
        predicate,
        object,
        category,
        from,
        until: None,
        path: "/n/standup.md".into(),
        line: 3,
        quote: quote.into(),
        written: Some(date(2026, 3, 14)),
        own: true,
    }
}

fn switched() -> Stated {
    let written = Some(date(2026, 3, 14));
    stated(["We", "switched to", "Postgres"], Category::Relation, written, "We switched to Postgres.")
}

fn dentist() -> Stated {
    let day = Some(date(2027, 6, 3));
    let quote = "The dentist appointment is on 3 June 2027 at 9:30.";
    stated(["The dentist appointment", "is on", "3 June 2027"], Category::Event, day, quote)
}

fn pen() -> Stated {
    let parts = ["Tasks", "to do", "order the new pen by 2026-12-01"];
    let task = stated(parts, Category::Task, None, "[ ] order the new pen by 2026-12-01");
    Stated { until: Some(date(2026, 12, 1)), ..task }
}

fn answers(question: &str, all: &[Stated]) -> Option<String> {
    let dated = When::read(&Question::new(question))?.dated(all.iter().cloned(), TODAY)?;
    Some(answer(dated, question, 1).0.short_answer)
}

#[test]
fn a_fact_that_says_what_is_asked_gives_its_day() {
    let check = |question: &str, fact: Stated, day: &str| {
        assert_eq!(answers(question, &[fact]).as_deref(), Some(day), "{question}");
    };
    check("When did we switch to Postgres?", switched(), "14 March 2026");
    check("when is the dentist appointment?", dentist(), "3 June 2027, 9:30");
    check("when do I have to order the new pen?", pen(), "1 December 2026");
    check("when must I order the new pen", pen(), "1 December 2026");
    let day = Some(date(2026, 5, 2));
    let sold = stated(["We", "sold", "the boat"], Category::Relation, day, "We sold the boat on 2 May 2026 in Porto.");
    check("when did we sell the boat?", sold.clone(), "2 May 2026");
    check("when was the boat sold by us?", sold, "2 May 2026");
    let chose = ["We", "chose", "SQLite for the sync server"];
    let chose = stated(chose, Category::Decision, Some(date(2026, 3, 14)), "We chose SQLite for the sync server.");
    check("when did we choose SQLite for the sync server?", chose, "14 March 2026");
}

#[test]
fn near_misses_go_the_ordinary_way() {
    let check = |question: &str, fact: Stated| assert_eq!(answers(question, &[fact]), None, "{question}");
    for other in [
        "when did we switch to MongoDB?",
        "when did we switch from Postgres?",
        "when did we stop to use Postgres?",
        "when did Oda switch to Postgres?",
        "when did they switch to Postgres?",
        "when did we not switch to Postgres?",
        "when did we switch the server to Postgres?",
        "when did we last switch to Postgres?",
        "when did we switch to Postgres in 2025?",
        "when did we switch to Postgres and to Redis?",
        "when will we switch to Postgres?",
        "where did we switch to Postgres?",
        "which database did we switch to?",
    ] {
        check(other, switched());
    }
    for other in [
        "when is Anna's dentist appointment?",
        "when is the doctor's appointment?",
        "when was the dentist appointment?",
        "when is the next dentist appointment?",
        "when do I have to make the dentist appointment?",
    ] {
        check(other, dentist());
    }
    check("when is the new pen?", pen());
    check("when do I have to collect the new pen?", pen());
    check("when do I have to order the pen?", pen());
}

#[test]
fn who_acts_is_not_taken_for_whom_it_was_done_to() {
    let day = Some(date(2026, 5, 5));
    let kari = || stated(["Kari", "called", "Oda"], Category::Relation, day, "Kari called Oda on 5 May 2026.");
    let oda = || stated(["Oda", "called", "us"], Category::Relation, day, "Oda called us on 5 May 2026.");
    let was =
        || stated(["Oda", "was called by", "Kari"], Category::Relation, day, "Oda was called by Kari on 5 May 2026.");
    let check = |question: &str, fact: Stated, answered: bool| {
        assert_eq!(answers(question, &[fact]).is_some(), answered, "{question}");
    };
    check("when did Kari call Oda?", kari(), true);
    check("when was Oda called by Kari?", kari(), true);
    check("when did Kari call Oda?", was(), true);
    check("when did Oda call us?", oda(), true);
    check("when did Oda call Kari?", kari(), false);
    check("when was Kari called by Oda?", kari(), false);
    check("when did Oda call Kari?", was(), false);
    check("when did we call Oda?", oda(), false);
    let own = stated(["We", "sold", "our boat"], Category::Relation, day, "We sold our boat on 5 May 2026.");
    check("when did we sell our boat?", own.clone(), true);
    check("when was our boat sold?", own, true);
}

#[test]
fn the_day_of_a_note_is_told_only_of_what_its_owner_did_on_it() {
    let oda = || Stated { subject: "Oda".into(), quote: "Oda switched to Postgres.".into(), ..switched() };
    let check = |fact: Stated, day: Option<&str>| {
        assert_eq!(answers("when did Oda switch to Postgres?", &[fact]).as_deref(), day);
    };
    check(oda(), Some("14 March 2026"));
    check(Stated { own: false, ..oda() }, None);
    check(Stated { category: Category::Person, ..oda() }, None);
    let named =
        Stated { from: Some(date(2026, 5, 2)), quote: "Oda switched to Postgres on 2 May 2026.".into(), ..oda() };
    check(Stated { own: false, ..named }, Some("2 May 2026"));
}

/// A passage of a note of this day, with all its sentences about the question.
fn passage(path: &str, date: Option<Date>, heading: &str, text: &str) -> Candidate {
    let sentence =
        |at: std::ops::Range<usize>| Sentence { tokens: tokens(&text[at.clone()]), at, cover: 1.0, score: 1.0 };
    Candidate {
        path: path.into(),
        title: "Standup".into(),
        author: None,
        date,
        relevance: 1.0,
        semantic: None,
        passage: Passage { ordinal: 0, text: text.into(), line: 3, page: None, heading: heading.into() },
        turns: Vec::new(),
        sentences: sentences(text).into_iter().map(sentence).collect(),
        cover: 1.0,
    }
}

#[test]
fn what_else_is_found_is_heard() {
    let doubted = |question: &str, fact: Stated, candidates: Vec<Candidate>| {
        let when = When::read(&Question::new(question)).expect("a question");
        let dated = when.dated(std::iter::once(fact), TODAY).expect("a day");
        doubts::are_there(&when, &Gathered { candidates, weights: Vec::new() }, &dated)
    };
    let written = switched().written;
    let postgres = |candidates| doubted("when did we switch to Postgres?", switched(), candidates);
    let note = |heading: &str, text: &str| passage("/n/standup.md", written, heading, text);
    let said = || note("Standup", "# Standup 2026-03-14\n\nWe switched to Postgres.");
    let other = |date: Option<Date>, text: &str| passage("/n/other.md", date, "", text);
    assert!(!postgres(vec![said()]));
    assert!(!postgres(vec![said(), other(written, "We switched to Postgres.")]));
    assert!(!postgres(vec![said(), other(None, "We switched to Postgres.")]));
    let earlier = Some(date(2026, 1, 7));
    assert!(postgres(vec![said(), other(earlier, "We switched to Postgres.")]), "the same of another day");
    assert!(postgres(vec![said(), other(None, "The switch to Postgres was on 2 May 2026.")]));
    assert!(postgres(vec![said(), other(None, "The switch to Postgres was cancelled.")]));
    assert!(postgres(vec![other(written, "We switched.")]), "what stands around it is not known");
    assert!(postgres(vec![note("2025-11-03", "We switched to Postgres.")]));
    for before in ["In 2019 all was slow.", "It was a long April.", "Last week was long."] {
        assert!(postgres(vec![note("", &format!("{before}\n\nWe switched to Postgres."))]), "{before}");
    }
    let appointment = |text| {
        let own = passage("/n/standup.md", None, "", &dentist().quote);
        doubted("when is the dentist appointment?", dentist(), vec![own, other(None, text)])
    };
    assert!(!appointment("The dentist appointment will be short."));
    assert!(appointment("The dentist appointment was cancelled."));
    assert!(appointment("The dentist appointment is moved."));
}

#[test]
fn what_a_sentence_leaves_open_is_not_told() {
    let quoted = |quote: &str| Stated { quote: quote.into(), ..switched() };
    for quote in [
        "We want to see whether we switched to Postgres.",
        "We switched to Postgres last week.",
        "We switched to Postgres in spring.",
        "We have not switched to Postgres.",
        "We switched to Postgres?",
        "We switched to Postgres before 12 March 2026.",
        "We switched to Postgres on 2 or 3 March 2026.",
        "We switched to Postgres, and on 5 May 2026 Anna was born.",
    ] {
        assert_eq!(answers("when did we switch to Postgres?", &[quoted(quote)]), None, "{quote}");
    }
    let never = [
        Stated { own: false, ..switched() },
        Stated { written: None, ..switched() },
        Stated { from: None, ..switched() },
        Stated { subject: "The team".into(), ..switched() },
        Stated { subject: "Oda".into(), quote: "Oda switched to Postgres.".into(), ..switched() },
        Stated { object: "Postgres clusters".into(), ..switched() },
        Stated { category: Category::Definition, ..switched() },
    ];
    for fact in never {
        assert_eq!(answers("when did we switch to Postgres?", std::slice::from_ref(&fact)), None, "{fact:?}");
    }
    let done = Stated { predicate: "done".into(), ..pen() };
    assert_eq!(answers("when do I have to order the new pen?", &[done]), None);
    for quote in [
        "The dentist appointment is on 3 June 2027 at 9:30 pm.",
        "The dentist appointment is on 3 June 2027 at 9:30pm.",
        "The dentist appointment is on 3 June 2027 at 9:30 p.m.",
        "The dentist appointment is on 3 June 2027, but it was cancelled.",
    ] {
        let fact = Stated { quote: quote.into(), ..dentist() };
        assert_eq!(answers("when is the dentist appointment?", &[fact]), None, "{quote}");
    }
    let two_hours = Stated { quote: "The dentist appointment is on 3 June 2027, 9:30 or 10:30.".into(), ..dentist() };
    assert_eq!(answers("when is the dentist appointment?", &[two_hours]), None);
    let gone = Stated {
        from: Some(date(2026, 6, 3)),
        quote: "The dentist appointment is on 3 June 2026.".into(),
        ..dentist()
    };
    assert_eq!(answers("when is the dentist appointment?", &[gone]), None, "it was");
}

#[test]
fn facts_of_different_days_answer_nothing_and_those_of_one_day_do() {
    let later = Stated { from: Some(date(2026, 6, 2)), written: Some(date(2026, 6, 2)), ..switched() };
    assert_eq!(answers("when did we switch to Postgres?", &[switched(), later]), None);
    let day = Some(date(2026, 3, 14));
    let named = Stated { quote: "On 14 March 2026 we switched to Postgres.".into(), from: day, ..switched() };
    let when = When::read(&Question::new("when did we switch to Postgres?")).expect("a question");
    let dated = when.dated([switched(), named].into_iter(), TODAY).expect("a day");
    assert!(!dated.of_document && dated.quote.starts_with("On 14"), "the one that names it is quoted: {dated:?}");
    let (answer, markdown) = super::answer(dated, "when did we switch to Postgres?", 1);
    assert_eq!((answer.answer.as_str(), answer.answerable), ("14 March 2026 [1]", true));
    let want = "> On 14 March 2026 we switched to Postgres.\n\n[1] /n/standup.md:3\n\n14 March 2026 [1]\n\nSources:\n\n[1] /n/standup.md:3\n";
    assert_eq!(markdown, want);
    let of_note = when.dated(std::iter::once(switched()), TODAY).expect("a day");
    assert_eq!(super::answer(of_note, "when?", 1).0.answer, "14 March 2026, the day of that note [1]");
}
