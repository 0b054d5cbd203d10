//! What noun phrases state without a verb: "X, the head of Y", "Acme's founder Z", "X (1950–2010)", "a Paris-based Y".

use super::Triple;
use super::affiliation;
use super::entity;
use super::occupation::is_person;
use super::phrase::Kind;
use super::relational::{is_kin, is_office, is_relational, split};
use super::sentence::{Run, Sentence};
use super::tag::Tag;
use super::token::{Token, join};

/// The facts in the noun phrases of a sentence.
pub fn triples(s: &Sentence) -> Vec<Triple> {
    let mut triples = Vec::new();
    for at in (0..s.phrases.len()).filter(|at| s.is_noun(*at)) {
        triples.extend(apposition(s, at));
        triples.extend(titled(s, at));
        triples.extend(based(s, at));
        triples.extend(affiliation::titled(s, at));
        triples.extend(placed(s, at));
        triples.extend(region(s, at));
        triples.extend(life(s, at));
        bracket(s, at, &mut triples);
    }
    triples
}

fn triple(subject: String, predicate: impl Into<String>, object: String, rule: &'static str) -> Triple {
    Triple { subject, predicate: predicate.into(), object, rule, ..Triple::default() }
}

/// "A, the B of C,": one of the two is a name, the other says what it is.
fn apposition(s: &Sentence, at: usize) -> Vec<Triple> {
    let first = s.full(at);
    let comma = first.end;
    let second = comma + 1;
    if s.kind(comma) != Some(Kind::Comma) || !s.is_noun(second) || s.is_pronoun(at) || s.is_pronoun(second) {
        return Vec::new();
    }
    let (items, end) = roles(s, second);
    let closes = match s.kind(end) {
        None | Some(Kind::Comma | Kind::Sign | Kind::Relative | Kind::Close | Kind::Preposition) => true,
        Some(Kind::Verb(form)) => form == super::phrase::Form::Past,
        _ => false,
    };
    // "was born in Oslo, the son of X": not the place is somebody's son.
    let kin = is_kin(s.head(second)) && begins(s, second, &["the", "a"]) && s.lower(second + 1) == "of";
    if kin && at > 0 && s.kind(at - 1) == Some(Kind::Preposition) {
        return child(s, second);
    }
    // "his wife, Mary, lives"
    if is_kin(s.head(at)) && possessor(s, at).is_some() && s.is_name(second) && s.kind(second + 1) != Some(Kind::And) {
        return vec![is(s, &(second..second + 1), &first)];
    }
    let office = items.iter().all(|item| is_relational(s.head(item.start))) && s.kind(end) != Some(Kind::And);
    if !closes || !office && in_list(s, at, end) {
        return Vec::new();
    }
    let describes = |run: &Run| describes(s, run);
    match (s.is_name(at), s.is_name(second)) {
        (true, false) if describes(&items[0]) => items.iter().map(|item| is(s, &first, item)).collect(),
        (true, true) if is_office(s.head(second)) || split(s, &items[0]).is_some() => {
            items.iter().map(|item| is(s, &first, item)).collect()
        }
        (false, true) if is_relational(s.head(at)) && items.len() == 1 => vec![is(s, &items[0], &first)],
        (false, true)
            if items.len() == 1
                && begins(s, at, &["the", "a", "an", "another", "his", "her", "my", "their", "our", "its"])
                && s.kind(end) == Some(Kind::Comma) =>
        {
            vec![is(s, &items[0], &first)]
        }
        _ => Vec::new(),
    }
}

/// ", the son of A and B": what that says of the one whom the sentence is about.
fn child(s: &Sentence, at: usize) -> Vec<Triple> {
    let Some(subject) = (0..at).find(|n| s.is_noun(*n)).filter(|n| s.is_name(*n) || s.is_pronoun(*n)) else {
        return Vec::new();
    };
    let predicate = format!("is {} of", s.words(&(at..at + 1)));
    let (parents, _) = s.list(at + 2);
    parents.iter().map(|of| triple(s.words(&(subject..subject + 1)), predicate.clone(), s.words(of), "child")).collect()
}

