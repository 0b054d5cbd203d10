//! `relationship/people/`: a page for each person that the documents speak of.

use std::sync::Arc;
use std::time::SystemTime;

use super::moment::{Made, Page};
use super::{Context, names};
use crate::error::Error;
use crate::node::{CHANGING, Caller, Directory, File, Id, LIVE, Link, Listing, Node, Ttl};

/// The directory `relationship/people`.
pub struct People;

impl People {
    /// The name of a person's page.
    fn page_name(person: &str) -> String {
        names::bounded(&names::clean(person.trim_start_matches('.'), names::MAX), ".md")
    }

    fn file(&self, cx: &Context, made: &Made, person: &str) -> Option<(String, Node)> {
        let (bytes, at) = made.page(cx, &Page::Person(person.to_owned()))?;
        let name = People::page_name(person);
        let file = File::settled(self.id().child(&name), bytes, at, CHANGING);
        Some((name, Node::File(Arc::new(file))))
    }

    /// A link from another name of a person, such as a mail address, to the page; not listed.
    fn link(&self, cx: &Context, made: &Made, name: &str) -> Option<Node> {
        let page = People::page_name(&made.called(name.strip_suffix(".md")?)?);
        let link = Link { id: self.id().child(name), target: page.into(), modified: cx.started };
        Some(Node::Link(Arc::new(link)))
    }
}

impl Directory for People {
    fn id(&self) -> Id {
        Id::ROOT.child("relationship").child("people")
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
        let person = made.people().into_iter().find(|person| People::page_name(person) == name);
        match person.and_then(|person| self.file(cx, &made, &person)) {
            Some((_, file)) => Ok(file),
            None => self.link(cx, &made, name).ok_or(Error::NotFound),
        }
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        let made = cx.pages.made(cx);
        let mut entries: Vec<(String, Node)> =
            made.people().iter().filter_map(|person| self.file(cx, &made, person)).collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries.dedup_by(|a, b| a.0 == b.0);
        Ok(Arc::new(Listing::new(entries)))
    }
}
