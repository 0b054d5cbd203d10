//! Scores without a model, for tests: the share of the question's words that a text has.
//!
//! Chosen by name, never instead of a real model.

use std::collections::HashSet;
use std::time::Duration;

use crate::{Error, Reranker};

/// Counts shared words; the same texts get the same scores everywhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct SharedWords;

fn words(text: &str) -> HashSet<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

impl Reranker for SharedWords {
    fn name(&self) -> &str {
        "shared-words"
    }

    fn rerank(&self, question: &str, texts: &[&str], _patience: Duration) -> Result<Vec<f32>, Error> {
        let asked = words(question);
        let share = |text: &&str| asked.intersection(&words(text)).count() as f32 / asked.len().max(1) as f32;
        Ok(texts.iter().map(share).collect())
    }

    fn loaded(&self) -> bool {
        true
    }

    fn unload(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_with_more_of_the_words_is_better() {
        let texts = ["a pear", "The RED apple", "an apple"];
        let scores = SharedWords.rerank("red apple", &texts, Duration::ZERO).unwrap();
        assert_eq!(scores, [0.0, 1.0, 0.5]);
        assert_eq!(SharedWords.rerank("", &["a"], Duration::ZERO).unwrap(), [0.0]);
    }
}
