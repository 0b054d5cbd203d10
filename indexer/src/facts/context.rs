//! What a small word is in its place: the same form may be a preposition or a conjunction, an article or a pronoun.

use super::liking::{is_liking, is_not_liking};
use super::morphology::{self, is_common_verb, is_past, is_third_person, may_be_base};
use super::tag::{ADVERBS, BOTH, Tag};
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
    /// The word, in lower case.
    pub fn word(&self) -> &str {
        &self.tokens[self.at].lower
    }

    /// What it is so far.
    pub fn tag(&self) -> Tag {
        self.tags[self.at]
    }

    /// What the next one is.
    pub fn next(&self) -> Option<Tag> {
        self.tags.get(self.at + 1).copied()
    }

    /// The next word.
    pub fn next_word(&self) -> &str {
        self.tokens.get(self.at + 1).map_or("", |token| &token.lower)
    }

    /// What the one before is.
    pub fn before(&self) -> Option<Tag> {
        self.at.checked_sub(1).map(|at| self.tags[at])
    }

    /// The word before.
    pub fn word_before(&self) -> &str {
        self.at.checked_sub(1).map_or("", |at| &self.tokens[at].lower)
    }

    /// The last one before it that is no adverb.
    pub fn real_before(&self) -> Option<usize> {
        (0..self.at).rev().find(|at| !matches!(self.tags[*at], Tag::Adverb | Tag::Not))
    }

    /// Whether a noun, a name or a number stands before it.
    pub fn follows_noun(&self) -> bool {
        matches!(self.before(), Some(Tag::Noun | Tag::Proper | Tag::Number | Tag::Pronoun | Tag::Possessive))
    }
}

/// Puts a word of the closed lists right.
pub fn small_word(p: &Place) -> Tag {
    let (next, before) = (p.next(), p.before());
    match p.word() {
        "to" if !may_be_infinitive(p, p.at + 1) => Tag::Preposition,
        "several" | "few" | "much" | "any" | "either" | "neither" if next == Some(Tag::Preposition) => Tag::Pronoun,
        "such" if p.next_word() == "as" => Tag::Preposition,
        "both" if next == Some(Tag::Preposition) => Tag::Adverb,
        "less" | "enough" if next == Some(Tag::Noun) => Tag::Determiner,
        "at" if matches!(p.next_word(), "least" | "most") => Tag::Adverb,
        "least" | "most" if p.word_before() == "at" => Tag::Adverb,
        // "the well is dry"
        "well" | "back"
            if before == Some(Tag::Determiner) && !matches!(next, Some(Tag::Noun | Tag::Adjective | Tag::Verb)) =>
        {
            Tag::Noun
        }
        "am" if before == Some(Tag::Number) => Tag::Number,
        "'s" if !p.follows_noun() || before == Some(Tag::Pronoun) || is_be_behind_noun(p) => Tag::Auxiliary,
        "'" if matches!(before, Some(Tag::Noun | Tag::Proper))
            && p.word_before().ends_with('s')
            && begins_noun(next) =>
        {
            Tag::Possessive
        }
        "that" => that(p),
        "himself" | "herself" | "itself" | "themselves" if p.follows_noun() => Tag::Adverb,
        "where" if p.follows_noun() || before == Some(Tag::Comma) => Tag::Relative,
        "her" if !begins_noun(next) => Tag::Pronoun,
        "more" | "fewer" if before == Some(Tag::Number) => Tag::Adjective,
        "more" | "most" | "less" if matches!(next, Some(Tag::Adjective | Tag::Adverb)) => Tag::Adverb,
        // "that amounts to": one thing, so the word behind it is its verb.
        "this" if is_plural(p.next_word()) && !is_one(p.next_word()) => Tag::Pronoun,
        "this" | "these" | "those" | "some" | "many" | "all" | "both" | "most" | "each" | "another" | "more" => {
            alone(p)
        }
        "about" | "around" | "over" | "nearly" | "almost" if next == Some(Tag::Number) && before == Some(Tag::Verb) => {
            Tag::Adverb
        }
        "no" if p.next_word() == "longer" => Tag::Adverb,
        "longer" if p.word_before() == "no" => Tag::Adverb,
        "no" if !begins_noun(next) && next != Some(Tag::Determiner) => Tag::Adverb,
        "due" if p.next_word() == "to" => Tag::Preposition,
        "so" if matches!(next, Some(Tag::Adjective | Tag::Adverb)) => Tag::Adverb,
        "once" if !matches!(next, Some(Tag::Determiner | Tag::Pronoun | Tag::Proper)) => Tag::Adverb,
        "have" | "has" | "had" | "'ve" | "'d" | "having" if !leads_to_participle(p) => Tag::Verb,
        "do" | "does" | "did" if !leads_to_base(p) => Tag::Verb,
        "for" if !matches!(before, Some(Tag::Comma | Tag::Sign)) => p.tag(),
        "like" | "likes" | "dislike" if is_liking(p) => Tag::Verb,
        word if BOTH.contains(&word) && begins_clause(p) => Tag::Subordinator,
        // "the down payments"
        _ if p.tag() == Tag::Preposition
            && before == Some(Tag::Determiner)
            && p.word_before() != "such"
            && next == Some(Tag::Noun) =>
        {
            Tag::Adjective
        }
        _ => p.tag(),
    }
}

