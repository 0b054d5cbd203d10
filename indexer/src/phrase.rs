//! Where words stand: phrases, words near each other, and the passage that holds most of a query.

use tantivy::postings::{Postings, SegmentPostings};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocAddress, DocSet, TERMINATED};

use crate::Error;
use crate::bits::Bits;
use crate::lexical::Words;

/// Adds to `found` the documents where the words stand one after the other in `field`, or, with `slop`, all within
/// that many words more than the phrase is long, in any order.
///
/// # Errors
/// I/O errors of the index.
pub fn phrase(words: &Words, field: Field, forms: &[String], slop: u32, found: &mut Bits) -> Result<(), Error> {
    for (segment, serials) in words.serials.iter().enumerate() {
        let reader = words.searcher.segment_reader(segment as u32);
        let mut lists = Vec::new();
        for form in forms {
            lists.extend(positions(words, segment as u32, field, form)?);
        }
        if lists.is_empty() || lists.len() < forms.len() {
            continue;
        }
        each_common(&mut lists, |doc, places| {
            if !reader.is_deleted(doc) && holds(places, slop) {
                found.insert(serials[doc as usize]);
            }
        });
    }
    Ok(())
}

/// The entries of a segment that hold a form in `field`, with positions.
///
/// # Errors
/// I/O errors of the index.
pub fn positions(words: &Words, segment: u32, field: Field, form: &str) -> Result<Option<SegmentPostings>, Error> {
    let places = words.dictionary.places(form)?;
    let place = places.iter().find(|place| (place.segment, place.field) == (segment, field));
    place.map(|place| words.dictionary.postings(place, IndexRecordOption::WithFreqsAndPositions)).transpose()
}

/// Calls `each` with every document that is in all lists, and the positions in each list.
fn each_common(lists: &mut [SegmentPostings], mut each: impl FnMut(u32, &[Vec<u32>])) {
    let mut places = vec![Vec::new(); lists.len()];
    let mut doc = lists[0].doc();
    while doc != TERMINATED {
        let mut furthest = doc;
        for list in lists.iter_mut() {
            furthest = furthest.max(if list.doc() < doc { list.seek(doc) } else { list.doc() });
        }
        if furthest == doc {
            lists.iter_mut().zip(&mut places).for_each(|(list, places)| list.positions(places));
            each(doc, &places);
            doc = lists[0].advance();
        } else {
            doc = if furthest == TERMINATED { TERMINATED } else { lists[0].seek(furthest) };
        }
    }
}

/// Whether positions can be chosen, one from each list, that make the phrase.
fn holds(places: &[Vec<u32>], slop: u32) -> bool {
    if slop == 0 {
        return places[0]
            .iter()
            .any(|start| (1..places.len()).all(|n| places[n].binary_search(&(start + n as u32)).is_ok()));
    }
    let span = places.len() as u32 - 1 + slop;
    // Some word comes first; all others must have a place of their own from there on.
    places.iter().flatten().any(|&first| {
        let mut taken = Vec::with_capacity(places.len());
        places.iter().all(|list| {
            let at = list.partition_point(|p| *p < first);
            let free = list[at..].iter().take_while(|p| **p <= first + span).find(|p| !taken.contains(*p));
            taken.extend(free);
            free.is_some()
        })
    })
}

/// For one document, how often each group of forms stands in each of its passages: `counts[passage][group]`.
/// `sizes` are the passages' numbers of words.
///
/// # Errors
/// I/O errors of the index.
pub fn per_passage(
    words: &Words,
    address: DocAddress,
    groups: &[Vec<&str>],
    sizes: &[u32],
) -> Result<Vec<Vec<u32>>, Error> {
    let ends: Vec<u32> = sizes
        .iter()
        .scan(0, |sum, size| {
            *sum += size;
            Some(*sum)
        })
        .collect();
    let mut counts = vec![vec![0; groups.len()]; sizes.len()];
    let mut places = Vec::new();
    for (group, forms) in groups.iter().enumerate() {
        for form in forms {
            let Some(mut list) = positions(words, address.segment_ord, words.fields.text, form)? else { continue };
            if list.doc() < address.doc_id && list.seek(address.doc_id) != address.doc_id
                || list.doc() != address.doc_id
            {
                continue;
            }
            list.positions(&mut places);
            for place in &places {
                let passage = ends.partition_point(|end| end <= place);
                if let Some(counts) = counts.get_mut(passage) {
                    counts[group] += 1;
                }
            }
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexical::{Lexical, tests::entry};

    fn find(forms: &[&str], slop: u32) -> Vec<u32> {
        let dir = tempfile::tempdir().unwrap();
        let mut lexical = Lexical::open(dir.path()).unwrap();
        for (serial, text) in
            [(1, "the quick brown fox"), (2, "brown quick fox"), (3, "the fox"), (4, "fox the fox quick")]
        {
            lexical.add(serial, &entry("", &[text])).unwrap();
        }
        lexical.commit().unwrap();
        let words = lexical.snapshot(None).unwrap();
        let mut found = Bits::none(5);
        let forms: Vec<String> = forms.iter().map(|f| f.to_string()).collect();
        phrase(&words, words.fields.text, &forms, slop, &mut found).unwrap();
        found.iter().collect()
    }

    #[test]
    fn phrases_are_in_order() {
        assert_eq!(find(&["quick", "brown"], 0), [1]);
        assert_eq!(find(&["the", "fox"], 0), [3, 4]);
        assert_eq!(find(&["fox"], 0), [1, 2, 3, 4]);
        assert_eq!(find(&["the", "walrus"], 0), [0u32; 0]);
    }

    #[test]
    fn near_words_are_in_any_order() {
        assert_eq!(find(&["quick", "brown"], 1), [1, 2]);
        assert_eq!(find(&["the", "fox"], 1), [3, 4]);
        assert_eq!(find(&["the", "fox"], 2), [1, 3, 4]);
        assert_eq!(find(&["fox", "fox"], 1), [4]);
    }

    #[test]
    fn occurrences_are_counted_by_passage() {
        let dir = tempfile::tempdir().unwrap();
        let mut lexical = Lexical::open(dir.path()).unwrap();
        lexical.add(1, &entry("", &["first"])).unwrap();
        lexical.add(2, &entry("", &["one two", "", "two, two: three runs"])).unwrap();
        lexical.commit().unwrap();
        let words = lexical.snapshot(None).unwrap();
        let address = words.address(2).unwrap();
        let groups = [vec!["two"], vec!["run", "runs"], vec!["first"]];
        assert_eq!(per_passage(&words, address, &groups, &[2, 0, 4]).unwrap(), [[1, 0, 0], [0, 0, 0], [2, 1, 0]]);
    }
}
