//! Parts of speech: a trained tagger, put right by closed lists of small words and by the shape of words.

use std::sync::LazyLock;

use harper_brill::{BrillTagger, FreqDict, Tagger, UPOS, brill_tagger};

use super::morphology;
use super::token::Token;

/// What a token does in its sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// A common noun.
    Noun,
    /// A part of a name.
    Proper,
    /// A pronoun that stands for a noun phrase.
    Pronoun,
    /// An article or what stands in its place, possessive pronouns included.
    Determiner,
    /// An adjective.
    Adjective,
    /// An adverb.
    Adverb,
    /// A verb with a meaning of its own.
    Verb,
    /// `be`, `have`, `do` and modal verbs.
    Auxiliary,
    /// `not`.
    Not,
    /// `to` before a verb.
    To,
    /// A preposition.
    Preposition,
    /// `and`, `or`, `but`.
    And,
    /// `because`, `when`, `that` before a clause ...
    Subordinator,
    /// `who`, `which`, `that` behind a noun.
    Relative,
    /// A number.
    Number,
    /// `'s` behind a noun.
    Possessive,
    /// A comma.
    Comma,
    /// `(`, `)`, quotation marks and everything else.
    Sign,
}

static TAGGER: LazyLock<std::sync::Arc<BrillTagger<FreqDict>>> = LazyLock::new(brill_tagger);

const BE: &[&str] = &["am", "is", "are", "was", "were", "be", "been", "being", "'m", "'re"];
const MODALS: &[&str] =
    &["will", "would", "can", "could", "may", "might", "shall", "should", "must", "cannot", "'ll", "ca", "wo"];
const HELPERS: &[&str] = &["have", "has", "had", "do", "does", "did", "'ve", "'d", "having"];
const PRONOUNS: &[&str] = &[
    "i",
    "me",
    "you",
    "he",
    "him",
    "she",
    "it",
    "we",
    "us",
    "they",
    "them",
    "myself",
    "himself",
    "herself",
    "itself",
    "ourselves",
    "themselves",
    "someone",
    "somebody",
    "something",
    "anyone",
    "anything",
    "everyone",
    "everything",
    "nobody",
    "nothing",
    "mine",
    "hers",
    "theirs",
    "ours",
    "yours",
    "'em",
];
const DETERMINERS: &[&str] = &[
    "the", "a", "an", "my", "your", "his", "her", "its", "our", "their", "this", "that", "these", "those", "some",
    "any", "no", "every", "each", "both", "all", "another", "either", "neither", "several", "many", "few", "much",
    "more", "most", "such", "other",
];
const PREPOSITIONS: &[&str] = &[
    "of",
    "in",
    "on",
    "at",
    "by",
    "for",
    "with",
    "from",
    "into",
    "onto",
    "about",
    "over",
    "under",
    "above",
    "below",
    "between",
    "among",
    "through",
    "during",
    "against",
    "within",
    "without",
    "near",
    "behind",
    "beyond",
    "across",
    "along",
    "around",
    "toward",
    "towards",
    "upon",
    "per",
    "via",
    "despite",
    "throughout",
    "inside",
    "outside",
    "off",
    "including",
    "unlike",
    "amid",
    "beside",
    "besides",
    "alongside",
    "except",
    "concerning",
    "regarding",
    "like",
    "as",
    "after",
    "before",
    "since",
    "until",
    "till",
    "than",
    "out",
    "up",
    "down",
    "to",
    "according",
    "following",
];
/// Prepositions that also begin clauses.
const BOTH: &[&str] = &["after", "before", "since", "until", "till", "as", "like", "than", "for"];
const SUBORDINATORS: &[&str] = &[
    "because", "although", "though", "while", "whereas", "if", "unless", "when", "whenever", "once", "whether", "so",
    "where", "wherever", "how", "why", "lest",
];
const RELATIVES: &[&str] = &["who", "whom", "which", "whose"];
const ADVERBS: &[&str] = &[
    "also",
    "then",
    "now",
    "still",
    "never",
    "always",
    "often",
    "later",
    "currently",
    "previously",
    "originally",
    "already",
    "just",
    "only",
    "even",
    "ever",
    "again",
    "once",
    "here",
    "there",
    "soon",
    "very",
    "too",
    "however",
    "therefore",
    "thus",
    "instead",
    "together",
    "almost",
    "perhaps",
    "usually",
    "sometimes",
    "yet",
    "ago",
    "back",
    "away",
    "well",
];

