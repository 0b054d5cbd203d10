//! The stored form of statements: each quotation once, and subject and object as parts of it where they are.

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::fact::{Category, Found, Method};

/// Statements with their quotations apart.
#[derive(Serialize, Deserialize)]
struct Compact<'a> {
    #[serde(borrow)]
    quotes: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    found: Vec<Short<'a>>,
}

/// A statement.
#[derive(Serialize, Deserialize)]
struct Short<'a> {
    #[serde(borrow)]
    subject: Part<'a>,
    predicate: Cow<'a, str>,
    #[serde(borrow)]
    object: Part<'a>,
    category: Category,
    confidence: f32,
    valid_from: Option<Date>,
    valid_until: Option<Date>,
    line: u32,
    quote: u32,
    method: Method,
    learnt: Option<Timestamp>,
}

/// A text that may be a part of a quotation.
#[derive(Serialize, Deserialize)]
enum Part<'a> {
    /// So many bytes from this one on.
    Of(u32, u32),
    /// A text of its own.
    Own(Cow<'a, str>),
}

impl<'a> Part<'a> {
    fn new(text: &'a str, quote: &str) -> Self {
        quote.find(text).map_or(Part::Own(text.into()), |at| Part::Of(at as u32, text.len() as u32))
    }

    fn text(self, quote: &str) -> Option<String> {
        match self {
            Part::Of(at, len) => quote.get(at as usize..at as usize + len as usize).map(str::to_owned),
            Part::Own(text) => Some(text.into_owned()),
        }
    }
}

/// Writes statements.
pub fn serialize<S: Serializer>(found: &[Found], serializer: S) -> Result<S::Ok, S::Error> {
    let mut known: HashMap<&str, u32> = HashMap::new();
    let mut quotes = Vec::new();
    let short = found.iter().map(|found| {
        let quote = *known.entry(&found.quote).or_insert_with(|| {
            quotes.push(Cow::Borrowed(found.quote.as_str()));
            quotes.len() as u32 - 1
        });
        Short {
            subject: Part::new(&found.subject, &found.quote),
            predicate: found.predicate.as_str().into(),
            object: Part::new(&found.object, &found.quote),
            category: found.category,
            confidence: found.confidence,
            valid_from: found.valid_from,
            valid_until: found.valid_until,
            line: found.line,
            quote,
            method: found.method,
            learnt: found.learnt,
        }
    });
    let found = short.collect();
    Compact { quotes, found }.serialize(serializer)
}

/// Reads statements.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Found>, D::Error> {
    let Compact { quotes, found } = Compact::deserialize(deserializer)?;
    let whole = |short: Short| {
        let quote = quotes.get(short.quote as usize)?;
        Some(Found {
            subject: short.subject.text(quote)?,
            predicate: short.predicate.into_owned(),
            object: short.object.text(quote)?,
            category: short.category,
            confidence: short.confidence,
            valid_from: short.valid_from,
            valid_until: short.valid_until,
            line: short.line,
            quote: quote.clone().into_owned(),
            method: short.method,
            learnt: short.learnt,
        })
    };
    let all: Option<Vec<Found>> = found.into_iter().map(whole).collect();
    all.ok_or_else(|| serde::de::Error::custom("a statement has no quotation"))
}
