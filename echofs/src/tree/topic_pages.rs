//! Topics as text: the overview, a page for each, and `topics.json`.

use std::fmt::Write;

use echofs_indexer::Document;
use echofs_indexer::topics::{Excerpt, MISC, Topic};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::topics::Shelf;

/// Documents that a page names as the latest.
const LATEST: usize = 10;
/// Phrases of a topic in a table.
const PHRASES: usize = 5;

/// `topics/README.md`.
pub fn overview(shelf: &Shelf) -> String {
    let topics = shelf.below(None);
    let mut out = String::from("# Topics\n\n");
    if topics.is_empty() && shelf.misc.is_empty() {
        out.push_str(
            "None yet: documents are grouped once they are found by meaning. `status` says how far that is.\n",
        );
        return out;
    }
    let _ = writeln!(out, "{} documents, grouped by what they say and where they lie.\n", shelf.table.places.len());
    table(&mut out, shelf, &topics);
    if !shelf.misc.is_empty() {
        let _ = writeln!(out, "| `{MISC}/` | {} | | what fits nowhere |", shelf.misc.len());
    }
    out.push_str("\nIn searches `topic:<name>` keeps to one of them. `topics.json` is the same for scripts.\n");
    out
}

/// `README.md` of what fits nowhere.
pub fn misc(shelf: &Shelf) -> String {
    let documents = shelf.newest(shelf.misc.iter());
    let mut out = format!("# {MISC}\n\n{}, like no others.\n", counted(&documents));
    latest(&mut out, &documents);
    out
}

/// `README.md` of a topic.
pub fn topic(shelf: &Shelf, topic: usize) -> String {
    let (documents, below) = (shelf.all(topic), shelf.below(Some(topic)));
    let Topic { phrases, excerpts, namer, former, summary, .. } = &shelf.table.topics[topic];
    let mut out = format!("# {}\n\n{}", shelf.table.path(topic), counted(&documents));
    let _ = writeln!(out, "{}.", if phrases.is_empty() { String::new() } else { format!(": {}", phrases.join(", ")) });
    if let Some(summary) = summary.as_ref().filter(|summary| !summary.text.is_empty()) {
        let _ = writeln!(out, "\n{}\n\n{}", summary.text, by(&summary.model, "Summed up"));
    }
    if let Some(model) = namer {
        let before = former
            .as_ref()
            .map_or(String::new(), |name| format!(" Before that it was `{name}`, which still leads here."));
        let _ = writeln!(out, "\n{}{before}", by(model, "Named"));
    }
    if !below.is_empty() {
        out.push('\n');
        table(&mut out, shelf, &below);
    }
    let quoted: Vec<(&Excerpt, &Document)> =
        excerpts.iter().filter_map(|excerpt| Some((excerpt, shelf.documents.get(&excerpt.document)?))).collect();
    if !quoted.is_empty() {
        out.push_str("\n## What is typical\n");
    }
    for (excerpt, document) in quoted {
        out.push('\n');
        for line in excerpt.text.lines() {
            out.push_str(format!("> {line}").trim_end());
            out.push('\n');
        }
        let _ = writeln!(out, "\n{}:{}", document.path.display(), excerpt.line);
    }
    latest(&mut out, &documents);
    out
}

/// Who did what: what a model wrote is marked as such.
fn by(model: &str, what: &str) -> String {
    format!("({what} by the language model {model}, from titles and passages of these documents.)")
}

fn table(out: &mut String, shelf: &Shelf, topics: &[usize]) {
    out.push_str("| topic | documents | dates | about |\n|---|---|---|---|\n");
    for topic in topics {
        let documents = shelf.all(*topic);
        let Topic { name, phrases, .. } = &shelf.table.topics[*topic];
        let about = phrases.iter().take(PHRASES).map(String::as_str).collect::<Vec<_>>().join(", ");
        let _ = writeln!(out, "| `{name}/` | {} | {} | {about} |", documents.len(), span(&documents));
    }
}

fn latest(out: &mut String, documents: &[&Document]) {
    out.push_str("\n## Latest\n\n");
    for document in documents.iter().take(LATEST) {
        let _ = writeln!(out, "- {} {}: {}", day(document.date), document.title, document.path.display());
    }
}

/// `12 documents, 2024-03-01 to 2026-02-11`.
fn counted(documents: &[&Document]) -> String {
    let plural = if documents.len() == 1 { "" } else { "s" };
    format!("{} document{plural}, {}", documents.len(), span(documents))
}

/// From the oldest to the newest, where the newest comes first.
fn span(documents: &[&Document]) -> String {
    match (documents.last().map(|document| day(document.date)), documents.first().map(|document| day(document.date))) {
        (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
        (Some(only), _) => only,
        _ => String::new(),
    }
}

fn day(seconds: i64) -> String {
    Timestamp::from_second(seconds).unwrap_or_default().to_zoned(TimeZone::system()).date().to_string()
}

/// `topics.json`.
#[derive(Serialize)]
struct All<'a> {
    documents: usize,
    topics: Vec<One<'a>>,
    misc: Vec<String>,
}

/// A topic in it; `documents` are those right in it, `count` has those below it too.
#[derive(Serialize)]
struct One<'a> {
    name: &'a str,
    path: String,
    count: usize,
    from: Option<String>,
    to: Option<String>,
    /// Name before a language model chose another.
    former: Option<&'a str>,
    named_by: Option<&'a str>,
    summary: Option<&'a str>,
    summed_up_by: Option<&'a str>,
    phrases: &'a [String],
    excerpts: Vec<Quote<'a>>,
    documents: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    topics: Vec<One<'a>>,
}

#[derive(Serialize)]
struct Quote<'a> {
    path: String,
    line: u32,
    end_line: u32,
    text: &'a str,
}

/// `topics.json`: everything, for scripts.
pub fn json(shelf: &Shelf) -> String {
    let topics = shelf.below(None).into_iter().map(|topic| one(shelf, topic)).collect();
    let misc = paths(shelf, &shelf.misc);
    let all = All { documents: shelf.table.places.len(), topics, misc };
    let mut text = serde_json::to_string_pretty(&all).unwrap_or_default();
    text.push('\n');
    text
}

fn one(shelf: &Shelf, topic: usize) -> One<'_> {
    let documents = shelf.all(topic);
    let Topic { name, phrases, excerpts, namer, former, summary, .. } = &shelf.table.topics[topic];
    let summary = summary.as_ref().filter(|summary| !summary.text.is_empty());
    let quotes = excerpts.iter().filter_map(|excerpt| {
        let path = path(shelf.documents.get(&excerpt.document)?);
        Some(Quote { path, line: excerpt.line, end_line: excerpt.end_line, text: &excerpt.text })
    });
    One {
        name,
        path: shelf.table.path(topic),
        count: documents.len(),
        from: documents.last().map(|document| day(document.date)),
        to: documents.first().map(|document| day(document.date)),
        former: former.as_deref(),
        named_by: namer.as_deref(),
        summary: summary.map(|summary| summary.text.as_str()),
        summed_up_by: summary.map(|summary| summary.model.as_str()),
        phrases,
        excerpts: quotes.collect(),
        documents: paths(shelf, &shelf.members[topic]),
        topics: shelf.below(Some(topic)).into_iter().map(|below| one(shelf, below)).collect(),
    }
}

fn paths(shelf: &Shelf, ids: &[u64]) -> Vec<String> {
    ids.iter().filter_map(|id| shelf.documents.get(id)).map(path).collect()
}

fn path(document: &Document) -> String {
    document.path.to_string_lossy().into_owned()
}
