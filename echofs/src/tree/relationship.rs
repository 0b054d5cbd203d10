//! `relationship/`: the log, which takes entries at its end, and the pages that are made from it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use echofs_indexer::relationship::{PATTERNS, PREFERENCES};

use super::Context;
use super::moment::Page;
use super::people::People;
use super::stored::stored;
use crate::append::Target;
use crate::error::Error;
use crate::node::{CHANGING, Caller, Content, Directory, File, Id, LIVE, Listing, Node, Ttl};

const ABOUT_ME: &str = "about-me.md";

/// The directory `relationship`, or one of pages below it.
pub struct Relationship(Option<String>);

impl Relationship {
    /// The directory `relationship`.
    pub fn top() -> Relationship {
        Relationship(None)
    }

    fn dir(&self, cx: &Context) -> PathBuf {
        let pages = cx.index.relationship().pages();
        self.0.as_ref().map_or_else(|| pages.to_owned(), |below| pages.join(below))
    }

    /// A page of which nothing is known.
    fn nothing(&self, cx: &Context, name: &str) -> Node {
        let text: &[u8] = b"None is known yet.\n";
        Node::File(Arc::new(File::settled(self.id().child(name), text, cx.started, CHANGING)))
    }

    fn about_me(&self, cx: &Context) -> Result<Node, Error> {
        let (bytes, at) = cx.pages.made(cx).page(cx, &Page::AboutMe).ok_or(Error::NotFound)?;
        Ok(Node::File(Arc::new(File::settled(self.id().child(ABOUT_ME), bytes, at, CHANGING))))
    }

    fn log(&self, cx: &Context) -> Node {
        let meta = fs::metadata(cx.index.relationship().file());
        let modified = meta.and_then(|meta| meta.modified()).unwrap_or(cx.started);
        let (id, content) = (self.id().child("log.jsonl"), Content::Lines(Target::Relationship));
        Node::File(Arc::new(File { id, content, modified, ttl: LIVE, xattrs: Vec::new() }))
    }
}

impl Directory for Relationship {
    fn id(&self) -> Id {
        let top = Id::ROOT.child("relationship");
        self.0.as_ref().map_or(top, |below| top.child(below))
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        fs::metadata(self.dir(cx)).and_then(|meta| meta.modified()).unwrap_or(cx.started)
    }

    fn ttl(&self) -> Ttl {
        LIVE
    }

    fn is_slow(&self, cx: &Context) -> bool {
        self.0.is_none() && !cx.pages.has(cx, &[Page::AboutMe])
    }

    fn lookup(&self, cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        let path = self.dir(cx).join(name);
        match name {
            "log.jsonl" if self.0.is_none() => Ok(self.log(cx)),
            ABOUT_ME if self.0.is_none() => self.about_me(cx),
            "people" if self.0.is_none() => Ok(Node::Dir(Arc::new(People))),
            "opinions" if self.0.is_none() => Ok(Node::Dir(Arc::new(Relationship(Some(name.to_owned()))))),
            PREFERENCES | PATTERNS if self.0.is_none() && !path.exists() => Ok(self.nothing(cx, name)),
            _ if name.ends_with(".md") => stored(self.id().child(name), &path).ok_or(Error::NotFound),
            _ => Err(Error::NotFound),
        }
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        let entries = fs::read_dir(self.dir(cx)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        if self.0.is_none() {
            names.extend([ABOUT_ME, "log.jsonl", "opinions", "people", PREFERENCES, PATTERNS].map(str::to_owned));
        }
        names.sort();
        names.dedup();
        let node = |name: String| Some((name.clone(), self.lookup(cx, &name, Caller::default()).ok()?));
        Ok(Arc::new(Listing::new(names.into_iter().filter_map(node).collect())))
    }
}
