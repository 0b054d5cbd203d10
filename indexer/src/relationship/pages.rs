//! The pages that are made from the log. Every statement names the entries it comes from, as `[#12]`.

use std::collections::HashMap;
use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::entry::{Entry, Kind};
use super::patterns::Pattern;
use super::view::View;

/// After so many days evidence weighs half.
const HALF_LIFE: f64 = 180.0;
/// Entries that a statement names one by one.
const NAMED: usize = 12;

/// What each subject prefers.
pub const PREFERENCES: &str = "preferences.md";
/// Regularities.
pub const PATTERNS: &str = "patterns.md";

/// The pages at a time: their names below `relationship/` and their texts. Those that say nothing are left out.
pub fn all(log: &[Entry], now: Timestamp, zone: &TimeZone) -> Vec<(String, String)> {
    let view = View::new(log);
    let fixed = [(PREFERENCES, preferences(&view, zone)), (PATTERNS, found(&view, zone))];
    let said = fixed.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?)));
    let mut pages: Vec<(String, String)> = said.collect();
    let mut taken: HashMap<String, usize> = HashMap::new();
    for (subject, entries) in view.by_subject(Kind::Opinion) {
        let slug = crate::conversations::slug(&subject);
        let n = taken.entry(slug.clone()).and_modify(|n| *n += 1).or_insert(1);
        let name = if *n == 1 { slug } else { format!("{slug}-{n}") };
        pages.push((format!("opinions/{name}.md"), opinion(&view, &subject, &entries, now, zone)));
    }
    pages
}

fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%F").to_string()
}

fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// `[#3] (/notes/a.md:4)`.
fn source(entry: &Entry) -> String {
    let place = |e: &super::Evidence| e.line.map_or(e.path.clone(), |line| format!("{}:{line}", e.path));
    let places: Vec<String> = entry.evidence.iter().map(place).collect();
    if places.is_empty() {
        format!("[#{}]", entry.seq)
    } else {
        format!("[#{}] ({})", entry.seq, one_line(&places.join(", ")))
    }
}

// ---- preferences ----

/// What holds now of each subject, since when, and what held before.
fn preferences(view: &View, zone: &TimeZone) -> Option<String> {
    let mut out = String::from("# Preferences\n");
    let subjects = view.by_subject(Kind::Preference);
    if subjects.is_empty() {
        return None;
    }
    for (subject, entries) in subjects {
        let _ = write!(out, "\n## {subject}\n\n");
        if let Some(word) = view.owners_word(&subject) {
            let _ = writeln!(out, "{} (the owner's word)\n", one_line(word));
        }
        let mut runs: Vec<(String, Vec<&Entry>)> = Vec::new();
        for entry in entries {
            let text = one_line(&entry.text);
            match runs.last_mut() {
                Some((last, run)) if last.to_lowercase() == text.to_lowercase() => run.push(entry),
                _ => runs.push((text, vec![entry])),
            }
        }
        for (n, (text, run)) in runs.iter().enumerate().rev() {
            let sources: Vec<String> = run.iter().map(|entry| source(entry)).collect();
            let since = run.first().map(|entry| day(entry.at, zone)).unwrap_or_default();
            let until = runs.get(n + 1).and_then(|(_, next)| next.first()).map(|next| day(next.at, zone));
            let _ = match until {
                None => writeln!(out, "- {text}, since {since} {}", sources.join(" ")),
                Some(until) => writeln!(out, "- before: {text}, from {since} to {until} {}", sources.join(" ")),
            };
        }
    }
    Some(out)
}

// ---- opinions ----

/// Evidence for and against, as the two counts of a Beta distribution that begins with one of each.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Belief {
    favour: f64,
    against: f64,
}

impl Belief {
    /// After these entries, as of `now`: the older, the less they weigh.
    fn of(entries: &[&Entry], now: Timestamp) -> Belief {
        let mut belief = Belief { favour: 1.0, against: 1.0 };
        for entry in entries {
            let days = (now.as_second() - entry.at.as_second()).max(0) as f64 / 86_400.0;
            let weight = entry.weight() * 0.5f64.powf(days / HALF_LIFE);
            *if entry.speaks_for() { &mut belief.favour } else { &mut belief.against } += weight;
        }
        belief
    }

    /// The mean of the distribution.
    fn confidence(self) -> f64 {
        self.favour / (self.favour + self.against)
    }
}

fn opinion(view: &View, subject: &str, entries: &[&Entry], now: Timestamp, zone: &TimeZone) -> String {
    let belief = Belief::of(entries, now);
    let mut out = format!("# {subject}\n\n");
    match (view.owners_word(subject), entries.iter().rev().find(|entry| entry.speaks_for())) {
        (Some(word), _) => drop(writeln!(out, "{} (the owner's word)\n", one_line(word))),
        (None, Some(latest)) => drop(writeln!(out, "{} [#{}]\n", one_line(&latest.text), latest.seq)),
        (None, None) => {}
    }
    let (favour, against) = (belief.favour - 1.0, belief.against - 1.0);
    let _ = writeln!(
        out,
        "Confidence {:.2} on {}: {favour:.1} for, {against:.1} against (evidence weighs half after {HALF_LIFE:.0} days).",
        belief.confidence(),
        day(now, zone)
    );
    for (heading, wanted) in [("For", true), ("Against", false)] {
        let side: Vec<&&Entry> = entries.iter().filter(|entry| entry.speaks_for() == wanted).collect();
        if !side.is_empty() {
            let _ = write!(out, "\n## {heading}\n\n");
        }
        for entry in side {
            let _ = writeln!(out, "- {}: {} {}", day(entry.at, zone), one_line(&entry.text), source(entry));
        }
    }
    out.push_str("\n## How it changed\n\n");
    for n in 1..=entries.len() {
        let entry = entries[n - 1];
        let then = Belief::of(&entries[..n], entry.at).confidence();
        let _ = writeln!(out, "- {}: {then:.2} [#{}]", day(entry.at, zone), entry.seq);
    }
    out
}

