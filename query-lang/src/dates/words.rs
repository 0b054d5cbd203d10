//! Dates in words: those that count from now, and names of months, weekdays and quarters.

use jiff::Zoned;
use jiff::civil::{Date, ISOWeekDate, Weekday};

use super::numbers::{number, year};
use super::stretch::{Stretch, Unit, begun, calendar, day, first_of, of_unit, rolling, shift};

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

/// `last week`, `7d`, `march 2026`; words may be joined by `-` and `_`.
pub fn in_words(text: &str, now: &Zoned) -> Option<Stretch> {
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
        ["last" | "past" | "previous", count, name] => rolling(number_of(count)?, unit(name)?, now),
        [count, name, "ago"] => calendar(unit(name)?, -i64::from(number_of(count)?), now),
        [amount, "ago"] => {
            let (count, unit) = duration(amount)?;
            calendar(unit, -i64::from(count), now)
        }
        [count, name] => rolling(number_of(count)?, unit(name)?, now),
        [amount] => {
            let (count, unit) = duration(amount)?;
            rolling(count, unit, now)
        }
        _ => None,
    }
}

/// `3`, `a`.
fn number_of(word: &str) -> Option<u16> {
    match word {
        "a" | "an" | "one" => Some(1),
        _ => word.parse().ok(),
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
                return begun(Unit::Quarter, quarter * 3 - 2, 1, now);
            }
            begun(Unit::Month, month(name)?, 1, now)
        }
        [a, b] => match (year(a), year(b)) {
            (Some(y), None) => part_of_year(y, b, now),
            (None, Some(y)) => part_of_year(y, a, now),
            _ => {
                let (m, d) = month_and_day(a, b)?;
                begun(Unit::Day, m, d, now)
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
