//! Copies: documents that say the same, which are one hit together.
//!
//! Two documents are copies when their bytes are the same, or nearly all their words are, in the same order, and all
//! their figures: an invoice of next month is none. Source of the comparison of words: Charikar, Similarity estimation
//! techniques from rounding algorithms (2002), over runs of three words.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::lexical::Entry;
use crate::record::{Content, Key, Serial, Table};
use crate::words::{fold, words};

/// Words that are compared as one.
const RUN: usize = 3;
/// A shorter text has too few runs of words to be compared: its copies have the same bytes.
const SHORTEST: u32 = 40;
/// Bits in which the sketches of copies may differ, of 64; those that do not differ more are compared word by word.
const DIFFERENT: u32 = 8;
/// Share of their runs of words that copies have in common.
const COMMON: f32 = 0.9;
/// The share of words by which copies may differ in length: one in so many.
const LONGER: u32 = 30;

/// What a text is compared by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sketch {
    /// A bit for each of 64 random directions: on which side of it the text's runs of words are.
    runs: u64,
    /// Digest of everything in it that has a digit.
    figures: u64,
}

impl Sketch {
    /// The sketch of the texts of a document, one after the other.
    pub fn new<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut figures = 0;
        let mut counts = [0_i32; 64];
        let mut runs = Runs::default();
        for word in folded_words(texts) {
            if word.bytes().any(|byte| byte.is_ascii_digit()) {
                figures = mixed(figures ^ digest(&word));
            }
            if let Some(run) = runs.next(&word) {
                add(&mut counts, run);
            }
        }
        let bit = |(at, count): (usize, &i32)| u64::from(*count > 0) << at;
        Self { runs: counts.iter().enumerate().map(bit).sum(), figures }
    }
}

fn folded_words<'a>(texts: impl Iterator<Item = &'a str>) -> impl Iterator<Item = Cow<'a, str>> {
    texts.flat_map(|text| words(text).map(move |word| fold(&text[word.range])))
}

/// The last words, each as its digest.
#[derive(Default)]
struct Runs {
    last: [u64; RUN],
    count: usize,
}

impl Runs {
    /// The digest of the run that ends with this word.
    fn next(&mut self, word: &str) -> Option<u64> {
        self.last.rotate_left(1);
        self.last[RUN - 1] = digest(word);
        self.count += 1;
        (self.count >= RUN).then(|| self.last.iter().fold(0, |digest, word| mixed(digest ^ word)))
    }
}

/// Whether two texts have nearly all runs of words in common.
pub fn say_the_same(a: &Entry, b: &Entry) -> bool {
    let runs = |entry: &Entry| -> HashSet<u64> {
        let mut runs = Runs::default();
        let texts = entry.passages.iter().map(|p| p.passage.text.as_str());
        folded_words(texts).filter_map(|word| runs.next(&word)).collect()
    };
    let (a, b) = (runs(a), runs(b));
    let common = a.intersection(&b).count();
    common as f32 >= COMMON * (a.len() + b.len() - common) as f32
}

