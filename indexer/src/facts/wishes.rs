//! What the owner wants of the facts, as orders.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;

use super::fact::{Category, Fact, Found, Id, Method};
use super::orders::{Order, Orders};
use super::state::Facts;
use super::{Triple, category};

/// More documents are not remembered as those that state a fact.
const MANY: usize = 50;

/// What the owner wants of the facts.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// That this one is not shown again.
    Remove(String),
    /// That another one is true in place of this one.
    Correct(String, Words),
    /// That this is a fact: subject, predicate, object.
    State([String; 3]),
}

/// What the owner says in place of a fact.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Words {
    /// Subject, predicate, object.
    pub parts: [String; 3],
    /// What kind of statement it is, where that is another one.
    pub category: Option<Category>,
    /// Since when it is true; without it, since the owner says so.
    pub valid_from: Option<Date>,
    /// Until when.
    pub valid_until: Option<Date>,
}

impl From<[String; 3]> for Words {
    fn from(parts: [String; 3]) -> Self {
        Words { parts, ..Words::default() }
    }
}

impl Wish {
    /// The order that carries it out, after these; `None` when there is no such fact.
    pub fn order(&self, facts: &Facts, orders: &Orders) -> Option<Order> {
        let at = Timestamp::now();
        Some(match self {
            Wish::Remove(id) => {
                let statements = orders.with_replaced(facts.statements(Id::parse(id)?)?);
                Order::Remove { statements: names(&statements), at }
            }
            Wish::Correct(id, words) => {
                let fact = facts.get(Id::parse(id)?)?;
                let statements = names(&with_successors(facts, fact));
                Order::Replace { statements, of: Vec::new(), fact: words.found(&fact), at }
            }
            Wish::State(parts) => Order::State { fact: by_owner(parts), at },
        })
    }

    /// The documents that state what a wish puts right; none where so many do that nobody forgets them all.
    pub fn corrects<'a>(&self, facts: &'a Facts) -> BTreeSet<&'a Path> {
        let Wish::Correct(id, _) = self else { return BTreeSet::new() };
        let fact = Id::parse(id).and_then(|id| facts.get(id));
        let paths: BTreeSet<&Path> = fact.iter().flat_map(|fact| fact.sources.iter()).map(|place| place.path).collect();
        if paths.len() > MANY { BTreeSet::new() } else { paths }
    }
}

fn names(statements: &[Id]) -> Vec<String> {
    statements.iter().map(Id::to_string).collect()
}

/// What orders call a fact and what the owner put in its place since somebody looked at it.
fn with_successors<'a>(facts: &'a Facts, mut fact: Fact<'a>) -> Vec<Id> {
    let mut all = facts.statements(fact.id).unwrap_or_default();
    while let Some(newer) = fact.superseded_by.and_then(|id| facts.get(id)).filter(|f| f.method == Method::User) {
        let more = facts.statements(newer.id).unwrap_or_default();
        if more.iter().all(|statement| all.contains(statement)) {
            break;
        }
        all.extend(more);
        fact = newer;
    }
    all
}

impl Words {
    /// The statement in place of a fact.
    fn found(&self, old: &Fact) -> Found {
        Found {
            category: self.category.unwrap_or(old.category),
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            ..by_owner(&self.parts)
        }
    }
}

/// What the owner states.
pub fn by_owner([subject, predicate, object]: &[String; 3]) -> Found {
    let triple =
        Triple { subject: subject.clone(), predicate: predicate.clone(), object: object.clone(), ..Triple::default() };
    Found {
        category: category::of(&triple).0,
        confidence: 0.99,
        valid_from: None,
        valid_until: None,
        line: 0,
        quote: object.clone(),
        method: Method::User,
        learnt: None,
        subject: triple.subject,
        predicate: triple.predicate,
        object: triple.object,
    }
}
