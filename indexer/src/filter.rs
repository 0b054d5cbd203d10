//! What a query requires, as a set of documents: computed once, used by both engines.
//!
//! Words, phrases and beginnings are looked up in the word index, most else in the columns of the record table. Records themselves
//! are read only where these have said which ones may fit.

use std::collections::HashMap;
use std::ops::Range;

use echofs_query_lang::{Field, Node, Query, TextField};

use crate::bits::Bits;
use crate::bm25::{each_at, each_posting};
use crate::columns::{Name, Row, header};
use crate::facts::Facts;
use crate::lexical::Words;
use crate::record::{Content, Key, Record, Table};
use crate::topics::{self, Topics};
use crate::traits::Trait;
use crate::{Error, Kind, Source, globs, groups, languages, phrase, stated};

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
            Node::Lex(inner) => self.evaluate(inner)?,
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
        let mut sets = Vec::new();
        let mut free = false;
        for part in parts {
            let meaning = self.evaluate(part)?;
            let meaning = if note { self.noted(part, meaning) } else { meaning };
            match meaning {
                Meaning::Set(set) => sets.push(set),
                Meaning::Free => free = true,
                Meaning::Unknown => {}
            }
        }
        let common = sets.into_iter().reduce(|mut a, b| {
            a &= &b;
            a
        });
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

    /// Documents that hold the word or a relative of it; all parts of a compound, next to each other.
    fn word(&mut self, typed: &str) -> Result<Meaning, Error> {
        let units = groups::units(typed);
        match units.as_slice() {
            [] => Ok(Meaning::Unknown),
            [unit] => {
                let forms = groups::known_forms(self.words, unit)?;
                self.holders(forms.iter().map(|(form, _)| form.as_str())).map(Meaning::Set)
            }
            units => self.exact(units, 0).map(Meaning::Set),
        }
    }

    fn holders<'a>(&self, forms: impl IntoIterator<Item = &'a str>) -> Result<Bits, Error> {
        let mut found = self.nothing();
        for form in forms {
            each_posting(self.words, form, |_| true, |_, serial, _| found.insert(serial))?;
        }
        Ok(self.only_live(found))
    }

    /// The index may hold more than the table of its moment knows.
    fn only_live(&self, mut found: Bits) -> Bits {
        found &= self.table.columns().live();
        found
    }

    fn phrase(&mut self, typed: &[String], slop: u32) -> Result<Meaning, Error> {
        let units: Vec<String> = typed.iter().flat_map(|word| groups::units(word)).collect();
        if units.is_empty() {
            return Ok(Meaning::Unknown);
        }
        self.exact(&units, slop).map(Meaning::Set)
    }

    fn exact(&self, units: &[String], slop: u32) -> Result<Bits, Error> {
        let mut found = self.nothing();
        for field in self.words.fields.words() {
            phrase::phrase(self.words, field, units, slop, &mut found)?;
        }
        Ok(self.only_live(found))
    }

    fn prefix(&mut self, typed: &str) -> Result<Meaning, Error> {
        let mut units = groups::units(typed);
        let Some(start) = units.pop() else { return Ok(Meaning::Unknown) };
        let mut found = self.nothing();
        for (_, places) in groups::beginning_with(self.words, &start)? {
            each_at(self.words, &places, |_| true, |_, serial, _| found.insert(serial))?;
        }
        found = self.only_live(found);
        for unit in units {
            found &= &self.holders([unit.as_str()])?;
        }
        Ok(Meaning::Set(found))
    }

    fn field(&mut self, node: &Node, field: &Field) -> Result<Meaning, Error> {
        let set = match field {
            Field::Text { name, value } => return self.text(node, *name, value),
            Field::Path(pattern) => self.path(pattern)?,
            Field::In(place) => return Ok(self.place(node, place)),
            Field::Is(what) => return Ok(self.is(node, what)),
            Field::Has(what) => return Ok(self.has(node, what)),
            Field::Size { from, to } => self.select(|row| within(row.size, *from, *to)),
            Field::Lines { from, to } => self.select(|row| within(u64::from(row.lines), *from, *to)),
            Field::Date { from, to, .. } => {
                self.select(|row| from.is_none_or(|from| row.date >= from) && to.is_none_or(|to| row.date < to))
            }
        };
        Ok(Meaning::Set(set))
    }

    fn text(&mut self, node: &Node, name: TextField, value: &str) -> Result<Meaning, Error> {
        let wanted = value.to_lowercase();
        let set = match name {
            TextField::Title => return self.title(value),
            TextField::Author => {
                let named = self.select(|row| row.header & header::AUTHOR != 0);
                let value = folded(value);
                self.check(&named, |_, c| c.author.as_deref().is_some_and(|author| folded(author).contains(&value)))
            }
            TextField::Lang => {
                let Some(code) = languages::code(&wanted) else { return Ok(self.ignore(node, "no known language")) };
                self.named(code, |row| row.lang)
            }
            TextField::Tag => {
                let tagged = self.select(|row| row.header & header::TAGS != 0);
                self.check(&tagged, |_, c| c.tags.iter().any(|tag| is_tag(tag, &wanted)))
            }
            TextField::Type => {
                let mut found = self.named(media(&wanted), |row| row.media);
                found |= &self.extension(&wanted)?;
                found
            }
            TextField::Ext => self.extension(wanted.trim_start_matches('.'))?,
            TextField::Topic => return Ok(self.topic(node, value)),
            TextField::Entity => self.stating(Some(value)),
        };
        Ok(Meaning::Set(set))
    }

    /// All words of the value, in any order, in the title.
    fn title(&mut self, value: &str) -> Result<Meaning, Error> {
        let mut found: Option<Bits> = None;
        for unit in groups::units(value) {
            let mut holders = self.nothing();
            let title = self.words.fields.title;
            for (form, _) in groups::known_forms(self.words, &unit)?.iter() {
                each_posting(self.words, form, |field| field == title, |_, serial, _| holders.insert(serial))?;
            }
            match &mut found {
                Some(found) => *found &= &holders,
                None => found = Some(holders),
            }
        }
        Ok(match found {
            Some(found) => Meaning::Set(self.only_live(found)),
            None => Meaning::Unknown,
        })
    }

    /// Documents that state something, or something about an entity.
    fn stating(&self, entity: Option<&str>) -> Bits {
        let mut bits = self.nothing();
        let documents = stated::documents(self.facts, entity);
        let records = documents.into_iter().filter_map(|path| self.table.by_path(path));
        records.filter_map(|r| r.content.as_ref()).for_each(|content| bits.insert(content.serial));
        bits
    }

    /// Documents with this name in one of the columns of names.
    fn named(&self, name: &str, column: impl Fn(&Row) -> Option<Name>) -> Bits {
        let number = self.table.columns().named(name);
        number.map_or_else(|| self.nothing(), |number| self.select(|row| column(row) == Some(number)))
    }

    fn extension(&self, extension: &str) -> Result<Bits, Error> {
        let words = globs::whole_words(extension).collect();
        Ok(self.check(&self.with_path_words(words)?, |r, _| r.has_extension(extension)))
    }

    fn path(&self, pattern: &str) -> Result<Bits, Error> {
        let pattern = globs::Pattern::new(pattern, self.sources);
        Ok(self.check(&self.with_path_words(pattern.words())?, |r, _| pattern.matches(&r.path)))
    }

    /// Documents that have all these words in their path.
    fn with_path_words(&self, words: Vec<String>) -> Result<Bits, Error> {
        let (mut found, path) = (self.everything(), self.words.fields.path);
        for word in words {
            let mut holders = self.nothing();
            each_posting(self.words, &word, |field| field == path, |_, serial, _| holders.insert(serial))?;
            found &= &holders;
        }
        Ok(found)
    }

    fn place(&mut self, node: &Node, place: &str) -> Meaning {
        if let Some(kind) = kind(place) {
            let set = if kind == Kind::Fact { self.stating(None) } else { self.select(|row| row.kind == kind) };
            return Meaning::Set(set);
        }
        let Some(source) = self.sources.iter().find(|s| s.name.eq_ignore_ascii_case(place)) else {
            return self.ignore(
                node,
                "there is no such place; files, notes, conversations, facts, relationship or a source's name",
            );
        };
        Meaning::Set(self.select_among(self.table.places_below(&source.root), |_| true))
    }

    fn topic(&mut self, node: &Node, value: &str) -> Meaning {
        let topics = self.topics;
        if value.eq_ignore_ascii_case(topics::MISC) {
            return Meaning::Set(self.select(|row| topics.is_misc(row.id)));
        }
        let wanted = topics.named(value);
        match (wanted.is_empty(), topics.places.is_empty()) {
            (_, true) => self.ignore(node, "topics are not known yet"),
            (true, false) => self.ignore(node, "there is no such topic; topics/ lists them"),
            (false, false) => Meaning::Set(self.select(|row| topics.is_in(row.id, &wanted))),
        }
    }

    fn has(&mut self, node: &Node, what: &str) -> Meaning {
        Meaning::Set(match what.to_lowercase().trim_end_matches('s') {
            "tag" => self.select(|row| row.header & header::TAGS != 0),
            "author" => self.select(|row| row.header & header::AUTHOR != 0),
            "date" => self.select(|row| row.header & header::DATE != 0),
            "title" => self.select(|row| row.header & header::TITLE != 0),
            "lang" => self.select(|row| row.lang.is_some()),
            name => match Trait::named(name) {
                Some(wanted) => self.select(|row| row.traits & wanted as u8 != 0),
                None => return self.ignore(node, HAS),
            },
        })
    }

    fn is(&mut self, node: &Node, what: &str) -> Meaning {
        let what = what.to_lowercase();
        let media = media(&what);
        Meaning::Set(match what.trim_end_matches('s') {
            "copy" | "copie" | "duplicate" => self.copies(),
            "empty" => self.select(|row| row.words == 0),
            "untitled" => self.select(|row| row.header & header::TITLE == 0),
            "tagged" => self.select(|row| row.header & header::TAGS != 0),
            "untagged" => self.select(|row| row.header & header::TAGS == 0),
            name => match kind(name) {
                Some(kind) => self.select(|row| row.kind == kind),
                None if self.has_media(media) => self.named(media, |row| row.media),
                None => return self.ignore(node, IS),
            },
        })
    }

    fn has_media(&self, media: &str) -> bool {
        MEDIA.contains(&media) || self.table.columns().named(media).is_some()
    }

    /// Documents whose bytes another document has too.
    fn copies(&self) -> Bits {
        let mut holders: HashMap<Key, usize> = HashMap::new();
        for content in self.table.records().iter().filter_map(|r| r.content.as_ref()) {
            *holders.entry(content.hash).or_default() += 1;
        }
        self.check(self.table.columns().live(), |_, c| holders.get(&c.hash).is_some_and(|count| *count > 1))
    }
}

