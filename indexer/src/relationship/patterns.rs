//! Regularities in what happened: days and times, questions that recur, documents that are used together, what follows
//! what, topics that rise and fade.
//!
//! Each is tested against chance, and the number of things that were looked at is paid for (Bonferroni): of a history
//! without regularities, one in a hundred gives any pattern at all. What happens many times on one day counts once, since
//! the same morning is no evidence of a habit.

mod follows;
mod recurs;
mod themes;
mod times;
mod trends;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::entry::{Entry, Kind};
use super::stats::{binomial_tail, overlap_tail};

pub use recurs::normalised;

/// A history without regularities gives a pattern with this probability.
const CHANCE: f64 = 0.01;
/// The kinds of patterns, which share the chance of an error.
const KINDS: f64 = 5.0;
/// Fewer occurrences are no pattern, however unlikely.
const LEAST: usize = 4;
/// Parts of a day, in hours.
const PART: i8 = 4;
/// So many events are looked at, the latest.
const MOST: usize = 20_000;

/// A regularity with what bears it out.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// Names it, also when it has grown: what a correction can speak of.
    pub id: String,
    /// In words.
    pub text: String,
    /// How often it was so.
    pub count: usize,
    /// Of how many.
    pub of: usize,
    /// Probability of as many by chance, all that was looked at considered.
    pub p: f64,
    /// Numbers of the entries it is made from.
    pub entries: Vec<u64>,
}

/// One thing that happened.
struct Event<'a> {
    entry: &'a Entry,
    date: Date,
    part: i8,
}

/// The patterns of a history, the surest first.
pub fn find(entries: &[Entry], zone: &TimeZone) -> Vec<Pattern> {
    let happened = entries.iter().filter(|e| matches!(e.kind, Kind::Interaction | Kind::Observation));
    let mut events: Vec<Event> = happened.map(|e| event(e, zone)).collect();
    events.sort_by_key(|event| event.entry.at);
    let events = &events[events.len().saturating_sub(MOST)..];
    let themes = themes::of(events);
    let mut found = times::find(events, &themes);
    found.extend(recurs::find(events));
    found.extend(together(events));
    found.extend(follows::find(events));
    found.extend(trends::find(events, &themes));
    found.sort_by(|a, b| a.p.total_cmp(&b.p).then_with(|| a.id.cmp(&b.id)));
    found
}

fn event<'a>(entry: &'a Entry, zone: &TimeZone) -> Event<'a> {
    let at = entry.at.to_zoned(zone.clone());
    Event { entry, date: at.date(), part: at.hour() / PART }
}

/// Gives those of the candidates that are unlikely enough, of so many that were looked at.
fn significant(candidates: Vec<Pattern>, looked_at: usize) -> impl Iterator<Item = Pattern> {
    let tests = (looked_at as f64 * KINDS).max(1.0);
    let corrected = candidates.into_iter().map(move |pattern| Pattern { p: (pattern.p * tests).min(1.0), ..pattern });
    corrected.filter(|pattern| pattern.count >= LEAST && pattern.p <= CHANCE)
}

/// Two names of the same entries say one thing: of each such group, the surest, and the first by name.
fn without_twins(mut candidates: Vec<Pattern>) -> Vec<Pattern> {
    candidates.sort_by(|a, b| a.p.total_cmp(&b.p).then_with(|| a.id.cmp(&b.id)));
    let mut seen = BTreeSet::new();
    candidates.retain(|pattern| seen.insert(pattern.entries.clone()));
    candidates
}

/// Pairs of documents that stand behind the same things more often than two that have nothing to do with each other.
fn together(events: &[Event]) -> Vec<Pattern> {
    let mut seen = BTreeSet::new();
    let sets = events.iter().map(|event| (event, paths(event.entry))).filter(|(_, paths)| !paths.is_empty());
    let sets: Vec<(&Event, BTreeSet<&str>)> = sets.filter(|(e, paths)| seen.insert((e.date, paths.clone()))).collect();
    let mut single: BTreeMap<&str, usize> = BTreeMap::new();
    let mut pairs: BTreeMap<(&str, &str), Vec<u64>> = BTreeMap::new();
    for (event, paths) in &sets {
        paths.iter().for_each(|path| *single.entry(path).or_default() += 1);
        for (n, a) in paths.iter().enumerate() {
            paths.iter().skip(n + 1).for_each(|b| pairs.entry((a, b)).or_default().push(event.entry.seq));
        }
    }
    // Every pair could have come together, so every pair was looked at.
    let looked_at = single.len() * single.len().saturating_sub(1) / 2;
    let pattern = |((a, b), entries): (&(&str, &str), &Vec<u64>)| Pattern {
        id: format!("together:{a}:{b}"),
        text: format!("{a} and {b} are used together"),
        count: entries.len(),
        of: single[a].min(single[b]),
        p: overlap_tail(entries.len(), single[a], single[b], sets.len()),
        entries: entries.clone(),
    };
    significant(pairs.iter().map(pattern).collect(), looked_at).collect()
}

/// The documents that an entry speaks of.
fn paths(entry: &Entry) -> BTreeSet<&str> {
    entry.borne_out_by().map(|evidence| evidence.path.as_str()).collect()
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub use tests::Random;
