//! From the statements of all documents to facts: the same one from ten places is one, and a newer one takes the
//! place of an older one that it contradicts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::entity::{self, Names};
use super::fact::{Fact, Found, Method, Origin, day_of};
use super::notable::Notable;
use super::orders::Orders;
use super::people::{self, Person};
use super::{dates, functional, morphology};

/// Everything one document states.
#[derive(Clone, Copy, Debug)]
pub struct Stated<'a> {
    /// The document.
    pub path: &'a Path,
    /// Its statements, as rules found them.
    pub found: &'a [Found],
    /// What a language model found besides.
    pub read: &'a [Found],
    /// Its sentences that matter.
    pub notable: &'a [Notable],
    /// Its stated date or the time it was changed.
    pub at: Timestamp,
}

/// A sentence that matters, and its document.
#[derive(Clone, Debug, PartialEq)]
pub struct Noted {
    /// The same while the words are the same: what an order to remove it names.
    pub id: String,
    /// The document.
    pub path: PathBuf,
    /// The date of the document.
    pub at: Timestamp,
    /// The sentence.
    pub notable: Notable,
}

/// Facts at one moment. Never changed; the next moment has its own.
#[derive(Debug, Default)]
pub struct Facts {
    /// Grows with every change.
    pub number: u64,
    facts: Vec<Arc<Fact>>,
    by_id: HashMap<String, usize>,
    notable: Vec<Noted>,
    people: Vec<Person>,
}

impl Facts {
    /// The facts in these documents, after these orders of the owner.
    pub fn new<'a>(number: u64, documents: impl Iterator<Item = Stated<'a>> + Clone, orders: &Orders) -> Self {
        let names = Names::new(documents.clone().flat_map(|stated| stated.found));
        let notable = noted(documents.clone(), orders);
        let mut merged: BTreeMap<String, Fact> = BTreeMap::new();
        for stated in documents {
            let near = entity::near(stated.found);
            let kept = stated.found.iter().chain(stated.read).filter(|found| !orders.is_removed(&statement(found)));
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
        let people = people::people(&facts);
        Self { number, facts: facts.into_iter().map(Arc::new).collect(), by_id, notable, people }
    }

    /// All of them, by source and line.
    pub fn all(&self) -> &[Arc<Fact>] {
        &self.facts
    }

    /// The fact with this id.
    pub fn get(&self, id: &str) -> Option<&Arc<Fact>> {
        self.by_id.get(id).map(|at| &self.facts[*at])
    }

    /// The sentences that matter, by document and line. Those that the owner removed are not among them.
    pub fn notable(&self) -> &[Noted] {
        &self.notable
    }

    /// The people that the documents speak of, those with most facts first.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// What orders call the fact or sentence with this id.
    pub fn statements(&self, id: &str) -> Option<Vec<String>> {
        let noted = || self.notable.iter().any(|noted| noted.id == id).then(|| vec![id.to_owned()]);
        self.get(id).map(|fact| fact.statements.clone()).or_else(noted)
    }
}

/// The sentences that matter, without those that the owner removed, alone or with everything that they state.
fn noted<'a>(documents: impl Iterator<Item = Stated<'a>>, orders: &Orders) -> Vec<Noted> {
    let mut all = Vec::new();
    for stated in documents {
        let removed = |notable: &Notable| {
            let mut here = stated.found.iter().filter(|found| found.quote == notable.quote);
            here.any(|found| orders.is_removed(&statement(found)))
        };
        for notable in stated.notable.iter().filter(|notable| !removed(notable)) {
            let id = hash(&["notable", &normal(&notable.quote)]);
            if !orders.is_removed(&id) {
                all.push(Noted { id, path: stated.path.to_owned(), at: stated.at, notable: notable.clone() });
            }
        }
    }
    all
}

fn add(merged: &mut BTreeMap<String, Fact>, stated: &Stated, found: &Found, names: &Names, near: &HashSet<String>) {
    let (path, at, statement) = (stated.path, stated.at, statement(found));
    let subject = names.entity(&found.subject, near);
    // The name of a contact in another order is no further name.
    let object = if found.predicate == "Name" { subject.clone() } else { names.entity(&found.object, near) };
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
