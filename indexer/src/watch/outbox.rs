//! What is still to be told: per path, what was told last against what is so now.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::path::{Path, PathBuf};

use super::Change;
use crate::policy::Reason;
use crate::scan::FileStat;

/// What is worth an entry in the consumer's books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A file to be indexed.
    File(FileStat),
    /// A file or directory that is left out.
    Skipped(Reason, FileStat),
    /// A file or directory that could not be looked at.
    Failed(String),
}

/// One path's debt. `told == now` only where it is to be told again.
#[derive(Debug)]
struct Debt {
    told: Option<Seen>,
    now: Option<Seen>,
    again: bool,
}

#[derive(Debug)]
enum Item {
    Path(PathBuf),
    Mark(Change),
}

/// The debts in the order they arose, with marks between them.
///
/// Invariant: at most one debt per path; a path that is back at what was told has none.
#[derive(Debug, Default)]
pub struct Outbox {
    debts: HashMap<PathBuf, Debt>,
    order: VecDeque<Item>,
    marks: usize,
    vacated: HashMap<FileStat, PathBuf>,
    arrived: HashMap<FileStat, PathBuf>,
}

impl Outbox {
    /// How many changes at most are waiting.
    pub fn len(&self) -> usize {
        self.debts.len() + self.marks
    }

    /// Nothing is waiting.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `path` was `before` and is `now`; `again` tells it even if it was told already.
    pub fn record(&mut self, path: PathBuf, before: Option<Seen>, now: Option<Seen>, again: bool) {
        let debt = match self.settle(&path) {
            Some(old) => Debt { told: old.told, now, again: again || old.again },
            None => {
                self.order.push_back(Item::Path(path.clone()));
                Debt { told: before, now, again }
            }
        };
        if debt.told != debt.now || (debt.again && debt.now.is_some()) {
            self.enter(path, debt);
        }
    }

    /// Puts a mark behind all that is waiting.
    pub fn mark(&mut self, change: Change) {
        self.marks += 1;
        self.order.push_back(Item::Mark(change));
    }

    /// Takes up to `limit` changes, the oldest first.
    pub fn take(&mut self, limit: usize) -> Vec<Change> {
        let mut changes = Vec::new();
        while changes.len() < limit {
            match self.order.pop_front() {
                None => break,
                Some(Item::Mark(change)) => {
                    self.marks -= 1;
                    changes.push(change);
                }
                Some(Item::Path(path)) => changes.extend(self.pay(path)),
            }
        }
        self.forget_stale_items();
        changes
    }

    /// Items whose debt is gone pile up where paths come and go; no more than there are debts may stay.
    fn forget_stale_items(&mut self) {
        if self.order.len() > 1024 && self.order.len() > 4 * self.len() {
            let debts = &self.debts;
            self.order.retain(|item| !matches!(item, Item::Path(path) if !debts.contains_key(path)));
        }
    }

    fn pay(&mut self, path: PathBuf) -> Option<Change> {
        let debt = self.settle(&path)?;
        match debt.now {
            Some(Seen::File(stat)) if debt.told != debt.now => Some(self.arrival(path, stat)),
            Some(Seen::File(stat)) => Some(Change::Changed { path, stat }),
            Some(Seen::Skipped(reason, stat)) => Some(Change::Skipped { path, reason, stat }),
            Some(Seen::Failed(reason)) => Some(Change::Failed { path, reason }),
            None => Some(self.departure(path, debt.told?)),
        }
    }

    fn arrival(&mut self, to: PathBuf, stat: FileStat) -> Change {
        match self.vacated.get(&stat).cloned() {
            Some(from) => {
                self.settle(&from);
                Change::Moved { from, to, stat }
            }
            None => Change::Changed { path: to, stat },
        }
    }

    fn departure(&mut self, path: PathBuf, told: Seen) -> Change {
        let Seen::File(stat) = told else { return Change::Removed { path } };
        match self.arrived.get(&stat).cloned() {
            Some(to) => {
                self.settle(&to);
                Change::Moved { from: path, to, stat }
            }
            None => Change::Removed { path },
        }
    }

    fn enter(&mut self, path: PathBuf, debt: Debt) {
        if let (Some(Seen::File(stat)), None) = (&debt.told, &debt.now) {
            self.vacated.insert(*stat, path.clone());
        }
        if let (true, Some(Seen::File(stat))) = (debt.told != debt.now, &debt.now) {
            self.arrived.insert(*stat, path.clone());
        }
        self.debts.insert(path, debt);
    }

    fn settle(&mut self, path: &Path) -> Option<Debt> {
        let debt = self.debts.remove(path)?;
        remove_if(&mut self.vacated, &debt.told, path);
        remove_if(&mut self.arrived, &debt.now, path);
        Some(debt)
    }

