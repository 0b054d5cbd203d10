//! `search/<query>/`: ranked results of a query, and `+<query>/` below it to narrow them.
//!
//! `mkdir` keeps a query, `rmdir` drops it and `mv` gives it another name. Kept queries are listed, and the latest others.
//! Naming a query or looking at it from outside runs nothing; looking into it does, once for each state of the index.

mod query;
mod results;
mod searches;

use std::sync::Arc;
use std::time::SystemTime;

use super::{Context, names};
use crate::error::Error;
use crate::events::Event;
use crate::node::{Caller, Directory, Id, LIVE, Listing, Node, Ttl};
use crate::syscall;

pub use query::{Listed, hits, node};
pub use searches::Searches;

/// Queries that `mkdir` may keep.
const MOST_KEPT: usize = 100;

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
        // Whoever gives a name finds only those that are taken.
        if syscall::is_naming(caller.pid) && !is_kept(cx, name) {
            return Err(Error::NotFound);
        }
        Ok(node(cx.searches.named(name)))
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        let kept = cx.index.kept().all();
        let recent = cx.searches.recent().names.clone();
        let recent = recent.iter().filter(|name| kept.iter().all(|query| query.name != **name));
        let names = kept.iter().map(|query| &query.name).chain(recent);
        let entry = |name: &String| (name.clone(), node(cx.searches.named(name)));
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
        Ok(node(cx.searches.named(name)))
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
            Ok(hits) => cx.signal.begin(name, hits.iter().map(|hit| hit.path.clone()).collect()),
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
