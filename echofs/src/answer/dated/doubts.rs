//! What speaks against the day that a fact gives: other sentences that were found for the question, and what its own stands in.

use echofs_indexer::facts::days_in;
use echofs_query_lang::MONTHS;
use jiff::civil::Date;

use super::{Dated, When, is};
use crate::answer::relative;
use crate::answer::retrieve::{Candidate, Gathered};
use crate::answer::span::is_year;
use crate::answer::text::{Token, tokens};

/// Share of a question that another sentence must hold for what it says to count against a fact.
const HALF: f32 = 0.5;

/// Whether another sentence has another day, or says that nothing came of it; or what is told may be of another day than the
/// note that tells it.
pub fn are_there(when: &When, gathered: &Gathered, dated: &Dated) -> bool {
    let all = || gathered.candidates.iter();
    let mut sentences = all().flat_map(|candidate| (0..candidate.sentences.len()).map(move |n| (candidate, n)));
    sentences.any(|(candidate, n)| speaks_against(when, candidate, n, dated))
        || dated.of_document && !all().any(|candidate| tells_its_own_day(candidate, dated))
}

fn speaks_against(when: &When, candidate: &Candidate, n: usize, dated: &Dated) -> bool {
    let (text, sentence, written) = (candidate.text(n), &candidate.sentences[n], candidate.day(n));
    let same = text.contains(&dated.quote) || dated.quote.contains(text);
    match (sentence.cover >= HALF, same) {
        (false, _) => false,
        // The same words of another day.
        (true, true) => dated.of_document && written.is_some_and(|day| day != dated.day),
        (true, false) => {
            let days = days_in(text, written);
            !days.is_empty() && !days.contains(&dated.day) || when.is_called_off(&sentence.tokens)
        }
    }
}

/// Whether this is the passage of the quotation, and neither what stands above it nor before it names another time.
fn tells_its_own_day(candidate: &Candidate, dated: &Dated) -> bool {
    let text = &candidate.passage.text;
    let place = (candidate.path == dated.path).then(|| text.find(&dated.quote)).flatten();
    place.is_some_and(|at| {
        let above = [candidate.title.as_str(), &candidate.passage.heading];
        !above.into_iter().chain(text[..at].lines()).any(|line| names_another_time(line, dated.day))
    })
}

fn names_another_time(text: &str, day: Date) -> bool {
    let other = |word: &Token| match word.capital && is(word, &MONTHS) {
        true => word.lower != MONTHS[day.month() as usize - 1],
        false => is_year(word) && word.lower != day.year().to_string(),
    };
    days_in(text, Some(day)).iter().any(|named| *named != day)
        || tokens(text).iter().any(other)
        || relative::absolute(text, day).is_some()
}
