//! Times that are said from where the writer stands, "yesterday" or "two weeks ago", as times that a reader of another day
//! understands.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::text::{Token, tokens};

/// What the first such time in `text` means, for what was written on `day`: a day ("7 May 2023"), a month ("April 2023"), a
/// year, or a week or weekend seen from there ("the week before 8 May 2023"). `None` where there is none.
pub fn absolute(text: &str, day: Date) -> Option<String> {
    let words = tokens(text);
    let lower: Vec<&str> = words.iter().map(|word| word.lower.as_str()).collect();
    // A time with a year of its own is not relative.
    let dated = words.iter().any(|word| word.number && word.lower.len() == 4);
    if dated {
        return None;
    }
    (0..lower.len()).find_map(|at| said(&lower[at..], &words[at..], day))
}

/// What the words mean that begin here.
fn said(lower: &[&str], words: &[Token], day: Date) -> Option<String> {
    let on = |days: i64| day.checked_add(days.days()).ok().map(shown);
    match lower {
        ["the", "day", "before", "yesterday", ..] | ["day", "before", "yesterday", ..] => on(-2),
        ["the", "day", "after", "tomorrow", ..] | ["day", "after", "tomorrow", ..] => on(2),
        ["today" | "tonight", ..] | ["this", "morning" | "afternoon" | "evening", ..] => on(0),
        ["yesterday", ..] | ["last", "night", ..] => on(-1),
        ["tomorrow", ..] => on(1),
        [count, unit, "ago" | "back", ..] => earlier(number(count, &words[0])?, unit, day),
        ["last", unit, ..] => from_here(unit, day, -1),
        ["next", unit, ..] => from_here(unit, day, 1),
        ["this", unit @ ("week" | "weekend" | "month" | "year"), ..] => from_here(unit, day, 0),
        _ => None,
    }
}

/// As people write a day.
fn shown(day: Date) -> String {
    day.strftime("%-d %B %Y").to_string()
}

fn number(lower: &str, word: &Token) -> Option<i64> {
    const WORDS: [&str; 12] =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    let named = WORDS.iter().position(|name| *name == lower).map(|at| at as i64 + 1);
    let digits = || word.number.then(|| lower.parse().ok()).flatten().filter(|n| (1..=1000).contains(n));
    named.or_else(|| matches!(lower, "a" | "an").then_some(1)).or_else(digits)
}

/// "Two weeks ago": the day, as far as the words tell.
fn earlier(count: i64, unit: &str, day: Date) -> Option<String> {
    match unit {
        "day" | "days" => day.checked_sub(count.days()).ok().map(shown),
        "week" | "weeks" => {
            let weeks = if count == 1 { "the week".to_owned() } else { format!("{count} weeks") };
            Some(format!("{weeks} before {}", shown(day)))
        }
        "weekend" | "weekends" => from_here("weekend", day, -1),
        "month" | "months" => day.checked_sub(count.months()).ok().map(month),
        "year" | "years" => day.checked_sub(count.years()).ok().map(|day| day.year().to_string()),
        _ => None,
    }
}

fn month(day: Date) -> String {
    day.strftime("%B %Y").to_string()
}

/// "Last week", "next Friday".
fn from_here(unit: &str, day: Date, way: i64) -> Option<String> {
    let side = if way < 0 { "before" } else { "after" };
    match unit {
        "week" | "weekend" if way == 0 => Some(format!("the {unit} of {}", shown(day))),
        "week" | "weekend" => Some(format!("the {unit} {side} {}", shown(day))),
        "month" => day.checked_add(way.months()).ok().map(month),
        "year" => day.checked_add(way.years()).ok().map(|day| day.year().to_string()),
        _ => day.nth_weekday(i32::try_from(way).ok()?, weekday(unit)?).ok().map(shown),
    }
}

fn weekday(name: &str) -> Option<Weekday> {
    Some(match name {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::absolute;

    #[test]
    fn times_are_told_from_the_day_of_writing() {
        // A Monday.
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(absolute(text, date(2023, 5, 8)).as_deref(), expected, "{text}");
        };
        check("yesterday", Some("7 May 2023"));
        check("I went there last night", Some("7 May 2023"));
        check("the day before yesterday", Some("6 May 2023"));
        check("tomorrow", Some("9 May 2023"));
        check("this morning", Some("8 May 2023"));
        check("three days ago", Some("5 May 2023"));
        check("a week ago", Some("the week before 8 May 2023"));
        check("2 weeks ago", Some("2 weeks before 8 May 2023"));
        check("last weekend", Some("the weekend before 8 May 2023"));
        check("Last month", Some("April 2023"));
        check("next month", Some("June 2023"));
        check("two years ago", Some("2021"));
        check("last year", Some("2022"));
        check("last Friday", Some("5 May 2023"));
        check("next Monday", Some("15 May 2023"));
        check("this week", Some("the week of 8 May 2023"));
        check("since 2016, last year included", None);
        check("the last of them", None);
        check("in spring", None);
        check("", None);
    }
}