/// The tags of a sentence.
pub fn tags(tokens: &[Token]) -> Vec<Tag> {
    let words: Vec<String> = tokens.iter().map(|t| t.lower.clone()).collect();
    let trained = TAGGER.tag_sentence(&words);
    let title = is_title(tokens);
    let mut tags: Vec<Tag> =
        tokens.iter().zip(&trained).enumerate().map(|(at, (t, upos))| first(t, *upos, at == 0, title)).collect();
    (0..tokens.len()).for_each(|at| tags[at] = verb_or_noun(tokens, &tags, at));
    (0..tokens.len()).for_each(|at| tags[at] = in_context(tokens, &tags, at));
    (0..tokens.len()).for_each(|at| tags[at] = verb_or_noun(tokens, &tags, at));
    if !tags.iter().any(|tag| matches!(tag, Tag::Verb | Tag::Auxiliary)) {
        make_verb(tokens, &mut tags);
    }
    tags
}

/// Makes a verb of the first noun that may be one, in a sentence that has none: "Mary paints boats".
fn make_verb(tokens: &[Token], tags: &mut [Tag]) {
    let may = |at: usize| {
        let word = tokens[at].lower.as_str();
        let before = matches!(tags[at - 1], Tag::Noun | Tag::Proper | Tag::Pronoun);
        let behind = matches!(tags[at + 1], Tag::Sign | Tag::Comma | Tag::Possessive | Tag::Relative);
        tags[at] == Tag::Noun && before && !behind && (is_plural(word) || morphology::is_past(word))
    };
    if let Some(at) = (1..tokens.len().saturating_sub(1)).find(|at| may(*at)) {
        tags[at] = Tag::Verb;
    }
}

/// Whether nearly every word has a capital, so that capitals say nothing.
fn is_title(tokens: &[Token]) -> bool {
    let words = tokens.iter().filter(|t| t.is_word() && t.text.len() > 3);
    let (all, capital) = words.fold((0, 0), |(all, capital), t| (all + 1, capital + usize::from(t.is_capital())));
    all > 4 && capital * 10 >= all * 8
}

/// What a token is by itself.
fn first(token: &Token, trained: Option<UPOS>, begins: bool, title: bool) -> Tag {
    let word = token.lower.as_str();
    if let Some(tag) = closed(word) {
        let named = token.is_capital() && !begins && !title;
        // "Per", "Will" and "May" are names where they have a capital and need none.
        let small = matches!(tag, Tag::Preposition | Tag::Auxiliary | Tag::Subordinator);
        return if named && small { Tag::Proper } else { tag };
    }
    if !token.is_word() {
        return if token.text == "," { Tag::Comma } else { sign(token) };
    }
    if token.is_number() || token.text.starts_with(|c: char| c.is_ascii_digit()) {
        return Tag::Number;
    }
    let name = token.is_capital() && !title && (!begins || trained.is_none() || trained == Some(UPOS::PROPN));
    if name && !morphology::is_participle_only(word) {
        return Tag::Proper;
    }
    trained.map_or_else(|| by_shape(token), |upos| open(upos, word))
}

fn sign(token: &Token) -> Tag {
    if matches!(token.text, "$" | "€" | "£" | "%" | "&") { Tag::Number } else { Tag::Sign }
}

fn closed(word: &str) -> Option<Tag> {
    let is = |list: &[&str]| list.contains(&word);
    Some(match word {
        "to" => Tag::To,
        "not" | "n't" => Tag::Not,
        "and" | "or" | "but" | "nor" => Tag::And,
        "'s" => Tag::Possessive,
        _ if is(BE) || is(MODALS) || is(HELPERS) => Tag::Auxiliary,
        _ if is(PRONOUNS) => Tag::Pronoun,
        _ if is(DETERMINERS) => Tag::Determiner,
        _ if is(RELATIVES) => Tag::Relative,
        _ if is(SUBORDINATORS) => Tag::Subordinator,
        _ if is(PREPOSITIONS) => Tag::Preposition,
        _ if is(ADVERBS) => Tag::Adverb,
        _ => return None,
    })
}

