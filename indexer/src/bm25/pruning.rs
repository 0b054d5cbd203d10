//! What cannot be among the best, whatever else comes to its score.

use super::{Needed, Scores};
use crate::ranking::Ranking;
use crate::record::Serial;

impl Scores {
    /// Leaves out what cannot be among the best, wherever these come from: so many others are better in any case. A document that
    /// holds all the words is compared with such ones too, since these get more in the end.
    pub(super) fn leave_out(&mut self, needed: Needed, ranking: &Ranking) {
        let count = needed.best.max(needed.left);
        if self.found.len() <= count {
            return;
        }
        let scored: Vec<(Serial, f32)> = self.found.iter().map(|serial| (*serial, self.score(*serial))).collect();
        let (telling, later, to_come) = (needed.telling, self.later(), self.to_come(ranking));
        let holds_all = |serial: Serial| self.matched(serial) & telling == telling;
        let full = scored.iter().filter(|(serial, _)| holds_all(*serial));
        let of_full = nth_best(full.map(|(_, score)| *score).collect(), count);
        let of_all = nth_best(scored.iter().map(|(_, score)| *score).collect(), count);
        // What all words together may be worth, in the measure of scores.
        let best = scored.iter().map(|(_, score)| *score).fold(0.0, f32::max) + to_come;
        let bonus = ranking.all_words * best / ranking.lexical.max(f32::MIN_POSITIVE);
        let may_be_best = |&(serial, score): &(Serial, f32)| match holds_all(serial) {
            true => score + to_come >= of_full,
            false if (self.matched(serial) | later) & telling == telling => score + to_come + bonus >= of_all,
            false => score + to_come >= of_all,
        };
        let (left, out): (Vec<_>, Vec<_>) = scored.into_iter().partition(may_be_best);
        self.found = left.into_iter().map(|(serial, _)| serial).collect();
        self.left_out = out.into_iter().map(|(_, score)| score).collect();
    }

    /// Whether so many documents have at least this score.
    pub(super) fn has(&self, count: usize, score: f32) -> bool {
        self.found.len() >= count && self.found.iter().filter(|s| self.score(**s) >= score).nth(count - 1).is_some()
    }
}

/// The `count`th of these, the best first; negative infinity where there are fewer.
fn nth_best(mut values: Vec<f32>, count: usize) -> f32 {
    if values.len() < count {
        return f32::NEG_INFINITY;
    }
    *values.select_nth_unstable_by(count - 1, |a, b| b.total_cmp(a)).1
}
