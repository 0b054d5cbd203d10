//! The best passages for a question, in the order of the owner's reranker.
//!
//! Only the order of whole passages changes: each takes the scores of the place that it comes to, so that what is decided
//! by how far scores are apart is decided as before. What a language model wrote keeps its place, below what people
//! wrote; and where a question asks how things are now, the newest comes first, which no reranker can tell.

use std::collections::HashSet;

use echofs_indexer::Reranked;

use super::evidence::Evidence;
use super::question::Question;
use super::retrieve::{Gathered, ordered};
use super::versions;

/// Passages that are read.
const PASSAGES: usize = 8;
/// What a place is above the next one at least.
const STEP: f32 = 1e-4;

/// Reorders the passages, and tells which ones were read and what came of it; `None` where there is no reranker or nothing
/// to reorder.
pub fn rerank(evidence: &dyn Evidence, question: &Question, gathered: &mut Gathered) -> Option<(Vec<usize>, Reranked)> {
    let best = best_passages(gathered);
    if best.len() < 2 || versions::asks_of_the_newest(question) {
        return None;
    }
    let candidates = &mut gathered.candidates;
    let text = |(at, _): &(usize, f32)| format!("{}\n{}", candidates[*at].title, candidates[*at].passage.text);
    let texts: Vec<String> = best.iter().map(text).collect();
    let (order, told) = evidence.rerank(&question.text, &texts)?;
    for (place, from) in order.into_iter().enumerate() {
        let (candidate, before) = best[from];
        let change = best[place].1 - before + STEP * (best.len() - place) as f32;
        candidates[candidate].sentences.iter_mut().for_each(|sentence| sentence.score += change);
    }
    Some((best.into_iter().map(|(candidate, _)| candidate).collect(), told))
}

/// Passages that people wrote, each with the score of its best sentence, best first.
fn best_passages(gathered: &Gathered) -> Vec<(usize, f32)> {
    let mut seen = HashSet::new();
    let first = ordered(gathered).into_iter().filter(|(candidate, _)| seen.insert(*candidate));
    let by_people =
        first.filter(|(c, sentence)| !gathered.candidates[*c].turn(*sentence).is_some_and(|turn| turn.by_model));
    by_people.take(PASSAGES).map(|(c, s)| (c, gathered.candidates[c].sentences[s].score)).collect()
}
