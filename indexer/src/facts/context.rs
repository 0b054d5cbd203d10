//! What a word is in its place: the same form may be a noun or a verb, a preposition or a conjunction.

use super::morphology::{self, is_common_verb, is_past, is_third_person, may_be_base, may_be_noun};
use super::tag::{ADVERBS, BOTH, MODALS, Tag};
use super::token::Token;

/// A token in its sentence.
pub struct Place<'a> {
    /// The tokens of the sentence.
    pub tokens: &'a [Token<'a>],
    /// What they are so far.
    pub tags: &'a [Tag],
    /// Which token it is.
    pub at: usize,
}

impl Place<'_> {
    fn word(&self) -> &str {
        &self.tokens[self.at].lower
    }

    fn tag(&self) -> Tag {
        self.tags[self.at]
    }

    fn next(&self) -> Option<Tag> {
        self.tags.get(self.at + 1).copied()
    }

    fn next_word(&self) -> &str {
        self.tokens.get(self.at + 1).map_or("", |token| &token.lower)
    }

    fn before(&self) -> Option<Tag> {
        self.at.checked_sub(1).map(|at| self.tags[at])
    }

    fn word_before(&self) -> &str {
        self.at.checked_sub(1).map_or("", |at| &self.tokens[at].lower)
    }

    /// The last one before it that is no adverb.
    fn real_before(&self) -> Option<usize> {
        (0..self.at).rev().find(|at| !matches!(self.tags[*at], Tag::Adverb | Tag::Not))
    }

    fn follows_noun(&self) -> bool {
        matches!(self.before(), Some(Tag::Noun | Tag::Proper | Tag::Number | Tag::Pronoun | Tag::Possessive))
    }
}

/// Puts a word of the closed lists right.
pub fn small_word(p: &Place) -> Tag {
    let (next, before) = (p.next(), p.before());
    match p.word() {
        "to" if !may_be_infinitive(p, p.at + 1) => Tag::Preposition,
        "'s" if !p.follows_noun() || before == Some(Tag::Pronoun) || is_be_behind_noun(p) => Tag::Auxiliary,
        "'" if before == Some(Tag::Noun) && p.word_before().ends_with('s') && begins_noun(next) => Tag::Possessive,
        "that" => that(p),
        "himself" | "herself" | "itself" | "themselves" if p.follows_noun() => Tag::Adverb,
        "where" if p.follows_noun() || before == Some(Tag::Comma) => Tag::Relative,
        "her" if !begins_noun(next) => Tag::Pronoun,
        "more" | "fewer" if before == Some(Tag::Number) => Tag::Adjective,
        "more" | "most" | "less" if matches!(next, Some(Tag::Adjective | Tag::Adverb)) => Tag::Adverb,
        "this" | "these" | "those" | "some" | "many" | "all" | "both" | "most" | "each" | "another" | "more" => {
            alone(p)
        }
        "about" | "around" | "over" | "nearly" | "almost" if next == Some(Tag::Number) && before == Some(Tag::Verb) => {
            Tag::Adverb
        }
        "no" if !begins_noun(next) && next != Some(Tag::Determiner) => Tag::Adverb,
        "due" if p.next_word() == "to" => Tag::Preposition,
        "so" if matches!(next, Some(Tag::Adjective | Tag::Adverb)) => Tag::Adverb,
        "once" if !matches!(next, Some(Tag::Determiner | Tag::Pronoun | Tag::Proper)) => Tag::Adverb,
        "have" | "has" | "had" | "'ve" | "'d" | "having" if !leads_to_participle(p) => Tag::Verb,
        "do" | "does" | "did" if !leads_to_base(p) => Tag::Verb,
        "for" if !matches!(before, Some(Tag::Comma | Tag::Sign)) => p.tag(),
        word if BOTH.contains(&word) && begins_clause(p) => Tag::Subordinator,
        // "the down payments"
        _ if p.tag() == Tag::Preposition && before == Some(Tag::Determiner) && next == Some(Tag::Noun) => {
            Tag::Adjective
        }
        _ => p.tag(),
    }
}

/// "that" begins a relative clause, a clause, or a noun phrase, or stands alone.
fn that(p: &Place) -> Tag {
    let (next, before) = (p.next(), p.before());
    match () {
        () if before == Some(Tag::Preposition) || before.is_none() && next != Some(Tag::Noun) => p.tag(),
        // "matches that get lost"
        () if matches!(before, Some(Tag::Noun | Tag::Proper | Tag::Verb))
            && matches!(next, Some(Tag::Verb | Tag::Auxiliary)) =>
        {
            Tag::Relative
        }
        () if p.follows_noun() && !matches!(next, Some(Tag::Determiner | Tag::Noun | Tag::Adjective)) => Tag::Relative,
        () if p.follows_noun() && next == Some(Tag::Noun) && is_third_person(p.next_word()) => Tag::Relative,
        () if begins_noun(next) && next != Some(Tag::Proper) && !has_verb_behind(p) => Tag::Determiner,
        () if matches!(before, Some(Tag::Verb | Tag::Adjective | Tag::Noun)) => Tag::Subordinator,
        () if before == Some(Tag::Auxiliary) && has_verb_behind(p) => Tag::Subordinator,
        () => alone(p),
    }
}

