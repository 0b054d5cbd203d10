//! Regularities in what happened: days and times, questions that recur, documents that are used together.
//!
//! Each is tested against chance, and the number of things that were looked at is paid for (Bonferroni): of a history
//! without regularities, one in a hundred gives any pattern at all. What happens many times on one day counts once, since
//! the same morning is no evidence of a habit.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use super::entry::{Entry, Evidence, Kind};
use super::stats::{binomial_tail, overlap_tail};

/// A history without regularities gives a pattern with this probability.
const CHANCE: f64 = 0.01;
/// Fewer occurrences are no pattern, however unlikely.
const LEAST: usize = 4;
/// Parts of a day, in hours.
const PART: i8 = 4;

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
    weekday: Weekday,
    part: i8,
}

/// The patterns of a history, the surest first.
pub fn find(entries: &[Entry], zone: &TimeZone) -> Vec<Pattern> {
    let events: Vec<Event> = entries
        .iter()
        .filter(|e| matches!(e.kind, Kind::Interaction | Kind::Observation))
        .map(|e| event(e, zone))
        .collect();
    let mut found = times(&events);
    found.extend(recurring(&events));
    found.extend(together(&events));
    found.sort_by(|a, b| a.p.total_cmp(&b.p).then_with(|| a.id.cmp(&b.id)));
    found
}

fn event<'a>(entry: &'a Entry, zone: &TimeZone) -> Event<'a> {
    let at = entry.at.to_zoned(zone.clone());
    Event { entry, date: at.date(), weekday: at.weekday(), part: at.hour() / PART }
}

/// Gives those of the candidates that are unlikely enough, of so many that were looked at.
fn significant(candidates: Vec<Pattern>, looked_at: usize) -> impl Iterator<Item = Pattern> {
    // Three kinds of patterns share the chance of an error.
    let tests = (looked_at * 3).max(1) as f64;
    let corrected = candidates.into_iter().map(move |pattern| Pattern { p: (pattern.p * tests).min(1.0), ..pattern });
    corrected.filter(|pattern| pattern.count >= LEAST && pattern.p <= CHANCE)
}

// ---- days and times ----

/// A time of the week: a weekday, a part of the day, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Slot {
    weekday: Option<i8>,
    part: Option<i8>,
}

impl Slot {
    fn holds(self, event: &Event) -> bool {
        let weekday = self.weekday.is_none_or(|day| event.weekday.to_monday_one_offset() == day);
        weekday && self.part.is_none_or(|part| event.part == part)
    }

    fn all() -> impl Iterator<Item = Slot> {
        let days = || (1..=7).map(Some).chain([None]);
        let parts = || (0..24 / PART).map(Some).chain([None]);
        let each = days().flat_map(move |weekday| parts().map(move |part| Slot { weekday, part }));
        each.filter(|slot| slot.weekday.is_some() || slot.part.is_some())
    }

    fn share(self) -> f64 {
        let day = self.weekday.map_or(1.0, |_| 1.0 / 7.0);
        day * self.part.map_or(1.0, |_| f64::from(PART) / 24.0)
    }

    fn words(self) -> String {
        const DAYS: [&str; 7] = ["Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"];
        let day = self.weekday.and_then(|day| DAYS.get(usize::try_from(day - 1).ok()?).copied());
        let hours = self.part.map(|part| format!("between {:02}:00 and {:02}:00", part * PART, (part + 1) * PART));
        [day.map(|day| format!("on {day}")), hours].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// When each subject comes up, against when everything else does. Of several times that hold, the one that says most.
fn times(events: &[Event]) -> Vec<Pattern> {
    let subjects = by_subject(events);
    let mut candidates = Vec::new();
    let mut looked_at = 0;
    for (subject, own) in &subjects {
        let moments = moments(own);
        let rest: Vec<&Event> = events.iter().filter(|e| e.entry.subject.as_deref() != Some(subject)).collect();
        let rest = self::moments(&rest);
        for slot in Slot::all() {
            looked_at += 1;
            let held = moments.iter().filter(|event| slot.holds(event)).count();
            let others = rest.iter().filter(|event| slot.holds(event)).count();
            // What else happens then, drawn to an even spread where little is known.
            let usual = (others as f64 + 20.0 * slot.share()) / (rest.len() as f64 + 20.0);
            let p = binomial_tail(held, moments.len(), usual.max(slot.share()));
            let entries = own.iter().filter(|e| slot.holds(e)).map(|e| e.entry.seq).collect();
            let text = format!("{subject} comes up {}", slot.words());
            let id = format!(
                "time:{subject}:{}{}",
                slot.weekday.unwrap_or(0),
                slot.part.map_or("-".into(), |p| p.to_string())
            );
            candidates.push((subject.clone(), Pattern { id, text, count: held, of: moments.len(), p, entries }));
        }
    }
    let mut best: BTreeMap<String, Pattern> = BTreeMap::new();
    for (subject, candidate) in candidates {
        match best.get(&subject) {
            Some(known) if known.p <= candidate.p => {}
            _ => drop(best.insert(subject, candidate)),
        }
    }
    significant(best.into_values().collect(), looked_at).collect()
}

fn by_subject<'a, 'e>(events: &'a [Event<'e>]) -> BTreeMap<String, Vec<&'a Event<'e>>> {
    let mut subjects: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
    for event in events {
        if let Some(subject) = &event.entry.subject {
            subjects.entry(subject.clone()).or_default().push(event);
        }
    }
    subjects
}

/// One event for each part of a day.
fn moments<'a, 'e>(events: &[&'a Event<'e>]) -> Vec<&'a Event<'e>> {
    let mut seen = BTreeSet::new();
    events.iter().copied().filter(|event| seen.insert((event.date, event.part))).collect()
}

// ---- what is asked again ----

/// Questions that come on more days than those of a history in which every known question is as likely.
fn recurring(events: &[Event]) -> Vec<Pattern> {
    let mut questions: BTreeMap<String, (Vec<&Event>, BTreeSet<Date>)> = BTreeMap::new();
    for event in events.iter().filter(|event| event.entry.kind == Kind::Interaction) {
        let (asked, days) = questions.entry(normalised(&event.entry.text)).or_default();
        asked.push(event);
        days.insert(event.date);
    }
    let all: usize = questions.values().map(|(_, days)| days.len()).sum();
    let looked_at = questions.len();
    let pattern = |(text, (asked, days)): (&String, &(Vec<&Event>, BTreeSet<Date>))| Pattern {
        id: format!("recurs:{text}"),
        text: format!("\"{}\" comes up again and again", asked.last().map_or("", |event| event.entry.text.as_str())),
        count: days.len(),
        of: all,
        p: binomial_tail(days.len(), all, 1.0 / looked_at.max(2) as f64),
        entries: asked.iter().map(|event| event.entry.seq).collect(),
    };
    significant(questions.iter().map(pattern).collect(), looked_at).collect()
}

fn normalised(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

// ---- what is used together ----

/// Pairs of documents that stand behind the same things more often than two that have nothing to do with each other.
fn together(events: &[Event]) -> Vec<Pattern> {
    let mut seen = BTreeSet::new();
    let sets = events.iter().map(|event| (event, paths(&event.entry.evidence))).filter(|(_, paths)| !paths.is_empty());
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

fn paths(evidence: &[Evidence]) -> BTreeSet<&str> {
    evidence.iter().map(|evidence| evidence.path.as_str()).collect()
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub use tests::Random;
