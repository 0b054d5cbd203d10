//! Which names are the same person, project or thing.

use std::collections::HashSet;

use super::fact::{Category, Found};
use super::relational;

const PRONOUNS: &[&str] = &[
    "he",
    "she",
    "it",
    "they",
    "him",
    "her",
    "them",
    "this",
    "that",
    "these",
    "those",
    "you",
    "who",
    "which",
    "his",
    "its",
    "one",
    "there",
    "us",
    "what",
    "everyone",
    "someone",
    "something",
    "anyone",
    "everything",
    "nothing",
    "others",
];
const OWNER: &[&str] = &["i", "me", "my", "myself", "we", "us", "our"];
const TITLES: &[&str] = &[
    "mr",
    "mrs",
    "ms",
    "dr",
    "prof",
    "sir",
    "dame",
    "president",
    "chancellor",
    "captain",
    "aunt",
    "uncle",
    "grandfather",
    "grandmother",
];
/// Words that may stand inside a name without a capital.
const INSIDE: &[&str] = &["of", "the", "and", "de", "van", "von", "der", "la", "le", "du", "for", "&"];
/// What a name may be followed by without being another one.
const KINDS: &[&str] =
    &["project", "team", "company", "group", "plan", "programme", "program", "app", "repo", "repository", "server"];
/// What lists of people are called.
const LISTS: &[&str] = &["from", "to", "cc", "attendees", "attendee", "participants", "organizer", "present"];
/// Longest name, in words.
const MAX_WORDS: usize = 6;

/// A word that stands for a noun phrase and says nothing by itself.
pub fn is_pronoun(text: &str) -> bool {
    PRONOUNS.contains(&text.to_lowercase().as_str())
}

/// Whether this is the owner of the notes.
pub fn is_owner(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "i" | "me" | "myself")
}

/// A name without article, title, possessive and the word for its kind; `None` when it is no name.
pub fn name(text: &str) -> Option<String> {
    if is_owner(text) {
        return Some("me".into());
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let words =
        &words[usize::from(words.first().is_some_and(|w| matches!(w.to_lowercase().as_str(), "the" | "a" | "an")))..];
    let words = match words.split_last() {
        Some((last, rest)) if !rest.is_empty() && KINDS.contains(&last.to_lowercase().as_str()) => rest,
        _ => words,
    };
    let words = if words.len() > 1 && is_title(words[0]) { &words[1..] } else { words };
    let capital = |word: &&str| word.chars().next().is_some_and(|c| c.is_uppercase() || c.is_ascii_digit());
    let named = words.iter().all(|word| capital(word) || INSIDE.contains(word));
    let first = words.first().and_then(|w| w.chars().next()).is_some_and(char::is_uppercase);
    let fits = (1..=MAX_WORDS).contains(&words.len()) && named && first;
    let text = words.join(" ");
    let text = text
        .trim_end_matches("'s")
        .trim_end_matches("’s")
        .trim_matches(|c: char| !c.is_alphanumeric() && c != '.' && c != ')');
    let small = text.chars().count() < 2 || is_pronoun(text) || OWNER.contains(&text.to_lowercase().as_str());
    let date = super::dates::is_time(text) || super::dates::parse(text).is_some();
    (fits && !small && !date && !is_small_word(text)).then(|| text.to_owned())
}

/// A word that has a capital only because it begins a sentence.
fn is_small_word(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "both",
        "all",
        "some",
        "each",
        "many",
        "most",
        "no",
        "yes",
        "every",
        "another",
        "any",
        "none",
        "nobody",
        "everybody",
        "somebody",
        "anything",
        "here",
        "todo",
        "note",
        "people",
    ];
    WORDS.contains(&text.to_lowercase().as_str())
}

/// Whether a word is what people are addressed with.
pub fn is_title(word: &str) -> bool {
    TITLES.contains(&word.trim_end_matches('.').to_lowercase().as_str())
}

/// A name, with what stands in brackets behind it left out, or taken where that alone is a name: "Ann Lee (Mill)".
pub fn form(text: &str) -> Option<String> {
    match text.trim_end().strip_suffix(')').and_then(|text| text.split_once(" (")) {
        Some((outer, inner)) => name(outer).or_else(|| name(inner).filter(|name| name.contains(' '))),
        None => name(text),
    }
}

/// The people that a list of senders, receivers or attendees names, each with an address where there is one.
pub fn listed(predicate: &str, object: &str) -> Vec<(Option<String>, Option<String>)> {
    if !LISTS.contains(&predicate.to_lowercase().as_str()) {
        return Vec::new();
    }
    let parts = object.trim_matches(['[', ']']).split(", ");
    let one = |part: &str| match part.split_once(" <") {
        Some((named, address)) => (form(named), Some(address.trim_end_matches('>').to_owned())),
        None if part.contains('@') => (None, Some(part.to_owned())),
        None => (form(part), None),
    };
    parts.map(one).collect()
}

/// The sides of a statement that are people, by what is said of them.
pub fn people(fact: &Found) -> impl Iterator<Item = &String> {
    let predicate = fact.predicate.to_lowercase();
    let lives = predicate.starts_with("live") || predicate.starts_with("prefer");
    let subject = fact.category == Category::Person || lives;
    let object = predicate.split(' ').any(relational::is_kin) || predicate.starts_with("met");
    subject.then_some(&fact.subject).into_iter().chain(object.then_some(&fact.object))
}

/// The full names that the statements of one document hold.
pub fn near(found: &[Found]) -> HashSet<String> {
    let sides = found.iter().flat_map(|f| [&f.subject, &f.object]).filter_map(|side| name(side));
    let listed = found.iter().flat_map(|f| listed(&f.predicate, &f.object)).filter_map(|(named, _)| named);
    sides.chain(listed).filter(|name| name.contains(' ')).collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned() {
        let check = |text: &str, want: Option<&str>| assert_eq!(name(text).as_deref(), want, "{text}");
        check("the Loch Arrin project", Some("Loch Arrin"));
        check("Dr Shah", Some("Shah"));
        check("Oda's", Some("Oda"));
        check("I", Some("me"));
        check("the University of Bergen", Some("University of Bergen"));
        check("a small boat", None);
        check("He", None);
        check("March 2019", None);
    }

    /// A statement about a person.
    pub fn found(subject: &str, predicate: &str, object: &str) -> Found {
        Found {
            subject: subject.into(),
            predicate: predicate.into(),
            object: object.into(),
            category: Category::Person,
            confidence: 0.8,
            valid_from: None,
            valid_until: None,
            line: 1,
            quote: object.into(),
            method: crate::facts::Method::Rule,
            learnt: None,
        }
    }
}
