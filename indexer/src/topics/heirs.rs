//! Which of the newly formed topics are the former ones: those that share most of their documents keep the name, and what a
//! language model said of them.

use std::collections::HashMap;

use super::topic::{Topic, Topics};

/// Takes over the names that the former topics had, and what was said of them.
pub fn inherit(topics: &mut Topics, former: &Topics) {
    let tops = |topics: &Topics, topic: usize| Some(topics.top_of(topic));
    let parents = matches(topics, former, tops);
    for (new, old) in &parents {
        succeed(&mut topics.topics[*new], &former.topics[*old]);
    }
    let parents: HashMap<usize, usize> = parents.into_iter().collect();
    let subs = |topics: &Topics, topic: usize| topics.topics[topic].parent.map(|_| topic);
    for (new, old) in matches(topics, former, subs) {
        let above = |topics: &Topics, topic: usize| topics.topics[topic].parent;
        if above(topics, new).and_then(|parent| parents.get(&parent)).copied() == above(former, old) {
            succeed(&mut topics.topics[new], &former.topics[old]);
        }
    }
}

fn succeed(new: &mut Topic, old: &Topic) {
    let Topic { name, namer, former, summary, named, .. } = old.clone();
    *new = Topic { name, namer, former, summary, named, ..std::mem::take(new) };
}

/// Pairs of a new and a former topic that have at least a third of the larger one in common, the closest pairs first.
fn matches(new: &Topics, old: &Topics, level: fn(&Topics, usize) -> Option<usize>) -> Vec<(usize, usize)> {
    let mut common: HashMap<(usize, usize), usize> = HashMap::new();
    let (mut sizes, mut former_sizes) = (HashMap::new(), HashMap::new());
    for (id, place) in &new.places {
        let here = place.home.and_then(|topic| level(new, topic));
        let there = old.places.get(id).and_then(|place| place.home).and_then(|topic| level(old, topic));
        here.into_iter().for_each(|topic| *sizes.entry(topic).or_insert(0) += 1);
        there.into_iter().for_each(|topic| *former_sizes.entry(topic).or_insert(0) += 1);
        here.zip(there).into_iter().for_each(|pair| *common.entry(pair).or_insert(0) += 1);
    }
    let mut pairs: Vec<(usize, usize, usize)> = common.into_iter().map(|((a, b), count)| (count, a, b)).collect();
    pairs.retain(|(count, a, b)| count * 3 >= sizes[a].max(former_sizes[b]));
    pairs.sort_unstable_by(|a, b| b.cmp(a));
    let mut chosen: Vec<(usize, usize)> = Vec::new();
    for (_, a, b) in pairs {
        if chosen.iter().all(|(new, old)| *new != a && *old != b) {
            chosen.push((a, b));
        }
    }
    chosen
}
