//! Ranking by words: BM25 over text, title, keywords and path as one weighted field.
//!
//! Every document that holds a word gets its score, one word at a time, into an array by serial number: with some tens of
//! thousands of documents that is faster than skipping, the filter costs one bit test, and the fusion with meaning needs the
//! scores of most anyway. Published in Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009);
//! fields are weighted as in their BM25F, with one length.
//!
//! Of words with very many holders rarity is estimated, and where rarer ones have brought enough documents, so that no document
//! without these can be among the best, they are put off: [`Scores::complete`] adds them where they can matter. That is the
//! MaxScore of Turtle and Flood, "Query evaluation: strategies and optimizations" (1995), one word at a time.

mod postings;
mod pruning;
#[cfg(test)]
mod tests;

use tantivy::schema::Field;

use crate::Error;
use crate::bits::Bits;
use crate::lexical::Words;
use crate::ranking::Ranking;
use crate::record::{Serial, Table};

pub use postings::{Placed, each_among, each_at, each_posting, entries};

/// The holders of a word with up to so many entries are counted; those of others are estimated.
pub const COUNTED: usize = 1 << 16;
/// Entries of a word are skipped where a filter lets through fewer documents than one in so many.
pub const SKIPPED: usize = 16;

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

/// What words are scored with.
#[derive(Clone, Copy)]
pub struct Scorer<'a> {
    /// The word index.
    pub words: &'a Words,
    /// The records of the same moment.
    pub table: &'a Table,
    /// The documents that are scored.
    pub allowed: &'a Bits,
    /// At most 64 words.
    pub groups: &'a [Group],
    /// The weights.
    pub ranking: &'a Ranking,
}

/// What of the scores has to be exact.
#[derive(Clone, Copy, Debug)]
pub struct Needed {
    /// The best so many documents.
    pub best: usize,
    /// So many documents are left at least, if there are: the meaning of the best by words is compared.
    pub left: usize,
    /// A bit for each word that a document needs to have all of them.
    pub telling: u64,
    /// Words with more entries may be put off.
    pub counted: usize,
}

/// What is known of a word of a query.
#[derive(Clone, Copy, Debug)]
pub struct Weighed {
    /// The documents that hold it.
    pub held: usize,
    /// Whether they are estimated.
    pub estimated: bool,
    /// What it counts: the rarer, the more.
    pub weight: f32,
}

/// What is gathered of a document: its score, occurrences of the word that is looked at, a bit for each word (in two
/// parts). An array of numbers, since that is zeroed by the system, page by page when it is first touched.
type Slot = [u32; 4];

/// The scores of a set of words.
pub struct Scores {
    slots: Vec<Slot>,
    /// Documents with a score that may be among the best.
    pub found: Vec<Serial>,
    /// The scores of all others, in no order, without words that are put off.
    left_out: Vec<f32>,
    /// What is known of each word.
    pub words: Vec<Weighed>,
    /// The words that are put off.
    later: Vec<usize>,
    /// The documents that those were added to.
    completed: Bits,
}

impl Scores {
    fn new(serials: usize) -> Self {
        let (slots, completed) = (vec![Slot::default(); serials], Bits::none(serials));
        Self { slots, found: Vec::new(), left_out: Vec::new(), words: Vec::new(), later: Vec::new(), completed }
    }

    /// Scores with the words that each document holds, by serial number; those of 0 are none.
    #[cfg(test)]
    pub fn of(known: Vec<(f32, u64)>) -> Self {
        let mut scores = Self::new(known.len());
        for (serial, (score, matched)) in (0..).zip(known).filter(|(_, (score, _))| *score > 0.0) {
            scores.slots[serial as usize] = [score.to_bits(), 0, matched as u32, (matched >> 32) as u32];
            scores.found.push(serial);
        }
        scores
    }

    /// The score of a document; 0 where none of the words is.
    pub fn score(&self, serial: Serial) -> f32 {
        self.slots.get(serial as usize).map_or(0.0, |slot| f32::from_bits(slot[0]))
    }

