//! Dates as people write them, in the time zone of the clock that the parser was given.
//!
//! A vague date is its whole span: `2026-03` is all of March. Weeks begin on Monday. Names of months,
//! weekdays and quarters without a year mean the latest one that has begun; `last monday` is before today.

use jiff::civil::{Date, DateTime, ISOWeekDate, Weekday};
use jiff::{Span, Timestamp, Zoned};

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

/// A stretch of time, `end` exclusive; one without an end reaches to now and on.
struct Stretch {
    start: Zoned,
    end: Option<Zoned>,
}

#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// The English names of the months, in lower case, in their order.
pub const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

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

/// `2026-03-15T10:30`, with or without seconds and offset.
fn moment(text: &str, now: &Zoned) -> Option<Stretch> {
    let start = match text.parse::<DateTime>() {
        Ok(local) => local.to_zoned(now.time_zone().clone()).ok()?,
        Err(_) => text.to_uppercase().parse::<Timestamp>().ok()?.to_zoned(now.time_zone().clone()),
    };
    let seconds = text.matches(':').count() > 1;
    let length = if seconds { Span::new().try_seconds(1) } else { Span::new().try_minutes(1) };
    let end = start.checked_add(length.ok()?).ok()?;
    Some(Stretch { start, end: Some(end) })
}

/// `2026`, `2026-03`, `2026-03-15`, with `/` or `.` as well, `15.03.2026` and `20260315`.
fn numbers(text: &str, now: &Zoned) -> Option<Stretch> {
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return day(text[..4].parse().ok()?, number(&text[4..6])?, number(&text[6..])?, now);
    }
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    match parts[..] {
        [y] => of_unit(Unit::Year, Date::new(year(y)?, 1, 1).ok()?, now),
        [y, m] => of_unit(Unit::Month, Date::new(year(y)?, number(m)?, 1).ok()?, now),
        [d, m, y] if y.len() == 4 && text.contains('.') => day(year(y)?, number(m)?, number(d)?, now),
        [y, m, d] => day(year(y)?, number(m)?, number(d)?, now),
        _ => None,
    }
}

fn in_words(text: &str, now: &Zoned) -> Option<Stretch> {
    let words: Vec<&str> = text.split([' ', '-', '_', ',']).filter(|word| !word.is_empty()).collect();
    relative(&words, now).or_else(|| named(&words, now))
}

/// `yesterday`, `last week`, `7d`, `3 days ago`, `last 2 weeks`.
fn relative(words: &[&str], now: &Zoned) -> Option<Stretch> {
    match *words {
        ["now"] => Some(Stretch { start: now.clone(), end: None }),
        ["today"] => calendar(Unit::Day, 0, now),
        ["yesterday"] => calendar(Unit::Day, -1, now),
        ["tomorrow"] => calendar(Unit::Day, 1, now),
        [which, name] if step(which).is_some() => which_one(step(which)?, name, now),
        ["last" | "past" | "previous", count, name] => rolling(count.parse().ok()?, unit(name)?, now),
        [count, name, "ago"] => calendar(unit(name)?, -count.parse::<u16>().map(i64::from).ok()?, now),
        [amount, "ago"] => {
            let (count, unit) = duration(amount)?;
            calendar(unit, -i64::from(count), now)
        }
        [count, name] => rolling(count.parse().ok()?, unit(name)?, now),
        [amount] => {
            let (count, unit) = duration(amount)?;
            rolling(count, unit, now)
        }
        _ => None,
    }
}

fn step(word: &str) -> Option<i64> {
    match word {
        "last" | "past" | "previous" => Some(-1),
        "this" => Some(0),
        "next" => Some(1),
        _ => None,
    }
}

/// `last week`, `this month`, `next year`, `last monday`, `last march`.
fn which_one(step: i64, name: &str, now: &Zoned) -> Option<Stretch> {
    if let Some(unit) = unit(name) {
        return calendar(unit, step, now);
    }
    let today = now.date();
    if let Some(weekday) = weekday(name) {
        let monday = first_of(Unit::Week, today)?;
        let this = shift(monday, Unit::Day, i64::from(weekday.to_monday_zero_offset()))?;
        let chosen = match step {
            -1 if this >= today => shift(this, Unit::Week, -1)?,
            1 if this <= today => shift(this, Unit::Week, 1)?,
            _ => this,
        };
        return of_unit(Unit::Day, chosen, now);
    }
    let this = Date::new(today.year(), month(name)?, 1).ok()?;
    let current = today.first_of_month();
    let chosen = match step {
        -1 if this >= current => shift(this, Unit::Year, -1)?,
        1 if this <= current => shift(this, Unit::Year, 1)?,
        _ => this,
    };
    of_unit(Unit::Month, chosen, now)
}

