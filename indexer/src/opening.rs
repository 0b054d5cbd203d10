//! Opening the stores, and bringing them into line with each other after whatever happened.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use echofs_embedder::Embedder;

use crate::catalogue::Catalogue;
use crate::facts;
use crate::files;
use crate::forgotten::Forgotten;
use crate::journal::Journal;
use crate::lexical::{Lexical, Words};
use crate::policy::Policy;
use crate::record::{Record, Serial, Table};
use crate::scan::FileStat;
use crate::shared::Shared;
use crate::snapshot::Snapshot;
use crate::{Config, Error, Kind, Source, State, conversations, relationship};

/// No serial number from here on was ever given out: a column that has one is damaged.
const NEVER: Serial = 1 << 31;

/// What only the indexing thread uses once it runs.
pub struct Opened {
    /// The word index.
    pub lexical: Lexical,
    /// The stored records.
    pub catalogue: Catalogue,
    /// The next serial number.
    pub next: Serial,
}

/// Opens everything below the data directory.
///
/// # Errors
/// I/O errors; damage of a derived store is none.
pub fn open(config: Config, embedder: Option<Arc<dyn Embedder>>) -> Result<(Shared, Opened), Error> {
    let data = config.data.clone();
    for dir in ["notes", "index", "vectors", "journal"] {
        files::private_dir(&data.join(dir))?;
    }
    let forgotten = Forgotten::open(&data)?;
    let path = data.join("journal/facts.jsonl");
    let (fact_journal, orders) = Journal::open(&path)?;
    let fact_journal = (fact_journal, facts::Orders::new(&path, orders));
    let (catalogue, records) = Catalogue::open(&data.join("catalogue"))?;
    let mut lexical = Lexical::open(&data.join("index"))?;
    files::make_private(&data.join("catalogue"));
    files::make_private(&data.join("index"));
    let (words, records, next) = reconcile(&mut lexical, records)?;
    let sources = sources(&config);
    let roots = sources.iter().map(|s| s.root.clone()).collect();
    let policy = Arc::new(Policy::new(roots, config.excluded.clone()));
    let snapshot = Snapshot::new(Arc::new(Table::new(records)), words);
    let shared = Shared::new(config, policy, sources, embedder, forgotten, fact_journal, snapshot);
    Ok((shared, Opened { lexical, catalogue, next }))
}

/// Makes records and word index agree: entries that no record names go, and files whose entry is missing are read again.
fn reconcile(lexical: &mut Lexical, records: Vec<Arc<Record>>) -> Result<(Words, Vec<Arc<Record>>, Serial), Error> {
    let words = lexical.snapshot(None)?;
    let indexed: HashSet<Serial> = words.alive().map(|(serial, _)| serial).collect();
    let records: Vec<Arc<Record>> = records.into_iter().map(|record| borne_out(record, &indexed)).collect();
    let named: HashSet<Serial> = records.iter().filter_map(|r| r.content.as_ref()).map(|c| c.serial).collect();
    let given = indexed.iter().chain(&named).filter(|serial| **serial < NEVER);
    let next = given.max().map_or(1, |last| last + 1);
    let orphans: Vec<Serial> = indexed.difference(&named).copied().collect();
    if orphans.is_empty() {
        return Ok((words, records, next));
    }
    log::info!("{} entries of the word index belong to no record and are removed", orphans.len());
    orphans.iter().try_for_each(|serial| lexical.delete(*serial))?;
    lexical.commit()?;
    Ok((lexical.snapshot(Some(&words))?, records, next))
}

fn borne_out(record: Arc<Record>, indexed: &HashSet<Serial>) -> Arc<Record> {
    match &record.content {
        Some(content) if !indexed.contains(&content.serial) => {
            let unread =
                Record { stat: FileStat::default(), state: State::Pending, content: None, ..Record::clone(&record) };
            Arc::new(unread)
        }
        _ => record,
    }
}

/// The given roots, the notes, and the pages of conversations and relationship, each with a name of its own.
fn sources(config: &Config) -> Vec<Source> {
    let notes = (config.data.join("notes"), Kind::Note);
    let conversations = (conversations::pages(&config.data), Kind::Conversation);
    let relationship = (relationship::pages_dir(&config.data), Kind::Relationship);
    let own = [notes, conversations, relationship];
    let kinds = config.sources.iter().map(|root| (root.clone(), Kind::File)).chain(own);
    let mut sources: Vec<Source> = Vec::new();
    for (root, kind) in kinds {
        if sources.iter().any(|s| s.root == root) {
            continue;
        }
        let name = unique_name(&root, &sources);
        sources.push(Source { name, root, kind, watch: "not watched".into(), available: true });
    }
    sources
}

fn unique_name(root: &Path, taken: &[Source]) -> String {
    let base = root.file_name().map_or_else(|| "root".into(), |name| name.to_string_lossy().into_owned());
    let free = |name: &String| !taken.iter().any(|s| s.name == *name);
    let numbered = (2..).map(|n| format!("{base}-{n}"));
    std::iter::once(base.clone()).chain(numbered).find(free).unwrap_or(base)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexical::tests::entry;

    #[test]
    fn a_damaged_serial_number_goes_and_counts_for_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut lexical = Lexical::open(dir.path()).unwrap();
        for serial in [7, Serial::MAX] {
            lexical.add(serial, &entry("T", &["one"])).unwrap();
        }
        lexical.commit().unwrap();
        let (words, _, next) = reconcile(&mut lexical, Vec::new()).unwrap();
        assert_eq!((words.alive().count(), next), (0, 8));
    }

    #[test]
    fn sources_have_names_of_their_own() {
        let roots = ["/a/notes", "/b/notes", "/", "/a/notes"].map(Into::into).to_vec();
        let config = Config { data: "/d".into(), sources: roots, excluded: Vec::new(), worker: Vec::new() };
        let names: Vec<String> = sources(&config).into_iter().map(|s| s.name).collect();
        assert_eq!(names, ["notes", "notes-2", "root", "notes-3", "conversations", "relationship"]);
    }
}
