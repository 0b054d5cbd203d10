//! What a query requires, as a set of documents: computed once, used by both engines.
//!
//! Words, phrases and beginnings are looked up in the word index, most else in the columns of the record table. Records themselves
//! are read only where these have said which ones may fit.

mod fields;
mod kinds;
mod words;

use std::ops::Range;

use echofs_query_lang::{Node, Query};

use crate::bits::Bits;
use crate::columns::Row;
use crate::facts::Facts;
use crate::lexical::Words;
use crate::record::{Content, Record, Table};
use crate::topics::Topics;
use crate::{Error, Source};

/// What a part of a query says about documents.
#[derive(Debug)]
pub enum Meaning {
    /// It lets these through.
    Set(Bits),
    /// It requires nothing.
    Free,
    /// It cannot be told; it is left out.
    Unknown,
}

/// What a filter is evaluated on.
pub struct Filter<'a> {
    /// The word index.
    pub words: &'a Words,
    /// The records of the same moment.
    pub table: &'a Table,
    /// The sources, for paths below them and `in:`.
    pub sources: &'a [Source],
    /// The topics, for `topic:`.
    pub topics: &'a Topics,
    /// What the documents state.
    pub facts: &'a Facts,
    /// Parts that were left out, each with the reason.
    pub ignored: Vec<String>,
    /// Parts that filter, each with the number of documents it alone lets through.
    pub used: Vec<(String, usize)>,
}

impl Filter<'_> {
    /// Evaluates a part of a query.
    ///
    /// # Errors
    /// I/O errors of the index.
    pub fn evaluate(&mut self, node: &Node) -> Result<Meaning, Error> {
        Ok(match node {
            Node::Words(_) | Node::Sem(_) | Node::Like(_) => Meaning::Free,
            Node::Lex(inner) => {
                if let Some(meaning) = meaning_in(inner) {
                    self.ignore(meaning, "what is in lex:( ) is compared by words only");
                }
                self.evaluate(inner)?
            }
            Node::Word(word) => self.word(word)?,
            Node::Phrase { words, slop } => self.phrase(words, *slop)?,
            Node::Prefix(start) => self.prefix(start)?,
            Node::Field(field) => self.field(node, field)?,
            Node::And(parts) => self.all(parts, false)?,
            Node::Or(parts) => self.any(parts)?,
            Node::Not(inner) => self.without(node, inner)?,
        })
    }

    /// Evaluates a whole query, and notes what each of its parts lets through.
    ///
    /// # Errors
    /// I/O errors of the index.
    pub fn evaluate_each(&mut self, root: &Node) -> Result<Meaning, Error> {
        match root {
            Node::And(parts) => self.all(parts, true),
            part => {
                let meaning = self.evaluate(part)?;
                Ok(self.noted(part, meaning))
            }
        }
    }

    fn noted(&mut self, part: &Node, meaning: Meaning) -> Meaning {
        if let Meaning::Set(set) = &meaning {
            self.used.push((text_of(part), set.count()));
        }
        meaning
    }

    /// Every indexed document.
    pub fn everything(&self) -> Bits {
        self.table.columns().live().clone()
    }

    fn nothing(&self) -> Bits {
        Bits::none(self.table.serials())
    }

    /// Documents whose row passes `test`.
    fn select(&self, test: impl Fn(&Row) -> bool) -> Bits {
        self.select_among(0..self.table.records().len(), test)
    }

    fn select_among(&self, places: Range<usize>, test: impl Fn(&Row) -> bool) -> Bits {
        let mut bits = self.nothing();
        self.table.columns().select(places, &mut bits, test);
        bits
    }

    /// Those of `candidates` whose record passes `test`, which is dearer.
    fn check(&self, candidates: &Bits, test: impl Fn(&Record, &Content) -> bool) -> Bits {
        let mut bits = self.nothing();
        for serial in candidates.iter() {
            let record = self.table.by_serial(serial);
            if record.is_some_and(|record| record.content.as_ref().is_some_and(|content| test(record, content))) {
                bits.insert(serial);
            }
        }
        bits
    }

    fn ignore(&mut self, node: &Node, why: &str) -> Meaning {
        self.ignored.push(format!("{}: {why}", text_of(node)));
        Meaning::Unknown
    }

    fn all(&mut self, parts: &[Node], note: bool) -> Result<Meaning, Error> {
        let (mut common, mut many) = (None, Vec::new());
        let mut free = false;
        for part in parts {
            // What each part lets through is not told, so that it need not be known.
            if !note && let Some(word) = self.common(part)? {
                many.push(word);
                continue;
            }
            let meaning = self.evaluate(part)?;
            let meaning = if note { self.noted(part, meaning) } else { meaning };
            match meaning {
                Meaning::Set(set) => narrow(&mut common, set),
                Meaning::Free => free = true,
                Meaning::Unknown => {}
            }
        }
        let common = self.with_common(common, many)?;
        Ok(common.map_or(if free { Meaning::Free } else { Meaning::Unknown }, Meaning::Set))
    }

    fn any(&mut self, parts: &[Node]) -> Result<Meaning, Error> {
        let mut union: Option<Bits> = None;
        let mut free = false;
        for part in parts {
            match self.evaluate(part)? {
                Meaning::Set(set) => match &mut union {
                    Some(union) => *union |= &set,
                    None => union = Some(set),
                },
                Meaning::Free => free = true,
                Meaning::Unknown => {}
            }
        }
        Ok(match union {
            _ if free => Meaning::Free,
            Some(union) => Meaning::Set(union),
            None => Meaning::Unknown,
        })
    }

    fn without(&mut self, node: &Node, inner: &Node) -> Result<Meaning, Error> {
        Ok(match self.evaluate(inner)? {
            Meaning::Set(set) => {
                let mut rest = self.everything();
                rest.subtract(&set);
                Meaning::Set(rest)
            }
            Meaning::Free => self.ignore(node, "it excludes nothing"),
            Meaning::Unknown => Meaning::Unknown,
        })
    }
}

/// What is in both, if there was one before.
fn narrow(common: &mut Option<Bits>, set: Bits) {
    match common {
        Some(common) => *common &= &set,
        None => *common = Some(set),
    }
}

/// A part that ranks by meaning.
fn meaning_in(node: &Node) -> Option<&Node> {
    match node {
        Node::Sem(_) => Some(node),
        Node::And(parts) | Node::Or(parts) => parts.iter().find_map(meaning_in),
        _ => None,
    }
}

/// A part of a query in canonical form.
fn text_of(node: &Node) -> String {
    Query { root: Some(node.clone()), ..Query::default() }.to_string()
}
