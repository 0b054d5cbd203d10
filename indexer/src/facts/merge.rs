//! From the statements of all documents to facts: the same one from ten places is one, and a newer one takes the
//! place of an older one that it contradicts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::entity::{self, Names};
use super::fact::{Fact, Found, Method, Origin, day_of};
use super::orders::Orders;
use super::{dates, functional, morphology};

/// Everything one document states.
#[derive(Clone, Copy, Debug)]
pub struct Stated<'a> {
    /// The document.
    pub path: &'a Path,
    /// Its statements.
    pub found: &'a [Found],
    /// Its stated date or the time it was changed.
    pub at: Timestamp,
}

/// Facts at one moment. Never changed; the next moment has its own.
#[derive(Debug, Default)]
pub struct Facts {
    /// Grows with every change.
    pub number: u64,
    facts: Vec<Arc<Fact>>,
    by_id: HashMap<String, usize>,
}

impl Facts {
    /// The facts in these documents, after these orders of the owner.
    pub fn new<'a>(number: u64, documents: impl Iterator<Item = Stated<'a>> + Clone, orders: &Orders) -> Self {
        let names = Names::new(documents.clone().flat_map(|stated| stated.found));
        let mut merged: BTreeMap<String, Fact> = BTreeMap::new();
        for stated in documents {
            let near = entity::near(stated.found);
            let kept = stated.found.iter().filter(|found| !orders.is_removed(&statement(found)));
            kept.for_each(|found| add(&mut merged, &stated, found, &names, &near));
        }
        for stated in orders.stated() {
            stated.found.iter().for_each(|found| add(&mut merged, &stated, found, &names, &HashSet::new()));
        }
        let mut facts: Vec<Fact> = merged.into_values().collect();
        facts.iter_mut().for_each(settle);
        functional::supersede(&mut facts);
        facts.sort_by(|a, b| (&a.source.path, a.source.line, &a.id).cmp(&(&b.source.path, b.source.line, &b.id)));
        let by_id = facts.iter().enumerate().map(|(at, fact)| (fact.id.clone(), at)).collect();
        Self { number, facts: facts.into_iter().map(Arc::new).collect(), by_id }
    }

    /// All of them, by source and line.
    pub fn all(&self) -> &[Arc<Fact>] {
        &self.facts
    }

    /// The fact with this id.
    pub fn get(&self, id: &str) -> Option<&Arc<Fact>> {
        self.by_id.get(id).map(|at| &self.facts[*at])
    }
}

fn add(merged: &mut BTreeMap<String, Fact>, stated: &Stated, found: &Found, names: &Names, near: &HashSet<String>) {
    let (path, at, statement) = (stated.path, stated.at, statement(found));
    let (subject, object) = (names.entity(&found.subject, near), names.entity(&found.object, near));
    let id = id(
        subject.as_deref().unwrap_or(&found.subject),
        &found.predicate,
        object.as_deref().unwrap_or(&found.object),
        path,
    );
    let origin = Origin { path: path.to_owned(), line: found.line, quote: found.quote.clone() };
    let fact = merged.entry(id.clone()).or_insert_with(|| first(id, found, at, &origin, subject, object));
    fact.observed_at = fact.observed_at.min(at);
    fact.valid_from = [fact.valid_from, found.valid_from].into_iter().flatten().min();
    fact.valid_until = [fact.valid_until, found.valid_until].into_iter().flatten().max();
    fact.method = fact.method.max(found.method);
    if !fact.statements.contains(&statement) {
        fact.statements.push(statement);
    }
    if !fact.sources.iter().any(|known| (&known.path, known.line) == (&origin.path, origin.line)) {
        fact.sources.push(origin);
        // Two that say the same without knowing of each other are wrong together less often.
        fact.confidence = 1.0 - (1.0 - fact.confidence) * (1.0 - found.confidence * 0.5);
    }
}

fn first(
    id: String,
    found: &Found,
    at: Timestamp,
    origin: &Origin,
    subject: Option<String>,
    object: Option<String>,
) -> Fact {
    Fact {
        id,
        subject: found.subject.clone(),
        predicate: found.predicate.clone(),
        object: found.object.clone(),
        category: found.category,
        confidence: found.confidence,
        valid_from: found.valid_from,
        valid_until: found.valid_until,
        observed_at: at,
        source: origin.clone(),
        sources: vec![origin.clone()],
        superseded_by: None,
        method: found.method,
        subject_entity: subject,
        object_entity: object,
        statements: Vec::new(),
    }
}

/// Puts what the entity is called in place of a shorter name, and rounds the confidence.
fn settle(fact: &mut Fact) {
    let longer = |text: &mut String, entity: &Option<String>| {
        if let Some(full) = entity.as_ref().filter(|full| full.len() > text.len() && full.starts_with(text.as_str())) {
            *text = full.clone();
        }
    };
    longer(&mut fact.subject, &fact.subject_entity);
    longer(&mut fact.object, &fact.object_entity);
    fact.confidence = (fact.confidence.min(0.99) * 100.0).round() / 100.0;
    if fact.valid_from.is_none() && fact.method == Method::User {
        fact.valid_from = Some(day_of(fact.observed_at));
    }
}

/// What a statement is called in orders, whatever is known of the names in it.
pub fn statement(found: &Found) -> String {
    hash(&[&normal(&found.subject), &verb(&found.predicate), &normal(&found.object)])
}

/// The name of a fact. What pronouns say is told apart by document.
fn id(subject: &str, predicate: &str, object: &str, path: &Path) -> String {
    let vague = entity::is_pronoun(subject) || entity::is_pronoun(object);
    let place = if vague { path.to_string_lossy().into_owned() } else { String::new() };
    hash(&[&normal(subject), &verb(predicate), &normal(object), &place])
}

fn hash(parts: &[&str]) -> String {
    blake3::hash(parts.join("\u{1f}").as_bytes()).to_hex()[..16].to_owned()
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
