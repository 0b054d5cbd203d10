//! `topics/`: what the documents are about, a directory for each topic, with links to the documents that stand in it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use echofs_indexer::Document;
use echofs_indexer::topics::{MISC, Topics as Table};

use super::cached::{Cached, Listings};
use super::names::{self, Unique};
use super::{Context, render, topic_pages as pages};
use crate::error::Error;
use crate::node::{CHANGING, Caller, Directory, File, Id, Link, Listing, Node};

const README: &str = "README.md";
const JSON: &str = "topics.json";

/// A directory of this branch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Top,
    /// What fits nowhere.
    Misc,
    /// A topic, by its path: `git`, `git/rebase`.
    Topic(String),
}

impl Key {
    fn id(&self) -> Id {
        let top = Id::ROOT.child("topics");
        match self {
            Key::Top => top,
            Key::Misc => top.child(MISC),
            Key::Topic(path) => path.split('/').fold(top, |id, name| id.child(name)),
        }
    }
}

/// The directory `topics`.
pub fn top() -> Node {
    node(Key::Top)
}

fn node(key: Key) -> Node {
    Node::Dir(Arc::new(View(key)))
}

/// What the directories list, for one state of the index.
#[derive(Default)]
pub struct Views(Cached<Made>);

/// The topics with the documents that are there now, and the listings that were asked for so far.
struct Made {
    shelf: Shelf,
    at: SystemTime,
    listings: Listings<Key>,
}

/// The documents of each topic.
pub struct Shelf {
    /// The topics.
    pub table: Arc<Table>,
    /// Every document, by its id.
    pub documents: BTreeMap<u64, Document>,
    /// For each topic the documents that stand in it and not below it, by id.
    pub members: Vec<Vec<u64>>,
    /// What fits nowhere.
    pub misc: Vec<u64>,
}

impl Shelf {
    fn new(cx: &Context) -> Self {
        let table = cx.index.topics();
        let documents: BTreeMap<u64, Document> = cx.index.documents().iter().map(|d| (d.id, d.clone())).collect();
        let mut members = vec![Vec::new(); table.topics.len()];
        let mut misc = Vec::new();
        for (id, place) in table.places.iter().filter(|(id, _)| documents.contains_key(id)) {
            place.topics().for_each(|topic| members[topic].push(*id));
            if place.home.is_none() {
                misc.push(*id);
            }
        }
        Self { table, documents, members, misc }
    }

    /// The documents in a topic and below it, each once, the newest first.
    pub fn all(&self, topic: usize) -> Vec<&Document> {
        let topics = std::iter::once(topic).chain(self.table.below(Some(topic)));
        self.newest(topics.flat_map(|topic| &self.members[topic]))
    }

    /// These documents, each once, the newest first.
    pub fn newest<'a>(&self, ids: impl Iterator<Item = &'a u64>) -> Vec<&Document> {
        let mut documents: Vec<&Document> = ids.filter_map(|id| self.documents.get(id)).collect();
        documents.sort_by_key(|document| (std::cmp::Reverse(document.date), document.id));
        documents.dedup_by_key(|document| document.id);
        documents
    }

    /// The topics below another one that have documents now, by name.
    pub fn below(&self, parent: Option<usize>) -> Vec<usize> {
        let has_some = |topic: &usize| !self.all(*topic).is_empty();
        let mut topics: Vec<usize> = self.table.below(parent).filter(has_some).collect();
        topics.sort_by_key(|topic| &self.table.topics[*topic].name);
        topics
    }
}

struct View(Key);

impl View {
    fn made(cx: &Context) -> Arc<Made> {
        let make = || Made { shelf: Shelf::new(cx), at: SystemTime::now(), listings: Listings::default() };
        cx.topics.0.get(cx.index.epoch(), make)
    }
}

impl Directory for View {
    fn id(&self) -> Id {
        self.0.id()
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        cx.topics.0.peek(|made| Some(made.at)).unwrap_or(cx.started)
    }

    fn is_slow(&self, cx: &Context) -> bool {
        let epoch = cx.index.epoch();
        !cx.topics.0.has(epoch) || cx.topics.0.peek(|made| made.listings.has(&self.0).then_some(())).is_none()
    }

    fn lookup(&self, cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        let made = View::made(cx);
        let listed = made.listing(&self.0).get(name).cloned();
        listed.or_else(|| made.former(&self.0, name)).ok_or(Error::NotFound)
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        Ok(View::made(cx).listing(&self.0))
    }
}

impl Made {
    fn listing(&self, key: &Key) -> Arc<Listing> {
        self.listings.get(key, || self.entries(key))
    }

    fn entries(&self, key: &Key) -> Vec<(String, Node)> {
        let shelf = &self.shelf;
        match key {
            Key::Top => self.overview(),
            Key::Misc => self.topic(key, pages::misc(shelf), Vec::new(), &shelf.misc),
            // One that is no more is empty for those who still stand in it.
            Key::Topic(path) => match shelf.table.at(path) {
                Some(topic) => {
                    let below = shelf.below(Some(topic));
                    self.topic(key, pages::topic(shelf, topic), below, &shelf.members[topic])
                }
                None => Vec::new(),
            },
        }
    }

    /// Not listed: a name from before a language model chose another leads there.
    fn former(&self, key: &Key, name: &str) -> Option<Node> {
        let parent = match key {
            Key::Top => None,
            Key::Topic(path) => Some(self.shelf.table.at(path)?),
            Key::Misc => return None,
        };
        let topic = self.shelf.table.formerly(parent, name).filter(|topic| !self.shelf.all(*topic).is_empty())?;
        let target = &self.shelf.table.topics[topic].name;
        let id = key.id().child(name).version(target.as_bytes());
        Some(Node::Link(Arc::new(Link { id, target: target.into(), modified: self.at })))
    }

    fn overview(&self) -> Vec<(String, Node)> {
        let shelf = &self.shelf;
        let mut entries =
            vec![self.file(&Key::Top, README, pages::overview(shelf)), self.file(&Key::Top, JSON, pages::json(shelf))];
        entries.extend(shelf.below(None).into_iter().map(|topic| self.dir(topic)));
        if !shelf.misc.is_empty() {
            entries.push((MISC.to_owned(), node(Key::Misc)));
        }
        entries
    }

    fn topic(&self, key: &Key, page: String, below: Vec<usize>, members: &[u64]) -> Vec<(String, Node)> {
        let mut entries = vec![self.file(key, README, page)];
        entries.extend(below.into_iter().map(|topic| self.dir(topic)));
        let mut names = Unique::default();
        entries.iter().for_each(|(name, _)| names.reserve(name));
        let documents = members.iter().filter_map(|id| self.shelf.documents.get(id));
        let targets = documents.map(|document| (document.path.as_path(), render::document_time(document)));
        entries.extend(names::links(key.id(), targets, names));
        entries
    }

    fn dir(&self, topic: usize) -> (String, Node) {
        let table = &self.shelf.table;
        (table.topics[topic].name.clone(), node(Key::Topic(table.path(topic))))
    }

    fn file(&self, dir: &Key, name: &str, text: String) -> (String, Node) {
        let file = File::settled(dir.id().child(name), text.into_bytes(), self.at, CHANGING);
        (name.to_owned(), Node::File(Arc::new(file)))
    }
}
