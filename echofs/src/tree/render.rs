//! Results as text: excerpts and `results.jsonl`.

use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use echofs_indexer::{Document, Hit, Results};
use jiff::Timestamp;
use serde::Serialize;

use super::names;

/// Longest title in a name, in bytes.
const TITLE: usize = 120;

/// One line of `results.jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    rank: usize,
    score: f32,
    path: String,
    title: &'a str,
    line: u32,
    end_line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u32>,
    snippet: &'a str,
    kind: echofs_indexer::Kind,
    modified: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    copies: Vec<String>,
    why: Why,
}

#[derive(Serialize)]
struct Why {
    lexical_rank: Option<usize>,
    semantic_rank: Option<usize>,
    lexical: Option<f32>,
    semantic: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rerank: Option<f32>,
}

/// When the document of a hit was changed.
pub fn modified(hit: &Hit) -> SystemTime {
    document_time(&hit.document)
}

/// When a document was changed.
pub fn document_time(document: &Document) -> SystemTime {
    let nanos = Duration::from_nanos(document.modified_ns.unsigned_abs());
    if document.modified_ns >= 0 { UNIX_EPOCH + nanos } else { UNIX_EPOCH - nanos }
}

/// A document's modification time, ISO 8601.
fn iso(document: &Document) -> String {
    Timestamp::from_second(document.modified_ns.div_euclid(1_000_000_000)).unwrap_or_default().to_string()
}

fn ranked(hit: &Hit, of: usize) -> String {
    format!("{:0width$}", hit.rank, width = of.to_string().len().max(2))
}

/// The name of a hit's excerpt; `of` is the number of hits.
pub fn hit_name(hit: &Hit, of: usize) -> String {
    let title = match names::clean(&hit.document.title, TITLE) {
        title if title.is_empty() => "untitled".into(),
        title => title,
    };
    names::bounded(&format!("{}-{title}", ranked(hit, of)), ".md")
}

/// The name of a hit's link in `files/`.
pub fn link_name(hit: &Hit, of: usize) -> String {
    let name = hit.document.path.file_name().unwrap_or_default().to_string_lossy();
    let (stem, extension) = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).unwrap_or((&name, ""));
    let extension = if extension.is_empty() { String::new() } else { format!(".{extension}") };
    names::bounded(&format!("{}-{stem}", ranked(hit, of)), &extension)
}

/// Extended attributes of a hit's excerpt.
pub fn hit_xattrs(hit: &Hit) -> Vec<(&'static str, String)> {
    vec![
        ("source", hit.document.path.to_string_lossy().into_owned()),
        ("line", hit.passage.line.to_string()),
        ("score", format!("{:.4}", hit.score)),
    ]
}

/// A hit as Markdown: front matter and the passage.
pub fn hit(hit: &Hit) -> String {
    let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
    let mut out = String::from("---\n");
    let _ = writeln!(out, "title: {}", quoted(&hit.document.title));
    let _ = writeln!(out, "path: {}", quoted(&hit.document.path.to_string_lossy()));
    let _ = writeln!(out, "lines: {}-{}", hit.passage.line, hit.passage.end_line);
    if let Some(page) = hit.passage.page {
        let _ = writeln!(out, "page: {page}");
    }
    if !hit.passage.heading.is_empty() {
        let _ = writeln!(out, "heading: {}", quoted(&hit.passage.heading));
    }
    if !hit.copies.is_empty() {
        let copies = hit.copies.iter().map(|path| quoted(&path.to_string_lossy()));
        let _ = writeln!(out, "copies: [{}]", copies.collect::<Vec<_>>().join(", "));
    }
    let _ = writeln!(out, "modified: {}", iso(&hit.document));
    let _ = writeln!(out, "score: {:.4}", hit.score);
    let _ = writeln!(out, "why: {}", quoted(&why(hit)));
    let _ = write!(out, "---\n\n{}\n", plain(hit.passage.text.trim_end()));
    out
}

fn why(hit: &Hit) -> String {
    let side = |name: &str, rank: Option<usize>, score: Option<f32>| Some(format!("{name} #{} ({:.2})", rank?, score?));
    let sides = [
        side("words", hit.why.lexical_rank, hit.why.lexical),
        side("meaning", hit.why.semantic_rank, hit.why.semantic),
    ];
    let sides: Vec<String> = sides.into_iter().flatten().collect();
    if sides.is_empty() { "passes the filters".into() } else { sides.join(", ") }
}

/// JSON, a line for each.
pub fn jsonl(lines: impl IntoIterator<Item = impl Serialize>) -> String {
    lines.into_iter().map(|line| serde_json::to_string(&line).unwrap_or_default() + "\n").collect()
}

/// `results.jsonl`.
pub fn results_jsonl(results: &Results) -> String {
    jsonl(results.hits.iter().map(|hit| Line {
        rank: hit.rank,
        score: hit.score,
        path: hit.document.path.to_string_lossy().into_owned(),
        title: &hit.document.title,
        line: hit.passage.line,
        end_line: hit.passage.end_line,
        page: hit.passage.page,
        snippet: &hit.passage.text,
        kind: hit.document.kind,
        modified: iso(&hit.document),
        copies: hit.copies.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
        why: Why {
            lexical_rank: hit.why.lexical_rank,
            semantic_rank: hit.why.semantic_rank,
            lexical: hit.why.lexical,
            semantic: hit.why.semantic,
            rerank: hit.why.rerank,
        },
    }))
}

/// Without control characters but line ends and tabs.
pub fn plain(text: &str) -> String {
    text.chars().filter(|&c| c == '\n' || c == '\t' || !c.is_control()).collect()
}
