//! From the noun phrase before a verb to the whole subject.

use super::clause::tells;
use super::dates;
use super::phrase::{Form, Kind};
use super::sentence::{Run, Sentence};

/// The noun phrase that a relative pronoun stands for.
pub fn antecedent(s: &Sentence, relative: usize) -> Option<Run> {
    let mut at = relative.checked_sub(1)?;
    while matches!(s.kind(at), Some(Kind::Comma | Kind::Preposition | Kind::Close | Kind::Sign)) {
        at = at.checked_sub(1)?;
    }
    if !s.is_noun(at) {
        return None;
    }
    Some(if s.lower(relative).starts_with("who") { at..at + 1 } else { of_chain(s, at) })
}

/// "A of B" for a B.
fn of_chain(s: &Sentence, at: usize) -> Run {
    let mut start = at;
    while start >= 2 && s.lower(start - 1) == "of" && s.is_noun(start - 2) {
        start -= 2;
    }
    start..at + 1
}

/// The noun phrase that a participle behind it tells of; not a time, but what happened then.
pub fn nearest(s: &Sentence, at: usize) -> Run {
    if dates::is_time(&s.words(&(at..at + 1))) { chain(s, at) } else { of_chain(s, at) }
}

/// The head of "A in B on C" for a C: A with what `of` adds to it.
pub fn chain(s: &Sentence, at: usize) -> Run {
    let mut start = at;
    while start >= 2 && s.kind(start - 1) == Some(Kind::Preposition) && s.is_noun(start - 2) {
        start -= 2;
    }
    let joined = start >= 2 && s.kind(start - 1) == Some(Kind::And) && s.is_noun(start - 2);
    let free =
        |n: usize| n.checked_sub(1).is_none_or(|n| !matches!(s.kind(n), Some(Kind::Verb(_) | Kind::Preposition)));
    if joined && free(start - 2) {
        return start - 2..s.full(start).end;
    }
    s.full(start)
}

/// "people who came to Oslo are": the subject stands before the relative clause whose last noun is `noun`.
pub fn over_relative(s: &Sentence, at: usize, noun: usize) -> Option<Run> {
    let ends = |n: &usize| matches!(s.kind(*n), Some(Kind::Comma | Kind::And | Kind::Subordinator | Kind::Sign));
    let relative = (0..noun).rev().take_while(|n| !ends(n)).find(|n| s.kind(*n) == Some(Kind::Relative))?;
    let begin = (0..relative).rev().find(ends).map_or(0, |n| n + 1);
    let verb = |run: Run| run.into_iter().any(|n| s.is_verb(n));
    let whose = antecedent(s, relative)?;
    (s.is_verb(skip_forward(s, relative + 1)) && !verb(begin..relative) && relative + 2 < at)
        .then(|| chain(s, whose.end - 1))
}

fn skip_forward(s: &Sentence, at: usize) -> usize {
    (at..s.phrases.len()).find(|n| s.kind(*n) != Some(Kind::Adverb)).unwrap_or(at)
}

/// The same for the subject of a finite verb: also over "A built in B", "A to do B", where no other verb has a claim on B.
pub fn whole_chain(s: &Sentence, at: usize) -> Run {
    let mut run = chain(s, at);
    while let Some(verb) = run.start.checked_sub(1) {
        // "people familiar with the mill"
        let adjective = verb
            .checked_sub(1)
            .filter(|n| s.kind(verb) == Some(Kind::Preposition) && s.kind(*n) == Some(Kind::Adjective));
        if let Some(noun) = adjective.and_then(|n| n.checked_sub(1)).filter(|n| s.is_noun(*n)) {
            run = chain(s, noun).start..run.end;
            continue;
        }
        let verb = if s.kind(verb) == Some(Kind::Preposition) { verb.saturating_sub(1) } else { verb };
        let lone = match s.kind(verb) {
            Some(Kind::Verb(Form::Past)) => s.kind(verb + 1) == Some(Kind::Preposition),
            Some(Kind::Verb(Form::Gerund | Form::Infinitive)) => true,
            _ => false,
        } && !tells(s, verb);
        let boundary = (0..verb).rev().find(|n| {
            matches!(s.kind(*n), Some(Kind::Comma | Kind::And | Kind::Relative | Kind::Subordinator | Kind::Sign))
        });
        let before = verb.checked_sub(1).filter(|n| s.is_noun(*n) && lone && !s.has_finite(boundary.unwrap_or(0)..*n));
        match before {
            Some(noun) => run = chain(s, noun),
            None => break,
        }
    }
    run
}
