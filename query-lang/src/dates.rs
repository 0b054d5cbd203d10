//! Dates as people write them, in the time zone of the clock that the parser was given.
//!
//! A vague date is its whole span: `2026-03` is all of March. Weeks begin on Monday. Names of months,
//! weekdays and quarters without a year mean the latest one that has begun; `last monday` is before today.

mod numbers;
mod stretch;
mod words;

use jiff::Zoned;

use numbers::{moment, numbers};
use stretch::Stretch;
pub use words::MONTHS;
use words::in_words;

/// How a field compares with its date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Within the span.
    During,
    /// From the first moment of the span on.
    After,
    /// Before the first moment of the span.
    Before,
}

/// Seconds since 1970, `from` inclusive, `to` exclusive.
pub(crate) type Bounds = (Option<i64>, Option<i64>);

/// The bounds that a filter means, or `None` when the text is no date or the range is empty. Only
/// `date:` takes ranges (`a..b`, either end open) and comparisons (`>a`).
pub(crate) fn bounds(when: When, text: &str, now: &Zoned) -> Option<Bounds> {
    let (from, to) = match when {
        When::During => during(text, now)?,
        When::After => (Some(stretch(text, now)?.start), None),
        When::Before => (None, Some(stretch(text, now)?.start)),
    };
    let seconds = |moment: Option<Zoned>| moment.map(|moment| moment.timestamp().as_second());
    let (from, to) = (seconds(from), seconds(to));
    let empty = matches!((from, to), (Some(from), Some(to)) if from >= to);
    (!empty).then_some((from, to))
}

fn during(text: &str, now: &Zoned) -> Option<(Option<Zoned>, Option<Zoned>)> {
    if let Some((from, to)) = text.split_once("..") {
        return range(from.trim(), to.trim(), now);
    }
    let compared = |operator| text.strip_prefix(operator).map(|date: &str| stretch(date.trim(), now));
    if let Some(date) = compared(">=") {
        return Some((Some(date?.start), None));
    }
    if let Some(date) = compared("<=") {
        return Some((None, Some(last(date?))));
    }
    if let Some(date) = compared(">") {
        return Some((Some(last(date?)), None));
    }
    if let Some(date) = compared("<") {
        return Some((None, Some(date?.start)));
    }
    let date = stretch(text, now)?;
    Some((Some(date.start), date.end))
}

fn range(from: &str, to: &str, now: &Zoned) -> Option<(Option<Zoned>, Option<Zoned>)> {
    let end = |text: &str| -> Option<Option<Stretch>> {
        if text.is_empty() { Some(None) } else { stretch(text, now).map(Some) }
    };
    let (from, to) = (end(from)?, end(to)?);
    (from.is_some() || to.is_some()).then(|| (from.map(|date| date.start), to.map(last)))
}

/// The moment at which a stretch is over; a duration (`7d`) as an end is the moment it began.
fn last(stretch: Stretch) -> Zoned {
    stretch.end.unwrap_or(stretch.start)
}

fn stretch(text: &str, now: &Zoned) -> Option<Stretch> {
    if text.contains(':') {
        return moment(text, now);
    }
    numbers(text, now).or_else(|| in_words(text, now))
}

#[cfg(test)]
mod tests {
    use super::{When, bounds};
    use jiff::{Timestamp, Zoned};

    /// Sunday afternoon in Berlin.
    fn now() -> Zoned {
        "2026-11-22T15:04:05+01:00[Europe/Berlin]".parse().expect("a time")
    }

    fn written(second: Option<i64>, now: &Zoned) -> String {
        let moment = |second| Timestamp::from_second(second).expect("in range").to_zoned(now.time_zone().clone());
        second.map_or(String::new(), |second| {
            let text = moment(second).strftime("%Y-%m-%dT%H:%M:%S").to_string();
            text.strip_suffix("T00:00:00").unwrap_or(&text).to_owned()
        })
    }

    fn check(when: When, text: &str, expected: &str) {
        check_at(&now(), when, text, expected);
    }