/// A determiner without a noun is a pronoun.
fn alone(p: &Place) -> Tag {
    let noun = begins_noun(p.next()) || p.next() == Some(Tag::Determiner);
    if p.tag() == Tag::Determiner && !noun { Tag::Pronoun } else { p.tag() }
}

/// Whether a verb follows before the next comma.
fn has_verb_behind(p: &Place) -> bool {
    let mut clause = p.tags[p.at + 1..].iter().take_while(|tag| !matches!(tag, Tag::Comma | Tag::Sign));
    clause.any(|tag| matches!(tag, Tag::Verb | Tag::Auxiliary))
}

fn begins_noun(tag: Option<Tag>) -> bool {
    matches!(tag, Some(Tag::Noun | Tag::Proper | Tag::Adjective | Tag::Number | Tag::Verb))
}

/// Whether a verb stands at `at`, or behind an adverb there.
fn may_be_infinitive(p: &Place, at: usize) -> bool {
    let Some(word) = p.tokens.get(at).map(|t| t.lower.as_str()) else { return false };
    let behind = |at: usize| p.tokens.get(at).is_some_and(|token| is_common_verb(&token.lower));
    match p.tags[at] {
        _ if matches!(word, "be" | "have" | "do") => true,
        Tag::Verb => may_be_base(word),
        Tag::Noun => is_common_verb(word) && may_be_base(word),
        Tag::Adverb => p.tags.get(at + 1) == Some(&Tag::Verb) || behind(at + 1),
        _ => false,
    }
}

/// `'s` for `is`: no noun phrase follows it directly.
fn is_be_behind_noun(p: &Place) -> bool {
    matches!(p.next(), Some(Tag::Determiner | Tag::Not | Tag::Preposition | Tag::Pronoun))
        || p.next_word().ends_with("ing") && p.next() == Some(Tag::Verb)
}

/// Whether a form of `have` helps a participle, at most two adverbs away.
fn leads_to_participle(p: &Place) -> bool {
    let adverb = |word: &str| word == "not" || word == "n't" || word.ends_with("ly") || ADVERBS.contains(&word);
    let mut after = p.tokens[p.at + 1..].iter().take(3).map(|token| token.lower.as_str());
    let first = after.find(|word| !adverb(word));
    first.is_some_and(|word| word == "been" || morphology::is_participle(word))
}

/// Whether a form of `do` helps a verb.
fn leads_to_base(p: &Place) -> bool {
    let after = p.tokens[p.at + 1..].iter().zip(&p.tags[p.at + 1..]).take(3);
    let mut after = after.skip_while(|(_, tag)| matches!(tag, Tag::Not | Tag::Adverb | Tag::Pronoun));
    after.next().is_some_and(|(token, tag)| {
        *tag == Tag::Verb && may_be_base(&token.lower) || matches!(token.lower.as_str(), "have" | "do" | "be")
    })
}

/// Whether a noun phrase and then a verb follow: "after he left", not "after the war".
fn begins_clause(p: &Place) -> bool {
    for next in p.at + 1..p.tokens.len().min(p.at + 8) {
        let finite = |at: usize| morphology::is_finite_only(&p.tokens[at].lower) || p.tags[at - 1] == Tag::Pronoun;
        match p.tags[next] {
            Tag::Auxiliary => return next > p.at + 1,
            Tag::Verb if finite(next) => return next > p.at + 1,
            Tag::Noun | Tag::Proper | Tag::Pronoun | Tag::Determiner => {}
            Tag::Adjective | Tag::Number | Tag::Possessive => {}
            _ => return false,
        }
    }
    false
}

/// Tells verbs from nouns and adjectives by what stands around them.
pub fn verb_or_noun(p: &Place) -> Tag {
    match p.tag() {
        Tag::Verb => verb(p),
        Tag::Noun if is_verb_behind_helper(p) || is_predicate(p) => Tag::Verb,
        Tag::Adjective if is_verb_behind_helper(p) => Tag::Verb,
        Tag::Adjective => adjective(p),
        Tag::Proper if is_of_country(p) => Tag::Adjective,
        tag => tag,
    }
}

/// A verb has no article before it; a participle may stand there as an adjective.
fn verb(p: &Place) -> Tag {
    let (word, before) = (p.word(), p.before());
    let noun = may_be_noun(word);
    let modifies = morphology::is_participle(word) && begins_noun(p.next());
    match before {
        // "Declining issues outnumbered"
        None | Some(Tag::Comma) if modifies && matches!(p.tags.get(p.at + 2), Some(Tag::Verb | Tag::Auxiliary)) => {
            Tag::Adjective
        }
        Some(Tag::Determiner | Tag::Possessive) => {
            if modifies {
                Tag::Adjective
            } else {
                Tag::Noun
            }
        }
        Some(Tag::Adjective) if noun => {
            if modifies {
                Tag::Adjective
            } else {
                Tag::Noun
            }
        }
        Some(Tag::Preposition) if modifies && !word.ends_with("ing") => Tag::Adjective,
        Some(Tag::Preposition) if noun && !word.ends_with("ing") => Tag::Noun,
        // "a track record was": what one thing does ends in -s.
        Some(Tag::Noun) if is_singular(p) && may_be_base(word) && !is_past(word) => Tag::Noun,
        // Two verbs do not follow each other: "makes pumps"; what is counted is a thing: "two pumps".
        Some(Tag::Verb | Tag::Number) if is_plural(word) => Tag::Noun,
        _ => Tag::Verb,
    }
}

