//! How likely it is that a person would call a statement a fact: right, and understood by itself.
//!
//! A rule starts from how often it is right on sentences that people have annotated. What makes a sentence say less than its
//! words (conditions, advice, purposes, pronouns) takes away from that.

use super::entity::is_pronoun;
use super::phrase::Form;
use super::sentence::Sentence;
use super::tag::{MODALS, Tag};
use super::token::Token;
use super::{Triple, clause::Clause, morphology};

/// From 0 to 1.
pub fn confidence(triple: &Triple) -> f32 {
    rule(triple.rule) * (1.0 - triple.doubt) * subject(&triple.subject) * object(&triple.object)
}

/// Share of a rule's statements that are right.
fn rule(name: &str) -> f32 {
    match name {
        "appos-of" | "is-of" | "lifespan" | "role" | "based" | "native" | "child" => 0.85,
        "that" | "title" | "title-of" | "antecedent" | "passive-obj" | "is" | "appos" | "founded" | "life" => 0.8,
        "active" | "passive" | "is-prep" | "appos-poss" | "as-front" | "is-at" | "fronted" => 0.75,
        "region" | "active-prep" | "model" | "is-adj" | "is-adj-prep" | "alias" | "passive-of" | "becomes"
        | "as-of" => 0.65,
        "reduced" | "gerund" | "active-obj-prep" | "placed" => 0.5,
        _ => 0.45,
    }
}

/// What a subject leaves of it.
fn subject(text: &str) -> f32 {
    let lower = text.to_lowercase();
    let first = lower.split(' ').next().unwrap_or_default();
    match first {
        "you" | "what" | "which" | "who" | "nobody" | "somebody" | "someone" | "anybody" | "anyone" | "everything"
        | "something" | "nothing" | "anything" => 0.4,
        "more" | "most" | "none" | "many" | "few" | "all" | "both" | "ones" => 0.6,
        _ if is_pronoun(&lower) => 0.6,
        // One of many, not a certain one.
        "a" | "an" | "any" | "some" | "each" | "every" | "another" | "one" | "no" => 0.75,
        "this" | "these" | "that" | "those" | "such" => 0.75,
        _ => 1.0,
    }
}

/// What an object leaves of it.
fn object(text: &str) -> f32 {
    const EMPTY: &[&str] = &[
        "me",
        "us",
        "you",
        "it",
        "them",
        "him",
        "her",
        "this",
        "that",
        "these",
        "those",
        "everything",
        "something",
        "nothing",
        "anything",
        "itself",
        "himself",
        "herself",
        "themselves",
        "sure",
        "so",
        "all",
        "both",
        "more",
        "one",
        "two",
        "ours",
        "mine",
        "yours",
        "what",
        "such",
        "able",
        "likely",
        "then",
        "there",
        "here",
        "way",
        "lot",
        "use",
        "done",
        "possible",
        "true",
        "false",
        "time",
        "out",
        "off",
        "up",
        "down",
        "home",
        "back",
        "thing",
        "things",
    ];
    let lower = text.to_lowercase();
    let lower = lower.strip_prefix("a ").unwrap_or(&lower);
    let vague = ["the following ", "it ", "them ", "us ", "you ", "me ", "this ", "that "]
        .iter()
        .any(|word| lower.starts_with(word));
    let last = lower.rsplit(' ').next().unwrap_or_default();
    let vague = vague
        || matches!(last, "way" | "bit" | "lot" | "thing" | "case" | "point" | "example" | "idea" | "sort" | "kind");
    match () {
        () if EMPTY.contains(&lower) || is_pronoun(lower) => 0.5,
        () if vague => 0.6,
        () => 1.0,
    }
}

/// How much less than its words a clause says, from 0 to 1.
pub fn doubt(s: &Sentence, clause: &Clause) -> f32 {
    let mut left = 1.0;
    left *= match clause.form {
        Form::Infinitive => 0.7,
        _ => modal(s, clause.verb),
    };
    if is_conditional(s, clause) {
        left *= 0.5;
    }
    if s.tokens.last().is_some_and(|last| last.text == "?") || is_supposed(s) {
        left *= 0.5;
    }
    if is_bare(s, clause) {
        left *= 0.6;
    }
    1.0 - left
}