fn open(upos: UPOS, word: &str) -> Tag {
    match upos {
        UPOS::ADJ => Tag::Adjective,
        UPOS::ADV => Tag::Adverb,
        UPOS::VERB => Tag::Verb,
        UPOS::AUX if morphology::is_verb_form(word) => Tag::Verb,
        UPOS::NUM => Tag::Number,
        UPOS::PROPN | UPOS::NOUN | UPOS::AUX => Tag::Noun,
        UPOS::ADP => Tag::Preposition,
        UPOS::CCONJ => Tag::And,
        UPOS::SCONJ => Tag::Subordinator,
        UPOS::DET => Tag::Determiner,
        UPOS::PRON => Tag::Pronoun,
        UPOS::INTJ => Tag::Adverb,
        UPOS::PART | UPOS::PUNCT | UPOS::SYM => Tag::Sign,
    }
}

fn by_shape(token: &Token) -> Tag {
    let word = token.lower.as_str();
    let ends = |ends: &[&str]| ends.iter().any(|end| word.ends_with(end));
    match () {
        () if token.text.contains(['@', '/', '_', '.']) => Tag::Proper,
        () if ends(&["ly"]) => Tag::Adverb,
        () if morphology::is_past(word) || ends(&["ing"]) => Tag::Verb,
        () if ends(&["ous", "ful", "ive", "able", "ible", "ical", "less", "ish", "ian", "ese"]) => Tag::Adjective,
        () => Tag::Noun,
    }
}

/// Puts right what depends on the neighbours and needs no verb.
fn in_context(tokens: &[Token], tags: &[Tag], at: usize) -> Tag {
    let (word, tag) = (tokens[at].lower.as_str(), tags[at]);
    let next = tags.get(at + 1).copied();
    let next_word = tokens.get(at + 1).map_or("", |t| t.lower.as_str());
    let before = at.checked_sub(1).map(|before| tags[before]);
    let noun_before = matches!(before, Some(Tag::Noun | Tag::Proper | Tag::Number | Tag::Pronoun | Tag::Possessive));
    match word {
        "to" if !may_be_infinitive(tokens, tags, at + 1) => Tag::Preposition,
        "'s" if !noun_before || before == Some(Tag::Pronoun) || is_be_behind_noun(tokens, tags, at) => Tag::Auxiliary,
        "that" if before == Some(Tag::Preposition) || before.is_none() && !matches!(next, Some(Tag::Noun)) => tag,
        "that" if noun_before && !matches!(next, Some(Tag::Determiner | Tag::Noun | Tag::Adjective)) => Tag::Relative,
        "that" if noun_before && next == Some(Tag::Noun) && morphology::is_third_person(next_word) => Tag::Relative,
        "himself" | "herself" | "itself" | "themselves" if noun_before => Tag::Adverb,
        "that" if begins_noun(next) && next != Some(Tag::Proper) && !has_verb_behind(tags, at) => Tag::Determiner,
        "that" if matches!(before, Some(Tag::Verb | Tag::Adjective | Tag::Noun)) => Tag::Subordinator,
        "where" if noun_before || before == Some(Tag::Comma) => Tag::Relative,
        "her" if !begins_noun(next) => Tag::Pronoun,
        "this" | "that" | "these" | "those" | "some" | "many" | "all" | "both" | "most" | "each" | "another"
        | "more"
            if tag == Tag::Determiner && !begins_noun(next) && next != Some(Tag::Determiner) =>
        {
            Tag::Pronoun
        }
        "no" if !begins_noun(next) && next != Some(Tag::Determiner) => Tag::Adverb,
        "'" if before == Some(Tag::Noun) && tokens[at - 1].lower.ends_with('s') && begins_noun(next) => Tag::Possessive,
        "due" if next_word == "to" => Tag::Preposition,
        "so" if matches!(next, Some(Tag::Adjective | Tag::Adverb)) => Tag::Adverb,
        "once" if !matches!(next, Some(Tag::Determiner | Tag::Pronoun | Tag::Proper)) => Tag::Adverb,
        "have" | "has" | "had" | "'ve" | "'d" | "having" if !leads_to_participle(tokens, at) => Tag::Verb,
        "do" | "does" | "did" if !leads_to_base(tokens, tags, at) => Tag::Verb,
        _ if BOTH.contains(&word) && begins_clause(tokens, tags, at) => Tag::Subordinator,
        _ => tag,
    }
}

