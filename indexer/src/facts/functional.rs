//! Relations of which a thing has one at a time: a newer statement takes the place of an older one.

use std::collections::HashMap;

use super::fact::{Fact, Method};

/// What one thing has one of. Statements about the same key contradict each other when their values differ.
fn key(fact: &Fact) -> Option<String> {
    let subject = fact.subject_entity.as_deref().unwrap_or(&fact.subject).to_lowercase();
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
            let of = fact.object_entity.as_deref().unwrap_or(&fact.object).to_lowercase();
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

/// What is said: for offices who holds it, else the object.
fn value(fact: &Fact) -> String {
    let office = fact.predicate.to_lowercase().ends_with(" of");
    let (entity, text) =
        if office { (&fact.subject_entity, &fact.subject) } else { (&fact.object_entity, &fact.object) };
    entity.as_ref().unwrap_or(text).to_lowercase()
}

/// Ends every fact that a newer one contradicts, and says which. Of two of one date neither is newer.
pub fn supersede(facts: &mut [Fact]) {
    let mut groups: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, fact) in facts.iter().enumerate() {
        if let Some(key) = key(fact) {
            groups.entry(key).or_default().push(at);
        }
    }
    for mut group in groups.into_values().filter(|group| group.len() > 1) {
        // The owner's word is the last one.
        group.sort_by_key(|at| (facts[*at].method == Method::User, facts[*at].since()));
        for pair in 0..group.len() - 1 {
            let (old, new) =
                (group[pair], group[pair + 1..].iter().find(|new| is_newer(&facts[**new], &facts[group[pair]])));
            if let Some(new) = new {
                facts[old].superseded_by = Some(facts[*new].id.clone());
                facts[old].valid_until = Some(facts[old].valid_until.unwrap_or_else(|| facts[*new].since()));
            }
        }
    }
}

fn is_newer(new: &Fact, old: &Fact) -> bool {
    let later = new.since() > old.since() || new.method == Method::User && old.method != Method::User;
    later
        && value(new) != value(old)
        && !new
            .sources
            .iter()
            .any(|source| old.sources.iter().any(|other| other.path == source.path && other.line == source.line))
}
