//! From tagged tokens to phrases: noun phrases, verb groups and the small words between them.

use std::ops::Range;

use super::morphology;
use super::tag::{Tag, is_be};
use super::token::Token;

/// What a phrase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A noun phrase, without what `of` adds to it.
    Noun,
    /// A verb group: auxiliaries, adverbs, verbs, `to` between verbs.
    Verb(Form),
    /// An adjective that is no part of a noun phrase.
    Adjective,
    /// An adverb outside of verb groups.
    Adverb,
    /// A preposition, or two in a row.
    Preposition,
    /// `and`, `or`, `but`.
    And,
    /// A comma.
    Comma,
    /// `who`, `which`, `that`.
    Relative,
    /// `because`, `that` ...
    Subordinator,
    /// An opening bracket.
    Open,
    /// A closing bracket.
    Close,
    /// Anything else: colons, dashes, quotation marks.
    Sign,
}

/// What kind of predicate a verb group makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A form of `be` and nothing else.
    Copula,
    /// A form of `be` and a past participle.
    Passive,
    /// Any other with a finite verb.
    Active,
    /// A lone past participle or a past: the context decides.
    Past,
    /// A lone form in `-ing`.
    Gerund,
    /// `to` and a verb.
    Infinitive,
}

/// A run of tokens of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// What it is.
    pub kind: Kind,
    /// Its tokens.
    pub span: Range<usize>,
}

/// The phrases of a sentence, which cover all of its tokens.
pub fn phrases(tokens: &[Token], tags: &[Tag]) -> Vec<Phrase> {
    let mut phrases = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let (kind, end) = noun(tokens, tags, at)
            .or_else(|| verb(tokens, tags, at))
            .unwrap_or_else(|| (single(&tokens[at], tags[at]), at + 1));
        match phrases.last_mut() {
            // "up in", "out of"
            Some(Phrase { kind: Kind::Preposition, span }) if kind == Kind::Preposition => span.end = end,
            _ => phrases.push(Phrase { kind, span: at..end }),
        }
        at = end;
    }
    phrases
}

fn single(token: &Token, tag: Tag) -> Kind {
    match tag {
        Tag::Adjective => Kind::Adjective,
        Tag::Adverb | Tag::Not | Tag::Determiner => Kind::Adverb,
        Tag::Preposition | Tag::To => Kind::Preposition,
        Tag::And => Kind::And,
        Tag::Comma => Kind::Comma,
        Tag::Relative => Kind::Relative,
        Tag::Subordinator => Kind::Subordinator,
        _ if matches!(token.text, "(" | "[" | "-LRB-") => Kind::Open,
        _ if matches!(token.text, ")" | "]" | "-RRB-") => Kind::Close,
        _ => Kind::Sign,
    }
}

/// A noun phrase that begins at `at`, and where it ends.
fn noun(tokens: &[Token], tags: &[Tag], at: usize) -> Option<(Kind, usize)> {
    if tags[at] == Tag::Pronoun {
        return Some((Kind::Noun, at + 1));
    }
    if let Some(end) = date(tokens, at) {
        return Some((Kind::Noun, end));
    }
    let mut end = at;
    let mut head = None;
    while end < tokens.len() {
        let after_head = head.is_some() && tags[end - 1] != Tag::Number;
        match tags[end] {
            Tag::Noun | Tag::Proper | Tag::Number => head = Some(end),
            Tag::Pronoun if tokens[end].lower == "her" => return None,
            Tag::Possessive if after_head => head = None,
            Tag::Determiner if head.is_none() && (end == at || is_open_to_determiner(tokens, tags, end)) => {}
            Tag::Adjective if !after_head => {}
            Tag::Adverb if head.is_none() && goes_on(tags, end) => {}
            Tag::Verb if !after_head && end > at && is_modifier(tokens, tags, end) => {}
            Tag::And
                if !after_head
                    && end > at
                    && tags[end - 1] == Tag::Adjective
                    && (tags.get(end + 1) == Some(&Tag::Adjective)
                        || tags.get(end + 1) == Some(&Tag::Adverb) && goes_on(tags, end + 1)) => {}
            // "chemical and biotechnology companies"
            Tag::And
                if !after_head
                    && end > at
                    && tags[end - 1] == Tag::Adjective
                    && tags.get(end + 1) == Some(&Tag::Noun)
                    && tags.get(end + 2) == Some(&Tag::Noun) => {}
            Tag::Comma
                if !after_head
                    && end > at
                    && tags[end - 1] == Tag::Adjective
                    && tags.get(end + 1) == Some(&Tag::Adjective) => {}
            Tag::And if joins_name(tokens, tags, end) => {}
            Tag::Sign if is_hyphen(tokens, end) && end > at => head = None,
            Tag::Comma if after_head && continues_name(tokens, end) => {
                end += 1;
                head = Some(end);
            }
            Tag::Sign if is_quote(&tokens[end]) && quoted(tokens, tags, end).is_some() && !after_head => {
                let close = quoted(tokens, tags, end)?;
                head = Some(close);
                end = close;
            }
            _ => break,
        }
        end += 1;
    }
    // "the elderly", "this current": an adjective in the place of the noun.
    let lone = || {
        let last = end.checked_sub(1).filter(|last| *last > at && tags[*last] == Tag::Adjective)?;
        let closed = !matches!(tags.get(end), Some(Tag::Sign | Tag::Adverb | Tag::Number | Tag::Pronoun));
        let stop = tokens.get(end).is_some_and(|token| matches!(token.text, "." | "?" | "!" | ";"));
        (tags[at] == Tag::Determiner && (closed || stop)).then_some(last)
    };
    let head = head.or_else(lone)?;
    Some((Kind::Noun, head + 1))
}