// ---- patterns ----

fn found(view: &View, zone: &TimeZone) -> Option<String> {
    let mut out = String::from(
        "# Patterns\n\nWhat happens more often than by chance. A history without regularities would show one of these\nlines with a probability of 1 in 100 in all.\n",
    );
    let found: Vec<Pattern> = view.patterns(zone);
    let said: Vec<&Entry> = view.entries.iter().filter(|entry| entry.kind == Kind::Pattern).collect();
    if found.is_empty() && said.is_empty() {
        return None;
    }
    for pattern in &found {
        let _ = write!(out, "\n## {}\n\n", one_line(&pattern.text));
        let _ =
            writeln!(out, "- {} of {} times; by chance with probability {:.1e}", pattern.count, pattern.of, pattern.p);
        let _ = writeln!(out, "- seen in {}", numbers(&pattern.entries));
        let _ = writeln!(out, "- known as `{}`", one_line(&pattern.id));
    }
    if !said.is_empty() {
        out.push_str("\n# Told by programs, not tested here\n\n");
    }
    for entry in said {
        let _ = writeln!(out, "- {}: {} {}", day(entry.at, zone), one_line(&entry.text), source(entry));
    }
    Some(out)
}

fn numbers(entries: &[u64]) -> String {
    let named: Vec<String> = entries.iter().take(NAMED).map(|seq| format!("[#{seq}]")).collect();
    let more = entries.len().saturating_sub(NAMED);
    if more == 0 { named.join(" ") } else { format!("{} and {more} more", named.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Stance;
    use super::*;

    fn entry(seq: u64, day: u8, kind: Kind, subject: &str, text: &str) -> Entry {
        let at = format!("2026-03-{day:02}T10:00:00Z").parse().unwrap();
        Entry { seq, subject: Some(subject.into()), ..Entry::new(kind, text, at) }
    }

    fn page(log: &[Entry], name: &str) -> Option<String> {
        let now = "2026-03-31T10:00:00Z".parse().unwrap();
        all(log, now, &TimeZone::UTC).into_iter().find(|(page, _)| page == name).map(|(_, text)| text)
    }

    #[test]
    fn preferences_tell_since_when_and_what_was_before() {
        let mut log = vec![
            entry(1, 1, Kind::Preference, "editor", "Vim"),
            entry(2, 5, Kind::Preference, "Editor", "Helix"),
            entry(3, 9, Kind::Preference, "editor", "helix"),
        ];
        let text = page(&log, "preferences.md").unwrap();
        assert!(
            text.contains("- Helix, since 2026-03-05 [#2] [#3]\n- before: Vim, from 2026-03-01 to 2026-03-05 [#1]\n"),
            "{text}"
        );
        log.push(Entry { of: Some(2), retract: true, ..entry(4, 10, Kind::Correction, "", "no") });
        let text = page(&log, "preferences.md").unwrap();
        assert!(text.contains("- helix, since 2026-03-09 [#3]") && !text.contains("#2"), "{text}");
        log.push(Entry { retract: true, ..entry(5, 11, Kind::Correction, "editor", "no") });
        assert_eq!(page(&log, "preferences.md"), None);
    }

    #[test]
    fn opinions_move_with_the_evidence() {
        let against = |seq, day| Entry {
            stance: Some(Stance::Against),
            ..entry(seq, day, Kind::Opinion, "SQLite", "It locked.")
        };
        let mut log = vec![entry(1, 1, Kind::Opinion, "SQLite", "It is fast enough.")];
        let confidence = |log: &[Entry]| {
            let text = page(log, "opinions/sqlite.md").unwrap();
            text.split("Confidence ").nth(1).unwrap()[..4].parse::<f64>().unwrap()
        };
        let one = confidence(&log);
        log.push(entry(2, 2, Kind::Opinion, "sqlite", "It never failed."));
        let two = confidence(&log);
        log.extend([against(3, 3), against(4, 4), against(5, 5)]);
        let three = confidence(&log);
        assert!(0.6 < one && one < two && two < 0.8 && three < 0.5, "{one} {two} {three}");
        let text = page(&log, "opinions/sqlite.md").unwrap();
        assert!(
            text.contains("## Against\n\n- 2026-03-03: It locked. [#3]") && text.contains("- 2026-03-01: 0.67 [#1]"),
            "{text}"
        );
        log.push(entry(6, 6, Kind::Correction, "SQLite", "We keep it."));
        assert!(page(&log, "opinions/sqlite.md").unwrap().contains("We keep it. (the owner's word)"));
        log.push(Entry { retract: true, ..entry(7, 7, Kind::Correction, "sqlite", "no") });
        assert_eq!(page(&log, "opinions/sqlite.md"), None);
    }

    #[test]
    fn old_evidence_weighs_less() {
        let old = entry(1, 1, Kind::Opinion, "x", "a");
        let later = old.at + jiff::SignedDuration::from_hours(24 * 180);
        let belief = Belief::of(&[&old], later);
        assert!((belief.favour - 1.5).abs() < 1e-9 && belief.against == 1.0);
    }
}
