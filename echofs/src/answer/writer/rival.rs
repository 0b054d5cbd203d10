//! What another document says instead of the answer.

use echofs_query_lang::MONTHS;

use super::Writer;
use crate::answer::answerable;
use crate::answer::check::Support;
use crate::answer::question::Expected;
use crate::answer::span::{self, DAYS};
use crate::answer::text::{Token, tokens};

/// Share of a question that two sentences must hold each to be about the same thing.
const FULL: f32 = 0.8;

impl Writer<'_> {
    /// What another document says instead, where one number or time is asked for, and it speaks of all that is asked.
    pub(super) fn rival(&self, support: &Support) -> Option<(String, Support)> {
        let b = self.basis;
        let own = b.candidate(support.excerpt);
        let is_one = matches!(b.question.expected, Expected::Time | Expected::Number);
        if !is_one || own.sentences[support.sentence].cover < FULL {
            return None;
        }
        let said = tokens(own.text(support.sentence));
        let is_kind = |word: &Token| {
            let word_of = |row: &[&str]| row.contains(&word.lower.as_str());
            word.number || word_of(&DAYS) || word_of(&MONTHS)
        };
        let mut others = (0..b.excerpts.len()).filter(|e| b.candidate(*e).path != own.path);
        others.find_map(|excerpt| {
            let (candidate, best) = (b.candidate(excerpt), b.excerpts[excerpt].best);
            let (text, sentence) = (candidate.text(best), &candidate.sentences[best]);
            let spans = span::spans(&b.question, text, &sentence.tokens);
            let [span] = spans.as_slice() else { return None };
            let value = &text[span::measured(&b.question, text, span.clone())];
            let is_new = |word: &Token| is_kind(word) && !said.iter().any(|known| known.stem == word.stem);
            let support = Support { excerpt, sentence: best, share: 1.0, literal: true };
            let differs = sentence.cover >= FULL && tokens(value).iter().any(is_new);
            let holds = differs && self.probability(&support, value, None) >= answerable::THRESHOLD_WITHOUT;
            let day = candidate.day(best).map_or(String::new(), |day| format!(" of {}", day.strftime("%-d %B %Y")));
            holds.then(|| (format!("But \u{201c}{}\u{201d}{day} says {value}", candidate.title), support))
        })
    }
}
