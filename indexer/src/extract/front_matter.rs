//! Front matter of Markdown and its like: title, author, date and tags, from YAML (`---`) or TOML (`+++`).
//!
//! Only these fields are read, line by line, so that front matter with mistakes still gives what is right in it.

use std::ops::Range;

use super::Parsed;

/// Reads the front matter of `parsed.text` into `parsed`, and says where it is.
pub fn read(parsed: &mut Parsed) -> Option<Range<usize>> {
    let text = std::mem::take(&mut parsed.text);
    let range = find(&text);
    if let Some(range) = &range {
        fields(parsed, &text[range.clone()]);
    }
    parsed.text = text;
    range
}

fn find(text: &str) -> Option<Range<usize>> {
    let fence = ["---", "+++"].into_iter().find(|fence| text.starts_with(fence))?;
    let mut at = text.find('\n')? + 1;
    if text[..at].trim_end() != fence {
        return None;
    }
    let first = text[at..].lines().next()?;
    if first.trim().is_empty() || !(first.contains(':') || first.contains('=') || first.starts_with(['#', '-', ' '])) {
        return None;
    }
    for line in text[at..].split_inclusive('\n').take(500) {
        at += line.len();
        if line.trim_end() == fence || (fence == "---" && line.trim_end() == "...") {
            return Some(0..at);
        }
    }
    None
}

fn fields(parsed: &mut Parsed, block: &str) {
    let mut key = String::new();
    for line in block.lines() {
        if let Some(item) = line.trim_start().strip_prefix("- ") {
            field(parsed, &key, item);
        } else if !line.starts_with([' ', '\t', '#'])
            && let Some((name, value)) = line.split_once([':', '='])
        {
            key = name.trim().trim_matches(['"', '\'']).to_lowercase();
            field(parsed, &key, value);
        }
    }
}

fn field(parsed: &mut Parsed, key: &str, value: &str) {
    let value = scalar(value);
    if value.is_empty() {
        return;
    }
    match key {
        "title" => parsed.title = parsed.title.take().or(Some(value)),
        "author" | "authors" | "by" => {
            let names = list(&value).join(", ");
            let before = parsed.author.take();
            parsed.author = Some(before.map_or(names.clone(), |before| format!("{before}, {names}")));
        }
        "date" | "created" | "published" | "day" | "pubdate" => {
            parsed.date = parsed.date.take().or_else(|| super::dates::iso(&value));
        }
        "tags" | "tag" | "keywords" | "categories" | "category" | "labels" => parsed.tags.extend(list(&value)),
        _ => {}
    }
}

/// A value without quotes and comments.
fn scalar(value: &str) -> String {
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote)
            && let Some(end) = rest.find(quote)
        {
            return rest[..end].to_owned();
        }
    }
    let value = value.split(" #").next().unwrap_or_default().trim();
    if ["|", ">", "null", "~", ">-", "|-"].contains(&value) { String::new() } else { value.to_owned() }
}

/// `[a, "b c"]`, `a, b` or one thing.
fn list(value: &str) -> Vec<String> {
    let inner = value.trim().trim_start_matches('[').trim_end_matches(']');
    inner.split(',').map(scalar).filter(|item| !item.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Parsed, Option<Range<usize>>) {
        let mut parsed = Parsed { text: text.to_owned(), ..Parsed::default() };
        let range = read(&mut parsed);
        (parsed, range)
    }

    #[test]
    fn yaml_and_toml() {
        let (p, range) =
            parsed("---\ntitle: \"A: b\"\ndate: 2024-03-01\ntags:\n  - x\n  - y z\nauthor: Ann\n---\ntext\n");
        assert_eq!(
            (p.title.as_deref(), p.date.as_deref(), p.author.as_deref()),
            (Some("A: b"), Some("2024-03-01"), Some("Ann"))
        );
        assert_eq!((p.tags, range.map(|r| r.end)), (vec!["x".to_owned(), "y z".to_owned()], Some(71)));
        let (p, _) = parsed("+++\ntitle = 'T'\ntags = [\"a\", \"b\"]\n+++\n");
        assert_eq!((p.title.as_deref(), p.tags), (Some("T"), vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn a_rule_is_not_front_matter() {
        assert_eq!(parsed("---\n\nJust a rule: yes\n\n---\n").1, None);
        assert_eq!(parsed("---\ntitle: never closed\n").1, None);
    }
}
