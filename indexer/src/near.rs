//! How close together the words of a query stand in a document.
//!
//! Two words that follow each other in the query and stand side by side in a text mean more than the same words far
//! apart. Only documents that rank high already are looked at, since positions are dear. In the spirit of Büttcher, Clarke
//! and Lushman, "Term proximity scoring for ad-hoc retrieval on very large text collections" (2006).

use std::collections::BTreeMap;

use tantivy::postings::{Postings, SegmentPostings};
use tantivy::{DocId, DocSet};

use crate::bm25::Group;
use crate::lexical::Words;
use crate::record::Serial;
use crate::{Error, phrase};

/// Two words of a query that follow each other, by their numbers, and what their nearness counts.
struct Pair {
    first: usize,
    second: usize,
    weight: f32,
}

/// For each of `documents` a number from 0, where no two words of `groups` that follow each other stand together, towards
/// 1. Each word counts as its entry in `weights`; only those in the mask `telling` count at all.
///
/// # Errors
/// I/O errors of the index.
pub fn closeness(
    words: &Words,
    groups: &[Group],
    weights: &[f32],
    telling: u64,
    documents: &[Serial],
) -> Result<Vec<f32>, Error> {
    let pairs = pairs(groups.len(), weights, telling);
    let mut found = vec![0.0; documents.len()];
    let all: f32 = pairs.iter().map(|pair| pair.weight).sum();
    if all <= 0.0 {
        return Ok(found);
    }
    for (segment, places) in by_segment(words, documents) {
        let mut lists = lists(words, segment, groups, telling)?;
        for (doc, at) in places {
            let positions: Vec<Vec<u32>> = lists.iter_mut().map(|lists| positions(lists, doc)).collect();
            let one = |pair: &Pair| pair.weight * together(&positions[pair.first], &positions[pair.second]);
            found[at] = pairs.iter().map(one).sum::<f32>() / all;
        }
    }
    Ok(found)
}

fn pairs(count: usize, weights: &[f32], telling: u64) -> Vec<Pair> {
    let telling: Vec<usize> = (0..count.min(64)).filter(|n| telling >> n & 1 == 1).collect();
    let pair = |two: &[usize]| Pair { first: two[0], second: two[1], weight: weights[two[0]].min(weights[two[1]]) };
    telling.windows(2).map(pair).collect()
}

/// The documents of each segment in order, with their places in `documents`.
fn by_segment(words: &Words, documents: &[Serial]) -> BTreeMap<u32, BTreeMap<DocId, usize>> {
    let mut segments: BTreeMap<u32, BTreeMap<DocId, usize>> = BTreeMap::new();
    for (at, serial) in documents.iter().enumerate() {
        if let Some(address) = words.address(*serial) {
            segments.entry(address.segment_ord).or_default().insert(address.doc_id, at);
        }
    }
    segments
}

/// For each word, the lists of all its forms in a segment; none for a word that does not count.
fn lists(words: &Words, segment: u32, groups: &[Group], telling: u64) -> Result<Vec<Vec<SegmentPostings>>, Error> {
    let mut all = Vec::with_capacity(groups.len());
    for (n, group) in groups.iter().enumerate() {
        let mut lists = Vec::new();
        if n < 64 && telling >> n & 1 == 1 {
            for (form, _) in &group.forms {
                lists.extend(phrase::positions(words, segment, words.fields.text, form)?);
            }
        }
        all.push(lists);
    }
    Ok(all)
}

/// Where any of the forms stands in `doc`, in order. Documents are asked for in rising order.
fn positions(lists: &mut [SegmentPostings], doc: DocId) -> Vec<u32> {
    let (mut all, mut some) = (Vec::new(), Vec::new());
    for list in lists {
        if list.doc() == doc || list.doc() < doc && list.seek(doc) == doc {
            list.positions(&mut some);
            all.extend_from_slice(&some);
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// From 0 towards 1: how often and how closely two words stand together. Side by side once is a half.
fn together(a: &[u32], b: &[u32]) -> f32 {
    let (few, many) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let near = |at: &u32| {
        let next = many.partition_point(|other| other <= at);
        let distances = [next.checked_sub(1), Some(next)].into_iter().flatten().filter_map(|n| many.get(n));
        let nearest = distances.map(|other| other.abs_diff(*at)).filter(|distance| *distance > 0).min();
        nearest.map_or(0.0, |distance| 1.0 / (distance * distance) as f32)
    };
    let sum: f32 = few.iter().map(near).sum();
    sum / (sum + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::groups;
    use crate::lexical::{Lexical, tests::entry};

    #[test]
    fn words_side_by_side_count_most() {
        let dir = tempfile::tempdir().unwrap();
        let mut lexical = Lexical::open(dir.path()).unwrap();
        let texts = ["a moving window", "a window of time that moves", "windows", "the windows moved twice", "nothing"];
        for (text, serial) in texts.iter().zip(1..) {
            lexical.add(serial, &entry("", &[text])).unwrap();
        }
        lexical.commit().unwrap();
        let words = lexical.snapshot(None).unwrap();
        let mut both = groups::ranking(&words, "moving").unwrap();
        both.extend(groups::ranking(&words, "window").unwrap());
        let near = closeness(&words, &both, &[1.0, 2.0], 0b11, &[5, 4, 3, 2, 1, 99]).unwrap();
        assert_eq!([near[0], near[1], near[2], near[4], near[5]], [0.0, 0.5, 0.0, 0.5, 0.0]);
        assert!(near[3] > 0.0 && near[3] < 0.1, "four words apart: {}", near[3]);
        assert_eq!(closeness(&words, &both, &[1.0, 2.0], 0b10, &[1]).unwrap(), [0.0], "one word is near to nothing");
    }

    #[test]
    fn a_word_is_not_near_itself() {
        assert_eq!(together(&[3, 7], &[3]), 1.0 / 17.0);
        assert_eq!(together(&[3], &[3]), 0.0);
        assert_eq!(together(&[], &[3]), 0.0);
    }
}
