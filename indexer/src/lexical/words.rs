//! One committed state of the word index.

use std::collections::HashMap;
use std::sync::Arc;

use frostem::Stemmer;
use tantivy::index::SegmentId;
use tantivy::schema::Value;
use tantivy::{DocAddress, Searcher, TantivyDocument};

use super::{Entry, Fields};
use crate::Error;
use crate::dictionary::Dictionary;
use crate::record::Serial;

/// One committed state of the word index.
#[derive(Clone)]
pub struct Words {
    /// Access to the segments.
    pub searcher: Searcher,
    /// The columns.
    pub fields: Fields,
    /// For each segment, the serial number of each of its entries.
    pub serials: Vec<Arc<Vec<Serial>>>,
    /// Where words stand.
    pub dictionary: Arc<Dictionary>,
    /// How words are inflected, besides in English.
    pub stemmers: Vec<Stemmer>,
    /// Where entries stand, by serial number. As long as there are entries, whatever numbers a damaged column has.
    pub(super) addresses: Arc<Vec<(Serial, DocAddress)>>,
}

impl Words {
    /// Serial numbers of segments that `before` knows are taken from there: segments never change.
    pub(super) fn new(searcher: Searcher, fields: Fields, before: Option<&Words>) -> Result<Self, Error> {
        let mut known: HashMap<SegmentId, Arc<Vec<Serial>>> = HashMap::new();
        if let Some(before) = before {
            let readers = before.searcher.segment_readers().iter();
            known.extend(readers.zip(&before.serials).map(|(r, serials)| (r.segment_id(), serials.clone())));
        }
        let mut serials = Vec::new();
        for reader in searcher.segment_readers() {
            serials.push(match known.remove(&reader.segment_id()) {
                Some(serials) => serials,
                None => {
                    let column = reader.fast_fields().u64("serial")?;
                    let all = (0..reader.max_doc()).map(|doc| column.first(doc).unwrap_or_default() as Serial);
                    Arc::new(all.collect())
                }
            });
        }
        let addresses = Arc::new(addresses(&searcher, &serials));
        let dictionary = Arc::new(Dictionary::new(&searcher, fields)?);
        Ok(Self { searcher, fields, serials, dictionary, stemmers: Vec::new(), addresses })
    }

    /// The same with words that are inflected so.
    pub fn inflected(mut self, stemmers: Vec<Stemmer>) -> Self {
        if !self.stemmers.iter().map(|s| s.algorithm()).eq(stemmers.iter().map(|s| s.algorithm())) {
            self.dictionary = Arc::new(self.dictionary.afresh());
            self.stemmers = stemmers;
        }
        self
    }

    /// Every serial number that is in the index and not deleted, with its place.
    pub fn alive(&self) -> impl Iterator<Item = (Serial, DocAddress)> + '_ {
        let segments = self.searcher.segment_readers().iter().zip(&self.serials).enumerate();
        segments.flat_map(|(segment, (reader, serials))| {
            reader.doc_ids_alive().map(move |doc| (serials[doc as usize], DocAddress::new(segment as u32, doc)))
        })
    }

    /// Where a document stands.
    pub fn address(&self, serial: Serial) -> Option<DocAddress> {
        let at = self.addresses.binary_search_by_key(&serial, |(serial, _)| *serial).ok()?;
        self.addresses.get(at).map(|(_, address)| *address)
    }

    /// What is kept of a document.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it cannot be read.
    pub fn entry(&self, address: DocAddress) -> Result<Entry, Error> {
        let document: TantivyDocument = self.searcher.doc(address)?;
        let stored = document.get_first(self.fields.stored).and_then(|v| v.as_bytes());
        let stored = stored.ok_or_else(|| Error::Damaged("entry", "it has no text".into()))?;
        postcard::from_bytes(stored).map_err(|e| Error::Damaged("entry", e.to_string()))
    }
}

/// The serial numbers of all entries with their places, sorted.
fn addresses(searcher: &Searcher, serials: &[Arc<Vec<Serial>>]) -> Vec<(Serial, DocAddress)> {
    let mut addresses = Vec::new();
    for (segment, (reader, serials)) in (0..).zip(searcher.segment_readers().iter().zip(serials)) {
        addresses.extend(reader.doc_ids_alive().map(|doc| (serials[doc as usize], DocAddress::new(segment, doc))));
    }
    // Most of it is sorted already, which this sort finds out.
    addresses.sort_by_key(|(serial, _)| *serial);
    addresses
}