/// "both the", "all his", "'s other".
fn is_open_to_determiner(tokens: &[Token], tags: &[Tag], at: usize) -> bool {
    matches!(tags[at - 1], Tag::Possessive | Tag::Determiner)
        || matches!(tokens[at - 1].lower.as_str(), "$" | "all" | "both")
}

/// Whether an adverb stands before an adjective or a number of the same noun phrase.
fn goes_on(tags: &[Tag], at: usize) -> bool {
    let next = (at + 1..tags.len()).find(|n| tags[*n] != Tag::Adverb);
    next.is_some_and(|n| n - at <= 2 && matches!(tags[n], Tag::Adjective | Tag::Number))
}

/// A participle between an article and a noun: "the broken pump".
fn is_modifier(tokens: &[Token], tags: &[Tag], at: usize) -> bool {
    morphology::is_participle(&tokens[at].lower)
        && matches!(
            tags[at - 1],
            Tag::Determiner | Tag::Adjective | Tag::Possessive | Tag::Number | Tag::Sign | Tag::Adverb
        )
        && matches!(tags.get(at + 1), Some(Tag::Noun | Tag::Proper | Tag::Adjective))
}

/// `&` as in "Marks & Spencer"; "and" never joins a name here.
fn joins_name(tokens: &[Token], tags: &[Tag], at: usize) -> bool {
    tokens[at].text == "&" && at > 0 && tags[at - 1] == Tag::Proper && tags.get(at + 1) == Some(&Tag::Proper)
}

/// A hyphen that stands free between words, in text that was taken apart.
fn is_hyphen(tokens: &[Token], at: usize) -> bool {
    tokens[at].text == "-"
        && tokens.get(at + 1).is_some_and(Token::is_word)
        && tokens.last().is_some_and(|last| {
            last.text == "." && tokens.len() > 1 && tokens[tokens.len() - 2].span.end < last.span.start
        })
}

/// "Acme, Inc." and "John Smith, Jr.".
fn continues_name(tokens: &[Token], at: usize) -> bool {
    tokens.get(at + 1).is_some_and(|t| {
        matches!(
            t.lower.trim_end_matches('.'),
            "inc" | "ltd" | "llc" | "jr" | "sr" | "corp" | "co" | "phd" | "md" | "ph.d"
        ) && t.is_capital()
    })
}

fn is_quote(token: &Token) -> bool {
    matches!(token.text, "\"" | "``" | "“" | "„")
}

/// Where a short quotation without a verb ends.
fn quoted(tokens: &[Token], tags: &[Tag], at: usize) -> Option<usize> {
    let close = (at + 1..tokens.len().min(at + 8)).find(|n| matches!(tokens[*n].text, "\"" | "''" | "”"))?;
    (close > at + 1 && !tags[at + 1..close].contains(&Tag::Auxiliary)).then_some(close)
}

