//! Evidence in memory.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, RwLock};

use echofs_indexer::{Judgement, Kind, Reranked, Reranking};

use super::LIMIT;
use crate::answer::text::tokens;
use crate::answer::{Evidence, Found, Item, Items, Listing, Passage};

/// Notes in memory: a passage for each, ranked by shared words.
#[derive(Default)]
pub struct Notes {
    notes: RwLock<Vec<(PathBuf, String, u64)>>,
    epoch: AtomicU64,
    pub searches: AtomicUsize,
    pub reranking: OnceLock<Reranking>,
}

impl Notes {
    pub fn new(notes: &[(&str, &str)]) -> Arc<Notes> {
        let all = Arc::new(Notes::default());
        notes.iter().for_each(|(path, text)| all.write(path, text));
        all
    }

    pub fn write(&self, path: &str, text: &str) {
        let stamp = self.epoch.fetch_add(1, Ordering::AcqRel) + 1;
        let mut notes = self.notes.write().unwrap();
        notes.retain(|(known, ..)| known != Path::new(path));
        notes.push((path.into(), text.into(), stamp));
    }

    pub fn delete(&self, path: &str) {
        self.notes.write().unwrap().retain(|(known, ..)| known != Path::new(path));
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }
}

fn passage(text: &str) -> Passage {
    Passage { ordinal: 0, text: text.into(), line: 1, page: None, heading: String::new() }
}

impl Evidence for Notes {
    fn search(&self, question: &str, limit: usize) -> Result<Vec<Found>, String> {
        self.searches.fetch_add(1, Ordering::AcqRel);
        let asked = tokens(question);
        let shared = |text: &str| {
            let words = tokens(text);
            asked.iter().filter(|a| !a.is_stop() && words.iter().any(|w| w.stem == a.stem)).count()
        };
        let notes = self.notes.read().unwrap();
        let mut found: Vec<Found> = notes
            .iter()
            .map(|(path, text, _)| Found {
                path: path.clone(),
                title: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
                kind: if path.starts_with("/c") { Kind::Conversation } else { Kind::File },
                author: None,
                date: None,
                score: shared(text) as f32,
                semantic: None,
                passages: 1,
                passage: passage(text),
            })
            .filter(|found| found.score > 0.0)
            .collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.path.cmp(&b.path)));
        found.truncate(limit);
        Ok(found)
    }

    fn rerank(&self, question: &str, passages: &[String]) -> Option<(Vec<usize>, Reranked)> {
        let Judgement { order, told, .. } = self.reranking.get()?.judge(question, passages, LIMIT);
        Some((order, told))
    }

    fn list(&self, listing: &Listing) -> Result<Items, String> {
        let notes = self.notes.read().unwrap();
        let wanted = |text: &str| listing.about.iter().all(|word| text.to_lowercase().contains(word));
        let item = |(path, text, _): &(PathBuf, String, u64)| Item {
            text: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            path: path.clone(),
            line: 1,
            page: None,
            quote: text.lines().next().unwrap_or_default().to_owned(),
        };
        Ok(Items::of(notes.iter().filter(|(_, text, _)| wanted(text)).collect(), item))
    }

    fn passages(&self, path: &Path) -> Vec<Passage> {
        let notes = self.notes.read().unwrap();
        notes.iter().filter(|(known, ..)| known == path).map(|(_, text, _)| passage(text)).collect()
    }

    fn stamp(&self, path: &Path) -> Option<u64> {
        self.notes.read().unwrap().iter().find(|(known, ..)| known == path).map(|(.., stamp)| *stamp)
    }

    fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }
}
