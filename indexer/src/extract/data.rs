//! JSON, JSON lines, YAML, TOML and XML: the text stays as it is, cut where its structure allows.

use std::ops::Range;

use super::detect::Data;
use super::{Parsed, plain};
use crate::chunk::Block;

/// A file of structured data.
pub fn parse(text: String, kind: Data) -> Parsed {
    let blocks = match kind {
        Data::JsonLines => plain::lines(&text, 0..text.len()).map(Block::body).collect(),
        Data::Toml => plain::sections(&text, |line| table(&text[line])),
        Data::Yaml => plain::sections(&text, |line| key(&text[line])),
        Data::Json | Data::Xml => by_indentation(&text).into_iter().map(Block::body).collect(),
    };
    Parsed { title: title(&text, kind), text, blocks, ..Parsed::default() }
}

/// `[table]` and `[[table]]`.
fn table(line: &str) -> Option<(u8, String)> {
    let name = line.trim_end().strip_prefix('[')?.strip_suffix(']')?;
    let name = name.trim_matches(['[', ']', ' ']);
    (!name.is_empty()).then(|| (1, name.to_owned()))
}

/// A key at the left margin with what it holds on the lines below.
fn key(line: &str) -> Option<(u8, String)> {
    let name = line.trim_end().strip_suffix(':')?;
    let plain = name.chars().all(|c| c.is_alphanumeric() || "_-. \"'/".contains(c));
    (plain && name.starts_with(|c: char| !c.is_whitespace() && c != '-'))
        .then(|| (1, name.trim_matches(['"', '\'']).to_owned()))
}

/// Lines together with the lines that are indented deeper than they: one block each for the second level.
fn by_indentation(text: &str) -> Vec<Range<usize>> {
    let mut blocks: Vec<Range<usize>> = Vec::new();
    let mut margin = 0;
    for (number, line) in plain::lines(text, 0..text.len()).enumerate() {
        let content = text[line.clone()].trim_start();
        let indent = line.len() - content.len();
        if margin == 0 && number > 0 {
            margin = indent;
        }
        match blocks.last_mut() {
            Some(open) if indent > margin || content.starts_with([']', '}', ')']) => open.end = line.end,
            _ => blocks.push(line),
        }
    }
    blocks
}

/// The `title` of an XML document's first lines.
fn title(text: &str, kind: Data) -> Option<String> {
    if kind != Data::Xml {
        return None;
    }
    let head = &text[..text.floor_char_boundary(4096)];
    let (_, rest) = head.split_once("<title>")?;
    Some(rest.split_once("</title>")?.0.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::Role;

    #[test]
    fn toml_tables_are_sections() {
        let parsed = parse("a = 1\n[server]\nport = 2\n".to_owned(), Data::Toml);
        assert_eq!(parsed.blocks[1].role, Role::Heading(1, "server".to_owned()));
    }

    #[test]
    fn objects_stay_together() {
        let json = "[\n  {\n    \"a\": 1\n  },\n  {\n    \"a\": 2\n  }\n]\n";
        let found: Vec<&str> = by_indentation(json).into_iter().map(|r| &json[r]).collect();
        assert_eq!(found, ["[", "  {\n    \"a\": 1\n  },", "  {\n    \"a\": 2\n  }\n]"]);
    }
}