/// Whether a verb follows before the next comma.
fn has_verb_behind(tags: &[Tag], at: usize) -> bool {
    let clause = tags[at + 1..].iter().take_while(|tag| !matches!(tag, Tag::Comma | Tag::Sign));
    clause.into_iter().any(|tag| matches!(tag, Tag::Verb | Tag::Auxiliary))
}

fn begins_noun(tag: Option<Tag>) -> bool {
    matches!(tag, Some(Tag::Noun | Tag::Proper | Tag::Adjective | Tag::Number | Tag::Verb))
}

/// Whether a verb stands at `at`, or behind an adverb there.
fn may_be_infinitive(tokens: &[Token], tags: &[Tag], at: usize) -> bool {
    let Some(word) = tokens.get(at).map(|t| t.lower.as_str()) else { return false };
    match tags[at] {
        _ if matches!(word, "be" | "have" | "do") => true,
        Tag::Verb => morphology::may_be_base(word),
        Tag::Noun => morphology::is_common_verb(word) && morphology::may_be_base(word),
        Tag::Adverb => {
            tags.get(at + 1) == Some(&Tag::Verb)
                || tokens.get(at + 1).is_some_and(|t| morphology::is_common_verb(&t.lower))
        }
        _ => false,
    }
}

/// `'s` for `is`: no noun phrase follows it directly.
fn is_be_behind_noun(tokens: &[Token], tags: &[Tag], at: usize) -> bool {
    let next = tags.get(at + 1).copied();
    let word = tokens.get(at + 1).map_or("", |t| t.lower.as_str());
    matches!(next, Some(Tag::Determiner | Tag::Not | Tag::Preposition | Tag::Pronoun))
        || word.ends_with("ing") && next == Some(Tag::Verb)
}

/// Whether a form of `have` at `at` helps a participle, at most two adverbs away.
fn leads_to_participle(tokens: &[Token], at: usize) -> bool {
    let after = tokens[at + 1..].iter().take(3);
    for token in after {
        let word = token.lower.as_str();
        if word == "been" || morphology::is_participle(word) {
            return true;
        }
        let between = word == "not" || word == "n't" || word.ends_with("ly") || ADVERBS.contains(&word);
        if !between {
            return false;
        }
    }
    false
}

fn leads_to_base(tokens: &[Token], tags: &[Tag], at: usize) -> bool {
    let after = tokens[at + 1..].iter().zip(&tags[at + 1..]).take(3);
    let mut after = after.skip_while(|(_, tag)| matches!(tag, Tag::Not | Tag::Adverb | Tag::Pronoun));
    after.next().is_some_and(|(token, tag)| {
        matches!(tag, Tag::Verb) && morphology::may_be_base(&token.lower)
            || matches!(token.lower.as_str(), "have" | "do" | "be")
    })
}

/// Whether a noun phrase and then a verb follow: "after he left", not "after the war".
fn begins_clause(tokens: &[Token], tags: &[Tag], at: usize) -> bool {
    for next in at + 1..tokens.len().min(at + 8) {
        match tags[next] {
            Tag::Auxiliary => return next > at + 1,
            Tag::Verb if morphology::is_finite_only(&tokens[next].lower) || tags[next - 1] == Tag::Pronoun => {
                return next > at + 1;
            }
            Tag::Noun
            | Tag::Proper
            | Tag::Pronoun
            | Tag::Determiner
            | Tag::Adjective
            | Tag::Number
            | Tag::Possessive => {}
            _ => return false,
        }
    }
    false
}

