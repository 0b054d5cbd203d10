//! Facts: what the documents state, taken from them by rules.
//!
//! A document goes through `lines` (form), `token`, `tag`, `phrase` (words and phrases of a sentence), then `clause` and
//! `noun` (what verbs and noun phrases state). `merge` makes facts of the statements of all documents, `merger` changes
//! them where documents change, `orders` is what the owner says about them, `worker` keeps everything in step with the index. Nothing here runs a language model.

mod affiliation;
mod arguments;
mod brackets;
mod category;
mod census;
mod certainty;
mod clause;
mod compact;
mod context;
mod dates;
mod document;
mod draft;
mod entity;
mod fact;
mod fronted;
mod functional;
mod grounding;
mod layers;
mod liking;
mod lines;
mod merge;
mod merger;
mod moments;
mod morphology;
mod names;
mod notable;
mod noun;
mod occupation;
mod orders;
mod pace;
mod packed;
mod packer;
mod people;
mod phrase;
mod predicate;
mod reader;
pub mod readings;
mod relational;
mod remembered;
mod renamed;
mod reported;
mod sentence;
mod shift;
mod state;
mod statements;
mod store;
mod subject;
mod tag;
#[cfg(test)]
mod tests;
mod token;
mod verbs;
mod wishes;
pub mod worker;

use jiff::civil::Date;

pub use dates::parse as parse_date;
pub use document::{Document, facts};
pub use entity::is_pronoun;
pub use fact::{Category, Fact, Found, Id, Method, Origin, day_of};
pub use grounding::Claim;
pub(crate) use grounding::NEGATIVE;
pub use moments::find as days_in;
pub(crate) use notable::judge;
pub use notable::{Notable, Reason, speaks_to_programs};
pub use orders::{Going, Order, Orders};
pub use packed::Sources;
pub use people::{Person, is_contact};
pub use readings::ToRead;
pub use state::{Facts, Noted};
pub use wishes::{Wish, Words};

/// Something that a sentence states.
#[derive(Clone, Debug, Default, PartialEq)]
struct Triple {
    /// What it is about.
    subject: String,
    /// How the two are related.
    predicate: String,
    /// The other thing.
    object: String,
    /// Since when.
    from: Option<Date>,
    /// Until when.
    until: Option<Date>,
    /// The rule that found it.
    rule: &'static str,
    /// How much less than its words the clause says, from 0 to 1.
    doubt: f32,
}
