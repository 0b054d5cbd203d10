//! What the owner had remembered is the owner's word: its facts win over those of other documents.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::dates;
use super::fact::{Found, LIKELY, Method};
use crate::Passage;

/// The statements of the note of remembered sentences. Those that a person would call facts are by the owner, learnt at the time
/// that stands before their sentence.
pub fn by_owner<'a>(found: Vec<Found>, passages: impl Iterator<Item = &'a Passage> + Clone) -> Vec<Found> {
    let line = |number: u32| {
        let mut within = passages.clone().filter(|passage| passage.line <= number);
        within.find_map(|passage| passage.text.lines().nth((number - passage.line) as usize))
    };
    let by_owner = |found: Found| match line(found.line).and_then(|line| time_before(line, &found.quote)) {
        Some(at) if found.confidence >= LIKELY => {
            let learnt = at.to_zoned(TimeZone::system()).ok().map(|at| at.timestamp());
            Found { method: Method::User, learnt, ..found }
        }
        _ => found,
    };
    found.into_iter().map(by_owner).collect()
}

/// The time that stands before the text of a line, if the line goes on with this quotation somewhere.
fn time_before(line: &str, quote: &str) -> Option<DateTime> {
    let text = dates::untimed(line.trim_start_matches(['-', ' ']));
    let written = dates::written(&line[..line.len() - text.len()]);
    written.filter(|_| text.contains(quote.lines().next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Document, facts};

    #[test]
    fn a_remembered_sentence_is_the_owners_word_from_its_time_on() {
        let text = "# Remembered\n\n- 2026-11-22 09:30: Oda Brekke lives in Bergen.\n- 2026-12-01 10:00: The mill is closed.\n\nOda Brekke owns a boat.\n";
        let passage = Passage { text: text.into(), line: 1, ..Passage::default() };
        let document = Document { title: "Remembered", media: "markdown", date: None, language: None };
        let found = by_owner(facts(&document, [&passage].into_iter()), [&passage].into_iter());
        let of = |object: &str| found.iter().find(|found| found.object == object).expect(object);
        let bergen = of("Bergen");
        assert_eq!(
            (bergen.method, bergen.quote.as_str(), bergen.line),
            (Method::User, "Oda Brekke lives in Bergen.", 3)
        );
        assert_eq!(bergen.valid_from, "2026-11-22".parse().ok());
        let learnt = bergen.learnt.expect("a time").to_zoned(TimeZone::system()).datetime();
        assert_eq!(learnt.to_string(), "2026-11-22T09:30:00");
        assert_eq!(of("closed").valid_from, "2026-12-01".parse().ok());
        assert_eq!((of("a boat").method, of("a boat").learnt), (Method::Rule, None), "not by `remember`");
    }
}
