//! The verb of a sentence whose verb was taken for a noun: "This road joined the towns", "The wheel consists of iron".

use super::context::is_plural;
use super::morphology;
use super::tag::Tag;
use super::token::Token;

/// Verbs that are seldom nouns in their base form.
const VERBS: &[&str] = &[
    "act", "appear", "become", "carry", "consist", "contain", "exist", "form", "get", "include", "occur", "provide",
    "remain", "require", "result", "seem", "tend", "vary",
];

/// The noun that must be the verb of the main clause, where that has none.
pub fn find(tokens: &[Token], tags: &[Tag]) -> Option<usize> {
    let (start, end) = main(tokens, tags);
    if (start..end).any(|at| is_finite(tokens, tags, at)) {
        return None;
    }
    let place = |at: usize| Place { tokens, tags, at, end };
    let all = || (start + 1..end).filter(|at| matches!(tags[*at], Tag::Noun | Tag::Adjective)).map(place);
    let nouns = || all().filter(|place| tags[place.at] == Tag::Noun);
    let found =
        all().find(Place::is_past).or_else(|| nouns().find(Place::is_third)).or_else(|| nouns().find(Place::is_base));
    found.map(|place| place.at)
}

/// The tokens of the main clause: up to the first word that begins another, or behind the comma where one begins the sentence.
fn main(tokens: &[Token], tags: &[Tag]) -> (usize, usize) {
    let comma = || tags.iter().position(|tag| *tag == Tag::Comma).map_or(tags.len(), |comma| comma + 1);
    let start = if tags.first() == Some(&Tag::Subordinator) { comma() } else { 0 };
    let ends = |at: &usize| match tags[*at] {
        Tag::Sign => matches!(tokens[*at].text, ":" | ";" | "-" | "--" | "–" | "—"),
        tag => matches!(tag, Tag::Subordinator | Tag::Relative),
    };
    // "and led to": a second verb of the same subject.
    let second = |at: usize| {
        let next = (at + 1..tags.len()).find(|n| tags[*n] != Tag::Adverb);
        matches!(tags[at], Tag::And | Tag::Comma) && next.is_some_and(|next| is_finite(tokens, tags, next))
    };
    let end = (start + 1..tags.len()).find(|at| ends(at) || second(*at));
    (start, end.unwrap_or(tags.len()).max(start))
}

/// Whether a verb here may be that of the clause.
fn is_finite(tokens: &[Token], tags: &[Tag], at: usize) -> bool {
    let infinitive = || (0..at).rev().find(|n| tags[*n] != Tag::Adverb).is_some_and(|n| tags[n] == Tag::To);
    match tags[at] {
        Tag::Auxiliary => !infinitive(),
        Tag::Verb => !morphology::is_gerund(&tokens[at].lower) && !infinitive(),
        _ => false,
    }
}

/// A noun that may be a verb.
struct Place<'a> {
    tokens: &'a [Token<'a>],
    tags: &'a [Tag],
    at: usize,
    end: usize,
}

impl Place<'_> {
    fn word(&self) -> &str {
        &self.tokens[self.at].lower
    }

    /// The last one before it that is no adverb.
    fn before(&self) -> usize {
        (0..self.at).rev().find(|n| self.tags[*n] != Tag::Adverb).unwrap_or(0)
    }

    fn next(&self) -> Option<Tag> {
        self.tags.get(self.at + 1).copied().filter(|_| self.at + 1 < self.end)
    }

    /// Whether a noun phrase ends before it.
    fn follows_noun(&self) -> bool {
        matches!(self.tags[self.before()], Tag::Noun | Tag::Proper | Tag::Pronoun | Tag::Number)
    }

    /// Whether a preposition leads to the noun phrase before it.
    fn follows_preposition(&self) -> bool {
        let phrase = |tag: &Tag| {
            matches!(
                tag,
                Tag::Noun
                    | Tag::Proper
                    | Tag::Adjective
                    | Tag::Determiner
                    | Tag::Number
                    | Tag::Possessive
                    | Tag::Adverb
            )
        };
        let begin = (0..self.at).rev().find(|n| !phrase(&self.tags[*n]));
        begin.is_some_and(|n| matches!(self.tags[n], Tag::Preposition | Tag::To))
    }

    /// "a road joined the towns", "many came".
    fn is_past(&self) -> bool {
        let many = matches!(self.tokens[self.before()].lower.as_str(), "many" | "some" | "most" | "all" | "both");
        let this = matches!(self.tokens[self.before()].lower.as_str(), "this" | "that" | "these" | "those");
        let leads = matches!(self.next(), Some(Tag::Determiner | Tag::Preposition | Tag::To | Tag::Verb));
        let follows = self.follows_noun() || many && morphology::is_finite_only(self.word()) || this && leads;
        follows && morphology::is_past(self.word()) && self.next() != Some(Tag::Possessive)
    }

    /// "the barn dates back", "the wheel consists of iron", "the pump costs 300 euros".
    fn is_third(&self) -> bool {
        let one = !is_plural(&self.tokens[self.before()].lower);
        let goes_on = matches!(
            self.next(),
            Some(
                Tag::Determiner
                    | Tag::Preposition
                    | Tag::Adverb
                    | Tag::Pronoun
                    | Tag::To
                    | Tag::Noun
                    | Tag::Adjective
                    | Tag::Proper
                    | Tag::Number
            )
        );
        // "two weeks in": so many, and no verb; but "phase 1 runs from".
        let known = morphology::is_third_person(self.word());
        let counted = self.tags[self.before()] == Tag::Number;
        let name = || self.before().checked_sub(1).is_some_and(|n| matches!(self.tags[n], Tag::Noun | Tag::Proper));
        let free = known || !self.follows_preposition();
        one && goes_on && free && (!counted || known && name()) && self.follows_noun() && is_plural(self.word())
    }

    /// "such words include the old names".
    fn is_base(&self) -> bool {
        let known = morphology::is_common_verb(self.word()) || VERBS.contains(&self.word());
        let goes_on = matches!(
            self.next(),
            Some(Tag::Determiner | Tag::Preposition | Tag::Adverb | Tag::Noun | Tag::Proper | Tag::To)
        );
        let many = is_plural(&self.tokens[self.before()].lower) || self.tokens[self.before()].lower.ends_with("ia");
        let far = || VERBS.contains(&self.word()) && self.tokens[..self.at].iter().any(|token| is_plural(&token.lower));
        known && goes_on && (many || far()) && self.follows_noun()
    }
}
