//! The one place where words and meaning become one order.
//!
//! Scores are combined, not ranks: BM25 as a share of the best BM25 score of this query, the cosine largely as a
//! share of the best cosine. A document that holds all the words gets a bonus, so that it comes before those that hold some;
//! so do the best documents in which words that follow each other in the query stand together.

use std::collections::HashMap;

use crate::bits::Bits;
use crate::bm25::{Needed, Scores};
use crate::ranking::Ranking;
use crate::record::Serial;
use crate::vectors::Nearest;

/// Both sides of one query, fused. A side that was not asked is `None`.
pub struct Fusion<'a> {
    lexical: Option<&'a Scores>,
    semantic: Option<&'a Nearest>,
    /// A bit for each word that says something.
    telling: u64,
    /// Share of the words in a score.
    weight: f32,
    best_words: f32,
    best_meaning: f32,
    bonus: f32,
    /// What the best documents get for words that stand together.
    near: HashMap<Serial, f32>,
    /// Documents with their fused scores, those that were asked for last in front.
    ranked: Vec<(Serial, f32)>,
    /// Whether documents that a filter lets through were left out.
    is_partial: bool,
}

/// What a fused score is the sum of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Parts {
    /// What the words brought.
    pub words: f32,
    /// What the meaning brought.
    pub meaning: f32,
    /// What was added because all the words are there.
    pub all_words: f32,
    /// What was added because words stand together.
    pub near: f32,
}

impl Parts {
    fn sum(self) -> f32 {
        self.words + self.meaning + self.all_words + self.near
    }
}

impl<'a> Fusion<'a> {
    /// Takes the scores of both sides together. What a filter let through is listed even if no side has a score for it, where there
    /// are not enough others.
    pub fn new(
        lexical: Option<&'a Scores>,
        semantic: Option<&'a Nearest>,
        Needed { best, telling, .. }: Needed,
        filtered: Option<&Bits>,
        ranking: &Ranking,
    ) -> Fusion<'a> {
        let top = lexical.map_or(0.0, best_words);
        let mut fusion = Fusion {
            lexical,
            semantic,
            telling,
            weight: weight(lexical.is_some() && top > 0.0, semantic.is_some(), ranking),
            best_words: top.max(f32::MIN_POSITIVE),
            best_meaning: semantic.map_or(1.0, |s| range(s, ranking)),
            // Many words together are rare anyway, and then their scores tell more.
            bonus: ranking.all_words / telling.count_ones().saturating_sub(1).max(1) as f32,
            near: HashMap::new(),
            ranked: Vec::new(),
            is_partial: false,
        };
        let scored = |serial: Serial| (serial, fusion.parts(serial).sum());
        let found = lexical.map_or(0, |l| l.found.len()).max(semantic.map_or(0, |s| s.found.len()));
        let enough = found >= best;
        (fusion.ranked, fusion.is_partial) = match filtered {
            Some(filtered) if !enough => (filtered.iter().map(scored).collect(), false),
            filtered => (candidates(lexical, semantic).map(scored).collect(), filtered.is_some()),
        };
        fusion
    }

    /// Whether documents were left out that might be listed.
    pub fn is_partial(&self) -> bool {
        self.is_partial || self.lexical.is_some_and(Scores::is_partial)
    }

    /// Adds what some documents get for words that stand together.
    pub fn add_near(&mut self, near: HashMap<Serial, f32>) {
        let mut left = near.len();
        // Mostly those in front.
        for (serial, score) in &mut self.ranked {
            if left == 0 {
                break;
            }
            if let Some(more) = near.get(serial) {
                *score += more;
                left -= 1;
            }
        }
        self.near = near;
    }

    /// What the score of a document is made of.
    pub fn parts(&self, serial: Serial) -> Parts {
        let words = self.lexical.map_or(0.0, |l| l.score(serial) / self.best_words);
        let meaning = self.semantic.map_or(0.0, |s| s.score[serial as usize].max(0.0) / self.best_meaning);
        let all = self.lexical.is_some_and(|l| l.matched(serial) & self.telling == self.telling);
        Parts {
            words: self.weight * words,
            meaning: (1.0 - self.weight) * meaning,
            all_words: if all { self.bonus } else { 0.0 },
            near: self.near.get(&serial).copied().unwrap_or(0.0),
        }
    }

    /// Documents with their fused scores, best first.
    pub fn best(&mut self, limit: usize) -> &[(Serial, f32)] {
        let order = |a: &(Serial, f32), b: &(Serial, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        let limit = limit.min(self.ranked.len());
        if limit > 0 && limit < self.ranked.len() {
            self.ranked.select_nth_unstable_by(limit - 1, order);
        }
        self.ranked[..limit].sort_unstable_by(order);
        &self.ranked[..limit]
    }

    /// The documents that may be among the best so many when the words that were put off are added.
    pub fn contenders(&mut self, best: usize, ranking: &Ranking) -> Vec<Serial> {
        let Some(lexical) = self.lexical else { return Vec::new() };
        let bonus = if lexical.later() & self.telling != 0 { self.bonus } else { 0.0 };
        let to_come = self.weight * lexical.to_come(ranking) / self.best_words + bonus;
        let last = self.best(best).last().map_or(f32::NEG_INFINITY, |(_, score)| *score);
        self.ranked.iter().filter(|(_, score)| score + to_come >= last).map(|(serial, _)| *serial).collect()
    }
}

