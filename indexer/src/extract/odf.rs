//! OpenDocument texts and presentations (.odt, .odp, .odg): headings, lists, tables, notes, slides.

use super::render::Rendering;
use super::xml::{self, Attributes, Step};
use super::zip::Archive;
use super::{ExtractError, Parsed, Result, dates};

/// An OpenDocument file.
pub fn parse(bytes: &[u8]) -> Result<Parsed> {
    let mut archive = Archive::open(bytes)?;
    if archive.text("META-INF/manifest.xml")?.contains("encryption-data") {
        return Err(ExtractError::skipped("encrypted document"));
    }
    let meta = meta(&archive.text("meta.xml")?);
    let mut body = Body::default();
    let end = xml::walk(&archive.text("content.xml")?, |step| body.step(step));
    if body.paragraphs == 0 {
        end?;
    }
    let _ = xml::walk(&archive.text("styles.xml")?, |step| body.page_layout(step));
    let first = body.title.take();
    let parsed = body.out.parsed();
    Ok(Parsed { title: meta.title.clone().or(first), text: parsed.text, blocks: parsed.blocks, ..meta })
}

/// What `meta.xml` states; no text.
pub fn meta(text: &str) -> Parsed {
    let mut meta = Parsed::default();
    let mut value = String::new();
    let _ = xml::walk(text, |step| {
        match step {
            Step::Start(..) => value.clear(),
            Step::Text(text) => value.push_str(text),
            Step::End(_) if value.trim().is_empty() => {}
            Step::End(name) => match name {
                "title" => meta.title = Some(value.clone()),
                "initial-creator" => meta.author = Some(value.clone()),
                "creator" => meta.author = meta.author.take().or_else(|| Some(value.clone())),
                "creation-date" => meta.date = dates::iso(&value),
                "keyword" => meta.tags.push(value.clone()),
                _ => {}
            },
        }
        true
    });
    meta
}

#[derive(Default)]
struct Body {
    out: Rendering,
    title: Option<String>,
    /// Paragraphs being read, the innermost last: its text and heading level.
    open: Vec<(String, Option<u8>)>,
    rows: Vec<Vec<String>>,
    lists: usize,
    hidden: usize,
    slide: u32,
    paragraphs: usize,
    in_layout: bool,
}

impl Body {
    fn step(&mut self, step: Step<'_>) -> bool {
        match step {
            Step::Start(name, _)
                if self.hidden > 0 || matches!(name, "tracked-changes" | "scripts" | "sequence-decls") =>
            {
                self.hidden += 1;
            }
            Step::End(_) if self.hidden > 0 => self.hidden -= 1,
            _ if self.hidden > 0 => {}
            Step::Start(name, attributes) => self.start(name, &attributes),
            Step::End(name) => self.end(name),
            Step::Text(text) => self.add(text),
        }
        !self.out.full()
    }

    /// Headers and footers stand in the page layout.
    fn page_layout(&mut self, step: Step<'_>) -> bool {
        match step {
            Step::Start("master-styles", _) => self.in_layout = true,
            Step::End("master-styles") => self.in_layout = false,
            step if self.in_layout => return self.step(step),
            _ => {}
        }
        true
    }

    fn start(&mut self, name: &str, attributes: &Attributes<'_>) {
        match name {
            "h" => {
                let level = attributes.get("outline-level").and_then(|level| level.parse().ok()).unwrap_or(1);
                self.open.push((String::new(), Some(level)));
            }
            "p" => {
                let style = attributes.get("style-name").unwrap_or_default();
                self.open.push((String::new(), (style == "Title").then_some(1)));
            }
            "s" => {
                let count = attributes.get("c").and_then(|count| count.parse().ok()).unwrap_or(1usize);
                self.add(&" ".repeat(count.min(80)));
            }
            "tab" => self.add("\t"),
            "line-break" => self.add("\n"),
            "list-item" => self.lists += 1,
            "table-row" => self.rows.push(Vec::new()),
            "table-cell" => {
                if let Some(row) = self.rows.last_mut() {
                    row.push(String::new());
                }
            }
            "page" if !self.in_layout => {
                self.slide += 1;
                self.out.page(self.slide);
                self.out.gap();
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "h" | "p" => {
                if let Some((text, level)) = self.open.pop() {
                    self.paragraph(text.trim(), level);
                }
            }
            "list-item" => self.lists = self.lists.saturating_sub(1),
            "table-row" => {
                let line = self.rows.pop().unwrap_or_default().join(" | ");
                match self.rows.last_mut().and_then(|row| row.last_mut()) {
                    Some(outer) => outer.push_str(&line),
                    None if line.trim_matches([' ', '|']).is_empty() => {}
                    None => self.out.line(&line),
                }
            }
            "table" | "list" if self.lists == 0 => self.out.gap(),
            _ => {}
        }
    }

    fn add(&mut self, text: &str) {
        if let Some((open, _)) = self.open.last_mut() {
            open.push_str(text);
        }
    }

    fn paragraph(&mut self, text: &str, level: Option<u8>) {
        if text.is_empty() {
            return;
        }
        self.paragraphs += 1;
        if let Some(cell) = self.rows.last_mut().and_then(|row| row.last_mut()) {
            if !cell.is_empty() {
                cell.push(' ');
            }
            cell.push_str(&text.replace('\n', " "));
        } else if let Some(level) = level {
            self.title.get_or_insert_with(|| text.to_owned());
            self.out.heading(level, text);
        } else if self.lists > 0 {
            self.out.line(&format!("- {text}"));
        } else {
            self.out.paragraph(text);
        }
    }
}
