//! Questions that are asked again and again: on more days than those of a history in which every question is as likely.
//!
//! Only questions that were asked are seen, and of those that could have been asked more were never asked the fewer came
//! twice. How often one is asked by chance is therefore not the mean of what is seen but the one of which that mean is
//! what is left without the questions that never came (a Poisson distribution truncated at zero). The tail is truncated
//! in the same way.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::super::entry::Kind;
use super::{Event, LEAST, Pattern, binomial_tail, significant};

/// What is known of questions before any was asked: so many of them, each on two days.
const PRIOR: f64 = 10.0;
/// Halvings until a mean is as exact as a number can be.
const STEPS: usize = 60;

/// The days and the events of a question.
#[derive(Default)]
struct Asked<'a> {
    days: BTreeSet<Date>,
    events: Vec<&'a Event<'a>>,
}

/// The questions that recur.
pub fn find(events: &[Event]) -> Vec<Pattern> {
    let mut questions: BTreeMap<String, Asked> = BTreeMap::new();
    for event in events.iter().filter(|event| event.entry.kind == Kind::Interaction) {
        let asked = questions.entry(normalised(&event.entry.text)).or_default();
        asked.days.insert(event.date);
        asked.events.push(event);
    }
    let all: usize = questions.values().map(|asked| asked.days.len()).sum();
    let looked_at = questions.len();
    let often = questions.iter().filter(|(_, asked)| asked.days.len() >= LEAST);
    let pattern = |(text, asked): (&String, &Asked)| Pattern {
        id: format!("recurs:{text}"),
        text: format!("\"{}\" comes up again and again", asked.events.last().map_or("", |e| e.entry.text.as_str())),
        count: asked.days.len(),
        of: all,
        p: chance(asked.days.len(), all, looked_at),
        entries: asked.events.iter().map(|event| event.entry.seq).collect(),
    };
    significant(often.map(pattern).collect(), looked_at).collect()
}

/// The probability that a question that was asked at all is asked on `days` or more of `all` days on which one of so many
/// questions was.
fn chance(days: usize, all: usize, questions: usize) -> f64 {
    let others = (all - days) as f64 + 2.0 * PRIOR;
    let usual = mean_with_unseen(others / ((questions - 1) as f64 + PRIOR));
    let ever = -(-usual).exp_m1();
    (binomial_tail(days, all, (usual / all as f64).min(1.0)) / ever).min(1.0)
}

/// The mean of a Poisson distribution whose values above zero have the mean `seen`, which is above one.
fn mean_with_unseen(seen: f64) -> f64 {
    let (mut low, mut high) = (0.0, seen);
    for _ in 0..STEPS {
        let middle = (low + high) / 2.0;
        if middle < seen * -(-middle).exp_m1() { low = middle } else { high = middle }
    }
    high
}

/// What makes two questions the same: their words.
pub fn normalised(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_corrected_for_what_was_never_asked() {
        for mean in [0.01, 0.5, 1.0, 3.0] {
            let seen = mean / -f64::exp_m1(-mean);
            assert!((mean_with_unseen(seen) - mean).abs() < 1e-6, "{mean}");
        }
    }

    #[test]
    fn what_is_asked_often_by_all_is_no_pattern() {
        // Ten questions, each on six of the days; ninety that were asked once, and one on six days.
        assert!(chance(6, 60, 10) > 0.1);
        assert!(chance(6, 96, 91) * 91.0 * 5.0 < 0.01);
        // Little is known of few questions.
        assert!(chance(4, 8, 5) * 25.0 > 0.01);
    }
}
