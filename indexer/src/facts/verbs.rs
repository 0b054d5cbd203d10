//! Whether a word is a verb, a noun or an adjective in its place.

use super::context::{Place, begins_noun, begins_thing, begins_verb, goes_on_with, is_plural, is_subject};
use super::morphology::{self, is_common_verb, is_past, is_third_person, may_be_base, may_be_noun};
use super::tag::{MODALS, Tag};

/// Tells verbs from nouns and adjectives by what stands around them.
pub fn verb_or_noun(p: &Place) -> Tag {
    match p.tag() {
        Tag::Verb => verb(p),
        Tag::Noun if is_verb_behind_helper(p) || is_predicate(p) => Tag::Verb,
        Tag::Adjective if is_verb_behind_helper(p) => Tag::Verb,
        Tag::Adjective | Tag::Noun
            if p.before() == Some(Tag::Relative) && is_past(p.word()) && !begins_verb(p.next()) =>
        {
            Tag::Verb
        }
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
        Some(Tag::Verb | Tag::Number) if is_plural(word) && !begins_thing(p) => Tag::Noun,
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
        Tag::To if helper + 1 == p.at => is_common_verb(p.word()) || base && p.next() == Some(Tag::Determiner),
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
    /// Adverbs that stand between a subject and its verb.
    const OFTEN: &[&str] =
        &["also", "always", "currently", "even", "never", "now", "often", "sometimes", "still", "usually"];
    let word = p.word();
    let before = p.real_before();
    let pointer = |at: usize| p.tags[at] == Tag::Pronoun && matches!(p.tokens[at].lower.as_str(), "this" | "that");
    let subject = before.is_some_and(|at| is_subject(&p.tokens[at].lower) || pointer(at) && is_plural(word));
    let named = before.is_some_and(|at| matches!(p.tags[at], Tag::Noun | Tag::Proper));
    let counted = before.is_some_and(|at| p.tags[at] == Tag::Number);
    let plural = counted || before.is_some_and(|at| is_plural(&p.tokens[at].lower));
    let frequent = p.before() == Some(Tag::Adverb) && OFTEN.contains(&p.word_before());
    let joined = p.before() == Some(Tag::And) && p.at > 1 && p.tags[p.at - 2] == Tag::Verb;
    match () {
        () if subject && (morphology::is_verb_form(word) || is_plural(word)) => true,
        () if p.before() == Some(Tag::Proper) && is_third_person(word) && !begins_noun(p.next()) => true,
        // "lives and works"
        () if joined && is_third_person(word) && is_third_person(&p.tokens[p.at - 2].lower) => true,
        // "the ropes span the yard"
        () if named && is_plural(p.word_before()) && may_be_base(word) && begins_thing(p) => true,
        // "the club also hosts dinners", "the two often quarrel"
        () if frequent && (named || counted) && (is_plural(word) || plural && may_be_base(word)) => true,
        // "was closed and retains a roof"
        () if p.before() == Some(Tag::And) && is_plural(word) && p.next() == Some(Tag::Determiner) => {
            has_verb_before(p)
        }
        // "Acme, for example, peddles the pump"
        () if p.before() == Some(Tag::Comma) && is_plural(word) && p.next() == Some(Tag::Determiner) => {
            !has_verb_before(p) && p.tags[..p.at].contains(&Tag::Proper)
        }
        // "a shop that sells fish"
        () if matches!(p.word_before(), "that" | "which" | "who")
            && p.before() == Some(Tag::Relative)
            && is_plural(word)
            && !begins_verb(p.next()) =>
        {
            true
        }
        // "the beams that hold the roof"
        () if p.before() == Some(Tag::Relative)
            && p.word_before() != "whose"
            && (goes_on_with(p.tags.get(p.at + 1)) || is_common_verb(word)) =>
        {
            is_plural(word) || may_be_base(word)
        }
        () if counted && before.is_some_and(|at| at + 1 == p.at) && is_plural(word) => begins_thing(p),
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
    /// Adjectives that also say how something was done.
    const DEGREES: &[&str] = &["best", "first", "last", "little", "long", "much"];
    /// Adjectives that `of` may follow.
    const TELLS_OF: &[&str] = &[
        "afraid",
        "ahead",
        "aware",
        "capable",
        "certain",
        "characteristic",
        "conscious",
        "devoid",
        "empty",
        "exclusive",
        "fond",
        "free",
        "full",
        "guilty",
        "ignorant",
        "independent",
        "indicative",
        "inclusive",
        "irrespective",
        "part",
        "proud",
        "regardless",
        "reminiscent",
        "representative",
        "short",
        "south",
        "north",
        "east",
        "west",
        "sure",
        "tired",
        "typical",
        "worthy",
    ];
    const COMPARE: &[&str] = &["more", "most", "all", "both", "so", "much", "no"];
    let (next, before) = (p.next(), p.before());
    let ends = matches!(next, None | Some(Tag::Comma | Tag::Sign | Tag::Preposition | Tag::Auxiliary));
    let inside = matches!(before, Some(Tag::Adjective | Tag::Determiner | Tag::Possessive));
    let behind = matches!(before, Some(Tag::Noun | Tag::Proper));
    match () {
        // "attorney general"
        () if behind && matches!(p.word(), "general" | "elect") && ends => Tag::Noun,
        // "is first mentioned": how, and not what it is.
        () if DEGREES.contains(&p.word()) && before == Some(Tag::Auxiliary) && is_behind_be(p) => Tag::Adverb,
        // "the patron saint of"
        () if behind && p.next_word() == "of" && !TELLS_OF.contains(&p.word()) => Tag::Noun,
        // "a public official,": an adjective where the noun should stand.
        () if inside && ends && !COMPARE.contains(&p.word_before()) => Tag::Noun,
        // "deals numbered 51"
        () if behind && is_past(p.word()) && !matches!(next, Some(Tag::Noun | Tag::Proper | Tag::Adjective)) => {
            Tag::Verb
        }
        () => Tag::Adjective,
    }
}

/// Between a form of `be` and a participle.
fn is_behind_be(p: &Place) -> bool {
    super::tag::is_be(p.word_before())
        && p.next() == Some(Tag::Verb)
        && morphology::is_participle(p.next_word())
        && !morphology::is_gerund(p.next_word())
}

/// Whether a verb stands before it.
fn has_verb_before(p: &Place) -> bool {
    p.tags[..p.at].iter().any(|tag| matches!(tag, Tag::Verb | Tag::Auxiliary))
}

fn is_modal(p: &Place) -> bool {
    let helper = (0..p.at).rev().find(|at| p.tags[*at] == Tag::Auxiliary);
    helper.is_some_and(|at| {
        let word = p.tokens[at].lower.as_str();
        MODALS.contains(&word) || matches!(word, "do" | "does" | "did")
    })
}
