//! The days that a sentence names, also those without a year.

use jiff::ToSpan;
use jiff::civil::Date;

use super::dates;

/// Days in `text`, in order. One without a year is the first that does not lie far before `near`, the date of the document;
/// a month is its first day.
pub fn find(text: &str, near: Option<Date>) -> Vec<Date> {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || "(),;<>[]\"*".contains(c)).filter(|w| !w.is_empty()).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match at_start(&words[at..], near) {
            Some((date, length)) => {
                found.push(date);
                at += length;
            }
            None => at += 1,
        }
    }
    found
}

/// The day that the first of these words begin to name, and how many they are.
fn at_start(words: &[&str], near: Option<Date>) -> Option<(Date, usize)> {
    let plain = |at: usize| words.get(at).map(|word| word.trim_end_matches(['.', ':', '!']).to_lowercase());
    let (first, second) = (plain(0)?, plain(1).unwrap_or_default());
    if first.len() >= 10 && first.as_bytes()[4] == b'-' {
        return dates::parse(&first).map(|date| (date, 1));
    }
    let whole = [first.as_str(), &second, &plain(2).unwrap_or_default()].join(" ");
    if let Some(date) = dates::parse(&whole).filter(|_| !second.is_empty()) {
        return Some((date, 3));
    }
    match (dates::day(&first), dates::month(&first)) {
        (Some(day), _) => Some((in_year(dates::month(&second)?, day, near?)?, 2)),
        (None, Some(month)) => match dates::day(&second) {
            Some(day) => Some((in_year(month, day, near?)?, 2)),
            None => dates::parse(&format!("{first} {second}")).map(|date| (date, 2)),
        },
        (None, None) if first == "christmas" => Some((in_year(12, 24, near?)?, 1)),
        (None, None) => None,
    }
}

/// This day in the year in which it is first met, seen from two months before `near`.
fn in_year(month: i8, day: i8, near: Date) -> Option<Date> {
    let from = near.checked_sub(2.months()).ok()?;
    let in_year = |year: i16| Date::new(year, month, day).ok();
    in_year(from.year()).filter(|date| *date >= from).or_else(|| in_year(from.year() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_found_in_sentences() {
        let check = |text: &str, want: &[&str]| {
            let near = "2026-09-14".parse().ok();
            let got: Vec<String> = find(text, near).iter().map(Date::to_string).collect();
            assert_eq!(got, want, "{text}");
        };
        check(
            "you may hand in the report on Friday 16 October instead of 30 September.",
            &["2026-10-16", "2026-09-30"],
        );
        check("The board decides about the path on 10 December.", &["2026-12-10"]);
        check("Both expire in January 2027.", &["2027-01-01"]);
        check("due 2026-12-01, DEADLINE: <2026-12-02 Tue>", &["2026-12-01", "2026-12-02"]);
        check("since July 12, 2006 and the 3rd of May", &["2006-07-12"]);
        check("on 9 March, before Christmas", &["2027-03-09", "2026-12-24"]);
        check("he may come in 2 weeks at 10", &[]);
        assert_eq!(find("on 9 March", None), []);
    }
}
