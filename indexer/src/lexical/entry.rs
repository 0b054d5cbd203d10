//! What is indexed and kept of one document.

use serde::{Deserialize, Serialize};

use crate::Passage;

/// What is indexed of one document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Title as shown.
    pub title: String,
    /// Tags and authors.
    pub keywords: Vec<String>,
    /// Path below its source.
    pub path: String,
    /// Passages in order.
    pub passages: Vec<StoredPassage>,
}

/// A passage and what is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPassage {
    /// The passage.
    pub passage: Passage,
    /// Number of its words, as positions count them.
    pub words: u32,
    /// Number of its parts, each of which has a vector.
    pub parts: u32,
}

impl Entry {
    /// The text as it is indexed: the passages, one after the other.
    pub(super) fn text(&self) -> String {
        let texts: Vec<&str> = self.passages.iter().map(|p| p.passage.text.as_str()).collect();
        texts.join("\n")
    }

    /// For each passage the highest of the cosines that its parts have, as far as they are known.
    pub fn best_parts(&self, cosines: &[f32]) -> Vec<f32> {
        let mut cosines = cosines.iter().copied();
        let best = |passage: &StoredPassage| cosines.by_ref().take(passage.parts as usize).reduce(f32::max);
        self.passages.iter().map_while(best).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::lexical::tests::entry;

    #[test]
    fn a_passage_is_as_near_as_its_nearest_part() {
        let mut entry = entry("T", &["long", "short", "long"]);
        (entry.passages[0].parts, entry.passages[2].parts) = (2, 2);
        assert_eq!(entry.best_parts(&[0.1, 0.4, 0.3, 0.2, 0.5]), [0.4, 0.3, 0.5]);
        assert_eq!(entry.best_parts(&[0.1, 0.4, 0.3, 0.2]), [0.4, 0.3, 0.2], "the last one is not known yet");
        assert_eq!(entry.best_parts(&[]), [0.0; 0]);
    }
}
