//! The numbers that the ranking turns on. Chosen by measurement on development collections.

/// Weights of the ranking.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// BM25: how fast repetition saturates.
    pub k1: f32,
    /// BM25: how much long texts are held back, 0 to 1.
    pub b: f32,
    /// What a word counts in the title, in a tag or in the name of an author, beside what it counts in the text.
    pub title: f32,
    /// What a word counts in the path.
    pub path: f32,
    /// What words of no meaning of their own (`the`, `of` ...) count beside others.
    pub stop_words: f32,
    /// Share of the word score when both sides are there.
    pub lexical: f32,
    /// 0 to take cosines as they are, 1 to take them as shares of the best one.
    pub relative: f32,
    /// Added for a document that holds both of two words; of more words, all of them, and it is added the less the more
    /// there are.
    pub all_words: f32,
    /// Added, at most, for a document where words that follow each other in the query stand together.
    pub near: f32,
}

impl Default for Ranking {
    fn default() -> Self {
        Self {
            k1: 1.2,
            b: 0.75,
            title: 1.0,
            path: 0.5,
            stop_words: 0.7,
            lexical: 0.45,
            relative: 0.7,
            all_words: 0.2,
            near: 0.1,
        }
    }
}
