//! Parts of speech: a trained tagger, put right by closed lists of small words and by the shape of words.

use std::sync::LazyLock;

use harper_brill::{BrillTagger, FreqDict, Tagger, UPOS, brill_tagger};

use super::context::{self, Place};
use super::morphology;
use super::predicate;
use super::token::Token;
use super::verbs;

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
/// Modal verbs.
pub const MODALS: &[&str] =
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
    "more", "most", "such",
];
/// Numbers in words.
const NUMBERS: &[&str] = &[
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "fifteen", "twenty",
    "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "thousand", "million", "billion",
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
pub const BOTH: &[&str] = &["after", "before", "since", "until", "till", "as", "like", "than", "for"];
const SUBORDINATORS: &[&str] = &[
    "because", "although", "though", "while", "whereas", "if", "unless", "when", "whenever", "once", "whether", "so",
    "where", "wherever", "how", "why", "lest",
];
const RELATIVES: &[&str] = &["who", "whom", "which", "whose"];
/// Adverbs that do not end in `-ly`.
pub const ADVERBS: &[&str] = &[
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
    for pass in [verbs::verb_or_noun, context::small_word, verbs::verb_or_noun] {
        (0..tokens.len()).for_each(|at| tags[at] = pass(&Place { tokens, tags: &tags, at }));
    }
    if let Some(at) = predicate::find(tokens, &tags) {
        tags[at] = Tag::Verb;
        // "many came"
        if tags[at - 1] == Tag::Determiner {
            tags[at - 1] = Tag::Pronoun;
        }
    }
    tags
}

/// Whether nearly every word has a capital, so that capitals say nothing. A heading has no small verb.
fn is_title(tokens: &[Token]) -> bool {
    let words = tokens.iter().filter(|t| t.is_word() && t.text.len() > 3);
    let (all, capital) = words.fold((0, 0), |(all, capital), t| (all + 1, capital + usize::from(t.is_capital())));
    let verb = |t: &Token| !t.is_capital() && (BE.contains(&t.lower.as_str()) || morphology::is_verb_form(&t.lower));
    all > 4 && capital * 10 >= all * 8 && !tokens.iter().any(verb)
}

/// What a token is by itself.
fn first(token: &Token, trained: Option<UPOS>, begins: bool, title: bool) -> Tag {
    let word = token.lower.as_str();
    if token.text == "US" && !title {
        return Tag::Proper;
    }
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
    // "d'Arco"
    let inner = token.text.split_once(['\'', '’']).is_some_and(|(_, rest)| rest.starts_with(char::is_uppercase));
    if inner && !title {
        return Tag::Proper;
    }
    let name = token.is_capital() && !title && (!begins || trained.is_none() || trained == Some(UPOS::PROPN));
    if name && !morphology::is_participle_only(word) {
        return Tag::Proper;
    }
    let tag = trained.map(|upos| open(upos, word)).filter(|tag| *tag != Tag::Sign);
    tag.unwrap_or_else(|| by_shape(token))
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
        "other" => Tag::Adjective,
        _ if is(PRONOUNS) => Tag::Pronoun,
        _ if is_number(word) || word.split_once('-').is_some_and(|(tens, _)| is_number(tens)) => Tag::Number,
        _ if is(DETERMINERS) => Tag::Determiner,
        _ if is(RELATIVES) => Tag::Relative,
        _ if is(SUBORDINATORS) => Tag::Subordinator,
        _ if is(PREPOSITIONS) => Tag::Preposition,
        _ if is(ADVERBS) => Tag::Adverb,
        _ => return None,
    })
}

fn is_number(word: &str) -> bool {
    NUMBERS.contains(&word)
}

fn open(upos: UPOS, word: &str) -> Tag {
    match upos {
        UPOS::ADJ => Tag::Adjective,
        UPOS::ADV if morphology::is_verb_in_ly(word) => Tag::Verb,
        UPOS::ADV => Tag::Adverb,
        UPOS::VERB => Tag::Verb,
        UPOS::AUX if morphology::is_verb_form(word) => Tag::Verb,
        UPOS::NUM => Tag::Number,
        UPOS::PROPN | UPOS::NOUN | UPOS::AUX => Tag::Noun,
        UPOS::ADP => Tag::Preposition,
        UPOS::CCONJ => Tag::And,
        // All of them are known here: "would cause".
        UPOS::SCONJ => Tag::Noun,
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
        () if morphology::is_verb_in_ly(word) => Tag::Verb,
        () if ends(&["ly"]) => Tag::Adverb,
        () if morphology::is_past(word) || ends(&["ing"]) => Tag::Verb,
        () if ends(&["ous", "ful", "ive", "able", "ible", "ical", "less", "ish", "ian", "ese"]) => Tag::Adjective,
        () => Tag::Noun,
    }
}

/// Whether this is a form of `be`.
pub fn is_be(word: &str) -> bool {
    BE.contains(&word) || word == "'s"
}
