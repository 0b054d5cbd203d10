//! Stretches of time, and steps from one to the next.

use jiff::civil::Date;
use jiff::{Span, Zoned};

/// A stretch of time, `end` exclusive; one without an end reaches to now and on.
pub struct Stretch {
    pub start: Zoned,
    pub end: Option<Zoned>,
}

/// What time is counted in.
#[derive(Clone, Copy, PartialEq)]
pub enum Unit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// How many years there can be between two leap days.
const LEAP: i16 = 8;

/// The latest unit that has begun on that day of a year.
pub fn begun(unit: Unit, month: i8, day: i8, now: &Zoned) -> Option<Stretch> {
    let today = now.date();
    let mut days = (0..=LEAP).filter_map(|back| Date::new(today.year() - back, month, day).ok());
    of_unit(unit, days.find(|date| *date <= today)?, now)
}

pub fn day(year: i16, month: i8, day: i8, now: &Zoned) -> Option<Stretch> {
    of_unit(Unit::Day, Date::new(year, month, day).ok()?, now)
}

/// The whole unit that begins on `first`.
pub fn of_unit(unit: Unit, first: Date, now: &Zoned) -> Option<Stretch> {
    let zone = now.time_zone();
    let start = first.to_zoned(zone.clone()).ok()?;
    let end = shift(first, unit, 1)?.to_zoned(zone.clone()).ok()?;
    Some(Stretch { start, end: Some(end) })
}

/// The calendar unit `steps` after the current one.
pub fn calendar(unit: Unit, steps: i64, now: &Zoned) -> Option<Stretch> {
    if let Unit::Minute | Unit::Hour = unit {
        let start = now.checked_add(span(unit, steps)?).ok()?;
        let end = start.checked_add(span(unit, 1)?).ok()?;
        return Some(Stretch { start, end: Some(end) });
    }
    of_unit(unit, shift(first_of(unit, now.date())?, unit, steps)?, now)
}

/// The last `count` units up to now.
pub fn rolling(count: u16, unit: Unit, now: &Zoned) -> Option<Stretch> {
    let start = now.checked_add(span(unit, -i64::from(count))?).ok()?;
    Some(Stretch { start, end: None })
}

pub fn first_of(unit: Unit, date: Date) -> Option<Date> {
    match unit {
        Unit::Minute | Unit::Hour | Unit::Day => Some(date),
        Unit::Week => shift(date, Unit::Day, -i64::from(date.weekday().to_monday_zero_offset())),
        Unit::Month => Some(date.first_of_month()),
        Unit::Quarter => Date::new(date.year(), (date.month() - 1) / 3 * 3 + 1, 1).ok(),
        Unit::Year => Some(date.first_of_year()),
    }
}

pub fn shift(date: Date, unit: Unit, steps: i64) -> Option<Date> {
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
