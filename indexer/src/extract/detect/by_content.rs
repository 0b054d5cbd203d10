//! The format that the first characters of a text say.

use super::{Data, Format, Language};

/// Sets right what an extension says when the content says otherwise.
pub fn settle(format: Format, text: &str) -> Format {
    let start = text.trim_start_matches(['\u{FEFF}', ' ', '\n', '\r', '\t']);
    let lower: String = start.chars().take(300).flat_map(char::to_lowercase).collect();
    match format {
        Format::Data(Data::Json) if !start.starts_with(['{', '[', '"', '/']) => Format::Plain,
        Format::Data(Data::Xml) if is_html(&lower) => Format::Html,
        Format::Plain if is_html(&lower) => Format::Html,
        Format::Notebook if !start.starts_with('{') => Format::Plain,
        Format::Calendar if !lower.starts_with("begin:vcalendar") => Format::Plain,
        Format::Contacts if !lower.starts_with("begin:vcard") => Format::Plain,
        Format::Mailbox if !start.starts_with("From ") => Format::Mail,
        other => other,
    }
}

/// Whether the first element is `html`; declarations and comments may stand before it.
fn is_html(lower: &str) -> bool {
    let mut rest = lower;
    loop {
        let (open, close) = match rest {
            _ if rest.starts_with("<html") || rest.starts_with("<!doctype html") => return true,
            _ if rest.starts_with("<?") => ("<?", "?>"),
            _ if rest.starts_with("<!--") => ("<!--", "-->"),
            _ => return false,
        };
        let Some(at) = rest[open.len()..].find(close) else { return false };
        rest = rest[open.len() + at + close.len()..].trim_start();
    }
}

/// Files without a telling name (`.txt` too): what they begin with.
pub fn by_content(text: &str) -> Option<Format> {
    let start = text.trim_start_matches(['\u{FEFF}', ' ', '\n', '\r', '\t']);
    let lower: String = start.chars().take(300).flat_map(char::to_lowercase).collect();
    if is_html(&lower) {
        Some(Format::Html)
    } else if lower.starts_with("<?xml") {
        Some(Format::Data(Data::Xml))
    } else if lower.starts_with("begin:vcalendar") {
        Some(Format::Calendar)
    } else if lower.starts_with("begin:vcard") {
        Some(Format::Contacts)
    } else if lower.starts_with("#!") {
        Some(Format::Code(shebang(lower.lines().next().unwrap_or_default())))
    } else if lower.starts_with("webvtt") {
        Some(Format::Subtitles)
    } else if start.starts_with("From ") && mail_headers(start.split_once('\n').map_or("", |(_, rest)| rest)) {
        Some(Format::Mailbox)
    } else {
        mail_headers(start).then_some(Format::Mail)
    }
}

fn shebang(line: &str) -> Language {
    if ["python", "ruby", "lua", "julia"].iter().any(|name| line.contains(name)) {
        Language::Indented
    } else if line.contains("node") || line.contains("php") || line.contains("perl") {
        Language::Keyword
    } else {
        Language::Shell
    }
}

/// Whether a text begins with a block of mail headers, two well-known ones at least.
fn mail_headers(text: &str) -> bool {
    const KNOWN: [&str; 12] = [
        "from",
        "to",
        "subject",
        "date",
        "received",
        "return-path",
        "message-id",
        "mime-version",
        "delivered-to",
        "content-type",
        "reply-to",
        "x-mailer",
    ];
    let mut known = 0;
    let mut lines = text.lines().take(60).take_while(|line| !line.trim().is_empty());
    let fits = lines.all(|line| {
        let name = line.split_once(':').map(|(name, _)| name.to_ascii_lowercase());
        known += usize::from(name.as_deref().is_some_and(|name| KNOWN.contains(&name)));
        line.starts_with([' ', '\t']) || name.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_graphic()))
    });
    let strong = ["message-id:", "received:", "return-path:", "mime-version:", "delivered-to:"];
    let lower = text.chars().take(4096).collect::<String>().to_ascii_lowercase();
    fits && known >= 3 && strong.iter().any(|name| lower.lines().any(|line| line.starts_with(name)))
}
