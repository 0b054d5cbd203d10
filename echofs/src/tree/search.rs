//! `search/<query>/`: ranked results of a query, and `+<query>/` below it to narrow them.
//!
//! `mkdir` keeps a query, `rmdir` drops it and `mv` gives it another name. Kept queries are listed, and the latest others.
//! Naming a query or looking at it from outside runs nothing; looking into it does, once for each state of the index.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use echofs_indexer::{Hit, Results};
use echofs_query_lang::{Parsed, parse, path};

use super::{Context, explain, lines, names, render};
use crate::error::Error;
use crate::events::Event;
use crate::node::{CHANGING, Caller, Directory, File, Id, LIVE, Link, Listing, Node, Ttl};
use crate::syscall::{self, Making};

/// Recent queries that are listed.
const RECENT: usize = 20;
/// Queries whose results stay in memory.
const REMEMBERED: usize = 256;
/// Queries that `mkdir` may keep.
const MOST_KEPT: usize = 100;

/// The queries that were looked into.
#[derive(Default)]
pub struct Searches {
    recent: Mutex<Recent>,
    known: Mutex<Known>,
}

/// Where a query stands in the tree: the directory, and its name there.
pub type Place = (Id, String);

/// The latest queries that were named, each with when that was, by a clock that counts them.
#[derive(Default)]
struct Known {
    dirs: HashMap<u64, (Arc<QueryDir>, u64)>,
    clock: u64,
    /// Is told of those that are let go.
    let_go: Option<Sender<Place>>,
}

impl Known {
    /// The directory of a query: the same one as long as it is among the latest.
    fn dir(&mut self, id: Id, make: impl FnOnce() -> QueryDir) -> Arc<QueryDir> {
        self.clock += 1;
        let (dir, named) = self.dirs.entry(id.0).or_insert_with(|| (Arc::new(make()), 0));
        *named = self.clock;
        let dir = Arc::clone(dir);
        if self.dirs.len() > REMEMBERED {
            let oldest = self.dirs.iter().min_by_key(|(_, (_, named))| *named).map(|(id, _)| *id);
            let oldest = oldest.and_then(|id| self.dirs.remove(&id)).map(|(dir, _)| dir.place.clone());
            if let Some((place, let_go)) = oldest.zip(self.let_go.as_ref()) {
                // Nobody listens while the mount ends.
                let _ = let_go.send(place);
            }
        }
        dir
    }
}

/// The latest names that were looked into, newest first.
#[derive(Default)]
struct Recent {
    names: VecDeque<String>,
    changed: Option<SystemTime>,
}

impl Searches {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The places of queries whose results need not stay in memory any more, as it becomes so; until this is called again or
    /// [`listen_no_more`](Searches::listen_no_more) is.
    pub fn let_go(&self) -> Receiver<Place> {
        let (sender, receiver) = channel();
        self.known().let_go = Some(sender);
        receiver
    }

    /// Ends what [`let_go`](Searches::let_go) gave.
    pub fn listen_no_more(&self) {
        self.known().let_go = None;
    }

    /// The directory of the query at a place.
    fn dir(&self, (parent, name): (Id, &str), make: impl FnOnce(Id, Place) -> QueryDir) -> Arc<QueryDir> {
        let id = parent.child(name);
        self.known().dir(id, || make(id, (parent, name.to_owned())))
    }

    /// The directory of the query that is called `name` in `search/`.
    fn named(&self, name: &str) -> Arc<QueryDir> {
        self.dir((Search.id(), name), |id, place| QueryDir::new(id, place, None, vec![path::decode(name)]))
    }

    /// The directory of documents like the one at `path`, which is called `name` in `parent`.
    pub fn similar(&self, parent: Id, name: &str, path: PathBuf) -> Arc<QueryDir> {
        self.dir((parent, name), |id, place| QueryDir::new(id, place, Some(path), Vec::new()))
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists a query that was looked into. A name that is too long for directories is not listed. One that is listed
    /// stays where it is, so that going over the whole tree changes nothing in it.
    fn note(&self, name: &str) {
        let mut recent = self.recent();
        if recent.names.iter().any(|known| known == name) || name.len() > names::MAX {
            return;
        }
        recent.names.push_front(name.to_owned());
        recent.names.truncate(RECENT);
        recent.changed = Some(SystemTime::now());
    }

    /// Lists a query no longer; whether it was listed.
    fn drop(&self, name: &str) -> bool {
        let mut recent = self.recent();
        let before = recent.names.len();
        recent.names.retain(|known| known != name);
        recent.changed = Some(SystemTime::now());
        recent.names.len() < before
    }
}

/// The directory `search`.
pub struct Search;

impl Directory for Search {
    fn id(&self) -> Id {
        Id::ROOT.child("search")
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        cx.searches.recent().changed.unwrap_or(cx.started)
    }

