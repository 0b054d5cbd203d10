//! What stands before the subject of a sentence: "In 1982 she died", "As head of the mill, Oda hired two men".

use super::Triple;
use super::dates;
use super::phrase::Kind;
use super::relational;
use super::sentence::{Run, Sentence};

/// A preposition, or none, and a time.
pub type Time = (Option<usize>, Run);

/// The time that a sentence begins with.
pub fn time(s: &Sentence) -> Option<Time> {
    let preposition = (s.kind(0) == Some(Kind::Preposition)).then_some(0);
    let noun = preposition.map_or(0, |at| at + 1);
    let fits = s.is_noun(noun) && dates::is_time(&s.words(&(noun..noun + 1)));
    let behind = s.kind(noun + 1) == Some(Kind::Comma) || s.is_noun(noun + 1);
    (fits && behind).then_some((preposition, noun..noun + 1))
}

/// What a sentence begins with, where that tells when, where or in what something was done: "In the spring fair, ... is sold".
pub fn setting(s: &Sentence) -> Option<Time> {
    const WORDS: &[&str] = &["in", "at", "on", "by", "during", "after", "before", "within", "under"];
    const EMPTY: &[&str] = &[
        "addition",
        "case",
        "cases",
        "contrast",
        "fact",
        "order",
        "particular",
        "result",
        "short",
        "time",
        "turn",
        "way",
        "ways",
    ];
    let begins = s.kind(0) == Some(Kind::Preposition) && WORDS.contains(&s.lower(0).as_str()) && s.is_noun(1);
    let run = s.full(1);
    let behind = s.kind(run.end) == Some(Kind::Comma) || s.is_noun(run.end);
    (begins && behind && !s.is_pronoun(1) && !EMPTY.contains(&s.head(1))).then_some((Some(0), run))
}

/// The offices that the subject of a sentence is said to hold before it.
pub fn roles(s: &Sentence) -> Vec<Triple> {
    let begins = s.kind(0) == Some(Kind::Preposition) && s.lower(0) == "as";
    if !begins || !s.is_noun(1) {
        return Vec::new();
    }
    let (items, _) = s.list(1);
    let Some(comma) = (1..s.phrases.len()).find(|at| s.kind(*at) == Some(Kind::Comma) && s.begins_main(at + 1)) else {
        return Vec::new();
    };
    let subject = s.words(&(comma + 1..comma + 2));
    let held = relational::split_list(s, &items).into_iter().flatten();
    held.map(|(relation, of)| Triple {
        subject: subject.clone(),
        predicate: format!("is {relation}"),
        object: s.words(&of),
        rule: "as-front",
        ..Triple::default()
    })
    .collect()
}
