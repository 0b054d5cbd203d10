//! Whether the notes hold the answer: a decision of its own, apart from what a model says.
//!
//! Small models answer nearly every question they are given passages for. So the decision is a logistic function of
//! what can be counted: how much of the question its evidence holds, which names and numbers it lacks, whether the
//! span found is of the kind asked for, whether the sentence says the opposite, and how probable the model itself held a
//! refusal. None of them alone is believed.

use echofs_inference::Completion;

use super::check::Support;
use super::opposites::{negated, opposed, rivalled};
use super::question::{Expected, Question, Sort};
use super::retrieve::{Candidate, Excerpt, Gathered, matches, weighed};
use super::span;
use super::text::{Token, tokens};
use super::turns;

/// Below this share of the question's words in every passage, and this likeness in meaning, no model is asked.
const HOPELESS: (f32, f32) = (0.3, 0.35);

/// From this likeness on a word of the question counts as said.
pub const HELD: f32 = 0.6;

/// What is counted, each about 0 to 1: the share of the question in the sentence; the weight of the heaviest term, and
/// of the heaviest name or number, that it and its neighbours lack; whether the span is of the wrong kind; whether only
/// one of question and sentence denies something; whether they say opposites or another number, day, side of the
/// same kind; the likeness in meaning of document and question; whether the answer stands there word for word; how
/// probable the model held it that there is no answer, and how sure it was of its words; how little it expected the
/// question after the passage, all of it and its three least expected tokens (a question about something else has words
/// that nothing prepares).
pub const FEATURES: usize = 12;

/// Weights of the features, and the constant last, with what a model says and without.
/// Fitted by logistic regression on development samples (questions of SQuAD 2.0, half of them without an answer, and those of
/// the sample vault) to whether an answer is right; with a model the mean of two fits, on different questions and with
/// prompts of different lengths.
const WITH_MODEL: [f32; FEATURES + 1] =
    [0.81, -0.15, -2.08, -1.22, -1.66, -2.09, 1.1, -0.28, -0.46, 3.48, -1.41, -1.4, -2.06];
const WITHOUT: [f32; FEATURES + 1] = [0.5, -2.3, -5.2, -2.0, -2.6, -2.2, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.55];

/// What stands for the likeness in meaning where it was not compared.
const USUAL_LIKENESS: f32 = 0.5;

/// What a model thought of its own reply.
#[derive(Clone, Copy, Debug)]
pub struct ModelView {
    /// Probability that the passages do not hold the answer.
    pub refusal: f32,
    /// Geometric mean of the probabilities of its tokens.
    pub confidence: f32,
    /// Mean surprisal of the question's tokens after the passage, in nats.
    pub surprisal: f32,
    /// The same of the three highest.
    pub peak: f32,
}

impl ModelView {
    /// Of an engine that does not tell.
    pub const USUAL: ModelView = ModelView { refusal: 0.05, confidence: 0.85, surprisal: 2.1, peak: 5.3 };

    /// What a completion tells; the usual where it does not.
    pub fn of(completion: &Completion) -> ModelView {
        let surprisal = &completion.surprisal;
        if completion.confidence <= 0.0 || surprisal.is_empty() {
            return ModelView::USUAL;
        }
        let mut highest = surprisal.clone();
        highest.sort_by(|a, b| b.total_cmp(a));
        highest.truncate(3);
        let mean = |all: &[f32]| all.iter().sum::<f32>() / all.len() as f32;
        ModelView {
            refusal: completion.refusal,
            confidence: completion.confidence,
            surprisal: mean(surprisal),
            peak: mean(&highest),
        }
    }
}

/// Whether there is so little evidence that asking the model is a waste.
pub fn hopeless(gathered: &Gathered, excerpts: &[Excerpt]) -> bool {
    excerpts.is_empty() || !gathered.candidates.iter().any(is_about)
}

/// Whether a passage has something to do with the question it was found for.
pub fn is_about(candidate: &Candidate) -> bool {
    candidate.cover >= HOPELESS.0 || candidate.semantic.unwrap_or(0.0) >= HOPELESS.1
}