    fn ttl(&self) -> Ttl {
        Ttl { attr: LIVE.attr, ..crate::node::STABLE }
    }

    fn lookup(&self, cx: &Context, name: &str, caller: Caller) -> Result<Node, Error> {
        if name.starts_with('.') || name.trim().is_empty() {
            return Err(Error::NotFound);
        }
        let is_there = match syscall::making(caller.pid) {
            None => true,
            Some(Making::Directory) => is_kept(cx, name),
            Some(Making::Rename) => is_kept(cx, name) || cx.searches.recent().names.iter().any(|known| known == name),
        };
        if !is_there {
            return Err(Error::NotFound);
        }
        Ok(Node::Dir(Arc::new(Handle(cx.searches.named(name)))))
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        let kept = cx.index.kept().all();
        let recent = cx.searches.recent().names.clone();
        let recent = recent.iter().filter(|name| kept.iter().all(|query| query.name != **name));
        let names = kept.iter().map(|query| &query.name).chain(recent);
        let entry = |name: &String| (name.clone(), Node::Dir(Arc::new(Handle(cx.searches.named(name)))));
        Ok(Arc::new(Listing::new(names.map(entry).collect())))
    }

    fn mkdir(&self, cx: &Context, name: &str) -> Result<Node, Error> {
        check(name)?;
        if cx.index.kept().all().len() >= MOST_KEPT {
            return Err(Error::TooMany("as many queries are kept as can be; rmdir one of them"));
        }
        if !cx.index.kept().keep(name)? {
            return Err(Error::Exists);
        }
        self.begin(cx, name);
        self.changed(cx, &Event::Kept { query: name });
        Ok(Node::Dir(Arc::new(Handle(cx.searches.named(name)))))
    }

    fn rmdir(&self, cx: &Context, name: &str) -> Result<(), Error> {
        let was_kept = cx.index.kept().discard(name)?;
        if !cx.searches.drop(name) && !was_kept {
            return Err(Error::NotFound);
        }
        if was_kept {
            self.changed(cx, &Event::Dropped { query: name });
        }
        Ok(())
    }

    fn rename(&self, cx: &Context, from: &str, to: &str) -> Result<(), Error> {
        check(to)?;
        if !is_kept(cx, from) {
            return Err(Error::NotPermitted("only a kept query can be renamed; mkdir keeps one"));
        }
        if !cx.index.kept().rename(from, to)? {
            return Err(Error::Exists);
        }
        cx.searches.drop(from);
        self.begin(cx, to);
        self.changed(cx, &Event::Renamed { query: from, to });
        Ok(())
    }
}

impl Search {
    /// Notes what a query shows as it begins to be kept.
    fn begin(&self, cx: &Context, name: &str) {
        match hits(cx, name) {
            Ok(hits) => cx.signal.begin(name, hits.into_iter().map(|(_, hit)| hit.document.path).collect()),
            Err(e) => log::debug!("{name}: {e}"),
        }
    }

    fn changed(&self, cx: &Context, event: &Event) {
        cx.searches.recent().changed = Some(SystemTime::now());
        cx.events.tell(event);
        cx.signal.ring();
    }
}

fn is_kept(cx: &Context, name: &str) -> bool {
    cx.index.kept().all().iter().any(|query| query.name == name)
}

/// Whether a query can be kept under this name.
fn check(name: &str) -> Result<(), Error> {
    if name.starts_with('.') || name.trim().is_empty() {
        return Err(Error::NotPermitted("this is no query"));
    }
    if name.len() > names::MAX { Err(Error::NameTooLong) } else { Ok(()) }
}

/// The hits of the query that is called `name` in `search/`, each with the name of its excerpt.
pub fn hits(cx: &Context, name: &str) -> Result<Vec<(String, Hit)>, Error> {
    let view = cx.searches.named(name).view(cx)?;
    let of = view.hits.len();
    Ok(view.hits.iter().map(|hit| (render::hit_name(hit, of), hit.clone())).collect())
}

/// A query: what stands in the path, and what it found.
pub struct QueryDir {
    id: Id,
    place: Place,
    /// The document that others are compared with.
    like: Option<PathBuf>,
    /// The query, and those that narrow it.
    queries: Vec<String>,
    /// Held for moments only: the event loop looks at it.
    views: Mutex<Views>,
    /// Held by whoever searches.
    searching: Mutex<()>,
}

/// What the query found last, and before that: a name that was listed a moment ago still opens.
#[derive(Default)]
struct Views {
    latest: Option<Arc<View>>,
    before: Option<Arc<View>>,
}

/// The results for one state of the index.
struct View {
    epoch: u64,
    /// When its documents or their order last changed.
    changed: SystemTime,
    hits: Vec<Hit>,
    listing: Arc<Listing>,
}

impl View {
    /// Whether both list the same documents in the same order.
    fn shows_what(&self, other: &View) -> bool {
        self.hits.iter().map(|hit| hit.document.id).eq(other.hits.iter().map(|hit| hit.document.id))
    }
}

/// The node of a query directory.
struct Handle(Arc<QueryDir>);

impl QueryDir {
    fn new(id: Id, place: Place, like: Option<PathBuf>, queries: Vec<String>) -> QueryDir {
        QueryDir { id, place, like, queries, views: Mutex::default(), searching: Mutex::default() }
    }

