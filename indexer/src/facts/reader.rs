//! What one document of the index states.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use jiff::Timestamp;

use super::document::{self, Document};
use super::fact::day_of;
use super::notable::notable;
use super::store::{Head, Kept};
use super::{grounding, readings, remembered};
use crate::conversations::without_own;
use crate::record::Record;
use crate::snapshot::Snapshot;
use crate::{Error, Kind, Passage};

/// What a document states, which of its sentences matter, and which of its passages a model may read.
///
/// `remembered` is the note of remembered sentences.
pub fn found(snapshot: &Snapshot, record: &Record, remembered: &Path) -> Result<Kept, Error> {
    let Some(content) = &record.content else { return Ok(Kept::default()) };
    let nothing = || Kept { head: Head { hash: content.hash, passages: Vec::new() }, ..Kept::default() };
    let Some(address) = snapshot.words.address(content.serial) else { return Ok(nothing()) };
    let entry = snapshot.words.entry(address)?;
    let stated = content.stated_date.and_then(|at| Timestamp::from_second(at).ok()).map(day_of);
    let title = record.title();
    let language = content.lang.as_deref();
    let document = Document { title: &title, media: &content.media, date: stated, language };
    let stored = entry.passages.iter().map(|p| &p.passage);
    let said = (content.kind == Kind::Conversation).then(|| without_own(stored.clone()));
    let all: Vec<&Passage> = said.as_ref().map_or_else(|| stored.collect(), |said| said.iter().collect());
    let passages = || all.iter().copied();
    let for_model = || {
        let worth =
            |p: &&Passage| readings::is_by_people(content.kind) && grounding::is_worth_reading(&content.media, &p.text);
        passages().filter(worth).map(|p| (readings::key(&p.text), p.line)).collect()
    };
    let read = || Kept {
        head: Head { hash: content.hash, passages: for_model() },
        found: match record.path == remembered {
            true => remembered::by_owner(document::facts(&document, passages()), passages()),
            false => document::facts(&document, passages()),
        },
        notable: notable(&document, passages()),
    };
    // A rule that fails on some text costs the facts of that document and nothing else.
    let facts = catch_unwind(AssertUnwindSafe(read));
    Ok(facts.unwrap_or_else(|_| {
        log::error!("{}: its facts cannot be read", record.path.display());
        nothing()
    }))
}