/// "founder and CEO of X": each of the offices.
fn roles(s: &Sentence, at: usize) -> (Vec<Run>, usize) {
    let (items, end) = s.list(at);
    if items.len() > 1 && items.iter().all(|item| describes(s, item)) {
        return (items, end);
    }
    // "leader of the Alder and allies": all of them are what it is of.
    if split(s, &items[0]).is_some() && s.kind(items[0].end) == Some(Kind::And) && s.kind(end) == Some(Kind::Comma) {
        let all = items[0].start..end;
        return (vec![all], end);
    }
    let end = items[0].end;
    (items.into_iter().take(1).collect(), end)
}

/// Whether a noun phrase says what something is: it has an article, or its head is an office or a relation.
fn describes(s: &Sentence, run: &Run) -> bool {
    let first = &s.tags[s.phrases[run.start].span.start];
    let article = matches!(first, Tag::Determiner);
    let possessive = s.tags[s.phrases[run.start].span.clone()].contains(&Tag::Possessive);
    article || possessive || is_relational(s.head(run.start))
}

fn begins(s: &Sentence, at: usize, words: &[&str]) -> bool {
    s.phrases.get(at).is_some_and(|p| words.contains(&s.tokens[p.span.start].lower.as_str()))
}

/// Whether commas here separate the parts of "A, B and C".
fn in_list(s: &Sentence, at: usize, end: usize) -> bool {
    let before = at.checked_sub(1).is_some_and(|n| s.kind(n) == Some(Kind::Comma))
        && at.checked_sub(2).is_some_and(|n| s.is_noun(n));
    let joined = s.kind(end) == Some(Kind::Comma)
        && (s.kind(end + 1) == Some(Kind::And)
            && s.is_noun(end + 2)
            && s.kind(end + 3).is_none_or(|k| !matches!(k, Kind::Verb(_))));
    let (list, _) = s.list(at);
    // "A, an interest in B, a share in C, and D"
    let part = |n: &usize| matches!(s.kind(*n), Some(Kind::Noun | Kind::Preposition | Kind::Adjective | Kind::Comma));
    let stop = (end..s.phrases.len()).find(|n| !part(n)).unwrap_or(end);
    let later = stop > end + 1 && s.kind(stop) == Some(Kind::And) && s.kind(stop - 1) == Some(Kind::Comma);
    later || before && joined || list.len() > 2 || joined && s.is_noun(end + 2)
}

/// "A is B", with a relational B taken apart.
fn is(s: &Sentence, name: &Run, role: &Run) -> Triple {
    let subject = s.words(name);
    if let Some((relation, of)) = split(s, role) {
        return triple(subject, format!("is {relation}"), s.words(&of), "appos-of");
    }
    match possessor(s, role.start) {
        Some((owner, relation)) if is_relational(s.head(role.start)) => {
            triple(subject, format!("is {relation} of"), owner, "appos-poss")
        }
        _ => triple(subject, "is", s.words(role), "appos"),
    }
}

/// "Acme's former CEO", "his wife": who has it, and what it is.
pub fn possessor(s: &Sentence, at: usize) -> Option<(String, String)> {
    let span = s.phrases.get(at)?.span.clone();
    if let Some(mark) = span.clone().rev().find(|n| s.tags[*n] == Tag::Possessive) {
        let owner = join(s.text, &s.tokens[span.start..mark]);
        let relation = join(s.text, &s.tokens[mark + 1..span.end]);
        return (!owner.is_empty() && !relation.is_empty()).then_some((owner, relation));
    }
    let owner = owner_pronoun(&s.tokens[span.start].lower)?;
    Some((owner.to_owned(), join(s.text, &s.tokens[span.start + 1..span.end])))
}

fn owner_pronoun(word: &str) -> Option<&'static str> {
    Some(match word {
        "his" => "he",
        "her" => "she",
        "its" => "it",
        "their" => "they",
        "my" => "I",
        "our" => "we",
        _ => return None,
    })
}

/// Nouns for things that have names of their own.
const THINGS: &[&str] = &[
    "album",
    "band",
    "boat",
    "book",
    "brand",
    "cat",
    "city",
    "club",
    "company",
    "dog",
    "ferry",
    "film",
    "firm",
    "game",
    "group",
    "horse",
    "island",
    "lake",
    "magazine",
    "movie",
    "newspaper",
    "novel",
    "opera",
    "play",
    "programme",
    "project",
    "river",
    "school",
    "series",
    "ship",
    "single",
    "song",
    "suburb",
    "team",
    "town",
    "village",
];