    /// Its name in `search/`, when it stands right there.
    fn name(&self) -> Option<&str> {
        let (parent, name) = &self.place;
        (*parent == Search.id()).then_some(name)
    }

    fn views(&self) -> MutexGuard<'_, Views> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The results, if they are those of the index as it is.
    fn current(&self, cx: &Context) -> Option<Arc<View>> {
        self.views().latest.clone().filter(|view| view.epoch == cx.index.epoch())
    }

    /// The results for the index as it is; one search serves all who ask meanwhile.
    fn view(self: &Arc<Self>, cx: &Context) -> Result<Arc<View>, Error> {
        if let Some(view) = self.current(cx) {
            return Ok(view);
        }
        let _searching = self.searching.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(view) = self.current(cx) {
            return Ok(view);
        }
        let mut view = self.run(cx, cx.index.epoch())?;
        let mut views = self.views();
        if let Some(before) = views.latest.as_ref().filter(|before| before.shows_what(&view)) {
            view.changed = before.changed;
        }
        let view = Arc::new(view);
        views.before = views.latest.replace(Arc::clone(&view));
        Ok(view)
    }

    /// The same, for somebody who looks into the directory.
    fn looked_into(self: &Arc<Self>, cx: &Context) -> Result<Arc<View>, Error> {
        if let Some(name) = self.name() {
            cx.searches.note(name);
        }
        self.view(cx)
    }

    fn run(&self, cx: &Context, epoch: u64) -> Result<View, Error> {
        let now = jiff::Zoned::now();
        let mut parts = self.queries.iter().map(|text| parse(text, &now));
        let mut parsed = parts.next().unwrap_or_else(|| parse("", &now));
        for part in parts {
            parsed = Parsed {
                query: parsed.query.and(part.query),
                diagnostics: [parsed.diagnostics, part.diagnostics].concat(),
            };
        }
        let results = match &self.like {
            Some(path) => cx.index.similar(path, &parsed.query)?,
            None => cx.index.search(&parsed.query)?,
        };
        let asked = match &self.like {
            Some(path) => format!("like {}", path.display()),
            None => self.queries.join(" + "),
        };
        let made = SystemTime::now();
        let listing = Arc::new(Listing::new(entries(self.id, &asked, &parsed, &results, made)));
        Ok(View { epoch, changed: made, hits: results.hits, listing })
    }
}

fn entries(id: Id, asked: &str, parsed: &Parsed, results: &Results, made: SystemTime) -> Vec<(String, Node)> {
    let mut entries = Vec::with_capacity(results.hits.len() + 4);
    let mut links = Vec::with_capacity(results.hits.len());
    let files = id.child("files");
    for hit in &results.hits {
        let name = render::hit_name(hit, results.hits.len());
        let mut file = File::settled(id.child(&name), render::hit(hit).into_bytes(), render::modified(hit), CHANGING);
        file.xattrs = render::hit_xattrs(hit);
        entries.push((name, Node::File(Arc::new(file))));
        let name = render::link_name(hit, results.hits.len());
        let target = hit.document.path.clone();
        let link = Link {
            id: files.child(&name).version(target.as_os_str().as_encoded_bytes()),
            target,
            modified: render::modified(hit),
        };
        links.push((name, Node::Link(Arc::new(link))));
    }
    let mut add = |name: &str, text: String| {
        entries.push((
            name.to_owned(),
            Node::File(Arc::new(File::settled(id.child(name), text.into_bytes(), made, CHANGING))),
        ));
    };
    add("explain.md", explain::explain(asked, parsed, results));
    add("results.jsonl", render::results_jsonl(results));
    add("results.txt", lines::lines(results));
    let files = Files { id: files, made, listing: Arc::new(Listing::new(links)) };
    entries.push(("files".into(), Node::Dir(Arc::new(files))));
    entries
}

impl Directory for Handle {
    fn id(&self) -> Id {
        self.0.id
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        self.0.views().latest.as_ref().map_or(cx.started, |view| view.changed)
    }

