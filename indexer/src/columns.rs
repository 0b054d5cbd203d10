//! What filters ask of every file, in a few bytes each and side by side: looking through them reads no record.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::Kind;
use crate::bits::Bits;
use crate::record::{Record, Serial};

/// The serial number of a file that is not indexed, and the length of one that is not there.
const NONE: u32 = u32::MAX;

/// A string that many rows share.
pub type Name = NonZeroU32;

/// What a document may state of itself: bits of [`Row::header`].
pub mod header {
    /// It states a title.
    pub const TITLE: u8 = 1;
    /// It states a date.
    pub const DATE: u8 = 2;
    /// It states an author.
    pub const AUTHOR: u8 = 4;
    /// It has tags.
    pub const TAGS: u8 = 8;
}

/// What filters ask of one file.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its modification time or stated date, seconds since 1970.
    pub date: i64,
    /// Bytes.
    pub size: u64,
    /// The number that its path has.
    pub id: u64,
    serial: Serial,
    /// Words of its text.
    pub words: u32,
    /// Lines of its text.
    pub lines: u32,
    /// Its media kind, by [`Columns::named`].
    pub media: Option<Name>,
    /// Its language, by [`Columns::named`].
    pub lang: Option<Name>,
    /// Where it comes from.
    pub kind: Kind,
    /// As in [`Content`](crate::record::Content).
    pub traits: u8,
    /// What it states of itself.
    pub header: u8,
}

/// A row for each record, in the order of these, and what follows from them by serial number.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    rows: Vec<Row>,
    /// For each serial number the place of its record plus one.
    places: Vec<u32>,
    /// For each serial number the words of its document.
    lengths: Vec<u32>,
    live: Bits,
    names: Names,
}

impl Columns {
    /// Takes over the names that `before` knows, so that its rows can be.
    pub fn after(before: &Self, count: usize) -> Self {
        Self { rows: Vec::with_capacity(count), names: before.names.clone(), ..Self::default() }
    }

    /// The next record.
    pub fn push(&mut self, record: &Record) {
        let content = record.content.as_ref();
        let header = content.map_or(0, |c| {
            let holds = [
                (header::TITLE, c.stated_title.is_some()),
                (header::DATE, c.stated_date.is_some()),
                (header::AUTHOR, c.author.is_some()),
                (header::TAGS, !c.tags.is_empty()),
            ];
            holds.iter().filter(|(_, holds)| *holds).map(|(bit, _)| bit).sum()
        });
        let media = content.map(|c| self.names.number(&c.media));
        let lang = content.and_then(|c| c.lang.as_deref()).map(|lang| self.names.number(lang));
        self.rows.push(Row {
            date: record.date(),
            size: record.stat.size,
            id: record.id(),
            serial: content.map_or(NONE, |c| c.serial),
            words: content.map_or(0, |c| c.words),
            lines: content.map_or(0, |c| c.lines),
            media,
            lang,
            kind: content.map_or(Kind::File, |c| c.kind),
            traits: content.map_or(0, |c| c.traits),
            header,
        });
    }

    /// The next record, which stood in `before` at `place`.
    pub fn push_same(&mut self, before: &Self, place: usize) {
        self.rows.push(before.rows[place]);
    }

    /// To be called after the last row.
    pub fn finish(&mut self) {
        let indexed = self.rows.iter().filter(|row| row.serial != NONE);
        let count = indexed.map(|row| row.serial as usize + 1).max().unwrap_or(0);
        (self.places, self.lengths, self.live) = (vec![0; count], vec![NONE; count], Bits::none(count));
        for (place, row) in self.rows.iter().enumerate().filter(|(_, row)| row.serial != NONE) {
            self.places[row.serial as usize] = place as u32 + 1;
            self.lengths[row.serial as usize] = row.words;
            self.live.insert(row.serial);
        }
    }

    /// One above the highest serial number in use.
    pub fn serials(&self) -> usize {
        self.places.len()
    }

    /// Where the record of an indexed document stands.
    pub fn place(&self, serial: Serial) -> Option<usize> {
        self.places.get(serial as usize)?.checked_sub(1).map(|place| place as usize)
    }

    /// What is known of the record at a place.
    pub fn row(&self, place: usize) -> Option<&Row> {
        self.rows.get(place)
    }

    /// The number of words of an indexed document.
    pub fn words(&self, serial: Serial) -> Option<u32> {
        self.lengths.get(serial as usize).copied().filter(|words| *words != NONE)
    }

    /// Every indexed document.
    pub fn live(&self) -> &Bits {
        &self.live
    }

    /// Adds the indexed documents of these places that pass `test`.
    pub fn select(&self, places: std::ops::Range<usize>, into: &mut Bits, test: impl Fn(&Row) -> bool) {
        let rows = self.rows[places].iter();
        rows.filter(|row| row.serial != NONE && test(row)).for_each(|row| into.insert(row.serial));
    }

    /// The number of a media kind or a language in these rows; `None` when no row has ever had it.
    pub fn named(&self, name: &str) -> Option<Name> {
        self.names.numbers.get(name).copied()
    }
}

/// Strings that many rows share.
#[derive(Clone, Debug, Default)]
struct Names {
    numbers: HashMap<Arc<str>, Name>,
}

impl Names {
    fn number(&mut self, name: &str) -> Name {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = NonZeroU32::MIN.saturating_add(self.numbers.len() as u32);
        self.numbers.insert(name.into(), number);
        number
    }
}
