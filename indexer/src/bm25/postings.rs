//! The entries of the word index, one word at a time: all that hold it, or of given documents those that do.

use tantivy::postings::Postings;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocAddress, DocSet, TERMINATED};

use crate::Error;
use crate::dictionary::Place;
use crate::lexical::Words;
use crate::record::Serial;

/// Documents with their places in the index, in the order of these.
#[derive(Debug, Default)]
pub struct Placed(Vec<(DocAddress, Serial)>);

impl Placed {
    /// Those of `serials` that are in the index.
    pub fn new(words: &Words, serials: impl Iterator<Item = Serial>) -> Self {
        let mut placed: Vec<_> = serials.filter_map(|serial| Some((words.address(serial)?, serial))).collect();
        placed.sort_unstable();
        Self(placed)
    }

    fn of_segment(&self, segment: u32) -> &[(DocAddress, Serial)] {
        let from = self.0.partition_point(|(address, _)| address.segment_ord < segment);
        let to = self.0.partition_point(|(address, _)| address.segment_ord <= segment);
        &self.0[from..to]
    }
}

/// Calls `each` with the field and the serial number of every entry that holds the form, deleted ones too, and how often it does.
///
/// # Errors
/// I/O errors of the index.
pub fn each_posting(
    words: &Words,
    form: &str,
    wanted: impl Fn(Field) -> bool,
    each: impl FnMut(Field, Serial, u32),
) -> Result<(), Error> {
    each_at(words, &words.dictionary.places(form)?, wanted, each)
}

/// The same for a form of which it is known where it stands.
///
/// # Errors
/// I/O errors of the index.
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

/// The same for some documents: what lies between them is skipped.
///
/// # Errors
/// I/O errors of the index.
pub fn each_among(
    words: &Words,
    form: &str,
    among: &Placed,
    mut each: impl FnMut(Field, Serial, u32),
) -> Result<(), Error> {
    for place in words.dictionary.places(form)?.iter() {
        let among = among.of_segment(place.segment);
        if among.is_empty() {
            continue;
        }
        let mut postings = words.dictionary.postings(place, IndexRecordOption::WithFreqs)?;
        for (address, serial) in among {
            if postings.doc() < address.doc_id {
                postings.seek(address.doc_id);
            }
            if postings.doc() == address.doc_id {
                each(place.field, *serial, postings.term_freq());
            }
        }
    }
    Ok(())
}

/// How many entries there are of these forms, in all fields, deleted ones too.
///
/// # Errors
/// I/O errors of the index.
pub fn entries(words: &Words, forms: &[(String, f32)]) -> Result<usize, Error> {
    let mut sum = 0;
    for (form, _) in forms {
        sum += words.dictionary.places(form)?.iter().map(|place| place.count() as usize).sum::<usize>();
    }
    Ok(sum)
}
