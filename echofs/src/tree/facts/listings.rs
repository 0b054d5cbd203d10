//! What the directories of facts list, for one state of the facts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use echofs_indexer::facts::{Category, Fact, Facts as Table};
use echofs_indexer::scratch::{Scratch, Written};
use jiff::civil::Date;

use super::correct::CORRECT;
use super::{Key, node};
use crate::node::{CHANGING, Content, Control as Order, File, Id, Listing, Node};
use crate::tree::cached::Listings;
use crate::tree::{Context, control, fact_pages as pages, names, render};

/// Days in `as-of/` that are listed; any other day can be looked up.
const DAYS: usize = 8;

const NAMES: [&str; 6] = ["by-category", "by-entity", "by-source", "as-of", "facts.jsonl", "correct"];

/// The listings that were asked for so far.
pub struct Made {
    pub facts: Arc<Table>,
    pub at: SystemTime,
    /// For each document, as `by-source` names it, its facts.
    sources: BTreeMap<String, Vec<u32>>,
    pub listings: Listings<Key>,
}

impl Made {
    pub fn new(cx: &Context, facts: Arc<Table>) -> Self {
        let mut sources: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        let roots = cx.index.sources();
        for (at, fact) in (0..).zip(facts.all()) {
            if !fact.is_likely() {
                continue;
            }
            let paths: BTreeSet<&Path> = fact.sources.iter().map(|source| source.path).collect();
            for path in paths {
                if let Some(name) = below(path, &roots) {
                    sources.entry(name).or_default().push(at);
                }
            }
        }
        Self { facts, at: SystemTime::now(), sources, listings: Listings::default() }
    }

    pub fn listing(&self, cx: &Context, key: &Key) -> Arc<Listing> {
        self.listings.get(key, || self.entries(cx, key))
    }

    fn entries(&self, cx: &Context, key: &Key) -> Vec<(String, Node)> {
        match key {
            Key::Top => NAMES.iter().map(|name| (name.to_string(), self.top(cx, name))).collect(),
            Key::Categories => Category::ALL.iter().map(|c| (c.name().to_owned(), node(Key::Category(*c)))).collect(),
            Key::Category(category) => self.category(*category),
            Key::Entities => self.entities(),
            Key::Sources(prefix) => self.sources(key, prefix),
            Key::Days => self.days().into_iter().map(|date| (date.to_string(), node(Key::Day(date)))).collect(),
            Key::Day(date) => self.day(cx, key, *date),
        }
    }

    fn top(&self, cx: &Context, name: &str) -> Node {
        match name {
            "by-category" => node(Key::Categories),
            "by-entity" => node(Key::Entities),
            "by-source" => node(Key::Sources(String::new())),
            "as-of" => node(Key::Days),
            "correct" => Node::File(Arc::new(control::order(Key::Top.id().child(name), Order::Facts, CORRECT, cx))),
            _ => self.lines(cx, &Key::Top, name, self.all()),
        }
    }

