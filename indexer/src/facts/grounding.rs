//! What a language model says that a passage states: kept where a sentence of the passage bears it out.
//!
//! The model names subject, predicate and object. The quotation is looked for here, so that it always stands in the document:
//! a sentence that holds the words of all three in this order, whatever their endings. What no sentence holds was made up, and
//! is dropped; so is what is no statement: a subject with a verb, a predicate without one, an object that is a piece of a clause.

use std::collections::HashSet;
use std::ops::Range;

use serde::Deserialize;

use super::document::{self, Document};
use super::fact::{Found, Method};
use super::phrase::Kind;
use super::sentence::Sentence;
use super::token::{Token, sentences, tokens};
use super::{Triple, category, dates, entity, lines, morphology};
use crate::Passage;

/// Longest subject, predicate and object, in bytes.
const MAX: [usize; 3] = [80, 60, 160];
/// No more claims of one passage are looked at.
const MAX_CLAIMS: usize = 20;
/// Fewer letters of prose are not worth a model's time.
const MIN_PROSE: usize = 40;
/// Words that any sentence may have, or lack.
const SMALL: &[&str] = &[
    "the", "a", "an", "of", "in", "on", "at", "to", "for", "with", "by", "from", "as", "and", "or", "is", "are", "was",
    "were", "be", "been", "being", "has", "have", "had", "do", "does", "did", "will", "would", "s", "his", "her",
    "their", "its", "my", "our", "your", "this", "that", "it",
];
/// Words that make a sentence say the opposite.
pub const NEGATIVE: &[&str] = &["not", "n't", "never", "no", "nobody", "nothing", "none", "neither", "without"];

/// What a model says that a passage states.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Claim {
    /// What it is about.
    pub subject: String,
    /// How the two are related.
    pub predicate: String,
    /// The other thing.
    pub object: String,
}

/// Whether a passage of such a document has sentences that a model could read for facts.
pub fn is_worth_reading(media: &str, text: &str) -> bool {
    let prose = |range: Range<usize>| text[range].chars().filter(|c| c.is_alphabetic()).count();
    document::is_readable(media)
        && !matches!(media, "yaml" | "toml")
        && spans(text).into_iter().map(prose).sum::<usize>() >= MIN_PROSE
}

/// The claims that the passage bears out, each once.
pub fn grounded(document: &Document, passage: &Passage, claims: &[Claim]) -> Vec<Found> {
    let text = &passage.text;
    let mut found: Vec<Found> = Vec::new();
    let all: Vec<Stated> = spans(text).into_iter().flat_map(|span| stated(text, span)).collect();
    for claim in claims.iter().take(MAX_CLAIMS) {
        let Some(fact) = all.iter().enumerate().find_map(|(at, _)| bear_out(document, passage, &all, at, claim)) else {
            continue;
        };
        if !found.iter().any(|known| same(known, &fact)) {
            found.push(fact);
        }
    }
    found
}

/// Whether two statements of one sentence are about the same two things.
pub fn same(a: &Found, b: &Found) -> bool {
    let within = |a: &str, b: &str| {
        let (a, b) = (stems(a), stems(b));
        !a.is_empty() && !b.is_empty() && (a.is_subset(&b) || b.is_subset(&a))
    };
    a.line == b.line && within(&a.subject, &b.subject) && within(&a.object, &b.object)
}

/// The sentences of a passage, without code.
fn spans(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    for block in lines::blocks(text, &mut false) {
        match block {
            lines::Block::Prose(range) => spans.push(range),
            lines::Block::Statement(statement) => spans.push(statement.range),
        }
    }
    spans
}

/// A sentence, and the stems of its words in order.
struct Stated {
    span: Range<usize>,
    words: Vec<String>,
    stems: HashSet<String>,
    negative: bool,
}