/// What a modal verb leaves: what may or should be is not so yet.
fn modal(s: &Sentence, verb: usize) -> f32 {
    let words = &s.tokens[s.phrases[verb].span.clone()];
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.lower.as_str()));
    match () {
        () if has(&["could", "would", "may", "might", "should", "'d"]) => 0.6,
        // "I can", "we will": what could be done, in a text that tells how.
        () if has(MODALS) && s.is_pronoun(verb.saturating_sub(1)) => 0.65,
        () if has(MODALS) => 0.8,
        () if words.iter().any(|word| word.lower == "to") => 0.85,
        () => 1.0,
    }
}

/// Behind "if", "when", "unless", "whether": nobody says that it is so.
fn is_conditional(s: &Sentence, clause: &Clause) -> bool {
    const IF: &[&str] =
        &["if", "unless", "whether", "when", "whenever", "once", "until", "suppose", "assuming", "lest"];
    let before = clause.subject.start.min(clause.verb).checked_sub(1);
    let word = before.map(|at| s.lower(at)).unwrap_or_default();
    word.split(' ').any(|word| IF.contains(&word))
}

/// "Let's say", "Imagine": an example.
fn is_supposed(s: &Sentence) -> bool {
    let word = |at: usize| s.tokens.get(at).map_or("", |token| token.lower.as_str());
    matches!(word(0), "imagine" | "suppose" | "say" | "assume" | "consider")
        || word(0) == "let" && word(1).starts_with(['\'', 'u'])
}

/// A subject that is one common noun without an article: most often a part of something longer.
fn is_bare(s: &Sentence, clause: &Clause) -> bool {
    let span = s.phrases[clause.subject.start].span.clone();
    let lone = clause.subject.len() == 1 && span.len() == 1 && s.tags[span.start] == Tag::Noun;
    lone && !s.tokens[span.start].is_capital() && !super::context::is_plural(&s.tokens[span.start].lower)
}

/// Whether subject and verb agree in number; where they do not, the verb has another subject, or is an order.
pub fn agrees(s: &Sentence, clause: &Clause) -> bool {
    let subject = s.span(&clause.subject);
    let head = s.tokens[s.phrases[clause.subject.start].span.end - 1].lower.as_str();
    let inverted = clause.subject.start > clause.verb;
    let group = &s.tokens[s.phrases[clause.verb].span.clone()];
    // "clients do not all return": the verb was not found.
    let lone = |word: &Token| matches!(word.lower.as_str(), "do" | "does" | "did");
    if group.last().is_some_and(|word| matches!(word.lower.as_str(), "not" | "n't")) && group.first().is_some_and(lone)
    {
        return false;
    }
    if inverted || subject.iter().any(|word| word.lower == "and") {
        return true;
    }
    let one = match group.iter().find_map(|word| is_for_one(&word.lower)) {
        Some(one) => one,
        None if clause.form == Form::Active && is_base(group) => false,
        None => return true,
    };
    match head {
        "i" => !one || group.iter().any(|word| word.lower == "was"),
        "we" | "you" | "they" | "these" | "those" => !one,
        "he" | "she" | "it" | "this" => one,
        _ if clause.subject.len() == 1 && begins_with_one(subject) => one,
        _ => true,
    }
}

/// Whether a verb is one of a single thing, where its form shows that.
fn is_for_one(word: &str) -> Option<bool> {
    morphology::helps_one(word).or_else(|| morphology::is_third_person(word).then_some(true))
}

/// A verb alone in its base form.
fn is_base(group: &[Token]) -> bool {
    let [.., word] = group else { return false };
    let lone = group.iter().all(|other| other.lower == word.lower || other.lower.ends_with("ly"));
    lone && morphology::is_common_verb(&word.lower) && !morphology::is_past(&word.lower)
}

fn begins_with_one(subject: &[Token]) -> bool {
    subject.first().is_some_and(|word| matches!(word.lower.as_str(), "a" | "an" | "this" | "that"))
}
