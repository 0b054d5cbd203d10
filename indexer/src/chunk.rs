//! From the blocks of a document to its passages.
//!
//! A format's parser says where the blocks of a text are (headings, paragraphs, list blocks, functions,
//! table rows). Here neighbours under one heading are put together up to [`MAX_WORDS`] and [`MAX_BYTES`],
//! long blocks are cut at sentence ends, and the heading path of each passage is written down. Text in no
//! block (quoted mail, signatures) is in no passage. Passages do not overlap.
//!
//! A long passage has several things to say: its meaning is that of its [`parts`], which are cut in the same way.

mod cut;

use std::ops::Range;

use crate::Span;

pub use cut::parts;
use cut::{Length, Size, pieces, trimmed};

/// No passage has more words than this, counted by white space.
pub const MAX_WORDS: usize = 220;
/// No passage has more bytes than this.
pub const MAX_BYTES: usize = 1400;

/// A passage is filled up to about this many words ...
pub const TARGET_WORDS: usize = 180;
/// ... and bytes before the next one begins.
const TARGET_BYTES: usize = 1200;
/// A passage, and the pieces of a block that is too long for one.
const PASSAGE: Length = Length {
    about: Size { words: TARGET_WORDS, bytes: TARGET_BYTES },
    most: Size { words: MAX_WORDS, bytes: MAX_BYTES },
};
/// What is smaller than this is joined to a neighbour where one fits.
const TINY_WORDS: usize = 40;
/// Longest heading path, in bytes.
const MAX_HEADING: usize = 300;

/// What a block is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Opens a section; 1 is the outermost level. The range is the heading's own text.
    Heading(u8, String),
    /// Belongs to the section it stands in.
    Body,
}

/// A part of a text that belongs together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its bytes.
    pub range: Range<usize>,
    /// What it is.
    pub role: Role,
    /// Its page, slide or sheet, counted from 1.
    pub page: Option<u32>,
}

impl Block {
    /// A block of running text.
    pub fn body(range: Range<usize>) -> Self {
        Self { range, role: Role::Body, page: None }
    }

    /// A heading of a level (1 is outermost).
    pub fn heading(range: Range<usize>, level: u8, title: impl Into<String>) -> Self {
        Self { range, role: Role::Heading(level, title.into()), page: None }
    }
}

/// A passage in the making.
struct Draft {
    range: Range<usize>,
    page: Option<u32>,
    path: Vec<String>,
    /// Headings only, so far.
    bare: bool,
}

/// The same, filled up to [`TARGET_WORDS`].
#[cfg(test)]
pub fn passages(text: &str, blocks: &[Block]) -> Vec<Span> {
    passages_of(text, blocks, TARGET_WORDS)
}

/// The passages of `text`, in order, from its blocks; neighbours are put together up to about `words` words.
///
/// Blocks that overlap an earlier one lose the common part; ranges beyond the text are cut.
pub fn passages_of(text: &str, blocks: &[Block], words: usize) -> Vec<Span> {
    let drafts = join_tiny(text, draft(text, blocks, words));
    let mut lines = LineCounter::new(text);
    drafts.into_iter().map(|draft| lines.span(draft)).collect()
}

fn draft(text: &str, blocks: &[Block], words: usize) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut open: Option<Draft> = None;
    let mut path: Vec<(u8, String)> = Vec::new();
    let mut done = 0;
    for block in blocks {
        let heading = enter(&mut path, &block.role);
        if heading && open.as_ref().is_some_and(|draft| !draft.bare) {
            drafts.extend(open.take());
        }
        let Some(range) = trimmed(text, block.range.start.max(done)..block.range.end) else { continue };
        done = range.end;
        for piece in pieces(text, range, &PASSAGE) {
            let titles = || path.iter().map(|(_, title)| title.clone()).collect();
            match &mut open {
                Some(draft) if draft.page == block.page && joins(text, draft, &piece, words) => {
                    draft.range.end = piece.end;
                    if draft.bare {
                        draft.path = titles();
                    }
                    draft.bare &= heading;
                }
                _ => {
                    let next = Draft { range: piece, page: block.page, path: titles(), bare: heading };
                    drafts.extend(open.replace(next));
                }
            }
        }
    }
    drafts.extend(open);
    drafts
}

/// Puts a heading on the path of headings; false for a body.
fn enter(path: &mut Vec<(u8, String)>, role: &Role) -> bool {
    let Role::Heading(level, title) = role else { return false };
    while path.last().is_some_and(|(above, _)| above >= level) {
        path.pop();
    }
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    if !title.is_empty() {
        path.push((*level, title));
    }
    true
}

