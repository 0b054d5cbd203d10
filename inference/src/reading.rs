//! A prompt as it is read: in pieces, whose borders depend on nothing but the prompt itself.
//!
//! What is computed depends, in the last bits, on how a prompt is cut. Borders are at multiples of the piece's size, counted from
//! the prompt's beginning and again from the end of its fixed opening. So a prompt that goes on from a kept state at a
//! border computes exactly what it would have computed without.

use std::ops::Range;

/// A prompt, or the beginning of one whose state is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Its tokens.
    pub tokens: Vec<i32>,
    /// How many of them are the opening that other prompts have too: the messages at the beginning that hold no stored text.
    pub fixed: usize,
    /// Where its last stored text stands.
    pub stored: Range<usize>,
}

impl Reading {
    /// The end of the piece that begins at the border `at`.
    pub fn next(&self, at: usize, piece: usize) -> usize {
        let end = at + piece;
        if at < self.fixed { end.min(self.fixed) } else { end.min(self.tokens.len()) }
    }

    /// Whether `at`, the end of a piece, is a border whatever follows.
    pub fn is_border(&self, at: usize, piece: usize) -> bool {
        match at.checked_sub(self.fixed) {
            Some(after) => after.is_multiple_of(piece),
            None => at.is_multiple_of(piece),
        }
    }

    /// How many of the first tokens of both are the same and end at a border of both; at most `limit`.
    pub fn shared(&self, other: &Reading, piece: usize, limit: usize) -> usize {
        let same = self.tokens.iter().zip(&other.tokens).take_while(|(a, b)| a == b).count().min(limit);
        let opening = self.fixed.min(other.fixed);
        match same.checked_sub(opening) {
            Some(after) if self.fixed == other.fixed => opening + after / piece * piece,
            Some(_) => opening / piece * piece,
            None => same / piece * piece,
        }
    }

    /// Its first `count` tokens.
    pub fn beginning(&self, count: usize) -> Reading {
        Reading {
            tokens: self.tokens[..count.min(self.tokens.len())].to_vec(),
            fixed: self.fixed,
            ..Reading::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(tokens: &[i32], fixed: usize) -> Reading {
        Reading { tokens: tokens.to_vec(), fixed, ..Reading::default() }
    }

    fn borders(reading: &Reading, piece: usize) -> Vec<usize> {
        let mut borders = vec![0];
        while let Some(&at) = borders.last().filter(|&&at| at < reading.tokens.len()) {
            borders.push(reading.next(at, piece));
        }
        borders
    }

    #[test]
    fn pieces_are_counted_from_the_start_and_from_the_end_of_the_opening() {
        let tokens: Vec<i32> = (0..20).collect();
        assert_eq!(borders(&reading(&tokens, 7), 4), [0, 4, 7, 11, 15, 19, 20]);
        assert_eq!(borders(&reading(&tokens, 0), 8), [0, 8, 16, 20]);
        assert_eq!(borders(&reading(&tokens, 8), 8), [0, 8, 16, 20]);
        assert_eq!(borders(&reading(&tokens, 20), 8), [0, 8, 16, 20]);
    }

    #[test]
    fn what_is_shared_ends_at_a_border_of_both() {
        let check = |a: &[i32], fixed_a, b: &[i32], fixed_b, expected| {
            let (a, b) = (reading(a, fixed_a), reading(b, fixed_b));
            assert_eq!((a.shared(&b, 2, 99), b.shared(&a, 2, 99)), (expected, expected), "{a:?} {b:?}");
            assert!(borders(&a, 2).contains(&expected) && borders(&b, 2).contains(&expected));
        };
        check(&[1, 2, 3, 4, 5, 6], 3, &[1, 2, 3, 4, 5, 7], 3, 5);
        check(&[1, 2, 3, 4, 5], 3, &[1, 2, 3, 4, 9], 3, 3);
        check(&[1, 2, 3, 4, 5], 3, &[1, 2, 9, 4, 9], 3, 2);
        check(&[1, 2, 3, 4, 5], 3, &[1, 2, 3, 4, 5], 5, 2);
        check(&[1, 2, 3, 4, 5], 4, &[1, 2, 3, 4, 5], 5, 4);
        check(&[1, 2], 0, &[9, 2], 0, 0);
        check(&[], 0, &[1], 1, 0);
    }

    #[test]
    fn the_limit_holds() {
        let tokens: Vec<i32> = (0..8).collect();
        let whole = reading(&tokens, 4);
        assert_eq!(whole.shared(&whole, 4, 8), 8);
        assert_eq!(whole.shared(&whole, 4, 7), 4);
        assert_eq!(whole.shared(&whole, 4, 3), 0);
    }
}
