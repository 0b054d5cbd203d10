//! Plain text and logs: paragraphs are runs of lines that are not empty.

use std::ops::Range;

use super::Parsed;
use crate::chunk::Block;

/// The passages of plain text are its paragraphs.
pub fn parse(text: String) -> Parsed {
    let blocks = paragraphs(&text, 0..text.len()).map(Block::body).collect();
    Parsed { text, blocks, ..Parsed::default() }
}

/// The paragraphs of a part of a text.
pub fn paragraphs(text: &str, part: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut open: Option<Range<usize>> = None;
    let mut rest = lines(text, part);
    std::iter::from_fn(move || {
        loop {
            match rest.next() {
                Some(line) if !text[line.clone()].trim().is_empty() => {
                    open = Some(open.take().map_or(line.start, |o| o.start)..line.end);
                }
                Some(_) if open.is_none() => {}
                _ => return open.take(),
            }
        }
    })
}

/// The lines of a part of a text, without their line ends.
pub fn lines(text: &str, part: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut at = part.start;
    text[part].split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        start..start + line.trim_end_matches('\n').len()
    })
}

/// Blocks of a text whose headings are lines of their own. `heading` looks at a line's range and says its
/// level and title; what stands between headings is paragraphs.
pub fn sections(text: &str, mut heading: impl FnMut(Range<usize>) -> Option<(u8, String)>) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut from = 0;
    for line in lines(text, 0..text.len()) {
        if let Some((level, title)) = heading(line.clone()) {
            blocks.extend(paragraphs(text, from..line.start).map(Block::body));
            from = line.end;
            blocks.push(Block::heading(line, level, title));
        }
    }
    blocks.extend(paragraphs(text, from..text.len()).map(Block::body));
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_separated_by_empty_lines() {
        let text = "\none\ntwo\n \n\nthree";
        let found: Vec<_> = paragraphs(text, 0..text.len()).map(|r| &text[r]).collect();
        assert_eq!(found, ["one\ntwo", "three"]);
    }
}
