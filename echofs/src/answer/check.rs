//! Claims: what a model writes, cut into statements and held against the passages they cite.

use echofs_indexer::facts::days_in;

use super::answerable::HELD;
use super::opposites::{negated, opposed};
use super::question::{Expected, Question, Sort, Term};
use super::relative;
use super::retrieve::{Excerpt, Gathered, matches, weighed};
use super::sentences::sentences;
use super::span;
use super::text::{Token, likeness, one_line, tokens};

/// Share of a claim's words that its passage must hold.
const BORNE_OUT: f32 = 0.65;
/// The same of what stands around a sentence that holds nothing of the question itself.
const MOST: f32 = 0.85;
/// Share of what a claim repeats of the question that its excerpt need not hold.
const UNSAID: f32 = 0.25;
/// Share of a question that a sentence must hold to be about it.
const HALF: f32 = 0.5;

/// The statements of a generated text: its sentences, without marks of citations.
pub fn claims(text: &str) -> Vec<String> {
    let sentences = text.lines().flat_map(|line| sentences(line).into_iter().map(move |at| &line[at]));
    sentences.map(without_marks).filter(|claim| claim.contains(char::is_alphanumeric)).collect()
}

fn without_marks(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(open) = rest.find('[') {
        let inside = rest[open + 1..].find(|c: char| !c.is_ascii_digit() && c != ',' && c != ' ');
        let close = inside.map(|i| open + 1 + i).filter(|&i| rest[i..].starts_with(']') && i > open + 1);
        let end = close.map_or(open + 1, |i| i + 1);
        text.push_str(if close.is_some() { &rest[..open] } else { &rest[..end] });
        rest = &rest[end..];
    }
    text.push_str(rest);
    let text = one_line(&text).replace(" .", ".").replace(" ,", ",");
    text.trim_matches(|c: char| c.is_whitespace() || c == '*' || c == '`').to_owned()
}

/// Where a claim is borne out.
#[derive(Clone, Debug, PartialEq)]
pub struct Support {
    /// Index of the excerpt.
    pub excerpt: usize,
    /// Index of the sentence in its candidate.
    pub sentence: usize,
    /// Share of the claim's words in that sentence, 0 to 1.
    pub share: f32,
    /// Whether the claim's words stand there one after the other.
    pub literal: bool,
}

/// The sentence that bears `claim` out best; `None` when there is none.
pub fn support(claim: &str, question: &Question, gathered: &Gathered, excerpts: &[Excerpt]) -> Option<Support> {
    let words = tokens(claim);
    if question.expected == Expected::Verdict && words.iter().all(|w| matches!(w.lower.as_str(), "yes" | "no")) {
        return verdict(words.first()?.lower == "yes", question, gathered, excerpts.first()?);
    }
    let judged =
        excerpts.iter().enumerate().flat_map(|(i, excerpt)| judged(claim, &words, question, gathered, (i, excerpt)));
    let best = judged.max_by(|(a, a_score), (b, b_score)| {
        a.literal.cmp(&b.literal).then((a.share + a_score).total_cmp(&(b.share + b_score)))
    });
    best.map(|(support, _)| support).or_else(|| dated(claim, question, gathered, excerpts))
}

/// The sentences of an excerpt that bear a claim out, with their scores.
fn judged(
    claim: &str,
    words: &[Token],
    question: &Question,
    gathered: &Gathered,
    (number, excerpt): (usize, &Excerpt),
) -> Vec<(Support, f32)> {
    let candidate = &gathered.candidates[excerpt.candidate];
    let around = candidate.around();
    let context: Vec<&Token> = excerpt.sentences.iter().flat_map(|&s| &candidate.sentences[s].tokens).collect();
    let held = matches(question, context.iter().copied().chain(&around));
    if !repeats_rightly(words, question, gathered, &held) {
        return Vec::new();
    }
    // A sentence that holds nothing of the question may stand under a title that says it.
    let titled = weighed(&gathered.weights, &matches(question, around.iter())) >= MOST;
    let one = |&s: &usize| {
        let sentence = &candidate.sentences[s];
        let share = share(words, question, &sentence.tokens, &context).filter(|_| titled || sentence.cover > 0.0)?;
        let literal = span::find(candidate.text(s), claim).is_some();
        Some((Support { excerpt: number, sentence: s, share, literal }, sentence.score))
    };
    excerpt.sentences.iter().filter_map(one).collect()
}

/// Whether most of what a claim repeats of the question, by weight, is `held` by the excerpt or what stands around it: what is
/// said of another thing than the one asked for is not borne out by being worded like the question.
fn repeats_rightly(claim: &[Token], question: &Question, gathered: &Gathered, held: &[f32]) -> bool {
    let terms = question.terms.iter().zip(held).zip(&gathered.weights);
    let repeated = terms.filter(|((term, _), _)| claim.iter().any(|word| word.stem == term.stem));
    let (mut all, mut missing) = (0.0, 0.0);
    for ((_, held), weight) in repeated {
        all += weight;
        missing += if *held < HELD { *weight } else { 0.0 };
    }
    missing <= UNSAID * all
}

