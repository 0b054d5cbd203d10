//! Queries that are kept, by name: a journal, since nothing else knows them.

use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::journal::Journal;
use crate::shared::{lock, read, write};

/// What a line of the journal says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    Keep { name: String, at: i64 },
    Drop { name: String },
    Rename { name: String, to: String },
}

/// A query that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptQuery {
    /// As it was typed, which is its name in `search/`.
    pub name: String,
    /// Since when, seconds since 1970.
    pub since: i64,
}

/// The kept queries, newest first.
pub struct Kept {
    journal: Mutex<Journal<Order>>,
    queries: RwLock<Arc<Vec<KeptQuery>>>,
}

impl Kept {
    /// Opens or makes the journal at `path`.
    ///
    /// # Errors
    /// [`Error::Io`] of the journal.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let (journal, orders) = Journal::open(path)?;
        let mut queries = Vec::new();
        orders.iter().for_each(|order| obey(&mut queries, order));
        Ok(Self { journal: Mutex::new(journal), queries: RwLock::new(Arc::new(queries)) })
    }

    /// All of them.
    pub fn all(&self) -> Arc<Vec<KeptQuery>> {
        read(&self.queries).clone()
    }

    /// Keeps a query; whether it was not kept before. It is on disk when this returns.
    ///
    /// # Errors
    /// [`Error::Io`] of the journal; nothing has changed then.
    pub fn keep(&self, name: &str) -> Result<bool, Error> {
        let order = Order::Keep { name: name.to_owned(), at: jiff::Timestamp::now().as_second() };
        self.change(&order, |queries| !holds(queries, name))
    }

    /// Keeps it no longer; whether it was kept.
    ///
    /// # Errors
    /// As [`keep`](Kept::keep).
    pub fn discard(&self, name: &str) -> Result<bool, Error> {
        self.change(&Order::Drop { name: name.to_owned() }, |queries| holds(queries, name))
    }

    /// Gives a kept query another name, which is another query; whether it was kept and `to` was not.
    ///
    /// # Errors
    /// As [`keep`](Kept::keep).
    pub fn rename(&self, name: &str, to: &str) -> Result<bool, Error> {
        let order = Order::Rename { name: name.to_owned(), to: to.to_owned() };
        self.change(&order, |queries| holds(queries, name) && !holds(queries, to))
    }

    /// Writes the order down and obeys it, if it can be obeyed. Readers never wait for the disk.
    fn change(&self, order: &Order, possible: impl FnOnce(&[KeptQuery]) -> bool) -> Result<bool, Error> {
        let journal = lock(&self.journal);
        let mut queries = Vec::clone(&self.all());
        if !possible(&queries) {
            return Ok(false);
        }
        journal.append(order)?;
        obey(&mut queries, order);
        *write(&self.queries) = Arc::new(queries);
        Ok(true)
    }
}

fn holds(queries: &[KeptQuery], name: &str) -> bool {
    queries.iter().any(|query| query.name == name)
}

fn obey(queries: &mut Vec<KeptQuery>, order: &Order) {
    match order {
        Order::Keep { name, at } => queries.insert(0, KeptQuery { name: name.clone(), since: *at }),
        Order::Drop { name } => queries.retain(|query| query.name != *name),
        Order::Rename { name, to } => {
            queries.iter_mut().filter(|query| query.name == *name).for_each(|query| query.name.clone_from(to));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_queries_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("queries.jsonl");
        let names = |kept: &Kept| kept.all().iter().map(|query| query.name.clone()).collect::<Vec<_>>();
        let kept = Kept::open(&path).unwrap();
        for name in ["budget", "garden type:md", "a%2Fb"] {
            assert!(kept.keep(name).unwrap());
        }
        assert!(!kept.keep("budget").unwrap() && !kept.discard("other").unwrap());
        assert!(!kept.rename("other", "x").unwrap() && !kept.rename("budget", "a%2Fb").unwrap());
        assert!(kept.rename("budget", "budget 2026").unwrap() && kept.discard("a%2Fb").unwrap());
        assert_eq!(names(&kept), ["garden type:md", "budget 2026"]);
        drop(kept);
        assert_eq!(names(&Kept::open(&path).unwrap()), ["garden type:md", "budget 2026"]);
    }
}
