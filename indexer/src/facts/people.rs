//! People, and what a fact says of whether those that it names are any.

use std::collections::BTreeSet;

use super::entity::{is_pronoun, listed};
use super::fact::{Category, Fact};
use super::{dates, relational};

/// What is said of a contact.
const CONTACT: &[&str] = &["email", "phone", "birthday", "job title", "organisation", "nickname"];
/// What people do, and texts say of things too.
const HUMAN: &[&str] = &[
    "asked", "asks", "said", "says", "wants", "wanted", "told", "thinks", "thought", "likes", "wrote", "writes",
    "arrives", "arrived", "found", "took", "votes", "brought", "sent", "learns",
];
/// What people and no things do or are.
const ALIVE: &[&str] = &[
    "laughed", "laughs", "cried", "cries", "married", "born", "lives", "lived", "plays", "played", "allergic", "hopes",
    "hoped", "loves", "loved", "sleeps", "slept", "sings", "cooks", "cooked", "walks", "walked", "drives", "drove",
    "weighs", "studies", "promised", "ate", "eats", "smiled", "wept", "forgot", "fed", "believes", "believe",
];
/// Words of a sender or receiver that is an office.
const OFFICES: &[&str] =
    &["dept", "department", "accounts", "team", "speakers", "info", "support", "committee", "billing", "news", "storm"];

/// What alone is enough to call somebody a person.
const CERTAIN: usize = 3;
/// Longest other name of a person, in bytes.
const MAX_ALIAS: usize = 80;

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The fullest name.
    pub name: String,
    /// What else the documents call them: first names, mail addresses.
    pub aliases: BTreeSet<String>,
    /// Positions of the facts that name them, as [`Facts::at`](super::Facts::at) has them.
    pub facts: Vec<u32>,
}

/// An entity that a fact names.
#[derive(Debug)]
pub struct Mention {
    /// The entity.
    pub entity: String,
    /// As it is written there.
    pub text: String,
    /// How much the fact says that this is a person.
    pub weight: usize,
    /// Whether the fact is about it.
    pub is_subject: bool,
}

impl Mention {
    /// What else the person is called here.
    pub fn alias(self) -> Option<String> {
        let is_alias = self.text != self.entity && !is_pronoun(&self.text) && self.text.len() <= MAX_ALIAS;
        is_alias.then_some(self.text)
    }
}

/// The entities that a fact names.
pub fn mentions(fact: &Fact) -> Vec<Mention> {
    let predicate = fact.predicate.to_lowercase();
    let says = |words: &[&str]| predicate.split(' ').any(|word| words.contains(&word));
    let about = match () {
        () if CONTACT.contains(&predicate.as_str()) => CERTAIN,
        () if says(ALIVE) => 2,
        () => usize::from(says(HUMAN)),
    };
    let met = predicate.starts_with("met") || predicate.split(' ').any(relational::is_kin);
    let listed = listed(fact.predicate, fact.object);
    let side = |entity: Option<&str>, text: &str, weight| {
        let entity = entity.filter(|entity| *entity != "me")?.to_owned();
        let text = text.rsplit_once(" <").map_or(text, |(_, address)| address.trim_end_matches('>'));
        Some(Mention { entity, text: text.to_owned(), weight, is_subject: false })
    };
    let subject = side(fact.subject_entity, fact.subject, about).map(|side| Mention { is_subject: true, ..side });
    let weight = if met || listed.len() == 1 { CERTAIN } else { 0 };
    // A contact's name in another order is not what anybody calls them.
    let object =
        if listed.len() > 1 || fact.predicate == "Name" { None } else { side(fact.object_entity, fact.object, weight) };
    let several = if listed.len() > 1 { listed } else { Vec::new() };
    let named = several.into_iter().filter_map(|(named, address)| {
        let entity = named?;
        Some(Mention { text: address.unwrap_or_else(|| entity.clone()), entity, weight: CERTAIN, is_subject: false })
    });
    subject.into_iter().chain(object).chain(named).collect()
}

/// One to three words with a capital and small letters each, none of them that of an office.
pub fn looks_like_a_name(name: &str) -> bool {
    let word = |word: &str| {
        let mut chars = word.chars();
        chars.next().is_some_and(char::is_uppercase)
            && chars
                .all(|c| c.is_lowercase() || c.is_uppercase() && word.contains(['-', '\'', '’']) || "-'’.".contains(c))
            && !OFFICES.contains(&word.to_lowercase().as_str())
            && word.chars().count() > 1
    };
    let words: Vec<&str> = name.split(' ').collect();
    (1..=3).contains(&words.len()) && words[0] != "The" && words.iter().all(|w| word(w)) && !dates::is_time(words[0])
}

impl Person {
    /// Whether somebody may mean this person by that name, which others may have too: the first name alone counts.
    pub fn may_be_called(&self, name: &str) -> bool {
        let first = self.name.split(' ').next().unwrap_or_default();
        self.is_called(name) || first.to_lowercase() == name.to_lowercase()
    }

    /// Whether this is what the person is called, by a full name, a first name or a mail address.
    pub fn is_called(&self, name: &str) -> bool {
        let same = |known: &str| known.to_lowercase() == name.to_lowercase();
        same(&self.name) || self.aliases.iter().any(|alias| same(alias))
    }
}

/// Whether the fact is one that tells how a person can be reached.
pub fn is_contact(fact: &Fact) -> bool {
    CONTACT.contains(&fact.predicate.to_lowercase().as_str())
        || fact.category == Category::Location && fact.predicate == "Address"
}

#[cfg(test)]
mod tests {
    use crate::facts::merge::Stated;
    use crate::facts::merger::Merger;
    use crate::facts::{Document, facts as found};

    #[test]
    fn people_are_told_from_things() {
        let check = |text: &str, want: &[&str]| {
            let passage = crate::Passage { text: text.into(), line: 1, ..crate::Passage::default() };
            let document = Document { title: "Notes", media: "markdown", date: None, language: None };
            let found = found(&document, [&passage].into_iter());
            let (path, at) = (std::path::Path::new("/n.md"), jiff::Timestamp::UNIX_EPOCH);
            let stated = Stated { path, found: &found, read: &[], notable: &[], at, learnt: at };
            let facts = Merger::default().whole(1, [stated].as_slice(), &Default::default(), None).unwrap();
            let names: Vec<&str> = facts.people().iter().map(|person| person.name.as_str()).collect();
            assert_eq!(names, want, "{text}");
        };
        check("Elin eats soup. Elin played the clarinet.", &["Elin"]);
        check("The pump costs 40 kr. Postgres holds the rows. Postgres has a port.", &[]);
        check("---\nattendees: [Oda Brekke, Jon Lie]\n---\n", &["Jon Lie", "Oda Brekke"]);
        check(
            "Oda Brekke plays the drum. Oda Lie plays the horn. Oda wants tea. Oda asked for milk.",
            &["Oda Brekke", "Oda Lie"],
        );
        check("Storm Ottilie walked in. Storm Ottilie lived long.", &[]);
    }
}
