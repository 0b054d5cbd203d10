//! Transcripts in Markdown or plain text: who spoke is told by the beginning of a line.

use std::collections::HashMap;

use jiff::Timestamp;

use super::Found;
use crate::conversations::render;
use crate::conversations::turn::{Role, one_line, time};

/// A transcript has at least so many turns.
const LEAST: usize = 2;

/// The beginning of a turn.
struct Start<'a> {
    who: &'a str,
    at: Option<Timestamp>,
    rest: &'a str,
    /// Whether the line can be nothing else, such as `**Oda:**` or one with a time.
    sure: bool,
}

/// The conversation that a text holds; in words, why there is none.
///
/// # Errors
/// No two turns can be told.
pub fn conversation(text: &str, name: &str, now: Timestamp) -> Result<Found, String> {
    let speakers = speakers(text);
    let head = Head::read(text, name);
    let mut found = Found::new(None, head.date.unwrap_or(now), None);
    let mut open: Option<(Role, Option<String>, Option<Timestamp>, String)> = None;
    let mut fenced = false;
    for line in text.lines().skip(head.lines) {
        fenced ^= line.trim_start().starts_with("```");
        let start = start(line).filter(|start| !fenced && speakers.contains_key(&start.who.to_lowercase()));
        match (start, &mut open) {
            (Some(start), _) => {
                finish(open.take(), &mut found);
                let role = speakers.get(&start.who.to_lowercase()).copied().flatten();
                let speaker = if role.is_none() { one_line(start.who) } else { None };
                open = Some((role.unwrap_or(Role::User), speaker, start.at, format!("{}\n", start.rest)));
            }
            (None, Some((.., said))) => {
                said.push_str(line.strip_prefix('\\').filter(|l| render::is_turn_line(l)).unwrap_or(line));
                said.push('\n');
            }
            (None, None) => {}
        }
    }
    finish(open, &mut found);
    if found.turns.len() < LEAST {
        return Err(
            "no turns can be told: lines that begin with a speaker, such as `User: ...` or `**Oda:** ...`".into()
        );
    }
    found.title(head.title.as_deref());
    found.finish(name);
    Ok(found)
}

fn finish(open: Option<(Role, Option<String>, Option<Timestamp>, String)>, found: &mut Found) {
    let Some((role, speaker, at, said)) = open else { return };
    let before = found.turns.len();
    found.push(Some(role), Some(said.trim().to_owned()), at);
    if let Some(turn) = found.turns.get_mut(before) {
        turn.speaker = speaker;
    }
}

/// The speakers of a text, in small letters, with their roles where the names are roles.
///
/// `Note: ...` is no speaker: where a line might be anything, a name has to come twice and not alone.
fn speakers(text: &str) -> HashMap<String, Option<Role>> {
    let mut counts: HashMap<String, (usize, bool)> = HashMap::new();
    for start in text.lines().filter_map(start) {
        let count = counts.entry(start.who.to_lowercase()).or_default();
        *count = (count.0 + 1, count.1 | start.sure);
    }
    let role = |who: &str| Role::named(who).or_else(|| role_of(who));
    counts.retain(|who, (count, sure)| role(who).is_some() || *sure || *count >= 2);
    if counts.values().filter(|(_, sure)| *sure).count() >= 2 {
        counts.retain(|_, (_, sure)| *sure);
    } else if counts.keys().filter(|who| role(who).is_some()).count() >= 2 {
        counts.retain(|who, _| role(who).is_some());
    }
    if counts.len() < 2 {
        counts.clear();
    }
    counts.into_keys().map(|who| (who.clone(), role(&who))).collect()
}

/// Other words for roles, in transcripts only.
fn role_of(who: &str) -> Option<Role> {
    match who {
        "prompt" | "question" | "q" => Some(Role::User),
        "response" | "answer" | "a" => Some(Role::Assistant),
        _ => None,
    }
}

/// The beginning of a turn, if a line may be one.
fn start(line: &str) -> Option<Start<'_>> {
    page_line(line).or_else(|| heading(line)).or_else(|| stamped(line)).or_else(|| inline(line))
}

/// `## Oda, 2026-03-14 09:00`, as pages here have it.
fn page_line(line: &str) -> Option<Start<'_>> {
    let (who, at) = line.strip_prefix("## ").filter(|_| render::is_turn_line(line))?.rsplit_once(", ")?;
    Some(Start { who, at: time(at), rest: "", sure: true })
}

