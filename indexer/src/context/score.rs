//! How much a sentence deserves to be read first: by why it matters, by its age, and by how much its document is used.

use std::collections::HashMap;
use std::path::Path;

use super::usage::Use;
use super::{Moment, day_of, days};
use crate::Kind;
use crate::facts::{Noted, Reason};

const UNDATED: i64 = 180;

/// What a reason weighs, and after how many days half of that.
fn weight(reason: Reason) -> (f64, f64) {
    match reason {
        Reason::Safety => (10.0, 1500.0),
        Reason::Access => (9.0, 700.0),
        Reason::Due => (9.0, 60.0),
        Reason::Decision => (8.0, 365.0),
        Reason::Change => (6.0, 180.0),
        Reason::Warning => (3.0, 180.0),
    }
}

/// The score of a sentence; 0 when its time is over.
pub fn sentence(moment: &Moment, noted: &Noted, uses: &HashMap<&Path, Use>) -> f64 {
    let (weight, half_life) = weight(noted.notable.reason);
    let age = match (noted.notable.reason, noted.notable.day) {
        (Reason::Due, Some(day)) if days(moment.today(), day) < -3 => return 0.0,
        // The nearer the day, the more it matters; what has passed soon matters no more.
        (Reason::Due, Some(day)) => match days(moment.today(), day) {
            left if left < 0 => -20 * left,
            left => left,
        },
        (_, _) => age(moment, noted),
    };
    let emphasis = if noted.notable.strong { 1.3 } else { 1.0 };
    let denial =
        if noted.notable.quote.contains(" not ") && noted.notable.reason == Reason::Safety { 0.7 } else { 1.0 };
    weight
        * 0.5_f64.powf(age as f64 / half_life)
        * emphasis
        * denial
        * trust(moment, &noted.path)
        * use_of(uses, &noted.path)
}

/// Days since the document was written; one that does not say when counts as half a year old.
fn age(moment: &Moment, noted: &Noted) -> i64 {
    let age = days(day_of(noted.at, moment.now), moment.today()).max(0);
    let dated = moment.document(&noted.path).is_none_or(|document| document.dated);
    if dated { age } else { age.max(UNDATED) }
}

/// What others sent weighs less than what the owner keeps.
fn trust(moment: &Moment, path: &Path) -> f64 {
    match moment.document(path) {
        Some(document) if document.media == "mail" => 0.6,
        Some(document) if matches!(document.media.as_str(), "html" | "book") => 0.4,
        Some(document) if document.kind == Kind::Note => 1.2,
        Some(document) if document.kind == Kind::Conversation => 0.8,
        _ => 1.0,
    }
}

/// Each use adds less than the one before.
pub fn use_of(uses: &HashMap<&Path, Use>, path: &Path) -> f64 {
    1.0 + 0.2 * uses.get(path).map_or(0.0, |used| used.weight).ln_1p()
}