/// "Amazon CEO Jane Doe", "President Bush", "his wife Mary", "the actor John Doe".
fn titled(s: &Sentence, at: usize) -> Option<Triple> {
    let span = s.phrases[at].span.clone();
    let is_title = |n: usize| {
        let token = &s.tokens[n];
        let noun = s.tags[n] == Tag::Noun;
        is_office(&token.lower)
            || is_kin(&token.lower)
            || noun && (is_person(&token.lower) || THINGS.contains(&token.lower.as_str()))
    };
    let title = span.clone().rev().skip(1).find(|n| is_title(*n))?;
    let quoted = |n: usize| s.tags[n] == Tag::Sign && matches!(s.tokens[n].text, "\"" | "``" | "''" | "“" | "”");
    let (mut first, mut end) = (title + 1, span.end);
    if quoted(first) && quoted(end - 1) && end - first > 2 {
        (first, end) = (first + 1, end - 1);
    }
    let name = &s.tokens[first..end];
    let all_name = name.iter().zip(&s.tags[first..end]).all(|(token, tag)| {
        *tag == Tag::Proper && token.is_capital() || matches!(token.text, "de" | "van" | "von" | "der" | "da" | "du")
    }) && name.first().is_some_and(Token::is_capital);
    if !all_name {
        return None;
    }
    let name = join(s.text, name);
    let mut start = span.start;
    if let Some(mark) = (span.start..title).rev().find(|n| s.tags[*n] == Tag::Possessive) {
        let role = join(s.text, &s.tokens[mark + 1..title + 1]);
        return Some(triple(name, format!("is {role} of"), join(s.text, &s.tokens[start..mark]), "title-of"));
    }
    if let Some(owner) = owner_pronoun(&s.tokens[start].lower) {
        let role = join(s.text, &s.tokens[start + 1..title + 1]);
        return Some(triple(name, format!("is {role} of"), owner.to_owned(), "title-of"));
    }
    if s.tags[start] == Tag::Determiner {
        start += 1;
    }
    let role = join(s.text, &s.tokens[title..title + 1]);
    let named = (start..title).take_while(|n| s.tags[*n] == Tag::Proper).count();
    match named {
        0 => Some(triple(name, "is", join(s.text, &s.tokens[start..title + 1]), "title")),
        _ if is_office(&s.tokens[title].lower) => {
            Some(triple(name, format!("is {role} of"), join(s.text, &s.tokens[start..start + named]), "title-of"))
        }
        _ => Some(triple(name, "is", join(s.text, &s.tokens[start..title + 1]), "title")),
    }
}

/// "the Paris-based Acme": where it is based.
fn based(s: &Sentence, at: usize) -> Option<Triple> {
    let span = s.phrases[at].span.clone();
    let is_place = |n: usize| s.tokens[n].lower.ends_with("-based") && s.tokens[n].is_capital() && n > 0;
    let place = span.clone().find(|n| is_place(*n))?;
    let name = &s.tokens[place + 1..span.end];
    let from = span
        .clone()
        .take(place - span.start)
        .find(|n| s.tokens[*n].is_capital() && s.tags[*n] == Tag::Proper)
        .unwrap_or(place);
    let place = join(s.text, &s.tokens[from..place + 1]);
    let place = place[..place.len() - "-based".len()].to_owned();
    (!name.is_empty()).then(|| triple(join(s.text, name), "is based in", place, "based"))
}

