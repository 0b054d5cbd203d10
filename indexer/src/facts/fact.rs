//! What a fact is: as one document states it, and as all documents together do.

use std::path::PathBuf;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The confidence from which on a statement is shown as a fact.
const LIKELY: f32 = 0.6;

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
}

/// Where a fact comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The document.
    pub path: PathBuf,
    /// Line of the quotation, counted from 1.
    pub line: u32,
    /// The words of the document, as they stand there.
    pub quote: String,
}

/// One fact with everything that bears it out: one line of `facts.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fact {
    /// The same while it says the same.
    pub id: String,
    /// What it is about.
    pub subject: String,
    /// How the two are related.
    pub predicate: String,
    /// The other thing.
    pub object: String,
    /// What kind of statement it is.
    pub category: Category,
    /// From 0 to 1; several sources make it higher.
    pub confidence: f32,
    /// Since when it is true.
    pub valid_from: Option<Date>,
    /// Until when.
    pub valid_until: Option<Date>,
    /// When it was first learnt: the date of its oldest source.
    pub observed_at: jiff::Timestamp,
    /// The best source.
    pub source: Origin,
    /// All of them, the best first; not written where it is only that one.
    #[serde(skip_serializing_if = "is_single")]
    pub sources: Vec<Origin>,
    /// The newer fact that took its place.
    pub superseded_by: Option<String>,
    /// What found it.
    pub method: Method,
    /// The person, project or thing that the subject is.
    #[serde(skip)]
    pub subject_entity: Option<String>,
    /// The same for the object.
    #[serde(skip)]
    pub object_entity: Option<String>,
    /// What its statements are called in orders.
    #[serde(skip)]
    pub statements: Vec<String>,
}

fn is_single(sources: &[Origin]) -> bool {
    sources.len() < 2
}

impl Fact {
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
        !super::entity::is_pronoun(&self.subject) && self.subject_entity.as_deref() != Some("me")
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
