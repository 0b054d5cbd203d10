//! The knowledge store as evidence.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::sync::Arc;

use echofs_indexer::{Hit, Index};
use echofs_query_lang::{Node, Query, Sort};

use super::evidence::{Evidence, Found, Passage};

/// An index that is asked for evidence.
pub(super) struct Indexed(pub Arc<Index>);

impl Evidence for Indexed {
    fn search(&self, question: &str, limit: usize) -> Result<Vec<Found>, String> {
        let results = self.0.search(&plain(question, limit)).map_err(|error| error.to_string())?;
        Ok(results.hits.into_iter().map(found).collect())
    }

    fn passages(&self, path: &Path) -> Vec<Passage> {
        self.0.passages(path).unwrap_or_default().into_iter().map(passage).collect()
    }

    fn stamp(&self, path: &Path) -> Option<u64> {
        let document = self.0.document(path)?;
        let mut hasher = DefaultHasher::new();
        (document.modified_ns, document.size, document.passages).hash(&mut hasher);
        Some(hasher.finish())
    }

    fn epoch(&self) -> u64 {
        self.0.epoch()
    }
}

/// A question as bare words: nothing in it is an operator.
fn plain(question: &str, limit: usize) -> Query {
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let words: Vec<String> = question.split_whitespace().map(bare).filter(|w| !w.is_empty()).collect();
    let root = (!words.is_empty()).then_some(Node::Words(words));
    Query { root, sort: Sort::Score, limit: Some(limit) }
}

fn found(hit: Hit) -> Found {
    let document = hit.document;
    Found {
        path: document.path,
        title: document.title,
        kind: document.kind,
        score: hit.score,
        semantic: hit.why.semantic,
        passages: document.passages,
        passage: passage(hit.passage),
    }
}

fn passage(passage: echofs_indexer::Passage) -> Passage {
    let echofs_indexer::Passage { ordinal, text, line, page, heading, .. } = passage;
    Passage { ordinal, text, line, page, heading }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_has_no_operators() {
        let query = plain("who said \"no OR yes\" -path:x (in 2026)?", 7);
        let words = ["who", "said", "no", "OR", "yes", "path:x", "in", "2026"].map(str::to_owned).to_vec();
        assert_eq!(query, Query { root: Some(Node::Words(words)), sort: Sort::Score, limit: Some(7) });
        assert_eq!(plain(" ? ", 7).root, None);
    }
}