/// Whether the noun phrase before is one thing, so that no base form can be its verb.
fn is_singular(p: &Place) -> bool {
    const MANY: &[&str] =
        &["people", "men", "women", "children", "police", "staff", "folk", "media", "data", "team", "family"];
    let word = p.word_before();
    let phrase = p.tags[..p.at].iter().rev().take_while(|tag| {
        matches!(tag, Tag::Noun | Tag::Proper | Tag::Adjective | Tag::Determiner | Tag::And | Tag::Number)
    });
    let (mut one, mut joined) = (false, false);
    for tag in phrase {
        one |= *tag == Tag::Determiner;
        joined |= matches!(tag, Tag::And | Tag::Number);
    }
    one && !joined && !word.ends_with('s') && !MANY.contains(&word)
}

/// Behind `to`, a modal verb or a form of `be`.
fn is_verb_behind_helper(p: &Place) -> bool {
    let Some(helper) = p.real_before() else { return false };
    let base = may_be_base(p.word());
    match p.tags[helper] {
        Tag::To if helper + 1 == p.at => is_common_verb(p.word()),
        Tag::To => base && !begins_noun(p.next()),
        Tag::Auxiliary if is_modal(p) && base => p.next() != Some(Tag::Auxiliary),
        Tag::Auxiliary if morphology::is_gerund(p.word()) => {
            matches!(p.next(), Some(Tag::To | Tag::Determiner | Tag::Pronoun | Tag::Proper))
        }
        Tag::Auxiliary => is_past(p.word()) && !begins_noun(p.next()),
        _ => false,
    }
}

/// A noun by its form that is the verb of its sentence.
fn is_predicate(p: &Place) -> bool {
    let word = p.word();
    let before = p.real_before();
    let subject = before.is_some_and(|at| is_subject(&p.tokens[at].lower));
    let named = before.is_some_and(|at| matches!(p.tags[at], Tag::Noun | Tag::Proper));
    let joined = p.before() == Some(Tag::And) && p.at > 1 && p.tags[p.at - 2] == Tag::Verb;
    match () {
        () if subject && (morphology::is_verb_form(word) || is_plural(word)) => true,
        () if p.before() == Some(Tag::Proper) && is_third_person(word) && !begins_noun(p.next()) => true,
        // "lives and works"
        () if joined && is_third_person(word) && is_third_person(&p.tokens[p.at - 2].lower) => true,
        // Two noun phrases do not follow each other: "the spray overcomes these problems".
        () => is_plural(word) && named && p.next() == Some(Tag::Determiner),
    }
}

/// "the Japanese economy", "an American television network": an adjective with a capital, unless a name goes on behind it.
fn is_of_country(p: &Place) -> bool {
    let name = matches!(p.before(), Some(Tag::Proper));
    !name && matches!(p.next(), Some(Tag::Noun | Tag::Adjective)) && super::affiliation::is_demonym(p.tokens[p.at].text)
}

fn adjective(p: &Place) -> Tag {
    const COMPARE: &[&str] = &["more", "most", "all", "both", "so", "much", "no"];
    let (next, before) = (p.next(), p.before());
    let ends = matches!(next, None | Some(Tag::Comma | Tag::Sign | Tag::Preposition | Tag::Auxiliary));
    let inside = matches!(before, Some(Tag::Adjective | Tag::Determiner | Tag::Possessive));
    let behind = matches!(before, Some(Tag::Noun | Tag::Proper));
    match () {
        // "attorney general"
        () if behind && matches!(p.word(), "general" | "elect") && ends => Tag::Noun,
        // "a public official,": an adjective where the noun should stand.
        () if inside && ends && !COMPARE.contains(&p.word_before()) => Tag::Noun,
        // "deals numbered 51"
        () if behind && is_past(p.word()) && !matches!(next, Some(Tag::Noun | Tag::Proper | Tag::Adjective)) => {
            Tag::Verb
        }
        () => Tag::Adjective,
    }
}

/// A noun in `-s`.
pub fn is_plural(word: &str) -> bool {
    word.len() > 3 && word.ends_with('s') && !word.ends_with("ss")
}

fn is_subject(word: &str) -> bool {
    matches!(word, "i" | "you" | "he" | "she" | "it" | "we" | "they")
}

fn is_modal(p: &Place) -> bool {
    let helper = (0..p.at).rev().find(|at| p.tags[*at] == Tag::Auxiliary);
    helper.is_some_and(|at| {
        let word = p.tokens[at].lower.as_str();
        MODALS.contains(&word) || matches!(word, "do" | "does" | "did")
    })
}