/// Whether a piece may be added to a draft: small enough and nothing but white space between.
fn joins(text: &str, draft: &Draft, piece: &Range<usize>, words: usize) -> bool {
    let gap = text.get(draft.range.end..piece.start);
    gap.is_some_and(|gap| gap.trim().is_empty())
        && piece.end - draft.range.start <= MAX_BYTES
        && Size::of(&text[draft.range.start..piece.end]).fits(words, TARGET_BYTES)
}

/// Joins what is tiny to its neighbour: the rest of a section to what is before it, and small sections
/// that have a heading in common, or none at all, to each other.
fn join_tiny(text: &str, drafts: Vec<Draft>) -> Vec<Draft> {
    let mut out: Vec<(Draft, Size)> = Vec::new();
    for draft in drafts {
        let size = Size::of(&text[draft.range.clone()]);
        if let Some((last, last_size)) = out.last_mut()
            && last.page == draft.page
            && text[last.range.end..draft.range.start].trim().is_empty()
            && let Some(path) = common_path((last, *last_size), (&draft, size))
        {
            let joined = Size::of(&text[last.range.start..draft.range.end]);
            let room = if path.len() == last.path.len() { MAX_WORDS } else { 2 * TINY_WORDS };
            if joined.fits(room, MAX_BYTES) {
                last.range.end = draft.range.end;
                last.path = path;
                *last_size = joined;
                continue;
            }
        }
        out.push((draft, size));
    }
    out.into_iter().map(|(draft, _)| draft).collect()
}

/// The heading path two neighbours have if they are joined; `None` when they are better apart.
fn common_path((a, a_size): (&Draft, Size), (b, b_size): (&Draft, Size)) -> Option<Vec<String>> {
    let tiny = |size: Size| size.words < TINY_WORDS && size.bytes < 400;
    if a.path == b.path {
        return (tiny(a_size) || tiny(b_size)).then(|| a.path.clone());
    }
    let common: Vec<String> = a.path.iter().zip(&b.path).take_while(|(x, y)| x == y).map(|(x, _)| x.clone()).collect();
    (!common.is_empty() && tiny(a_size) && tiny(b_size)).then_some(common)
}

/// Counts lines on the way through a text.
struct LineCounter<'a> {
    text: &'a str,
    at: usize,
    line: u32,
}

impl<'a> LineCounter<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0, line: 1 }
    }

    /// The line a byte is on; bytes are asked for in rising order.
    fn line(&mut self, at: usize) -> u32 {
        let newlines = self.text.as_bytes()[self.at..at].iter().filter(|b| **b == b'\n').count();
        self.at = at;
        self.line = self.line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
        self.line
    }

    fn span(&mut self, draft: Draft) -> Span {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span {
            start: offset(draft.range.start),
            end: offset(draft.range.end),
            line: self.line(draft.range.start),
            end_line: self.line(draft.range.end),
            page: draft.page,
            heading: joined_path(&draft.path),
        }
    }
}