    /// Which of the words a document holds, one bit each.
    pub fn matched(&self, serial: Serial) -> u64 {
        self.slots.get(serial as usize).map_or(0, |slot| u64::from(slot[2]) | u64::from(slot[3]) << 32)
    }

    /// Whether words were put off or documents left out.
    pub fn is_partial(&self) -> bool {
        !self.later.is_empty() || !self.left_out.is_empty()
    }

    /// How many documents have a score.
    pub fn count(&self) -> usize {
        self.found.len() + self.left_out.len()
    }

    /// The scores of all of them, in no order.
    pub fn all(&self) -> impl Iterator<Item = f32> + '_ {
        self.found.iter().map(|serial| self.score(*serial)).chain(self.left_out.iter().copied())
    }

    /// Whether the word with this number is put off.
    pub fn is_put_off(&self, number: usize) -> bool {
        self.later.contains(&number)
    }

    /// A bit for each word that is put off.
    pub fn later(&self) -> u64 {
        self.later.iter().fold(0, |mask, number| mask | bit(*number))
    }

    /// What the words that are put off may add to a score.
    pub fn to_come(&self, ranking: &Ranking) -> f32 {
        self.most(&self.later, ranking)
    }

    fn most(&self, numbers: &[usize], ranking: &Ranking) -> f32 {
        numbers.iter().map(|number| self.words[*number].weight * (ranking.k1 + 1.0)).sum()
    }

    /// Adds to the occurrences of the word in a document; whether they are the first.
    fn met(&mut self, serial: Serial, occurrences: f32) -> bool {
        let slot = &mut self.slots[serial as usize];
        let before = f32::from_bits(slot[1]);
        slot[1] = (before + occurrences).to_bits();
        before == 0.0
    }

    /// Takes the occurrences of a word in its `holders` into their scores.
    fn take(&mut self, scorer: &Scorer, number: usize, holders: &mut Vec<Serial>) {
        let Ranking { k1, b, .. } = *scorer.ranking;
        let (average, lengths) = (scorer.average_length(), scorer.table.columns());
        let weight = self.words[number].weight;
        for serial in holders.drain(..) {
            let slot = &mut self.slots[serial as usize];
            let tf = f32::from_bits(std::mem::take(&mut slot[1]));
            let length = lengths.words(serial).unwrap_or(1) as f32;
            let part = weight * tf * (k1 + 1.0) / (tf + k1 * (1.0 - b + b * length / average));
            if slot[2] | slot[3] == 0 {
                self.found.push(serial);
            }
            slot[2] |= bit(number) as u32;
            slot[3] |= (bit(number) >> 32) as u32;
            slot[0] = (f32::from_bits(slot[0]) + part).to_bits();
        }
    }

    /// Adds the words that were put off to the scores of these documents.
    ///
    /// # Errors
    /// I/O errors of the index.
    pub fn complete(&mut self, scorer: &Scorer, serials: impl IntoIterator<Item = Serial>) -> Result<(), Error> {
        let new: Vec<Serial> = serials.into_iter().filter(|serial| !self.completed.contains(*serial)).collect();
        new.iter().for_each(|serial| self.completed.insert(*serial));
        let placed = Placed::new(scorer.words, new.into_iter());
        for number in self.later.clone() {
            scorer.add_among(self, number, &placed)?;
        }
        Ok(())
    }
}

fn bit(number: usize) -> u64 {
    1 << (number % 64)
}

