//! What the owner says about facts: it wins over whatever is extracted, and is the truth (a journal).

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fact::{Found, Id, Method};
use super::merge::{Facts, Stated};
use super::{Triple, category};

/// One order in the journal. An order to remove names what it removes by digest alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// These statements are not shown again.
    Remove {
        /// Their names.
        statements: Vec<String>,
        /// When that was said.
        at: Timestamp,
    },
    /// The owner states this.
    State {
        /// What is stated.
        fact: Found,
        /// When that was said.
        at: Timestamp,
    },
}

/// All orders together.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    /// The journal, as the source of what the owner stated.
    path: PathBuf,
    /// Its lines.
    lines: u32,
    removed: HashSet<Id>,
    added: HashMap<Id, (Found, Timestamp)>,
}

impl Orders {
    /// After these orders in the journal at `path`, oldest first.
    pub fn new(path: &Path, orders: Vec<Order>) -> Self {
        let mut all = Self { path: path.to_owned(), ..Self::default() };
        orders.into_iter().for_each(|order| all.add(order));
        all
    }

    /// After one more.
    pub fn add(&mut self, order: Order) {
        self.lines += 1;
        match order {
            Order::Remove { statements, .. } => {
                for statement in statements.iter().filter_map(|name| Id::parse(name)) {
                    self.added.remove(&statement);
                    self.removed.insert(statement);
                }
            }
            Order::State { fact, at } => {
                let fact = Found { line: self.lines, ..fact };
                let statement = super::draft::statement(&fact);
                self.removed.remove(&statement);
                self.added.insert(statement, (fact, at));
            }
        }
    }

    /// Whether the owner removed this statement.
    pub fn is_removed(&self, statement: Id) -> bool {
        self.removed.contains(&statement)
    }

    /// Whether an order states what was removed since.
    pub fn have_removed(&self, order: &Order) -> bool {
        matches!(order, Order::State { fact, .. } if self.is_removed(super::draft::statement(fact)))
    }

    /// Whether anything is removed.
    pub fn remove_something(&self) -> bool {
        !self.removed.is_empty()
    }

    /// What the owner stated.
    pub fn stated(&self) -> impl Iterator<Item = Stated<'_>> {
        self.added.values().map(|(found, at)| Stated {
            path: &self.path,
            found: std::slice::from_ref(found),
            read: &[],
            notable: &[],
            at: *at,
        })
    }
}

/// What the owner wants of the facts.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// That this one is not shown again.
    Remove(String),
    /// That this one is replaced by another.
    Correct(String, [String; 3]),
    /// That this is a fact: subject, predicate, object.
    State([String; 3]),
}

impl Wish {
    /// The orders that carry it out; `None` when there is no such fact.
    pub fn orders(&self, facts: &Facts) -> Option<Vec<Order>> {
        let at = Timestamp::now();
        let remove = |id: &String| {
            let statements = facts.statements(Id::parse(id)?)?.iter().map(Id::to_string).collect();
            Some(Order::Remove { statements, at })
        };
        let state = |parts: &[String; 3]| Order::State { fact: by_owner(parts), at };
        Some(match self {
            Wish::Remove(id) => vec![remove(id)?],
            Wish::Correct(id, parts) => vec![remove(id)?, state(parts)],
            Wish::State(parts) => vec![state(parts)],
        })
    }
}

/// What the owner states.
fn by_owner([subject, predicate, object]: &[String; 3]) -> Found {
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
        subject: triple.subject,
        predicate: triple.predicate,
        object: triple.object,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_order_counts() {
        let fact = by_owner(&["Oda", "lives in", "Bergen"].map(String::from));
        let name = crate::facts::draft::statement(&fact);
        let at = Timestamp::UNIX_EPOCH;
        let state = || Order::State { fact: fact.clone(), at };
        let remove = || Order::Remove { statements: vec![name.to_string()], at };
        let check = |orders: Vec<Order>, removed, stated| {
            let orders = Orders::new(Path::new("/j"), orders);
            assert_eq!((orders.is_removed(name), orders.stated().count()), (removed, stated));
        };
        check(vec![], false, 0);
        check(vec![state()], false, 1);
        check(vec![state(), remove()], true, 0);
        check(vec![remove(), state()], false, 1);
    }

    #[test]
    fn an_order_to_remove_holds_nothing_of_what_it_removes() {
        let text = serde_json::to_string(&Order::Remove { statements: vec!["0f".into()], at: Timestamp::UNIX_EPOCH });
        assert_eq!(text.unwrap(), r#"{"remove":{"statements":["0f"],"at":"1970-01-01T00:00:00Z"}}"#);
    }
}
