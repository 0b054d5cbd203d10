//! A document as a point: what its passages mean, the words in it, the folders it lies in.

use std::collections::{BTreeMap, HashMap};
use std::sync::RwLock;

use tantivy::Term;

use super::points::{add, normalise};
use crate::Error;
use crate::groups::each_beginning;
use crate::lexical::{Entry, Words};
use crate::record::Serial;
use crate::shared::read;
use crate::stop_words::is_stop_word;
use crate::vectors::Vectors;
use crate::words::{self, fold, stem};

/// Numbers that stand for the words of a document, and as many for its folders.
const WORDS: usize = 128;
/// What words and folders count beside the meaning of the passages, which counts 1.
const SHARES: (f32, f32) = (0.35, 0.3);
/// Words at the beginning of a document that are looked at.
const READ: usize = 2_000;

/// Makes points of documents, and keeps how rare words are.
pub struct Space<'a> {
    words: &'a Words,
    vectors: &'a RwLock<Vectors>,
    dim: usize,
    documents: f32,
    rarity: HashMap<String, f32>,
}

impl<'a> Space<'a> {
    /// The space of an index with so many documents, whose vectors have `dim` numbers; 0 where there are none.
    pub fn new(words: &'a Words, vectors: &'a RwLock<Vectors>, dim: usize, documents: usize) -> Self {
        Self { words, vectors, dim, documents: documents as f32, rarity: HashMap::new() }
    }

    /// Numbers of a point.
    pub fn dim(&self) -> usize {
        self.dim + 2 * WORDS
    }

    /// The numbers at its beginning that are the direction of what the document means.
    pub fn meaning(&self) -> usize {
        self.dim
    }

    /// The vectors of the passages.
    pub fn vectors(&self) -> &'a RwLock<Vectors> {
        self.vectors
    }

    /// The point of a document. Without vectors its words stand for its meaning.
    ///
    /// # Errors
    /// I/O errors of the index.
    pub fn point(&mut self, serial: Serial, entry: &Entry) -> Result<Vec<f32>, Error> {
        let mut point = vec![0.0; self.dim];
        if let Some(sum) = read(self.vectors).sum(serial).filter(|sum| sum.len() == self.dim) {
            point = sum;
            normalise(&mut point);
        }
        let (words, folders) = if self.dim == 0 { (1.0, SHARES.1) } else { SHARES };
        point.extend(self.words(entry)?.iter().map(|x| x * words));
        point.extend(folders_of(entry).iter().map(|x| x * folders));
        normalise(&mut point);
        Ok(point)
    }

    /// Each stem is a direction of its own; the rarer its words are and the more often they stand there, the more it counts.
    fn words(&mut self, entry: &Entry) -> Result<Vec<f32>, Error> {
        // In order, so that the same document gives the same point to the last bit.
        let mut stems: BTreeMap<String, (f32, f32)> = BTreeMap::new();
        let texts = entry.passages.iter().map(|p| p.passage.text.as_str());
        for text in std::iter::once(entry.title.as_str()).chain(texts) {
            for word in words::words(text).take(READ) {
                let word = fold(&text[word.range]);
                if word.len() > 1 && word.starts_with(char::is_alphabetic) && !is_stop_word(&word) {
                    let rarity = self.rarity(&word)?;
                    let (count, least) = stems.entry(stem(&word)).or_default();
                    *count += 1.0;
                    // A form that only this document has says nothing of how rare its stem is.
                    *least = [*least, rarity].into_iter().filter(|r| *r > 0.0).reduce(f32::min).unwrap_or(0.0);
                }
            }
        }
        let mut sum = vec![0.0; WORDS];
        for (stem, (count, rarity)) in stems {
            add(&mut sum, &direction(&stem), (1.0 + f32::ln(count)) * rarity);
        }
        normalise(&mut sum);
        Ok(sum)
    }

    /// What a word counts: 0 where one document has it, or nearly all.
    fn rarity(&mut self, word: &str) -> Result<f32, Error> {
        if let Some(rarity) = self.rarity.get(word) {
            return Ok(*rarity);
        }
        let mut documents = 0;
        for field in self.words.fields.words() {
            documents = documents.max(self.words.searcher.doc_freq(&Term::from_field_text(field, word))?);
        }
        let documents = documents as f32;
        let rarity = if documents < 2.0 { 0.0 } else { (self.documents / documents).ln().max(0.0) };
        self.rarity.insert(word.to_owned(), rarity);
        Ok(rarity)
    }
}

/// How many documents hold a word of each stem, at most.
///
/// # Errors
/// I/O errors of the index.
pub fn holders(index: &Words) -> Result<HashMap<String, u32>, Error> {
    let mut most: HashMap<String, u32> = HashMap::new();
    for field in index.fields.words() {
        let mut sums: HashMap<String, u32> = HashMap::new();
        each_beginning(index, field, "", |word, count| *sums.entry(stem(word)).or_default() += count)?;
        for (stem, sum) in sums {
            let most = most.entry(stem).or_default();
            *most = sum.max(*most);
        }
    }
    Ok(most)
}

/// Documents of one folder are a little nearer to each other, and those of folders side by side too.
fn folders_of(entry: &Entry) -> Vec<f32> {
    let mut sum = vec![0.0; WORDS];
    let parents = entry.path.match_indices('/').map(|(at, _)| &entry.path[..at]);
    // Folders that are named by numbers are days and volumes, not subjects.
    for folder in parents.filter(|folder| folder.rsplit('/').next().is_some_and(|n| n.contains(char::is_alphabetic))) {
        add(&mut sum, &direction(folder), 1.0);
    }
    normalise(&mut sum);
    sum
}

/// A direction that depends on `text` alone.
fn direction(text: &str) -> [f32; WORDS] {
    let hash = blake3::hash(text.as_bytes());
    let mut signs = [0.0; WORDS];
    for (n, sign) in signs.iter_mut().enumerate() {
        *sign = if hash.as_bytes()[n / 8] >> (n % 8) & 1 == 1 { 1.0 } else { -1.0 };
    }
    signs
}
