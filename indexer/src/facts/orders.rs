//! What the owner says about facts: it wins over whatever is extracted, and is the truth (a journal).

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fact::{Found, Id};
use super::merge::Stated;

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
    /// The owner states this in place of these statements, which are true no more.
    Replace {
        /// Their names.
        statements: Vec<String>,
        /// The documents that stated them then, as [`Forgotten::known_as`](crate::forgotten::Forgotten::known_as) calls them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        of: Vec<String>,
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
    /// Statements, each with the one that the owner put in its place.
    replaced: HashMap<Id, Id>,
    /// For what the owner put in the place of something, the documents that stated that.
    of: HashMap<Id, Vec<String>>,
    /// All statements that they name, one order after the other.
    named: Vec<Id>,
    /// How often they were others altogether, or stated what was removed, which documents may state that nobody looks at.
    overturned: usize,
}

/// How far orders had come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark {
    named: usize,
    overturned: usize,
}

impl Orders {
    /// After these orders in the journal at `path`, oldest first.
    pub fn new(path: &Path, orders: Vec<Order>) -> Self {
        let mut all = Self { path: path.to_owned(), ..Self::default() };
        orders.into_iter().for_each(|order| all.add(order));
        all
    }

    /// After the orders that are left when some of these were taken out.
    pub fn left(&self, orders: Vec<Order>) -> Self {
        let left = Self::new(&self.path, orders);
        Self { overturned: self.overturned.max(left.overturned) + 1, ..left }
    }

    /// How far they have come.
    pub fn mark(&self) -> Mark {
        Mark { named: self.named.len(), overturned: self.overturned }
    }

    /// The statements that orders since then name; `None` when more than what is made of these is not as it was.
    pub fn since(&self, mark: Mark) -> Option<&[Id]> {
        self.named.get(mark.named..).filter(|_| self.overturned == mark.overturned)
    }

    /// After one more.
    pub fn add(&mut self, order: Order) {
        self.lines += 1;
        match order {
            Order::Remove { statements, .. } => {
                for statement in named(&statements) {
                    self.named.push(statement);
                    self.added.remove(&statement);
                    self.replaced.remove(&statement);
                    self.removed.insert(statement);
                }
            }
            Order::State { fact, at } => {
                self.state(fact, at);
            }
            Order::Replace { statements, of, fact, at } => {
                let new = self.state(fact, at);
                self.of.insert(new, of);
                self.named.extend(named(&statements));
                self.replaced.extend(named(&statements).filter(|old| *old != new).map(|old| (old, new)));
            }
        }
    }

    /// What the owner states holds, whatever was said of it before.
    fn state(&mut self, fact: Found, at: Timestamp) -> Id {
        let fact = Found { line: self.lines, ..fact };
        let statement = super::draft::statement(&fact);
        self.named.push(statement);
        self.overturned += usize::from(self.removed.remove(&statement));
        self.replaced.remove(&statement);
        self.added.insert(statement, (fact, at));
        statement
    }

    /// Whether the owner removed this statement.
    pub fn is_removed(&self, statement: Id) -> bool {
        self.removed.contains(&statement)
    }

    /// Whether an order states what was removed since.
    pub fn have_removed(&self, order: &Order) -> bool {
        match order {
            Order::State { fact, .. } | Order::Replace { fact, .. } => self.is_removed(super::draft::statement(fact)),
            Order::Remove { .. } => false,
        }
    }

    /// Whether anything is removed.
    pub fn remove_something(&self) -> bool {
        !self.removed.is_empty()
    }

    /// The statement that the owner put in the place of this one.
    pub fn replacement(&self, statement: Id) -> Option<Id> {
        self.replaced.get(&statement).copied()
    }

    /// Whether the owner states this, and put nothing in its place.
    pub fn hold(&self, statement: Id) -> bool {
        self.added.contains_key(&statement) && !self.replaced.contains_key(&statement)
    }

    /// Whether the owner stated this.
    pub fn state_it(&self, statement: Id) -> bool {
        self.added.contains_key(&statement)
    }

    /// These statements and all those whose place they took.
    pub fn with_replaced(&self, mut statements: Vec<Id>) -> Vec<Id> {
        let mut at = 0;
        while let Some(new) = statements.get(at).copied() {
            let old = self.replaced.iter().filter(|(old, by)| **by == new && !statements.contains(old));
            let old: Vec<Id> = old.map(|(old, _)| *old).collect();
            statements.extend(old);
            at += 1;
        }
        statements
    }

