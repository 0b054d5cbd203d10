//! From the noun phrase before a verb to the whole subject.

use super::context::is_plural;
use super::dates;
use super::morphology;
use super::occupation::is_person;
use super::phrase::{Form, Kind};
use super::reported::tells;
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
    if let Some(noun) = agreeing(s, at, relative) {
        return Some(of_chain(s, noun));
    }
    // "a boat from Oslo that": what a clause without a comma sets apart has no name.
    let common = at.checked_sub(2).filter(|n| {
        at + 1 == relative
            && s.is_name(at)
            && s.kind(at - 1) == Some(Kind::Preposition)
            && s.lower(at - 1) != "of"
            && s.is_noun(*n)
            && !s.is_name(*n)
    });
    if let Some(noun) = common.filter(|n| !s.is_pronoun(*n)) {
        return Some(of_chain(s, noun));
    }
    let whole = of_chain(s, at);
    // "men of the village who"
    let place = !s.is_name(at) && !is_person(s.head(at)) && whole.len() > 1;
    Some(if s.lower(relative).starts_with("who") && !place { at..at + 1 } else { whole })
}

/// "a plan for new mills, which was": over nouns that do not agree with the verb in number, the one that does.
fn agreeing(s: &Sentence, at: usize, relative: usize) -> Option<usize> {
    let one = is_for_one(s, skip_forward(s, relative + 1))?;
    let many = |noun: usize| is_plural(s.head(noun));
    let before = at.checked_sub(2).filter(|n| s.kind(n + 1) == Some(Kind::Preposition) && s.is_noun(*n))?;
    let joined = s.kind(before).is_some() && before.checked_sub(1).is_some_and(|n| s.kind(n) == Some(Kind::And));
    let fits = |noun: usize| many(noun) != one && !s.is_pronoun(noun) && !dates::is_time(&s.words(&(noun..noun + 1)));
    (!joined && !fits(at) && fits(before) && s.lower(at + 1) != "of").then_some(before)
}

/// Whether the verb is one of a single thing, where its first word shows that.
fn is_for_one(s: &Sentence, verb: usize) -> Option<bool> {
    morphology::helps_one(s.lower(verb).split(' ').next().filter(|_| s.is_verb(verb))?)
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
        return first_of(s, start - 2)..s.full(start).end;
    }
    // "Oda, Kari, and Per"
    let comma = start >= 3 && s.kind(start - 1) == Some(Kind::And) && s.kind(start - 2) == Some(Kind::Comma);
    if comma && s.is_noun(start - 3) && first_of(s, start - 3) < start - 3 {
        return first_of(s, start - 3)..s.full(start).end;
    }
    s.full(start)
}

/// Where the list "A, B" begins whose last item is at `at`.
fn first_of(s: &Sentence, at: usize) -> usize {
    let time = |n: usize| dates::is_time(&s.words(&(n..n + 1)));
    let free =
        |n: usize| n.checked_sub(1).is_none_or(|n| !matches!(s.kind(n), Some(Kind::Verb(_) | Kind::Preposition)));
    let mut first = at;
    while first >= 2
        && s.kind(first - 1) == Some(Kind::Comma)
        && s.is_noun(first - 2)
        && free(first - 2)
        && !time(first - 2)
    {
        first -= 2;
    }
    first
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

/// "the link between Oslo and Bergen is": the subject stands before a list that a preposition leads to.
pub fn over_list(s: &Sentence, verb: usize, noun: usize) -> Option<Run> {
    let before = |n: usize| {
        let and = n.checked_sub(1).filter(|n| matches!(s.kind(*n), Some(Kind::And | Kind::Comma)))?;
        let comma = and.checked_sub(1).filter(|n| s.kind(*n) == Some(Kind::Comma)).unwrap_or(and);
        comma.checked_sub(1).filter(|n| s.is_noun(*n))
    };
    let last = before(noun).filter(|_| s.kind(noun - 1) == Some(Kind::And))?;
    let mut first = last;
    while let Some(item) = before(first) {
        first = item;
    }
    // "in Oslo, and its height is": that comma begins a clause.
    if first == last && noun - last > 2 {
        return None;
    }
    let preposition = first.checked_sub(1).filter(|n| s.kind(*n) == Some(Kind::Preposition))?;
    let head = preposition.checked_sub(1).filter(|n| s.is_noun(*n) && !s.is_pronoun(*n))?;
    // "the pen is in the bag and a second one is": the head has a verb already.
    let ends = |n: &usize| matches!(s.kind(*n), Some(Kind::Subordinator | Kind::Relative | Kind::Sign));
    let begin = (0..head).rev().find(ends).unwrap_or(0);
    if (begin..head).any(|n| s.is_verb(n)) {
        return None;
    }
    let one = is_for_one(s, verb) == Some(true) && !is_plural(s.head(head));
    (one || matches!(s.lower(preposition).as_str(), "between" | "such as" | "including")).then(|| chain(s, head))
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
            Some(Kind::Verb(Form::Past)) => s.kind(verb + 1) == Some(Kind::Preposition) && !tells(s, verb),
            Some(Kind::Verb(Form::Gerund | Form::Infinitive)) => true,
            _ => false,
        };
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
