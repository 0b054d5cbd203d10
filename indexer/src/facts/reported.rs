//! Who says what: verbs that a clause may follow, and those that stand behind what is said.

use super::clause::Clause;
use super::morphology;
use super::phrase::{Form, Kind, Phrase};
use super::sentence::Sentence;
use super::subject::chain;

/// Verbs that a clause without "that" may follow.
pub fn tells(s: &Sentence, verb: usize) -> bool {
    const TELLS: &[&str] = &[
        "say",
        "think",
        "believ",
        "hop",
        "know",
        "claim",
        "add",
        "feel",
        "expect",
        "suggest",
        "report",
        "argu",
        "find",
        "fear",
        "mean",
        "admit",
        "announc",
        "stat",
        "declar",
        "warn",
        "promis",
        "insist",
        "not",
        "conclud",
        "predict",
        "explain",
        "acknowledg",
        "estimat",
        "indicat",
        "assert",
        "complain",
        "reveal",
        "confirm",
        "recall",
        "remark",
    ];
    let denied = |p: &Phrase| matches!(s.tokens[p.span.end - 1].lower.as_str(), "not" | "n't");
    s.phrases
        .get(verb)
        .is_some_and(|p| !denied(p) && TELLS.contains(&morphology::base(&s.tokens[p.span.end - 1].lower).as_str()))
}

/// `"..." said X`: the subject stands behind the verb.
pub fn inverted(s: &Sentence, at: usize) -> Option<Clause> {
    let before = at.checked_sub(1)?;
    let quoted = matches!(s.lower(before).as_str(), "\"" | "''" | "”" | ",");
    let behind = s.full(at + 1).end;
    let closes = s.kind(behind).is_none_or(|kind| matches!(kind, Kind::Comma | Kind::Sign | Kind::Preposition));
    if !quoted
        || !tells(s, at)
        || !s.is_noun(at + 1)
        || !closes
        || s.has_finite(behind..s.phrases.len().min(behind + 2))
    {
        return None;
    }
    let quote = 0..(0..at).rev().find(|n| !matches!(s.kind(*n), Some(Kind::Comma | Kind::Sign)))? + 1;
    Some(Clause { subject: s.full(at + 1), verb: at, form: Form::Active, antecedent: Some(quote) })
}

/// "..., X said": what stands before the comma, and behind the next one, is what X says.
pub fn reported(s: &Sentence, at: usize) -> Option<Clause> {
    let subject = at.checked_sub(1).filter(|n| s.is_noun(*n)).map(|n| chain(s, n))?;
    let comma = subject.start.checked_sub(1).filter(|n| matches!(s.kind(*n), Some(Kind::Comma | Kind::Sign)))?;
    let closes = s.kind(at + 1).is_none_or(|kind| matches!(kind, Kind::Comma | Kind::Sign));
    let quote = 0..(0..comma + 1).rev().find(|n| !matches!(s.kind(*n), Some(Kind::Comma | Kind::Sign)))? + 1;
    let active = s.kind(at) != Some(Kind::Verb(Form::Passive));
    (closes && active && tells(s, at)).then_some(Clause {
        subject,
        verb: at,
        form: Form::Active,
        antecedent: Some(quote),
    })
}
