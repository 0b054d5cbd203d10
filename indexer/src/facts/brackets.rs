//! Brackets in a sentence, and what they tell of.

use super::phrase::Kind;
use super::sentence::Sentence;

/// Where the bracket that ends at `close` begins.
pub fn opening(s: &Sentence, close: usize) -> Option<usize> {
    (0..close).rev().find(|n| s.kind(*n) == Some(Kind::Open))
}

/// The noun phrase that a bracket tells of, also over another bracket and a comma.
pub fn before_bracket(s: &Sentence, open: usize) -> Option<usize> {
    let before = open.checked_sub(1)?;
    match s.kind(before)? {
        Kind::Noun => Some(before),
        Kind::Comma => before_bracket(s, before),
        Kind::Close => before_bracket(s, opening(s, before)?),
        _ => None,
    }
}

/// The bracket that `at` stands in.
pub fn enclosing(s: &Sentence, at: usize) -> Option<usize> {
    (0..at)
        .rev()
        .find(|n| matches!(s.kind(*n), Some(Kind::Open | Kind::Close)))
        .filter(|n| s.kind(*n) == Some(Kind::Open))
}