/// `march`, `march 2026`, `5 march`, `march 5 2026`, `monday`, `q1`, `2026-q1`, `2026-w12`.
fn named(words: &[&str], now: &Zoned) -> Option<Stretch> {
    let today = now.date();
    match *words {
        [name] => {
            if let Some(weekday) = weekday(name) {
                let back = today.weekday().since(weekday);
                return calendar(Unit::Day, -i64::from(back), now);
            }
            if let Some(quarter) = quarter(name) {
                return begun(Unit::Quarter, today.year(), quarter * 3 - 2, 1, now);
            }
            begun(Unit::Month, today.year(), month(name)?, 1, now)
        }
        [a, b] => match (year(a), year(b)) {
            (Some(y), None) => part_of_year(y, b, now),
            (None, Some(y)) => part_of_year(y, a, now),
            _ => {
                let (m, d) = month_and_day(a, b)?;
                begun(Unit::Day, today.year(), m, d, now)
            }
        },
        [a, b, y] => {
            let (m, d) = month_and_day(a, b)?;
            day(year(y)?, m, d, now)
        }
        _ => None,
    }
}

fn part_of_year(year: i16, name: &str, now: &Zoned) -> Option<Stretch> {
    if let Some(week) = name.strip_prefix('w') {
        let monday = ISOWeekDate::new(year, number(week)?, Weekday::Monday).ok()?;
        return of_unit(Unit::Week, monday.date(), now);
    }
    if let Some(quarter) = quarter(name) {
        return of_unit(Unit::Quarter, Date::new(year, quarter * 3 - 2, 1).ok()?, now);
    }
    of_unit(Unit::Month, Date::new(year, month(name)?, 1).ok()?, now)
}

/// The unit that begins on that day of this year, or of last year when it has not begun yet.
fn begun(unit: Unit, year: i16, month: i8, day: i8, now: &Zoned) -> Option<Stretch> {
    let this = Date::new(year, month, day);
    match this {
        Ok(date) if date <= now.date() => of_unit(unit, date, now),
        _ => of_unit(unit, Date::new(year - 1, month, day).ok()?, now),
    }
}

fn day(year: i16, month: i8, day: i8, now: &Zoned) -> Option<Stretch> {
    of_unit(Unit::Day, Date::new(year, month, day).ok()?, now)
}

/// The whole unit that begins on `first`.
fn of_unit(unit: Unit, first: Date, now: &Zoned) -> Option<Stretch> {
    let zone = now.time_zone();
    let start = first.to_zoned(zone.clone()).ok()?;
    let end = shift(first, unit, 1)?.to_zoned(zone.clone()).ok()?;
    Some(Stretch { start, end: Some(end) })
}

/// The calendar unit `steps` after the current one.
fn calendar(unit: Unit, steps: i64, now: &Zoned) -> Option<Stretch> {
    if let Unit::Minute | Unit::Hour = unit {
        let start = now.checked_add(span(unit, steps)?).ok()?;
        let end = start.checked_add(span(unit, 1)?).ok()?;
        return Some(Stretch { start, end: Some(end) });
    }
    of_unit(unit, shift(first_of(unit, now.date())?, unit, steps)?, now)
}

/// The last `count` units up to now.
fn rolling(count: u16, unit: Unit, now: &Zoned) -> Option<Stretch> {
    let start = now.checked_add(span(unit, -i64::from(count))?).ok()?;
    Some(Stretch { start, end: None })
}

fn first_of(unit: Unit, date: Date) -> Option<Date> {
    match unit {
        Unit::Minute | Unit::Hour | Unit::Day => Some(date),
        Unit::Week => shift(date, Unit::Day, -i64::from(date.weekday().to_monday_zero_offset())),
        Unit::Month => Some(date.first_of_month()),
        Unit::Quarter => Date::new(date.year(), (date.month() - 1) / 3 * 3 + 1, 1).ok(),
        Unit::Year => Some(date.first_of_year()),
    }
}

