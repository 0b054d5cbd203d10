//! Vectors without a model, for tests: each word adds to a few places that its hash names.
//!
//! Texts with words in common are near each other, and that is all. Chosen by name, never instead of a real model.

use crate::{Embedder, Error, ModelId};

/// A hashed bag of words; the same text gives the same vector everywhere.
pub struct Hashed {
    id: ModelId,
    dim: usize,
}

impl Hashed {
    /// With vectors of `dim` numbers, at least 2.
    pub fn new(dim: usize) -> Self {
        let dim = dim.max(2);
        Self { id: ModelId(format!("hashed-{dim}")), dim }
    }

    fn vector(&self, text: &str) -> Vec<f32> {
        let mut vector = vec![0.0; self.dim];
        // No text is without direction.
        vector[0] = 0.01;
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
            self.add(word, &mut vector);
        }
        let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        vector.iter_mut().for_each(|x| *x /= norm);
        vector
    }

    fn add(&self, word: &str, vector: &mut [f32]) {
        let hash = blake3::hash(word.to_lowercase().as_bytes());
        for four in hash.as_bytes().chunks_exact(4).take(4) {
            let place = u32::from_le_bytes([four[0], four[1], four[2], four[3]]) >> 1;
            vector[place as usize % self.dim] += if four[0] & 1 == 0 { 1.0 } else { -1.0 };
        }
    }
}

impl Embedder for Hashed {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn dim(&self) -> usize {
        self.dim
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        Ok(texts.iter().map(|text| self.vector(text)).collect())
    }

    fn embed_query(&self, text: &str) -> Result<Vec<f32>, Error> {
        Ok(self.vector(text))
    }

    fn loaded(&self) -> bool {
        true
    }

    fn unload(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(a: &str, b: &str) -> f32 {
        let hashed = Hashed::new(256);
        let (a, b) = (hashed.vector(a), hashed.vector(b));
        a.iter().zip(&b).map(|(x, y)| x * y).sum()
    }

    #[test]
    fn texts_with_common_words_are_near() {
        assert!((cosine("a Red apple", "RED apple a") - 1.0).abs() < 1e-5);
        assert!(cosine("the red apple", "a red apple tree") > cosine("the red apple", "some other thing"));
        assert!(cosine("", "").is_finite());
    }
}
