//! PowerPoint files (.pptx): slides in their order, titles as headings, tables, diagrams, speaker's notes.

use super::render::Rendering;
use super::xml::{self, Step};
use super::zip::Archive;
use super::{Parsed, Result, ooxml};

/// A presentation.
pub fn parse(bytes: &[u8]) -> Result<Parsed> {
    let mut archive = Archive::open(bytes)?;
    let meta = ooxml::properties(&mut archive)?;
    let mut out = Rendering::default();
    let mut title = None;
    for (number, slide) in (1..).zip(slides(&mut archive)?) {
        out.page(number);
        let first = shapes(&archive.text(&slide)?, &mut out, true);
        title = title.or(first);
        for (_, kind, path) in ooxml::relations(&mut archive, &slide)? {
            if kind.ends_with("/notesSlide") || kind.ends_with("/diagramData") {
                shapes(&archive.text(&path)?, &mut out, false);
            } else if kind.ends_with("/comments") {
                comments(&archive.text(&path)?, &mut out);
            }
        }
    }
    let parsed = out.parsed();
    let stated = meta.title.clone().filter(|title| !title.starts_with("PowerPoint"));
    Ok(Parsed { title: stated.or(title), text: parsed.text, blocks: parsed.blocks, ..meta })
}

/// The slides as the presentation lists them, else by number.
fn slides(archive: &mut Archive<'_>) -> Result<Vec<String>> {
    let part = "ppt/presentation.xml";
    let relations = ooxml::relations(archive, part)?;
    let text = archive.text(part)?;
    let mut slides = Vec::new();
    let _ = xml::walk(&text, |step| {
        if let Step::Start("sldId", attributes) = step {
            let found = relations.iter().find(|(id, ..)| attributes.has_value(id));
            slides.extend(found.map(|(.., path)| path.clone()));
        }
        true
    });
    slides.retain(|slide| archive.has(slide));
    if slides.is_empty() {
        slides = archive.numbered("ppt/slides/slide", ".xml").into_iter().map(|(_, name)| name).collect();
    }
    Ok(slides)
}

/// The text of a slide's shapes; gives its title.
fn shapes(text: &str, out: &mut Rendering, with_title: bool) -> Option<String> {
    let mut shape = Shape { title: false, skip: false, text: String::new(), cells: None, in_text: false };
    let mut title = None;
    // What stands before a damage is kept.
    let _ = xml::walk(text, |step| {
        match step {
            Step::Start("ph", attributes) => {
                let kind = attributes.get("type").unwrap_or_default();
                shape.title = with_title && matches!(kind.as_str(), "title" | "ctrTitle");
                shape.skip = matches!(kind.as_str(), "sldNum" | "sldImg");
            }
            Step::Start("t", _) => shape.in_text = true,
            Step::Start("br", _) => shape.text.push('\n'),
            Step::Start("tab", _) => shape.text.push('\t'),
            Step::Start("tr", _) => shape.cells = Some(Vec::new()),
            Step::Text(text) if shape.in_text => shape.text.push_str(text),
            Step::End("t") => shape.in_text = false,
            Step::End("p") => {
                let found = shape.paragraph(out);
                title = title.take().or(found);
            }
            Step::End("tc") => shape.cell(),
            Step::End("tr") => shape.row(out),
            Step::End("sp" | "graphicFrame") => {
                (shape.title, shape.skip) = (false, false);
                out.gap();
            }
            _ => {}
        }
        !out.full()
    });
    out.gap();
    title
}

struct Shape {
    title: bool,
    skip: bool,
    in_text: bool,
    text: String,
    cells: Option<Vec<String>>,
}

impl Shape {
    /// Writes a paragraph; gives it when it is the slide's title.
    fn paragraph(&mut self, out: &mut Rendering) -> Option<String> {
        if self.cells.is_some() {
            self.text.push(' ');
            return None;
        }
        let text = std::mem::take(&mut self.text);
        if self.skip || text.trim().is_empty() {
            return None;
        }
        if self.title {
            out.heading(1, &text);
            return Some(text);
        }
        out.line(text.trim_end());
        None
    }

    fn cell(&mut self) {
        let text = std::mem::take(&mut self.text);
        if let Some(cells) = &mut self.cells {
            cells.push(text.trim().to_owned());
        }
    }

    fn row(&mut self, out: &mut Rendering) {
        let line = self.cells.take().unwrap_or_default().join(" | ");
        if !line.trim_matches([' ', '|']).is_empty() {
            out.line(&line);
        }
    }
}

fn comments(text: &str, out: &mut Rendering) {
    let mut inside = false;
    let _ = xml::walk(text, |step| {
        match step {
            Step::Start("text", _) => inside = true,
            Step::End("text") => inside = false,
            Step::Text(text) if inside => out.line(text),
            _ => {}
        }
        !out.full()
    });
}
