//! Facts as text: a page for a fact, an entity, a document and a day.

use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use echofs_indexer::facts::{Category, Fact, Facts, Id as FactId};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::names;

/// Longest sentence in a name, in bytes.
const SENTENCE: usize = 150;
/// Letters of a fact's id in a name.
const ID: usize = 10;
/// Sources that a page names for one fact.
const SOURCES: usize = 5;

/// The name of a fact's file: what it says, and a part of its id.
pub fn name(fact: &Fact) -> String {
    let sentence = names::clean(&fact.sentence(), SENTENCE);
    let sentence = sentence.trim_start_matches('.');
    format!("{sentence}~{:.ID$}.md", fact.id.to_string())
}

/// The part of an id in such a name.
pub fn id_in(name: &str) -> Option<&str> {
    name.strip_suffix(".md")?.rsplit_once('~').map(|(_, id)| id).filter(|id| id.len() == ID)
}

/// The fact whose file has this name.
pub fn named<'a>(facts: &'a Facts, file: &str) -> Option<Fact<'a>> {
    facts.beginning(id_in(file)?).find(|fact| name(fact) == file)
}

/// When the newest of its sources was written.
pub fn time(fact: &Fact) -> SystemTime {
    moment(fact.observed_at)
}

fn moment(at: Timestamp) -> SystemTime {
    let seconds = Duration::from_secs(at.as_second().unsigned_abs());
    if at.as_second() >= 0 { UNIX_EPOCH + seconds } else { UNIX_EPOCH - seconds }
}

/// A page that names facts, and which, in its order.
#[derive(Default)]
pub struct Page {
    /// The page.
    pub text: String,
    /// The facts.
    pub facts: Vec<FactId>,
}

/// The front matter of a fact's page.
#[derive(Serialize)]
struct Head<'a> {
    id: FactId,
    subject: &'a str,
    predicate: &'a str,
    object: &'a str,
    category: Category,
    confidence: f32,
    observed_at: Timestamp,
    method: echofs_indexer::facts::Method,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_from: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    superseded_by: Option<FactId>,
}

/// The page of one fact.
pub fn fact(fact: &Fact) -> String {
    let head = Head {
        id: fact.id,
        subject: fact.subject,
        predicate: fact.predicate,
        object: fact.object,
        category: fact.category,
        confidence: fact.confidence,
        observed_at: fact.observed_at,
        method: fact.method,
        valid_from: fact.valid_from,
        valid_until: fact.valid_until,
        superseded_by: fact.superseded_by,
    };
    let mut out = String::from("---\n");
    if let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(&head) {
        for (key, value) in &fields {
            let _ = writeln!(out, "{key}: {value}");
        }
    }
    let _ = writeln!(out, "---\n\n{}\n", said(fact));
    for source in fact.sources.iter() {
        let _ = writeln!(out, "> {}\n\n{}:{}\n", visible(source.quote), source.path.display(), source.line);
    }
    out
}

/// Extended attributes of a fact's file.
pub fn xattrs(fact: &Fact) -> Vec<(&'static str, String)> {
    vec![
        ("fact", fact.id.to_string()),
        ("source", fact.source.path.display().to_string()),
        ("line", fact.source.line.to_string()),
        ("score", fact.confidence.to_string()),
    ]
}

/// What is known of one person, project or thing: what holds, and what held before.
pub fn entity(name: &str, facts: &[Fact]) -> Page {
    let mut out = Page { text: format!("# {}\n", visible(name)), ..Page::default() };
    let (now, before): (Vec<&Fact>, Vec<&Fact>) = facts.iter().partition(|fact| fact.superseded_by.is_none());
    for category in Category::ALL {
        let of: Vec<&&Fact> = now.iter().filter(|fact| fact.category == category).collect();
        if !of.is_empty() {
            let _ = writeln!(out.text, "\n## {}\n", category.name());
            of.iter().for_each(|fact| out.item(fact));
        }
    }
    if !before.is_empty() {
        out.text.push_str("\n## before\n\n");
        before.iter().for_each(|fact| out.item(fact));
    }
    out
}

/// What one document states, in its order.
pub fn document<'a>(path: &str, facts: impl Iterator<Item = Fact<'a>>) -> Page {
    let mut out = Page { text: format!("# {}\n\n", visible(path)), ..Page::default() };
    facts.for_each(|fact| out.item(&fact));
    out
}

/// What held or was known on a day, as the heading says.
pub fn day<'a>(heading: &str, facts: impl Iterator<Item = Fact<'a>>) -> String {
    let mut out = Page { text: format!("# {heading}\n\n"), ..Page::default() };
    facts.for_each(|fact| out.item(&fact));
    out.text
}

impl Page {
    fn item(&mut self, fact: &Fact) {
        let places: Vec<String> =
            fact.sources.iter().take(SOURCES).map(|s| format!("{}:{}", s.path.display(), s.line)).collect();
        let _ = writeln!(self.text, "- {}{}\n  {}", said(fact), times(fact), places.join(" "));
        self.facts.push(fact.id);
    }
}

/// What a fact says, on one line.
pub fn said(fact: &Fact) -> String {
    visible(&fact.sentence())
}

/// When it is true, as it stands behind that.
pub fn times(fact: &Fact) -> String {
    match (fact.valid_from, fact.valid_until) {
        (Some(from), Some(until)) => format!(" ({from} to {until})"),
        (Some(from), None) => format!(" (since {from})"),
        (None, Some(until)) => format!(" (until {until})"),
        (None, None) => String::new(),
    }
}

/// On one line, without control characters.
pub fn visible(text: &str) -> String {
    names::clean(text, usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_found_in_a_name() {
        assert_eq!(id_in("Oda has the quern~0123456789.md"), Some("0123456789"));
        assert_eq!(id_in("Oda has the quern.md"), None);
        assert_eq!(id_in("a~b.md"), None);
    }
}