/// What `is:` knows beside kinds of documents.
const IS: &str = "is: knows file, note, conversation, fact, relationship, kinds such as mail or pdf, copy, empty, untitled, \
                  tagged and untagged";
/// What `has:` knows.
const HAS: &str = "has: knows tag, author, date, title, lang, link, task, code, table, image and page";
/// Kinds that are known even where no document is of that kind.
const MEDIA: [&str; 11] =
    ["book", "calendar", "code", "document", "mail", "markdown", "pdf", "sheet", "slides", "table", "text"];

fn kind(name: &str) -> Option<Kind> {
    match name.to_lowercase().trim_end_matches('s') {
        "file" => Some(Kind::File),
        "note" => Some(Kind::Note),
        "conversation" => Some(Kind::Conversation),
        "fact" => Some(Kind::Fact),
        "relationship" => Some(Kind::Relationship),
        _ => None,
    }
}

/// A part of a query in canonical form.
fn text_of(node: &Node) -> String {
    Query { root: Some(node.clone()), ..Query::default() }.to_string()
}

fn within(value: u64, from: Option<u64>, to: Option<u64>) -> bool {
    from.is_none_or(|from| value >= from) && to.is_none_or(|to| value <= to)
}

fn folded(text: &str) -> String {
    text.split_whitespace().map(|word| crate::words::fold(word)).collect::<Vec<_>>().join(" ")
}

/// The tag itself or one below it: `home` is above `home/garden`.
fn is_tag(tag: &str, wanted: &str) -> bool {
    let wanted = wanted.trim_start_matches('#');
    tag.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The media kind that people mean by other names.
fn media(name: &str) -> &str {
    match name {
        "email" | "mails" | "emails" => "mail",
        "doc" | "documents" | "word" => "document",
        "spreadsheet" | "spreadsheets" | "excel" => "sheet",
        "presentation" | "presentations" | "powerpoint" => "slides",
        "source" => "code",
        "plain" => "text",
        "ebook" => "book",
        other => other,
    }
}