/// `## User` or `### Assistant:`.
fn heading(line: &str) -> Option<Start<'_>> {
    let who = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?.trim().trim_end_matches(':');
    let who = who.trim_matches('*').trim_end_matches(':');
    let known = Role::named(who).or_else(|| role_of(&who.to_lowercase())).is_some();
    known.then_some(Start { who, at: None, rest: "", sure: true })
}

/// `[2026-03-14 09:00] Oda: ...` or `14/03/2026, 09:00 - Oda: ...`.
fn stamped(line: &str) -> Option<Start<'_>> {
    let (stamp, rest) = match line.trim_start_matches(['\u{200e}', ' ']).strip_prefix('[') {
        Some(inside) => inside.split_once("] ")?,
        None => line.split_once(" - ").filter(|(stamp, _)| stamp.starts_with(|c: char| c.is_ascii_digit()))?,
    };
    let at = stamp_of(stamp)?;
    let (who, rest) = rest.split_once(": ")?;
    Some(Start { who: name(who)?, at: Some(at), rest, sure: true })
}

/// A date and time as chat programs write them: the day before the month unless it cannot be.
fn stamp_of(text: &str) -> Option<Timestamp> {
    if let Some(at) = time(text) {
        return Some(at);
    }
    let (date, clock) = text.split_once([',', ' '])?;
    let numbers: Vec<i16> = date.split(['/', '.', '-']).filter_map(|n| n.trim().parse().ok()).collect();
    let [a, b, year] = numbers[..] else { return None };
    let (day, month) = if b > 12 { (b, a) } else { (a, b) };
    let year = if year < 100 { 2000 + year } else { year };
    let date = jiff::civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let clock = clock.trim();
    let half = clock.to_lowercase().replace('.', "");
    let clock = clock.trim_end_matches(|c: char| c.is_alphabetic() || c.is_whitespace() || c == '.');
    let mut parts = clock.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute) = (parts.next()??, parts.next()??);
    let hour = match (half.ends_with("am"), half.ends_with("pm")) {
        (true, _) if hour == 12 => 0,
        (_, true) if hour < 12 => hour + 12,
        _ => hour,
    };
    let second = parts.next().flatten().unwrap_or(0);
    let at = date.to_datetime(jiff::civil::Time::new(hour, minute, second, 0).ok()?);
    at.to_zoned(jiff::tz::TimeZone::system()).ok().map(|at| at.timestamp())
}

/// `**Oda:** ...`, `**Oda**: ...` or `Oda: ...`.
fn inline(line: &str) -> Option<Start<'_>> {
    if let Some(bold) = line.strip_prefix("**") {
        let (who, rest) = bold.split_once("**")?;
        let (who, rest) = match who.strip_suffix(':') {
            Some(who) => (who, rest),
            None => (who, rest.strip_prefix(':')?),
        };
        return Some(Start { who: name(who)?, at: None, rest: rest.trim_start(), sure: true });
    }
    let (who, rest) = line.split_once(':')?;
    let spaced = rest.is_empty() || rest.starts_with([' ', '\t']);
    let start = || Some(Start { who: name(who)?, at: None, rest: rest.trim_start(), sure: false });
    spaced.then(start).flatten()
}

/// A name: one to three words that begin with a letter.
fn name(text: &str) -> Option<&str> {
    let text = text.trim();
    let words = text.split(' ').count();
    let letters = text.chars().all(|c| c.is_alphanumeric() || " .'-_~+".contains(c));
    (letters && words <= 3 && text.len() <= 40 && text.starts_with(|c: char| c.is_alphabetic() || c == '+'))
        .then_some(text)
}

/// What stands before the first turn.
struct Head {
    lines: usize,
    title: Option<String>,
    date: Option<Timestamp>,
}

impl Head {
    fn read(text: &str, name: &str) -> Head {
        let mut head = Head { lines: 0, title: None, date: None };
        let front = text.starts_with("---\n");
        let block = text.lines().skip(1).take(100).take_while(|line| front && line.trim_end() != "---");
        for line in block {
            head.lines += 1;
            let Some((key, value)) = line.split_once(':') else { continue };
            let value = value.trim().trim_matches('"');
            match key.trim() {
                "title" => head.title = one_line(value),
                "date" | "created" => head.date = time(value),
                _ => {}
            }
        }
        head.lines += if front { 2 } else { 0 };
        let first = text.lines().skip(head.lines).find(|line| !line.trim().is_empty());
        let heading = first.and_then(|line| line.strip_prefix("# ")).filter(|_| first.and_then(start).is_none());
        head.title = head.title.or_else(|| heading.and_then(one_line)).or_else(|| one_line(name));
        head.date = head.date.or_else(|| name.get(..10).and_then(time));
        head
    }
}