    fn ttl(&self) -> Ttl {
        LIVE
    }

    fn is_slow(&self, cx: &Context) -> bool {
        self.0.current(cx).is_none()
    }

    fn lookup(&self, cx: &Context, name: &str, caller: Caller) -> Result<Node, Error> {
        if cx.helper.is(caller) {
            // It is about to make what is there.
            return Err(Error::NotFound);
        }
        if let Some(narrower) = name.strip_prefix('+') {
            return Ok(Node::Dir(Arc::new(Handle(self.0.narrowed(cx, name, narrower)))));
        }
        if name.starts_with('.') {
            return Err(Error::NotFound);
        }
        if let Some(node) = self.0.looked_into(cx)?.listing.get(name) {
            return Ok(node.clone());
        }
        let views = self.0.views();
        let before = views.before.as_ref().and_then(|view| view.listing.get(name));
        before.cloned().ok_or(Error::NotFound)
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        Ok(Arc::clone(&self.0.looked_into(cx)?.listing))
    }

    fn mknod(&self, cx: &Context, name: &str, caller: Caller) -> Result<Node, Error> {
        let listed = || self.0.views().latest.as_ref().and_then(|view| view.listing.get(name).cloned());
        match cx.helper.is(caller) {
            true => listed().ok_or(Error::NotFound),
            false => Err(Error::NotPermitted("no files can be made here; they live in knowledge/notes")),
        }
    }

    fn touch(&self, cx: &Context) -> Result<(), Error> {
        match self.0.name().is_some_and(|name| is_kept(cx, name)) {
            true => Ok(()),
            false => Err(Error::NotPermitted("the times of this directory are those of what it lists")),
        }
    }
}

impl QueryDir {
    fn narrowed(&self, cx: &Context, name: &str, narrower: &str) -> Arc<QueryDir> {
        cx.searches.dir((self.id, name), |id, place| {
            let queries = self.queries.iter().cloned().chain([path::decode(narrower)]).collect();
            QueryDir::new(id, place, self.like.clone(), queries)
        })
    }
}

/// A query directory for the branches that have their own way to one.
pub fn node(dir: Arc<QueryDir>) -> Node {
    Node::Dir(Arc::new(Handle(dir)))
}

/// `files/`: links to the originals, as they were when the results were made.
struct Files {
    id: Id,
    made: SystemTime,
    listing: Arc<Listing>,
}

impl Directory for Files {
    fn id(&self) -> Id {
        self.id
    }

    fn modified(&self, _cx: &Context) -> SystemTime {
        self.made
    }

    fn ttl(&self) -> Ttl {
        LIVE
    }

    fn lookup(&self, _cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        self.listing.get(name).cloned().ok_or(Error::NotFound)
    }

    fn list(&self, _cx: &Context) -> Result<Arc<Listing>, Error> {
        Ok(Arc::clone(&self.listing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queries_named_longest_ago_are_let_go() {
        let searches = Searches::default();
        let let_go = searches.let_go();
        let first = searches.named("0");
        for n in 1..REMEMBERED {
            searches.named(&n.to_string());
        }
        assert!(Arc::ptr_eq(&first, &searches.named("0")), "it is named again");
        searches.named("one more");
        searches.named("and another");
        let names =
            let_go.try_iter().map(|(parent, name)| (parent == Search.id()).then_some(name).expect("in search/"));
        assert_eq!(names.collect::<Vec<_>>(), ["1", "2"]);
        assert!(Arc::ptr_eq(&first, &searches.named("0")));
        searches.listen_no_more();
        searches.named("the last");
        assert_eq!(let_go.recv().ok(), None);
    }

    #[test]
    fn the_documents_compared_longest_ago_are_let_go_too() {
        let searches = Searches::default();
        let let_go = searches.let_go();
        let notes = Id::ROOT.child("similar").child("notes");
        let compare = |name: &str| searches.similar(notes, name, PathBuf::from("/notes").join(name));
        let first = compare("0.md");
        for n in 1..REMEMBERED {
            compare(&format!("{n}.md"));
        }
        assert!(Arc::ptr_eq(&first, &compare("0.md")), "it is named again");
        assert_eq!(first.name(), None, "it is not listed as a query");
        compare("more.md");
        searches.named("a query");
        let gone: Vec<Place> = let_go.try_iter().collect();
        assert_eq!(gone, [(notes, "1.md".to_owned()), (notes, "2.md".to_owned())]);
    }
}
