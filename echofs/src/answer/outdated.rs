//! Whether a sentence says of itself that it does not hold any more: "until August", "first booked from", "2025: ..." asked in
//! 2026. Small models like to answer from it all the same.

use echofs_indexer::facts::days_in;
use echofs_query_lang::MONTHS;
use jiff::ToSpan;
use jiff::civil::Date;

use super::text::{Token, tokens};

/// The word after which a time is one that ends something.
const UNTIL: [&str; 4] = ["until", "till", "bis", "jusqu"];
/// What begins a sentence on how things were.
const ONCE: [&str; 6] = ["first", "originally", "formerly", "previously", "once", "initially"];
/// What may stand before a month.
const PARTS: [&str; 9] = ["the", "beginning", "middle", "end", "of", "early", "mid", "late", "last"];
/// Words after "until" that may belong to its time.
const NEAR: usize = 6;

/// `written` is the day of the sentence, where that is known; `this_year`, that the question is about this year.
pub fn is_outdated(sentence: &str, written: Option<Date>, today: Date, this_year: bool) -> bool {
    let words = tokens(sentence);
    let begins = words.first().is_some_and(|word| ONCE.contains(&word.lower.as_str()));
    begins || ended(sentence, &words, written, today) || this_year && of_a_past_year(&words, today)
}

/// Whether it holds until a time that is over.
fn ended(sentence: &str, words: &[Token], written: Option<Date>, today: Date) -> bool {
    let over = |at: usize| {
        let near = &words[at + 1..words.len().min(at + 1 + NEAR)];
        let said = near.last().map_or("", |last| &sentence[words[at].at.end..last.at.end]);
        match days_in(said, written).first() {
            // A month is over when its last day is.
            Some(day) => {
                day.checked_add(if day.day() == 1 { 1.month() } else { 1.day() }).is_ok_and(|end| end <= today)
            }
            None => match year(near) {
                Some(year) => year < today.year(),
                // A month of no year, by somebody who knew which one.
                None => {
                    let named = near.iter().find(|word| !PARTS.contains(&word.lower.as_str()));
                    named.is_some_and(|word| MONTHS.contains(&word.lower.as_str()))
                }
            },
        }
    };
    (0..words.len()).any(|at| UNTIL.contains(&words[at].lower.as_str()) && over(at))
}

/// Whether all years that it names are over.
fn of_a_past_year(words: &[Token], today: Date) -> bool {
    let mut years = words.iter().filter_map(|word| year(std::slice::from_ref(word))).peekable();
    years.peek().is_some() && years.all(|year| year < today.year())
}

fn year(words: &[Token]) -> Option<i16> {
    let number =
        words.iter().filter(|word| word.number && word.lower.len() == 4).find_map(|word| word.lower.parse().ok());
    number.filter(|year| (1900..2100).contains(year))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sentence: &str, now: bool, expected: bool) {
        let day = |text: &str| text.parse().expect("a day");
        assert_eq!(is_outdated(sentence, Some(day("2026-09-21")), day("2026-11-20"), now), expected, "{sentence}");
    }

    #[test]
    fn what_has_ended_is_outdated() {
        check("Dentist, until August: 01632 960114.", false, true);
        check("Euan McKie, drums, until August 2026; he has gone to Bergen", false, true);
        check("The code is 2580 until 31 May 2026.", false, true);
        check("The code is 2580 until 31 May 2027.", false, false);
        check("We may stay until November 2026.", false, false);
        check("Stir until it is smooth.", false, false);
        check("Open until 8 pm, in May until 6.", false, false);
    }

    #[test]
    fn how_it_was_at_first_is_outdated() {
        check("First booked from 4 to 18 July.", false, true);
        check("Originally the slab was larger.", false, true);
        check("The first slab was larger.", false, false);
    }

    #[test]
    fn another_year_is_outdated_where_this_one_is_asked_for() {
        check("Day rate 2025: £380", true, true);
        check("Day rate 2025: £380", false, false);
        check("Day rate from 1 January 2026: £420", true, false);
        check("From 2025 to 2027 it is £420", true, false);
        check("It takes 45 minutes", true, false);
    }
}
