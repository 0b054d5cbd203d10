//! `knowledge/`: the notes, and every document by time, type and tag, as links.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use echofs_indexer::Document;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::cached::Cached;
use super::names::{self, Unique};
use super::{Context, render};
use crate::error::Error;
use crate::node::{Caller, Directory, Id, Link, Listing, Node};

/// Documents in `recent/`.
const RECENT: usize = 100;

fn place() -> Id {
    Id::ROOT.child("knowledge")
}

/// The directory `knowledge`.
pub struct Knowledge;

impl Directory for Knowledge {
    fn id(&self) -> Id {
        place()
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        cx.started
    }

    fn lookup(&self, cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        match name {
            "notes" => Ok(Node::Real(Arc::clone(&cx.notes))),
            "sources" => Ok(view(Key::Sources)),
            "recent" => Ok(view(Key::Recent)),
            "by-date" => Ok(view(Key::Dates)),
            "by-type" => Ok(view(Key::Types)),
            "by-tag" => Ok(view(Key::Tags)),
            _ => Err(Error::NotFound),
        }
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        let names = ["notes", "sources", "recent", "by-date", "by-type", "by-tag"];
        let entry = |name: &&str| Ok((name.to_string(), self.lookup(cx, name, Caller::default())?));
        Ok(Arc::new(Listing::new(names.iter().map(entry).collect::<Result<_, Error>>()?)))
    }
}

/// A directory below `knowledge`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Sources,
    Recent,
    Dates,
    Year(i16),
    Month(i16, i8),
    Day(i16, i8, i8),
    Types,
    Type(String),
    Tags,
    Tag(String),
}

impl Key {
    fn id(&self) -> Id {
        let below = |key: Key, name: &str| key.id().child(name);
        match self {
            Key::Sources => place().child("sources"),
            Key::Recent => place().child("recent"),
            Key::Dates => place().child("by-date"),
            Key::Types => place().child("by-type"),
            Key::Tags => place().child("by-tag"),
            Key::Year(year) => below(Key::Dates, &self.name_of(i32::from(*year))),
            Key::Month(year, month) => below(Key::Year(*year), &self.name_of(i32::from(*month))),
            Key::Day(year, month, day) => below(Key::Month(*year, *month), &self.name_of(i32::from(*day))),
            Key::Type(name) => below(Key::Types, name),
            Key::Tag(name) => below(Key::Tags, name),
        }
    }

    fn name_of(&self, number: i32) -> String {
        if matches!(self, Key::Year(_)) { format!("{number:04}") } else { format!("{number:02}") }
    }
}

fn view(key: Key) -> Node {
    Node::Dir(Arc::new(View(key)))
}

/// The node of a directory below `knowledge`; what it lists is found anew for each state of the index.
struct View(Key);

impl Directory for View {
    fn id(&self) -> Id {
        self.0.id()
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        cx.views.groups.peek(|groups| groups.get(&self.0).map(|group| group.modified)).unwrap_or(cx.started)
    }

    fn is_slow(&self, cx: &Context) -> bool {
        self.0 != Key::Sources && !cx.views.groups.has(cx.index.epoch())
    }

    fn lookup(&self, cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        self.listing(cx).and_then(|listing| listing.get(name).cloned()).ok_or(Error::NotFound)
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        // A day whose last document is gone is empty for those who still stand in it.
        Ok(self.listing(cx).unwrap_or_default())
    }
}

impl View {
    fn listing(&self, cx: &Context) -> Option<Arc<Listing>> {
        if self.0 == Key::Sources {
            return Some(Arc::new(sources(cx)));
        }
        let documents = cx.index.documents();
        let groups = cx.views.groups.get(cx.index.epoch(), || groups(&documents, cx.started));
        groups.get(&self.0).map(|group| group.listing(&self.0))
    }
}

/// The documents in their groups, once for each state of the index.
#[derive(Default)]
pub struct Views {
    groups: Cached<BTreeMap<Key, Group>>,
}

/// What one directory lists.
struct Group {
    modified: SystemTime,
    members: Members,
    listing: OnceLock<Arc<Listing>>,
}

enum Members {
    Groups(BTreeMap<String, Key>),
    Documents(Vec<Arc<Item>>),
}

struct Item {
    document: Document,
    modified: SystemTime,
}

