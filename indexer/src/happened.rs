//! What a commit changed, for those who listen.

use std::path::PathBuf;
use std::sync::Arc;

use crate::State;
use crate::record::{Changes, Record, Table};

/// Something that happened to a file under the sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// Absolute path.
    pub path: PathBuf,
    /// Title of the document; empty where there is none.
    pub title: String,
    /// What happened.
    pub what: What,
}

/// What happened to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It is found and was not before.
    Indexed,
    /// It is found and has other bytes than before.
    Changed,
    /// It is not found any more.
    Removed,
    /// It is left out on purpose.
    Skipped(String),
    /// It could not be read.
    Failed(String),
}

/// Is told of every visible change of the index, on the thread that made it; with no files when more can be found by meaning.
pub type Listener = Box<dyn Fn(&[Happened]) + Send + Sync>;

/// What `changes` do to `before`.
pub fn happened(changes: &Changes, before: &Table) -> Vec<Happened> {
    let one = |(path, after): (&PathBuf, &Option<Arc<Record>>)| {
        let before = before.by_path(path);
        let title = after.as_ref().filter(|r| r.content.is_some()).map(|r| r.title()).unwrap_or_default();
        Some(Happened { what: what(before.map(|r| &**r), after.as_deref())?, path: path.clone(), title })
    };
    changes.iter().filter_map(one).collect()
}

fn what(before: Option<&Record>, after: Option<&Record>) -> Option<What> {
    let old = before.and_then(|r| r.content.as_ref());
    let new = after.and_then(|r| r.content.as_ref());
    match (old, new) {
        (None, Some(_)) => Some(What::Indexed),
        (Some(old), Some(new)) => (old.hash != new.hash).then_some(What::Changed),
        (old, None) => {
            match after.filter(|after| before.is_none_or(|b| (&b.state, &b.reason) != (&after.state, &after.reason))) {
                Some(Record { state: State::Skipped, reason, .. }) => Some(What::Skipped(reason.clone())),
                Some(Record { state: State::Failed, reason, .. }) => Some(What::Failed(reason.clone())),
                _ => old.map(|_| What::Removed),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;

    #[test]
    fn changes_are_named() {
        let with_hash = |serial, hash| {
            let mut record = record("/a", serial);
            record.content.as_mut().expect("indexed").hash = [hash; 16];
            record
        };
        let left_out = |state, reason: &str| Record { state, reason: reason.into(), content: None, ..record("/a", 1) };
        let (old, new) = (with_hash(1, 1), with_hash(2, 2));
        let skipped = left_out(State::Skipped, "binary");
        let check = |before: Option<&Record>, after: Option<&Record>, want| assert_eq!(what(before, after), want);
        check(None, Some(&new), Some(What::Indexed));
        check(Some(&skipped), Some(&new), Some(What::Indexed));
        check(Some(&old), Some(&new), Some(What::Changed));
        check(Some(&old), Some(&with_hash(2, 1)), None);
        check(Some(&old), None, Some(What::Removed));
        check(Some(&old), Some(&left_out(State::Pending, "")), Some(What::Removed));
        check(Some(&old), Some(&skipped), Some(What::Skipped("binary".into())));
        check(Some(&skipped), Some(&skipped), None);
        check(Some(&skipped), None, None);
        check(None, Some(&left_out(State::Failed, "locked")), Some(What::Failed("locked".into())));
    }
}
