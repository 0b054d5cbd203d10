//! Orders to forget: what a line of `.echo/forget` or the command line says, and what is told of it.

use std::fmt::Display;
use std::path::PathBuf;

use echofs_indexer::facts::Id;
use echofs_indexer::{Error, Forgotten, Index, Wanted};
use echofs_inference::gguf::printable;

/// What is told where nothing goes.
const NOTHING: &str = "nothing is known of it";

/// An order, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order<'a> {
    /// Whether to tell only what would go.
    pub dry_run: bool,
    /// How its text is to be understood.
    pub kind: Kind,
    /// A path, a query or the id of a fact.
    pub text: &'a str,
}

/// What the text of an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A path where there is one, else the id of a fact, else a query unless it looks like a path.
    Any,
    /// A path or the id of a fact, and never a query.
    Named,
    /// A query.
    Query,
    /// The id of a fact.
    Fact,
}

impl<'a> Order<'a> {
    /// Reads `[--dry-run] [--query|--fact|--no-query] TEXT`.
    pub fn parse(line: &'a str) -> Self {
        let mut order = Order { dry_run: false, kind: Kind::Any, text: line.trim() };
        while let Some((option, rest)) = order.text.split_once(char::is_whitespace) {
            match option {
                "--dry-run" => order.dry_run = true,
                "--query" => order.kind = Kind::Query,
                "--fact" => order.kind = Kind::Fact,
                "--no-query" => order.kind = Kind::Named,
                _ => break,
            }
            order.text = rest.trim_start();
        }
        order
    }

    /// What is to be forgotten.
    ///
    /// # Errors
    /// [`Error::Vague`] for a path in several sources, [`Error::Nothing`] for one that is not there, [`Error::NoFact`] for what is
    /// no id.
    pub fn wanted(&self, index: &Index) -> Result<Wanted, Error> {
        let query = || Wanted::Query(self.text.to_owned());
        let nothing = || Error::Nothing(self.text.to_owned());
        match self.kind {
            Kind::Any => {
                index.wanted(self.text)?.or_else(|| (!is_like_a_path(self.text)).then(query)).ok_or_else(nothing)
            }
            Kind::Named => index.wanted(self.text)?.ok_or_else(nothing),
            Kind::Query => Ok(Wanted::Query(self.text.to_owned())),
            Kind::Fact => Id::parse(self.text).map(Wanted::Fact).ok_or(Error::NoFact),
        }
    }
}

/// The order as a line, which [`Order::parse`] reads.
impl Display for Order<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            Kind::Any => "",
            Kind::Query => "--query ",
            Kind::Fact => "--fact ",
            Kind::Named => "--no-query ",
        };
        write!(f, "{}{kind}{}", if self.dry_run { "--dry-run " } else { "" }, self.text)
    }
}

/// Whether somebody who wrote this may have meant a path: one that is mistyped is no query.
fn is_like_a_path(text: &str) -> bool {
    let name = text.rsplit('/').next().unwrap_or(text);
    let is_extension = |end: &str| (1..=5).contains(&end.len()) && end.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let has_extension = name.rsplit_once('.').is_some_and(|(stem, end)| !stem.is_empty() && is_extension(end));
    text.contains('/') || text.starts_with(['~', '.']) || has_extension && !text.contains(char::is_whitespace)
}

/// The documents from which answers were made that may say what is to be forgotten.
///
/// # Errors
/// As [`Index::would_forget`].
pub fn sources(index: &Index, wanted: &Wanted) -> Result<Vec<PathBuf>, Error> {
    let would = index.would_forget(wanted)?;
    let mut paths = [would.paths, would.changed].concat();
    if let Wanted::Fact(id) = wanted {
        let facts = index.facts();
        let sources = facts.get(*id).into_iter().flat_map(|fact| fact.sources.iter());
        paths.extend(sources.map(|source| source.path.to_owned()));
    }
    Ok(paths)
}

/// Everything that would go, a line each: what it is, a colon, which.
pub fn listing(would: &Forgotten) -> String {
    let mut lines = Vec::new();
    lines.extend(would.paths.iter().map(|path| format!("document: {}", path.display())));
    lines.extend(would.deleted.iter().map(|path| format!("deleted: {}", path.display())));
    lines.extend(
        would.lines.iter().map(|taken| format!("line: {}:{}: {}", taken.path.display(), taken.line, taken.text)),
    );
    lines.extend(would.changed.iter().map(|path| format!("changed: {}", path.display())));
    lines.extend(would.facts.iter().map(|fact| format!("fact: {fact}")));
    lines.extend(would.entries.iter().map(|entry| format!("entry: {entry}")));
    if lines.is_empty() {
        lines.push(NOTHING.into());
    }
    lines.iter().map(|line| format!("{}\n", printable(line))).collect()
}

/// How much has gone, on one line.
pub fn summary(forgotten: &Forgotten) -> String {
    let counts = [
        (forgotten.paths.len(), "document", "documents"),
        (forgotten.passages, "passage", "passages"),
        (forgotten.deleted.len(), "file deleted", "files deleted"),
        (forgotten.lines.len(), "line deleted", "lines deleted"),
        (forgotten.facts.len(), "fact", "facts"),
        (forgotten.entries.len(), "entry of the log", "entries of the log"),
    ];
    let counts = counts.iter().filter(|(count, ..)| *count > 0);
    let parts: Vec<String> = counts.map(|(n, one, many)| format!("{n} {}", if *n == 1 { one } else { many })).collect();
    if parts.is_empty() { NOTHING.into() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_as_they_are_written() {
        let check = |line: &str, dry_run, kind, text| {
            let order = Order::parse(line);
            assert_eq!(order, Order { dry_run, kind, text });
            assert_eq!(Order::parse(&order.to_string()), order);
        };
        check("/n/a b.md", false, Kind::Any, "/n/a b.md");
        check("--dry-run /n/a.md", true, Kind::Any, "/n/a.md");
        check("--query tag:draft -in:notes", false, Kind::Query, "tag:draft -in:notes");
        check("--fact 00ff", false, Kind::Fact, "00ff");
        check("--dry-run --query  axolotl tank ", true, Kind::Query, "axolotl tank");
        check("--query --dry-run axolotl", true, Kind::Query, "axolotl");
        check("--dry-run", false, Kind::Any, "--dry-run");
        check("--dry-run --no-query zoo", true, Kind::Named, "zoo");
    }

    #[test]
    fn what_may_be_a_path_is_no_query() {
        for path in ["not/there", "tank.md", "~/tank", "./tank", ".tank", "archive.tar.gz", "two words/tank"] {
            assert!(is_like_a_path(path), "{path}");
        }
        for query in ["axolotl", "axolotl tank", "tag:draft", "the tank of tank.md", "version 2.", "9.Sept-2026"] {
            assert!(!is_like_a_path(query), "{query}");
        }
    }

    #[test]
    fn what_goes_is_listed_a_line_each() {
        let would =
            Forgotten { paths: vec!["/n/a\n.md".into()], facts: vec!["Oda is here".into()], ..Default::default() };
        assert_eq!(listing(&would), "document: /n/a .md\nfact: Oda is here\n");
        assert_eq!(summary(&would), "1 document, 1 fact");
        assert_eq!(summary(&Forgotten::default()), NOTHING);
    }
}
