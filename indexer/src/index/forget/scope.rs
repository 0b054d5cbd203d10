//! What an order to forget takes away.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use echofs_query_lang::{Node, Query};

use super::{Index, Wanted};
use crate::facts::Origin;
use crate::record::{Content, Key, Record};
use crate::relationship::forgetting::fits;
use crate::relationship::{Activity, Entry};
use crate::remembered::{self, NOTE};
use crate::{Error, Kind, Taken};

/// What an order takes away.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Files and directories of the owner: they stay where they are and are not read again.
    pub(super) places: Vec<PathBuf>,
    /// Notes and directories of notes: they are deleted.
    pub(super) notes: Vec<PathBuf>,
    /// Conversations, by place: they are deleted.
    pub(super) conversations: Vec<String>,
    /// Lines of remembered sentences: they are deleted.
    pub(super) lines: Vec<Taken>,
    /// Entries of the relationship log, by number, besides those that rest on documents: they are emptied.
    entries: BTreeSet<u64>,
    /// The documents among all of these.
    pub(super) documents: BTreeMap<PathBuf, Arc<Record>>,
}

impl Scope {
    fn is_empty(&self) -> bool {
        let places = self.places.is_empty() && self.notes.is_empty() && self.conversations.is_empty();
        places && self.lines.is_empty() && self.entries.is_empty()
    }

    /// Whether an entry of the log is one of its own, or rests on what is at or below one of `paths`.
    pub(super) fn takes(&self, entry: &Entry, paths: &[PathBuf]) -> bool {
        self.entries.contains(&entry.seq) || paths.iter().any(|path| entry.rests_on(path))
    }

    /// Whether it takes the document, or the line of it, where something stands.
    pub(super) fn holds(&self, place: &Origin) -> bool {
        let is_line = |taken: &Taken| taken.path == place.path && taken.line == place.line;
        self.documents.contains_key(place.path) || self.lines.iter().any(is_line)
    }

    /// The digests by which its files are recognised. Pages are made here, and say the same again only if they are to.
    pub(super) fn contents(&self) -> HashSet<Key> {
        self.documents.values().filter_map(|record| own_content(record)).map(|content| content.hash).collect()
    }

    /// The topmost paths that cover all of it.
    fn roots(&self, index: &Index) -> Vec<PathBuf> {
        let pages = self.conversations.iter().map(|place| index.conversations.page(place));
        let named = self.places.iter().chain(&self.notes).chain(self.documents.keys()).cloned();
        let mut roots: Vec<PathBuf> = Vec::new();
        for path in named.chain(pages).collect::<BTreeSet<_>>() {
            if !roots.last().is_some_and(|above| path.starts_with(above)) {
                roots.push(path);
            }
        }
        roots
    }
}

/// The content of a document that people wrote as a file.
fn own_content(record: &Record) -> Option<&Content> {
    record.content.as_ref().filter(|content| matches!(content.kind, Kind::File | Kind::Note) && content.passages > 0)
}

impl Index {
    pub(super) fn scope(&self, wanted: &Wanted) -> Result<Scope, Error> {
        let mut scope = Scope::default();
        match wanted {
            Wanted::Path(path) => self.add_path(&mut scope, path)?,
            Wanted::Query(text) => self.add_query(&mut scope, text)?,
            Wanted::Line(line) => {
                scope.lines = self.lines(|taken| taken.line == *line)?;
                if scope.lines.is_empty() {
                    return Err(Error::Nothing(format!("{NOTE}:{line}")));
                }
            }
            Wanted::Fact(_) => {}
        }
        self.add_copies(&mut scope);
        Ok(scope)
    }

    fn add_path(&self, scope: &mut Scope, path: &Path) -> Result<(), Error> {
        let goes_up = path.components().any(|part| part == Component::ParentDir);
        if goes_up || self.record(path).is_none() && self.shared.policy.root_of(path).is_none() {
            return Err(Error::Outside(path.to_owned()));
        }
        match () {
            () if self.conversations.owns(path) => scope.conversations = self.conversations.at(path)?,
            () if path.starts_with(self.notes()) && path.symlink_metadata().is_err() => {
                return Err(Error::Nothing(path.display().to_string()));
            }
            () if path.starts_with(self.notes()) => scope.notes.push(path.to_owned()),
            () => scope.places.push(path.to_owned()),
        }
        let table = self.shared.snapshot().table.clone();
        let documents = table.below(path).iter().filter(|record| record.content.is_some());
        scope.documents.extend(documents.map(|record| (record.path.clone(), record.clone())));
        Ok(())
    }

