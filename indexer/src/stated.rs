//! Searching what documents state: `entity:` and `in:facts`.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use echofs_query_lang::{Field, Node, Query, TextField};

use crate::facts::{Fact, Facts, Id};
use crate::{Hit, Kind, Results, words};

/// Longest ending of a word, in bytes.
const ENDING: usize = 5;

/// The documents of facts about an entity, by any of its names; of everything that is stated when there is no name.
pub fn documents<'a>(facts: &'a Facts, entity: Option<&str>) -> HashSet<&'a Path> {
    let paths = |fact: Fact<'a>| fact.sources.iter().map(|source| source.path);
    match entity {
        Some(name) => about(facts, name).flat_map(paths).collect(),
        None => facts.all().filter(Fact::is_likely).flat_map(paths).collect(),
    }
}

/// The facts that name an entity.
fn about<'a>(facts: &'a Facts, name: &str) -> impl Iterator<Item = Fact<'a>> {
    let people: HashSet<u32> = facts
        .people()
        .iter()
        .filter(|person| person.may_be_called(name))
        .flat_map(|person| person.facts.clone())
        .collect();
    let wanted = words::fold(name);
    let wanted = wanted.into_owned();
    let named = move |entity: Option<&str>| entity.is_some_and(|entity| words::fold(entity) == wanted);
    let all = (0..).zip(facts.all());
    all.filter(move |(at, fact)| people.contains(at) || named(fact.subject_entity) || named(fact.object_entity))
        .map(|(_, fact)| fact)
}

/// Shows, where a query asks `in:facts`, the fact of each document that fits it best in place of a passage, those with most of the
/// query's words first. Documents whose facts hold none of them are left out.
pub fn show(results: &mut Results, query: &Query, facts: &Facts) {
    let Some(root) = query.root.as_ref().filter(|root| asks(root)) else { return };
    let mut entities = Vec::new();
    named(root, &mut entities);
    let about: HashSet<Id> = entities.iter().flat_map(|name| about(facts, name)).map(|fact| fact.id).collect();
    let found: HashSet<PathBuf> = results.hits.iter().map(|hit| hit.document.path.clone()).collect();
    let mut by_document: HashMap<&Path, Vec<Fact>> = HashMap::new();
    let likely = facts.all().filter(|fact| fact.is_likely() && found.contains(fact.source.path));
    for fact in likely.filter(|fact| entities.is_empty() || about.contains(&fact.id)) {
        by_document.entry(fact.source.path).or_default().push(fact);
    }
    let documents = results.explain.documents.max(1) as f64;
    let rarity = |found: usize| (1.0 + documents / found.max(1) as f64).ln();
    let asked = results.explain.words.iter();
    let weights: HashMap<&str, f64> =
        asked.flat_map(|word| word.forms.iter().map(|form| (form.as_str(), rarity(word.documents)))).collect();
    let mut shown: Vec<(f64, Hit)> = Vec::new();
    for hit in results.hits.drain(..) {
        let stated = by_document.get(hit.document.path.as_path()).into_iter().flatten();
        let scored = stated.map(|fact| (words_in(fact, &weights), *fact));
        if let Some((score, fact)) = scored.reduce(better).filter(|(score, _)| *score > 0.0 || weights.is_empty()) {
            shown.push((score, stating(hit, &fact)));
        }
    }
    if query.sort.is_best_first() {
        shown.sort_by(|a, b| b.0.total_cmp(&a.0));
    }
    results.hits = shown.into_iter().zip(1..).map(|((_, hit), rank)| Hit { rank, ..hit }).collect();
}

/// The one with more of the words, else what still holds, else the first.
fn better<'a>(a: (f64, Fact<'a>), b: (f64, Fact<'a>)) -> (f64, Fact<'a>) {
    let value = |(score, fact): &(f64, Fact)| score + if fact.superseded_by.is_none() { 0.1 } else { 0.0 };
    if value(&b) > value(&a) { b } else { a }
}

fn stating(mut hit: Hit, fact: &Fact) -> Hit {
    let lines = fact.source.quote.matches('\n').count() as u32;
    hit.document.kind = Kind::Fact;
    fact.source.quote.clone_into(&mut hit.passage.text);
    (hit.passage.line, hit.passage.end_line) = (fact.source.line, fact.source.line + lines);
    hit
}

fn words_in(fact: &Fact, weights: &HashMap<&str, f64>) -> f64 {
    let text = format!("{} {}", fact.sentence(), fact.source.quote);
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let words: HashSet<String> = words.map(|word| words::fold(word).into_owned()).collect();
    // Forms are stems: the beginnings of words.
    let held = |form: &str| words.iter().any(|word| word.starts_with(form) && word.len() <= form.len() + ENDING);
    weights.iter().filter(|(form, _)| held(form)).map(|(_, weight)| weight).sum()
}

/// Whether every hit is to be a fact.
fn asks(node: &Node) -> bool {
    match node {
        Node::Field(Field::In(place)) => matches!(place.to_lowercase().as_str(), "facts" | "fact"),
        Node::And(parts) => parts.iter().any(asks),
        _ => false,
    }
}

fn named<'a>(node: &'a Node, entities: &mut Vec<&'a str>) {
    match node {
        Node::Field(Field::Text { name: TextField::Entity, value }) => entities.push(value),
        Node::And(parts) | Node::Or(parts) => parts.iter().for_each(|part| named(part, entities)),
        _ => {}
    }
}
