//! `in:`, `is:` and `has:`, and what people call kinds of documents.

use std::collections::HashMap;

use echofs_query_lang::Node;

use super::{Filter, Meaning};
use crate::Kind;
use crate::bits::Bits;
use crate::columns::header;
use crate::record::Key;
use crate::traits::Trait;
use crate::words::fold;

/// What `is:` knows beside kinds of documents.
const IS: &str = "is: knows file, note, conversation, fact, relationship, kinds such as mail or pdf, copy, empty, untitled, \
                  tagged and untagged";
/// What `has:` knows.
const HAS: &str = "has: knows tag, author, date, title, lang, link, task, code, table, image and page";
/// Kinds that are known even where no document is of that kind.
const MEDIA: [&str; 11] =
    ["book", "calendar", "code", "document", "mail", "markdown", "pdf", "sheet", "slides", "table", "text"];

impl Filter<'_> {
    pub(super) fn place(&mut self, node: &Node, place: &str) -> Meaning {
        if let Some(kind) = kind(place) {
            let set = if kind == Kind::Fact { self.stating(None) } else { self.select(|row| row.kind == kind) };
            return Meaning::Set(set);
        }
        let Some(source) = self.sources.iter().find(|source| fold(&source.name) == fold(place)) else {
            return self.ignore(
                node,
                "there is no such place; files, notes, conversations, facts, relationship or a source's name",
            );
        };
        Meaning::Set(self.select_among(self.table.places_below(&source.root), |_| true))
    }

    pub(super) fn has(&mut self, node: &Node, what: &str) -> Meaning {
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

    pub(super) fn is(&mut self, node: &Node, what: &str) -> Meaning {
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

/// The media kind that people mean by other names.
pub(super) fn media(name: &str) -> &str {
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