/// The turns of a text as they were said; for tests.
#[cfg(test)]
fn said(text: &str) -> Vec<(String, String)> {
    let found = conversation(text, "talk", Timestamp::UNIX_EPOCH);
    found.map_or_else(|_| Vec::new(), |f| f.turns.iter().map(|t| (t.who(), t.content.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speakers_are_told_in_many_forms() {
        let check = |text: &str, want: &[(&str, &str)]| {
            let said = said(text);
            let said: Vec<(&str, &str)> = said.iter().map(|(who, what)| (who.as_str(), what.as_str())).collect();
            assert_eq!(said, want, "{text}");
        };
        check(
            "User: Hi\nAssistant: Hello.\n\nHow are you?\n",
            &[("user", "Hi"), ("assistant", "Hello.\n\nHow are you?")],
        );
        check("# Talk\n\n**You:** a\n\n**ChatGPT:** b\n", &[("user", "a"), ("assistant", "b")]);
        check("## Prompt\n\na: b\n\n## Response\n\nc\n", &[("user", "a: b"), ("assistant", "c")]);
        check(
            "Oda: a\nBram: b\nNote: c\nOda: d\nBram: e\n",
            &[("Oda", "a"), ("Bram", "b\nNote: c"), ("Oda", "d"), ("Bram", "e")],
        );
        check(
            "[14.03.26, 09:00:05] Oda: a\n[14.03.26, 09:01:00] Bram V: b\nmore\n",
            &[("Oda", "a"), ("Bram V", "b\nmore")],
        );
        check("3/14/26, 9:05 PM - Oda: a\n3/14/26, 9:06 PM - Bram: b\n", &[("Oda", "a"), ("Bram", "b")]);
        check(
            "User: a\n```\nAssistant: in code\n```\nAssistant: b\n",
            &[("user", "a\n```\nAssistant: in code\n```"), ("assistant", "b")],
        );
    }

    #[test]
    fn other_texts_are_no_transcripts() {
        let check = |text: &str| assert_eq!(said(text), [], "{text}");
        check("# Plan\n\nTodo: buy flour\nTodo: buy yeast\n");
        check("Some words.\nNote: this.\n");
        check("");
    }

    #[test]
    fn times_and_titles_are_read() {
        let text = "---\ntitle: \"On ovens\"\ndate: 2026-03-14\n---\n\n**Oda:** a\n**Bram:** b\n";
        let found = conversation(text, "x", Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(found.turns[1].title.as_deref(), Some("On ovens"));
        assert_eq!(found.turns[0].at, time("2026-03-14").unwrap());
        let stamped =
            conversation("[2026-03-14 21:05] A: x\n[2026-03-14 21:06] B: y\n", "x", Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(stamped.turns[1].at, time("2026-03-14 21:06").unwrap());
        assert_eq!(stamp_of("3/14/26, 9:05 PM"), time("2026-03-14 21:05"));
        assert_eq!(stamp_of("3/14/26, 9:05\u{202f}p.m."), time("2026-03-14 21:05"));
        assert_eq!(stamp_of("3/14/26, 12:05 AM"), time("2026-03-14 00:05"));
        assert_eq!(stamp_of("3/14/26, 12:05 PM"), time("2026-03-14 12:05"));
    }

    #[test]
    fn a_page_is_read_back() {
        let text = "Oda: a\nBram: b\n## c, 2026-01-01 00:00 not\nOda: d\nBram: e\n";
        let found = conversation(text, "x", time("2026-03-14").unwrap()).unwrap();
        let again = conversation(&render::page(&found.turns), "y", Timestamp::UNIX_EPOCH).unwrap();
        let keys = |found: &Found| found.turns.iter().map(|turn| turn.key()).collect::<Vec<_>>();
        assert_eq!(keys(&found), keys(&again));
        assert_eq!(found.turns[0].at, again.turns[0].at);
    }
}
