//! Ranking by words: BM25 over text, title, keywords and path as one weighted field.
//!
//! Every document that holds any of the words gets its whole score, one word at a time, into arrays by serial
//! number: with some tens of thousands of documents that is faster than skipping, the filter costs one bit test,
//! and the fusion with meaning needs all scores anyway. Published in Robertson and Zaragoza, "The Probabilistic
//! Relevance Framework: BM25 and Beyond" (2009); fields are weighted as in their BM25F, with one length.

use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet, TERMINATED, Term};

use crate::Error;
use crate::bits::Bits;
use crate::lexical::Words;
use crate::ranking::Ranking;
use crate::record::{Serial, Table};

/// One word of the query: the indexed forms that stand for it, each with its weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// As typed.
    pub word: String,
    /// Indexed forms and what an occurrence of each counts.
    pub forms: Vec<(String, f32)>,
    /// Whether the forms were guessed.
    pub corrected: bool,
    /// What the whole word counts; 1 for most.
    pub weight: f32,
}

/// The scores of a set of words.
pub struct Scores {
    /// By serial number; 0 where none of the words is.
    pub score: Vec<f32>,
    /// Which of the words each document holds, one bit each.
    pub matched: Vec<u64>,
    /// Documents with a score.
    pub found: Vec<Serial>,
    /// For each word, the documents that hold it and its weight.
    pub words: Vec<(usize, f32)>,
}

/// Scores every document in `allowed` by at most 64 words.
///
/// # Errors
/// I/O errors of the index.
pub fn score(
    words: &Words,
    table: &Table,
    allowed: &Bits,
    groups: &[Group],
    ranking: &Ranking,
) -> Result<Scores, Error> {
    let Ranking { k1, b, .. } = *ranking;
    let size = table.serials();
    let mut scores = Scores { score: vec![0.0; size], matched: vec![0; size], found: Vec::new(), words: Vec::new() };
    let totals = table.totals();
    let average = (totals.words as f32 / totals.documents.max(1) as f32).max(1.0);
    let mut frequency = vec![0.0f32; size];
    let mut holders = Vec::new();
    for (number, group) in groups.iter().enumerate() {
        count(words, table, group, ranking, &mut frequency, &mut holders)?;
        let weight = idf(holders.len(), totals.documents) * group.weight;
        scores.words.push((holders.len(), weight));
        for serial in holders.drain(..) {
            let tf = std::mem::take(&mut frequency[serial as usize]);
            if !allowed.contains(serial) {
                continue;
            }
            let length = length(table, serial);
            let part = weight * tf * (k1 + 1.0) / (tf + k1 * (1.0 - b + b * length / average));
            if scores.matched[serial as usize] == 0 {
                scores.found.push(serial);
            }
            scores.matched[serial as usize] |= 1 << (number % 64);
            scores.score[serial as usize] += part;
        }
    }
    Ok(scores)
}

fn length(table: &Table, serial: Serial) -> f32 {
    table.by_serial(serial).and_then(|r| r.content.as_ref()).map_or(1.0, |c| c.words as f32)
}

/// Rarity of a word that `holders` of `documents` hold; always positive.
fn idf(holders: usize, documents: usize) -> f32 {
    let (n, total) = (holders as f32, documents.max(holders) as f32);
    (1.0 + (total - n + 0.5) / (n + 0.5)).ln()
}

/// Weighted occurrences of a word in every document, whether a filter lets it through or not: rarity does not
/// depend on filters.
fn count(
    words: &Words,
    table: &Table,
    group: &Group,
    ranking: &Ranking,
    frequency: &mut [f32],
    holders: &mut Vec<Serial>,
) -> Result<(), Error> {
    let Words { fields, .. } = words;
    let Ranking { title, path, .. } = *ranking;
    for (field, weight) in [(fields.text, 1.0), (fields.title, title), (fields.keywords, title), (fields.path, path)] {
        for (form, share) in &group.forms {
            each_posting(words, field, form, |serial, tf| {
                if table.by_serial(serial).is_none() {
                    return;
                }
                let slot = &mut frequency[serial as usize];
                if *slot == 0.0 {
                    holders.push(serial);
                }
                *slot += tf as f32 * weight * share;
            })?;
        }
    }
    Ok(())
}

/// Calls `each` with every entry that holds the form, deleted ones too, and how often it does.
pub fn each_posting(words: &Words, field: Field, form: &str, mut each: impl FnMut(Serial, u32)) -> Result<(), Error> {
    let term = Term::from_field_text(field, form);
    for (reader, serials) in words.searcher.segment_readers().iter().zip(&words.serials) {
        let index = reader.inverted_index(field)?;
        let postings = index.read_postings(&term, IndexRecordOption::WithFreqs).map_err(tantivy::TantivyError::from)?;
        let Some(mut postings) = postings else { continue };
        let mut doc = postings.doc();
        while doc != TERMINATED {
            if !reader.is_deleted(doc) {
                each(serials[doc as usize], tantivy::postings::Postings::term_freq(&postings));
            }
            doc = postings.advance();
        }
    }
    Ok(())
}
