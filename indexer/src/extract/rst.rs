//! reStructuredText: underlined titles, levels in the order their marks appear; the text stays as it is.

use std::ops::Range;

use super::{Parsed, dates, plain};
use crate::chunk::Block;

/// A reStructuredText file.
pub fn parse(text: String) -> Parsed {
    let lines: Vec<Range<usize>> = plain::lines(&text, 0..text.len()).collect();
    let mut parsed = Parsed::default();
    let mut marks: Vec<(char, bool)> = Vec::new();
    let mut from = 0;
    let mut at = 0;
    while at < lines.len() {
        let Some(title) = title(&text, &lines, at) else {
            field(&text[lines[at].clone()], &mut parsed);
            at += 1;
            continue;
        };
        let level = marks.iter().position(|mark| *mark == title.mark).unwrap_or_else(|| {
            marks.push(title.mark);
            marks.len() - 1
        });
        let name = text[lines[title.line].clone()].trim();
        parsed.title.get_or_insert_with(|| name.to_owned());
        parsed.blocks.extend(plain::paragraphs(&text, from..lines[at].start).map(Block::body));
        from = lines[title.last].end;
        parsed.blocks.push(Block::heading(lines[at].start..from, u8::try_from(level + 1).unwrap_or(u8::MAX), name));
        at = title.last + 1;
    }
    parsed.blocks.extend(plain::paragraphs(&text, from..text.len()).map(Block::body));
    Parsed { text, ..parsed }
}

struct Title {
    /// The adornment, and whether it is above too.
    mark: (char, bool),
    line: usize,
    last: usize,
}

fn title(text: &str, lines: &[Range<usize>], at: usize) -> Option<Title> {
    let line = |at: usize| lines.get(at).map(|range| text[range.clone()].trim_end());
    if let Some(mark) = adornment(line(at)?)
        && let (Some(title), Some(below)) = (line(at + 1), line(at + 2))
        && adornment(below) == Some(mark)
        && !title.trim().is_empty()
    {
        return Some(Title { mark: (mark, true), line: at + 1, last: at + 2 });
    }
    let (title, below) = (line(at)?, line(at + 1)?);
    let mark = adornment(below)?;
    let width = title.chars().count();
    let fits = !title.is_empty() && !title.starts_with(char::is_whitespace) && below.len() + 1 >= width;
    (fits && adornment(title).is_none()).then_some(Title { mark: (mark, false), line: at, last: at + 1 })
}

/// The character a line is made of, three times or more.
fn adornment(line: &str) -> Option<char> {
    let mark = line.chars().next().filter(char::is_ascii_punctuation)?;
    (line.len() >= 3 && line.chars().all(|c| c == mark)).then_some(mark)
}

fn field(line: &str, parsed: &mut Parsed) {
    let Some((name, value)) = line.strip_prefix(':').and_then(|rest| rest.split_once(": ")) else { return };
    match name.to_ascii_lowercase().as_str() {
        "author" | "authors" => parsed.author = Some(value.trim().to_owned()),
        "date" => parsed.date = dates::iso(value),
        "tags" | "keywords" => parsed.tags.extend(value.split(',').map(|tag| tag.trim().to_owned())),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::Role;

    #[test]
    fn titles_by_their_adornment() {
        let parsed = parse("=====\nTitle\n=====\n\n:Author: Ann\n\nPart\n----\n\ntext\n\nNext\n----\n".to_owned());
        assert_eq!((parsed.title.as_deref(), parsed.author.as_deref()), (Some("Title"), Some("Ann")));
        let titles: Vec<_> = parsed.blocks.iter().filter(|b| b.role != Role::Body).map(|b| b.role.clone()).collect();
        let heading = |level, title: &str| Role::Heading(level, title.to_owned());
        assert_eq!(titles, [heading(1, "Title"), heading(2, "Part"), heading(2, "Next")]);
    }
}
