//! Ranking by words: BM25 over text, title, keywords and path as one weighted field.
//!
//! Every document that holds any of the words gets its whole score, one word at a time, into arrays by serial
//! number: with some tens of thousands of documents that is faster than skipping, the filter costs one bit test,
//! and the fusion with meaning needs all scores anyway. Published in Robertson and Zaragoza, "The Probabilistic
//! Relevance Framework: BM25 and Beyond" (2009); fields are weighted as in their BM25F, with one length.

use tantivy::postings::Postings;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet, TERMINATED};

use crate::Error;
use crate::bits::Bits;
use crate::dictionary::Place;
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
    let (size, lengths) = (table.serials(), table.columns());
    let mut scores = Scores { score: vec![0.0; size], matched: vec![0; size], found: Vec::new(), words: Vec::new() };
    let totals = table.totals();
    let average = (totals.words as f32 / totals.documents.max(1) as f32).max(1.0);
    let mut frequency = vec![0.0f32; size];
    let mut holders = Vec::new();
    for (number, group) in groups.iter().enumerate() {
        let held = count(words, table, allowed, group, ranking, &mut frequency, &mut holders)?;
        let weight = idf(held, totals.documents) * group.weight;
        scores.words.push((held, weight));
        for serial in holders.drain(..) {
            let tf = std::mem::take(&mut frequency[serial as usize]);
            let length = lengths.words(serial).unwrap_or(1) as f32;
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

/// Rarity of a word that `holders` of `documents` hold; always positive.
fn idf(holders: usize, documents: usize) -> f32 {
    let (n, total) = (holders as f32, documents.max(holders) as f32);
    (1.0 + (total - n + 0.5) / (n + 0.5)).ln()
}

/// Weighted occurrences of a word in the documents that a filter lets through, which are put into `holders`; gives the
/// number of all that hold it, since rarity does not depend on filters.
fn count(
    words: &Words,
    table: &Table,
    allowed: &Bits,
    group: &Group,
    ranking: &Ranking,
    frequency: &mut [f32],
    holders: &mut Vec<Serial>,
) -> Result<usize, Error> {
    let (fields, live) = (words.fields, table.columns().live());
    let weight = |field: Field| match field {
        _ if field == fields.text => 1.0,
        _ if field == fields.path => ranking.path,
        _ => ranking.title,
    };
    let mut all = Bits::none(table.serials());
    for (form, share) in &group.forms {
        each_posting(
            words,
            form,
            |_| true,
            |field, serial, tf| {
                all.insert(serial);
                if !allowed.contains(serial) {
                    return;
                }
                let slot = &mut frequency[serial as usize];
                if *slot == 0.0 {
                    holders.push(serial);
                }
                *slot += tf as f32 * weight(field) * share;
            },
        )?;
    }
    all &= live;
    Ok(all.count())
}

/// Calls `each` with the field and the serial number of every entry that holds the form, deleted ones too, and how often it does.
pub fn each_posting(
    words: &Words,
    form: &str,
    wanted: impl Fn(Field) -> bool,
    each: impl FnMut(Field, Serial, u32),
) -> Result<(), Error> {
    each_at(words, &words.dictionary.places(form)?, wanted, each)
}

/// The same for a form of which it is known where it stands.
pub fn each_at(
    words: &Words,
    places: &[Place],
    wanted: impl Fn(Field) -> bool,
    mut each: impl FnMut(Field, Serial, u32),
) -> Result<(), Error> {
    for place in places.iter().filter(|place| wanted(place.field)) {
        let serials = &words.serials[place.segment as usize];
        let mut postings = words.dictionary.postings(place, IndexRecordOption::WithFreqs)?;
        let mut doc = postings.doc();
        while doc != TERMINATED {
            each(place.field, serials[doc as usize], postings.term_freq());
            doc = postings.advance();
        }
    }
    Ok(())
}
