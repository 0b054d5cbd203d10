//! Forgetting: what an order takes away is found out once, for who only wants to see it and for carrying it out.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use echofs_query_lang::{Node, Query};

use super::{Index, SHOWN};
use crate::conversations::keeper::all_files;
use crate::facts::{Fact, Going, Id, Origin, Wish};
use crate::ingest::Event;
use crate::record::{Content, Key, Record};
use crate::relationship::forgetting::fits;
use crate::relationship::{Activity, Entry};
use crate::remembered::{self, NOTE};
use crate::shared::lock;
use crate::{Error, Forgotten, Kind, Taken, files, purge};

/// How long it may take until nothing is on disk any more.
const PURGE: Duration = Duration::from_secs(120);

/// What is to be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The file or directory at this absolute path.
    Path(PathBuf),
    /// The line with this number of the note of remembered sentences.
    Line(u32),
    /// The documents that a query lets through. Its bare words are required here.
    Query(String),
    /// The fact with this id. The text that states it stays.
    Fact(Id),
}

/// What an order takes away.
#[derive(Debug, Default)]
struct Scope {
    /// Files and directories of the owner: they stay where they are and are not read again.
    places: Vec<PathBuf>,
    /// Notes and directories of notes: they are deleted.
    notes: Vec<PathBuf>,
    /// Conversations, by place: they are deleted.
    conversations: Vec<String>,
    /// Lines of remembered sentences: they are deleted.
    lines: Vec<Taken>,
    /// Entries of the relationship log, by number, besides those that rest on documents: they are emptied.
    entries: BTreeSet<u64>,
    /// The documents among all of these.
    documents: BTreeMap<PathBuf, Arc<Record>>,
}

impl Scope {
    fn is_empty(&self) -> bool {
        let places = self.places.is_empty() && self.notes.is_empty() && self.conversations.is_empty();
        places && self.lines.is_empty() && self.entries.is_empty()
    }

    /// Whether an entry of the log is one of its own, or rests on what is at or below one of `paths`.
    fn takes(&self, entry: &Entry, paths: &[PathBuf]) -> bool {
        self.entries.contains(&entry.seq) || paths.iter().any(|path| entry.rests_on(path))
    }

    /// Whether it takes the document, or the line of it, where something stands.
    fn holds(&self, place: &Origin) -> bool {
        let is_line = |taken: &Taken| taken.path == place.path && taken.line == place.line;
        self.documents.contains_key(place.path) || self.lines.iter().any(is_line)
    }

