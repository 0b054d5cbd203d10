//! The best of what was found, in the order of a model that reads it together with the question.
//!
//! That takes a second where a search takes milliseconds. So it is done for those who ask for it, with few passages and for
//! a bounded time, and what it gave is remembered: asked again, only new passages are read.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use echofs_embedder::Reranker;
use echofs_query_lang::{DEFAULT_LIMIT, Query, Sort};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

use crate::shared::lock;
use crate::{Hit, Results};

/// Hits of a search that are read.
const HITS: usize = 20;
/// Time for them.
const PATIENCE: Duration = Duration::from_secs(3);
/// Scores that are remembered.
const SCORES: usize = 4096;

/// What a reranker came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reranked {
    /// The model.
    pub model: String,
    /// Passages that have a score.
    pub passages: usize,
    /// Passages that were to get one.
    pub of: usize,
    /// How long it took, in milliseconds.
    pub ms: f64,
    /// Why there are none, or no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How some texts are to be ordered.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// For each place the text that comes there. One without a score keeps its place.
    pub order: Vec<usize>,
    /// The score of each text, in the order they were given in.
    pub scores: Vec<Option<f32>>,
    /// What to tell of it.
    pub told: Reranked,
}

/// The reranker of a store.
pub struct Reranking {
    name: String,
    model: Result<Arc<dyn Reranker>, String>,
    scores: Cache<[u8; 32], f32>,
    error: Mutex<Option<String>>,
}

impl Reranking {
    /// The one that is named so. What cannot be used gives its error whenever it is asked.
    pub fn new(name: &str, model: Result<Arc<dyn Reranker>, echofs_embedder::Error>) -> Reranking {
        let model = model.map_err(|error| error.to_string());
        let error = Mutex::new(model.as_ref().err().cloned());
        Reranking { name: name.to_owned(), model, scores: Cache::new(SCORES), error }
    }

    /// The name of the model.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the model is in memory now.
    pub fn loaded(&self) -> bool {
        self.model.as_ref().is_ok_and(|model| model.loaded())
    }

    /// Why it does not work, if it did not the last time.
    pub fn error(&self) -> Option<String> {
        lock(&self.error).clone()
    }

    /// How these texts are to be ordered for a question, as far as `patience` allows.
    pub fn judge(&self, question: &str, texts: &[String], patience: Duration) -> Judgement {
        let started = Instant::now();
        let known = |text: &String| self.scores.get(&key(question, text));
        let mut scores: Vec<Option<f32>> = texts.iter().map(known).collect();
        let failed = self.add_unknown(question, texts, patience, &mut scores).err();
        lock(&self.error).clone_from(&failed);
        let passages = scores.iter().flatten().count();
        let late = || (passages < texts.len()).then(|| "the time was over".to_owned());
        let error = failed.or_else(late);
        let ms = (started.elapsed().as_secs_f64() * 1e4).round() / 10.0;
        let told = Reranked { model: self.name.clone(), passages, of: texts.len(), ms, error };
        Judgement { order: in_order(&scores), scores, told }
    }

    fn add_unknown(
        &self,
        question: &str,
        texts: &[String],
        patience: Duration,
        scores: &mut [Option<f32>],
    ) -> Result<(), String> {
        let model = self.model.as_ref().map_err(String::clone)?;
        let unknown: Vec<usize> = (0..texts.len()).filter(|at| scores[*at].is_none()).collect();
        let asked: Vec<&str> = unknown.iter().map(|at| texts[*at].as_str()).collect();
        let new = model.rerank(question, &asked, patience).map_err(|error| error.to_string())?;
        for (at, score) in unknown.into_iter().zip(new) {
            self.scores.insert(key(question, &texts[at]), score);
            scores[at] = Some(score);
        }
        Ok(())
    }
}

/// A question with a text, in a form that tells neither.
fn key(question: &str, text: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(blake3::hash(question.as_bytes()).as_bytes()).update(text.as_bytes());
    *hasher.finalize().as_bytes()
}

/// The best first, among the places of those that have a score.
fn in_order(scores: &[Option<f32>]) -> Vec<usize> {
    let places: Vec<usize> = (0..scores.len()).filter(|at| scores[*at].is_some()).collect();
    let mut best = places.clone();
    let score = |at: usize| scores[at].unwrap_or(f32::MIN);
    best.sort_by(|a, b| score(*b).total_cmp(&score(*a)));
    let mut order: Vec<usize> = (0..scores.len()).collect();
    places.into_iter().zip(best).for_each(|(place, text)| order[place] = text);
    order
}

/// The query with a limit that lets the reranker choose.
pub fn widened(query: &Query) -> Query {
    let limit = match query.sort {
        Sort::Rerank => Some(query.limit.unwrap_or(DEFAULT_LIMIT).max(HITS)),
        _ => query.limit,
    };
    Query { limit, ..query.clone() }
}

