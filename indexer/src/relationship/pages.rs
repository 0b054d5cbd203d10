//! The pages that are made from the log. Every statement names the entries it comes from, as `[#12]`, or the place where it is
//! stated.

use std::collections::HashMap;
use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::entry::{Entry, Kind};
use super::opinions;
use super::patterns::Pattern;
use super::view::View;

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
    said.chain(opinion_pages(&view, now, zone)).collect()
}

/// A page for each subject of which there are opinions: its name below `relationship/` and its text.
pub fn opinion_pages(view: &View, now: Timestamp, zone: &TimeZone) -> Vec<(String, String)> {
    let mut pages = Vec::new();
    let mut taken: HashMap<String, usize> = HashMap::new();
    for (subject, entries) in view.by_subject(Kind::Opinion) {
        let slug = crate::conversations::slug(&subject);
        let n = taken.entry(slug.clone()).and_modify(|n| *n += 1).or_insert(1);
        let name = if *n == 1 { slug } else { format!("{slug}-{n}") };
        pages.push((format!("opinions/{name}.md"), opinions::page(view, &subject, &entries, now, zone)));
    }
    pages
}

/// The day of a time, as `2026-03-14`.
pub fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%F").to_string()
}

/// A text without line ends and control characters.
pub fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The number of an entry of the log, the place of what is stated elsewhere: `[#3]`, `(/notes/a.md:4)`.
pub fn mark(entry: &Entry) -> String {
    if entry.seq > 0 { format!("[#{}]", entry.seq) } else { source(entry) }
}

/// Where an entry is: `[#3] (/notes/a.md:4)`; what is stated elsewhere has no number.
pub fn source(entry: &Entry) -> String {
    let place = |e: &super::Evidence| e.line.map_or(e.path.clone(), |line| format!("{}:{line}", e.path));
    let places: Vec<String> = entry.evidence.iter().map(place).collect();
    let places = one_line(&places.join(", "));
    match (entry.seq, places.is_empty()) {
        (seq, true) => format!("[#{seq}]"),
        (0, false) => format!("({places})"),
        (seq, false) => format!("[#{seq}] ({places})"),
    }
}

// ---- preferences ----

/// What holds now of each subject, since when, and what held before.
pub fn preferences(view: &View, zone: &TimeZone) -> Option<String> {
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
pub(super) mod tests {
    use super::*;

    pub fn entry(seq: u64, day: u8, kind: Kind, subject: &str, text: &str) -> Entry {
        let at = format!("2026-03-{day:02}T10:00:00Z").parse().unwrap();
        Entry { seq, subject: Some(subject.into()), ..Entry::new(kind, text, at) }
    }

    pub fn page(log: &[Entry], name: &str) -> Option<String> {
        let now = "2026-03-31T10:00:00Z".parse().unwrap();
        all(log, now, &TimeZone::UTC).into_iter().find(|(page, _)| page == name).map(|(_, text)| text)
    }

    #[test]
    fn what_is_stated_elsewhere_stands_among_the_entries_with_its_place() {
        let stated = |day, text: &str, line| {
            let evidence = vec![super::super::Evidence { path: "/n/a.md".into(), line: Some(line) }];
            Entry { evidence, ..entry(0, day, Kind::Preference, "drink", text) }
        };
        let mut view = View::new(&[entry(1, 5, Kind::Preference, "Drink", "water")]);
        view.entries.extend([stated(1, "coffee", 2), stated(9, "tea", 3)]);
        let text = preferences(&view, &TimeZone::UTC).unwrap();
        let want = "- tea, since 2026-03-09 (/n/a.md:3)\n- before: water, from 2026-03-05 to 2026-03-09 [#1]\n\
            - before: coffee, from 2026-03-01 to 2026-03-05 (/n/a.md:2)\n";
        assert!(text.contains(want), "{text}");
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
}
