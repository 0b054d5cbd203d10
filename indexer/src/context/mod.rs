//! Working memory: what matters at one moment, as pages. What is due, what is being worked on, what this moment usually
//! needs, and what to read first.
//!
//! Nothing here is kept: every page is made from the documents, their facts and the relationship log as they are. Nothing is said
//! without the place it comes from, and what the owner removed there is not said here. Invariant: no page quotes what a
//! model wrote; of a conversation it is what the user said and nothing else.

mod about;
mod agenda;
mod briefing;
mod moved;
mod now;
mod person;
mod recurrence;
mod score;
mod suggestions;
mod tasks;
mod tiers;
mod usage;
mod views;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::{Timestamp, Zoned};

use crate::conversations::said;
use crate::facts::{Category, Fact, Facts, Id, Noted, Origin, Reason, speaks_to_programs};
use crate::relationship::{Entry, View};
use crate::{Document, Kind, Source};

pub use about::about_me;
pub use agenda::{Task, decisions, tasks as open_tasks};
pub use briefing::briefing;
pub use moved::Moved;
pub use now::now;
pub use person::{person, shown as people};
pub use suggestions::suggestions;
pub use tasks::tasks;
pub use tiers::{Move, Signs, Tier, Tiers, Why, tier_page, tiers};
pub use views::{opinions, preferences};

/// Everything that the pages of one moment are made from.
pub struct Moment<'a> {
    /// When it is, where the owner is.
    pub now: &'a Zoned,
    /// Every document, by path.
    pub documents: &'a [Document],
    /// What they state.
    pub facts: &'a Facts,
    /// The relationship log.
    pub log: &'a View,
    /// What somebody opened through the tree, the latest first.
    pub opened: &'a [(PathBuf, Timestamp)],
    /// New hits of kept queries.
    pub hits: &'a [(String, PathBuf)],
    /// The indexed roots.
    pub sources: &'a [Source],
    /// The tier that each document was in.
    pub before: &'a BTreeMap<PathBuf, Tier>,
}