/// Puts the best hits in order where the query asks for it.
pub fn show(results: &mut Results, query: &Query, reranking: Option<&Reranking>) {
    if query.sort != Sort::Rerank {
        return;
    }
    let started = Instant::now();
    match (reranking, query.semantic_text()) {
        (None, _) => ignore(results, "there is no reranker; `reranker` in config.toml names one"),
        (_, None) => ignore(results, "there are no words that passages could be read with"),
        (Some(reranking), Some(text)) => reorder(results, &text, reranking),
    }
    results.hits.truncate(query.limit.unwrap_or(DEFAULT_LIMIT));
    results.explain.total_time += started.elapsed();
}

fn ignore(results: &mut Results, why: &str) {
    results.explain.ignored.push(format!("sort:rerank: {why}"));
}

fn reorder(results: &mut Results, question: &str, reranking: &Reranking) {
    let others = results.hits.split_off(results.hits.len().min(HITS));
    let text = |hit: &Hit| format!("{}\n{}", hit.document.title, hit.passage.text);
    let texts: Vec<String> = results.hits.iter().map(text).collect();
    let Judgement { order, scores, told } = reranking.judge(question, &texts, PATIENCE);
    let before = std::mem::take(&mut results.hits);
    let mut before: Vec<Option<Hit>> = before.into_iter().map(Some).collect();
    for from in order {
        let Some(mut hit) = before[from].take() else { continue };
        hit.why.rerank = scores[from];
        results.hits.push(Hit { rank: results.hits.len() + 1, ..hit });
    }
    results.hits.extend(others);
    results.explain.reranked = Some(told);
}

#[cfg(test)]
mod tests {
    use echofs_embedder::{Error, SharedWords};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(1);

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    /// Reads so many texts in time and counts them.
    struct Slow(usize, Mutex<usize>);

    impl Reranker for Slow {
        fn name(&self) -> &str {
            "slow"
        }
        fn rerank(&self, question: &str, texts: &[&str], patience: Duration) -> Result<Vec<f32>, Error> {
            let read = &texts[..texts.len().min(self.0)];
            *lock(&self.1) += read.len();
            SharedWords.rerank(question, read, patience)
        }
        fn loaded(&self) -> bool {
            false
        }
        fn unload(&self) {}
    }

    #[test]
    fn the_best_come_first_and_equal_ones_as_they_were() {
        let reranking = Reranking::new("words", Ok(Arc::new(SharedWords)));
        let judged = reranking.judge("red apple", &texts(&["pear", "an apple", "red apple", "my apple"]), PATIENCE);
        assert_eq!(judged.order, [2, 1, 3, 0]);
        assert_eq!(judged.scores, [Some(0.0), Some(0.5), Some(1.0), Some(0.5)]);
        let Reranked { model, passages, of, error, .. } = judged.told;
        assert_eq!((model.as_str(), passages, of, error), ("words", 4, 4, None));
    }

    #[test]
    fn what_was_not_read_in_time_keeps_its_place_and_is_read_the_next_time() {
        let slow = Arc::new(Slow(2, Mutex::new(0)));
        let reranking = Reranking::new("slow", Ok(slow.clone()));
        let all = texts(&["pear", "apple", "red apple"]);
        let judged = reranking.judge("red apple", &all, PATIENCE);
        assert_eq!((judged.order, judged.told.passages), (vec![1, 0, 2], 2));
        assert_eq!(judged.told.error.as_deref(), Some("the time was over"));
        assert_eq!(reranking.error(), None, "it works");
        let judged = reranking.judge("red apple", &all, PATIENCE);
        assert_eq!((judged.order, judged.told.passages), (vec![2, 1, 0], 3));
        reranking.judge("red apple", &all, PATIENCE);
        assert_eq!(*lock(&slow.1), 3, "each was read once");
        reranking.judge("red pear", &all, PATIENCE);
        assert_eq!(*lock(&slow.1), 5, "another question is another score");
    }

    #[test]
    fn one_that_cannot_be_used_says_so_and_changes_nothing() {
        let reranking = Reranking::new("gone", Err(Error::Missing("/m/gone/model.onnx".into())));
        assert_eq!(reranking.error().as_deref(), Some("no model at /m/gone/model.onnx"));
        let judged = reranking.judge("apple", &texts(&["pear", "apple"]), PATIENCE);
        assert_eq!((judged.order, judged.told.passages), (vec![0, 1], 0));
        assert_eq!(judged.told.error.as_deref(), Some("no model at /m/gone/model.onnx"));
        assert!(reranking.error().is_some());
    }
}