/// The best sentence, where it speaks of what is asked and does not say the contrary of a bare "yes" or "no".
fn verdict(yes: bool, question: &Question, gathered: &Gathered, excerpt: &Excerpt) -> Option<Support> {
    let candidate = &gathered.candidates[excerpt.candidate];
    let sentence = &candidate.sentences[excerpt.best];
    let around = candidate.around();
    let held = matches(question, sentence.tokens.iter().chain(&around));
    let strict = |term: &Term| matches!(term.sort, Sort::Name | Sort::Number);
    let lacks = question.terms.iter().zip(&held).any(|(term, held)| strict(term) && *held < HELD);
    let asked = tokens(&question.text);
    let denied = negated(&asked) != negated(&sentence.tokens) || opposed(&asked, &sentence.tokens);
    // Another name or number than the one asked about is a "no" as well.
    let fits = if yes { !denied && !lacks } else { denied || lacks };
    (fits && weighed(&gathered.weights, &held) >= HALF).then_some(Support {
        excerpt: 0,
        sentence: excerpt.best,
        share: 1.0,
        literal: false,
    })
}

/// Each sentence of each excerpt: the excerpt's index, and the sentence's in its candidate.
fn sentences_of(excerpts: &[Excerpt]) -> impl Iterator<Item = (usize, usize)> {
    excerpts.iter().enumerate().flat_map(|(i, e)| e.sentences.iter().map(move |&s| (i, s)))
}

/// The sentence that a claim of a day alone rests on: one that was written then, or that says that day from where it stands.
/// (A model that is told the day of a sentence with "yesterday" likes to give that day.)
fn dated(claim: &str, question: &Question, gathered: &Gathered, excerpts: &[Excerpt]) -> Option<Support> {
    let day = days_in(claim, None).into_iter().next().filter(|_| question.expected == Expected::Time)?;
    let held = sentences_of(excerpts).filter(|&(i, s)| {
        let candidate = &gathered.candidates[excerpts[i].candidate];
        let said = candidate.day(s).map(|written| match relative::absolute(candidate.text(s), written) {
            Some(told) => written == day || days_in(&told, None).contains(&day),
            None => candidate.turn(s).is_some() && written == day,
        });
        said == Some(true)
    });
    let score = |&(i, s): &(usize, usize)| gathered.candidates[excerpts[i].candidate].sentences[s].score;
    let (excerpt, sentence) = held.max_by(|a, b| score(a).total_cmp(&score(b)))?;
    Some(Support { excerpt, sentence, share: 1.0, literal: false })
}

/// Share of the claim's content words that the sentence holds; `None` when that is too little, or when a number or
/// a name that the question does not say is missing from it.
fn share(claim: &[Token], question: &Question, sentence: &[Token], context: &[&Token]) -> Option<f32> {
    let content: Vec<&Token> = claim.iter().filter(|w| !w.is_stop() || w.number).collect();
    if content.is_empty() {
        return None;
    }
    let among = |word: &Token, words: &mut dyn Iterator<Item = &Token>| {
        words.map(|w| likeness(&word.stem, &w.stem)).fold(0.0, f32::max)
    };
    let missing = content.iter().filter(|w| !question.has(&w.stem)).any(|word| {
        let strict = word.number || word.capital && word.at.start > 0;
        // What stands beside the sentence may be there to be repeated.
        strict && among(word, &mut sentence.iter()) < 0.6
    });
    let new: Vec<&&Token> = content.iter().filter(|w| !question.has(&w.stem)).collect();
    let judged: Vec<&Token> = if new.is_empty() { content.clone() } else { new.into_iter().copied().collect() };
    let held =
        |words: &mut dyn FnMut(&Token) -> f32| judged.iter().map(|w| words(w)).sum::<f32>() / judged.len() as f32;
    let own = held(&mut |w| among(w, &mut sentence.iter()));
    let near = held(&mut |w| among(w, &mut context.iter().copied()));
    let share = if own >= 0.4 { own.max(0.9 * near) } else { own };
    (!missing && share >= BORNE_OUT).then_some(share)
}

#[cfg(test)]
mod tests {
    use super::claims;

    #[test]
    fn claims_are_cut_at_sentences_and_lines() {
        assert_eq!(claims("Denver Broncos [1]"), ["Denver Broncos"]);
        assert_eq!(claims("We chose SQLite [1]. It is small [2, 3].\n"), ["We chose SQLite.", "It is small."]);
        assert_eq!(claims("It is [old] and [\n\n"), ["It is [old] and ["]);
        assert_eq!(claims("\u{1b}[31mred\u{7} [1]"), ["[31mred"]);
        assert_eq!(claims("  [1] \n").len(), 0);
    }
}