/// Tells verbs from nouns by what stands before them.
fn verb_or_noun(tokens: &[Token], tags: &[Tag], at: usize) -> Tag {
    let (word, tag) = (tokens[at].lower.as_str(), tags[at]);
    let before = (0..at).rev().map(|n| tags[n]).find(|t| !matches!(t, Tag::Adverb | Tag::Not));
    let direct = at.checked_sub(1).map(|n| tags[n]);
    let next = tags.get(at + 1).copied();
    match tag {
        // A verb has no article before it; a participle may stand there as an adjective.
        Tag::Verb
            if matches!(direct, Some(Tag::Determiner | Tag::Possessive))
                || direct == Some(Tag::Adjective) && morphology::may_be_noun(word) =>
        {
            if morphology::is_participle(word) && begins_noun(next) { Tag::Adjective } else { Tag::Noun }
        }
        Tag::Verb
            if direct == Some(Tag::Preposition)
                && morphology::is_participle(word)
                && !word.ends_with("ing")
                && begins_noun(next) =>
        {
            Tag::Adjective
        }
        // Two verbs do not follow each other: "makes pumps".
        Tag::Verb if direct == Some(Tag::Verb) && is_plural(word) => Tag::Noun,
        Tag::Verb if direct == Some(Tag::Preposition) && !word.ends_with("ing") && morphology::may_be_noun(word) => {
            Tag::Noun
        }
        Tag::Noun | Tag::Adjective
            if before == Some(Tag::To)
                && (direct == Some(Tag::To) || morphology::may_be_base(word) && !begins_noun(next)) =>
        {
            Tag::Verb
        }
        Tag::Noun | Tag::Adjective
            if before == Some(Tag::Auxiliary)
                && at > 0
                && is_modal(tokens, tags, at)
                && morphology::may_be_base(word)
                && !matches!(next, Some(Tag::Auxiliary)) =>
        {
            Tag::Verb
        }
        Tag::Noun | Tag::Adjective
            if before == Some(Tag::Auxiliary) && morphology::is_past(word) && !begins_noun(next) =>
        {
            Tag::Verb
        }
        Tag::Noun
            if before == Some(Tag::Pronoun)
                && is_subject_before(tokens, tags, at)
                && (morphology::is_verb_form(word) || is_plural(word)) =>
        {
            Tag::Verb
        }
        Tag::Noun if direct == Some(Tag::Proper) && morphology::is_third_person(word) && !begins_noun(next) => {
            Tag::Verb
        }
        // "lives and works"
        Tag::Noun
            if direct == Some(Tag::And)
                && at > 1
                && tags[at - 2] == Tag::Verb
                && morphology::is_third_person(word)
                && morphology::is_third_person(&tokens[at - 2].lower) =>
        {
            Tag::Verb
        }
        // Two noun phrases do not follow each other: "the spray overcomes these problems".
        Tag::Noun
            if is_plural(word) && matches!(before, Some(Tag::Noun | Tag::Proper)) && next == Some(Tag::Determiner) =>
        {
            Tag::Verb
        }
        _ => tag,
    }
}

fn is_plural(word: &str) -> bool {
    word.len() > 3 && word.ends_with('s') && !word.ends_with("ss")
}

fn is_subject_before(tokens: &[Token], tags: &[Tag], at: usize) -> bool {
    let before = (0..at).rev().find(|n| !matches!(tags[*n], Tag::Adverb | Tag::Not));
    before.is_some_and(|n| is_subject(&tokens[n].lower))
}

fn is_subject(word: &str) -> bool {
    matches!(word, "i" | "you" | "he" | "she" | "it" | "we" | "they")
}

fn is_modal(tokens: &[Token], tags: &[Tag], at: usize) -> bool {
    let helper = (0..at).rev().find(|n| tags[*n] == Tag::Auxiliary);
    helper.is_some_and(|n| {
        let word = tokens[n].lower.as_str();
        MODALS.contains(&word) || matches!(word, "do" | "does" | "did")
    })
}

/// Whether this is a form of `be`.
pub fn is_be(word: &str) -> bool {
    BE.contains(&word) || word == "'s"
}
