//! `facts/`: what the documents state, by category, by what it is about, by source and as it was on a day.

mod correct;
mod listings;

use std::sync::Arc;
use std::time::SystemTime;

use echofs_indexer::facts::{Category, Fact, Facts as Table, Wish};
use jiff::civil::Date;

use super::cached::Cached;
use super::{Context, fact_edits, fact_pages as pages};
use crate::error::Error;
use crate::node::{Caller, Content, Directory, Id, Listing, Node};
use crate::syscall;

pub use correct::correct;
use listings::{Made, fact_file};

/// Facts that took the place of one another are followed so far.
const DEEPEST: usize = 64;

/// A directory of this branch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Top,
    Categories,
    Category(Category),
    Entities,
    /// What stands before the names in it: "", "notes/", "notes/journal/".
    Sources(String),
    Days,
    Day(Date),
}

impl Key {
    fn id(&self) -> Id {
        let top = || Id::ROOT.child("facts");
        match self {
            Key::Top => top(),
            Key::Categories => top().child("by-category"),
            Key::Category(category) => Key::Categories.id().child(category.name()),
            Key::Entities => top().child("by-entity"),
            Key::Sources(prefix) => {
                prefix.split_terminator('/').fold(top().child("by-source"), |id, name| id.child(name))
            }
            Key::Days => top().child("as-of"),
            Key::Day(date) => Key::Days.id().child(&date.to_string()),
        }
    }

    /// Whether pages that can be edited are in it.
    fn has_pages(&self) -> bool {
        matches!(self, Key::Category(_) | Key::Entities | Key::Sources(_))
    }
}

/// The directory `facts`.
pub fn top() -> Node {
    node(Key::Top)
}

fn node(key: Key) -> Node {
    Node::Dir(Arc::new(View(key)))
}

/// What the directories list, for one state of the facts.
#[derive(Default)]
pub struct Views(Cached<Made>);

struct View(Key);

impl View {
    fn made(cx: &Context) -> Arc<Made> {
        let facts = cx.index.facts();
        cx.facts.0.get(facts.number, || Made::new(cx, facts.clone()))
    }
}

impl Directory for View {
    fn id(&self) -> Id {
        self.0.id()
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        cx.facts.0.peek(|made| Some(made.at)).unwrap_or(cx.started)
    }

    fn is_slow(&self, cx: &Context) -> bool {
        let number = cx.index.facts().number;
        !cx.facts.0.has(number) || cx.facts.0.peek(|made| made.listings.has(&self.0).then_some(())).is_none()
    }

    fn lookup(&self, cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        if self.0 == Key::Days {
            let date = name.parse::<Date>().ok().filter(|date| date.to_string() == name);
            return date.map(|date| node(Key::Day(date))).ok_or(Error::NotFound);
        }
        let made = View::made(cx);
        let known = made.listing(cx, &self.0).get(name).cloned();
        known.or_else(|| cx.drafts.get(self.id(), name)).or_else(|| self.newest(&made, name)).ok_or(Error::NotFound)
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        Ok(View::made(cx).listing(cx, &self.0))
    }

    fn unlink(&self, cx: &Context, name: &str, caller: Caller) -> Result<(), Error> {
        if cx.drafts.remove(self.id(), name) {
            return Ok(());
        }
        let Key::Category(_) = self.0 else {
            return Err(Error::NotPermitted("facts are removed in by-category"));
        };
        // From elsewhere it removes what has the name, before it finds out that it cannot put anything there.
        if syscall::is_mv(caller.pid) {
            return Err(Error::NotPermitted(
                "`mv` would remove the fact: `rm` does, and `cp` puts a page in its place",
            ));
        }
        let facts = cx.index.facts();
        let fact = newest(&facts, pages::named(&facts, name).ok_or(Error::NotFound)?);
        cx.index.change_facts(&Wish::Remove(fact.id.to_string()))?;
        Ok(())
    }

    fn create(&self, cx: &Context, name: &str) -> Result<Node, Error> {
        if !self.0.has_pages() {
            return Err(Error::NotPermitted("facts are written to where their pages are"));
        }
        cx.drafts.make(self.id(), name)
    }

    /// Puts a draft in the place of a page, as editors save: what it says is done, and the page is made anew.
    fn rename(&self, cx: &Context, from: &str, to: &str) -> Result<(), Error> {
        let text = cx.drafts.text(self.id(), from).ok_or(Error::NotPermitted("a fact is called as it says"))?;
        let Ok(Node::File(page)) = self.lookup(cx, to, Caller::default()) else { return Err(NO_PAGE) };
        let Content::Facts { text: page, facts } = &page.content else { return Err(NO_PAGE) };
        fact_edits::put_right(cx, page, facts, &text)?;
        cx.drafts.remove(self.id(), from);
        Ok(())
    }
}

const NO_PAGE: Error = Error::NotPermitted("a file can only take the name of a page about facts");

impl View {
    /// The file of what took the place of a fact that had this name: who has just edited it looks for it under the old one.
    fn newest(&self, made: &Made, name: &str) -> Option<Node> {
        let Key::Category(_) = self.0 else { return None };
        let old = pages::named(&made.facts, name).filter(|fact| fact.superseded_by.is_some())?;
        let newest = newest(&made.facts, old);
        newest.is_likely().then(|| fact_file(&newest))
    }
}

/// What took the place of a fact in the end; itself where nothing did.
fn newest<'a>(facts: &'a Table, fact: Fact<'a>) -> Fact<'a> {
    let newer = |fact: &Fact<'a>| fact.superseded_by.and_then(|id| facts.get(id));
    std::iter::successors(newer(&fact), newer).take(DEEPEST).last().unwrap_or(fact)
}
