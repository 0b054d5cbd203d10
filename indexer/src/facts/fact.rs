//! What a fact is: as one document states it, and as all documents together do.

use std::fmt;
use std::path::Path;

use jiff::civil::Date;
use serde::{Deserialize, Serialize, Serializer};

use super::packed::Sources;

/// The confidence from which on a statement is shown as a fact.
pub const LIKELY: f32 = 0.6;

/// What a fact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// What somebody likes or dislikes.
    Preference,
    /// What was decided.
    Decision,
    /// What is to be done, or was.
    Task,
    /// What happened, or will, at a time.
    Event,
    /// Somebody's family, work, life and addresses.
    Person,
    /// What a word or a thing means.
    Definition,
    /// Where something is.
    Location,
    /// How much, how many, which value.
    Quantity,
    /// How two things are related.
    Relation,
    /// What somebody or something is.
    Identity,
}

impl Category {
    /// All of them, in order.
    pub const ALL: [Category; 10] = [
        Category::Preference,
        Category::Decision,
        Category::Task,
        Category::Event,
        Category::Person,
        Category::Definition,
        Category::Location,
        Category::Quantity,
        Category::Relation,
        Category::Identity,
    ];

    /// As it is written everywhere.
    pub fn name(self) -> &'static str {
        match self {
            Category::Preference => "preference",
            Category::Decision => "decision",
            Category::Task => "task",
            Category::Event => "event",
            Category::Person => "person",
            Category::Definition => "definition",
            Category::Location => "location",
            Category::Quantity => "quantity",
            Category::Relation => "relation",
            Category::Identity => "identity",
        }
    }
}

/// Who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// A language model that read the document.
    Model,
    /// The rules of this crate.
    Rule,
    /// The owner.
    User,
}

/// A statement of one document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// What it is about.
    pub subject: String,
    /// How the two are related, in the words of the text.
    pub predicate: String,
    /// The other thing.
    pub object: String,
    /// What kind of statement it is.
    pub category: Category,
    /// From 0 to 1.
    pub confidence: f32,
    /// Since when it is true, where the text says so or is dated.
    pub valid_from: Option<Date>,
    /// Until when.
    pub valid_until: Option<Date>,
    /// Line of the quotation, counted from 1.
    pub line: u32,
    /// The words of the document, as they stand there.
    pub quote: String,
    /// What found it.
    pub method: Method,
    /// When it was learnt, where that is known better than of the document as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learnt: Option<jiff::Timestamp>,
}

/// The name of a fact, a statement or a sentence: the start of a digest of what it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u64);

impl Id {
    /// The id with these digits.
    pub fn parse(text: &str) -> Option<Id> {
        let hex = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        hex.then(|| u64::from_str_radix(text, 16).ok().map(Id)).flatten()
    }
}

/// Sixteen digits, small letters.
impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where a fact comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Origin<'a> {
    /// The document.
    pub path: &'a Path,
    /// Line of the quotation, counted from 1.
    pub line: u32,
    /// The words of the document, as they stand there.
    pub quote: &'a str,
}

/// One fact with everything that bears it out, as [`Facts`](super::Facts) shows it: one line of `facts.jsonl`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Fact<'a> {
    /// The same while it says the same.
    pub id: Id,
    /// What it is about.
    pub subject: &'a str,
    /// How the two are related.
    pub predicate: &'a str,
    /// The other thing.
    pub object: &'a str,
    /// What kind of statement it is.
    pub category: Category,
    /// From 0 to 1; several sources make it higher.
    pub confidence: f32,
    /// Since when it is true.
    pub valid_from: Option<Date>,
    /// Until when.
    pub valid_until: Option<Date>,
    /// When it was first learnt: when the oldest of its sources was written.
    pub observed_at: jiff::Timestamp,
    /// The best source.
    pub source: Origin<'a>,
    /// All of them, the best first; not written where it is only that one.
    #[serde(skip_serializing_if = "Sources::is_single")]
    pub sources: Sources<'a>,
    /// The newer fact that took its place.
    pub superseded_by: Option<Id>,
    /// What found it.
    pub method: Method,
    /// The person, project or thing that the subject is.
    #[serde(skip)]
    pub subject_entity: Option<&'a str>,
    /// The same for the object.
    #[serde(skip)]
    pub object_entity: Option<&'a str>,
}

impl<'a> Fact<'a> {
    /// What is said, and the entity that it is: of an office ("is head of") who holds it, else the object.
    pub fn value(&self) -> (&'a str, Option<&'a str>) {
        match self.predicate.to_lowercase().ends_with(" of") {
            true => (self.subject, self.subject_entity),
            false => (self.object, self.object_entity),
        }
    }
}

impl Fact<'_> {
    /// Subject, predicate and object as one sentence.
    pub fn sentence(&self) -> String {
        format!("{} {} {}", self.subject, self.predicate, self.object)
    }

    /// Whether a person would take it for a fact: views show these, `facts.jsonl` has all.
    pub fn is_likely(&self) -> bool {
        self.confidence >= LIKELY || self.method == Method::User
    }

    /// Whether the subject is said by what it is, and not by a pronoun.
    pub fn subject_has_name(&self) -> bool {
        !super::entity::is_pronoun(self.subject) && self.subject_entity != Some("me")
    }

    /// The first day on which it counts.
    pub fn since(&self) -> Date {
        self.valid_from.unwrap_or_else(|| day_of(self.observed_at))
    }

    /// Whether it was true, as far as is known now, on that day.
    pub fn holds_on(&self, day: Date) -> bool {
        self.since() <= day
            && self.valid_until.is_none_or(|until| day < until || self.superseded_by.is_none() && day <= until)
    }
}

/// The day of a moment, where the owner is.
pub fn day_of(at: jiff::Timestamp) -> Date {
    at.to_zoned(jiff::tz::TimeZone::system()).date()
}