/// "that" begins a relative clause, a clause, or a noun phrase, or stands alone.
fn that(p: &Place) -> Tag {
    let (next, before) = (p.next(), p.before());
    let lone = !matches!(before, Some(Tag::Preposition | Tag::Verb | Tag::Adjective)) && !p.follows_noun();
    match () {
        () if matches!(p.word_before(), "now" | "so") => Tag::Subordinator,
        () if lone && is_plural(p.next_word()) && !is_one(p.next_word()) => Tag::Pronoun,
        () if before == Some(Tag::Preposition) || before.is_none() && next != Some(Tag::Noun) => p.tag(),
        // "matches that get lost"
        () if matches!(before, Some(Tag::Noun | Tag::Proper | Tag::Verb))
            && matches!(next, Some(Tag::Verb | Tag::Auxiliary)) =>
        {
            Tag::Relative
        }
        () if p.follows_noun() && !matches!(next, Some(Tag::Determiner | Tag::Noun | Tag::Adjective)) => Tag::Relative,
        // "the beams that hold the roof", "a list that shows the way"
        () if p.follows_noun() && next == Some(Tag::Noun) && goes_on_with(p.tags.get(p.at + 2)) => Tag::Relative,
        () if is_plural(p.word_before()) && next == Some(Tag::Noun) && is_common_verb(p.next_word()) => Tag::Relative,
        // "rules that covered him"
        () if p.follows_noun() && morphology::is_past(p.next_word()) => Tag::Relative,
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

/// Whether a verb begins with this.
pub fn begins_verb(tag: Option<Tag>) -> bool {
    matches!(tag, Some(Tag::Verb | Tag::Auxiliary))
}

/// Whether this may follow a verb, and no noun.
pub fn goes_on_with(tag: Option<&Tag>) -> bool {
    matches!(tag, Some(Tag::Determiner | Tag::Pronoun | Tag::To))
}

/// Whether an article or a possessive pronoun stands behind it.
pub fn begins_thing(p: &Place) -> bool {
    matches!(p.next_word(), "the" | "a" | "an" | "its" | "his" | "her" | "their" | "our" | "my" | "your")
}

/// Whether a noun phrase without an article may begin with this.
pub fn begins_noun(tag: Option<Tag>) -> bool {
    matches!(tag, Some(Tag::Noun | Tag::Proper | Tag::Adjective | Tag::Number | Tag::Verb))
}

/// Whether a verb stands at `at`, or behind an adverb there.
fn may_be_infinitive(p: &Place, at: usize) -> bool {
    let Some(word) = p.tokens.get(at).map(|t| t.lower.as_str()) else { return false };
    let behind = |at: usize| p.tokens.get(at).is_some_and(|token| is_common_verb(&token.lower));
    match p.tags[at] {
        _ if matches!(word, "be" | "have" | "do") => true,
        Tag::Verb => may_be_base(word),
        Tag::Noun if is_common_verb(word) && may_be_base(word) => true,
        // "began to drain the tank": two noun phrases do not follow each other.
        Tag::Noun => may_be_base(word) && matches!(p.tags.get(at + 1), Some(Tag::Determiner)),
        Tag::Adverb => p.tags.get(at + 1) == Some(&Tag::Verb) || behind(at + 1) || may_be_infinitive(p, at + 1),
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
    if is_not_liking(&p.tokens[p.at + 1..], &p.tags[p.at + 1..]) {
        return true;
    }
    let after = p.tokens[p.at + 1..].iter().zip(&p.tags[p.at + 1..]).take(3);
    let mut after = after.skip_while(|(_, tag)| matches!(tag, Tag::Not | Tag::Adverb | Tag::Pronoun | Tag::Determiner));
    after.next().is_some_and(|(token, tag)| {
        *tag == Tag::Verb && may_be_base(&token.lower) || matches!(token.lower.as_str(), "have" | "do" | "be")
    })
}

/// Whether a noun phrase and then a verb follow: "after he left", not "after the war".
fn begins_clause(p: &Place) -> bool {
    for next in p.at + 1..p.tokens.len().min(p.at + 8) {
        let object = |at: usize| {
            p.at == 0
                && is_past(&p.tokens[at].lower)
                && matches!(p.tags.get(at + 1), Some(Tag::Determiner | Tag::Noun | Tag::Pronoun))
        };
        let finite =
            |at: usize| morphology::is_finite_only(&p.tokens[at].lower) || p.tags[at - 1] == Tag::Pronoun || object(at);
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

/// A word in `-s` that is no plural and no verb.
fn is_one(word: &str) -> bool {
    ["us", "is", "ics", "ness", "news", "series", "species", "lens"].iter().any(|end| word.ends_with(end))
}

/// A noun in `-s`.
pub fn is_plural(word: &str) -> bool {
    word.len() > 3 && word.ends_with('s') && !word.ends_with("ss")
}

/// A pronoun that is always a subject, or may be one.
pub fn is_subject(word: &str) -> bool {
    matches!(word, "i" | "you" | "he" | "she" | "it" | "we" | "they")
}
