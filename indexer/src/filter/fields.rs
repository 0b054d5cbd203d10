//! Fields: what a document says of itself, its path and what is known of it.

use echofs_query_lang::{Field, Node, TextField};

use super::kinds::media;
use super::words::names;
use super::{Filter, Meaning, narrow};
use crate::bits::Bits;
use crate::bm25::each_posting;
use crate::columns::{Name, Row, header};
use crate::record::Record;
use crate::words::fold;
use crate::{Error, globs, groups, languages, stated, topics};

impl Filter<'_> {
    pub(super) fn field(&mut self, node: &Node, field: &Field) -> Result<Meaning, Error> {
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
                let value = folded(value.trim_end_matches('*'));
                self.check(&named, |_, c| c.author.as_deref().is_some_and(|author| folded(author).contains(&value)))
            }
            TextField::Lang => {
                let Some(code) = languages::code(&wanted) else { return Ok(self.ignore(node, "no known language")) };
                self.named(code, |row| row.lang)
            }
            TextField::Tag => {
                let (tagged, wanted) = (self.select(|row| row.header & header::TAGS != 0), fold(&wanted));
                self.check(&tagged, |_, c| c.tags.iter().any(|tag| is_tag(&fold(tag), &wanted)))
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

    /// All words of the value, in any order, in the title. With `*` behind it, the last one is the beginning of a word.
    fn title(&mut self, value: &str) -> Result<Meaning, Error> {
        let (mut found, title) = (None, self.words.fields.title);
        let units = groups::units(value);
        for (n, unit) in units.iter().enumerate() {
            let holders = if value.ends_with('*') && n + 1 == units.len() {
                self.beginning(unit, |field| field == title)?
            } else {
                self.holders(names(&*groups::known_forms(self.words, unit)?), |field| field == title)?
            };
            narrow(&mut found, holders);
        }
        Ok(found.map_or(Meaning::Unknown, Meaning::Set))
    }

    /// Documents that state something, or something about an entity.
    pub(super) fn stating(&self, entity: Option<&str>) -> Bits {
        let mut bits = self.nothing();
        let documents = stated::documents(self.facts, entity);
        let records = documents.into_iter().filter_map(|path| self.table.by_path(path));
        records.filter_map(|r| r.content.as_ref()).for_each(|content| bits.insert(content.serial));
        bits
    }

    /// Documents with this name in one of the columns of names.
    pub(super) fn named(&self, name: &str, column: impl Fn(&Row) -> Option<Name>) -> Bits {
        let number = self.table.columns().named(name);
        number.map_or_else(|| self.nothing(), |number| self.select(|row| column(row) == Some(number)))
    }

    fn extension(&self, extension: &str) -> Result<Bits, Error> {
        let words = globs::whole_words(extension).collect();
        Ok(self.check(&self.with_path_words(words)?, |r, _| has_extension(r, extension)))
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
}

fn within(value: u64, from: Option<u64>, to: Option<u64>) -> bool {
    from.is_none_or(|from| value >= from) && to.is_none_or(|to| value <= to)
}

fn folded(text: &str) -> String {
    text.split_whitespace().map(fold).collect::<Vec<_>>().join(" ")
}

/// What stands in a name behind a dot: `md`, `tar.gz`, `jp*`.
fn has_extension(record: &Record, wanted: &str) -> bool {
    if let Some(start) = wanted.strip_suffix('*') {
        let extension = record.path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        return extension.is_some_and(|extension| extension.starts_with(start));
    }
    if wanted.contains('.') {
        let name = record.path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        return name.ends_with(&format!(".{wanted}"));
    }
    record.has_extension(wanted)
}

/// The tag itself or one below it: `home` is above `home/garden`. With `*` behind it, any that begins so.
fn is_tag(tag: &str, wanted: &str) -> bool {
    let wanted = wanted.trim_start_matches('#');
    if let Some(start) = wanted.strip_suffix('*') {
        return tag.starts_with(start);
    }
    tag.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
