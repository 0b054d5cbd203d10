//! A walk over XML without a tree: names without prefixes, entities resolved, nothing fetched or expanded.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{ExtractError, Result};

/// No element is nested deeper than this.
const MAX_DEPTH: usize = 2_000;

/// One step of the walk.
#[derive(Debug)]
pub enum Step<'a> {
    /// An element begins; an empty element gives an end too.
    Start(&'a str, Attributes<'a>),
    /// An element ends.
    End(&'a str),
    /// Text, unescaped.
    Text(&'a str),
}

/// The attributes of an element.
#[derive(Debug)]
pub struct Attributes<'a>(&'a BytesStart<'a>);

impl Attributes<'_> {
    /// The value of the first attribute of this local name.
    pub fn get(&self, name: &str) -> Option<String> {
        let found = self.0.attributes().flatten().find(|a| a.key.local_name().as_ref() == name)?;
        Some(unescape(&found.value))
    }

    /// Whether any attribute has this value.
    pub fn has_value(&self, value: &str) -> bool {
        self.0.attributes().flatten().any(|a| a.value.as_ref() == value)
    }
}

/// Walks through an XML text and calls `visit` at each step, until it says `false`.
///
/// # Errors
/// When the XML is broken before its end. What was visited before stays so.
pub fn walk(text: &str, mut visit: impl FnMut(Step<'_>) -> bool) -> Result<()> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let mut depth = 0usize;
    loop {
        let event = reader.read_event().map_err(|e| ExtractError::failed(format!("damaged XML: {e}")))?;
        let go_on = match event {
            Event::Start(start) => {
                depth += 1;
                visit(Step::Start(start.local_name().as_ref(), Attributes(&start)))
            }
            Event::Empty(start) => {
                let name = start.local_name();
                visit(Step::Start(name.as_ref(), Attributes(&start))) && visit(Step::End(name.as_ref()))
            }
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                visit(Step::End(end.local_name().as_ref()))
            }
            Event::Text(text) => visit(Step::Text(&text)),
            Event::CData(text) => visit(Step::Text(&text)),
            Event::GeneralRef(name) => visit(Step::Text(&entity(&name))),
            Event::Eof => return Ok(()),
            _ => true,
        };
        if !go_on {
            return Ok(());
        }
        if depth > MAX_DEPTH {
            return Err(ExtractError::failed("XML nested too deeply"));
        }
    }
}

/// What a reference like `&amp;` or `&#228;` stands for; entities of the document's own are not expanded.
fn entity(name: &str) -> String {
    let number = name.strip_prefix('#').and_then(|digits| match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    });
    match number {
        Some(code) => char::from_u32(code).map(String::from).unwrap_or_default(),
        None if name == "nbsp" => " ".to_owned(),
        None => quick_xml::escape::resolve_predefined_entity(name).unwrap_or_default().to_owned(),
    }
}

fn unescape(value: &str) -> String {
    quick_xml::escape::unescape(value).map_or_else(|_| value.to_owned(), std::borrow::Cow::into_owned)
}
