//! A page for each person: how to reach them, what is known, since when, from where.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;

use super::{Moment, day_of, origin, plain};
use crate::facts::{Category, Fact, Origin, Person, is_contact};
use crate::relationship::Entry;

/// People that have a page.
const PEOPLE: usize = 500;
/// Documents that a page names.
const DOCUMENTS: usize = 12;

/// The people who have a page: those whom facts by people name that still hold, those with most first.
pub fn shown<'a>(moment: &'a Moment) -> Vec<&'a Person> {
    let said = |person: &&Person| facts(moment, person).next().is_some();
    moment.facts.people().iter().filter(said).take(PEOPLE).collect()
}

fn facts<'a>(moment: &'a Moment, person: &'a Person) -> impl Iterator<Item = Fact<'a>> {
    person.facts.iter().filter_map(|at| moment.facts.at(*at)).filter(|fact| moment.may_be_said(fact))
}

/// The owner, by whom mail is sent to and who attends most; `None` where that is not clear.
pub fn owner(moment: &Moment) -> Option<String> {
    let mut times: HashMap<&str, usize> = HashMap::new();
    for person in moment.facts.people() {
        let to = |fact: &Fact| matches!(fact.predicate.to_lowercase().as_str(), "to" | "attendees");
        *times.entry(&person.name).or_default() += facts(moment, person).filter(to).count();
    }
    let (name, most) = times.into_iter().max_by_key(|(name, n)| (*n, *name))?;
    (most >= 3).then(|| name.to_owned())
}

/// How somebody can be introduced.
pub enum Described {
    /// By what they are.
    As(String),
    /// By a sentence of a document that says something about them.
    In(String),
}

/// What somebody is, by their contact, else the surest sentence about them.
pub fn described<'a>(moment: &'a Moment, person: &'a Person) -> Option<(Described, Origin<'a>)> {
    let said = |predicate: &str| {
        contacts(moment, person).into_iter().find(|fact| fact.predicate.eq_ignore_ascii_case(predicate))
    };
    let plainly = |fact: &Fact| plain(fact.object);
    match (said("Job title"), said("Organisation")) {
        (Some(job), Some(place)) => {
            Some((Described::As(format!("{} at {}", plainly(&job), plainly(&place))), job.source))
        }
        (Some(one), None) | (None, Some(one)) => Some((Described::As(plainly(&one)), one.source)),
        (None, None) => sentence(moment, person).map(|fact| (Described::In(fact.source.quote.to_owned()), fact.source)),
    }
}

fn contacts<'a>(moment: &'a Moment, person: &'a Person) -> Vec<Fact<'a>> {
    facts(moment, person).filter(|fact| is_contact(fact) && fact.superseded_by.is_none()).collect()
}

/// The surest sentence that is about this person and says the name.
fn sentence<'a>(moment: &'a Moment, person: &'a Person) -> Option<Fact<'a>> {
    let first = person.name.split(' ').next().unwrap_or_default();
    let about = |fact: &Fact| {
        let subject = fact.subject_entity == Some(&person.name) && fact.superseded_by.is_none();
        subject && !is_contact(fact) && fact.source.quote.starts_with(first) && fact.source.quote.contains(' ')
    };
    facts(moment, person)
        .filter(about)
        .max_by(|a, b| a.confidence.total_cmp(&b.confidence).then(a.since().cmp(&b.since())))
}

/// What there is to know of somebody in one line: what they do, where, how to reach them.
pub fn in_a_line<'a>(moment: &'a Moment, person: &'a Person) -> Option<(String, Origin<'a>)> {
    let contacts = contacts(moment, person);
    let said = |predicate: &str| contacts.iter().find(|fact| fact.predicate.eq_ignore_ascii_case(predicate));
    let known: Vec<&Fact> = ["Job title", "Organisation", "Phone", "Email"].into_iter().filter_map(said).collect();
    match known.first() {
        Some(first) => {
            let values: Vec<String> = known.iter().map(|fact| plain(fact.object)).collect();
            Some((format!("{}: {}", plain(&person.name), values.join(", ")), first.source))
        }
        None => sentence(moment, person).map(|fact| (plain(fact.source.quote), fact.source)),
    }
}