    fn check_at(now: &Zoned, when: When, text: &str, expected: &str) {
        let found = match bounds(when, text, now) {
            Some((from, to)) => format!("{}..{}", written(from, now), written(to, now)),
            None => "no date".to_owned(),
        };
        assert_eq!(found, expected, "{text} at {now}");
    }

    #[test]
    fn a_vague_date_is_its_whole_span() {
        let cases = [
            ("2026", "2026-01-01..2027-01-01"),
            ("2026-03", "2026-03-01..2026-04-01"),
            ("2026/3", "2026-03-01..2026-04-01"),
            ("2026-03-15", "2026-03-15..2026-03-16"),
            ("20260315", "2026-03-15..2026-03-16"),
            ("15.03.2026", "2026-03-15..2026-03-16"),
            ("2026-03-15t10:30", "2026-03-15T10:30:00..2026-03-15T10:31:00"),
            ("2026-03-15 10:30:07", "2026-03-15T10:30:07..2026-03-15T10:30:08"),
            ("2026-03-15t10:30:00z", "2026-03-15T11:30:00..2026-03-15T11:30:01"),
            ("2026-w12", "2026-03-16..2026-03-23"),
            ("2026-q1", "2026-01-01..2026-04-01"),
            ("q1 2025", "2025-01-01..2025-04-01"),
            ("q2", "2026-04-01..2026-07-01"),
            ("march", "2026-03-01..2026-04-01"),
            ("mar", "2026-03-01..2026-04-01"),
            ("dec", "2025-12-01..2026-01-01"),
            ("march 2024", "2024-03-01..2024-04-01"),
            ("2024 march", "2024-03-01..2024-04-01"),
            ("mar-2024", "2024-03-01..2024-04-01"),
            ("5 march", "2026-03-05..2026-03-06"),
            ("march 5th", "2026-03-05..2026-03-06"),
            ("december 24", "2025-12-24..2025-12-25"),
            ("march 5, 2024", "2024-03-05..2024-03-06"),
            ("29 february 2024", "2024-02-29..2024-03-01"),
        ];
        for (text, expected) in cases {
            check(When::During, text, expected);
        }
    }

    #[test]
    fn words_count_from_now() {
        let cases = [
            ("today", "2026-11-22..2026-11-23"),
            ("yesterday", "2026-11-21..2026-11-22"),
            ("this week", "2026-11-16..2026-11-23"),
            ("last week", "2026-11-09..2026-11-16"),
            ("last-month", "2026-10-01..2026-11-01"),
            ("last_quarter", "2026-07-01..2026-10-01"),
            ("last year", "2025-01-01..2026-01-01"),
            ("next month", "2026-12-01..2027-01-01"),
            ("sunday", "2026-11-22..2026-11-23"),
            ("last sunday", "2026-11-15..2026-11-16"),
            ("monday", "2026-11-16..2026-11-17"),
            ("last mon", "2026-11-16..2026-11-17"),
            ("next monday", "2026-11-23..2026-11-24"),
            ("last november", "2025-11-01..2025-12-01"),
            ("last march", "2026-03-01..2026-04-01"),
            ("3 days ago", "2026-11-19..2026-11-20"),
            ("2-weeks-ago", "2026-11-02..2026-11-09"),
            ("2w ago", "2026-11-02..2026-11-09"),
            ("a week ago", "2026-11-09..2026-11-16"),
            ("an hour", "2026-11-22T14:04:05.."),
            ("7d", "2026-11-15T15:04:05.."),
            ("2w", "2026-11-08T15:04:05.."),
            ("last 2 weeks", "2026-11-08T15:04:05.."),
            ("1y", "2025-11-22T15:04:05.."),
            ("3m", "2026-08-22T15:04:05.."),
            ("36h", "2026-11-21T03:04:05.."),
            ("90 minutes", "2026-11-22T13:34:05.."),
        ];
        for (text, expected) in cases {
            check(When::During, text, expected);
        }
    }

