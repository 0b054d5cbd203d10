//! `relationship/`: the log, which takes entries at its end, and the pages that are made from it.

use std::fs;
use std::sync::Arc;
use std::time::SystemTime;

use echofs_indexer::relationship::{PATTERNS, PREFERENCES};

use super::Context;
use super::moment::{Page, Text};
use super::people::People;
use super::stored::stored;
use crate::append::Target;
use crate::error::Error;
use crate::node::{CHANGING, Caller, Content, Directory, File, Id, LIVE, Listing, Node, Ttl};

const ABOUT_ME: &str = "about-me.md";
const NAMES: [&str; 6] = [ABOUT_ME, "log.jsonl", "opinions", PATTERNS, "people", PREFERENCES];

/// The directory `relationship`.
pub struct Relationship;

fn place() -> Id {
    Id::ROOT.child("relationship")
}

fn settled(id: Id, (bytes, at): Text) -> Node {
    Node::File(Arc::new(File::settled(id, bytes, at, CHANGING)))
}

impl Relationship {
    /// A page that is made of this moment.
    fn page(&self, cx: &Context, name: &str, page: &Page) -> Node {
        let text = cx.pages.made(cx).page(cx, page);
        text.map_or_else(|| self.nothing(cx, name), |text| settled(place().child(name), text))
    }

    /// A page of which nothing is known.
    fn nothing(&self, cx: &Context, name: &str) -> Node {
        settled(place().child(name), (Arc::from(&b"None is known yet.\n"[..]), cx.started))
    }

    fn log(&self, cx: &Context) -> Node {
        let meta = fs::metadata(cx.index.relationship().file());
        let modified = meta.and_then(|meta| meta.modified()).unwrap_or(cx.started);
        let (id, content) = (place().child("log.jsonl"), Content::Lines(Target::Relationship));
        Node::File(Arc::new(File { id, content, modified, ttl: LIVE, xattrs: Vec::new() }))
    }
}

impl Directory for Relationship {
    fn id(&self) -> Id {
        place()
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        let meta = fs::metadata(cx.index.relationship().pages());
        meta.and_then(|meta| meta.modified()).unwrap_or(cx.started)
    }

    fn ttl(&self) -> Ttl {
        LIVE
    }

    fn is_slow(&self, cx: &Context) -> bool {
        !cx.pages.has(cx, &[Page::AboutMe, Page::Preferences])
    }

    fn lookup(&self, cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        Ok(match name {
            "log.jsonl" => self.log(cx),
            ABOUT_ME => self.page(cx, name, &Page::AboutMe),
            PREFERENCES => self.page(cx, name, &Page::Preferences),
            "people" => Node::Dir(Arc::new(People)),
            "opinions" => Node::Dir(Arc::new(Opinions)),
            PATTERNS => {
                let page = stored(place().child(name), &cx.index.relationship().pages().join(name));
                page.unwrap_or_else(|| self.nothing(cx, name))
            }
            _ => return Err(Error::NotFound),
        })
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        let entry = |name: &str| Ok((name.to_owned(), self.lookup(cx, name, Caller::default())?));
        Ok(Arc::new(Listing::new(NAMES.into_iter().map(entry).collect::<Result<_, Error>>()?)))
    }
}

/// The directory `relationship/opinions`.
struct Opinions;

impl Directory for Opinions {
    fn id(&self) -> Id {
        place().child("opinions")
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        cx.pages.modified().unwrap_or(cx.started)
    }

    fn ttl(&self) -> Ttl {
        LIVE
    }

    fn is_slow(&self, _cx: &Context) -> bool {
        true
    }

    fn lookup(&self, cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        let made = cx.pages.made(cx);
        let page = made.opinions().iter().find(|(page, _)| page == name);
        page.map(|(name, text)| settled(self.id().child(name), text.clone())).ok_or(Error::NotFound)
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        let made = cx.pages.made(cx);
        let page = |(name, text): &(String, Text)| (name.clone(), settled(self.id().child(name), text.clone()));
        let mut entries: Vec<(String, Node)> = made.opinions().iter().map(page).collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Arc::new(Listing::new(entries)))
    }
}
