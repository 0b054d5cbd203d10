//! Facts as they are kept: a row of fixed size for each, and all their words in one run of text, each written once where
//! that is cheap. Both lie outside the memory of the process, see [`crate::scratch`]; a [`Fact`] is a view into them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Serialize, Serializer};

use super::fact::{Category, Fact, Id, Method, Origin};
use crate::scratch::Bytes;

/// Bytes of a row.
pub const ROW: usize = 112;
/// Bytes of a further source: document, line and quotation.
const SOURCE: usize = 16;
/// Bits of a span that say how long it is.
const LENGTH: u32 = 24;

/// A part of the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span(u64);

impl Span {
    /// The `len` bytes from `at` on. What is longer than a span can be is cut.
    pub fn new(at: u64, len: usize) -> Self {
        Span(at << LENGTH | (len as u64).min((1 << LENGTH) - 1))
    }

    /// The part of this one from `at` on.
    pub fn part(self, at: usize, len: usize) -> Self {
        Span::new((self.0 >> LENGTH) + at as u64, len)
    }

    fn of(self, text: &[u8]) -> &[u8] {
        let (at, len) = ((self.0 >> LENGTH) as usize, (self.0 & ((1 << LENGTH) - 1)) as usize);
        text.get(at..at + len).unwrap_or_default()
    }

    fn text(self, text: &[u8]) -> &str {
        std::str::from_utf8(self.of(text)).unwrap_or_default()
    }
}

/// Where a fact stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Number of the document.
    pub document: u32,
    /// Line of the quotation.
    pub line: u32,
    /// The quotation.
    pub quote: Span,
}

/// What is kept of one fact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Its name.
    pub id: Id,
    /// What its first statement is called in orders.
    pub statement: Id,
    /// What it is about.
    pub subject: Span,
    /// How the two are related.
    pub predicate: Span,
    /// The other thing.
    pub object: Span,
    /// What the subject is; empty where it is no entity.
    pub subject_entity: Span,
    /// The same for the object.
    pub object_entity: Span,
    /// The best source.
    pub source: Place,
    /// Further sources, then the names of further statements.
    pub more: Span,
    /// How many further sources there are.
    pub sources: u32,
    /// When it was first learnt.
    pub observed_at: Timestamp,
    /// From 0 to 1.
    pub confidence: f32,
    /// Since when it is true.
    pub valid_from: Option<Date>,
    /// Until when.
    pub valid_until: Option<Date>,
    /// What kind of statement it is.
    pub category: Category,
    /// What found it.
    pub method: Method,
}

impl Row {
    /// The bytes of a row.
    pub fn to_bytes(self) -> [u8; ROW] {
        let words = [
            self.id.0,
            self.statement.0,
            self.subject.0,
            self.predicate.0,
            self.object.0,
            self.subject_entity.0,
            self.object_entity.0,
            self.source.quote.0,
            self.more.0,
            self.observed_at.as_second() as u64,
        ];
        let halves = [
            self.observed_at.subsec_nanosecond() as u32,
            self.source.document,
            self.source.line,
            self.sources,
            self.confidence.to_bits(),
            day(self.valid_from),
            day(self.valid_until),
            u32::from(self.category as u8) << 8 | u32::from(self.method as u8),
        ];
        let mut bytes = [0; ROW];
        let (front, back) = bytes.split_at_mut(words.len() * 8);
        front.chunks_exact_mut(8).zip(words).for_each(|(to, word)| to.copy_from_slice(&word.to_le_bytes()));
        back.chunks_exact_mut(4).zip(halves).for_each(|(to, half)| to.copy_from_slice(&half.to_le_bytes()));
        bytes
    }

    fn of(bytes: &[u8]) -> Self {
        let word = |at: usize| u64_at(bytes, at * 8);
        let half = |at: usize| u32_at(bytes, 80 + at * 4);
        Self {
            id: Id(word(0)),
            statement: Id(word(1)),
            subject: Span(word(2)),
            predicate: Span(word(3)),
            object: Span(word(4)),
            subject_entity: Span(word(5)),
            object_entity: Span(word(6)),
            source: Place { document: half(1), line: half(2), quote: Span(word(7)) },
            more: Span(word(8)),
            sources: half(3),
            observed_at: Timestamp::new(word(9) as i64, half(0) as i32).unwrap_or_default(),
            confidence: f32::from_bits(half(4)),
            valid_from: date(half(5)),
            valid_until: date(half(6)),
            category: Category::ALL.get((half(7) >> 8) as usize).copied().unwrap_or(Category::Relation),
            method: [Method::Model, Method::Rule].get((half(7) & 0xff) as usize).copied().unwrap_or(Method::User),
        }
    }
}

/// A day as a number; 0 for none.
fn day(date: Option<Date>) -> u32 {
    date.map_or(0, |d| u32::from(d.year() as u16) << 16 | (d.month() as u32) << 8 | d.day() as u32)
}

