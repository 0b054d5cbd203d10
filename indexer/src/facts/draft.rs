//! One fact while it is made of what documents state, and what facts, statements and sentences are called.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;

use super::fact::{Category, Found, Id, Method, day_of};
use super::names::Names;
use super::packed::Place;
use super::{dates, entity, morphology};

/// The entities that the sides of a statement are.
#[derive(Clone, Debug, Default)]
pub struct Entities {
    /// The person, project or thing that the subject is.
    pub subject: Option<String>,
    /// The same for the object.
    pub object: Option<String>,
}

impl Entities {
    /// Those of a statement in a document that names `near`.
    pub fn of(found: &Found, names: &Names, near: &std::collections::HashSet<String>) -> Self {
        let subject = names.entity(&found.subject, near);
        // The name of a contact in another order is no further name.
        let object = if found.predicate == "Name" { subject.clone() } else { names.entity(&found.object, near) };
        Self { subject, object }
    }

    /// The name of the fact that the statement states. What pronouns say is told apart by document.
    pub fn id(&self, found: &Found, path: &Path) -> Id {
        let subject = self.subject.as_deref().unwrap_or(&found.subject);
        let object = self.object.as_deref().unwrap_or(&found.object);
        let vague = entity::is_pronoun(subject) || entity::is_pronoun(object);
        let place = if vague { path.to_string_lossy() } else { "".into() };
        name(&[&normal(subject), &verb(&found.predicate), &normal(object), &place])
    }
}

/// A fact under way.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its name.
    pub id: Id,
    /// What it is about.
    pub subject: String,
    /// How the two are related.
    pub predicate: String,
    /// The other thing.
    pub object: String,
    /// What the two are.
    pub entities: Entities,
    /// What kind of statement it is.
    pub category: Category,
    /// From 0 to 1.
    pub confidence: f32,
    /// Since when it is true.
    pub valid_from: Option<Date>,
    /// Until when.
    pub valid_until: Option<Date>,
    /// When the oldest of its sources was written.
    pub observed_at: Timestamp,
    /// Where it is stated, the best place first.
    pub places: Vec<Place>,
    /// What its statements are called in orders.
    pub statements: Vec<Id>,
    /// What found it.
    pub method: Method,
}

impl Draft {
    /// The fact as one statement has it, learnt `at` unless the statement knows better.
    pub fn new(id: Id, found: &Found, entities: Entities, at: Timestamp, place: Place) -> Self {
        Self {
            id,
            subject: found.subject.clone(),
            predicate: found.predicate.clone(),
            object: found.object.clone(),
            entities,
            category: found.category,
            confidence: found.confidence,
            valid_from: found.valid_from,
            valid_until: found.valid_until,
            observed_at: found.learnt.unwrap_or(at),
            places: vec![place],
            statements: vec![statement(found)],
            method: found.method,
        }
    }

    /// Adds what another statement says of it.
    pub fn add(&mut self, found: &Found, at: Timestamp, place: Place) {
        self.observed_at = self.observed_at.min(found.learnt.unwrap_or(at));
        self.valid_from = [self.valid_from, found.valid_from].into_iter().flatten().min();
        self.valid_until = [self.valid_until, found.valid_until].into_iter().flatten().max();
        self.method = self.method.max(found.method);
        if found.method == Method::User {
            self.put_right(found);
        }
        let statement = statement(found);
        if !self.statements.contains(&statement) {
            self.statements.push(statement);
        }
        // Documents come one after the other.
        let mut here = self.places.iter().rev().take_while(|known| known.document == place.document);
        if !here.any(|known| known.line == place.line) {
            self.places.push(place);
            // Two that say the same without knowing of each other are wrong together less often.
            self.confidence = 1.0 - (1.0 - self.confidence) * (1.0 - found.confidence * 0.5);
        }
    }

    /// The owner's words win, and so do the times that the owner states: not the day on which a sentence was remembered.
    fn put_right(&mut self, found: &Found) {
        let Found { subject, predicate, object, category, .. } = found.clone();
        (self.subject, self.predicate, self.object, self.category) = (subject, predicate, object, category);
        if found.learnt.is_none() && (found.valid_from.is_some() || found.valid_until.is_some()) {
            (self.valid_from, self.valid_until) = (found.valid_from.or(self.valid_from), found.valid_until);
        }
    }

    /// Puts what the entity is called in place of a shorter name, and rounds the confidence.
    pub fn settle(&mut self) {
        let longer = |text: &mut String, entity: &Option<String>| {
            let full = entity.as_ref().filter(|full| full.len() > text.len() && full.starts_with(text.as_str()));
            if let Some(full) = full {
                text.clone_from(full);
            }
        };
        longer(&mut self.subject, &self.entities.subject);
        longer(&mut self.object, &self.entities.object);
        self.confidence = (self.confidence.min(0.99) * 100.0).round() / 100.0;
        if self.valid_from.is_none() && self.method == Method::User {
            self.valid_from = Some(day_of(self.observed_at));
        }
    }
}

/// What a statement is called in orders, whatever is known of the names in it.
pub fn statement(found: &Found) -> Id {
    name(&[&normal(&found.subject), &verb(&found.predicate), &normal(&found.object)])
}

/// What a sentence that matters is called.
pub fn sentence(quote: &str) -> Id {
    name(&["notable", &normal(quote)])
}

/// The name of what consists of these parts.
pub fn name(parts: &[&str]) -> Id {
    let hash = blake3::hash(parts.join("\u{1f}").as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    Id(u64::from_be_bytes(first))
}

/// Lower case, no articles, no signs; dates as numbers.
fn normal(text: &str) -> String {
    if let Some(date) = dates::parse(text) {
        return date.to_string();
    }
    let lower = text.to_lowercase();
    let words =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty() && !matches!(*w, "the" | "a" | "an"));
    words.collect::<Vec<_>>().join(" ")
}

/// The predicate without tense and adverbs.
fn verb(predicate: &str) -> String {
    let lower = predicate.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty() && !w.ends_with("ly"));
    let words = words
        .filter(|w| !matches!(*w, "the" | "a" | "an" | "has" | "have" | "had" | "been" | "also" | "now" | "currently"));
    words.map(|w| if super::tag::is_be(w) { "be".into() } else { morphology::base(w) }).collect::<Vec<_>>().join(" ")
}
