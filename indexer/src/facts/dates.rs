//! Dates in text.

use std::ops::Range;

use echofs_query_lang::MONTHS;
use jiff::civil::{Date, DateTime};

/// The number of a month, by its name or the first three letters of it.
pub fn month(word: &str) -> Option<i8> {
    let word = word.trim_end_matches('.');
    let at =
        MONTHS.iter().position(|name| word == *name || word == &name[..3] || word == "sept" && *name == "september")?;
    Some(at as i8 + 1)
}

/// A day of the month: "12", "3rd".
pub fn day(word: &str) -> Option<i8> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let end = &word[digits.len()..];
    let number = digits.parse::<i8>().ok().filter(|n| (1..=31).contains(n) && digits.len() <= 2)?;
    matches!(end, "" | "st" | "nd" | "rd" | "th").then_some(number)
}

/// The date that `text` is: an ISO date, a date in words, a month or a year. A vague one is its first day.
pub fn parse(text: &str) -> Option<Date> {
    let text = text.trim().trim_end_matches(['.', ',']);
    if let Some(date) = iso(text) {
        return Some(date);
    }
    let words: Vec<String> =
        text.split([' ', ',']).filter(|w| !w.is_empty() && *w != "the" && *w != "of").map(str::to_lowercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [a, b, c] if month(a).is_some() => Date::new(year(c)?, month(a)?, day(b)?).ok(),
        [a, b, c] => Date::new(year(c)?, month(b)?, day(a)?).ok(),
        [a, b] => Date::new(year(b)?, month(a)?, 1).ok(),
        [a] => Date::new(year(a)?, 1, 1).ok(),
        _ => None,
    }
}

fn year(word: &str) -> Option<i16> {
    word.parse().ok().filter(|year| (1000..2200).contains(year) && word.len() == 4)
}

fn iso(text: &str) -> Option<Date> {
    let date = text.get(..10).unwrap_or(text);
    match date.len() {
        10 if text[10..].is_empty() || text[10..].starts_with(['T', ' ']) => date.parse().ok(),
        7 => format!("{date}-01").parse().ok(),
        _ => None,
    }
}

/// Bytes of a day and a time of day: "2026-03-14 09:30".
const TIME: usize = 16;

fn time(text: &str) -> Option<DateTime> {
    text.starts_with(|c: char| c.is_ascii_digit()).then(|| DateTime::strptime("%F %H:%M", text).ok()).flatten()
}

/// A line without the time that it was written at: "2026-03-14 09:30: text".
pub fn untimed(line: &str) -> &str {
    let rest = line.get(..TIME).and_then(time).and_then(|_| line[TIME..].strip_prefix(": "));
    rest.map_or(line, str::trim_start)
}

/// The time that stands before the text of a line: "- 2026-03-14 09:30: ".
pub fn written(before: &str) -> Option<DateTime> {
    let before = before.trim_end().strip_suffix(':')?;
    before.get(before.len().checked_sub(TIME)?..).and_then(time)
}

/// The first ISO date in `text`, and where it stands.
pub fn find_iso(text: &str) -> Option<(Date, Range<usize>)> {
    let bytes = text.as_bytes();
    let starts = (0..bytes.len().saturating_sub(9)).filter(|at| bytes[*at].is_ascii_digit());
    let mut starts = starts.filter(|at| *at == 0 || !bytes[at - 1].is_ascii_alphanumeric());
    starts.find_map(|at| text.get(at..at + 10).and_then(|date| Some((date.parse().ok()?, at..at + 10))))
}

/// Whether `text` tells a time: a date, a year, a day of the week.
pub fn is_time(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    parse(text).is_some()
        || words.len() <= 5
            && words.iter().any(|word| {
                month(word).is_some() && *word != "may"
                    || matches!(
                        word.trim_end_matches('s'),
                        "monday"
                            | "tuesday"
                            | "wednesday"
                            | "thursday"
                            | "friday"
                            | "saturday"
                            | "sunday"
                            | "yesterday"
                            | "today"
                            | "tomorrow"
                            | "year"
                            | "month"
                            | "week"
                            | "day"
                            | "decade"
                            | "century"
                    )
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        let check =
            |text: &str, want: Option<&str>| assert_eq!(parse(text).map(|d| d.to_string()).as_deref(), want, "{text}");
        check("2026-03-14", Some("2026-03-14"));
        check("2026-03-14T10:00:00Z", Some("2026-03-14"));
        check("2026-03", Some("2026-03-01"));
        check("July 12, 2006", Some("2006-07-12"));
        check("12 July 2006", Some("2006-07-12"));
        check("3rd of May 1999", Some("1999-05-03"));
        check("March 2019", Some("2019-03-01"));
        check("1970", Some("1970-01-01"));
        check("31 February 2001", None);
        check("300 people", None);
    }

    #[test]
    fn dates_are_found() {
        assert_eq!(find_iso("due 2026-04-01.").map(|(date, _)| date.to_string()).as_deref(), Some("2026-04-01"));
        assert!(find_iso("12026-04-01").is_none() && find_iso("no date").is_none());
    }
}