/// What the decision is made from, for an answer `short` that `support` bears out. `model` is what the model that gave it
/// thought of it.
pub fn features(
    question: &Question,
    gathered: &Gathered,
    excerpts: &[Excerpt],
    support: &Support,
    short: &str,
    model: Option<ModelView>,
) -> [f32; FEATURES] {
    let excerpt = &excerpts[support.excerpt];
    let candidate = &gathered.candidates[excerpt.candidate];
    let sentence = &candidate.sentences[support.sentence];
    let mut own = held(question, candidate, support.sentence..support.sentence + 1);
    let mut near = held(
        question,
        candidate,
        support.sentence.saturating_sub(1)..(support.sentence + 2).min(candidate.sentences.len()),
    );
    let mistaken = mistaken(question, candidate, support.sentence);
    for at in (0..mistaken.len()).filter(|at| mistaken[*at]) {
        (own[at], near[at]) = (0.0, 0.0);
    }
    let lacks = |held: &[f32], strict: bool| -> f32 {
        let missing =
            question.terms.iter().zip(held).zip(&gathered.weights).filter(|((term, held), _)| {
                **held < HELD && (!strict || matches!(term.sort, Sort::Name | Sort::Number))
            });
        missing.map(|(_, weight)| *weight).fold(0.0, f32::max)
    };
    let yes = |flag: bool| f32::from(u8::from(flag));
    let words = tokens(short);
    let asked = tokens(&question.text);
    let known: Vec<Token> = asked.iter().chain(&words).cloned().collect();
    let lacking = |word: &Token| question.terms.iter().zip(&near).any(|(t, held)| *held < HELD && t.stem == word.stem);
    let rivals = || asked.iter().any(|word| lacking(word) && rivalled(word, &sentence.tokens, &known));
    let typed = matches!(question.expected, Expected::Time | Expected::Number);
    [
        weighed(&gathered.weights, &own),
        lacks(&near, false),
        lacks(&near, true),
        yes(typed && !span::fits(question, short, &words)),
        denial(question, negated(&asked), negated(&sentence.tokens) && model.is_some()),
        yes(mistaken.contains(&true) || opposed(&asked, &sentence.tokens) || rivals()),
        candidate.semantic.unwrap_or(USUAL_LIKENESS),
        yes(support.literal),
        model.map_or(0.0, |m| surprise(m.refusal)),
        model.map_or(0.0, |m| m.confidence),
        model.map_or(0.0, |m| m.surprisal / 10.0),
        model.map_or(0.0, |m| m.peak / 10.0),
    ]
}

/// Whether each term of the question names somebody whom a sentence of a conversation is not about: another one who takes part says
/// it, in a turn about themselves, and neither speaks to them in it nor names them.
fn mistaken(question: &Question, candidate: &Candidate, at: usize) -> Vec<bool> {
    let sentence = &candidate.sentences[at].tokens;
    let speaker = candidate.turn(at).filter(|_| !turns::is_of_listener(sentence));
    // A question that names both may well be about the one who speaks.
    let speaker = speaker.filter(|speaker| !question.terms.iter().any(|term| turns::is_named(speaker, &term.stem)));
    let speaker = speaker.filter(|speaker| {
        let own = |n: &usize| candidate.turn(*n) == Some(*speaker);
        (0..candidate.sentences.len()).filter(own).any(|n| turns::is_of_speaker(&candidate.sentences[n].tokens))
    });
    let is_mistaken = |stem: &str| {
        let said = || sentence.iter().any(|word| word.stem == stem);
        speaker.is_some_and(|speaker| turns::is_another(&candidate.turns, speaker, stem) && !said())
    };
    question.terms.iter().map(|term| is_mistaken(&term.stem)).collect()
}

/// What it counts that one of question and sentence denies something and the other does not. A sentence often denies
/// another thing than the one asked for, and to "did they?" it may answer "no".
fn denial(question: &Question, asked: bool, said: bool) -> f32 {
    match (asked, said) {
        (true, false) => 1.0,
        (false, true) if question.expected != Expected::Verdict => 0.4,
        _ => 0.0,
    }
}

/// The log-odds of a probability, from -1 (hardly possible) to 1 (nearly sure).
fn surprise(probability: f32) -> f32 {
    let p = probability.clamp(1e-4, 1.0 - 1e-4);
    (p / (1.0 - p)).ln() / 9.22
}

/// How far each term of the question is in some of a candidate's sentences and in what stands around them.
fn held(question: &Question, candidate: &Candidate, sentences: std::ops::Range<usize>) -> Vec<f32> {
    let around = candidate.around();
    let words = candidate.sentences[sentences].iter().flat_map(|s| &s.tokens);
    matches(question, words.chain(&around))
}

/// The probability that the notes hold the answer.
pub fn probability(features: &[f32; FEATURES], with_model: bool) -> f32 {
    let weights = if with_model { &WITH_MODEL } else { &WITHOUT };
    let sum: f32 = features.iter().zip(weights).map(|(f, w)| f * w).sum::<f32>() + weights[FEATURES];
    1.0 / (1.0 + (-sum).exp())
}

/// From this probability on what a model says is given as the answer. Lower than one half, since a wrong refusal leaves
/// people with the evidence alone; high enough that of the answers it keeps back most are wrong.
pub const THRESHOLD: f32 = 0.47;
/// The same for answers without a model.
pub const THRESHOLD_WITHOUT: f32 = 0.42;
