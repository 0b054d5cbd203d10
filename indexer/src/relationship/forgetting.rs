//! Which entries go when something is forgotten: those that are meant, what corrects them, and what they correct.

use std::collections::{BTreeSet, HashMap};

use echofs_query_lang::{Field, Node};

use super::entry::{Entry, Kind};
use crate::groups::units;
use crate::remembered;

/// The numbers of the entries that are `wanted`, and of those that go with them. A correction says again what it corrects, and
/// without it that would hold again as it was. One of a subject stays as long as there is anything else about it.
pub fn chosen(log: &[Entry], wanted: &dyn Fn(&Entry) -> bool) -> BTreeSet<u64> {
    let said: Vec<&Entry> = log.iter().filter(|entry| entry.forgotten.is_none()).collect();
    let corrections = corrections(&said);
    let mut chosen: BTreeSet<u64> = said.iter().filter(|entry| wanted(entry)).map(|entry| entry.seq).collect();
    loop {
        let before = chosen.len();
        for (correction, of) in &corrections {
            if chosen.contains(correction) {
                chosen.extend(of);
            } else if of.iter().all(|entry| chosen.contains(entry)) {
                chosen.insert(*correction);
            }
        }
        // A correction may be of a correction.
        if chosen.len() == before {
            return chosen;
        }
    }
}

/// The numbers of the corrections, each with those of the entries that it corrects, if there are any.
fn corrections(said: &[&Entry]) -> Vec<(u64, Vec<u64>)> {
    let mut about: HashMap<String, Vec<u64>> = HashMap::new();
    for entry in said.iter().filter(|entry| entry.kind != Kind::Correction) {
        if let Some(subject) = &entry.subject {
            about.entry(subject.to_lowercase()).or_default().push(entry.seq);
        }
    }
    let of = |correction: &Entry| match (correction.of, &correction.subject) {
        (Some(of), _) => said.iter().map(|entry| entry.seq).filter(|seq| *seq == of).collect(),
        (None, Some(subject)) => about.get(&subject.to_lowercase()).cloned().unwrap_or_default(),
        (None, None) => Vec::new(),
    };
    let corrections = said.iter().filter(|entry| entry.kind == Kind::Correction);
    let with = corrections.map(|correction| (correction.seq, of(correction)));
    with.filter(|(_, of)| !of.is_empty()).collect()
}

/// Whether a query surely means an entry of which this is said, its subject included: it has all the words that are required.
/// What a query says of documents is not known of an entry, and one that has no words is not about entries.
pub fn fits(query: &Node, entry: &Entry, said: &str) -> bool {
    is_about_entries(query) && holds(query, entry, &units(said)) == Some(true)
}

fn is_about_entries(node: &Node) -> bool {
    match node {
        Node::Words(_) | Node::Word(_) | Node::Phrase { .. } | Node::Prefix(_) => true,
        Node::And(parts) | Node::Or(parts) => parts.iter().any(is_about_entries),
        Node::Lex(inner) => is_about_entries(inner),
        Node::Field(Field::In(place)) => is_relationship(place),
        Node::Field(_) | Node::Not(_) | Node::Sem(_) | Node::Like(_) => false,
    }
}

fn is_relationship(place: &str) -> bool {
    place == "relationship"
}

fn holds(node: &Node, entry: &Entry, words: &[String]) -> Option<bool> {
    let mut parts: Vec<Option<bool>> = Vec::new();
    match node {
        Node::And(all) | Node::Or(all) => parts.extend(all.iter().map(|part| holds(part, entry, words))),
        Node::Not(inner) | Node::Lex(inner) => parts.push(holds(inner, entry, words)),
        _ => {}
    }
    // Of "and" one part decides that does not hold, of "or" one that does.
    let decided =
        |by: bool| if parts.contains(&Some(by)) { Some(by) } else { parts.iter().all(Option::is_some).then_some(!by) };
    match node {
        Node::And(_) => decided(false),
        Node::Or(_) => decided(true),
        Node::Not(_) => parts.first().copied().flatten().map(|inner| !inner),
        Node::Lex(_) => parts.first().copied().flatten(),
        Node::Field(Field::In(place)) => Some(is_relationship(place)),
        Node::Field(Field::Date { from, to, .. }) => {
            let at = entry.at.as_second();
            Some(from.is_none_or(|from| from <= at) && to.is_none_or(|to| at < to))
        }
        Node::Field(_) | Node::Sem(_) | Node::Like(_) => None,
        Node::Words(_) | Node::Word(_) | Node::Phrase { .. } | Node::Prefix(_) => remembered::speaks(node, words),
    }
}

#[cfg(test)]
mod tests {
    use super::super::pages::tests::entry;
    use super::*;

    #[test]
    fn what_corrects_and_what_is_corrected_goes_along() {
        let correction = |seq: u64, of: Option<u64>, subject: &str, text: &str| Entry {
            of,
            subject: (!subject.is_empty()).then(|| subject.to_owned()),
            ..entry(seq, 9, Kind::Correction, "", text)
        };
        let log = [
            entry(1, 1, Kind::Opinion, "axolotl", "It sleeps by day."),
            entry(2, 2, Kind::Opinion, "ferry", "It is late."),
            entry(3, 3, Kind::Opinion, "Ferry", "It is dear."),
            correction(4, Some(1), "", "By night."),
            correction(5, None, "ferry", "It is on time."),
            correction(6, Some(3), "", "It costs as much as an axolotl."),
            entry(7, 9, Kind::Opinion, "hive", "It hums."),
            correction(8, Some(7), "", "It buzzes."),
            correction(9, Some(8), "", "It roars."),
        ];
        let check = |word: &str, want: &[u64]| {
            let has = |entry: &Entry| {
                let subject = entry.subject.clone().unwrap_or_default();
                subject.contains(word) || entry.text.contains(word)
            };
            assert_eq!(chosen(&log, &has).into_iter().collect::<Vec<_>>(), want, "{word}");
        };
        check("axolotl", &[1, 3, 4, 6]);
        check("late", &[2]);
        check("It is ", &[2, 3, 5, 6]);
        check("hums", &[7, 8, 9]);
        check("roars", &[7, 8, 9]);
        check("quern", &[]);
    }

    #[test]
    fn a_query_means_the_entries_that_surely_fit() {
        let now = "2026-11-22T09:30[UTC]".parse().unwrap();
        let check = |query: &str, fitting: bool| {
            let query = echofs_query_lang::Query::default().and(echofs_query_lang::parse(query, &now).query);
            let entry = entry(1, 14, Kind::Opinion, "ferries", "They are late in winter.");
            let said = format!("ferries\n{}", entry.text);
            assert_eq!(fits(query.root.as_ref().unwrap(), &entry, &said), fitting, "{query:?}");
        };
        check("ferry late", true);
        check("ferry early", false);
        check("in:relationship", true);
        check("ferry in:relationship", true);
        check("ferry in:notes", false);
        check("ferry -in:notes", true);
        check("tag:boat", false);
        check("ferry tag:boat", false);
        check("ferry -tag:boat", false);
        check("tag:boat OR winter", true);
        check("ferry after:2026-03-01", true);
        check("ferry after:2026-04", false);
        check("after:2026-03-01", false);
        check("-early", false);
    }
}
