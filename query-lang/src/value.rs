//! Fields: their names, and what their values mean.

use jiff::Zoned;

use crate::ast::{Field, Node, Sort, TextField};
use crate::chars::{collapse, has_content, is_blank, is_quote, trim_sentence};
use crate::dates::{self, When};
use crate::numbers;

/// What stands before a colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Text(TextField),
    Path,
    Like,
    In,
    Is,
    Has,
    Size,
    Lines,
    Date(When, &'static str),
    Lex,
    Sem,
    Sort,
    Limit,
}

/// The longest name, in bytes.
pub(crate) const LONGEST_NAME: usize = 10;

/// The field of that name, in any case.
pub(crate) fn name(text: &str) -> Option<Name> {
    let name = match text.to_ascii_lowercase().as_str() {
        "title" | "subject" => Name::Text(TextField::Title),
        "author" | "from" => Name::Text(TextField::Author),
        "lang" => Name::Text(TextField::Lang),
        "tag" => Name::Text(TextField::Tag),
        "topic" => Name::Text(TextField::Topic),
        "entity" => Name::Text(TextField::Entity),
        "type" => Name::Text(TextField::Type),
        "ext" => Name::Text(TextField::Ext),
        "path" => Name::Path,
        "like" => Name::Like,
        "in" => Name::In,
        "is" => Name::Is,
        "has" => Name::Has,
        "size" => Name::Size,
        "lines" => Name::Lines,
        "date" => Name::Date(When::During, "date"),
        "after" => Name::Date(When::After, "after"),
        "newer" | "newer_than" => Name::Date(When::After, "newer"),
        "before" => Name::Date(When::Before, "before"),
        "older" | "older_than" => Name::Date(When::Before, "older"),
        "lex" => Name::Lex,
        "sem" => Name::Sem,
        "sort" => Name::Sort,
        "limit" => Name::Limit,
        _ => return None,
    };
    Some(name)
}

pub(crate) fn name_of(field: TextField) -> &'static str {
    match field {
        TextField::Title => "title",
        TextField::Author => "author",
        TextField::Lang => "lang",
        TextField::Tag => "tag",
        TextField::Topic => "topic",
        TextField::Entity => "entity",
        TextField::Type => "type",
        TextField::Ext => "ext",
    }
}

/// The filter that a value makes; `None` when the field cannot read it.
///
/// Outside quotation marks `:` in a path stands for `/`, and punctuation that ends a sentence is no part of other values.
pub(crate) fn read(name: Name, raw: &str, quoted: bool, now: &Zoned) -> Option<Node> {
    let whole = collapse(raw);
    let trimmed = if quoted { whole.as_str() } else { trim_sentence(&whole) };
    let node = match name {
        Name::Text(field) => Node::Field(Field::Text { name: field, value: text(field, trimmed)? }),
        Name::Path => Node::Field(Field::Path(path(&whole, quoted)?)),
        Name::Like => Node::Like(path(&whole, quoted)?),
        Name::In => Node::Field(Field::In(lower(trimmed)?)),
        Name::Is => Node::Field(Field::Is(lower(trimmed)?)),
        Name::Has => Node::Field(Field::Has(lower(trimmed)?)),
        Name::Size => {
            let (from, to) = lenient(&whole.replace(' ', ""), |value| numbers::bounds(value, numbers::size))?;
            Node::Field(Field::Size { from, to })
        }
        Name::Lines => {
            let (from, to) = lenient(&whole, |value| numbers::bounds(value, numbers::count))?;
            Node::Field(Field::Lines { from, to })
        }
        Name::Date(when, name) => Node::Field(date(when, name, &whole, now)?),
        Name::Sem => Node::Sem(meaning(&whole)?),
        Name::Lex | Name::Sort | Name::Limit => return None,
    };
    Some(node)
}

/// The order that `sort:` names.
pub(crate) fn sort(text: &str) -> Option<Sort> {
    match text.to_ascii_lowercase().as_str() {
        "score" | "best" | "relevance" => Some(Sort::Score),
        "date" | "newest" | "recent" => Some(Sort::Date),
        "path" | "name" => Some(Sort::Path),
        "size" | "largest" => Some(Sort::Size),
        "rerank" => Some(Sort::Rerank),
        _ => None,
    }
}

/// Text for the model: parentheses without a partner are taken out, so that it can be printed.
pub(crate) fn meaning(text: &str) -> Option<String> {
    let text = if balanced(text) { collapse(text) } else { collapse(&text.replace(['(', ')'], " ")) };
    has_content(&text).then_some(text)
}

/// Whether a value must be printed in quotation marks.
pub(crate) fn needs_quotes(value: &str) -> bool {
    let breaks = |c: char| is_blank(c) || is_quote(c) || matches!(c, '(' | ')');
    value.is_empty() || value.contains(breaks) || trim_sentence(value).len() < value.len()
}

/// Whether a path must be printed in quotation marks.
pub(crate) fn path_needs_quotes(value: &str) -> bool {
    let breaks = |c: char| is_blank(c) || is_quote(c) || matches!(c, '(' | ')');
    value.is_empty() || value.contains(breaks) || unescaped(value) != value
}

fn text(field: TextField, value: &str) -> Option<String> {
    let decoration: &[char] = match field {
        TextField::Ext | TextField::Type => &['.', ' '],
        TextField::Tag => &['#', ' '],
        _ => &[],
    };
    lower(value.trim_start_matches(decoration))
}

fn lower(value: &str) -> Option<String> {
    has_content(value).then(|| value.to_lowercase())
}

fn path(value: &str, quoted: bool) -> Option<String> {
    let value = if quoted { value.to_owned() } else { unescaped(value) };
    (has_content(&value) || value.contains(['*', '?', '/', '.', '~'])).then_some(value)
}

/// The ways to write `/` inside one path component.
fn unescaped(value: &str) -> String {
    value.replace("%2F", "/").replace("%2f", "/").replace([':', '\u{2215}'], "/")
}

/// A range may end in dots, so the value is tried as it stands first.
fn lenient<T>(value: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
    read(value).or_else(|| read(trim_sentence(value)))
}

fn date(when: When, name: &str, value: &str, now: &Zoned) -> Option<Field> {
    lenient(&value.to_lowercase(), |value| {
        let (from, to) = dates::bounds(when, value, now)?;
        Some(Field::Date { from, to, text: format!("{name}:{value}") })
    })
}

fn balanced(text: &str) -> bool {
    let mut depth = 0_usize;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return false,
            ')' => depth -= 1,
            _ => {}
        }
    }
    depth == 0
}
