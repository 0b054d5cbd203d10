//! `facts/`: what the documents state, by category, by what it is about, by source and as it was on a day.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use echofs_indexer::facts::{Category, Fact, Facts as Table, Wish};
use echofs_indexer::scratch::{Scratch, Written};
use jiff::civil::Date;

use super::cached::{Cached, Listings};
use super::{Context, control, fact_edits, fact_pages as pages, names, render};
use crate::error::Error;
use crate::node::{CHANGING, Caller, Content, Control as Order, Directory, File, Id, Listing, Node};
use crate::syscall;

/// Facts that took the place of one another are followed so far.
const DEEPEST: usize = 64;

/// Days in `as-of/` that are listed; any other day can be looked up.
const DAYS: usize = 8;

const NAMES: [&str; 6] = ["by-category", "by-entity", "by-source", "as-of", "facts.jsonl", "correct"];

const CORRECT: &str = "\
Write a line to this file to put a fact right. What you write wins over what is read from your files, for good.

    ID | subject | predicate | object      says what is true in place of the fact with this id
    subject | predicate | object           adds a fact
    remove ID                              removes one (as `rm` does in by-category/)

An id stands in the front matter of each fact's file, in facts.jsonl, and behind a ~ in relationship/about-me.md and
relationship/people/. Or edit the fact itself: its file in by-category/, or its line in by-entity/ and by-source/. What it said
before stays in as-of/.
";

/// A directory of this branch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Top,
    Categories,
    Category(Category),
    Entities,
    /// What stands before the names in it: "", "notes/", "notes/journal/".
    Sources(String),
    Days,
    Day(Date),
}

impl Key {
    fn id(&self) -> Id {
        let top = || Id::ROOT.child("facts");
        match self {
            Key::Top => top(),
            Key::Categories => top().child("by-category"),
            Key::Category(category) => Key::Categories.id().child(category.name()),
            Key::Entities => top().child("by-entity"),
            Key::Sources(prefix) => {
                prefix.split_terminator('/').fold(top().child("by-source"), |id, name| id.child(name))
            }
            Key::Days => top().child("as-of"),
            Key::Day(date) => Key::Days.id().child(&date.to_string()),
        }
    }

    /// Whether pages that can be edited are in it.
    fn has_pages(&self) -> bool {
        matches!(self, Key::Category(_) | Key::Entities | Key::Sources(_))
    }
}

/// The directory `facts`.
pub fn top() -> Node {
    node(Key::Top)
}

fn node(key: Key) -> Node {
    Node::Dir(Arc::new(View(key)))
}

/// What the directories list, for one state of the facts.
#[derive(Default)]
pub struct Views(Cached<Made>);

/// The listings that were asked for so far.
struct Made {
    facts: Arc<Table>,
    at: SystemTime,
    /// For each document, as `by-source` names it, its facts.
    sources: BTreeMap<String, Vec<u32>>,
    listings: Listings<Key>,
}

struct View(Key);

impl View {
    fn made(cx: &Context) -> Arc<Made> {
        let facts = cx.index.facts();
        cx.facts.0.get(facts.number, || Made::new(cx, facts.clone()))
    }
}

impl Directory for View {
    fn id(&self) -> Id {
        self.0.id()
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        cx.facts.0.peek(|made| Some(made.at)).unwrap_or(cx.started)
    }

    fn is_slow(&self, cx: &Context) -> bool {
        let number = cx.index.facts().number;
        !cx.facts.0.has(number) || cx.facts.0.peek(|made| made.listings.has(&self.0).then_some(())).is_none()
    }

    fn lookup(&self, cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        if self.0 == Key::Days {
            let date = name.parse::<Date>().ok().filter(|date| date.to_string() == name);
            return date.map(|date| node(Key::Day(date))).ok_or(Error::NotFound);
        }
        let made = View::made(cx);
        let known = made.listing(cx, &self.0).get(name).cloned();
        known.or_else(|| cx.drafts.get(self.id(), name)).or_else(|| self.newest(&made, name)).ok_or(Error::NotFound)
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        Ok(View::made(cx).listing(cx, &self.0))
    }

