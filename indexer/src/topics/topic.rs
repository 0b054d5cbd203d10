//! The topics at one moment: names, what they are about, and which documents stand in them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::label::Summary;
use super::points::nearest_two;
use crate::record::Key;

/// The name of what fits nowhere.
pub const MISC: &str = "misc";
/// A document stands in a second topic that is so much farther at most, as a cosine.
const AS_NEAR: f32 = 0.03;

/// All topics. Those of the second level name the one above them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Topics {
    /// Grows with every change that can be seen.
    #[serde(skip)]
    pub number: u64,
    /// The topics, in no order that means anything.
    pub topics: Vec<Topic>,
    /// For each document, by [`Document::id`](crate::Document::id), where it stands.
    pub places: BTreeMap<u64, Place>,
    /// What made the points: the embedding model.
    pub(super) engine: String,
    /// The least cosine of a document with its topic.
    pub(super) floor: f32,
    /// Documents when the topics were formed.
    pub(super) formed: usize,
    /// Documents that came, went or changed since.
    pub(super) changed: usize,
}

/// A topic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Topic {
    /// Its name: lower case, unique among those beside it.
    pub name: String,
    /// The language model that chose the name; `None` where it is a key phrase.
    pub namer: Option<String>,
    /// The name before that. It still leads here.
    pub former: Option<String>,
    /// What a language model said of it; `None` where none was asked.
    pub summary: Option<Summary>,
    /// The topic above it.
    pub parent: Option<usize>,
    /// Words and phrases that tell it from others, the best first.
    pub phrases: Vec<String>,
    /// What its most typical documents say.
    pub excerpts: Vec<Excerpt>,
    /// Whether a language model has named it: that happens once.
    pub(super) named: bool,
    pub(super) centre: Vec<f32>,
    /// Documents in it when it was described.
    pub(super) described: usize,
}

/// Lines of a document. They stand literally there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// The document.
    pub document: u64,
    /// Digest of the content that they were taken from.
    pub(super) hash: Key,
    /// First line, from 1.
    pub line: u32,
    /// Last line, inclusive.
    pub end_line: u32,
    /// The lines.
    pub text: String,
}

/// Where a document stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The topic, of either level; `None` when it fits nowhere.
    pub home: Option<usize>,
    /// Another topic that it could as well stand in.
    pub second: Option<usize>,
    /// Digest of the content that was looked at.
    pub(super) hash: Key,
}

impl Place {
    /// The topics that it stands in.
    pub fn topics(&self) -> impl Iterator<Item = usize> {
        self.home.into_iter().chain(self.second)
    }
}

impl Topics {
    /// The topics of the first level.
    pub fn tops(&self) -> impl Iterator<Item = usize> {
        self.below(None)
    }

    /// The topics right below another one.
    pub fn below(&self, parent: Option<usize>) -> impl Iterator<Item = usize> {
        (0..self.topics.len()).filter(move |at| self.topics[*at].parent == parent)
    }

    /// The topic of the first level that `topic` belongs to: itself or the one above it.
    pub fn top_of(&self, topic: usize) -> usize {
        self.topics[topic].parent.unwrap_or(topic)
    }

    /// Its name, behind that of the one above it.
    pub fn path(&self, topic: usize) -> String {
        let Topic { name, parent, .. } = &self.topics[topic];
        parent.map_or_else(|| name.clone(), |parent| format!("{}/{name}", self.topics[parent].name))
    }

    /// The topic at a path. Names from before a language model chose others are known too.
    pub fn at(&self, path: &str) -> Option<usize> {
        let mut names = path.split('/');
        let first = self.child(None, names.next()?)?;
        names.try_fold(first, |topic, name| self.child(Some(topic), name))
    }

    fn child(&self, parent: Option<usize>, name: &str) -> Option<usize> {
        self.below(parent).find(|topic| self.topics[*topic].name == name).or_else(|| self.formerly(parent, name))
    }

    /// The topic below another one that had this name before a language model chose one.
    pub fn formerly(&self, parent: Option<usize>, name: &str) -> Option<usize> {
        self.below(parent).find(|topic| self.topics[*topic].former.as_deref() == Some(name))
    }