fn stated(text: &str, span: Range<usize>) -> Vec<Stated> {
    let tokens = tokens(text, span);
    let one = |sentence: Range<usize>| {
        let words = &tokens[sentence];
        let span = words[0].span.start..words[words.len() - 1].span.end;
        let negative = words.iter().any(|word| NEGATIVE.contains(&word.lower.as_str()));
        let order = words.iter().map(|word| morphology::base(&word.lower)).collect();
        Stated { stems: stems_of(words), words: order, span, negative }
    };
    sentences(&tokens).into_iter().map(one).collect()
}

fn stems(text: &str) -> HashSet<String> {
    stems_of(&tokens(text, 0..text.len()))
}

fn stems_of(words: &[Token]) -> HashSet<String> {
    let words = words.iter().filter(|word| word.is_word() && !SMALL.contains(&word.lower.as_str()));
    words.map(|word| morphology::base(&word.lower)).collect()
}

/// The claim with the sentence at `at` as its quotation, if that one states it.
fn bear_out(document: &Document, passage: &Passage, all: &[Stated], at: usize, claim: &Claim) -> Option<Found> {
    let sentence = &all[at];
    let parts = [&claim.subject, &claim.predicate, &claim.object];
    let sizes = parts.iter().zip(MAX).all(|(part, max)| part.len() <= max);
    let pronouns = entity::is_pronoun(&claim.subject) || entity::is_pronoun(&claim.object);
    let (object, predicate) = (stems(&claim.object), stems(&claim.predicate));
    let negative = NEGATIVE.iter().any(|word| claim.predicate.split(' ').any(|said| said == *word));
    let holds = sizes
        && !pronouns
        && !object.is_empty()
        && object.is_subset(&sentence.stems)
        && object.is_disjoint(&predicate)
        && negative == sentence.negative
        && names(&passage.text, all, at, &claim.subject)
        && in_order(sentence, &stems(&claim.subject), &predicate, &object)
        && is_statement(claim);
    let triple = Triple {
        subject: claim.subject.trim().to_owned(),
        predicate: claim.predicate.trim().replace('_', " "),
        object: claim.object.trim().to_owned(),
        rule: "model",
        ..Triple::default()
    };
    if !holds || !document::is_sound(&triple) {
        return None;
    }
    let (category, confidence) = category::of(&triple);
    let time = if dates::is_time(&triple.object) { dates::parse(&triple.object) } else { None };
    Some(Found {
        category,
        confidence,
        valid_from: time.or(document.date),
        valid_until: None,
        line: passage.line + passage.text[..sentence.span.start].matches('\n').count() as u32,
        quote: passage.text[sentence.span.clone()].to_owned(),
        method: Method::Model,
        learnt: None,
        subject: triple.subject,
        predicate: triple.predicate,
        object: triple.object,
    })
}

/// Whether the sentence says the predicate behind the subject and before the end of the object.
fn in_order(
    sentence: &Stated,
    subject: &HashSet<String>,
    predicate: &HashSet<String>,
    object: &HashSet<String>,
) -> bool {
    let first = |stems: &HashSet<String>| sentence.words.iter().position(|word| stems.contains(word));
    let last = |stems: &HashSet<String>| sentence.words.iter().rposition(|word| stems.contains(word));
    let (Some(end), begin) = (last(object), first(subject).map_or(0, |at| at + 1)) else { return false };
    let between = begin.min(end)..end;
    begin <= end && (predicate.is_empty() || sentence.words[between].iter().any(|word| predicate.contains(word)))
}

/// Whether subject and object are things and the predicate is what a verb says.
fn is_statement(claim: &Claim) -> bool {
    let kinds = |text: &str| {
        let tokens = tokens(text, 0..text.len());
        Sentence::new(text, &tokens).phrases.iter().map(|phrase| phrase.kind).collect::<Vec<_>>()
    };
    let is_thing = |kinds: &[Kind]| {
        let first = matches!(kinds.first(), Some(Kind::Noun | Kind::Adjective | Kind::Sign | Kind::Open));
        first && !kinds.iter().any(|kind| matches!(kind, Kind::Verb(_) | Kind::Relative | Kind::Subordinator))
    };
    // A verb is known by its subject.
    let said = kinds(&format!("They {}", claim.predicate.trim()));
    let verb = said.iter().skip(1).find(|kind| **kind != Kind::Adverb);
    is_thing(&kinds(claim.subject.trim()))
        && is_thing(&kinds(claim.object.trim()))
        && matches!(verb, Some(Kind::Verb(_)))
}

