//! Org: headlines with their tags, `#+TITLE:` and its like; the text stays as it is.

use super::{Parsed, dates, plain};

/// An Org file.
pub fn parse(text: String) -> Parsed {
    let mut parsed = Parsed::default();
    let mut head = true;
    let blocks = plain::sections(&text, |line| {
        let found = headline(&text[line.clone()], &mut parsed.tags);
        head &= found.is_none();
        // The key words at the top go with what they stand before.
        found.or_else(|| (head && text[line].starts_with("#+")).then(|| (1, String::new())))
    });
    for line in text.lines().take(200) {
        keyword(line, &mut parsed);
    }
    if parsed.title.is_none() {
        parsed.title = text.lines().find_map(|line| headline(line, &mut Vec::new())).map(|(_, title)| title);
    }
    Parsed { text, blocks, ..parsed }
}

fn headline(line: &str, tags: &mut Vec<String>) -> Option<(u8, String)> {
    let title = line.trim_start_matches('*');
    let stars = line.len() - title.len();
    let title = title.strip_prefix(' ').filter(|_| stars > 0)?.trim();
    let title = match title.rsplit_once(char::is_whitespace) {
        Some((rest, last)) if last.len() > 2 && last.starts_with(':') && last.ends_with(':') => {
            tags.extend(last.split(':').filter(|tag| !tag.is_empty()).map(str::to_owned));
            rest.trim_end()
        }
        _ => title,
    };
    Some((u8::try_from(stars).unwrap_or(u8::MAX), title.to_owned()))
}

fn keyword(line: &str, parsed: &mut Parsed) {
    let Some((name, value)) = line.strip_prefix("#+").and_then(|rest| rest.split_once(':')) else { return };
    let value = value.trim();
    match name.to_ascii_lowercase().as_str() {
        "title" if !value.is_empty() => parsed.title = Some(value.to_owned()),
        "author" if !value.is_empty() => parsed.author = Some(value.to_owned()),
        "date" => parsed.date = dates::iso(value),
        "filetags" => parsed.tags.extend(value.split([':', ' ']).filter(|tag| !tag.is_empty()).map(str::to_owned)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::Role;

    #[test]
    fn headlines_and_keywords() {
        let parsed =
            parse("#+TITLE: Plan\n#+DATE: <2024-03-01 Fri>\n\n* Work :job:urgent:\nText\n** Deeper\n".to_owned());
        assert_eq!((parsed.title.as_deref(), parsed.date.as_deref()), (Some("Plan"), Some("2024-03-01")));
        assert_eq!(parsed.tags, ["job", "urgent"]);
        let levels: Vec<_> = parsed
            .blocks
            .iter()
            .filter(|b| !matches!(&b.role, Role::Body) && b.role != Role::Heading(1, String::new()))
            .map(|b| b.role.clone())
            .collect();
        assert_eq!(levels, [Role::Heading(1, "Work".to_owned()), Role::Heading(2, "Deeper".to_owned())]);
    }
}
