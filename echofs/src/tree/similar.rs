//! `similar/<absolute path>/`: what is like that document. Nothing is listed on the way there, so that a
//! program that walks the tree does not compare every document with every other.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use echofs_query_lang::path;

use super::{Context, search};
use crate::error::Error;
use crate::node::{Caller, Directory, Id, Listing, Node};

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
}

impl Directory for Similar {
    fn id(&self) -> Id {
        self.id
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        cx.started
    }

    fn lookup(&self, cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        // One name may hold a whole path with `%2F` for each slash; a leading one stays below `/`.
        let decoded = path::decode(name);
        let at = self.at.join(decoded.trim_start_matches('/'));
        if cx.index.document(&at).is_some() {
            return Ok(search::node(cx.searches.similar(self.id, name, at)));
        }
        let documents = cx.index.documents();
        let first = documents.partition_point(|document| document.path < at);
        if documents.get(first).is_some_and(|document| document.path.starts_with(&at)) {
            return Ok(Node::Dir(Arc::new(Similar { id: self.id.child(name), at })));
        }
        Err(Error::NotFound)
    }

    fn list(&self, _cx: &Context) -> Result<Arc<Listing>, Error> {
        Ok(Arc::default())
    }
}