impl Group {
    fn listing(&self, key: &Key) -> Arc<Listing> {
        let make = || match &self.members {
            Members::Groups(groups) => groups.iter().map(|(name, key)| (name.clone(), view(key.clone()))).collect(),
            Members::Documents(items) => {
                let targets = items.iter().map(|item| (item.document.path.as_path(), item.modified));
                names::links(key.id(), targets, Unique::default())
            }
        };
        Arc::clone(self.listing.get_or_init(|| Arc::new(Listing::new(make()))))
    }
}

/// Puts every document into its groups. Within one, the oldest document comes first and so keeps its plain name.
fn groups(documents: &[Document], started: SystemTime) -> BTreeMap<Key, Group> {
    let zone = TimeZone::system();
    let item =
        |document: &Document| Arc::new(Item { document: document.clone(), modified: render::document_time(document) });
    let mut items: Vec<Arc<Item>> = documents.iter().map(item).collect();
    items.sort_by_key(|item| item.document.id);
    let mut made = Groups { made: BTreeMap::new(), started };
    for key in [Key::Recent, Key::Dates, Key::Types, Key::Tags] {
        made.group(key);
    }
    for item in &items {
        let date = Timestamp::from_second(item.document.date).unwrap_or_default();
        made.add_date(&date.to_zoned(zone.clone()), item);
        made.add(Key::Types, type_name(item), Key::Type, item);
        for tag in &item.document.tags {
            made.add(Key::Tags, names::clean(tag, 100), Key::Tag, item);
        }
    }
    items.sort_by_key(|item| std::cmp::Reverse(item.document.modified_ns));
    items.truncate(RECENT);
    for item in &items {
        made.put(Key::Recent, item);
    }
    made.made
}

fn type_name(item: &Item) -> String {
    let extension = item.document.path.extension().and_then(|extension| extension.to_str()).unwrap_or("none");
    names::clean(&extension.to_lowercase(), 100)
}

struct Groups {
    made: BTreeMap<Key, Group>,
    started: SystemTime,
}

impl Groups {
    fn group(&mut self, key: Key) -> &mut Group {
        let members = match key {
            Key::Dates | Key::Year(_) | Key::Month(..) | Key::Types | Key::Tags => Members::Groups(BTreeMap::new()),
            Key::Sources | Key::Recent | Key::Day(..) | Key::Type(_) | Key::Tag(_) => Members::Documents(Vec::new()),
        };
        let modified = self.started;
        self.made.entry(key).or_insert_with(|| Group { modified, members, listing: OnceLock::new() })
    }

    fn name(&mut self, parent: Key, name: String, child: Key) {
        if let Members::Groups(groups) = &mut self.group(parent).members {
            groups.insert(name, child);
        }
    }

    fn put(&mut self, key: Key, item: &Arc<Item>) {
        let group = self.group(key);
        if let Members::Documents(items) = &mut group.members {
            group.modified = if items.is_empty() { item.modified } else { group.modified.max(item.modified) };
            items.push(Arc::clone(item));
        }
    }

    fn add(&mut self, parent: Key, name: String, key: impl Fn(String) -> Key, item: &Arc<Item>) {
        if !name.is_empty() && !name.starts_with('.') {
            self.name(parent, name.clone(), key(name.clone()));
            self.put(key(name), item);
        }
    }

    fn add_date(&mut self, date: &Zoned, item: &Arc<Item>) {
        let (year, month, day) = (date.year(), date.month(), date.day());
        let keys = [Key::Dates, Key::Year(year), Key::Month(year, month), Key::Day(year, month, day)];
        let numbers = [i32::from(year), i32::from(month), i32::from(day)];
        for (pair, number) in keys.windows(2).zip(numbers) {
            self.name(pair[0].clone(), pair[1].name_of(number), pair[1].clone());
        }
        self.put(Key::Day(year, month, day), item);
    }
}

fn sources(cx: &Context) -> Listing {
    let id = Key::Sources.id();
    let link = |source: echofs_indexer::Source| {
        let name = names::clean(&source.name, names::MAX);
        let id = id.child(&name).version(source.root.as_os_str().as_encoded_bytes());
        (name, Node::Link(Arc::new(Link { id, target: source.root, modified: cx.started })))
    };
    Listing::new(cx.index.sources().into_iter().map(link).collect())
}
