//! A query as a directory: what it finds in each state of the index, and `+<query>/` below it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use echofs_indexer::Hit;
use echofs_query_lang::{Diagnostic, Parsed, Query, parse, path};

use super::results::entries;
use super::searches::Place;
use super::{Search, is_kept};
use crate::error::Error;
use crate::node::{Caller, Directory, Id, LIVE, Listing, Node, Ttl};
use crate::tree::{Context, render};

/// For so long a date counts from the time of the search: `7d`, `today`.
const MOMENT: Duration = Duration::from_secs(60);

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
    made: SystemTime,
    /// Whether the query has a date in it.
    dated: bool,
    /// When its documents or their order last changed.
    changed: SystemTime,
    hits: Arc<[Listed]>,
    listing: Arc<Listing>,
}

/// What stays in memory of a hit besides its files.
pub struct Listed {
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

impl Listed {
    fn new(hit: Hit, of: usize) -> Self {
        let name = render::hit_name(&hit, of);
        let Hit { rank, document, passage, .. } = hit;
        Self { document: document.id, name, path: document.path, title: document.title, rank, line: passage.line }
    }
}

impl View {
    /// Whether these are the results for the index in this state and at this time.
    fn is_current(&self, epoch: u64, now: SystemTime) -> bool {
        // A clock that was put back makes them old too.
        let recent = || now.duration_since(self.made).is_ok_and(|age| age < MOMENT);
        self.epoch == epoch && (!self.dated || recent())
    }

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
        self.views().latest.clone().filter(|view| view.is_current(cx.index.epoch(), SystemTime::now()))
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
        let made = SystemTime::now();
        let (asked, parsed) = self.read();
        let results = match &self.like {
            Some(path) => cx.index.similar(path, &parsed.query)?,
            None => cx.index.search(&parsed.query)?,
        };
        let listing = Arc::new(Listing::new(entries(self.id, &asked, &parsed, &results, made)));
        let of = results.hits.len();
        let hits = results.hits.into_iter().map(|hit| Listed::new(hit, of)).collect();
        Ok(View { epoch, made, dated: parsed.query.has_dates(), changed: made, hits, listing })
    }

    /// The parts of its path as one text and one query.
    fn read(&self) -> (String, Parsed) {
        let now = jiff::Zoned::now();
        let mut queries = self.queries.iter();
        let (mut asked, mut parsed) = match (&self.like, queries.as_slice()) {
            (Some(path), _) => like(path),
            (None, []) => (String::new(), parse("", &now)),
            (None, [first, ..]) => {
                queries.next();
                (first.clone(), parse(first, &now))
            }
        };
        for text in queries {
            asked.push_str(" + ");
            let part = parse(text, &now);
            parsed.query = parsed.query.and(part.query);
            parsed.diagnostics.extend(part.diagnostics.into_iter().map(|mistake| moved(mistake, asked.len())));
            asked.push_str(text);
        }
        (asked, parsed)
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

fn like(path: &Path) -> (String, Parsed) {
    let query = Query::like(&path.to_string_lossy());
    (format!("like {}", path.display()), Parsed { query, diagnostics: Vec::new() })
}

/// A mistake in a text that begins at this byte of a longer one.
fn moved(Diagnostic { kind, span, message }: Diagnostic, start: usize) -> Diagnostic {
    Diagnostic { kind, span: span.start + start..span.end + start, message }
}

/// A query directory for the branches that have their own way to one.
pub fn node(dir: Arc<QueryDir>) -> Node {
    Node::Dir(Arc::new(Handle(dir)))
}

/// The hits of the query that is called `name` in `search/`.
pub fn hits(cx: &Context, name: &str) -> Result<Arc<[Listed]>, Error> {
    Ok(Arc::clone(&cx.searches.named(name).view(cx)?.hits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(like: Option<&str>, queries: &[&str]) -> (String, Parsed) {
        let queries = queries.iter().map(ToString::to_string).collect();
        QueryDir::new(Id::ROOT, (Id::ROOT, String::new()), like.map(PathBuf::from), queries).read()
    }

    #[test]
    fn mistakes_of_what_narrows_are_where_they_stand_in_the_whole() {
        let (asked, parsed) = read(None, &["tomato tilte:x", "ext:md", "size:huge é"]);
        assert_eq!(asked, "tomato tilte:x + ext:md + size:huge é");
        let marked: Vec<&str> = parsed.diagnostics.iter().map(|mistake| &asked[mistake.span.clone()]).collect();
        assert_eq!(marked, ["tilte:x", "size:huge"]);
        assert_eq!(parsed.query.to_string(), "tomato tilte:x ext:md +size=huge +é");
    }

    #[test]
    fn what_is_like_a_document_is_read_as_a_query() {
        let (asked, parsed) = read(Some("/notes/a plan.md"), &["ext:md", "budget"]);
        assert_eq!(asked, "like /notes/a plan.md + ext:md + budget");
        assert_eq!(parsed.query.to_string(), "like:\"/notes/a plan.md\" ext:md +budget");
    }

    #[test]
    fn results_of_a_query_with_dates_are_good_for_a_moment() {
        let made = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let view = |dated| View { epoch: 7, made, dated, changed: made, hits: Arc::default(), listing: Arc::default() };
        let day = Duration::from_secs(86_400);
        assert!(view(false).is_current(7, made + day) && !view(false).is_current(8, made));
        assert!(view(true).is_current(7, made + MOMENT / 2) && !view(true).is_current(7, made + day));
        assert!(!view(true).is_current(7, made - day), "the clock was put back");
    }
}
