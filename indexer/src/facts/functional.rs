//! Which fact takes the place of which: the owner's corrections, and relations of which a thing has one at a time, where a
//! newer statement takes the place of an older one.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use jiff::civil::Date;

use super::fact::{Fact, Id, Method};
use super::orders::Orders;
use super::packed::Packed;

/// What one thing has one of. Statements about the same key contradict each other when their values differ.
fn key(fact: &Fact) -> Option<String> {
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
        () if has(&["not", "n't", "never", "was", "were", "had", "used"]) => return None,
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

/// The facts that the owner put right or that a newer one contradicts: which, and on which day they ended. Of two of one date
/// neither is newer.
pub fn superseded(facts: &Packed, orders: &Orders) -> HashMap<u32, (Id, Date)> {
    let mut ended = replaced(facts, orders);
    let mut groups: HashMap<String, Vec<u32>> = HashMap::new();
    // What the owner took back ends nothing any more.
    for at in (0..facts.len() as u32).filter(|at| !ended.contains_key(at)) {
        if let Some(key) = key(&facts.fact(at as usize)) {
            groups.entry(key).or_default().push(at);
        }
    }
    for group in groups.into_values().filter(|group| group.len() > 1) {
        let mut group: Vec<(u32, Fact)> = group.into_iter().map(|at| (at, facts.fact(at as usize))).collect();
        // The owner's word is the last one.
        group.sort_by_key(|(_, fact)| (fact.method == Method::User, fact.since(), said(fact), fact.id));
        for (rank, (at, old)) in group.iter().enumerate() {
            // The owner's word stands last, but may be of an earlier day than what others say.
            let newer = group[rank + 1..].iter().filter(|(_, new)| is_newer(new, old));
            if let Some((_, new)) = newer.min_by_key(|(_, new)| new.since()) {
                ended.insert(*at, (new.id, old.valid_until.unwrap_or_else(|| new.since())));
            }
        }
    }
    ended
}

/// The facts in whose place the owner put others. One that the owner states since, in whatever words, is none of them.
fn replaced(facts: &Packed, orders: &Orders) -> HashMap<u32, (Id, Date)> {
    let (mut old, mut new) = (Vec::new(), HashMap::new());
    let all = if orders.replace_something() { facts.len() } else { 0 };
    for at in 0..all {
        let statements = facts.statements(at);
        new.extend(statements.iter().filter(|name| orders.state_it(**name)).map(|name| (*name, at)));
        if !statements.iter().any(|name| orders.hold(*name)) {
            old.extend(statements.iter().find_map(|name| orders.replacement(*name)).map(|by| (at, by)));
        }
    }
    let ended = |(at, by): (usize, Id)| {
        let (old, new) = (facts.fact(at), facts.fact(*new.get(&by).filter(|by| **by != at)?));
        Some((at as u32, (new.id, old.valid_until.map_or(new.since(), |until| until.min(new.since())))))
    };
    old.into_iter().filter_map(ended).collect()
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
