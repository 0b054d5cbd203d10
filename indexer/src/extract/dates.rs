//! Stated dates, as people and programs write them, to ISO 8601.

use echofs_query_lang::MONTHS;
use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, Zoned};

/// A date or date-time in ISO 8601; `None` when the text is not surely one.
pub fn iso(text: &str) -> Option<String> {
    let text = text.trim().trim_matches(['"', '\'', '<', '>', '[', ']']).trim();
    if text.is_empty() || text.len() > 80 {
        return None;
    }
    let plausible = |date: Date| (1000..=2999).contains(&date.year());
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.to_string());
    }
    if text.len() > 10 {
        if let Ok(at) = text.parse::<Zoned>() {
            return Some(at.timestamp().to_string());
        }
        let civil = text.replacen(' ', "T", 1);
        if let Ok(at) = text.parse::<DateTime>().or_else(|_| civil.parse()) {
            return plausible(at.date()).then(|| at.to_string());
        }
        if let Ok(at) = jiff::fmt::rfc2822::parse(text) {
            return Some(at.timestamp().to_string());
        }
    }
    let date = text.parse::<Date>().ok().or_else(|| worded(text))?;
    plausible(date).then(|| date.to_string())
}

/// `2024/03/01`, `1 March 2024`, `March 1, 2024`, `2024-03-01 Fri 10:00`, `March 2024`.
fn worded(text: &str) -> Option<Date> {
    let words: Vec<&str> = text.split([' ', ',', '/', '.', '-', '<', '>']).filter(|w| !w.is_empty()).collect();
    let number = |word: &str| word.trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse::<i16>().ok();
    match words.as_slice() {
        [year, month, day, ..] if year.len() == 4 && number(year).is_some() => {
            date(number(year)?, number(month)?, number(day)?)
        }
        [day, name, year, ..] if month(name).is_some() => date(number(year)?, month(name)?, number(day)?),
        [name, day, year, ..] if month(name).is_some() => date(number(year)?, month(name)?, number(day)?),
        [name, year] => date(number(year)?, month(name)?, 1),
        _ => None,
    }
}

fn date(year: i16, month: i16, day: i16) -> Option<Date> {
    Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()
}

fn month(name: &str) -> Option<i16> {
    let name = name.to_ascii_lowercase();
    let at = MONTHS.iter().position(|month| name.starts_with(&month[..3]))?;
    i16::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_many_forms() {
        let check = |text: &str, want: &str| assert_eq!(iso(text).as_deref(), Some(want), "{text}");
        check("2024-03-01", "2024-03-01");
        check("\"2024-03-01\"", "2024-03-01");
        check("2024/3/1", "2024-03-01");
        check("1 March 2024", "2024-03-01");
        check("March 1st, 2024", "2024-03-01");
        check("<2024-03-01 Fri>", "2024-03-01");
        check("2024-03-01T10:20:30Z", "2024-03-01T10:20:30Z");
        check("2024-03-01 10:20:30", "2024-03-01T10:20:30");
        check("Fri, 1 Mar 2024 10:20:30 +0100", "2024-03-01T09:20:30Z");
        for no in ["", "soon", "12", "yesterday", "May day", "\\today"] {
            assert_eq!(iso(no), None, "{no}");
        }
    }
}
