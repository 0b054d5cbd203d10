//! The passage of a document that fits a query best.

use std::sync::RwLock;

use crate::conversations::excerpt;
use crate::lexical::StoredPassage;
use crate::ranking::Ranking;
use crate::record::Serial;
use crate::search::Found;
use crate::shared::read;
use crate::snapshot::Snapshot;
use crate::vectors::Vectors;
use crate::{Error, Kind, Passage, fuse, phrase};

/// A passage and the query's words that its document holds.
#[derive(Debug, Default)]
pub struct Best {
    /// The passage.
    pub passage: Passage,
    /// Words that the document holds in its text, title or path, as typed.
    pub words: Vec<String>,
}

/// Chooses by the same weights that order the documents: rare words of the query in the passage, and its cosine.
///
/// # Errors
/// I/O errors of the index.
pub fn best(
    snapshot: &Snapshot,
    vectors: &RwLock<Vectors>,
    serial: Serial,
    found: &Found,
    ranking: &Ranking,
) -> Result<Best, Error> {
    let Some(address) = snapshot.words.address(serial) else { return Ok(Best::default()) };
    let entry = snapshot.words.entry(address)?;
    let held = found.lexical.map_or(0, |l| l.matched(serial));
    let holds = |group: usize| held >> (group % 64) & 1 == 1;
    let counts = if held == 0 || entry.passages.len() < 2 {
        Vec::new()
    } else {
        let groups: Vec<Vec<&str>> = found.plan.groups.iter().enumerate().map(|(n, g)| forms(g, holds(n))).collect();
        let sizes: Vec<u32> = entry.passages.iter().map(|p| p.words).collect();
        phrase::per_passage(&snapshot.words, address, &groups, &sizes)?
    };
    let by_words = word_scores(&counts, found);
    let by_meaning =
        found.semantic.map_or_else(Vec::new, |(query, _)| entry.best_parts(&read(vectors).parts(query, serial)));
    let passages = entry.passages;
    let score = score(&by_words, &by_meaning, ranking);
    let best = choose(passages.len(), &score);
    let words = found.plan.groups.iter().enumerate();
    let words = words.filter(|(n, _)| holds(*n)).map(|(_, group)| group.word.clone()).collect();
    let mut passages: Vec<Passage> = passages.into_iter().map(|StoredPassage { passage, .. }| passage).collect();
    let passage = match snapshot.table.by_serial(serial).and_then(|record| record.content.as_ref()) {
        _ if passages.is_empty() => Passage::default(),
        Some(content) if content.kind == Kind::Conversation => excerpt::around(&passages, best, &score),
        _ => passages.swap_remove(best),
    };
    Ok(Best { passage, words })
}

/// The forms to look for; none of a word that the document does not hold.
fn forms(group: &crate::bm25::Group, held: bool) -> Vec<&str> {
    group.forms.iter().filter(|_| held).map(|(form, _)| form.as_str()).collect()
}

/// For each passage the rarity of the words it holds, as a share of that of all words.
fn word_scores(counts: &[Vec<u32>], found: &Found) -> Vec<f32> {
    let weights: Vec<f32> = found.lexical.map_or_else(Vec::new, |l| l.words.iter().map(|word| word.weight).collect());
    let all = weights.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    let one = |counts: &Vec<u32>| {
        let held = counts.iter().zip(&weights).map(|(n, weight)| {
            let n = *n as f32;
            weight * n / (n + 0.3)
        });
        held.sum::<f32>() / all
    };
    counts.iter().map(one).collect()
}

/// How well each passage fits.
fn score<'a>(by_words: &'a [f32], by_meaning: &'a [f32], ranking: &Ranking) -> impl Fn(usize) -> f32 + 'a {
    let weight = fuse::weight(!by_words.is_empty(), !by_meaning.is_empty(), ranking);
    move |n: usize| {
        let words = by_words.get(n).copied().unwrap_or(0.0);
        let meaning = by_meaning.get(n).copied().unwrap_or(0.0);
        weight * words + (1.0 - weight) * meaning
    }
}

/// The best one, the first of equals.
fn choose(count: usize, score: impl Fn(usize) -> f32) -> usize {
    (0..count).reduce(|best, n| if score(n) > score(best) { n } else { best }).unwrap_or(0)
}