/// The page of a person.
pub fn person(moment: &Moment, person: &Person) -> String {
    let mut out = format!("# {}\n", plain(&person.name));
    let aliases: Vec<String> = person.aliases.iter().map(|alias| plain(alias)).collect();
    if !aliases.is_empty() {
        let _ = writeln!(out, "\nAlso: {}", aliases.join("; "));
    }
    let (mut now, mut before): (Vec<Fact>, Vec<Fact>) =
        facts(moment, person).partition(|fact| fact.superseded_by.is_none());
    let reach: Vec<String> = now.iter().filter(|fact| is_contact(fact)).map(|fact| contact(fact)).collect();
    super::section(&mut out, "Contact", &reach);
    let listed = |fact: &Fact| !is_contact(fact) && fact.category != Category::Task && !is_list(fact);
    now.retain(listed);
    before.retain(listed);
    super::section(&mut out, "Known", &sentences(&now));
    super::section(&mut out, "To do", &sentences(&tasks(moment, person)));
    super::section(&mut out, "Before", &sentences(&before));
    super::section(&mut out, "Noted", &noted(moment, person));
    super::section(&mut out, "Named in", &documents(moment, person));
    out
}

fn contact(fact: &Fact) -> String {
    format!("- {}: {}\n  {} ~{}", plain(fact.predicate), plain(fact.object), origin(&fact.source), fact.id)
}

fn is_list(fact: &Fact) -> bool {
    matches!(fact.predicate.to_lowercase().as_str(), "from" | "to" | "cc" | "attendees" | "name")
}

/// The sentences that facts stand in, each once, the newest first.
fn sentences(facts: &[Fact]) -> Vec<String> {
    let mut by_place: BTreeMap<(&std::path::Path, u32, &str), Vec<&Fact>> = BTreeMap::new();
    for fact in facts {
        by_place.entry((fact.source.path, fact.source.line, fact.source.quote)).or_default().push(fact);
    }
    let mut all: Vec<Vec<&Fact>> = by_place.into_values().collect();
    all.sort_by_key(|facts| std::cmp::Reverse(facts.iter().map(|fact| fact.since()).max()));
    let line = |facts: &Vec<&Fact>| {
        let first = facts[0];
        let ids: Vec<String> = facts.iter().map(|fact| format!("~{}", fact.id)).collect();
        format!("- {}: {}\n  {} {}", first.since(), plain(first.source.quote), origin(&first.source), ids.join(" "))
    };
    all.iter().map(line).collect()
}

fn tasks<'a>(moment: &'a Moment, person: &Person) -> Vec<Fact<'a>> {
    let first = person.name.split(' ').next().unwrap_or_default();
    let names = |fact: &Fact| {
        let words = fact.object.split(|c: char| !c.is_alphanumeric());
        fact.category == Category::Task && fact.predicate == "to do" && words.into_iter().any(|word| word == first)
    };
    moment.facts.all().filter(names).collect()
}

/// Entries of the log about this person.
fn noted(moment: &Moment, person: &Person) -> Vec<String> {
    let about = moment.log.entries.iter().rev().filter(|entry| {
        entry.subject.as_ref().is_some_and(|subject| person.is_called(subject) && moment.log.shows(subject))
    });
    let line = |entry: &Entry| {
        let places: Vec<String> = moment.evidence(entry).collect();
        let line = format!("- {}: {}\n  [#{}] ", day_of(entry.at, moment.now), plain(&entry.text), entry.seq);
        (line + &places.join(" ")).trim_end().to_owned()
    };
    about.map(line).collect()
}

/// The documents that name this person, the newest first.
fn documents(moment: &Moment, person: &Person) -> Vec<String> {
    let paths: BTreeSet<&std::path::Path> =
        facts(moment, person).flat_map(|fact| fact.sources.iter()).map(|source| source.path).collect();
    let mut named: Vec<&crate::Document> = paths.into_iter().filter_map(|path| moment.document(path)).collect();
    named.sort_by_key(|document| std::cmp::Reverse(document.date));
    let day = |document: &crate::Document| {
        day_of(jiff::Timestamp::from_second(document.date).unwrap_or_default(), moment.now)
    };
    let line = |document: &&crate::Document| {
        format!("- {}: {}\n  {}", day(document), plain(&document.title), plain(&document.path.to_string_lossy()))
    };
    let mut lines: Vec<String> = named.iter().take(DOCUMENTS).map(line).collect();
    if named.len() > DOCUMENTS {
        lines.push(format!("- and {} more", named.len() - DOCUMENTS));
    }
    lines
}
