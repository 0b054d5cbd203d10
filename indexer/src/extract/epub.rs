//! Books (.epub): the chapters in reading order, each rendered as HTML is.

use std::collections::HashMap;

use super::render::Rendering;
use super::xml::{self, Step};
use super::zip::Archive;
use super::{ExtractError, Parsed, Result, dates, html, ooxml};

/// A book.
pub fn parse(bytes: &[u8]) -> Result<Parsed> {
    let mut archive = Archive::open(bytes)?;
    let package = package_path(&archive.text("META-INF/container.xml")?);
    let package =
        package.filter(|path| archive.has(path)).ok_or_else(|| ExtractError::failed("no package file in the book"))?;
    let book = Book::read(&archive.text(&package)?);
    let folder = package.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let locked = archive.text("META-INF/encryption.xml")?;
    let mut out = Rendering::default();
    for href in book.spine.iter().filter_map(|id| book.items.get(id)) {
        let path = ooxml::resolve(&folder, &percent_decoded(href.split('#').next().unwrap_or_default()));
        if locked.contains(&path) {
            return Err(ExtractError::skipped("encrypted book"));
        }
        html::render(&archive.text(&path)?, &mut out);
        out.gap();
        if out.full() {
            break;
        }
    }
    let parsed = out.parsed();
    Ok(Parsed { text: parsed.text, blocks: parsed.blocks, ..book.meta })
}

fn package_path(container: &str) -> Option<String> {
    let mut path = None;
    let _ = xml::walk(container, |step| {
        if let Step::Start("rootfile", attributes) = step {
            path = attributes.get("full-path");
        }
        path.is_none()
    });
    path
}

#[derive(Default)]
struct Book {
    meta: Parsed,
    items: HashMap<String, String>,
    spine: Vec<String>,
}

impl Book {
    fn read(package: &str) -> Self {
        let mut book = Self::default();
        let mut value = String::new();
        let _ = xml::walk(package, |step| {
            match step {
                Step::Start("item", attributes) => {
                    if let (Some(id), Some(href)) = (attributes.get("id"), attributes.get("href")) {
                        book.items.insert(id, href);
                    }
                }
                Step::Start("itemref", attributes) => book.spine.extend(attributes.get("idref")),
                Step::Start(..) => value.clear(),
                Step::Text(text) => value.push_str(text),
                Step::End(name) => {
                    book.field(name, value.trim());
                    value.clear();
                }
            }
            true
        });
        book
    }

    fn field(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        let meta = &mut self.meta;
        match name {
            "title" => meta.title = meta.title.take().or_else(|| Some(value.to_owned())),
            "creator" => meta.author = Some(meta.author.take().map_or(value.to_owned(), |a| format!("{a}, {value}"))),
            "date" => meta.date = meta.date.take().or_else(|| dates::iso(value)),
            "subject" => meta.tags.push(value.to_owned()),
            _ => {}
        }
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = (*first == b'%').then(|| tail.get(..2)).flatten().and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
