//! What kept queries have shown, and what is new in them.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

type Paths = HashSet<PathBuf>;

/// The documents that each kept query has shown, and those that may still enter one.
#[derive(Default)]
pub struct Shown {
    queries: HashMap<String, Paths>,
    /// Documents that came or changed, and whose meaning may not be known yet.
    fresh: Paths,
}

impl Shown {
    /// Hears of documents that came or changed, and of files that went.
    pub fn hear(&mut self, came: Paths, went: &Paths) {
        self.fresh.extend(came);
        self.fresh.retain(|path| !went.contains(path));
        self.queries.values_mut().for_each(|shown| shown.retain(|path| !went.contains(path)));
    }

    /// These queries begin to be kept and show these documents: what comes later is new.
    pub fn begin(&mut self, begun: HashMap<String, Paths>) {
        self.queries.extend(begun);
    }

    /// Keeps what is known of these queries alone.
    pub fn keep_only(&mut self, is_kept: impl Fn(&str) -> bool) {
        self.queries.retain(|name, _| is_kept(name));
    }

    /// Those of the documents that a query finds now that have entered it. `settled` says that the meaning of all is known:
    /// what was changed and is not found any more has then left, and is new when it comes again.
    pub fn entered(&mut self, query: &str, found: Paths, settled: bool) -> Paths {
        let Some(shown) = self.queries.get_mut(query) else {
            // What is there when the mount begins is not new.
            self.queries.insert(query.to_owned(), found);
            return Paths::new();
        };
        if settled {
            shown.retain(|path| found.contains(path) || !self.fresh.contains(path));
        }
        let is_new = |path: &&PathBuf| self.fresh.contains(*path) && !shown.contains(*path);
        let new = found.iter().filter(is_new).cloned().collect();
        shown.extend(found);
        new
    }

    /// All queries were asked with the meaning of all documents known.
    pub fn settle(&mut self) {
        self.fresh.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(names: &[&str]) -> Paths {
        names.iter().map(PathBuf::from).collect()
    }

    /// What enters the query `q`, which finds `found`, after `came` came or changed.
    fn entered(shown: &mut Shown, came: &[&str], found: &[&str], settled: bool) -> Paths {
        shown.hear(paths(came), &Paths::new());
        let new = shown.entered("q", paths(found), settled);
        if settled {
            shown.settle();
        }
        new
    }

    #[test]
    fn what_came_and_is_found_has_entered_once() {
        let mut shown = Shown::default();
        assert_eq!(entered(&mut shown, &["a"], &["a"], true), paths(&[]), "it was there when the mount began");
        assert_eq!(entered(&mut shown, &["b", "c"], &["a", "b"], true), paths(&["b"]));
        assert_eq!(entered(&mut shown, &["b"], &["a", "b"], true), paths(&[]), "it only changed");
        assert_eq!(entered(&mut shown, &[], &["a", "b", "c"], true), paths(&[]), "it did not come, others went");
        shown.hear(Paths::new(), &paths(&["b"]));
        assert_eq!(entered(&mut shown, &["b"], &["a", "b"], true), paths(&["b"]), "it was deleted and came again");
    }

    #[test]
    fn what_left_and_comes_again_is_new() {
        let mut shown = Shown::default();
        shown.begin(HashMap::from([("q".to_owned(), paths(&["a", "b"]))]));
        assert_eq!(entered(&mut shown, &["b"], &["a"], true), paths(&[]));
        assert_eq!(entered(&mut shown, &["b"], &["a", "b"], true), paths(&["b"]));
    }

    #[test]
    fn what_is_not_found_until_its_meaning_is_known_has_not_left() {
        let mut shown = Shown::default();
        shown.begin(HashMap::from([("q".to_owned(), paths(&["a", "b"]))]));
        assert_eq!(entered(&mut shown, &["b", "c"], &["a"], false), paths(&[]));
        assert_eq!(entered(&mut shown, &[], &["a", "b", "c"], true), paths(&["c"]));
        shown.keep_only(|name| name != "q");
        assert_eq!(entered(&mut shown, &["d"], &["d"], true), paths(&[]), "it is kept anew");
    }
}