impl Scorer<'_> {
    /// Scores the documents that hold any of the words, as far as `needed`.
    ///
    /// # Errors
    /// I/O errors of the index.
    pub fn score(&self, needed: Needed) -> Result<Scores, Error> {
        let mut scores = Scores::new(self.table.serials());
        let mut sizes = Vec::with_capacity(self.groups.len());
        for group in self.groups {
            let size = entries(self.words, &group.forms)?;
            // What is counted below needs no estimate.
            let is_large = size > needed.counted;
            scores.words.push(if is_large { self.estimate(group)? } else { self.weigh(group, size, true) });
            sizes.push(size);
        }
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        let is_large = |number: usize| sizes[number] > needed.counted;
        order.sort_by_key(|number| if is_large(*number) { sizes[*number] } else { 0 });
        let selective = self.selected(&sizes, needed.counted);
        for (at, &number) in order.iter().enumerate() {
            let (before, rest) = order.split_at(at);
            let telling = before.iter().any(|number| needed.telling & bit(*number) != 0);
            if is_large(number) && telling && scores.has(needed.best, scores.most(rest, self.ranking)) {
                scores.later = rest.to_vec();
                break;
            }
            match &selective {
                Some(placed) if is_large(number) => self.add_among(&mut scores, number, placed)?,
                _ => self.add(&mut scores, number, !is_large(number))?,
            }
        }
        scores.leave_out(needed, self.ranking);
        Ok(scores)
    }

    /// The documents that a filter lets through, where they are few beside the entries of some word.
    fn selected(&self, sizes: &[usize], counted: usize) -> Option<Placed> {
        let most = sizes.iter().max().copied().filter(|most| *most > counted)?;
        let few = self.allowed.count() * SKIPPED < most;
        few.then(|| Placed::new(self.words, self.allowed.iter()))
    }

    fn average_length(&self) -> f32 {
        let totals = self.table.totals();
        (totals.words as f32 / totals.documents.max(1) as f32).max(1.0)
    }

    fn weigh(&self, group: &Group, held: usize, estimated: bool) -> Weighed {
        Weighed { held, estimated, weight: idf(held, self.table.totals().documents) * group.weight }
    }

    /// What is known of a word without looking at its entries: as if its forms had nothing to do with each other.
    fn estimate(&self, group: &Group) -> Result<Weighed, Error> {
        let all = self.words.searcher.num_docs().max(1) as f32;
        let mut without = 1.0;
        for (form, _) in &group.forms {
            let places = self.words.dictionary.places(form)?;
            let in_field = |field: Field| places.iter().filter(|p| p.field == field).map(|p| p.count()).sum::<u32>();
            let most = self.words.fields.words().into_iter().map(in_field).max().unwrap_or(0);
            without *= 1.0 - (most as f32 / all).min(1.0);
        }
        let held = (1.0 - without) * self.table.totals().documents as f32;
        Ok(self.weigh(group, held.round() as usize, true))
    }

    fn field_weight(&self, field: Field) -> f32 {
        let fields = self.words.fields;
        match field {
            _ if field == fields.text => 1.0,
            _ if field == fields.path => self.ranking.path,
            _ => self.ranking.title,
        }
    }

    /// Scores a word in all documents that a filter lets through. Those that hold it are counted if it is `exact`, also those that
    /// do not pass, since rarity does not depend on filters.
    fn add(&self, scores: &mut Scores, number: usize, exact: bool) -> Result<(), Error> {
        let group = &self.groups[number];
        let mut all = Bits::none(if exact { self.table.serials() } else { 0 });
        let mut holders = Vec::new();
        for (form, share) in &group.forms {
            each_posting(
                self.words,
                form,
                |_| true,
                |field, serial, tf| {
                    all.insert(serial);
                    if self.allowed.contains(serial) && scores.met(serial, tf as f32 * self.field_weight(field) * share)
                    {
                        holders.push(serial);
                    }
                },
            )?;
        }
        if exact {
            all &= self.table.columns().live();
            scores.words[number] = self.weigh(group, all.count(), false);
        }
        scores.take(self, number, &mut holders);
        Ok(())
    }

    /// Scores a word in some documents.
    fn add_among(&self, scores: &mut Scores, number: usize, placed: &Placed) -> Result<(), Error> {
        let mut holders = Vec::new();
        for (form, share) in &self.groups[number].forms {
            each_among(self.words, form, placed, |field, serial, tf| {
                if scores.met(serial, tf as f32 * self.field_weight(field) * share) {
                    holders.push(serial);
                }
            })?;
        }
        scores.take(self, number, &mut holders);
        Ok(())
    }
}

/// Rarity of a word that `holders` of `documents` hold; always positive.
fn idf(holders: usize, documents: usize) -> f32 {
    let (n, total) = (holders as f32, documents.max(holders) as f32);
    (1.0 + (total - n + 0.5) / (n + 0.5)).ln()
}
