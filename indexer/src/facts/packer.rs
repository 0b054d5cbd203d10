//! Packs facts: those of one statement at once, and those that are stated more than once when all is known of them.

use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use jiff::Timestamp;

use super::draft::{Draft, Entities};
use super::fact::{Found, Id};
use super::packed::{self, Packed, Place, ROW, Row, Span};
use crate::Error;
use crate::scratch::Scratch;

/// So many words are known again when they come again.
const WORDS: usize = 50_000;

/// Rows and text that are being written.
pub struct Packer {
    rows: Scratch,
    text: Scratch,
    documents: Vec<Span>,
    /// Predicates, entities and the like, each written once.
    words: HashMap<Box<str>, Span>,
    /// The facts that more than one statement states.
    repeated: HashSet<Id>,
    /// Those of them that were met, with their rows.
    shared: HashMap<Id, (u32, Option<Draft>)>,
}

/// What a document adds.
pub struct Page {
    document: u32,
    quotes: HashMap<String, Span>,
    /// Line, name, and the row, unless the fact is one that is stated more than once.
    new: Vec<(u32, Id, Option<Row>)>,
}

impl Packer {
    /// Nothing yet. What grows goes to files in `dir`, if there is one.
    pub fn new(dir: Option<&Path>, repeated: HashSet<Id>) -> Self {
        Self {
            rows: Scratch::new(dir),
            text: Scratch::new(dir),
            documents: Vec::new(),
            words: HashMap::new(),
            repeated,
            shared: HashMap::new(),
        }
    }

    /// Begins a document.
    pub fn begin(&mut self, path: &Path) -> Result<Page, Error> {
        let path = path.as_os_str().as_bytes();
        let document = self.documents.len() as u32;
        self.documents.push(Span::new(self.text.add(path)?, path.len()));
        Ok(Page { document, quotes: HashMap::new(), new: Vec::new() })
    }

    /// Adds a statement of a document, and what fact it states.
    pub fn add(
        &mut self,
        page: &mut Page,
        found: &Found,
        at: Timestamp,
        id: Id,
        entities: impl FnOnce() -> Entities,
    ) -> Result<(), Error> {
        let quote = match page.quotes.get(&found.quote) {
            Some(quote) => *quote,
            None => {
                let quote = Span::new(self.text.add(found.quote.as_bytes())?, found.quote.len());
                page.quotes.insert(found.quote.clone(), quote);
                quote
            }
        };
        let place = Place { document: page.document, line: found.line, quote };
        if !self.repeated.contains(&id) {
            let row = self.row(Draft::new(id, found, entities(), at, place), &found.quote)?;
            page.new.push((found.line, id, Some(row)));
            return Ok(());
        }
        match self.shared.get_mut(&id) {
            Some((_, Some(draft))) => draft.add(found, at, place),
            Some((_, none)) => *none = Some(Draft::new(id, found, entities(), at, place)),
            None => {
                self.shared.insert(id, (0, Some(Draft::new(id, found, entities(), at, place))));
                page.new.push((found.line, id, None));
            }
        }
        Ok(())
    }

    /// Keeps places for facts that will be stated later, as if this document stated them.
    pub fn reserve(&mut self, page: &mut Page, facts: impl Iterator<Item = (u32, Id)>) {
        for (line, id) in facts {
            if self.repeated.contains(&id) && !self.shared.contains_key(&id) {
                self.shared.insert(id, (0, None));
                page.new.push((line, id, None));
            }
        }
    }

    /// Writes down what a document added, by line.
    pub fn end(&mut self, page: &mut Page) -> Result<(), Error> {
        page.new.sort_by_key(|(line, id, _)| (*line, *id));
        for (_, id, row) in page.new.drain(..) {
            if row.is_none()
                && let Some((place, _)) = self.shared.get_mut(&id)
            {
                *place = (self.rows.len() / ROW as u64) as u32;
            }
            self.rows.add(&row.map_or([0; ROW], Row::to_bytes))?;
        }
        page.quotes.clear();
        Ok(())
    }

    /// All facts.
    pub fn finish(mut self) -> Result<Packed, Error> {
        for (place, draft) in std::mem::take(&mut self.shared).into_values() {
            let Some(draft) = draft else { continue };
            let row = self.row(draft, "")?;
            self.rows.replace(u64::from(place) * ROW as u64, &row.to_bytes())?;
        }
        Ok(Packed { rows: self.rows.finish()?, text: self.text.finish()?, documents: self.documents })
    }

    fn row(&mut self, mut draft: Draft, quote: &str) -> Result<Row, Error> {
        draft.settle();
        let source = draft.places.first().copied().unwrap_or_default();
        let more =
            packed::more(draft.places.get(1..).unwrap_or_default(), draft.statements.get(1..).unwrap_or_default());
        let Entities { subject, object } = &draft.entities;
        Ok(Row {
            id: draft.id,
            statement: draft.statements.first().copied().unwrap_or_default(),
            subject: self.part(&draft.subject, quote, source.quote)?,
            predicate: self.word(&draft.predicate)?,
            object: self.part(&draft.object, quote, source.quote)?,
            subject_entity: self.word(subject.as_deref().unwrap_or_default())?,
            object_entity: self.word(object.as_deref().unwrap_or_default())?,
            source,
            more: if more.is_empty() { Span::default() } else { Span::new(self.text.add(&more)?, more.len()) },
            sources: draft.places.len().saturating_sub(1) as u32,
            observed_at: draft.observed_at,
            confidence: draft.confidence,
            valid_from: draft.valid_from,
            valid_until: draft.valid_until,
            category: draft.category,
            method: draft.method,
        })
    }

    /// A text that may be a part of the quotation.
    fn part(&mut self, text: &str, quote: &str, at: Span) -> Result<Span, Error> {
        match quote.find(text).filter(|_| !text.is_empty()) {
            Some(begin) => Ok(at.part(begin, text.len())),
            None => self.word(text),
        }
    }

    fn word(&mut self, text: &str) -> Result<Span, Error> {
        if let Some(span) = self.words.get(text) {
            return Ok(*span);
        }
        if text.is_empty() {
            return Ok(Span::default());
        }
        if self.words.len() >= WORDS {
            self.words.clear();
        }
        let span = Span::new(self.text.add(text.as_bytes())?, text.len());
        self.words.insert(text.into(), span);
        Ok(span)
    }
}