fn date(day: u32) -> Option<Date> {
    Date::new((day >> 16) as u16 as i16, (day >> 8) as u8 as i8, day as u8 as i8).ok()
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// Further sources and the names of further statements, as [`Row::more`] has them.
pub fn more(places: &[Place], statements: &[Id]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(places.len() * SOURCE + statements.len() * 8);
    for place in places {
        bytes.extend_from_slice(&place.document.to_le_bytes());
        bytes.extend_from_slice(&place.line.to_le_bytes());
        bytes.extend_from_slice(&place.quote.0.to_le_bytes());
    }
    statements.iter().for_each(|id| bytes.extend_from_slice(&id.0.to_le_bytes()));
    bytes
}

/// The rows and the text.
#[derive(Debug, Default)]
pub struct Packed {
    /// The rows.
    pub rows: Bytes,
    /// The text.
    pub text: Bytes,
    /// The path of each document.
    pub documents: Vec<Span>,
}

impl Packed {
    /// How many facts there are.
    pub fn len(&self) -> usize {
        self.rows.len() / ROW
    }

    /// Gives back the memory that reading took.
    pub fn rest(&self) {
        self.rows.rest();
        self.text.rest();
    }

    /// The id of a fact, without reading more of it.
    pub fn id(&self, at: usize) -> Id {
        Id(u64_at(&self.rows, at * ROW))
    }

    /// A fact, an empty one where there are fewer. What took its place is not known here.
    pub fn fact(&self, at: usize) -> Fact<'_> {
        let row = self.row(at);
        let text = |span: Span| span.text(&self.text);
        let entity = |span: Span| Some(text(span)).filter(|text| !text.is_empty());
        let source = self.origin(row.source);
        Fact {
            id: row.id,
            subject: text(row.subject),
            predicate: text(row.predicate),
            object: text(row.object),
            category: row.category,
            confidence: row.confidence,
            valid_from: row.valid_from,
            valid_until: row.valid_until,
            observed_at: row.observed_at,
            source,
            sources: Sources { packed: self, first: source, more: &row.more.of(&self.text)[..self.bytes_of(&row)] },
            superseded_by: None,
            method: row.method,
            subject_entity: entity(row.subject_entity),
            object_entity: entity(row.object_entity),
        }
    }

    /// What orders call the statements of a fact.
    pub fn statements(&self, at: usize) -> Vec<Id> {
        let row = self.row(at);
        let more = row.more.of(&self.text)[self.bytes_of(&row)..].chunks_exact(8);
        std::iter::once(row.statement).chain(more.map(|bytes| Id(u64_at(bytes, 0)))).collect()
    }

    fn row(&self, at: usize) -> Row {
        Row::of(self.rows.get(at * ROW..(at + 1) * ROW).unwrap_or_default())
    }

    /// Bytes of the further sources, which stand before the statements.
    fn bytes_of(&self, row: &Row) -> usize {
        (row.sources as usize * SOURCE).min(row.more.of(&self.text).len())
    }

    fn origin(&self, place: Place) -> Origin<'_> {
        let path = self.documents.get(place.document as usize).map_or(&[][..], |span| span.of(&self.text));
        Origin { path: Path::new(OsStr::from_bytes(path)), line: place.line, quote: place.quote.text(&self.text) }
    }
}

/// Everything that bears a fact out.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    packed: &'a Packed,
    first: Origin<'a>,
    more: &'a [u8],
}

impl<'a> Sources<'a> {
    /// The sources, the best first.
    pub fn iter(&self) -> impl Iterator<Item = Origin<'a>> + use<'a> {
        let packed = self.packed;
        let place =
            |bytes: &[u8]| Place { document: u32_at(bytes, 0), line: u32_at(bytes, 4), quote: Span(u64_at(bytes, 8)) };
        std::iter::once(self.first).chain(self.more.chunks_exact(SOURCE).map(move |b| packed.origin(place(b))))
    }

    /// How many there are: at least one.
    pub fn count(&self) -> usize {
        1 + self.more.len() / SOURCE
    }

    /// Whether there is no other.
    pub fn is_single(&self) -> bool {
        self.more.is_empty()
    }
}

impl Serialize for Sources<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back() {
        let row = Row {
            id: Id(1),
            statement: Id(u64::MAX),
            subject: Span::new(5, 3),
            predicate: Span::new(1 << 39, (1 << 24) - 1),
            object: Span::new(7, 1).part(1, 2),
            subject_entity: Span::default(),
            object_entity: Span::new(9, 9),
            source: Place { document: 3, line: 4, quote: Span::new(11, 12) },
            more: Span::new(13, 14),
            sources: 15,
            observed_at: "1969-12-31T23:59:58.5Z".parse().unwrap(),
            confidence: 0.37,
            valid_from: "-0044-03-15".parse().ok().or_else(|| Date::new(-44, 3, 15).ok()),
            valid_until: Date::new(9999, 12, 31).ok(),
            category: Category::Identity,
            method: Method::User,
        };
        assert_eq!(Row::of(&row.to_bytes()), row);
        for (category, method) in Category::ALL.into_iter().zip([Method::Model, Method::Rule].into_iter().cycle()) {
            let row = Row { category, method, valid_from: None, ..row };
            assert_eq!(Row::of(&row.to_bytes()), row);
        }
    }
}
