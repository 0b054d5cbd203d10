//! What follows what: a document or a question that comes soon after another one, more often than after anything else.
//!
//! Of each day on which something was used it is asked whether the other came soon after it. If the two had nothing to do with
//! each other, the days of the one would be a random part of all such days (Fisher's exact test).

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use jiff::civil::Date;

use super::super::entry::Kind;
use super::{Event, LEAST, Pattern, normalised, overlap_tail, paths, significant};

/// What comes within this time comes soon.
const SOON: SignedDuration = SignedDuration::from_mins(30);
/// No more events are looked at behind one; who does so much in so little time goes through everything.
const BEHIND: usize = 12;
/// What follows must be so many times as frequent as the other way round; else the two are used in any order.
const ORDER: usize = 2;

/// A document or a question, by its place in the list of all.
type Item = usize;
/// A day on which something was used.
type Occasion = (Item, Date);

/// The documents and questions of a history.
struct Items<'a> {
    /// What each is called, by what makes two the same.
    names: Vec<(String, &'a str)>,
    /// Those of each event.
    of: Vec<BTreeSet<Item>>,
    /// On how many days each was used.
    days: Vec<usize>,
}

impl<'a> Items<'a> {
    fn new(events: &[Event<'a>]) -> Items<'a> {
        let mut known: BTreeMap<String, Item> = BTreeMap::new();
        let mut items = Items { names: Vec::new(), of: Vec::new(), days: Vec::new() };
        for event in events {
            let mut of = BTreeSet::new();
            for (key, name) in used(event) {
                let item = *known.entry(key.clone()).or_insert(items.names.len());
                if item == items.names.len() {
                    items.names.push((key, name));
                }
                of.insert(item);
            }
            items.of.push(of);
        }
        let occasions: BTreeSet<Occasion> = events
            .iter()
            .zip(&items.of)
            .flat_map(|(event, of)| of.iter().map(move |item| (*item, event.date)))
            .collect();
        items.days = vec![0; items.names.len()];
        occasions.iter().for_each(|(item, _)| items.days[*item] += 1);
        items
    }

    /// Whether something was used on so many days that it can be part of a pattern.
    fn is_often(&self, item: Item) -> bool {
        self.days[item] >= LEAST
    }
}

/// The documents and the question of an event. No question begins like a path.
fn used<'a>(event: &Event<'a>) -> Vec<(String, &'a str)> {
    let question = (event.entry.kind == Kind::Interaction).then_some(event.entry.text.as_str());
    let question = question.map(|text| (normalised(text), text)).filter(|(key, _)| !key.is_empty());
    let documents = paths(event.entry).into_iter().map(|path| (path.to_owned(), path));
    documents.chain(question).collect()
}

/// What came soon after something on one day: the events that show it.
type After = BTreeMap<Item, (u64, u64)>;

/// The pairs of which one follows the other.
pub fn find(events: &[Event]) -> Vec<Pattern> {
    let items = Items::new(events);
    let occasions = occasions(events, &items);
    let mut pairs: BTreeMap<(Item, Item), Vec<(u64, u64)>> = BTreeMap::new();
    let mut followed: Vec<usize> = vec![0; items.names.len()];
    for ((first, _), after) in &occasions {
        for (then, shown) in after {
            pairs.entry((*first, *then)).or_default().push(*shown);
            followed[*then] += 1;
        }
    }
    let often = (0..items.names.len()).filter(|item| items.is_often(*item)).count();
    let has_order =
        |(first, then): (Item, Item), count: usize| count >= ORDER * pairs.get(&(then, first)).map_or(0, Vec::len);
    let candidates = pairs.iter().filter(|(pair, shown)| items.is_often(pair.0) && has_order(**pair, shown.len()));
    let pattern = |((first, then), shown): (&(Item, Item), &Vec<(u64, u64)>)| {
        // What is used is never said to follow itself, so its own days are no part of all.
        let all = occasions.len() - items.days[*then];
        let (first_name, then_name) = (name(&items, *first), name(&items, *then));
        Pattern {
            id: format!("follows:{}:{}", items.names[*first].0, items.names[*then].0),
            text: format!("{then_name} follows within half an hour of {first_name}"),
            count: shown.len(),
            of: items.days[*first],
            p: overlap_tail(shown.len(), items.days[*first], followed[*then], all),
            entries: shown.iter().flat_map(|(first, then)| [*first, *then]).collect(),
        }
    };
    significant(candidates.map(pattern).collect(), often * often.saturating_sub(1)).collect()
}

fn name(items: &Items, item: Item) -> String {
    let (key, name) = &items.names[item];
    if key.starts_with('/') { (*name).to_owned() } else { format!("\"{name}\"") }
}

/// Every day on which something was used, and what came soon after it on that day for the first time.
fn occasions(events: &[Event], items: &Items) -> BTreeMap<Occasion, After> {
    let mut occasions: BTreeMap<Occasion, After> = BTreeMap::new();
    for (n, event) in events.iter().enumerate() {
        let at = event.entry.at;
        let behind = events.iter().zip(&items.of).skip(n + 1).take(BEHIND);
        let soon = behind.take_while(|(later, _)| later.entry.at.duration_since(at) <= SOON);
        let soon: Vec<(&Event, &BTreeSet<Item>)> = soon.filter(|(later, _)| later.entry.at > at).collect();
        for item in &items.of[n] {
            let after = occasions.entry((*item, event.date)).or_default();
            for (later, of) in &soon {
                // What is used at the same time as well comes not after it.
                for then in of.iter().filter(|then| items.is_often(**then) && !items.of[n].contains(*then)) {
                    after.entry(*then).or_insert((event.entry.seq, later.entry.seq));
                }
            }
        }
    }
    occasions
}
