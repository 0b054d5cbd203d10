//! TeX: sectioning commands and title, author, date; the text stays as it is.

use super::{Parsed, dates, plain};

/// A TeX file.
pub fn parse(text: String) -> Parsed {
    let value = |name: &str| command(&text, name).map(|value| readable(&value)).filter(|value| !value.is_empty());
    let (title, author) = (value("title"), value("author"));
    let date = value("date").and_then(|date| dates::iso(&date));
    let blocks = plain::sections(&text, |line| section(&text[line]));
    Parsed { title, author, date, text, blocks, ..Parsed::default() }
}

fn section(line: &str) -> Option<(u8, String)> {
    const LEVELS: [&str; 7] =
        ["part", "chapter", "section", "subsection", "subsubsection", "paragraph", "begin{frame}"];
    let rest = line.trim_start().strip_prefix('\\')?;
    let (level, rest) = LEVELS.iter().zip(1..).find_map(|(name, level)| {
        let rest = rest.strip_prefix(name)?;
        Some((level, rest.strip_prefix('*').unwrap_or(rest))).filter(|(_, rest)| rest.starts_with(['{', '[']))
    })?;
    let title = braced(&rest[rest.find('{')?..])?;
    Some((level, readable(&title)))
}

/// The argument of the first use of a command.
fn command(text: &str, name: &str) -> Option<String> {
    let head = &text[..text.floor_char_boundary(20_000)];
    let (at, found) = head
        .match_indices(&format!("\\{name}"))
        .find(|(at, found)| head[at + found.len()..].starts_with(['{', '[']))?;
    let rest = &head[at + found.len()..];
    braced(&rest[rest.find('{')?..])
}

/// What stands between an opening brace and the one that closes it.
fn braced(text: &str) -> Option<String> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices().take(1000) {
        match c {
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(text[1..at].to_owned());
                }
            }
            _ => {}
        }
    }
    None
}

/// Text without commands and braces.
fn readable(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                while chars.next_if(char::is_ascii_alphabetic).is_some() {}
                out.push(' ');
            }
            '{' | '}' | '~' | '$' => out.push(if c == '~' { ' ' } else { '\u{0}' }),
            c => out.push(c),
        }
    }
    out.replace('\u{0}', "").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::Role;

    #[test]
    fn sections_and_title() {
        let parsed =
            parse("\\title{The \\emph{big} thing}\n\\date{2024-03-01}\n\\section*{One {two}}\ntext\n".to_owned());
        assert_eq!((parsed.title.as_deref(), parsed.date.as_deref()), (Some("The big thing"), Some("2024-03-01")));
        assert!(parsed.blocks.iter().any(|b| b.role == Role::Heading(3, "One two".to_owned())));
    }
}
