//! Builds the text of a document that is no text file: headings, paragraphs, lines, pages.

use std::ops::Range;

use super::decode::plain;
use super::{MAX_TEXT, Parsed};
use crate::chunk::{Block, Role};

/// A text in the making, with its blocks.
#[derive(Debug, Default)]
pub struct Rendering {
    text: String,
    blocks: Vec<Block>,
    page: Option<u32>,
}

impl Rendering {
    /// What follows stands on this page, slide or sheet.
    pub fn page(&mut self, page: u32) {
        self.page = Some(page);
    }

    /// A heading on a line of its own.
    pub fn heading(&mut self, level: u8, title: &str) {
        let title = plain(title).split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(range) = self.push(&title, 2) {
            self.block(range, Role::Heading(level, title));
        }
    }

    /// A section without a heading in the text: the title is in the path of what follows only.
    pub fn section(&mut self, level: u8, title: &str) {
        let at = self.text.len();
        self.block(at..at, Role::Heading(level, plain(title).into_owned()));
    }

    /// A block with an empty line before it.
    pub fn paragraph(&mut self, text: &str) {
        if let Some(range) = self.push(plain(text).trim_matches('\n'), 2) {
            self.block(range, Role::Body);
        }
    }

    /// A block on the next line: a list item, a table row.
    pub fn line(&mut self, text: &str) {
        if let Some(range) = self.push(plain(text).trim_matches('\n'), 1) {
            self.block(range, Role::Body);
        }
    }

    /// Text that is in no passage: quoted mail, signatures.
    pub fn quiet(&mut self, text: &str) {
        self.push(plain(text).trim_matches('\n'), 1);
    }

    /// Leaves an empty line before what comes next.
    pub fn gap(&mut self) {
        self.newlines(2);
    }

    /// Whether there is as much text as one document may have.
    pub fn full(&self) -> bool {
        self.text.len() > MAX_TEXT
    }

    /// The document; its other fields are left to the caller.
    pub fn parsed(mut self) -> Parsed {
        self.text.truncate(self.text.trim_end().len());
        Parsed { text: self.text, blocks: self.blocks, ..Parsed::default() }
    }

    fn push(&mut self, text: &str, newlines: usize) -> Option<Range<usize>> {
        if text.trim().is_empty() || self.full() {
            return None;
        }
        self.newlines(newlines);
        let start = self.text.len();
        let text = &text[..text.floor_char_boundary(MAX_TEXT + 1)];
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                self.text.push('\n');
            }
            self.text.push_str(line.trim_end());
        }
        Some(start..self.text.len())
    }

    fn newlines(&mut self, count: usize) {
        if self.text.is_empty() {
            return;
        }
        let have = self.text.len() - self.text.trim_end_matches('\n').len();
        self.text.extend(std::iter::repeat_n('\n', count.saturating_sub(have)));
    }

    fn block(&mut self, range: Range<usize>, role: Role) {
        self.blocks.push(Block { range, role, page: self.page });
    }
}
