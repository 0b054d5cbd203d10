//! What something was before and what it is now, where an answer rests on a fact that changed.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use echofs_indexer::facts::{Fact, Facts, Id};
use jiff::civil::Date;

use super::place::Spot;
use super::question::{Question, Sort};
use super::text::{has_pair, one_line, tokens};

/// One of the values that something had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// What was stated.
    pub value: String,
    /// The first day on which it counts.
    pub since: Date,
    /// The document that states it.
    pub path: PathBuf,
    /// First line of the quotation, from 1.
    pub line: u32,
    /// Page, slide or sheet, from 1, where the format has such.
    pub page: Option<u32>,
    /// The words of the document.
    pub quote: String,
}

/// The values that the thing had of which the fact in these lines of a document says `said`, the oldest first, and which of
/// them is said there. `None` where nothing took its place and it took the place of nothing.
pub fn of(facts: &Facts, path: &Path, lines: &RangeInclusive<u32>, said: &str) -> Option<(Vec<Version>, usize)> {
    let mut older: HashMap<Id, Vec<Id>> = HashMap::new();
    for (old, new) in facts.superseded() {
        older.entry(new).or_default().push(old);
    }
    let changed = older.iter().flat_map(|(newer, all)| all.iter().chain([newer]));
    let stated = changed.filter_map(|id| facts.get(*id)).find(|fact| states(fact, path, lines, said))?;
    let mut newest = stated;
    // Each is newer than the one before; the bound is for a chain that is none.
    for _ in 0..older.len() {
        let Some(newer) = newest.superseded_by.and_then(|id| facts.get(id)) else { break };
        newest = newer;
    }
    let mut ids = vec![newest.id];
    let mut at = 0;
    while let Some(id) = ids.get(at).copied() {
        let before = older.get(&id).into_iter().flatten().filter(|id| !ids.contains(id)).copied().collect::<Vec<_>>();
        ids.extend(before);
        at += 1;
    }
    let mut all: Vec<(Id, Version)> =
        ids.iter().filter_map(|id| facts.get(*id)).map(|fact| (fact.id, version(&fact))).collect();
    all.sort_by_key(|(_, version)| version.since);
    let at = all.iter().position(|(id, _)| *id == stated.id)?;
    Some((all.into_iter().map(|(_, version)| version).collect(), at))
}

/// The versions that their documents, as `placed` finds them, still state, with the places where they do; which of them is `at`
/// then. `None` where that one is gone, or all others are.
pub fn standing(
    versions: Vec<Version>,
    at: usize,
    placed: impl Fn(&Version) -> Option<Spot>,
) -> Option<(Vec<Version>, usize)> {
    let place = |(n, version): (usize, Version)| {
        let Spot { line, page } = placed(&version)?;
        Some((n, Version { line, page, ..version }))
    };
    let (numbers, standing): (Vec<usize>, Vec<Version>) = versions.into_iter().enumerate().filter_map(place).unzip();
    let at = numbers.iter().position(|n| *n == at)?;
    (standing.len() > 1).then_some((standing, at))
}

/// Whether the fact is stated there and `said` is the value or a part of it.
fn states(fact: &Fact, path: &Path, lines: &RangeInclusive<u32>, said: &str) -> bool {
    if !fact.sources.iter().any(|source| source.path == path && lines.contains(&source.line)) {
        return false;
    }
    let (value, said) = (tokens(fact.value().0), tokens(said));
    let held = said.iter().filter(|word| !word.is_stop()).all(|word| value.iter().any(|w| w.stem == word.stem));
    held && !said.is_empty()
}

fn version(fact: &Fact) -> Version {
    Version {
        value: one_line(fact.value().0),
        since: fact.since(),
        path: fact.source.path.to_owned(),
        line: fact.source.line,
        page: None,
        quote: fact.source.quote.to_owned(),
    }
}

/// Whether a question is about the year in which it is asked.
pub fn asks_of_this_year(question: &Question) -> bool {
    has_pair(&tokens(&question.text), "this", &["year"])
}

/// Whether a question asks how things are now, so that of several values the newest is meant.
pub fn asks_of_the_newest(question: &Question) -> bool {
    const NEWEST: [&str; 12] = [
        "now",
        "current",
        "currently",
        "final",
        "finally",
        "latest",
        "newest",
        "nowadays",
        "really",
        "still",
        "today",
        "actual",
    ];
    let words = tokens(&question.text);
    words.windows(3).any(|three| three.iter().map(|word| word.lower.as_str()).eq(["in", "the", "end"]))
        || words.iter().any(|word| NEWEST.contains(&word.lower.as_str()))
}

/// Whether a question is about how things were, so that the newest value is not its answer.
pub fn asks_of_the_past(question: &Question) -> bool {
    const PAST: [&str; 15] = [
        "was",
        "were",
        "did",
        "had",
        "used",
        "old",
        "previous",
        "previously",
        "former",
        "formerly",
        "before",
        "earlier",
        "originally",
        "first",
        "until",
    ];
    let dated = question.terms.iter().any(|term| term.sort == Sort::Number && term.lower.len() == 4);
    dated || tokens(&question.text).iter().any(|word| PAST.contains(&word.lower.as_str()))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn what_no_document_states_any_more_is_no_version() {
        let version = |value: &str, month| {
            let (path, quote) = (format!("/n/{value}.md").into(), format!("It is {value}."));
            Version { value: value.into(), since: date(2026, month, 1), path, line: month as u32, page: None, quote }
        };
        let all = ["Porto", "Lisbon", "Faro"].into_iter().zip(1..).map(|(value, month)| version(value, month));
        let all: Vec<Version> = all.collect();
        let without = |gone: &'static [&'static str], at| {
            let placed =
                |v: &Version| (!gone.contains(&v.value.as_str())).then_some(Spot { line: v.line + 2, page: Some(4) });
            let left = standing(all.clone(), at, placed);
            left.map(|(left, at)| (left.iter().map(|v| (v.value.clone(), v.line, v.page)).collect::<Vec<_>>(), at))
        };
        let there = |value: &str, line| (value.to_owned(), line, Some(4));
        assert_eq!(without(&[], 1), Some((vec![there("Porto", 3), there("Lisbon", 4), there("Faro", 5)], 1)));
        assert_eq!(without(&["Porto"], 2), Some((vec![there("Lisbon", 4), there("Faro", 5)], 1)));
        assert_eq!(without(&["Faro"], 2), None, "what the answer rests on is gone");
        assert_eq!(without(&["Porto", "Faro"], 1), None, "nothing changed as far as is known");
    }
}