    #[test]
    fn after_begins_with_the_span_and_before_ends_at_it() {
        check(When::After, "2026-03", "2026-03-01..");
        check(When::After, "yesterday", "2026-11-21..");
        check(When::After, "7d", "2026-11-15T15:04:05..");
        check(When::Before, "2026", "..2026-01-01");
        check(When::Before, "last week", "..2026-11-09");
        check(When::Before, "2w", "..2026-11-08T15:04:05");
        check(When::Before, "2026-01..2026-03", "no date");
    }

    #[test]
    fn ranges_hold_both_ends() {
        let cases = [
            ("2026-01..2026-03-15", "2026-01-01..2026-03-16"),
            ("2026-01..", "2026-01-01.."),
            ("..2026", "..2027-01-01"),
            ("30d..7d", "2026-10-23T15:04:05..2026-11-15T15:04:05"),
            ("last week..today", "2026-11-09..2026-11-23"),
            (">2026-03", "2026-04-01.."),
            (">=2026-03", "2026-03-01.."),
            ("<2026-03", "..2026-03-01"),
            ("<=2026-03", "..2026-04-01"),
            ("2026-03..2026-01", "no date"),
            ("..", "no date"),
        ];
        for (text, expected) in cases {
            check(When::During, text, expected);
        }
    }

    #[test]
    fn what_is_no_date() {
        for text in ["", "soon", "2026-13", "2026-02-30", "99", "12345", "7", "d", "q5", "10:30", "ma", "-5", "99999y"]
        {
            check(When::During, text, "no date");
        }
    }

    #[test]
    fn days_are_as_long_as_the_clock_says() {
        let length = |text| {
            let (from, to) = bounds(When::During, text, &now()).expect("a date");
            to.zip(from).map(|(to, from)| (to - from) / 3600)
        };
        assert_eq!((length("2026-03-29"), length("2026-10-25")), (Some(23), Some(25)));
    }

    #[test]
    fn days_count_by_the_calendar_and_hours_by_the_clock_when_it_changes() {
        let spring: Zoned = "2026-03-29T12:00:00+02:00[Europe/Berlin]".parse().expect("a time");
        check_at(&spring, When::During, "1d", "2026-03-28T12:00:00..");
        check_at(&spring, When::During, "24h", "2026-03-28T11:00:00..");
        check_at(&spring, When::During, "yesterday", "2026-03-28..2026-03-29");
        let no_midnight: Zoned = "2026-11-22T12:00:00-03:00[America/Santiago]".parse().expect("a time");
        check_at(&no_midnight, When::During, "2026-09-06", "2026-09-06T01:00:00..2026-09-07");
    }

    #[test]
    fn ends_of_months_and_leap_days() {
        let cases = [
            ("2026-03-31", "1m", "2026-02-28T12:00:00.."),
            ("2026-03-31", "last month", "2026-02-01..2026-03-01"),
            ("2026-05-31", "last quarter", "2026-01-01..2026-04-01"),
            ("2026-05-31", "a month ago", "2026-04-01..2026-05-01"),
            ("2026-01-31", "next month", "2026-02-01..2026-03-01"),
            ("2024-02-29", "1y", "2023-02-28T12:00:00.."),
            ("2024-02-29", "last year", "2023-01-01..2024-01-01"),
            ("2024-03-01", "yesterday", "2024-02-29..2024-03-01"),
            ("2026-11-22", "29 february", "2024-02-29..2024-03-01"),
            ("2024-02-29", "feb 29", "2024-02-29..2024-03-01"),
            ("2024-02-28", "feb 29", "2020-02-29..2020-03-01"),
            ("2026-11-22", "30 february", "no date"),
            ("2026-01-01", "last week", "2025-12-22..2025-12-29"),
            ("2027-01-03", "this week", "2026-12-28..2027-01-04"),
        ];
        for (day, text, expected) in cases {
            let now: Zoned = format!("{day}T12:00:00[Europe/Berlin]").parse().expect("a time");
            check_at(&now, When::During, text, expected);
        }
    }
}