/// The best score by words.
fn best_words(scores: &Scores) -> f32 {
    scores.found.iter().map(|serial| scores.score(*serial)).fold(0.0, f32::max)
}

/// Documents that may have the best score by words when those are added that were put off.
pub fn first_by_words(scores: &Scores, ranking: &Ranking) -> Vec<Serial> {
    let least = best_words(scores) - scores.to_come(ranking);
    scores.found.iter().copied().filter(|serial| scores.score(*serial) >= least).collect()
}

/// What cosines are divided by: 1, or some way from there to the best one.
fn range(semantic: &Nearest, ranking: &Ranking) -> f32 {
    let best = semantic.found.iter().map(|serial| semantic.score[*serial as usize]).fold(0.0, f32::max);
    (ranking.relative * best + (1.0 - ranking.relative)).max(f32::MIN_POSITIVE)
}

/// The share of the word score.
pub fn weight(lexical: bool, semantic: bool, ranking: &Ranking) -> f32 {
    match (lexical, semantic) {
        (true, true) => ranking.lexical,
        (true, false) => 1.0,
        (false, _) => 0.0,
    }
}

/// Every document that one of the sides has a score for, once.
fn candidates<'a>(lexical: Option<&'a Scores>, semantic: Option<&'a Nearest>) -> impl Iterator<Item = Serial> + 'a {
    let by_meaning = semantic.into_iter().flat_map(|s| s.found.iter().copied());
    let by_words = lexical.into_iter().flat_map(|l| l.found.iter().copied());
    let new = move |serial: &Serial| semantic.is_none_or(|s| s.score[*serial as usize] == f32::NEG_INFINITY);
    by_meaning.chain(by_words.filter(new))
}

/// The rank, from 1, that each of the scores `of` has among `all`.
pub fn ranks(all: impl IntoIterator<Item = f32>, of: &[Option<f32>]) -> Vec<Option<usize>> {
    let mut wanted: Vec<f32> = of.iter().flatten().copied().collect();
    wanted.sort_unstable_by(f32::total_cmp);
    // better[n]: scores that are above the n lowest wanted ones and no more; then, summed up from the end, above at least n.
    let mut better = vec![0usize; wanted.len() + 1];
    for score in all {
        better[wanted.partition_point(|w| *w < score)] += 1;
    }
    for n in (0..wanted.len()).rev() {
        better[n] += better[n + 1];
    }
    of.iter().map(|own| own.map(|own| 1 + better[wanted.partition_point(|w| *w <= own)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDED: Needed = Needed { best: usize::MAX, left: 0, telling: 0b11, counted: 0 };

    fn scores(score: &[f32], matched: &[u64]) -> Scores {
        let known = score.iter().copied().zip(matched.iter().copied());
        Scores::of(known.collect())
    }

    fn nearest(score: &[f32]) -> Nearest {
        let found = (0..score.len() as u32).filter(|s| score[*s as usize] > f32::NEG_INFINITY).collect();
        Nearest { score: score.to_vec(), found, method: "" }
    }

    fn order(lexical: Option<&Scores>, semantic: Option<&Nearest>, limit: usize) -> Vec<Serial> {
        let mut fusion = Fusion::new(lexical, semantic, NEEDED, None, &Ranking::default());
        fusion.best(limit).iter().map(|(serial, _)| *serial).collect()
    }

    #[test]
    fn both_sides_count() {
        let lexical = scores(&[9.0, 8.0, 0.0, 0.0], &[1, 1, 0, 0]);
        let semantic = nearest(&[0.1, 0.6, 0.3, f32::NEG_INFINITY]);
        assert_eq!(order(Some(&lexical), Some(&semantic), 10), [1, 0, 2]);
        assert_eq!(order(Some(&lexical), None, 10), [0, 1]);
        assert_eq!(order(None, Some(&semantic), 2), [1, 2]);
        assert_eq!(order(None, None, 2), [0u32; 0]);
    }

    #[test]
    fn all_words_come_before_some() {
        let lexical = scores(&[9.0, 8.9], &[1, 3]);
        assert_eq!(order(Some(&lexical), None, 10), [1, 0]);
    }

    #[test]
    fn ranks_count_what_is_better() {
        let score = [0.5, 0.9, 0.1, 0.5, 0.7];
        let of = [Some(0.9), Some(0.5), None, Some(0.1), Some(0.7)];
        assert_eq!(ranks(score, &of), [Some(1), Some(3), None, Some(5), Some(2)]);
    }
}
