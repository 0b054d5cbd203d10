//! Which entities are people, with the names they go by and the facts about them.

use std::collections::{BTreeMap, BTreeSet};

use super::entity::{is_pronoun, listed};
use super::fact::{Category, Fact};
use super::{dates, relational};

/// What is said of a contact.
const CONTACT: &[&str] = &["email", "phone", "birthday", "job title", "organisation", "nickname"];
/// What people do and things do not.
const HUMAN: &[&str] = &[
    "asked", "asks", "said", "says", "wants", "wanted", "told", "tells", "thinks", "thought", "likes", "loves",
    "wrote", "writes", "hopes", "laughed", "cried", "married", "born", "lives", "lived", "studies", "plays", "played",
    "allergic", "weighs", "arrives", "arrived", "knows", "found", "took", "votes", "promised", "decided", "drives",
    "brought", "sent", "cooks", "cooked", "sings", "learns", "walks", "sleeps",
];
/// Words of a sender or receiver that is an office.
const OFFICES: &[&str] =
    &["dept", "department", "accounts", "team", "speakers", "info", "support", "committee", "billing", "news", "storm"];

/// Longest other name of a person, in bytes.
const MAX_ALIAS: usize = 80;

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The fullest name.
    pub name: String,
    /// What else the documents call them: first names, mail addresses.
    pub aliases: BTreeSet<String>,
    /// Positions of the facts that name them, as [`Facts::all`](super::Facts::all) has them.
    pub facts: Vec<usize>,
}

/// The people in these facts, those with most facts first.
pub fn people(facts: &[Fact]) -> Vec<Person> {
    let mut all: BTreeMap<String, (Person, usize)> = BTreeMap::new();
    for (at, fact) in facts.iter().enumerate() {
        for Mention { entity, text, weight } in mentions(fact) {
            let new = || (Person { name: entity.clone(), aliases: BTreeSet::new(), facts: Vec::new() }, 0);
            let (person, evidence) = all.entry(entity.clone()).or_insert_with(new);
            *evidence += weight;
            if text != entity && !is_pronoun(&text) && text.len() <= MAX_ALIAS {
                person.aliases.insert(text);
            }
            if person.facts.last() != Some(&at) {
                person.facts.push(at);
            }
        }
    }
    let enough = |(person, evidence): &(Person, usize)| *evidence >= 2 && looks_like_a_name(&person.name);
    let mut people: Vec<Person> = all.into_values().filter(enough).map(|(person, _)| person).collect();
    people.sort_by(|a, b| b.facts.len().cmp(&a.facts.len()).then_with(|| a.name.cmp(&b.name)));
    people
}

/// An entity that a fact names.
struct Mention {
    entity: String,
    /// As it is written there.
    text: String,
    /// How much the fact says that this is a person; two are enough.
    weight: usize,
}

fn mentions(fact: &Fact) -> Vec<Mention> {
    let predicate = fact.predicate.to_lowercase();
    let human = predicate.split(' ').any(|word| HUMAN.contains(&word));
    let about = if CONTACT.contains(&predicate.as_str()) { 2 } else { usize::from(human) };
    let met = predicate.starts_with("met") || predicate.split(' ').any(relational::is_kin);
    let listed = listed(&fact.predicate, &fact.object);
    let side = |entity: &Option<String>, text: &String, weight| {
        let entity = entity.clone().filter(|entity| entity != "me")?;
        let text = text.rsplit_once(" <").map_or(text.as_str(), |(_, address)| address.trim_end_matches('>'));
        Some(Mention { entity, text: text.to_owned(), weight })
    };
    let subject = side(&fact.subject_entity, &fact.subject, about);
    let weight = if met || listed.len() == 1 { 2 } else { 0 };
    // A contact's name in another order is not what anybody calls them.
    let object = if listed.len() > 1 || fact.predicate == "Name" {
        None
    } else {
        side(&fact.object_entity, &fact.object, weight)
    };
    let several = if listed.len() > 1 { listed } else { Vec::new() };
    let named = several.into_iter().filter_map(|(named, address)| {
        let entity = named?;
        Some(Mention { text: address.unwrap_or_else(|| entity.clone()), entity, weight: 2 })
    });
    subject.into_iter().chain(object).chain(named).collect()
}

/// One to three words with a capital and small letters each, none of them that of an office.
fn looks_like_a_name(name: &str) -> bool {
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