    /// The journal, as the source of what the owner stated.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.lines as usize
    }

    /// The statements that the owner put in place of what goes.
    pub fn corrections(&self, going: &Going) -> HashSet<Id> {
        let mut going = going.clone();
        let mut found: HashSet<Id> = HashSet::new();
        loop {
            let none = Vec::new();
            let of = |new: &Id| self.of.get(new).unwrap_or(&none);
            let goes =
                |(old, new): &(&Id, &Id)| !found.contains(*new) && going.takes_all(std::iter::once(**old), of(new));
            let new: Vec<Id> = self.replaced.iter().filter(goes).map(|(_, new)| *new).collect();
            if new.is_empty() {
                return found;
            }
            found.extend(&new);
            going.gone.extend(new);
        }
    }

    /// What the owner stated, the oldest first.
    pub fn stated(&self) -> impl Iterator<Item = Stated<'_>> {
        let mut added: Vec<&(Found, Timestamp)> = self.added.values().collect();
        added.sort_by_key(|(found, _)| found.line);
        added.into_iter().map(|(found, at)| Stated {
            path: &self.path,
            found: std::slice::from_ref(found),
            read: &[],
            notable: &[],
            at: *at,
            learnt: *at,
        })
    }
}

/// What goes with forgotten documents: their statements, and the owner's corrections of these, which would tell of them.
#[derive(Clone, Debug, Default)]
pub struct Going {
    /// What only they state, or the owner in place of that.
    gone: HashSet<Id>,
    /// What other documents state.
    left: HashSet<Id>,
    /// The documents, as orders call them.
    documents: HashSet<String>,
}

impl Going {
    /// Adds what orders call a fact; `left` if a document states it that stays.
    pub fn add(&mut self, statements: Vec<Id>, left: bool) {
        if left { self.left.extend(statements) } else { self.gone.extend(statements) }
    }

    /// Adds a document, as orders call it.
    pub fn add_document(&mut self, known_as: String) {
        self.documents.insert(known_as);
    }

    /// Whether an order goes, of the orders of a journal, oldest first: one that puts right what goes and nothing that stays.
    pub fn takes(&mut self, order: &Order) -> bool {
        let Order::Replace { statements, of, fact, .. } = order else { return false };
        let goes = self.takes_all(named(statements), of);
        if goes {
            self.gone.insert(super::draft::statement(fact));
        }
        goes
    }

    /// Whether these statements go, which documents stated when they were put right: they may have been changed since.
    fn takes_all(&self, statements: impl Iterator<Item = Id> + Clone, of: &[String]) -> bool {
        let left = statements.clone().any(|name| self.left.contains(&name));
        let stated = !of.is_empty() && of.iter().all(|document| self.documents.contains(document));
        !left && (stated || statements.into_iter().any(|name| self.gone.contains(&name)))
    }
}

