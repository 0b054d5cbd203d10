//! Markdown: front matter, headings, blocks as CommonMark has them, and `#tags`.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::front_matter;
use super::{Parsed, plain};
use crate::chunk::Block;

/// A Markdown file. Its text stays as it is; front matter goes with what it stands before.
pub fn parse(text: String) -> Parsed {
    let mut parsed = Parsed { text, ..Parsed::default() };
    let front = front_matter::read(&mut parsed);
    let from = front.as_ref().map_or(0, |range| range.end);
    let mut scan = Scan { text: &parsed.text, from, ..Scan::default() };
    if !parsed.text.lines().any(is_abusive) {
        scan.run();
    }
    let (mut blocks, tags, title) = (scan.blocks, scan.tags, scan.title);
    blocks.splice(0..0, front.map(|range| Block::heading(range, 1, "")));
    cover(&parsed.text, &mut blocks);
    parsed.blocks = blocks;
    parsed.tags.extend(tags);
    parsed.title = parsed.title.or(title);
    parsed
}

/// Whether a line opens more quotes and lists in each other than anybody writes. The parser's time grows
/// with the square of them; such a text is cut by its empty lines only.
fn is_abusive(line: &str) -> bool {
    line.bytes().take_while(|b| b" \t>*+-".contains(b)).count() > 2_000
}

#[derive(Default)]
struct Scan<'a> {
    text: &'a str,
    from: usize,
    blocks: Vec<Block>,
    tags: Vec<String>,
    title: Option<String>,
    heading: Option<String>,
    code: bool,
    depth: usize,
}

impl Scan<'_> {
    fn run(&mut self) {
        let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH;
        for (event, range) in Parser::new_ext(&self.text[self.from..], options).into_offset_iter() {
            self.event(event, range.start + self.from..range.end + self.from);
        }
    }

    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(&tag, range),
            Event::End(tag) => self.end(tag, range),
            Event::Text(text) => {
                if let Some(heading) = &mut self.heading {
                    heading.push_str(&text);
                }
                if !self.code && text.contains('#') {
                    tags_in(&self.text[range], &mut self.tags);
                }
            }
            Event::Code(text) => self.heading.iter_mut().for_each(|heading| heading.push_str(&text)),
            Event::SoftBreak | Event::HardBreak => self.heading.iter_mut().for_each(|heading| heading.push(' ')),
            _ => {}
        }
    }

    /// A block is an outermost element, or an item of an outermost list.
    fn start(&mut self, tag: &Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::Heading { .. } => self.heading = Some(String::new()),
            Tag::CodeBlock(_) => self.code = true,
            _ => {}
        }
        let container = matches!(tag, Tag::List(_));
        if self.depth == 0 && !container && !matches!(tag, Tag::Heading { .. }) {
            self.blocks.push(Block::body(range));
        }
        if !(self.depth == 0 && container) {
            self.depth += 1;
        }
    }

    fn end(&mut self, tag: TagEnd, range: Range<usize>) {
        if !(self.depth == 0 && matches!(tag, TagEnd::List(_))) {
            self.depth = self.depth.saturating_sub(1);
        }
        match tag {
            TagEnd::CodeBlock => self.code = false,
            TagEnd::Heading(level) => {
                let title = self.heading.take().unwrap_or_default();
                if self.depth == 0 {
                    if self.title.is_none() && level as u8 <= 2 {
                        self.title = Some(title.clone());
                    }
                    self.blocks.push(Block::heading(range, level as u8, title));
                }
            }
            _ => {}
        }
    }
}

/// Makes blocks of what no block holds (link definitions, rules): nothing is lost.
fn cover(text: &str, blocks: &mut Vec<Block>) {
    let mut gaps = Vec::new();
    let mut at = 0;
    for block in blocks.iter() {
        if block.range.start > at && !text[at..block.range.start].trim().is_empty() {
            gaps.extend(plain::paragraphs(text, at..block.range.start).map(Block::body));
        }
        at = at.max(block.range.end);
    }
    gaps.extend(plain::paragraphs(text, at..text.len()).map(Block::body));
    if !gaps.is_empty() {
        blocks.extend(gaps);
        blocks.sort_by_key(|block| block.range.start);
    }
}

/// The `#tags` of running text: after white space, beginning with a letter.
pub fn tags_in(text: &str, tags: &mut Vec<String>) {
    for (at, _) in text.match_indices('#') {
        let before = text[..at].chars().next_back();
        let after = &text[at + 1..];
        if before.is_some_and(|c| !c.is_whitespace() && c != '(') || !after.starts_with(char::is_alphabetic) {
            continue;
        }
        let end = after.find(|c: char| !(c.is_alphanumeric() || "-_/".contains(c))).unwrap_or(after.len());
        let tag = after[..end].trim_end_matches(['-', '_', '/']);
        if tag.len() <= 60 && !tags.iter().any(|t| t == tag) {
            tags.push(tag.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::passages;

    fn cut(text: &str) -> (Parsed, Vec<(String, String)>) {
        let parsed = parse(text.to_owned());
        let spans = passages(&parsed.text, &parsed.blocks);
        let cut =
            spans.into_iter().map(|s| (parsed.text[s.start as usize..s.end as usize].to_owned(), s.heading)).collect();
        (parsed, cut)
    }

    #[test]
    fn headings_tags_and_front_matter() {
        let (parsed, cut) = cut(
            "---\ntitle: Trip\ntags: [sea]\n---\n\nA Heading\n=========\n\nWords #sun and `#not` x#no.\n\n```sh\n# not a heading\n```\n",
        );
        assert_eq!(parsed.title.as_deref(), Some("Trip"));
        assert_eq!(parsed.tags, ["sea", "sun"]);
        assert_eq!(cut.len(), 1);
        assert_eq!(cut[0].1, "A Heading");
        assert!(cut[0].0.starts_with("---\ntitle") && cut[0].0.ends_with("```"));
    }

    #[test]
    fn a_title_and_a_paragraph_are_one_passage() {
        let paragraph = "Some words of a paragraph that is not too long. ".repeat(15);
        let (parsed, cut) = cut(&format!("# The Title\n\n{paragraph}\n"));
        assert_eq!((parsed.title.as_deref(), cut.len()), (Some("The Title"), 1));
    }

    #[test]
    fn nothing_is_lost() {
        let text = "[a]: http://x.y\n\n***\n\n> quote\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<div>\nhtml\n</div>\n\n- x\n- y\n\n[^1]: note\n";
        let (_, cut) = cut(text);
        let all: String = cut.iter().map(|(text, _)| text.as_str()).collect();
        let kept: usize = all.split_whitespace().map(str::len).sum();
        assert_eq!(kept, text.split_whitespace().map(str::len).sum::<usize>());
    }
}
