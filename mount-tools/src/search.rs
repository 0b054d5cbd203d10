//! `echofs search`: results as lines for people and grep, as JSON, or as a TREC run.

use std::io::{self, IsTerminal, Write};

use anyhow::Context;
use echofs_indexer as indexer;
use serde::Deserialize;

use crate::cli::{self, Colour};
use crate::config::Settings;
use crate::failure::Outcome;
use crate::local::{self, Local};
use crate::name;
use crate::record::{self, Record};

/// The fields of a line of `results.jsonl` that lines and runs are made from.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Hit {
    rank: usize,
    score: f64,
    path: String,
    line: u32,
    snippet: String,
    #[serde(default)]
    copies: Vec<String>,
}

impl From<&indexer::Hit> for Hit {
    fn from(hit: &indexer::Hit) -> Hit {
        Hit {
            rank: hit.rank,
            score: hit.score.into(),
            path: hit.document.path.to_string_lossy().into_owned(),
            line: hit.passage.line,
            snippet: hit.passage.text.clone(),
            copies: hit.copies.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
        }
    }
}

/// Where results come from.
enum Origin {
    Mount(Record),
    Store(Box<Local>),
}

/// Runs the query, or each line of standard input.
pub fn run(options: &cli::Search, settings: &Settings) -> Outcome {
    let source = match record::running(settings) {
        Some(record) => Origin::Mount(record),
        None => Origin::Store(Box::new(local::open(settings)?)),
    };
    let mut out = io::stdout().lock();
    match options.query.as_slice() {
        [] => from_input(options, &source, &mut out),
        [dash] if dash == "-" => from_input(options, &source, &mut out),
        words => one("1", &words.join(" "), options, &source, &mut out),
    }
}

/// One query a line; in a TREC run a line may begin with the query's id and a tab.
fn from_input(options: &cli::Search, source: &Origin, out: &mut impl Write) -> Outcome {
    for (number, line) in io::stdin().lines().enumerate() {
        let line = line.context("standard input")?;
        let counted = (number + 1).to_string();
        let (id, query) = match (&options.trec, line.split_once('\t')) {
            (Some(_), Some((id, query))) => (id, query),
            _ => (counted.as_str(), line.as_str()),
        };
        if !query.trim().is_empty() {
            one(id, query, options, source, out)?;
        }
    }
    Ok(())
}

fn one(id: &str, query: &str, options: &cli::Search, source: &Origin, out: &mut impl Write) -> Outcome {
    let text = source.results(query)?;
    if options.json {
        out.write_all(text.as_bytes())?;
        return Ok(());
    }
    let hits: Vec<Hit> =
        text.lines().map(serde_json::from_str).collect::<Result<_, _>>().context("a line of results.jsonl")?;
    if let Some(run) = &options.trec {
        // A run is of documents: copies that are folded elsewhere stand behind their originals.
        let all =
            hits.iter().flat_map(|hit| std::iter::once(&hit.path).chain(&hit.copies).map(|path| (path, hit.score)));
        for (rank, (path, score)) in (1..).zip(all) {
            writeln!(out, "{id} Q0 {} {rank} {score:.6} {run}", word(path))?;
        }
        return Ok(());
    }
    let colour = coloured(options.color);
    for hit in &hits {
        writeln!(out, "{}", line(hit, colour))?;
    }
    Ok(())
}

impl Origin {
    /// `results.jsonl` of a query.
    fn results(&self, query: &str) -> Outcome<String> {
        match self {
            Origin::Mount(record) => {
                let path = record.mountpoint.join("search").join(name::component(query, "")?).join("results.jsonl");
                Ok(std::fs::read_to_string(&path).with_context(|| path.display().to_string())?)
            }
            Origin::Store(store) => {
                name::component(query, "")?;
                store.results_jsonl(query)
            }
        }
    }
}

fn coloured(choice: Colour) -> bool {
    match choice {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

/// `path:line: text`, the form that grep prints and editors read.
fn line(hit: &Hit, colour: bool) -> String {
    let text = hit.snippet.split_whitespace().collect::<Vec<_>>().join(" ");
    let (path, text) = (printable(&hit.path), shortened(&printable(&text), 160));
    match colour {
        true => format!("\x1b[35m{path}\x1b[0m:\x1b[32m{}\x1b[0m: {text}", hit.line),
        false => format!("{path}:{}: {text}", hit.line),
    }
}

/// Nothing that a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}...", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

/// A path as one field of a TREC run.
fn word(path: &str) -> String {
    path.replace('%', "%25").replace(char::is_whitespace, "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(path: &str, snippet: &str) -> Hit {
        Hit { rank: 1, score: 0.5, path: path.into(), line: 3, snippet: snippet.into(), copies: Vec::new() }
    }

    #[test]
    fn a_hit_is_one_line() {
        assert_eq!(line(&hit("/n/a.md", "We chose\n  SQLite."), false), "/n/a.md:3: We chose SQLite.");
        assert_eq!(line(&hit("/n/a.md", "x"), true), "\x1b[35m/n/a.md\x1b[0m:\x1b[32m3\x1b[0m: x");
    }

    #[test]
    fn escape_sequences_of_files_do_not_reach_the_terminal() {
        assert!(!line(&hit("/n/\x1b[2J.md", "a\x1b]0;b\x07"), false).contains(['\x1b', '\x07']));
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(shortened("äöü", 2), "äö...");
        assert_eq!(shortened("äöü", 3), "äöü");
    }

    #[test]
    fn a_path_is_one_field() {
        assert_eq!(word("/a b/50%.md"), "/a%20b/50%25.md");
    }
}