    fn add_query(&self, scope: &mut Scope, text: &str) -> Result<(), Error> {
        let parsed = echofs_query_lang::parse(text, &jiff::Zoned::now());
        if let Some(mistake) = parsed.diagnostics.first() {
            return Err(Error::Vague(mistake.to_string()));
        }
        // Everything in it is required, its bare words too.
        let query = Query::default().and(parsed.query);
        let Some(root) = &query.root else { return Err(Error::Vague("an empty query is about everything".into())) };
        if query.limit.is_some() || ranks_only(root) {
            return Err(Error::Vague("`limit:`, `sem:` and `like:` do not say which documents".into()));
        }
        for record in self.searching(&self.ranking, |searcher| searcher.all_of(&query))? {
            match record.content.as_ref().map(|content| content.kind) {
                // A summary in the archive, or a page about what was noticed, goes with what it is made of.
                Some(Kind::Conversation) => match self.conversations.at(&record.path)? {
                    places if places.is_empty() => continue,
                    places => scope.conversations.extend(places),
                },
                Some(Kind::Relationship) | None => continue,
                _ if record.path == self.notes().join(NOTE) => {
                    scope.lines = self.lines(|taken| remembered::fits(root, &taken.text))?;
                    continue;
                }
                Some(Kind::Note) => scope.notes.push(record.path.clone()),
                Some(Kind::File | Kind::Fact) => scope.places.push(record.path.clone()),
            }
            scope.documents.insert(record.path.clone(), record);
        }
        scope.entries = self.entries(root)?;
        if scope.is_empty() { Err(Error::Nothing(text.to_owned())) } else { Ok(()) }
    }

    /// The entries of the relationship log that a query means, by their words and all names of whom they are about.
    fn entries(&self, query: &Node) -> Result<BTreeSet<u64>, Error> {
        let facts = self.facts();
        let named = |subject: &str| {
            let people = facts.people().iter().filter(|person| person.is_called(subject));
            people.map(|person| person.name.as_str()).collect::<Vec<_>>().join("\n")
        };
        let said = |entry: &Entry| {
            let subject = entry.subject.as_deref().filter(|_| Activity::of(entry).is_none());
            let names = subject.map(|subject| format!("{subject}\n{}\n", named(subject)));
            names.unwrap_or_default() + &entry.text
        };
        let chosen = self.relationship.chosen(&|entry| fits(query, entry, &said(entry)))?;
        Ok(chosen.into_iter().map(|entry| entry.seq).collect())
    }

    /// Adds the files with the same bytes: as long as they are found, what they hold is not forgotten.
    fn add_copies(&self, scope: &mut Scope) {
        let contents = scope.contents();
        let table = self.shared.snapshot().table.clone();
        let is_copy =
            |record: &&Arc<Record>| own_content(record).is_some_and(|content| contents.contains(&content.hash));
        for record in table.records().iter().filter(is_copy) {
            if scope.documents.insert(record.path.clone(), record.clone()).is_some() {
                continue;
            }
            match record.path.starts_with(self.notes()) {
                true => scope.notes.push(record.path.clone()),
                false => scope.places.push(record.path.clone()),
            }
        }
    }

    /// Lines of the note of remembered sentences.
    fn lines(&self, wanted: impl Fn(&Taken) -> bool) -> Result<Vec<Taken>, Error> {
        let path = self.notes().join(NOTE);
        let text = match fs::read_to_string(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Error::io(path)(e)),
            text => text.unwrap_or_default(),
        };
        let taken = |(line, text): (u32, &str)| Taken { path: path.clone(), line, text: text.to_owned() };
        Ok((1..).zip(text.split('\n')).map(taken).filter(|taken| !taken.text.is_empty() && wanted(taken)).collect())
    }

    /// What replies and entries may rest on: the topmost paths, and the note of which lines are taken, since it may be any line.
    pub(super) fn paths(&self, scope: &Scope) -> Vec<PathBuf> {
        let mut paths = scope.roots(self);
        paths.extend(scope.lines.first().map(|taken| taken.path.clone()));
        paths
    }
}

/// Whether a part of a query only ranks, so that it says nothing of what is meant.
fn ranks_only(node: &Node) -> bool {
    match node {
        Node::Sem(_) | Node::Like(_) => true,
        Node::And(parts) | Node::Or(parts) => parts.iter().any(ranks_only),
        Node::Not(inner) | Node::Lex(inner) => ranks_only(inner),
        Node::Words(_) | Node::Word(_) | Node::Phrase { .. } | Node::Prefix(_) | Node::Field(_) => false,
    }
}
