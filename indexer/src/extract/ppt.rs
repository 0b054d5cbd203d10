//! Old PowerPoint files (.ppt): the text atoms of the slides, as [MS-PPT] has them, each text once.

use std::collections::HashSet;

use super::ole::{Streams, u16_at, u32_at, utf16};
use super::render::Rendering;
use super::{ExtractError, Parsed, Result};

const MAIN_MASTER: u16 = 0x03F8;
const SLIDE: u16 = 0x03EE;
const NOTES: u16 = 0x03F0;
const SLIDE_LIST: u16 = 0x0FF0;
const SLIDE_PERSIST: u16 = 0x03F3;
const TEXT_HEADER: u16 = 0x0F9F;
const TEXT_CHARS: u16 = 0x0FA0;
const TEXT_BYTES: u16 = 0x0FA8;
/// Containers are nested no deeper than this.
const MAX_DEPTH: usize = 30;

/// A PowerPoint 97 to 2003 presentation.
pub fn parse(bytes: &[u8]) -> Result<Parsed> {
    let mut file = Streams::open(bytes)?;
    let stream = file.read("PowerPoint Document").ok_or_else(|| ExtractError::failed("no slides in it"))?;
    let mut deck = Deck::default();
    deck.records(&stream, 0);
    let mut out = Rendering::default();
    let mut title = None;
    for (number, texts) in (1..).zip(&deck.slides) {
        out.page(number);
        let mut seen = HashSet::new();
        for text in texts.iter().filter(|text| seen.insert(text.text.as_str())) {
            if text.title {
                title.get_or_insert_with(|| text.text.clone());
                out.heading(1, &text.text);
            } else {
                out.paragraph(&text.text);
            }
        }
    }
    let meta = file.summary();
    let parsed = out.parsed();
    let stated = meta.title.clone().filter(|title| !title.starts_with("PowerPoint") && !title.starts_with("Slide "));
    Ok(Parsed { title: stated.or(title), text: parsed.text, blocks: parsed.blocks, ..meta })
}

#[derive(Clone)]
struct Text {
    title: bool,
    text: String,
}

#[derive(Default)]
struct Deck {
    slides: Vec<Vec<Text>>,
    /// Texts of the outline go to the slide last named there.
    current: Option<usize>,
    drawn: usize,
    noted: usize,
    title: bool,
}

impl Deck {
    /// Goes through the records of a container: version and instance, type, length, content.
    fn records(&mut self, mut rest: &[u8], depth: usize) {
        while let (Some(head), Some(kind), Some(length)) = (u16_at(rest, 0), u16_at(rest, 2), u32_at(rest, 4)) {
            let end = 8usize.saturating_add(length as usize).min(rest.len());
            let content = &rest[8..end];
            self.record(head, kind, content, depth);
            rest = &rest[end..];
        }
    }

    fn record(&mut self, head: u16, kind: u16, content: &[u8], depth: usize) {
        match kind {
            MAIN_MASTER => {}
            SLIDE_LIST if head >> 4 == 1 => {}
            SLIDE_LIST if head >> 4 == 2 => self.within(None, content, depth),
            SLIDE_LIST => {
                self.slides.clear();
                self.records(content, depth + 1);
                self.current = None;
            }
            SLIDE_PERSIST => {
                if self.slides.len() < 10_000 {
                    self.slides.push(Vec::new());
                }
                self.current = self.slides.len().checked_sub(1);
            }
            SLIDE => {
                self.drawn += 1;
                self.within(Some(self.drawn - 1), content, depth);
            }
            NOTES => {
                self.noted += 1;
                self.within(Some(self.noted - 1), content, depth);
            }
            TEXT_HEADER => self.title = matches!(u32_at(content, 0), Some(0 | 6)),
            TEXT_CHARS => self.text(&utf16(content)),
            TEXT_BYTES => self.text(&encoding_rs::WINDOWS_1252.decode_without_bom_handling(content).0),
            _ if head & 0xF == 0xF && depth < MAX_DEPTH => self.records(content, depth + 1),
            _ => {}
        }
    }

    /// Reads a container whose text belongs to one slide.
    fn within(&mut self, slide: Option<usize>, content: &[u8], depth: usize) {
        let before = std::mem::replace(&mut self.current, slide);
        if depth < MAX_DEPTH {
            self.records(content, depth + 1);
        }
        self.current = before;
    }

    fn text(&mut self, text: &str) {
        let text = text.replace(['\r', '\x0b'], "\n").trim().to_owned();
        if text.is_empty() || text == "*" {
            return;
        }
        let at = self.current.unwrap_or(self.slides.len().saturating_sub(1));
        if at >= self.slides.len() {
            self.slides.resize(at.min(10_000) + 1, Vec::new());
        }
        let title = std::mem::take(&mut self.title);
        if let Some(slide) = self.slides.get_mut(at) {
            slide.push(Text { title, text });
        }
    }
}