/// "(1950–2010)", "(Freddie Mac)" behind a name.
fn bracket(s: &Sentence, at: usize, out: &mut Vec<Triple>) {
    let open = at + 1;
    // "new(hash)" is a call.
    let call = || {
        s.phrases[at].span.end > 0
            && s.tokens[s.phrases[at].span.end - 1].span.end == s.tokens[s.phrases[open].span.start].span.start
    };
    if s.kind(open) != Some(Kind::Open) || !s.is_name(at) || call() {
        return;
    }
    let Some(close) = (open + 1..s.phrases.len().min(open + 8)).find(|n| s.kind(*n) == Some(Kind::Close)) else {
        return;
    };
    let name = || s.words(&(at..at + 1));
    let inside = s.words(&(open + 1..close));
    const BUILT: &[&str] = &[
        "bridge",
        "building",
        "castle",
        "cathedral",
        "hall",
        "house",
        "palace",
        "park",
        "square",
        "station",
        "street",
        "theater",
        "theatre",
        "tower",
        "war",
    ];
    let years = inside.split_once(['–', '—', '-']).filter(|(born, _)| super::dates::parse(born).is_some());
    let person = s.tokens[s.phrases[at].span.clone()].iter().any(|token| is_person(&token.lower));
    let lives = (person || !begins(s, at, &["the", "a", "an"]))
        && !BUILT.contains(&s.head(at))
        && !super::sentence::ORGANISATIONS.contains(&s.head(at));
    if let Some((born, died)) = years {
        if !lives {
            return;
        }
        out.push(triple(name(), "was born on", born.trim().to_owned(), "lifespan"));
        if super::dates::parse(died).is_some() {
            out.push(triple(name(), "died on", died.trim().to_owned(), "lifespan"));
        }
    } else if close == open + 2 && s.is_name(open + 1) {
        out.push(triple(name(), "is also known as", inside, "alias"));
    }
}

/// "his death in 2011", "the birth of X on 3 May 1986": when somebody died or was born.
fn life(s: &Sentence, at: usize) -> Option<Triple> {
    let verb = match s.head(at) {
        "death" => "died",
        "birth" => "was born",
        _ => return None,
    };
    let run = s.full(at);
    let whose = if run.len() > 1 { s.words(&(at + 2..run.end)) } else { possessor(s, at)?.0 };
    let time = run.end + 1;
    let when = s.kind(run.end) == Some(Kind::Preposition)
        && matches!(s.lower(run.end).as_str(), "in" | "on")
        && s.is_noun(time)
        && super::dates::is_time(&s.words(&(time..time + 1)));
    let named = entity::name(&whose).is_some() || matches!(whose.as_str(), "he" | "she");
    (when && named).then(|| triple(whose, format!("{verb} {}", s.lower(run.end)), s.words(&(time..time + 1)), "life"))
}

/// "in Bergen, Norway": what a place is in.
fn region(s: &Sentence, at: usize) -> Option<Triple> {
    const LEADS: &[&str] = &["in", "at", "near", "from", "of", "to", "into"];
    let (before, region) = (at.checked_sub(1).filter(|n| *n > 0)?, at + 2);
    let led = s.kind(before) == Some(Kind::Preposition) && LEADS.contains(&s.lower(before).as_str());
    let names = |n: usize| {
        let words = s.span(&(n..n + 1));
        s.is_name(n)
            && words.len() <= 3
            && words.iter().all(Token::is_capital)
            && !super::dates::is_time(&s.words(&(n..n + 1)))
            && !super::sentence::ORGANISATIONS.contains(&s.head(n))
    };
    let listed = |n: usize| s.kind(n) == Some(Kind::Comma) && (s.is_noun(n + 1) || s.kind(n + 1) == Some(Kind::And));
    let closes = matches!(s.kind(region + 1), None | Some(Kind::Comma | Kind::Sign | Kind::Preposition | Kind::Close));
    let fits =
        led && s.kind(at + 1) == Some(Kind::Comma) && names(at) && names(region) && closes && !listed(region + 1);
    fits.then(|| triple(s.words(&(at..at + 1)), "is in", s.words(&(region..region + 1)), "region"))
}

/// "the Helmut Newton Foundation in Berlin": where a named thing is.
fn placed(s: &Sentence, at: usize) -> Option<Triple> {
    let name = s.full(at);
    let place = name.end + 1;
    let named = s.is_name(name.end - 1)
        && s.span(&name).len() > 2
        && s.is_name(place)
        && s.kind(name.end) == Some(Kind::Preposition);
    let behind = at > 0 && s.kind(at - 1) == Some(Kind::Preposition);
    let fits = named && behind && s.lower(name.end) == "in" && !super::dates::is_time(&s.words(&(place..place + 1)));
    fits.then(|| triple(s.words(&name), "is in", s.words(&(place..place + 1)), "placed"))
}
