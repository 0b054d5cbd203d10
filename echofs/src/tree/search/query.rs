//! A query as a directory: what it finds in each state of the index, and `+<query>/` below it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use echofs_indexer::Hit;
use echofs_query_lang::{Parsed, parse, path};

use super::results::entries;
use super::searches::Place;
use super::{Search, is_kept};
use crate::error::Error;
use crate::node::{Caller, Directory, Id, LIVE, Listing, Node, Ttl};
use crate::tree::{Context, render};

/// A query: what stands in the path, and what it found.
pub struct QueryDir {
    id: Id,
    pub(super) place: Place,
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
    hits: Arc<[Shown]>,
    listing: Arc<Listing>,
}

/// What stays in memory of a hit besides its files.
pub struct Shown {
    document: u64,
    /// The name of its excerpt.
    pub name: String,
    /// Where the document is.
    pub path: PathBuf,
    /// Its title.
    pub title: String,
    /// Counted from 1.
    pub rank: usize,
    /// The first line of the excerpt, from 1.
    pub line: u32,
}

impl Shown {
    fn new(hit: Hit, of: usize) -> Self {
        let name = render::hit_name(&hit, of);
        let Hit { rank, document, passage, .. } = hit;
        Self { document: document.id, name, path: document.path, title: document.title, rank, line: passage.line }
    }
}

impl View {
    /// Whether both list the same documents in the same order.
    fn shows_what(&self, other: &View) -> bool {
        self.hits.iter().map(|hit| hit.document).eq(other.hits.iter().map(|hit| hit.document))
    }
}

/// The node of a query directory.
struct Handle(Arc<QueryDir>);

impl QueryDir {
    pub(super) fn new(id: Id, place: Place, like: Option<PathBuf>, queries: Vec<String>) -> QueryDir {
        QueryDir { id, place, like, queries, views: Mutex::default(), searching: Mutex::default() }
    }

    /// Its name in `search/`, when it stands right there.
    pub(super) fn name(&self) -> Option<&str> {
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
        let of = results.hits.len();
        let hits = results.hits.into_iter().map(|hit| Shown::new(hit, of)).collect();
        Ok(View { epoch, changed: made, hits, listing })
    }

    fn narrowed(&self, cx: &Context, name: &str, narrower: &str) -> Arc<QueryDir> {
        cx.searches.dir((self.id, name), |id, place| {
            let queries = self.queries.iter().cloned().chain([path::decode(narrower)]).collect();
            QueryDir::new(id, place, self.like.clone(), queries)
        })
    }
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

/// A query directory for the branches that have their own way to one.
pub fn node(dir: Arc<QueryDir>) -> Node {
    Node::Dir(Arc::new(Handle(dir)))
}

/// The hits of the query that is called `name` in `search/`.
pub fn hits(cx: &Context, name: &str) -> Result<Arc<[Shown]>, Error> {
    Ok(Arc::clone(&cx.searches.named(name).view(cx)?.hits))
}
