//! Who is a person, by what all facts say together.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::fact::Fact;
use super::layers::Layers;
use super::people::{Mention, Person, looks_like_a_name, mentions};
use super::shift::Shift;

/// Of so many facts one at least is such that only people have.
const LEAST_SHARE: usize = 7;

/// What speaks for somebody's being a person.
#[derive(Clone, Copy, Debug, Default)]
struct Evidence {
    /// What facts say about that, added up.
    weight: usize,
    /// Facts of which it is the subject.
    stated: usize,
}

impl Evidence {
    /// Of a name of one word, which things have more often, a part of what is said has to be such.
    fn is_enough(self, name: &str) -> bool {
        let share = name.contains(' ') || self.weight * LEAST_SHARE >= self.stated;
        self.weight >= 2 && share && looks_like_a_name(name)
    }
}

/// What speaks for each entity's being a person.
#[derive(Debug, Default)]
pub struct Census {
    /// By a hash of the entity.
    evidence: HashMap<u64, Evidence>,
    /// Entities of which facts came or went, each with whether enough spoke for it before.
    touched: HashMap<String, bool>,
}

impl Census {
    /// Counts what a fact says.
    pub fn add(&mut self, fact: &Fact) {
        self.count(fact, |evidence, mention| {
            evidence.weight += mention.weight;
            evidence.stated += usize::from(mention.is_subject);
        });
    }

    /// Counts what a fact says no more.
    pub fn remove(&mut self, fact: &Fact) {
        self.count(fact, |evidence, mention| {
            evidence.weight = evidence.weight.saturating_sub(mention.weight);
            evidence.stated = evidence.stated.saturating_sub(usize::from(mention.is_subject));
        });
    }

    fn count(&mut self, fact: &Fact, change: impl Fn(&mut Evidence, &Mention)) {
        for mention in mentions(fact) {
            let evidence = self.evidence.entry(hash(&mention.entity)).or_default();
            if !self.touched.contains_key(&mention.entity) {
                self.touched.insert(mention.entity.clone(), evidence.is_enough(&mention.entity));
            }
            change(evidence, &mention);
        }
    }

    fn is_enough(&self, name: &str) -> bool {
        self.evidence.get(&hash(name)).is_some_and(|evidence| evidence.is_enough(name))
    }

    /// The people in all facts, those with most facts first.
    pub fn people(&mut self, facts: &Layers) -> Vec<Person> {
        self.touched = HashMap::new();
        let mut people: HashMap<String, Person> = HashMap::new();
        for at in 0..facts.len() {
            for mention in mentions(&facts.fact(at)) {
                if !people.contains_key(&mention.entity) && self.is_enough(&mention.entity) {
                    people.insert(mention.entity.clone(), Person::new(&mention.entity));
                }
                if let Some(person) = people.get_mut(&mention.entity) {
                    person.add(at as u32, mention);
                }
            }
        }
        // A first name that several people have is none of them and nobody else.
        let firsts: HashSet<String> =
            people.keys().filter_map(|name| name.split_once(' ')).map(|(first, _)| first.to_owned()).collect();
        people.retain(|name, _| !firsts.contains(name));
        sorted(people.into_values().collect())
    }

    /// The people after a change of facts, where `people` were there before it.
    pub fn changed(&mut self, people: &[Person], facts: &Layers, shift: &Shift) -> Vec<Person> {
        if self.touched.iter().any(|(name, was)| self.is_enough(name) != *was) {
            return self.people(facts);
        }
        let touched = std::mem::take(&mut self.touched);
        let come = shift.come().iter().map(|at| (*at, mentions(&facts.fact(*at as usize))));
        let come: Vec<(u32, Vec<Mention>)> = come.collect();
        let moved = |person: &Person| {
            let left = person.facts.iter().filter_map(|at| shift.forth(*at));
            if !touched.contains_key(&person.name) {
                return Person { facts: left.collect(), name: person.name.clone(), aliases: person.aliases.clone() };
            }
            let names_it = |mentions: &[Mention]| mentions.iter().any(|mention| mention.entity == person.name);
            let new = come.iter().filter(|(_, mentions)| names_it(mentions)).map(|(at, _)| *at);
            let positions: BTreeSet<u32> = left.chain(new).collect();
            let mut made = Person::new(&person.name);
            for at in positions {
                let here = mentions(&facts.fact(at as usize)).into_iter();
                here.filter(|mention| mention.entity == person.name).for_each(|mention| made.add(at, mention));
            }
            made
        };
        sorted(people.iter().map(moved).collect())
    }
}

impl Person {
    fn new(name: &str) -> Self {
        Person { name: name.to_owned(), aliases: BTreeSet::new(), facts: Vec::new() }
    }

    /// Adds a fact that names the person.
    fn add(&mut self, at: u32, mention: Mention) {
        self.aliases.extend(mention.alias());
        if self.facts.last() != Some(&at) {
            self.facts.push(at);
        }
    }
}

fn sorted(mut people: Vec<Person>) -> Vec<Person> {
    people.sort_by(|a, b| b.facts.len().cmp(&a.facts.len()).then_with(|| a.name.cmp(&b.name)));
    people
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}
