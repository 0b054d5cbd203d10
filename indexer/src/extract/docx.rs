//! Word documents (.docx): headings by style, lists, tables row by row, text boxes, notes, comments.

use std::collections::HashMap;

use super::render::Rendering;
use super::xml::{self, Attributes, Step};
use super::zip::Archive;
use super::{ExtractError, Parsed, Result, ooxml};

const MAIN: &str = "word/document.xml";

/// A Word document.
pub fn parse(bytes: &[u8]) -> Result<Parsed> {
    let mut archive = Archive::open(bytes)?;
    let meta = ooxml::properties(&mut archive)?;
    let styles = ooxml::heading_styles(&archive.text("word/styles.xml")?);
    let mut body = Body::new(styles);
    for part in parts(&mut archive)? {
        let text = archive.text(&part)?;
        let end = xml::walk(&text, |step| body.step(step));
        body.close();
        // What stands before a damage is kept.
        if part == MAIN && body.paragraphs == 0 {
            end?;
        }
    }
    let first = body.title.take();
    let parsed = body.out.parsed();
    Ok(Parsed { title: meta.title.clone().or(first), text: parsed.text, blocks: parsed.blocks, ..meta })
}

/// The parts with text: the body, then what hangs on it, each once.
fn parts(archive: &mut Archive<'_>) -> Result<Vec<String>> {
    let rest = ["word/header", "word/footer", "word/footnotes", "word/endnotes", "word/comments", "word/diagrams/data"];
    let main = if archive.has(MAIN) { MAIN.to_owned() } else { main_part(archive)? };
    let mut parts: Vec<String> = archive
        .names()
        .filter(|name| rest.iter().any(|start| name.starts_with(start)) && name.ends_with(".xml"))
        .filter(|name| !name.starts_with("word/comments") || *name == "word/comments.xml")
        .collect();
    parts.sort_by_key(|name| (rest.iter().position(|start| name.starts_with(start)), name.clone()));
    parts.insert(0, main);
    Ok(parts)
}

/// Some programs name the body otherwise.
fn main_part(archive: &mut Archive<'_>) -> Result<String> {
    let found = ooxml::relations(archive, "")?.into_iter().find(|(_, kind, _)| kind.ends_with("/officeDocument"));
    found.map(|(.., path)| path).filter(|path| archive.has(path)).ok_or_else(|| ExtractError::failed("no body in it"))
}

/// One paragraph being read; text boxes hold paragraphs inside paragraphs.
#[derive(Default)]
struct Paragraph {
    text: String,
    level: Option<u8>,
    item: bool,
}

struct Body {
    out: Rendering,
    styles: HashMap<String, u8>,
    title: Option<String>,
    open: Vec<Paragraph>,
    rows: Vec<Vec<String>>,
    /// In an element whose text is not shown, how deep.
    hidden: usize,
    in_text: bool,
    paragraphs: usize,
    list: bool,
}

impl Body {
    fn new(styles: HashMap<String, u8>) -> Self {
        let (open, rows) = (Vec::new(), Vec::new());
        Self {
            out: Rendering::default(),
            styles,
            title: None,
            open,
            rows,
            hidden: 0,
            in_text: false,
            paragraphs: 0,
            list: false,
        }
    }

    fn step(&mut self, step: Step<'_>) -> bool {
        match step {
            Step::Start(name, _) if self.hidden > 0 || is_hidden(name) => self.hidden += 1,
            Step::End(_) if self.hidden > 0 => self.hidden -= 1,
            _ if self.hidden > 0 => {}
            Step::Start(name, attributes) => self.start(name, &attributes),
            Step::End(name) => self.end(name),
            Step::Text(text) if self.in_text => self.add(text),
            Step::Text(_) => {}
        }
        !self.out.full()
    }

    fn start(&mut self, name: &str, attributes: &Attributes<'_>) {
        match name {
            "p" => self.open.push(Paragraph::default()),
            "t" => self.in_text = true,
            "tab" | "ptab" => self.add("\t"),
            "br" | "cr" => self.add("\n"),
            "noBreakHyphen" => self.add("-"),
            "tr" => self.rows.push(Vec::new()),
            "tc" => {
                if let Some(row) = self.rows.last_mut() {
                    row.push(String::new());
                }
            }
            "numPr" => {
                if let Some(paragraph) = self.open.last_mut() {
                    paragraph.item = true;
                }
            }
            "pStyle" => {
                let style = attributes.get("val").unwrap_or_default();
                let level = self.styles.get(&style).copied().or_else(|| ooxml::named_level(&style));
                if let Some(paragraph) = self.open.last_mut() {
                    paragraph.level = level;
                    paragraph.item |= style.starts_with("List");
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "t" => self.in_text = false,
            "p" => {
                if let Some(paragraph) = self.open.pop() {
                    self.paragraph(paragraph);
                }
            }
            "tr" => {
                let cells = self.rows.pop().unwrap_or_default();
                self.row(&cells);
            }
            "tbl" => self.out.gap(),
            _ => {}
        }
    }

    fn add(&mut self, text: &str) {
        if let Some(paragraph) = self.open.last_mut() {
            paragraph.text.push_str(text);
        }
    }

    fn paragraph(&mut self, paragraph: Paragraph) {
        let text = paragraph.text.trim();
        if text.is_empty() {
            return;
        }
        self.paragraphs += 1;
        if let Some(cell) = self.rows.last_mut().and_then(|row| row.last_mut()) {
            if !cell.is_empty() {
                cell.push(' ');
            }
            cell.push_str(&text.replace('\n', " "));
            return;
        }
        match paragraph.level {
            Some(level) => {
                self.title.get_or_insert_with(|| text.to_owned());
                self.out.heading(level, text);
            }
            None if paragraph.item => {
                if !std::mem::replace(&mut self.list, true) {
                    self.out.gap();
                }
                self.out.line(&format!("- {text}"));
                return;
            }
            None => self.out.paragraph(text),
        }
        self.list = false;
    }

    fn row(&mut self, cells: &[String]) {
        let line = cells.iter().map(|cell| cell.trim()).collect::<Vec<_>>().join(" | ");
        if line.trim_matches([' ', '|']).is_empty() {
            return;
        }
        match self.rows.last_mut().and_then(|row| row.last_mut()) {
            Some(outer) => {
                outer.push(' ');
                outer.push_str(&line);
            }
            None => self.out.line(&line),
        }
    }

    /// Ends what a part left open.
    fn close(&mut self) {
        while let Some(paragraph) = self.open.pop() {
            self.paragraph(paragraph);
        }
        while let Some(cells) = self.rows.pop() {
            self.row(&cells);
        }
        (self.hidden, self.in_text) = (0, false);
        self.out.gap();
    }
}

/// The second form of what was there already, deleted text, field codes.
fn is_hidden(name: &str) -> bool {
    matches!(name, "Fallback" | "delText" | "instrText" | "delInstrText" | "del" | "moveFrom" | "tblPr" | "sectPr")
}
