//! `similar/<absolute path>/`: what is like that document. Nothing is listed on the way there, so that a
//! program that walks the tree does not compare every document with every other.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use echofs_query_lang::path;

use super::{Context, behind, search};
use crate::error::Error;
use crate::node::{Caller, Directory, Id, Listing, Node};

/// Directories of the tree with files that have another path in the index.
const OWN: [&str; 4] = ["knowledge/notes", "knowledge/sources", "conversations", "chat"];

/// A directory on the way to a document.
pub struct Similar {
    id: Id,
    at: PathBuf,
}

impl Similar {
    /// The directory `similar`, which stands for `/`.
    pub fn top() -> Similar {
        Similar { id: Id::ROOT.child("similar"), at: PathBuf::from("/") }
    }

    /// The node called `name`, which stands for the path `at`.
    fn node(&self, cx: &Context, name: &str, at: PathBuf) -> Option<Node> {
        let file = behind::file(cx, &at).unwrap_or_else(|| at.clone());
        if cx.index.document(&file).is_some() {
            return Some(search::node(cx.searches.similar(self.id, name, file)));
        }
        leads_on(cx, &at, &file).then(|| Node::Dir(Arc::new(Similar { id: self.id.child(name), at })))
    }
}

impl Directory for Similar {
    fn id(&self) -> Id {
        self.id
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        cx.started
    }

    fn lookup(&self, cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        // One name may hold a whole path with `%2F` for each slash; a leading one stays below `/`. Files may be called so, too.
        let decoded = path::decode(name);
        let places = [self.at.join(name), self.at.join(decoded.trim_start_matches('/'))];
        places.into_iter().find_map(|at| self.node(cx, name, at)).ok_or(Error::NotFound)
    }

    fn list(&self, _cx: &Context) -> Result<Arc<Listing>, Error> {
        Ok(Arc::default())
    }
}

/// Whether there may be a document below `at`, which stands for `file`.
fn leads_on(cx: &Context, at: &Path, file: &Path) -> bool {
    cx.index.is_above(file) || OWN.iter().any(|own| cx.mountpoint.join(own).starts_with(at))
}
