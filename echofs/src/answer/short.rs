//! The short answer: the words of the evidence that answer, without the rest of what was said around them.

use std::ops::Range;

use echofs_indexer::facts::days_in;

use super::check::Support;
use super::question::{Expected, Question};
use super::relative;
use super::retrieve::{Excerpt, Gathered};
use super::span;
use super::text::{one_line, tokens};

/// A reply longer than this many words is narrowed to a span of the kind asked for.
const LONG: usize = 6;

/// The short answer in `claim`, as it stands in the sentence that bears it out where it does.
pub fn of_claim(
    claim: &str,
    support: &Support,
    question: &Question,
    gathered: &Gathered,
    excerpts: &[Excerpt],
) -> String {
    let sentence = gathered.candidates[excerpts[support.excerpt].candidate].text(support.sentence);
    let narrowed = narrow(question, claim);
    let found = span::find(sentence, narrowed).or_else(|| span::loosely(sentence, narrowed));
    let found = found.map(|at| &sentence[span::measured(question, sentence, at)]);
    one_line(trimmed(found.unwrap_or(narrowed)))
}

/// A span of the kind asked for within a long reply, else the reply.
fn narrow<'a>(question: &Question, reply: &'a str) -> &'a str {
    let words = tokens(reply);
    let exact = matches!(question.expected, Expected::Time | Expected::Number | Expected::Person | Expected::Place);
    let long = words.len() > LONG || words.iter().any(|w| question.has(&w.stem));
    let spans = if exact && long { span::spans(question, reply, &words) } else { Vec::new() };
    match spans.as_slice() {
        [one] => &reply[one.clone()],
        _ => unasked(question, reply),
    }
}

/// Without the words at its beginning that repeat the question ("It was founded in 911" to "911").
fn unasked<'a>(question: &Question, reply: &'a str) -> &'a str {
    let words = tokens(reply);
    let said = |i: usize| words[i].is_stop() || question.has(&words[i].stem);
    let repeats = words.iter().filter(|w| question.has(&w.stem)).count();
    let lead = (0..words.len()).take_while(|&i| said(i)).count();
    let long = words.len() > LONG && repeats >= 2 && lead > 1 && lead < words.len();
    let reply = if long { &reply[words[lead].at.start..] } else { reply };
    without_class(question, reply)
}

/// "quiescent stance" to "quiescent" when the question asks "what stance".
fn without_class<'a>(question: &Question, reply: &'a str) -> &'a str {
    let words = tokens(reply);
    match words.as_slice() {
        [.., before, last] if !last.capital && question.class.as_ref() == Some(&last.stem) && !before.is_stop() => {
            &reply[..before.at.end]
        }
        _ => reply,
    }
}

/// Without articles and prepositions in front and marks at the end.
fn trimmed(text: &str) -> &str {
    let text = text
        .trim_matches(|c: char| c.is_whitespace() || matches!(c, '.' | ',' | ';' | ':' | '"' | '“' | '”' | '*' | '`'));
    let text = text.split_once('"').filter(|(_, after)| !after.contains('"')).map_or(text, |(before, _)| before);
    let words = tokens(text);
    const LEADS: [&str; 12] = ["the", "a", "an", "in", "on", "at", "by", "from", "to", "with", "as", "for"];
    let first = words.iter().position(|w| !LEADS.contains(&w.lower.as_str()) || w.capital && w.at.start > 0);
    first.map_or(text, |first| &text[words[first].at.start.min(start_of_signs(text, words[first].at.start))..])
}

/// Where signs that belong to the word at `start` begin (`$5`, `"word`).
fn start_of_signs(text: &str, start: usize) -> usize {
    let signs: usize = text[..start].chars().rev().take_while(|c| !c.is_whitespace()).map(char::len_utf8).sum();
    start - signs
}

/// Whether an answer only repeats words of the question, which does not offer a choice and does not ask for yes or no.
pub fn echoes(question: &Question, short: &str) -> bool {
    let choice = question.expected == Expected::Verdict || question.text.contains(" or ");
    !choice && tokens(short).iter().all(|w| w.is_stop() || question.has(&w.stem))
}

/// A time that is said from where its sentence stands, as others understand it; the other short answers as they are.
pub fn told(short: String, support: &Support, question: &Question, gathered: &Gathered, excerpts: &[Excerpt]) -> Told {
    let candidate = &gathered.candidates[excerpts[support.excerpt].candidate];
    let written = candidate.day(support.sentence).filter(|_| question.expected == Expected::Time);
    let sentence = candidate.text(support.sentence);
    let said = |day| if days_in(&short, None).first() == Some(&day) { sentence } else { &short };
    match written.and_then(|day| Some((day, said(day), relative::absolute(said(day), day)?))) {
        Some((day, said, absolute)) => {
            let text = format!("{absolute} (\u{201c}{}\u{201d} on {})", one_line(said), day.strftime("%-d %B %Y"));
            Told { short: absolute, text: Some(text) }
        }
        None => Told { short, text: None },
    }
}

/// A short answer and, where its words alone would not say why, the sentence to say it with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The few words asked for.
    pub short: String,
    /// What to say in place of the claim.
    pub text: Option<String>,
}

/// Without a model: the span of the best sentence that fits, else the sentence.
pub fn extracted(question: &Question, gathered: &Gathered, excerpts: &[Excerpt]) -> Option<(Support, String)> {
    let placed = |(i, e): (usize, &Excerpt)| {
        let candidate = &gathered.candidates[e.candidate];
        let text = candidate.text(e.best);
        let span: Option<Range<usize>> = span::best(question, &gathered.weights, text);
        let support = Support { excerpt: i, sentence: e.best, share: 1.0, literal: true };
        let fits = span.is_some();
        let short = span.map_or_else(|| one_line(text), |at| one_line(trimmed(&text[at])));
        (support, short, candidate.sentences[e.best].score + if fits { 0.05 } else { 0.0 })
    };
    let best = excerpts
        .iter()
        .enumerate()
        .map(placed)
        .max_by(|a, b| a.2.total_cmp(&b.2).then(b.0.excerpt.cmp(&a.0.excerpt)))?;
    Some((best.0, best.1))
}

#[cfg(test)]
mod tests {
    use super::{echoes, narrow, trimmed};
    use crate::answer::question::Question;

    #[test]
    fn short_answers_are_short() {
        let check = |question: &str, reply: &str, expected: &str| {
            assert_eq!(trimmed(narrow(&Question::new(question), reply)), expected, "{reply}");
        };
        check("When was the duchy founded?", "The duchy was founded in 911 by Rollo", "911");
        check("Who wrote the report?", "the report was written by Anna Berg.", "Anna Berg");
        check("Which stance did they take?", "quiescent stance", "quiescent");
        check("Which court decides?", "European Court of Justice", "European Court of Justice");
        check("How much did the roof cost?", "$3 million", "$3 million");
        check("Where is the key?", "behind the clock", "behind the clock");
        check("Why did we move?", "the roof leaked", "roof leaked");
    }

    #[test]
    fn a_reply_that_repeats_the_question_is_no_answer() {
        assert!(echoes(&Question::new("what is near the old mill?"), "the old mill"));
        assert!(!echoes(&Question::new("is it red or blue?"), "blue"));
        assert!(!echoes(&Question::new("what is near the old mill?"), "the pond"));
    }
}
