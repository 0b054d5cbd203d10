//! Which fact takes the place of which: the owner's corrections, and relations of which a thing has one at a time, where a
//! newer statement takes the place of an older one.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

use jiff::civil::Date;

use super::draft;
use super::fact::{Fact, Id, Method};
use super::layers::Layers;
use super::orders::Orders;

/// A digest of what one thing has one of. Statements about the same key contradict each other when their values differ.
fn key(fact: &Fact) -> Option<Id> {
    one_of(fact).map(|key| draft::name(&[&key]))
}

fn one_of(fact: &Fact) -> Option<String> {
    let subject = fact.subject_entity.unwrap_or(fact.subject).to_lowercase();
    let predicate = fact.predicate.to_lowercase();
    if super::entity::is_pronoun(&subject) {
        return None;
    }
    let words: Vec<&str> = predicate.split_whitespace().filter(|w| !w.ends_with("ly")).collect();
    let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
    let last = words.last().copied().unwrap_or_default();
    let place = matches!(last, "in" | "to" | "at");
    let relation = match () {
        () if has(&["not", "n't", "never", "longer", "was", "were", "had", "used"]) => return None,
        () if place && has(&["live", "lives", "lived", "living", "moved", "moves", "resides"]) => "lives in",
        () if place && has(&["located", "based", "headquartered", "kept", "stored", "stands"]) => "is in",
        () if has(&["works", "working"]) && matches!(last, "for" | "at") || has(&["joined"]) && words.len() == 1 => {
            "works for"
        }
        () if has(&["married"]) && last == "to" => "is married to",
        () if has(&["ceo", "president", "chairman", "head", "captain", "mayor", "director"]) && last == "of" => {
            let of = fact.object_entity.unwrap_or(fact.object).to_lowercase();
            return Some(format!("{of}\u{1f}{}", words[words.len().saturating_sub(2)]));
        }
        () if is_setting(fact) => return Some(format!("{subject}\u{1f}={predicate}")),
        () => return None,
    };
    Some(format!("{subject}\u{1f}{relation}"))
}

/// `key: value`, whose key is no verb.
fn is_setting(fact: &Fact) -> bool {
    const ONE: &[&str] = &[
        "status", "phone", "email", "address", "deadline", "due", "price", "version", "budget", "owner", "state",
        "port", "location", "where", "role", "when",
    ];
    fact.confidence >= 0.8 && ONE.contains(&fact.predicate.to_lowercase().as_str())
}

/// What is said, so that two can be compared.
fn value(fact: &Fact) -> String {
    let (text, entity) = fact.value();
    entity.unwrap_or(text).to_lowercase()
}

/// Which fact took the place of which, and what that was found out with.
#[derive(Debug, Default)]
pub struct Succession {
    /// Facts of what a thing has one of, by digests of their keys.
    keyed: BTreeSet<(Id, Id)>,
    /// Keys of which facts came or went.
    stale: BTreeSet<Id>,
    /// Facts of which the owner's orders speak.
    ordered: BTreeSet<Id>,
    /// Facts in whose place the owner put others.
    replaced: BTreeSet<Id>,
    /// Facts that ended: what took their place, and on which day.
    ended: HashMap<Id, (Id, Date)>,
}

impl Succession {
    /// Takes in the fact at a position.
    pub fn add(&mut self, facts: &Layers, at: usize, orders: &Orders) {
        let fact = facts.fact(at);
        if let Some(key) = key(&fact) {
            self.keyed.insert((key, fact.id));
            self.stale.insert(key);
        }
        let is_ordered = |name: &Id| orders.state_it(*name) || orders.replacement(*name).is_some();
        if orders.count() > 0 && facts.statements(at).iter().any(is_ordered) {
            self.ordered.insert(fact.id);
        }
    }

    /// Drops a fact as it was when it was taken in.
    pub fn remove(&mut self, fact: &Fact) {
        if let Some(key) = key(fact) {
            self.keyed.remove(&(key, fact.id));
            self.stale.insert(key);
        }
        self.ordered.remove(&fact.id);
        self.ended.remove(&fact.id);
    }

    /// The facts that the owner put right or that a newer one contradicts: which, and on which day they ended. Of two of one
    /// date neither is newer. `facts` are those that were taken in.
    pub fn settle(&mut self, facts: &Layers, orders: &Orders) -> HashMap<Id, (Id, Date)> {
        let replaced = self.replaced(facts, orders);
        let before = std::mem::replace(&mut self.replaced, replaced.keys().copied().collect());
        // What the owner takes back ends nothing any more, and what is taken back no more does.
        let others = before.iter().chain(&self.replaced).filter_map(|id| key(&facts.fact(facts.position(*id)?)));
        self.stale.extend(others);
        for id in &before {
            self.ended.remove(id);
        }
        self.ended.extend(replaced);
        for key in std::mem::take(&mut self.stale) {
            self.compare(key, facts);
        }
        self.ended.clone()
    }

    /// Finds out which of the facts with one key ended.
    fn compare(&mut self, key: Id, facts: &Layers) {
        let all = self.keyed.range((key, Id(0))..=(key, Id(u64::MAX))).map(|(_, id)| *id);
        let all = all.filter(|id| !self.replaced.contains(id)).filter_map(|id| facts.position(id));
        let mut group: Vec<Fact> = all.map(|at| facts.fact(at)).collect();
        // The owner's word is the last one.
        group.sort_by_key(|fact| (fact.method == Method::User, fact.since(), said(fact), fact.id));
        for (rank, old) in group.iter().enumerate() {
            // The owner's word stands last, but may be of an earlier day than what others say.
            let newer = group[rank + 1..].iter().filter(|new| is_newer(new, old));
            match newer.min_by_key(|new| new.since()) {
                Some(new) => self.ended.insert(old.id, (new.id, old.valid_until.unwrap_or_else(|| new.since()))),
                None => self.ended.remove(&old.id),
            };
        }
    }

    /// The facts in whose place the owner put others. One that the owner states since, in whatever words, is none of them.
    fn replaced(&self, facts: &Layers, orders: &Orders) -> HashMap<Id, (Id, Date)> {
        let (mut old, mut new) = (Vec::new(), HashMap::new());
        let all: BTreeSet<usize> = self.ordered.iter().filter_map(|id| facts.position(*id)).collect();
        for at in all {
            let statements = facts.statements(at);
            new.extend(statements.iter().filter(|name| orders.state_it(**name)).map(|name| (*name, at)));
            if !statements.iter().any(|name| orders.hold(*name)) {
                old.extend(statements.iter().find_map(|name| orders.replacement(*name)).map(|by| (at, by)));
            }
        }
        let ended = |(at, by): (usize, Id)| {
            let (old, new) = (facts.fact(at), facts.fact(*new.get(&by).filter(|by| **by != at)?));
            Some((old.id, (new.id, old.valid_until.map_or(new.since(), |until| until.min(new.since())))))
        };
        old.into_iter().filter_map(ended).collect()
    }
}

fn is_newer(new: &Fact, old: &Fact) -> bool {
    let later = new.since() > old.since() || said(new) > said(old);
    later && value(new) != value(old) && lines(new).is_disjoint(&lines(old))
}

/// When the owner said it, in which line; of what nobody but documents state, nothing.
fn said(fact: &Fact) -> Option<(jiff::Timestamp, u32)> {
    (fact.method == Method::User).then_some((fact.observed_at, fact.source.line))
}

fn lines<'a>(fact: &Fact<'a>) -> HashSet<(&'a Path, u32)> {
    fact.sources.iter().map(|source| (source.path, source.line)).collect()
}
