//! What Word and PowerPoint files have in common: properties and relations.

use std::collections::HashMap;

use super::xml::{self, Step};
use super::zip::Archive;
use super::{Parsed, Result, dates};

/// Title, author, date and key words of the document properties; no text.
pub fn properties(archive: &mut Archive<'_>) -> Result<Parsed> {
    let mut meta = Parsed::default();
    let mut value = String::new();
    let text = archive.text("docProps/core.xml")?;
    // Broken properties are no reason to lose the document.
    let _ = xml::walk(&text, |step| {
        match step {
            Step::Start(..) => value.clear(),
            Step::Text(text) => value.push_str(text),
            Step::End(name) => property(&mut meta, name, value.trim()),
        }
        true
    });
    Ok(meta)
}

fn property(meta: &mut Parsed, name: &str, value: &str) {
    if value.is_empty() {
        return;
    }
    match name {
        "title" => meta.title = Some(value.to_owned()),
        "creator" => meta.author = Some(value.to_owned()),
        "created" => meta.date = dates::iso(value),
        "keywords" => meta.tags = value.split([',', ';']).map(str::to_owned).collect(),
        _ => {}
    }
}

/// The targets of a part's relations: `(id, type, path)`.
pub fn relations(archive: &mut Archive<'_>, part: &str) -> Result<Vec<(String, String, String)>> {
    let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
    let text = archive.text(&format!("{folder}/_rels/{file}.rels"))?;
    let mut found = Vec::new();
    let _ = xml::walk(&text, |step| {
        if let Step::Start("Relationship", attributes) = step {
            let get = |name: &str| attributes.get(name).unwrap_or_default();
            found.push((get("Id"), get("Type"), resolve(folder, &get("Target"))));
        }
        true
    });
    Ok(found)
}

/// A path relative to a folder of the archive.
pub fn resolve(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            ".." => {
                parts.pop();
            }
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Heading levels of paragraph styles, by style id.
pub fn heading_styles(text: &str) -> HashMap<String, u8> {
    let mut levels = HashMap::new();
    let mut id = String::new();
    let _ = xml::walk(text, |step| {
        if let Step::Start(name, attributes) = step {
            match name {
                "style" => id = attributes.get("styleId").unwrap_or_default(),
                "name" => {
                    if let Some(level) = attributes.get("val").as_deref().and_then(named_level) {
                        levels.insert(id.clone(), level);
                    }
                }
                "outlineLvl" => {
                    let level = attributes.get("val").and_then(|level| level.parse::<u8>().ok());
                    if let Some(level) = level.filter(|level| *level < 9) {
                        levels.entry(id.clone()).or_insert(level + 1);
                    }
                }
                _ => {}
            }
        }
        true
    });
    levels
}

/// The level of a style called `heading 2`, `Heading2` or `Title`.
pub fn named_level(name: &str) -> Option<u8> {
    let name = name.to_ascii_lowercase();
    if name == "title" {
        return Some(1);
    }
    name.strip_prefix("heading")?.trim().parse().ok().filter(|level| (1..=9).contains(level))
}
