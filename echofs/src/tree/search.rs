//! `search/<query>/`: ranked results of a query, and `+<query>/` below it to narrow them.
//!
//! Naming a query or looking at it from outside runs nothing; looking into it does, once for each state of the index.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use echofs_indexer::Results;
use echofs_query_lang::{Parsed, parse, path};
use quick_cache::sync::Cache;

use super::{Context, render};
use crate::error::Error;
use crate::node::{CHANGING, Caller, Directory, File, Id, LIVE, Link, Listing, Node, Ttl};

/// Recent queries that are listed.
const RECENT: usize = 20;
/// Queries whose results are kept.
const KEPT: usize = 64;

/// The queries that were looked into.
pub struct Searches {
    recent: Mutex<VecDeque<Arc<QueryDir>>>,
    kept: Cache<u64, Arc<QueryDir>>,
}

impl Default for Searches {
    fn default() -> Self {
        Searches { recent: Mutex::default(), kept: Cache::new(KEPT) }
    }
}

impl Searches {
    /// The directory of a query: the same one as long as it is kept.
    fn dir(&self, id: Id, make: impl FnOnce() -> QueryDir) -> Arc<QueryDir> {
        if let Some(dir) = self.kept.get(&id.0) {
            return dir;
        }
        let dir = Arc::new(make());
        self.kept.insert(id.0, Arc::clone(&dir));
        dir
    }

    /// The directory of documents like the one at `path`.
    pub fn similar(&self, id: Id, path: PathBuf) -> Arc<QueryDir> {
        self.dir(id, || QueryDir::new(id, Some(path), None, Vec::new()))
    }

    fn note(&self, dir: &Arc<QueryDir>) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.iter().all(|known| known.id != dir.id) {
            recent.push_front(Arc::clone(dir));
            recent.truncate(RECENT);
        }
    }
}

/// The directory `search`.
pub struct Search;

impl Directory for Search {
    fn id(&self) -> Id {
        Id::ROOT.child("search")
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        cx.started
    }

    fn lookup(&self, cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        if name.starts_with('.') || name.trim().is_empty() {
            return Err(Error::NotFound);
        }
        let id = self.id().child(name);
        let make = || QueryDir::new(id, None, Some(name.to_owned()), vec![path::decode(name)]);
        Ok(Node::Dir(Arc::new(Handle(cx.searches.dir(id, make)))))
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        let recent = cx.searches.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = |dir: &Arc<QueryDir>| Some((dir.name.clone()?, Node::Dir(Arc::new(Handle(Arc::clone(dir))))));
        Ok(Arc::new(Listing::new(recent.iter().filter_map(entry).collect())))
    }
}

/// A query: what stands in the path, and what it found.
pub struct QueryDir {
    id: Id,
    /// The document that others are compared with.
    like: Option<PathBuf>,
    /// Its name in `search/`, when it stands right there.
    name: Option<String>,
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
    made: SystemTime,
    listing: Arc<Listing>,
}

/// The node of a query directory.
struct Handle(Arc<QueryDir>);

impl QueryDir {
    fn new(id: Id, like: Option<PathBuf>, name: Option<String>, queries: Vec<String>) -> QueryDir {
        QueryDir { id, like, name, queries, views: Mutex::default(), searching: Mutex::default() }
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
        let view = Arc::new(self.run(cx, cx.index.epoch())?);
        let mut views = self.views();
        views.before = views.latest.replace(Arc::clone(&view));
        drop(views);
        if self.name.is_some() {
            cx.searches.note(self);
        }
        Ok(view)
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
        Ok(View { epoch, made, listing: Arc::new(Listing::new(entries(self.id, &asked, &parsed, &results, made))) })
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
    add("explain.md", render::explain(asked, parsed, results));
    add("results.jsonl", render::jsonl(results));
    add("results.txt", render::lines(results));
    let files = Files { id: files, made, listing: Arc::new(Listing::new(links)) };
    entries.push(("files".into(), Node::Dir(Arc::new(files))));
    entries
}

impl Directory for Handle {
    fn id(&self) -> Id {
        self.0.id
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        self.0.views().latest.as_ref().map_or(cx.started, |view| view.made)
    }

    fn ttl(&self) -> Ttl {
        Ttl { attr: LIVE.attr, ..crate::node::STABLE }
    }

    fn is_slow(&self, cx: &Context) -> bool {
        self.0.current(cx).is_none()
    }

    fn lookup(&self, cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        if let Some(narrower) = name.strip_prefix('+') {
            return Ok(Node::Dir(Arc::new(Handle(self.0.narrowed(cx, name, narrower)))));
        }
        if name.starts_with('.') {
            return Err(Error::NotFound);
        }
        if let Some(node) = self.0.view(cx)?.listing.get(name) {
            return Ok(node.clone());
        }
        let views = self.0.views();
        let before = views.before.as_ref().and_then(|view| view.listing.get(name));
        before.cloned().ok_or(Error::NotFound)
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        Ok(Arc::clone(&self.0.view(cx)?.listing))
    }
}

impl QueryDir {
    fn narrowed(&self, cx: &Context, name: &str, narrower: &str) -> Arc<QueryDir> {
        let id = self.id.child(name);
        cx.searches.dir(id, || {
            let mut queries = self.queries.clone();
            queries.push(path::decode(narrower));
            QueryDir::new(id, self.like.clone(), None, queries)
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
