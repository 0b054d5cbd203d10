//! Which names are the same person, project or thing.

use std::collections::{HashMap, HashSet};

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
const TITLES: &[&str] =
    &["mr", "mrs", "ms", "dr", "prof", "sir", "dame", "president", "chancellor", "captain", "aunt", "uncle"];
/// Words that may stand inside a name without a capital.
const INSIDE: &[&str] = &["of", "the", "and", "de", "van", "von", "der", "la", "le", "du", "for", "&"];
/// What a name may be followed by without being another one.
const KINDS: &[&str] =
    &["project", "team", "company", "group", "plan", "programme", "program", "app", "repo", "repository", "server"];
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
    let is_title = |word: &str| TITLES.contains(&word.trim_end_matches('.').to_lowercase().as_str());
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

/// For every name of a corpus, the fullest form of it.
#[derive(Debug, Default)]
pub struct Names {
    /// From the first word of a person's name to the full names that begin with it.
    full: HashMap<String, HashSet<String>>,
    /// From a mail address to a name.
    addresses: HashMap<String, String>,
}

impl Names {
    /// Gathers the names in these statements.
    pub fn new<'a>(found: impl Iterator<Item = &'a Found>) -> Self {
        let mut names = Self::default();
        for fact in found {
            for side in people(fact) {
                if let Some(full) = name(side).filter(|n| n.contains(' ')) {
                    names.add(full);
                }
            }
            let key = fact.predicate.to_lowercase();
            if matches!(key.as_str(), "email" | "mail" | "e-mail" | "from" | "to") {
                names.add_address(&fact.subject, &fact.object);
            }
        }
        names
    }

    fn add(&mut self, full: String) {
        let words: Vec<&str> = full.split(' ').collect();
        let person = (2..=3).contains(&words.len())
            && words.iter().all(|w| w.chars().skip(1).all(|c| c.is_lowercase() || "-'’.".contains(c)) || w.len() < 3);
        if person {
            self.full.entry(words[0].to_lowercase()).or_default().insert(full);
        }
    }

    fn add_address(&mut self, subject: &str, object: &str) {
        for part in object.split(", ") {
            let (named, address) = match part.split_once(" <") {
                Some((named, address)) => (named, address.trim_end_matches('>')),
                None => (subject, part),
            };
            if let Some(full) = name(named).filter(|_| address.contains('@') && !address.contains(' ')) {
                self.addresses.insert(address.to_lowercase(), full);
            }
        }
    }

    /// The entity that `text` names, within a document that names `near`; `None` when it is no name.
    pub fn entity(&self, text: &str, near: &HashSet<String>) -> Option<String> {
        if let Some(full) = self.addresses.get(&text.to_lowercase()) {
            return Some(full.clone());
        }
        let name = name(text)?;
        if name.contains(' ') {
            return Some(name);
        }
        let Some(candidates) = self.full.get(&name.to_lowercase()) else { return Some(name) };
        let mut here = candidates.iter().filter(|full| near.contains(*full));
        match (here.next(), here.next(), candidates.len()) {
            (Some(full), None, _) => Some(full.clone()),
            (None, _, 1) => candidates.iter().next().cloned(),
            _ => Some(name),
        }
    }
}

/// The sides of a statement that are people, by what is said of them.
fn people(fact: &Found) -> impl Iterator<Item = &String> {
    let predicate = fact.predicate.to_lowercase();
    let lives = predicate.starts_with("live") || predicate.starts_with("prefer");
    let subject = fact.category == Category::Person || lives;
    let object = predicate.split(' ').any(relational::is_kin) || predicate.starts_with("met");
    subject.then_some(&fact.subject).into_iter().chain(object.then_some(&fact.object))
}

/// The full names that the statements of one document hold.
pub fn near(found: &[Found]) -> HashSet<String> {
    found
        .iter()
        .flat_map(|f| [&f.subject, &f.object])
        .filter_map(|side| name(side).filter(|n| n.contains(' ')))
        .collect()
}

#[cfg(test)]
mod tests {
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
}
