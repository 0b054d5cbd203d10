//! `context/`: working memory. What is being worked on, what is due, what this moment needs, and what to read first.

use std::sync::Arc;
use std::time::SystemTime;

use echofs_indexer::context::Tier;

use super::Context;
use super::moment::{Made, Page};
use crate::error::Error;
use crate::node::{CHANGING, Caller, Directory, File, Id, LIVE, Listing, Node, Ttl};

/// Tokens of `briefing.md`.
const BRIEFING: usize = 1_000;
/// Tokens that a briefing may be asked for.
const BUDGETS: std::ops::RangeInclusive<usize> = 100..=32_000;

/// The directory `context`, or `tiers` in it.
pub enum Memory {
    /// `context`.
    Top,
    /// `context/tiers`.
    Tiers,
}

impl Memory {
    /// What it lists, but for directories.
    fn listed(&self) -> Vec<(String, Page)> {
        match self {
            Memory::Top => vec![
                ("briefing.md".into(), Page::Briefing(BRIEFING)),
                ("now.md".into(), Page::Now),
                ("suggestions.md".into(), Page::Suggestions),
                ("tasks.md".into(), Page::Tasks),
            ],
            Memory::Tiers => {
                let tiers = Tier::ALL.iter().map(|tier| (format!("{}.md", tier.name()), Page::Tier(*tier)));
                tiers.chain([("moved.jsonl".to_owned(), Page::Moved)]).collect()
            }
        }
    }

    fn page(&self, name: &str) -> Option<Page> {
        let listed = self.listed().into_iter().find(|(listed, _)| listed == name).map(|(_, page)| page);
        listed.or_else(|| matches!(self, Memory::Top).then(|| budget(name)).flatten().map(Page::Briefing))
    }

    fn file(&self, cx: &Context, made: &Made, name: &str, page: &Page) -> Option<Node> {
        let (bytes, at) = made.page(cx, page)?;
        Some(Node::File(Arc::new(File::settled(self.id().child(name), bytes, at, CHANGING))))
    }
}

/// The tokens in a name like `briefing-2000.md`.
fn budget(name: &str) -> Option<usize> {
    let number = name.strip_prefix("briefing-")?.strip_suffix(".md")?;
    let budget = number.parse().ok().filter(|budget| BUDGETS.contains(budget))?;
    (budget.to_string() == number).then_some(budget)
}

impl Directory for Memory {
    fn id(&self) -> Id {
        let top = Id::ROOT.child("context");
        match self {
            Memory::Top => top,
            Memory::Tiers => top.child("tiers"),
        }
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        cx.pages.modified().unwrap_or(cx.started)
    }

    fn ttl(&self) -> Ttl {
        LIVE
    }

    fn is_slow(&self, _cx: &Context) -> bool {
        // A page that is named may have to be made, whether it is listed or not.
        true
    }

    fn lookup(&self, cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        if name == "tiers" && matches!(self, Memory::Top) {
            return Ok(Node::Dir(Arc::new(Memory::Tiers)));
        }
        let page = self.page(name).ok_or(Error::NotFound)?;
        self.file(cx, &cx.pages.made(cx), name, &page).ok_or(Error::NotFound)
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        let made = cx.pages.made(cx);
        let node = |(name, page): (String, Page)| Some((name.clone(), self.file(cx, &made, &name, &page)?));
        let mut entries: Vec<(String, Node)> = self.listed().into_iter().filter_map(node).collect();
        if matches!(self, Memory::Top) {
            entries.push(("tiers".into(), Node::Dir(Arc::new(Memory::Tiers))));
        }
        Ok(Arc::new(Listing::new(entries)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_briefing_is_asked_for_by_its_tokens() {
        let check = |name: &str, want| assert_eq!(budget(name), want, "{name}");
        check("briefing-500.md", Some(500));
        check("briefing-32000.md", Some(32_000));
        check("briefing-99.md", None);
        check("briefing-32001.md", None);
        check("briefing-0500.md", None);
        check("briefing-.md", None);
        check("briefing.md", None);
    }
}