fn named(statements: &[String]) -> impl Iterator<Item = Id> + Clone {
    statements.iter().filter_map(|name| Id::parse(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::wishes::by_owner;

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
    fn the_last_of_several_corrections_counts() {
        let fact = |object: &str| by_owner(&["Oda", "lives in", object].map(String::from));
        let name = |object: &str| crate::facts::draft::statement(&fact(object));
        let at = Timestamp::UNIX_EPOCH;
        let replace = |old: &str, new: &str| Order::Replace {
            statements: vec![name(old).to_string()],
            of: vec![],
            fact: fact(new),
            at,
        };
        let mut orders = Orders::new(Path::new("/j"), vec![replace("Bergen", "Oslo"), replace("Oslo", "Moss")]);
        assert_eq!(orders.replacement(name("Bergen")), Some(name("Oslo")));
        assert!(!orders.hold(name("Oslo")) && orders.state_it(name("Oslo")) && orders.hold(name("Moss")));
        assert_eq!(orders.with_replaced(vec![name("Moss")]), ["Moss", "Oslo", "Bergen"].map(name));
        orders.add(replace("Moss", "Bergen"));
        assert_eq!((orders.replacement(name("Bergen")), orders.hold(name("Bergen"))), (None, true));
        orders.add(replace("Bergen", "Bergen"));
        assert!(orders.hold(name("Bergen")), "nothing takes its own place");
    }

    #[test]
    fn orders_since_a_mark_are_told_by_what_they_name() {
        let fact = |object: &str| by_owner(&["Oda", "lives in", object].map(String::from));
        let name = |object: &str| crate::facts::draft::statement(&fact(object));
        let at = Timestamp::UNIX_EPOCH;
        let mut orders = Orders::new(Path::new("/j"), vec![Order::State { fact: fact("Moss"), at }]);
        let mark = orders.mark();
        assert_eq!(orders.since(mark), Some(&[][..]));
        orders.add(Order::Remove { statements: vec![name("Moss").to_string()], at });
        orders.add(Order::Replace { statements: vec![name("Bergen").to_string()], of: vec![], fact: fact("Oslo"), at });
        assert_eq!(orders.since(mark), Some(&["Moss", "Oslo", "Bergen"].map(name)[..]));
        let others = orders.left(vec![Order::State { fact: fact("Voss"), at }]);
        assert_eq!(others.since(orders.mark()), None);
        orders.add(Order::State { fact: fact("Moss"), at });
        assert_eq!(orders.since(mark), None, "other documents may state it");
    }

    #[test]
    fn corrections_go_with_what_they_put_right() {
        let fact = |object: &str| by_owner(&["Oda", "lives in", object].map(String::from));
        let name = |object: &str| crate::facts::draft::statement(&fact(object));
        let at = Timestamp::UNIX_EPOCH;
        let replace = |old: &[&str], new: &str| {
            let statements = old.iter().map(|old| name(old).to_string()).collect();
            Order::Replace { statements, of: vec![], fact: fact(new), at }
        };
        let journal = [
            replace(&["Bergen"], "Oslo"),
            replace(&["Oslo"], "Moss"),
            replace(&["Lind"], "Berg"),
            replace(&["Bergen", "Voss"], "Lade"),
            Order::State { fact: fact("Vik"), at },
        ];
        let mut going = Going::default();
        going.add(vec![name("Bergen")], false);
        going.add(vec![name("Voss")], true);
        let orders = Orders::new(Path::new("/j"), journal[..2].to_vec());
        assert_eq!(orders.corrections(&going), HashSet::from(["Oslo", "Moss"].map(name)));
        assert_eq!(journal.each_ref().map(|order| going.takes(order)), [true, true, false, false, false]);
    }

    #[test]
    fn a_correction_goes_with_the_documents_that_stated_what_it_puts_right() {
        let fact = |object: &str| by_owner(&["Oda", "lives in", object].map(String::from));
        let at = Timestamp::UNIX_EPOCH;
        let replace = |old: &str, new: &str, of: &[&str]| {
            let statements = vec![crate::facts::draft::statement(&fact(old)).to_string()];
            Order::Replace { statements, of: of.iter().map(ToString::to_string).collect(), fact: fact(new), at }
        };
        let journal =
            [replace("Bergen", "Oslo", &["a"]), replace("Voss", "Moss", &["a", "b"]), replace("Vik", "Lom", &[])];
        let check = |documents: &[&str], left: &[&str], want: [bool; 3]| {
            let mut going = Going::default();
            documents.iter().for_each(|document| going.add_document(document.to_string()));
            going.add(left.iter().map(|old| crate::facts::draft::statement(&fact(old))).collect(), true);
            let corrections = Orders::new(Path::new("/j"), journal.to_vec()).corrections(&going).len();
            assert_eq!(corrections, want.iter().filter(|goes| **goes).count());
            assert_eq!(journal.each_ref().map(|order| going.takes(order)), want, "{documents:?}, {left:?}");
        };
        check(&["a"], &[], [true, false, false]);
        check(&["a", "b"], &[], [true, true, false]);
        check(&["a", "b"], &["Voss"], [true, false, false]);
        check(&["c"], &[], [false; 3]);
    }

    #[test]
    fn an_order_to_remove_holds_nothing_of_what_it_removes() {
        let text = serde_json::to_string(&Order::Remove { statements: vec!["0f".into()], at: Timestamp::UNIX_EPOCH });
        assert_eq!(text.unwrap(), r#"{"remove":{"statements":["0f"],"at":"1970-01-01T00:00:00Z"}}"#);
    }
}