    fn all(&self) -> impl Iterator<Item = Fact<'_>> + Clone {
        self.facts.all()
    }

    /// What holds now.
    fn current(&self) -> impl Iterator<Item = Fact<'_>> {
        self.all().filter(|fact| fact.superseded_by.is_none())
    }

    fn file(&self, dir: &Key, name: &str, text: String, modified: SystemTime) -> Node {
        Node::File(Arc::new(File::settled(dir.id().child(name), text.into_bytes(), modified, CHANGING)))
    }

    /// Facts as lines, which may be larger than what should be in memory.
    fn lines<'a>(&self, cx: &Context, dir: &Key, name: &str, facts: impl Iterator<Item = Fact<'a>> + Clone) -> Node {
        let id = dir.id().child(name);
        let file = large(cx.index.scratch(), id, facts.clone(), self.at).unwrap_or_else(|why| {
            log::warn!("{why}: {name} is made in memory");
            File::settled(id, render::jsonl(facts).into_bytes(), self.at, CHANGING)
        });
        Node::File(Arc::new(file))
    }

    fn category(&self, category: Category) -> Vec<(String, Node)> {
        let listed = self.current().filter(|fact| fact.category == category && fact.is_likely());
        let files: BTreeMap<String, Node> = listed.map(|fact| (pages::name(&fact), fact_file(&fact))).collect();
        files.into_iter().collect()
    }

    fn entities(&self) -> Vec<(String, Node)> {
        let mut by_name: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (at, fact) in (0..).zip(self.all()).filter(|(_, fact)| fact.is_likely()) {
            let sides: BTreeSet<&str> = fact.subject_entity.into_iter().chain(fact.object_entity).collect();
            for entity in sides {
                by_name.entry(entity).or_default().push(at);
            }
        }
        let page = |(entity, facts): (&str, Vec<u32>)| {
            let facts: Vec<Fact> = facts.into_iter().filter_map(|at| self.facts.at(at)).collect();
            let name = names::bounded(&names::clean(entity.trim_start_matches('.'), names::MAX), ".md");
            let modified = facts.iter().map(pages::time).max().unwrap_or(self.at);
            let file = page_file(Key::Entities.id().child(&name), pages::entity(entity, &facts), modified);
            (name, Node::File(Arc::new(file)))
        };
        let files: BTreeMap<String, Node> = by_name.into_iter().map(page).collect();
        files.into_iter().collect()
    }

    /// The directories and documents one step below `prefix`.
    fn sources(&self, key: &Key, prefix: &str) -> Vec<(String, Node)> {
        let mut entries: BTreeMap<String, Node> = BTreeMap::new();
        for (path, facts) in self.sources.range(prefix.to_owned()..).take_while(|(path, _)| path.starts_with(prefix)) {
            let rest = &path[prefix.len()..];
            match rest.split_once('/') {
                Some((dir, _)) => {
                    entries.entry(dir.to_owned()).or_insert_with(|| node(Key::Sources(format!("{prefix}{dir}/"))));
                }
                None => {
                    let name = if rest.ends_with(".md") { rest.to_owned() } else { names::bounded(rest, ".md") };
                    let facts = || facts.iter().filter_map(|at| self.facts.at(*at));
                    let modified = facts().map(|fact| pages::time(&fact)).max().unwrap_or(self.at);
                    let file = page_file(key.id().child(&name), pages::document(path, facts()), modified);
                    entries.insert(name, Node::File(Arc::new(file)));
                }
            }
        }
        entries.into_iter().collect()
    }

    /// The latest days on which something began or ended to be true.
    fn days(&self) -> Vec<Date> {
        let mut days: BTreeSet<Date> =
            self.all().flat_map(|fact| [Some(fact.since()), fact.valid_until]).flatten().collect();
        while days.len() > DAYS {
            days.pop_first();
        }
        days.into_iter().collect()
    }

    fn day(&self, cx: &Context, key: &Key, date: Date) -> Vec<(String, Node)> {
        let (held, known) = (|| self.all().filter(move |fact| fact.holds_on(date)), || self.facts.known_on(date));
        let page = |name: &str, heading: &str, text: &mut dyn Iterator<Item = Fact>| {
            let text = pages::day(&format!("{heading} {date}"), text.filter(Fact::is_likely));
            (name.to_owned(), self.file(key, name, text, self.at))
        };
        vec![
            ("facts.jsonl".into(), self.lines(cx, key, "facts.jsonl", held())),
            page("facts.md", "Known to be so on", &mut held()),
            ("known.jsonl".into(), self.lines(cx, key, "known.jsonl", known())),
            page("known.md", "What was known on", &mut known()),
        ]
    }
}

/// The file of a fact.
pub fn fact_file(fact: &Fact) -> Node {
    let id = Key::Category(fact.category).id().child(&pages::name(fact));
    let page = pages::Page { text: pages::fact(fact), facts: vec![fact.id] };
    let file = page_file(id, page, pages::time(fact));
    Node::File(Arc::new(File { xattrs: pages::xattrs(fact), ..file }))
}

/// A page that can be edited.
fn page_file(place: Id, page: pages::Page, modified: SystemTime) -> File {
    let text: Arc<[u8]> = page.text.into_bytes().into();
    let content = Content::Facts { text: Arc::clone(&text), facts: page.facts.into() };
    File { content, ..File::settled(place, text, modified, CHANGING) }
}

/// A file of lines, written line by line.
fn large<'a>(
    mut scratch: Scratch,
    place: Id,
    lines: impl Iterator<Item = Fact<'a>>,
    modified: SystemTime,
) -> Result<File, echofs_indexer::Error> {
    let mut digest = blake3::Hasher::new();
    for line in lines {
        let line = render::jsonl([line]);
        digest.update(line.as_bytes());
        scratch.add(line.as_bytes())?;
    }
    let size = scratch.len();
    Ok(match scratch.written()? {
        Written::Few(bytes) => File::settled(place, bytes, modified, CHANGING),
        Written::Many(file) => File {
            id: place.version(digest.finalize().as_bytes()),
            content: Content::Large { file, size },
            modified,
            ttl: CHANGING,
            xattrs: Vec::new(),
        },
    })
}

/// A document's path as `by-source` shows it: the name of its source, then the path below that.
fn below(path: &Path, roots: &[echofs_indexer::Source]) -> Option<String> {
    let root = roots
        .iter()
        .filter(|source| path.starts_with(&source.root))
        .max_by_key(|source| source.root.as_os_str().len())?;
    let rest = path.strip_prefix(&root.root).ok()?;
    let rest = rest.to_string_lossy().replace('\u{fffd}', "_");
    Some(format!("{}/{rest}", names::clean(&root.name, names::MAX)))
}