/// Whether the sentence names the subject, or has a pronoun for one that an earlier sentence names.
fn names(text: &str, all: &[Stated], at: usize, subject: &str) -> bool {
    const PRONOUNS: &[&str] = &["he", "she", "it", "they", "his", "her", "their", "its", "i", "we", "my", "our"];
    if entity::is_owner(subject) {
        return text[all[at].span.clone()]
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| matches!(word, "I" | "my" | "My"));
    }
    let subject = stems(subject);
    if subject.is_empty() {
        return false;
    }
    if subject.is_subset(&all[at].stems) {
        return true;
    }
    let lower = text[all[at].span.clone()].to_lowercase();
    let pronoun = lower.split(|c: char| !c.is_alphanumeric()).any(|word| PRONOUNS.contains(&word));
    pronoun && all[..at].iter().rev().take(3).any(|earlier| subject.is_subset(&earlier.stems))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, claim: [&str; 3], quote: Option<(&str, u32)>) {
        let document = Document { title: "Title", media: "markdown", date: None, language: None };
        let passage = Passage { text: text.into(), line: 10, ..Passage::default() };
        let [subject, predicate, object] = claim.map(String::from);
        let found = grounded(&document, &passage, &[Claim { subject, predicate, object }]);
        let got = found.first().map(|fact| (fact.quote.as_str(), fact.line));
        assert_eq!(got, quote, "{claim:?}");
        assert!(found.iter().all(|fact| fact.method == Method::Model));
    }

    #[test]
    fn what_a_sentence_states_is_kept_with_that_sentence() {
        let text = "Oda Brekke repaired two pumps.\n\nShe sold the boat to Kari.\nThe mill does not make flour.";
        let first = Some(("Oda Brekke repaired two pumps.", 10));
        check(text, ["Oda Brekke", "repairs", "two pumps"], first);
        check(text, ["Oda", "repaired", "pump"], first);
        check(text, ["Oda Brekke", "sold to", "Kari"], Some(("She sold the boat to Kari.", 12)));
        check(text, ["the mill", "does not make", "flour"], Some(("The mill does not make flour.", 13)));
    }

    #[test]
    fn what_no_sentence_states_is_dropped() {
        let text = "Oda Brekke repaired two pumps.\n\nShe sold the boat to Kari.\nThe mill does not make flour.";
        for claim in [
            ["Oda Brekke", "repaired", "three pumps"],
            ["Oda Brekke", "painted", "two pumps"],
            ["Kari", "repaired", "two pumps"],
            ["the mill", "makes", "flour"],
            ["She", "sold to", "Kari"],
            ["Kari", "was sold by", "the boat"],
            ["Oda Brekke repaired", "repaired", "two pumps"],
            ["Oda Brekke", "two", "pumps"],
            ["Oda Brekke", "repaired", "repaired two pumps"],
            ["", "sold to", "Kari"],
            ["Oda Brekke", "repaired", ""],
        ] {
            check(text, claim, None);
        }
    }

    #[test]
    fn code_and_settings_are_not_read() {
        assert!(is_worth_reading("markdown", "Oda Brekke repaired two pumps in the mill by the harbour."));
        assert!(!is_worth_reading("markdown", "```\nOda Brekke repaired two pumps in the mill by the harbour.\n```\n"));
        assert!(!is_worth_reading("code", "Oda Brekke repaired two pumps in the mill by the harbour."));
        assert!(!is_worth_reading("markdown", "Yes."));
    }
}