    /// The digests by which its files are recognised. Pages are made here, and say the same again only if they are to.
    fn contents(&self) -> HashSet<Key> {
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
    /// What a text names, if it does: a line of the remembered sentences (`remembered.md:3`), a path, absolute or below a source,
    /// or the id of a fact.
    ///
    /// # Errors
    /// [`Error::Vague`] when the path is in several sources.
    pub fn wanted(&self, text: &str) -> Result<Option<Wanted>, Error> {
        if let Some((note, line)) = text.rsplit_once(':')
            && let Ok(line) = line.parse()
            && self.named(note)?.is_some_and(|note| note == self.notes().join(NOTE))
        {
            return Ok(Some(Wanted::Line(line)));
        }
        if let Some(path) = self.named(text)? {
            return Ok(Some(Wanted::Path(path)));
        }
        Ok(Id::parse(text).filter(|id| self.facts().statements(*id).is_some()).map(Wanted::Fact))
    }

    /// The path itself if it is absolute, else that of what is so called below a source.
    fn named(&self, text: &str) -> Result<Option<PathBuf>, Error> {
        let path = Path::new(text);
        if path.is_absolute() {
            return Ok(Some(path.to_owned()));
        }
        let plain = !text.is_empty() && path.components().all(|part| matches!(part, Component::Normal(_)));
        let there = |path: &PathBuf| self.record(path).is_some() || path.symlink_metadata().is_ok();
        let sources = self.shared.sources.iter().filter(|_| plain);
        let found: Vec<PathBuf> = sources.map(|source| source.root.join(path)).filter(there).collect();
        match found.as_slice() {
            [_, _, ..] => Err(Error::Vague(format!("{text} is in several sources, give its whole path"))),
            found => Ok(found.first().cloned()),
        }
    }

    fn notes(&self) -> PathBuf {
        self.shared.config.data.join("notes")
    }

    /// Removes the file or directory at `path` from everything, as [`forget_wanted`](Index::forget_wanted) does.
    ///
    /// # Errors
    /// As [`forget_wanted`](Index::forget_wanted).
    pub fn forget(&self, path: &Path) -> Result<Forgotten, Error> {
        self.forget_wanted(&Wanted::Path(path.to_owned()))
    }

    /// What [`forget_wanted`](Index::forget_wanted) would take away. Changes nothing.
    ///
    /// # Errors
    /// As [`forget_wanted`](Index::forget_wanted).
    pub fn would_forget(&self, wanted: &Wanted) -> Result<Forgotten, Error> {
        match wanted {
            Wanted::Fact(id) => self.fact_told(*id),
            wanted => self.told(&self.scope(wanted)?),
        }
    }

    /// Takes something away for good, from the index and from everything that was made of it: it is not indexed again, also
    /// after a rebuild, nor are files with the same bytes. The owner's files themselves stay; notes, remembered sentences
    /// and conversations, which belong to this system, are deleted. The order is on disk before anything is removed.
    ///
    /// # Errors
    /// [`Error::Outside`] when a path is under no source and was never indexed; [`Error::Vague`] and [`Error::Nothing`] when a
    /// query does not say what or nothing fits it; [`Error::NoFact`]; [`Error::Unerased`] when it is forgotten and some of it
    /// still on disk; I/O errors of the journal.
    pub fn forget_wanted(&self, wanted: &Wanted) -> Result<Forgotten, Error> {
        match wanted {
            Wanted::Fact(id) => self.forget_fact(*id),
            wanted => self.carry_out(&self.scope(wanted)?),
        }
    }

    // ---- what an order takes away ----

    fn scope(&self, wanted: &Wanted) -> Result<Scope, Error> {
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
    fn paths(&self, scope: &Scope) -> Vec<PathBuf> {
        let mut paths = scope.roots(self);
        paths.extend(scope.lines.first().map(|taken| taken.path.clone()));
        paths
    }

    // ---- what is told of it ----

    fn told(&self, scope: &Scope) -> Result<Forgotten, Error> {
        let passages = scope.documents.values().filter_map(|record| record.content.as_ref());
        let mut changed: BTreeSet<PathBuf> = scope.lines.iter().map(|taken| taken.path.clone()).collect();
        let roots = self.paths(scope);
        for root in &roots {
            changed.extend(self.conversations.naming(root)?.iter().map(|place| self.conversations.page(place)));
        }
        let entries = self.relationship.chosen(&|entry| scope.takes(entry, &roots))?;
        Ok(Forgotten {
            paths: scope.documents.keys().cloned().collect(),
            passages: passages.map(|content| content.passages as usize).sum(),
            deleted: self.deleted(scope),
            lines: scope.lines.clone(),
            changed: changed.into_iter().filter(|path| !scope.documents.contains_key(path)).collect(),
            facts: self.facts_of(scope),
            entries: entries.into_iter().map(|entry| entry.text).collect(),
        })
    }

    fn deleted(&self, scope: &Scope) -> Vec<PathBuf> {
        let mut deleted: BTreeSet<PathBuf> =
            scope.conversations.iter().map(|place| self.conversations.turns_file(place)).collect();
        for note in &scope.notes {
            match note.symlink_metadata() {
                Ok(meta) if meta.is_dir() => deleted.extend(all_files(note)),
                Ok(_) => drop(deleted.insert(note.clone())),
                Err(_) => {}
            }
        }
        deleted.into_iter().collect()
    }

    /// The facts that nothing else states, and those that the owner put in place of them.
    fn facts_of(&self, scope: &Scope) -> Vec<String> {
        let (facts, orders) = (self.facts(), self.shared.fact_orders().clone());
        let corrections = orders.corrections(&self.going(scope));
        let is_correction = |fact: &Fact| {
            let own = !corrections.is_empty() && fact.sources.iter().all(|source| source.path == orders.path());
            own && facts.statements(fact.id).is_some_and(|names| names.iter().any(|name| corrections.contains(name)))
        };
        let is_gone = |fact: &Fact| fact.sources.iter().all(|source| scope.holds(&source)) || is_correction(fact);
        facts.all().filter(is_gone).map(|fact| fact.sentence()).collect()
    }

    /// What orders call the facts that go, and those that stay; nothing where the owner gave no orders.
    fn going(&self, scope: &Scope) -> Going {
        let (facts, orders, mut going) = (self.facts(), self.shared.fact_orders().clone(), Going::default());
        for fact in facts.all().take_while(|_| orders.count() > 0) {
            let stated = || fact.sources.iter().filter(|source| source.path != orders.path());
            let left = stated().any(|source| !scope.holds(&source));
            if let Some(statements) = facts.statements(fact.id).filter(|_| stated().next().is_some()) {
                going.add(statements, left);
            }
        }
        going
    }

    // ---- carrying it out ----

    fn carry_out(&self, scope: &Scope) -> Result<Forgotten, Error> {
        let events = lock(&self.running).as_ref().map(|r| r.events.clone()).ok_or(Error::Stopped)?;
        let told = self.told(scope)?;
        let mut paths = self.paths(scope);
        purge::owe(&self.shared.config.data)?;
        // Before it is forgotten: then nobody knows any more what was put right.
        self.shared.forget_corrections(self.going(scope))?;
        let places: Vec<&Path> = scope.places.iter().map(PathBuf::as_path).collect();
        self.shared.order_to_forget(&places, &scope.contents().into_iter().collect::<Vec<_>>())?;
        let (mut retracted, mut pages) = (Vec::new(), Vec::new());
        // Even if something cannot be deleted, the rest is to go.
        let deleted = self.delete(scope).and_then(|()| self.take_back(scope, &paths, &mut retracted, &mut pages));
        paths.extend(retracted.iter().map(|place| self.conversations.page(place)).chain(pages.iter().cloned()));
        let (reply, answer) = channel();
        events.send(Event::Forget(paths.clone(), reply)).map_err(|_| Error::Stopped)?;
        let removed = answer.recv().map_err(|_| Error::Stopped)?;
        self.conversations.remake(&retracted);
        self.relationship.remake();
        pages.iter().for_each(|page| self.touched(page));
        self.moved.forget(&paths);
        deleted?;
        let removed = removed?;
        if !self.shared.wait_for(PURGE, |p| p.is_purged()) {
            return Err(Error::Unerased("the stores take long to be written anew".into()));
        }
        let changed: BTreeSet<PathBuf> = told.changed.into_iter().chain(removed).collect();
        let changed = changed.into_iter().filter(|path| !told.paths.contains(path)).collect();
        Ok(Forgotten { changed, ..told })
    }

    /// Takes back what was replied and noticed that rests on these paths; gives the conversations and pages that changed.
    fn take_back(
        &self,
        scope: &Scope,
        paths: &[PathBuf],
        retracted: &mut Vec<String>,
        pages: &mut Vec<PathBuf>,
    ) -> Result<(), Error> {
        for path in paths {
            retracted.extend(self.conversations.retract(path)?);
        }
        pages.extend(self.relationship.forget(&|entry| scope.takes(entry, paths))?);
        Ok(())
    }

    fn delete(&self, scope: &Scope) -> Result<(), Error> {
        for place in &scope.conversations {
            self.conversations.forget(&self.conversations.page(place))?;
        }
        scope.notes.iter().try_for_each(|note| self.delete_note(note))?;
        if scope.lines.is_empty() {
            return Ok(());
        }
        let lines: Vec<(u32, &str)> = scope.lines.iter().map(|taken| (taken.line, taken.text.as_str())).collect();
        remembered::take_out(&self.notes(), &lines).map_err(Error::io(self.notes().join(NOTE)))
    }

    /// Deletes a note, or a directory with everything in it; never what a link in the notes leads to.
    fn delete_note(&self, path: &Path) -> Result<(), Error> {
        let notes = self.notes();
        if path == notes {
            return files::remove_others(path, &|_| false);
        }
        let real = |path: &Path| path.canonicalize().map_err(Error::io(path));
        let Some(parent) = path.parent().filter(|parent| parent.exists()) else { return Ok(()) };
        if !real(parent)?.starts_with(real(&notes)?) {
            return Err(Error::Outside(path.to_owned()));
        }
        let removed = match path.symlink_metadata() {
            Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
            Ok(_) => fs::remove_file(path),
            Err(_) => return Ok(()),
        };
        removed.map_err(Error::io(path))?;
        files::sync_dir(parent)
    }

    // ---- facts ----

    fn fact_told(&self, id: Id) -> Result<Forgotten, Error> {
        let facts = self.facts();
        let noted = || facts.notable().find(|noted| noted.id == id).map(|noted| noted.notable.quote.clone());
        let sentence = facts.get(id).map(|fact| fact.sentence()).or_else(noted).ok_or(Error::NoFact)?;
        Ok(Forgotten { facts: vec![sentence], ..Forgotten::default() })
    }

    /// As the owner's order to remove it; what the owner stated of it leaves the journal.
    fn forget_fact(&self, id: Id) -> Result<Forgotten, Error> {
        let told = self.fact_told(id)?;
        let wish = Wish::Remove(id.to_string());
        let order = wish.order(&self.facts(), &self.shared.fact_orders()).ok_or(Error::NoFact)?;
        let number = self.shared.order_to_forget_facts(order)?;
        self.shared.wait_for(SHOWN, |p| p.orders.1 >= number || self.shared.is_stopping());
        Ok(told)
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