fn shift(date: Date, unit: Unit, steps: i64) -> Option<Date> {
    date.checked_add(span(unit, steps)?).ok()
}

fn span(unit: Unit, count: i64) -> Option<Span> {
    let none = Span::new();
    match unit {
        Unit::Minute => none.try_minutes(count),
        Unit::Hour => none.try_hours(count),
        Unit::Day => none.try_days(count),
        Unit::Week => none.try_weeks(count),
        Unit::Month => none.try_months(count),
        Unit::Quarter => none.try_months(count * 3),
        Unit::Year => none.try_years(count),
    }
    .ok()
}

/// `7d`, `2w`, `3m`, `1y`, `36h`, `90min`.
fn duration(text: &str) -> Option<(u16, Unit)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    Some((text[..digits].parse().ok()?, unit(&text[digits..])?))
}

fn unit(name: &str) -> Option<Unit> {
    match name {
        "min" | "mins" | "minute" | "minutes" => Some(Unit::Minute),
        "h" | "hr" | "hrs" | "hour" | "hours" => Some(Unit::Hour),
        "d" | "day" | "days" => Some(Unit::Day),
        "w" | "week" | "weeks" => Some(Unit::Week),
        "m" | "mo" | "month" | "months" => Some(Unit::Month),
        "q" | "quarter" | "quarters" => Some(Unit::Quarter),
        "y" | "yr" | "year" | "years" => Some(Unit::Year),
        _ => None,
    }
}

fn month_and_day(a: &str, b: &str) -> Option<(i8, i8)> {
    match (month(a), month(b)) {
        (Some(m), None) => Some((m, ordinal(b)?)),
        (None, Some(m)) => Some((m, ordinal(a)?)),
        _ => None,
    }
}

/// `5`, `5th`.
fn ordinal(text: &str) -> Option<i8> {
    let suffix = ["st", "nd", "rd", "th"].iter().find_map(|suffix| text.strip_suffix(suffix));
    number(suffix.unwrap_or(text))
}

fn month(name: &str) -> Option<i8> {
    Some(position(&MONTHS, name)? + 1)
}

fn weekday(name: &str) -> Option<Weekday> {
    Weekday::from_monday_zero_offset(position(&WEEKDAYS, name)?).ok()
}

/// The place of the name that begins with these three letters or more.
fn position(names: &[&str], start: &str) -> Option<i8> {
    let found = names.iter().position(|name| start.len() >= 3 && name.starts_with(start))?;
    i8::try_from(found).ok()
}

fn quarter(name: &str) -> Option<i8> {
    number(name.strip_prefix('q')?).filter(|quarter| (1..=4).contains(quarter))
}

fn year(text: &str) -> Option<i16> {
    let digits = text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok().filter(|year| *year > 0) } else { None }
}

/// A number of one or two digits.
fn number(text: &str) -> Option<i8> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{When, bounds};
    use jiff::{Timestamp, Zoned};

    /// Sunday afternoon in Berlin.
    fn now() -> Zoned {
        "2026-11-22T15:04:05+01:00[Europe/Berlin]".parse().expect("a time")
    }

    fn written(second: Option<i64>) -> String {
        let moment = |second| Timestamp::from_second(second).expect("in range").to_zoned(now().time_zone().clone());
        second.map_or(String::new(), |second| {
            let text = moment(second).strftime("%Y-%m-%dT%H:%M:%S").to_string();
            text.strip_suffix("T00:00:00").unwrap_or(&text).to_owned()
        })
    }

    fn check(when: When, text: &str, expected: &str) {
        let found = match bounds(when, text, &now()) {
            Some((from, to)) => format!("{}..{}", written(from), written(to)),
            None => "no date".to_owned(),
        };
        assert_eq!(found, expected, "{text}");
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
        let (from, to) = bounds(When::During, "2026-03-29", &now()).expect("a date");
        assert_eq!(to.zip(from).map(|(to, from)| to - from), Some(23 * 3600));
    }
}
