//! Where the words of one state of the index stand. Looking a word up takes a walk through the dictionary of every field of every
//! segment, so it is done once for a state, whichever part of a search asks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tantivy::index::InvertedIndexReader;
use tantivy::postings::{SegmentPostings, TermInfo};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, TantivyError, Term};

use crate::Error;
use crate::lexical::Fields;
use crate::shared::lock;

/// Words whose places are remembered.
const REMEMBERED: usize = 2_048;

/// Words that stand for one word of a query, with what an occurrence of each counts.
pub type Forms = Vec<(String, f32)>;

/// The entries of one field in one segment that hold a word.
#[derive(Clone, Debug)]
pub struct Place {
    /// Number of the segment.
    pub segment: u32,
    /// The field.
    pub field: Field,
    info: TermInfo,
}

/// An indexed form and where it stands.
pub type Known = (String, Arc<[Place]>);

impl Place {
    /// How many entries there are, deleted ones too.
    pub fn count(&self) -> u32 {
        self.info.doc_freq
    }
}

/// The dictionaries of all segments, and what was looked up in them.
pub struct Dictionary {
    /// By segment, in the order of [`Fields::words`].
    readers: Vec<[(Field, Arc<InvertedIndexReader>); 4]>,
    places: Memo<Arc<[Place]>>,
    forms: Memo<Arc<Forms>>,
}

type Memo<T> = Mutex<HashMap<Box<str>, T>>;

impl Dictionary {
    /// Opens the dictionaries of a state.
    ///
    /// # Errors
    /// I/O errors of the index.
    pub fn new(searcher: &Searcher, fields: Fields) -> Result<Self, Error> {
        let mut readers = Vec::new();
        for segment in searcher.segment_readers() {
            let [text, title, keywords, path] = fields.words();
            let open = |field| Ok::<_, Error>((field, segment.inverted_index(field)?));
            readers.push([open(text)?, open(title)?, open(keywords)?, open(path)?]);
        }
        Ok(Self { readers, places: Memo::default(), forms: Memo::default() })
    }

    /// The same, with nothing looked up.
    pub fn afresh(&self) -> Self {
        Self { readers: self.readers.clone(), places: Memo::default(), forms: Memo::default() }
    }

    /// Where an indexed form stands, in all fields that hold words.
    ///
    /// # Errors
    /// I/O errors of the index.
    pub fn places(&self, form: &str) -> Result<Arc<[Place]>, Error> {
        if let Some(known) = recall(&self.places, form) {
            return Ok(known);
        }
        let mut places = Vec::new();
        for (segment, readers) in self.readers.iter().enumerate() {
            for (field, reader) in readers {
                let info = reader.get_term_info(&Term::from_field_text(*field, form)).map_err(TantivyError::from)?;
                places.extend(info.map(|info| Place { segment: segment as u32, field: *field, info }));
            }
        }
        Ok(remember(&self.places, form, places.into()))
    }

    /// The entries at a place, in order.
    ///
    /// # Errors
    /// I/O errors of the index.
    pub fn postings(&self, place: &Place, detail: IndexRecordOption) -> Result<SegmentPostings, Error> {
        let readers = &self.readers[place.segment as usize];
        let (_, reader) = readers.iter().find(|(field, _)| *field == place.field).unwrap_or(&readers[0]);
        Ok(reader.read_postings_from_terminfo(&place.info, detail).map_err(TantivyError::from)?)
    }

    /// The indexed forms that begin with `start` and pass `test`, which is asked once for each, with where they stand.
    ///
    /// # Errors
    /// I/O errors of the index.
    pub fn beginning_with(&self, start: &str, test: impl Fn(&str) -> bool) -> Result<Vec<Known>, Error> {
        let mut met: HashMap<Box<str>, Option<Vec<Place>>> = HashMap::new();
        for (segment, readers) in self.readers.iter().enumerate() {
            for (field, reader) in readers {
                let mut stream = reader.terms().range().ge(start).into_stream().map_err(TantivyError::from)?;
                while let Some((term, info)) = stream.next() {
                    if !term.starts_with(start.as_bytes()) {
                        break;
                    }
                    let Ok(term) = std::str::from_utf8(term) else { continue };
                    if !met.contains_key(term) {
                        met.insert(term.into(), test(term).then(Vec::new));
                    }
                    if let Some(Some(places)) = met.get_mut(term) {
                        places.push(Place { segment: segment as u32, field: *field, info: info.clone() });
                    }
                }
            }
        }
        let passed = met.into_iter().filter_map(|(form, places)| Some((form.into_string(), Arc::from(places?))));
        let passed: Vec<Known> = passed.collect();
        // More of them would only drive each other out.
        if passed.len() <= REMEMBERED {
            passed.iter().for_each(|(form, places)| drop(remember(&self.places, form, places.clone())));
        }
        Ok(passed)
    }

    /// What stands for a word, as `find` says when it is first asked for.
    ///
    /// # Errors
    /// Those of `find`.
    pub fn forms(&self, unit: &str, find: impl FnOnce() -> Result<Forms, Error>) -> Result<Arc<Forms>, Error> {
        match recall(&self.forms, unit) {
            Some(known) => Ok(known),
            None => Ok(remember(&self.forms, unit, Arc::new(find()?))),
        }
    }
}

fn recall<T: Clone>(memo: &Memo<T>, key: &str) -> Option<T> {
    lock(memo).get(key).cloned()
}

fn remember<T: Clone>(memo: &Memo<T>, key: &str, value: T) -> T {
    let mut memo = lock(memo);
    if memo.len() >= REMEMBERED {
        memo.clear();
    }
    memo.insert(key.into(), value.clone());
    value
}
