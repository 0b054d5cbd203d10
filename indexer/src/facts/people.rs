//! Which entities are people, with the names they go by and the facts about them.

use std::collections::{BTreeSet, HashMap};

use super::entity::{is_pronoun, listed};
use super::fact::{Category, Fact};
use super::packed::Packed;
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
/// Of so many facts one at least is such that only people have.
const LEAST_SHARE: usize = 7;
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

/// The people in these facts, those with most facts first.
pub fn people(facts: &Packed) -> Vec<Person> {
    let all = || (0..facts.len()).map(|at| (at as u32, facts.fact(at)));
    let mut evidence: HashMap<String, Evidence> = HashMap::new();
    for mention in all().flat_map(|(_, fact)| mentions(&fact)) {
        match evidence.get_mut(&mention.entity) {
            Some(known) => known.add(&mention),
            None => evidence.entry(mention.entity.clone()).or_default().add(&mention),
        }
    }
    evidence.retain(|name, evidence| evidence.is_enough(name));
    // A first name that several people have is none of them and nobody else.
    let firsts: BTreeSet<String> =
        evidence.keys().filter_map(|name| name.split_once(' ')).map(|(first, _)| first.to_owned()).collect();
    evidence.retain(|name, _| !firsts.contains(name));
    let new = |name: String| (name.clone(), Person { name, aliases: BTreeSet::new(), facts: Vec::new() });
    let mut people: HashMap<String, Person> = evidence.into_keys().map(new).collect();
    for (at, fact) in all() {
        for mention in mentions(&fact) {
            let Some(person) = people.get_mut(&mention.entity) else { continue };
            if mention.text != mention.entity && !is_pronoun(&mention.text) && mention.text.len() <= MAX_ALIAS {
                person.aliases.insert(mention.text);
            }
            if person.facts.last() != Some(&at) {
                person.facts.push(at);
            }
        }
    }
    let mut people: Vec<Person> = people.into_values().collect();
    people.sort_by(|a, b| b.facts.len().cmp(&a.facts.len()).then_with(|| a.name.cmp(&b.name)));
    people
}

/// What speaks for somebody's being a person.
#[derive(Default)]
struct Evidence {
    /// What facts say about that, added up.
    weight: usize,
    /// Facts of which it is the subject.
    stated: usize,
}

impl Evidence {
    fn add(&mut self, mention: &Mention) {
        self.weight += mention.weight;
        self.stated += usize::from(mention.is_subject);
    }

    /// Of a name of one word, which things have more often, a part of what is said has to be such.
    fn is_enough(&self, name: &str) -> bool {
        let share = name.contains(' ') || self.weight * LEAST_SHARE >= self.stated;
        self.weight >= 2 && share && looks_like_a_name(name)
    }
}

/// An entity that a fact names.
struct Mention {
    entity: String,
    /// As it is written there.
    text: String,
    /// How much the fact says that this is a person.
    weight: usize,
    /// Whether the fact is about it.
    is_subject: bool,
}

fn mentions(fact: &Fact) -> Vec<Mention> {
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

#[cfg(test)]
mod tests {
    use crate::facts::{Document, facts as found, merge};

    #[test]
    fn people_are_told_from_things() {
        let check = |text: &str, want: &[&str]| {
            let passage = crate::Passage { text: text.into(), line: 1, ..crate::Passage::default() };
            let document = Document { title: "Notes", media: "markdown", date: None, language: None };
            let found = found(&document, [&passage].into_iter());
            let (path, at) = (std::path::Path::new("/n.md"), jiff::Timestamp::UNIX_EPOCH);
            let stated = merge::Stated { path, found: &found, read: &[], notable: &[], at, learnt: at };
            let facts = merge::Facts::new(1, [stated].as_slice(), &Default::default(), None).unwrap();
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
