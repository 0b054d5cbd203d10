//! Working memory of the sample vault at one moment: what is important is said first, and budgets are kept.

mod briefing;
mod pages;
mod said;
#[path = "../store/mod.rs"]
mod store;
mod tiers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use echofs_indexer::context::{self, Moment, Tier};
use echofs_indexer::facts::Facts;
use echofs_indexer::relationship::{Entry, Evidence, Kind, View};
use echofs_indexer::{Config, Document, Index, Source};
use jiff::{Timestamp, Zoned};
use store::{Place, until};

/// What the pages are made from.
struct Made {
    now: Zoned,
    documents: Arc<Vec<Document>>,
    facts: Arc<Facts>,
    log: View,
    opened: Vec<(PathBuf, Timestamp)>,
    sources: Vec<Source>,
    before: BTreeMap<PathBuf, Tier>,
}

impl Made {
    fn of(index: &Index, now: &str) -> Made {
        until("every document is read for facts", || index.counts().pending_facts == 0);
        let log = index.relationship().view().unwrap();
        let (documents, facts, sources) = (index.documents(), index.facts(), index.sources());
        Made { now: now.parse().unwrap(), documents, facts, log, opened: Vec::new(), sources, before: index.tiers() }
    }

    fn moment(&self) -> Moment<'_> {
        Moment {
            now: &self.now,
            documents: &self.documents,
            facts: &self.facts,
            log: &self.log,
            opened: &self.opened,
            hits: &[],
            sources: &self.sources,
            before: &self.before,
        }
    }

    fn briefing(&self, budget: usize) -> String {
        context::briefing(&self.moment(), budget, &tokens)
    }
}

/// About as many tokens as a model makes of it.
fn tokens(text: &str) -> usize {
    text.split_inclusive(|c: char| !c.is_alphanumeric()).map(|word| word.len().div_ceil(5).max(1)).sum()
}

fn vault(place: &Place) -> Arc<Index> {
    let vault = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/vault").canonicalize().unwrap();
    let index = Index::open(Config { sources: vec![vault], ..place.config() }, None).unwrap();
    index.start();
    assert!(index.wait(false, store::PATIENCE));
    index
}

const NOW: &str = "2026-11-22T09:00[Europe/London]";

fn dated(day: &str, title: &str, text: &str) -> String {
    format!("---\ndate: {day}\n---\n# {title}\n\n{text}\n")
}

fn used(path: &Path, kind: Kind, subject: Option<&str>, at: &str) -> Entry {
    let evidence = vec![Evidence { path: path.to_string_lossy().into_owned(), line: Some(1) }];
    Entry { evidence, subject: subject.map(str::to_owned), ..Entry::new(kind, "what?", at.parse().unwrap()) }
}