/// FNV-1a: the same in every build, since sketches are stored.
fn digest(word: &str) -> u64 {
    word.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |digest, byte| (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Every bit of the result depends on every bit of `x` (the finaliser of SplitMix64).
fn mixed(x: u64) -> u64 {
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

fn add(counts: &mut [i32; 64], run: u64) {
    for (at, count) in counts.iter_mut().enumerate() {
        *count += if run >> at & 1 == 1 { 1 } else { -1 };
    }
}

/// Whether two documents that have the same figures may have nearly the same words.
fn may_be_near(a: &Content, b: &Content) -> bool {
    let long = a.words.min(b.words) >= SHORTEST && a.words.abs_diff(b.words) <= a.words.max(b.words) / LONGER;
    long && (a.sketch.runs ^ b.sketch.runs).count_ones() <= DIFFERENT
}

/// A document in an order, and its copies further down.
pub struct Folded {
    /// The document.
    pub serial: Serial,
    /// Its score.
    pub score: f32,
    /// Its copies, in order.
    pub copies: Vec<Serial>,
}

/// The first `limit` documents of an order without those that are copies of one before them.
/// `same` compares the texts of two documents that may be near copies.
pub fn fold_copies(
    ordered: &[(Serial, f32)],
    table: &Table,
    limit: usize,
    same: &dyn Fn(Serial, Serial) -> bool,
) -> Vec<Folded> {
    let mut folded: Vec<Folded> = Vec::with_capacity(ordered.len().min(limit));
    let mut met = Met::default();
    for &(serial, score) in ordered {
        let Some(content) = table.by_serial(serial).and_then(|record| record.content.as_ref()) else { continue };
        match met.original(content, same) {
            Some(original) => folded[original].copies.push(serial),
            None if folded.len() == limit => break,
            None => {
                met.add(content, folded.len());
                folded.push(Folded { serial, score, copies: Vec::new() });
            }
        }
    }
    folded
}

/// The originals met so far: where each stands, by its bytes and by its figures.
#[derive(Default)]
struct Met<'a> {
    bytes: HashMap<Key, usize>,
    figures: HashMap<u64, Vec<(usize, &'a Content)>>,
}

impl<'a> Met<'a> {
    fn original(&self, content: &Content, same: &dyn Fn(Serial, Serial) -> bool) -> Option<usize> {
        let near = || {
            let alike = self.figures.get(&content.sketch.figures)?;
            let is_copy = |original: &Content| may_be_near(original, content) && same(original.serial, content.serial);
            alike.iter().find(|(_, original)| is_copy(original)).map(|(at, _)| *at)
        };
        self.bytes.get(&content.hash).copied().or_else(near)
    }

    fn add(&mut self, content: &'a Content, at: usize) {
        self.bytes.insert(content.hash, at);
        self.figures.entry(content.sketch.figures).or_default().push((at, content));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexical::tests::entry;
    use crate::record::tests::record;

    fn content(text: &str, hash: u8) -> Content {
        let content = record("/a", 1).content.expect("indexed");
        let count = words(text).count() as u32;
        Content { hash: [hash; 16], words: count, sketch: Sketch::new(std::iter::once(text)), ..content }
    }

    fn are_copies(a: &str, b: &str) -> bool {
        let (first, second) = (content(a, 1), content(b, 2));
        let mut met = Met::default();
        met.add(&first, 0);
        met.original(&second, &|_, _| say_the_same(&entry("", &[a]), &entry("", &[b]))).is_some()
    }

    fn letter(invoice: &str, ending: &str) -> String {
        let word = |n: usize| ["walrus", "harbour", "lamp", "engine", "ladder", "button", "meadow"][n * n % 7 * n % 7];
        let body: Vec<String> = (0..120).map(|n| format!("{}{}", word(n), word(n / 7))).collect();
        format!("Invoice {invoice}. {} Kind regards, {ending}", body.join(" "))
    }

    #[test]
    fn near_copies_have_nearly_all_words_and_all_figures() {
        let original = letter("17", "Wanda");
        let check = |other: &str, want: bool| assert_eq!(are_copies(&original, other), want, "{other}");
        check(&letter("17", "Wanda"), true);
        check(&letter("17", "Wanda Tait"), true);
        check(&letter("17", "WANDA"), true);
        check(&letter("18", "Wanda"), false);
        check(&letter("17", &"and much more besides ".repeat(10)), false);
        check("Some other letter about the weather in the north", false);
    }

    #[test]
    fn short_texts_are_copies_only_as_a_whole() {
        assert!(!are_copies("buy milk and bread", "buy milk and bread "));
    }

    #[test]
    fn the_same_bytes_are_a_copy() {
        let (first, second) = (content("buy milk", 1), content("buy milk", 1));
        let mut met = Met::default();
        met.add(&first, 3);
        assert_eq!(met.original(&second, &|_, _| false), Some(3));
    }
}