impl Moment<'_> {
    /// The day.
    pub fn today(&self) -> Date {
        self.now.date()
    }

    /// The document at a path.
    pub fn document(&self, path: &Path) -> Option<&Document> {
        let at = self.documents.binary_search_by(|document| document.path.as_path().cmp(path)).ok()?;
        Some(&self.documents[at])
    }

    /// Whether people wrote this document, all of it: a file or a note.
    fn is_written_by_people(&self, path: &Path) -> bool {
        self.document(path).is_none_or(|document| matches!(document.kind, Kind::File | Kind::Note))
    }

    /// Whether people stated this: in a file or a note, as the owner's own word about facts, or as the user in a conversation.
    fn is_by_people(&self, path: &Path, quote: &str) -> bool {
        let Some(document) = self.document(path) else { return true };
        match document.kind {
            Kind::File | Kind::Note => true,
            Kind::Conversation => {
                self.conversations().is_some_and(|pages| said::is_by_user(pages, path, document.modified_ns, quote))
            }
            Kind::Fact | Kind::Relationship => false,
        }
    }

    /// Where the pages of conversations are.
    fn conversations(&self) -> Option<&Path> {
        let mut sources = self.sources.iter();
        sources.find(|source| source.kind == Kind::Conversation).map(|source| source.root.as_path())
    }

    fn is_conversation(&self, path: &Path) -> bool {
        self.document(path).is_some_and(|document| document.kind == Kind::Conversation)
    }

    /// Whether the owner states this: to the facts, in a note or a text of the owner's own, or as the user in a conversation.
    fn is_owners(&self, origin: &Origin) -> bool {
        let by_people = !speaks_to_programs(origin.quote) && self.is_by_people(origin.path, origin.quote);
        by_people && self.document(origin.path).is_none_or(Document::is_owners)
    }

    /// What people wrote, but for what speaks to the programs that read it.
    fn stated(&self) -> impl Iterator<Item = Fact<'_>> {
        self.facts.all().filter(|fact| self.may_be_said(fact))
    }

    fn may_be_said(&self, fact: &Fact) -> bool {
        !speaks_to_programs(fact.source.quote) && self.is_by_people(fact.source.path, fact.source.quote)
    }

    /// The sentences that matter, by people, that nothing newer is known to have replaced; each once, the newest.
    fn notable(&self) -> Vec<&Noted> {
        let outdated = self.outdated();
        let replaced: HashSet<(&Path, &str)> = (self.facts.all())
            .filter(|fact| fact.superseded_by.is_some() || outdated.contains(&fact.id))
            .map(|fact| (fact.source.path, fact.source.quote))
            .collect();
        // What somebody tells a program not to do is no warning to others.
        let warns = |noted: &Noted| noted.notable.reason != Reason::Warning || !self.is_conversation(&noted.path);
        let holds = |noted: &&Noted| {
            let quote = noted.notable.quote.as_str();
            !replaced.contains(&(&*noted.path, quote)) && warns(noted) && self.is_by_people(&noted.path, quote)
        };
        let mut newest: HashMap<Id, &Noted> = HashMap::new();
        for noted in self.facts.notable().filter(holds) {
            let known = newest.entry(noted.id).or_insert(noted);
            if noted.at > known.at {
                *known = noted;
            }
        }
        let mut all: Vec<&Noted> = newest.into_values().collect();
        all.sort_by(|a, b| (&a.path, a.notable.line).cmp(&(&b.path, b.notable.line)));
        all
    }

    /// The ids of figures of something of which a newer document has another one.
    fn outdated(&self) -> HashSet<Id> {
        let newest = newest_figures(self.facts);
        let is_older = |fact: &Fact| {
            let figure = newest.get(&fact.subject.to_lowercase()).filter(|_| fact.category == Category::Quantity);
            figure.is_some_and(|newest| newest.since() > fact.since() && newest.object != fact.object)
        };
        self.facts.all().filter(is_older).map(|fact| fact.id).collect()
    }

    /// Where an entry of the log has its evidence, as far as that is still there.
    fn evidence(&self, entry: &Entry) -> impl Iterator<Item = String> {
        let there = entry.borne_out_by().filter(|evidence| self.document(Path::new(&evidence.path)).is_some());
        there.map(|evidence| place(Path::new(&evidence.path), evidence.line.unwrap_or(1)))
    }
}

/// For everything of which figures are known, the newest one.
fn newest_figures(facts: &Facts) -> HashMap<String, Fact<'_>> {
    let mut newest: HashMap<String, Fact> = HashMap::new();
    for fact in facts.all().filter(|fact| fact.category == Category::Quantity && fact.subject_has_name()) {
        let known = newest.entry(fact.subject.to_lowercase()).or_insert(fact);
        if fact.since() > known.since() {
            *known = fact;
        }
    }
    newest
}

/// On one line, without control characters and marks of emphasis.
fn plain(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").replace("**", "")
}

fn place(path: &Path, line: u32) -> String {
    plain(&format!("{}:{line}", path.display()))
}

fn origin(origin: &Origin) -> String {
    place(origin.path, origin.line)
}

/// "in 3 days", "today", "2 days ago".
fn distance(from: Date, to: Date) -> String {
    match days(from, to) {
        0 => "today".into(),
        1 => "tomorrow".into(),
        -1 => "yesterday".into(),
        n if n > 0 => format!("in {n} days"),
        n => format!("{} days ago", -n),
    }
}

/// Days from one date to another.
fn days(from: Date, to: Date) -> i64 {
    from.until(to).map_or(0, |span| i64::from(span.get_days()))
}

fn day_of(at: Timestamp, now: &Zoned) -> Date {
    at.to_zoned(now.time_zone().clone()).date()
}

/// A heading and its lines, where there are lines.
fn section(out: &mut String, heading: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    out.push_str(&format!("\n## {heading}\n\n"));
    lines.iter().for_each(|line| {
        out.push_str(line);
        out.push('\n');
    });
}
