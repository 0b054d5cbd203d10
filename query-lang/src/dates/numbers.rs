//! Dates and moments in numbers.

use jiff::civil::{Date, DateTime};
use jiff::{Span, Timestamp, Zoned};

use super::stretch::{Stretch, Unit, day, of_unit};

/// `2026-03-15T10:30`, with or without seconds and offset.
pub fn moment(text: &str, now: &Zoned) -> Option<Stretch> {
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
pub fn numbers(text: &str, now: &Zoned) -> Option<Stretch> {
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

pub fn year(text: &str) -> Option<i16> {
    let digits = text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok().filter(|year| *year > 0) } else { None }
}

/// A number of one or two digits.
pub fn number(text: &str) -> Option<i8> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}