    /// The topics that someone means by `text`: those of that name or path, else those that had it, else those with all its
    /// words in their name.
    pub fn named(&self, text: &str) -> Vec<usize> {
        let wanted = text.to_lowercase().replace([' ', '_'], "-");
        let all = 0..self.topics.len();
        let exact = |at: &usize| self.topics[*at].name == wanted || self.path(*at) == wanted;
        let there = self.at(&wanted);
        let formerly = |at: &usize| self.topics[*at].former.as_ref() == Some(&wanted) || there == Some(*at);
        let has = |at: &usize, word: &str| self.topics[*at].name.split('-').any(|part| part == word);
        let partly = |at: &usize| wanted.split('-').all(|word| has(at, word));
        let ways: [&dyn Fn(&usize) -> bool; 3] = [&exact, &formerly, &partly];
        let found = ways.iter().map(|means| all.clone().filter(|at| means(at)).collect::<Vec<usize>>());
        found.into_iter().find(|found| !found.is_empty()).unwrap_or_default()
    }

    /// The topics that a language model can be asked about and was not.
    pub fn unlabelled(&self) -> impl Iterator<Item = usize> {
        let can_be_asked = |topic: &Topic| topic.summary.is_none() && !topic.excerpts.is_empty();
        (0..self.topics.len()).filter(move |at| can_be_asked(&self.topics[*at]))
    }

    /// Documents in each topic and below it.
    pub(super) fn sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.topics.len()];
        for topic in self.places.values().flat_map(Place::topics) {
            sizes[topic] += 1;
            self.topics[topic].parent.into_iter().for_each(|above| sizes[above] += 1);
        }
        sizes
    }

    /// Whether a document stands in one of `wanted`, or below one.
    pub fn is_in(&self, document: u64, wanted: &[usize]) -> bool {
        let Some(place) = self.places.get(&document) else { return false };
        place.topics().any(|topic| wanted.contains(&topic) || wanted.contains(&self.top_of(topic)))
    }

    /// Whether a document fits nowhere.
    pub fn is_misc(&self, document: u64) -> bool {
        self.places.get(&document).is_some_and(|place| place.home.is_none())
    }

    /// The documents in each topic of the first level and below it.
    pub(super) fn members(&self) -> BTreeMap<usize, Vec<u64>> {
        let mut members: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        for (id, place) in &self.places {
            place.topics().for_each(|topic| members.entry(self.top_of(topic)).or_default().push(*id));
        }
        members
    }

    /// Where a document with this point belongs: with the nearest topic, if that is near enough, and in it with the nearest
    /// of the second level.
    pub(super) fn locate(&self, point: &[f32]) -> (Option<usize>, Option<usize>) {
        let [first, second] = self.nearest(point, None);
        let Some((home, cosine)) = first.filter(|(_, cosine)| *cosine >= self.floor) else { return (None, None) };
        let second = second.filter(|(_, other)| *other >= self.floor.max(cosine - AS_NEAR));
        let within = |top: usize| {
            let [sub, _] = self.nearest(point, Some(top));
            sub.filter(|(_, cosine)| *cosine >= self.floor).map_or(top, |(sub, _)| sub)
        };
        (Some(within(home)), second.map(|(top, _)| within(top)))
    }

    fn nearest(&self, point: &[f32], parent: Option<usize>) -> [Option<(usize, f32)>; 2] {
        let all: Vec<usize> = self.below(parent).collect();
        let best = nearest_two(point, all.iter().map(|at| self.topics[*at].centre.as_slice()));
        best.map(|found| found.map(|(nth, cosine)| (all[nth], cosine)))
    }

    /// Takes out topics that nothing stands in.
    pub(super) fn prune(&mut self) {
        let mut used = vec![false; self.topics.len()];
        for topic in self.places.values().flat_map(|place| place.home) {
            used[topic] = true;
            used[self.top_of(topic)] = true;
        }
        if used.iter().all(|used| *used) {
            return;
        }
        let mut next = 0;
        let number = |used: &bool| {
            next += usize::from(*used);
            used.then(|| next - 1)
        };
        let numbers: Vec<Option<usize>> = used.iter().map(number).collect();
        let renumber = |topic: Option<usize>| topic.and_then(|topic| numbers[topic]);
        let mut at = 0;
        self.topics.retain(|_| {
            at += 1;
            used[at - 1]
        });
        self.topics.iter_mut().for_each(|topic| topic.parent = renumber(topic.parent));
        for place in self.places.values_mut() {
            (place.home, place.second) = (renumber(place.home), renumber(place.second));
        }
    }
}