fn joined_path(path: &[String]) -> String {
    let mut joined = path.join(" > ");
    joined.truncate(joined.floor_char_boundary(MAX_HEADING));
    joined
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut_text<'a>(text: &'a str, blocks: &[Block]) -> Vec<(&'a str, String)> {
        passages(text, blocks).into_iter().map(|s| (&text[s.start as usize..s.end as usize], s.heading)).collect()
    }

    #[test]
    fn a_heading_and_its_paragraph_are_one_passage() {
        let text = "# Title\n\nSome words.\n";
        let blocks = [Block::heading(0..7, 1, "Title"), Block::body(9..20)];
        assert_eq!(cut_text(text, &blocks), [("# Title\n\nSome words.", "Title".to_owned())]);
    }

    #[test]
    fn a_bare_heading_goes_with_the_section_below_it() {
        let text = "# A\n\n## B\n\nwords\n";
        let blocks = [Block::heading(0..3, 1, "A"), Block::heading(5..9, 2, "B"), Block::body(11..16)];
        assert_eq!(cut_text(text, &blocks), [("# A\n\n## B\n\nwords", "A > B".to_owned())]);
    }

    #[test]
    fn text_in_no_block_is_in_no_passage() {
        let text = "before\n> quoted\nafter\n";
        let blocks = [Block::body(0..6), Block::body(16..21)];
        let cut = cut_text(text, &blocks);
        assert_eq!(cut.iter().map(|(text, _)| *text).collect::<Vec<_>>(), ["before", "after"]);
    }

    #[test]
    fn a_long_paragraph_is_cut_at_sentence_ends() {
        let text = "One two three four five six seven eight nine ten. ".repeat(60);
        let cut = cut_text(&text, &[Block::body(0..text.len())]);
        assert!(cut.len() >= 3);
        assert!(cut.iter().all(|(part, _)| part.ends_with("ten.") && part.starts_with("One")));
        let words: Vec<usize> = cut.iter().map(|(part, _)| part.split_whitespace().count()).collect();
        assert!(words.iter().all(|n| (80..=MAX_WORDS).contains(n)), "{words:?}");
    }

    #[test]
    fn pages_are_not_mixed_and_lines_are_counted() {
        let text = "first\npage\n\nsecond\n";
        let mut blocks = [Block::body(0..10), Block::body(12..18)];
        (blocks[0].page, blocks[1].page) = (Some(1), Some(2));
        let spans = passages(text, &blocks);
        let places: Vec<_> = spans.iter().map(|s| (s.page, s.line, s.end_line)).collect();
        assert_eq!(places, [(Some(1), 1, 2), (Some(2), 4, 4)]);
    }

    #[test]
    fn tiny_sections_with_a_common_heading_are_joined() {
        let text = "# T\n## A\none\n## B\ntwo\n";
        let blocks = [
            Block::heading(0..3, 1, "T"),
            Block::heading(4..8, 2, "A"),
            Block::body(9..12),
            Block::heading(13..17, 2, "B"),
            Block::body(18..21),
        ];
        assert_eq!(cut_text(text, &blocks), [(text.trim_end(), "T".to_owned())]);
    }

    fn role() -> impl Strategy<Value = Role> {
        prop_oneof![
            3 => Just(Role::Body),
            1 => (1..4u8, "[a-c]{0,5}").prop_map(|(level, title)| Role::Heading(level, title)),
        ]
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            "(?s).{0,300}",
            proptest::collection::vec("[a-zé語.]{1,12}[ \n]{1,2}", 0..900).prop_map(|words| words.concat()),
            "[a-z]{0,4000}",
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn passages_cover_the_blocks_in_order_without_overlap(
            text in text(),
            cuts in proptest::collection::vec((0..5000usize, role(), proptest::option::of(0..3u32)), 0..20),
        ) {
            let mut at: Vec<usize> = cuts.iter().map(|(at, ..)| at % (text.len() + 1)).collect();
            at.sort_unstable();
            let at: Vec<usize> = at.into_iter().map(|at| text.floor_char_boundary(at)).collect();
            let ends = at.iter().skip(1).copied().chain([text.len()]);
            let blocks: Vec<Block> = at
                .iter()
                .zip(ends)
                .zip(&cuts)
                .map(|((from, to), (_, role, page))| Block { range: *from..to, role: role.clone(), page: *page })
                .collect();
            let spans = passages(&text, &blocks);
            let mut covered = vec![0u8; text.len()];
            let mut last = 0;
            for span in &spans {
                let (start, end) = (span.start as usize, span.end as usize);
                let part = text.get(start..end).expect("on character borders");
                prop_assert!(start >= last && end > start);
                prop_assert!(part.len() <= MAX_BYTES && part.split_whitespace().count() <= MAX_WORDS);
                prop_assert!(!part.trim().is_empty());
                let line = 1 + text[..start].matches('\n').count() as u32;
                prop_assert_eq!((span.line, span.end_line), (line, line + part.matches('\n').count() as u32));
                covered[start..end].iter_mut().for_each(|c| *c += 1);
                last = end;
            }
            let from = at.first().copied().unwrap_or(text.len());
            for (i, c) in text.char_indices().filter(|(i, c)| *i >= from && !c.is_whitespace()) {
                prop_assert_eq!(covered[i], 1, "{:?} at {}", c, i);
            }
        }

        #[test]
        fn wild_ranges_do_no_harm(
            text in "(?s).{0,200}",
            ranges in proptest::collection::vec((0..400usize, 0..400usize), 0..10),
        ) {
            let blocks: Vec<Block> = ranges.iter().map(|(a, b)| Block::body(*a..*b)).collect();
            let mut last = 0;
            for span in passages(&text, &blocks) {
                prop_assert!(span.start >= last && text.get(span.start as usize..span.end as usize).is_some());
                last = span.end;
            }
        }
    }
}