    fn unlink(&self, cx: &Context, name: &str, caller: Caller) -> Result<(), Error> {
        if cx.drafts.remove(self.id(), name) {
            return Ok(());
        }
        let Key::Category(_) = self.0 else {
            return Err(Error::NotPermitted("facts are removed in by-category"));
        };
        // From elsewhere it removes what has the name, before it finds out that it cannot put anything there.
        if syscall::is_mv(caller.pid) {
            return Err(Error::NotPermitted(
                "`mv` would remove the fact: `rm` does, and `cp` puts a page in its place",
            ));
        }
        let facts = cx.index.facts();
        let fact = newest(&facts, pages::named(&facts, name).ok_or(Error::NotFound)?);
        cx.index.change_facts(&Wish::Remove(fact.id.to_string()))?;
        Ok(())
    }

    fn create(&self, cx: &Context, name: &str) -> Result<Node, Error> {
        if !self.0.has_pages() {
            return Err(Error::NotPermitted("facts are written to where their pages are"));
        }
        cx.drafts.make(self.id(), name)
    }

    /// Puts a draft in the place of a page, as editors save: what it says is done, and the page is made anew.
    fn rename(&self, cx: &Context, from: &str, to: &str) -> Result<(), Error> {
        let text = cx.drafts.text(self.id(), from).ok_or(Error::NotPermitted("a fact is called as it says"))?;
        let Ok(Node::File(page)) = self.lookup(cx, to, Caller::default()) else { return Err(NO_PAGE) };
        let Content::Facts { text: page, facts } = &page.content else { return Err(NO_PAGE) };
        fact_edits::put_right(cx, page, facts, &text)?;
        cx.drafts.remove(self.id(), from);
        Ok(())
    }
}

const NO_PAGE: Error = Error::NotPermitted("a file can only take the name of a page about facts");

impl View {
    /// The file of what took the place of a fact that had this name: who has just edited it looks for it under the old one.
    fn newest(&self, made: &Made, name: &str) -> Option<Node> {
        let Key::Category(_) = self.0 else { return None };
        let old = pages::named(&made.facts, name).filter(|fact| fact.superseded_by.is_some())?;
        let newest = newest(&made.facts, old);
        newest.is_likely().then(|| fact_file(&newest))
    }
}

/// What took the place of a fact in the end; itself where nothing did.
fn newest<'a>(facts: &'a Table, fact: Fact<'a>) -> Fact<'a> {
    let newer = |fact: &Fact<'a>| fact.superseded_by.and_then(|id| facts.get(id));
    std::iter::successors(newer(&fact), newer).take(DEEPEST).last().unwrap_or(fact)
}

/// The file of a fact.
fn fact_file(fact: &Fact) -> Node {
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

impl Made {
    fn new(cx: &Context, facts: Arc<Table>) -> Self {
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

    fn listing(&self, cx: &Context, key: &Key) -> Arc<Listing> {
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

/// Does what a line written to `correct` says.
pub fn correct(cx: &Context, line: &str) -> Result<(), Error> {
    let wish =
        wish(line).ok_or_else(|| Error::Invalid("not `ID | subject | predicate | object` or `remove ID`".into()))?;
    Ok(cx.index.change_facts(&wish)?)
}

fn wish(line: &str) -> Option<Wish> {
    if let Some(id) = line.strip_prefix("remove ") {
        return Some(Wish::Remove(id.trim().to_owned()));
    }
    let parts: Vec<String> = line.split('|').map(|part| part.trim().to_owned()).collect();
    if parts.iter().any(String::is_empty) {
        return None;
    }
    match <[String; 4]>::try_from(parts) {
        Ok([id, subject, predicate, object]) => Some(Wish::Correct(id, [subject, predicate, object].into())),
        Err(parts) => <[String; 3]>::try_from(parts).ok().map(Wish::State),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_correct_are_read() {
        let parts = || ["Oda", "lives in", "Bergen"].map(String::from);
        assert_eq!(wish("0f | Oda | lives in | Bergen"), Some(Wish::Correct("0f".into(), parts().into())));
        assert_eq!(wish("Oda| lives in |Bergen"), Some(Wish::State(parts())));
        assert_eq!(wish("remove 0f"), Some(Wish::Remove("0f".into())));
        for bad in ["Oda lives in Bergen", "a | b", "a | b | c | d | e", "a | | c"] {
            assert_eq!(wish(bad), None, "{bad}");
        }
    }
}