/// A date in words: "July 12, 2006", "12 July 2006", "March 2019".
fn date(tokens: &[Token], at: usize) -> Option<usize> {
    let month = |n: usize| tokens.get(n).is_some_and(|t| super::dates::month(&t.lower).is_some() && t.is_capital());
    let day = |n: usize| tokens.get(n).is_some_and(|t| super::dates::day(&t.lower).is_some());
    let year = |n: usize| tokens.get(n).is_some_and(Token::is_year);
    let comma = |n: usize| tokens.get(n).is_some_and(|t| t.text == ",");
    let behind = |n: usize| {
        if year(n) {
            n + 1
        } else if comma(n) && year(n + 1) {
            n + 2
        } else {
            n
        }
    };
    if month(at) && day(at + 1) {
        return Some(behind(at + 2));
    }
    if day(at) && month(at + 1) {
        return Some(behind(at + 2));
    }
    // "In 1982 Oda died."
    let alone = year(at) && at > 0 && matches!(tokens[at - 1].lower.as_str(), "in" | "by" | "since" | "until" | "from");
    if alone && tokens.get(at + 1).is_some_and(Token::is_capital) {
        return Some(at + 1);
    }
    (month(at) && behind(at + 1) > at + 1).then(|| behind(at + 1))
}

/// A verb group that begins at `at`, its form and where it ends.
fn verb(tokens: &[Token], tags: &[Tag], at: usize) -> Option<(Kind, usize)> {
    let mut end = at;
    let mut verbs: Vec<usize> = Vec::new();
    while end < tokens.len() {
        match tags[end] {
            Tag::Auxiliary => verbs.push(end),
            Tag::Verb if verbs.last().is_none_or(|last| follows(tokens, tags, *last, end)) => verbs.push(end),
            Tag::To if (end == at || !verbs.is_empty()) && leads_to_verb(tags, end) => {}
            Tag::Not | Tag::Adverb if leads_to_verb(tags, end) => {}
            // "is able to swim"
            Tag::Adjective
                if verbs.last().is_some_and(|last| is_be(&tokens[*last].lower))
                    && tags.get(end + 1) == Some(&Tag::To)
                    && leads_to_verb(tags, end + 1) => {}
            // "is also", "has not": the adverb belongs to the copula.
            Tag::Not if !verbs.is_empty() => {}
            Tag::Adverb
                if tokens[end].lower != "at"
                    && verbs.last().is_some_and(|last| *last + 1 == end && is_be(&tokens[*last].lower)) => {}
            _ => break,
        }
        end += 1;
    }
    let last = *verbs.last()?;
    Some((Kind::Verb(form(tokens, tags, at, &verbs)), end.max(last + 1)))
}

fn leads_to_verb(tags: &[Tag], at: usize) -> bool {
    let next = (at + 1..tags.len()).find(|n| !matches!(tags[*n], Tag::Adverb | Tag::Not | Tag::To));
    next.is_some_and(|n| matches!(tags[n], Tag::Verb | Tag::Auxiliary) && n - at <= 3)
}

/// Whether a verb goes on with the group after an earlier one.
fn follows(tokens: &[Token], tags: &[Tag], last: usize, at: usize) -> bool {
    let to_between = tags[last + 1..at].contains(&Tag::To);
    let helps = last + 1 == at
        && matches!(tokens[last].lower.as_str(), "help" | "helps" | "helped")
        && morphology::may_be_base(&tokens[at].lower);
    tags[last] == Tag::Auxiliary || to_between || helps || morphology::is_gerund(&tokens[at].lower)
}

fn form(tokens: &[Token], tags: &[Tag], at: usize, verbs: &[usize]) -> Form {
    let word = |n: usize| tokens[n].lower.as_str();
    let (first, last) = (verbs[0], verbs[verbs.len() - 1]);
    if tags[at] == Tag::To {
        return Form::Infinitive;
    }
    if is_be(word(last)) {
        return if word(last) == "being" && verbs.len() == 1 { Form::Gerund } else { Form::Copula };
    }
    if verbs.len() == 1 {
        return match word(last) {
            word if morphology::is_gerund(word) => Form::Gerund,
            word if morphology::is_past(word) && morphology::is_participle(word) => Form::Past,
            _ => Form::Active,
        };
    }
    let before = verbs[verbs.len() - 2];
    let passive = is_be(word(before)) && morphology::is_participle(word(last)) && !morphology::is_gerund(word(last));
    match passive {
        true => Form::Passive,
        false if morphology::is_gerund(word(first)) => Form::Gerund,
        false => Form::Active,
    }
}
