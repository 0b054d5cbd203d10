//! The queries that were named lately keep their results; those that were looked into are listed.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use echofs_query_lang::path;

use super::Search;
use super::query::QueryDir;
use crate::node::{Directory, Id};
use crate::tree::names;

/// Recent queries that are listed.
const RECENT: usize = 20;
/// Queries whose results stay in memory.
const REMEMBERED: usize = 128;

/// The queries that were looked into.
#[derive(Default)]
pub struct Searches {
    recent: Mutex<Recent>,
    known: Mutex<Known>,
}

/// Where a query stands in the tree: the directory, and its name there.
pub type Place = (Id, String);

/// The latest queries that were named, each with when that was, by a clock that counts them.
#[derive(Default)]
struct Known {
    dirs: HashMap<u64, (Arc<QueryDir>, u64)>,
    clock: u64,
    /// Is told of those that are let go.
    let_go: Option<Sender<Place>>,
}

impl Known {
    /// The directory of a query: the same one as long as it is among the latest.
    fn dir(&mut self, id: Id, make: impl FnOnce() -> QueryDir) -> Arc<QueryDir> {
        self.clock += 1;
        let (dir, named) = self.dirs.entry(id.0).or_insert_with(|| (Arc::new(make()), 0));
        *named = self.clock;
        let dir = Arc::clone(dir);
        if self.dirs.len() > REMEMBERED {
            let oldest = self.dirs.iter().min_by_key(|(_, (_, named))| *named).map(|(id, _)| *id);
            let oldest = oldest.and_then(|id| self.dirs.remove(&id)).map(|(dir, _)| dir.place.clone());
            if let Some((place, let_go)) = oldest.zip(self.let_go.as_ref()) {
                // Nobody listens while the mount ends.
                let _ = let_go.send(place);
            }
        }
        dir
    }
}

/// The latest names that were looked into, newest first.
#[derive(Default)]
pub(super) struct Recent {
    pub(super) names: VecDeque<String>,
    pub(super) changed: Option<SystemTime>,
}

impl Searches {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The places of queries whose results need not stay in memory any more, as it becomes so; until this is called again or
    /// [`listen_no_more`](Searches::listen_no_more) is.
    pub fn let_go(&self) -> Receiver<Place> {
        let (sender, receiver) = channel();
        self.known().let_go = Some(sender);
        receiver
    }

    /// Ends what [`let_go`](Searches::let_go) gave.
    pub fn listen_no_more(&self) {
        self.known().let_go = None;
    }

    /// The directory of the query at a place.
    pub(super) fn dir(&self, (parent, name): (Id, &str), make: impl FnOnce(Id, Place) -> QueryDir) -> Arc<QueryDir> {
        let id = parent.child(name);
        self.known().dir(id, || make(id, (parent, name.to_owned())))
    }

    /// The directory of the query that is called `name` in `search/`.
    pub(super) fn named(&self, name: &str) -> Arc<QueryDir> {
        self.dir((Search.id(), name), |id, place| QueryDir::new(id, place, None, vec![path::decode(name)]))
    }

    /// The directory of documents like the one at `path`, which is called `name` in `parent`.
    pub fn similar(&self, parent: Id, name: &str, path: PathBuf) -> Arc<QueryDir> {
        self.dir((parent, name), |id, place| QueryDir::new(id, place, Some(path), Vec::new()))
    }

    pub(super) fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists a query that was looked into. A name that is too long for directories is not listed. One that is listed
    /// stays where it is, so that going over the whole tree changes nothing in it.
    pub(super) fn note(&self, name: &str) {
        let mut recent = self.recent();
        if recent.names.iter().any(|known| known == name) || name.len() > names::MAX {
            return;
        }
        recent.names.push_front(name.to_owned());
        recent.names.truncate(RECENT);
        recent.changed = Some(SystemTime::now());
    }

    /// Lists a query no longer; whether it was listed.
    pub(super) fn drop(&self, name: &str) -> bool {
        let mut recent = self.recent();
        let before = recent.names.len();
        recent.names.retain(|known| known != name);
        recent.changed = Some(SystemTime::now());
        recent.names.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queries_named_longest_ago_are_let_go() {
        let searches = Searches::default();
        let let_go = searches.let_go();
        let first = searches.named("0");
        for n in 1..REMEMBERED {
            searches.named(&n.to_string());
        }
        assert!(Arc::ptr_eq(&first, &searches.named("0")), "it is named again");
        searches.named("one more");
        searches.named("and another");
        let names =
            let_go.try_iter().map(|(parent, name)| (parent == Search.id()).then_some(name).expect("in search/"));
        assert_eq!(names.collect::<Vec<_>>(), ["1", "2"]);
        assert!(Arc::ptr_eq(&first, &searches.named("0")));
        searches.listen_no_more();
        searches.named("the last");
        assert_eq!(let_go.recv().ok(), None);
    }

    #[test]
    fn the_documents_compared_longest_ago_are_let_go_too() {
        let searches = Searches::default();
        let let_go = searches.let_go();
        let notes = Id::ROOT.child("similar").child("notes");
        let compare = |name: &str| searches.similar(notes, name, PathBuf::from("/notes").join(name));
        let first = compare("0.md");
        for n in 1..REMEMBERED {
            compare(&format!("{n}.md"));
        }
        assert!(Arc::ptr_eq(&first, &compare("0.md")), "it is named again");
        assert_eq!(first.name(), None, "it is not listed as a query");
        compare("more.md");
        searches.named("a query");
        let gone: Vec<Place> = let_go.try_iter().collect();
        assert_eq!(gone, [(notes, "1.md".to_owned()), (notes, "2.md".to_owned())]);
    }
}