    /// A full pass over `root` begins: what is waiting of the paths that `of` picks comes after the mark, and
    /// an older pass that was not told to its end is forgotten.
    pub fn start(&mut self, root: &Path, of: impl Fn(&Path) -> bool) {
        let (waiting, others): (Vec<Item>, Vec<Item>) = mem::take(&mut self.order)
            .into_iter()
            .filter(|item| !matches!(item, Item::Mark(mark) if is_of_pass(mark, root)))
            .partition(|item| matches!(item, Item::Path(path) if of(path)));
        self.order = others.into();
        self.order.push_back(Item::Mark(Change::Started { root: root.to_path_buf() }));
        self.order.extend(waiting);
        self.count_marks();
    }

    /// Nothing is known of `root` and the paths that `of` picks any more: what is waiting of them is dropped.
    pub fn abandon(&mut self, root: &Path, of: impl Fn(&Path) -> bool) {
        for path in self.debts.keys().filter(|path| of(path)).cloned().collect::<Vec<_>>() {
            self.settle(&path);
        }
        self.order.retain(|item| match item {
            Item::Path(path) => !of(path),
            Item::Mark(mark) => !is_of_pass(mark, root),
        });
        self.count_marks();
    }

    fn count_marks(&mut self) {
        self.marks = self.order.iter().filter(|item| matches!(item, Item::Mark(_))).count();
    }
}

fn is_of_pass(mark: &Change, of: &Path) -> bool {
    matches!(mark, Change::Started { root } | Change::Complete { root, .. } if root == of)
}

fn remove_if(index: &mut HashMap<FileStat, PathBuf>, seen: &Option<Seen>, path: &Path) {
    if let Some(Seen::File(stat)) = seen
        && index.get(stat).is_some_and(|known| known == path)
    {
        index.remove(stat);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(ino: u64) -> Option<Seen> {
        Some(Seen::File(stat(ino)))
    }

    fn stat(ino: u64) -> FileStat {
        FileStat { size: 1, mtime_ns: 1, ino, dev: 1 }
    }

    fn changed(path: &str, ino: u64) -> Change {
        Change::Changed { path: path.into(), stat: stat(ino) }
    }

    #[test]
    fn many_changes_of_a_path_are_one() {
        let mut outbox = Outbox::default();
        outbox.record("a".into(), None, file(1), false);
        outbox.record("b".into(), None, file(2), false);
        outbox.record("a".into(), file(1), file(3), false);
        assert_eq!(outbox.take(9), [changed("a", 3), changed("b", 2)]);
        assert!(outbox.is_empty());
    }

    #[test]
    fn what_came_and_went_is_not_told() {
        let mut outbox = Outbox::default();
        outbox.record("a".into(), None, file(1), false);
        outbox.record("a".into(), file(1), None, false);
        assert!(outbox.is_empty());
        assert_eq!(outbox.take(9), []);
    }

    #[test]
    fn a_rename_is_one_move_in_either_order() {
        let moved = Change::Moved { from: "a".into(), to: "b".into(), stat: stat(1) };
        let mut outbox = Outbox::default();
        outbox.record("a".into(), file(1), None, false);
        outbox.record("b".into(), None, file(1), false);
        assert_eq!(outbox.take(9), std::slice::from_ref(&moved));
        outbox.record("b".into(), None, file(1), false);
        outbox.record("a".into(), file(1), None, false);
        assert_eq!(outbox.take(9), [moved]);
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_chain_of_renames_is_one_move() {
        let mut outbox = Outbox::default();
        outbox.record("a".into(), file(1), None, false);
        outbox.record("b".into(), None, file(1), false);
        outbox.record("b".into(), file(1), None, false);
        outbox.record("c".into(), None, file(1), false);
        assert_eq!(outbox.take(9), [Change::Moved { from: "a".into(), to: "c".into(), stat: stat(1) }]);
    }

    #[test]
    fn marks_keep_their_place() {
        let mut outbox = Outbox::default();
        let done = Change::Complete { root: "/".into(), files: 1 };
        outbox.record("a".into(), file(1), file(1), true);
        outbox.mark(done.clone());
        outbox.record("b".into(), None, file(2), false);
        assert_eq!(outbox.take(2), [changed("a", 1), done]);
        assert_eq!(outbox.take(2), [changed("b", 2)]);
    }

    #[test]
    fn a_new_full_pass_tells_everything_after_its_start() {
        let (root, all) = (Path::new("/"), |_: &Path| true);
        let mut outbox = Outbox::default();
        outbox.start(root, all);
        outbox.record("a".into(), None, file(1), true);
        outbox.mark(Change::Complete { root: root.into(), files: 1 });
        outbox.start(root, all);
        outbox.record("a".into(), file(1), file(1), true);
        assert_eq!(outbox.take(9), [Change::Started { root: root.into() }, changed("a", 1)]);
        assert!(outbox.is_empty());
    }

    #[test]
    fn one_inode_under_two_names_is_no_move() {
        let mut outbox = Outbox::default();
        outbox.record("b".into(), None, file(1), false);
        assert_eq!(outbox.take(9), [changed("b", 1)]);
        outbox.record("a".into(), file(1), None, false);
        assert_eq!(outbox.take(9), [Change::Removed { path: "a".into() }]);
    }
}
