//! The canonical text of a query, which parses back to the same tree.

use std::fmt::{self, Display, Formatter};

use crate::ast::{Field, Node, Query, Sort};
use crate::chars::{is_blank, is_word_start};
use crate::numbers;
use crate::value::{name_of, needs_quotes, path_needs_quotes};

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.root.as_ref().map(Node::to_string));
        parts.extend(sort(self.sort).map(|name| format!("sort:{name}")));
        parts.extend(self.limit.map(|limit| format!("limit:{limit}")));
        f.write_str(&parts.join(" "))
    }
}

/// As the whole of a query.
impl Display for Node {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Node::Words(words) => f.write_str(&words.join(" ")),
            Node::Word(word) => signed(f, '+', word),
            Node::And(children) => join(f, children, " ", term),
            Node::Or(children) => join(f, children, " OR ", operand),
            _ => term(self, f),
        }
    }
}

/// As one of several terms side by side, where a bare word would only rank.
fn term(node: &Node, f: &mut Formatter<'_>) -> fmt::Result {
    match node {
        Node::Words(words) => f.write_str(&words.join(" ")),
        Node::Word(word) => signed(f, '+', word),
        _ => operand(node, f),
    }
}

/// As what an operator takes, where a bare word is required.
fn operand(node: &Node, f: &mut Formatter<'_>) -> fmt::Result {
    match node {
        Node::Words(words) => write!(f, "({})", words.join(" ")),
        Node::Word(word) => f.write_str(word),
        Node::Phrase { words, slop: 0 } => write!(f, "\"{}\"", words.join(" ")),
        Node::Phrase { words, slop } => write!(f, "\"{}\"~{slop}", words.join(" ")),
        Node::Prefix(stem) => write!(f, "{stem}*"),
        Node::Field(field) => field.fmt(f),
        Node::And(_) | Node::Or(_) => in_parentheses(node, f),
        Node::Not(inner) => negated(inner, f),
        Node::Lex(inner) => {
            f.write_str("lex:")?;
            in_parentheses(inner, f)
        }
        Node::Sem(text) => write!(f, "sem:({text})"),
        Node::Like(path) => valued(f, "like", path, path_needs_quotes(path)),
    }
}

fn in_parentheses(node: &Node, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str("(")?;
    match node {
        // With a field among them a word could be taken for a part of its value.
        Node::And(children) if children.iter().all(|child| matches!(child, Node::Word(_))) => {
            join(f, children, " ", operand)?;
        }
        Node::Word(word) => f.write_str(word)?,
        _ => write!(f, "{node}")?,
    }
    f.write_str(")")
}

fn negated(inner: &Node, f: &mut Formatter<'_>) -> fmt::Result {
    match inner {
        Node::Word(word) => signed(f, '-', word),
        Node::Prefix(stem) => signed(f, '-', &format!("{stem}*")),
        _ => {
            f.write_str("-")?;
            operand(inner, f)
        }
    }
}

/// A sign is one only before a letter, a digit or a parenthesis.
fn signed(f: &mut Formatter<'_>, sign: char, word: &str) -> fmt::Result {
    if word.starts_with(is_word_start) { write!(f, "{sign}{word}") } else { write!(f, "{sign}({word})") }
}

type Print = fn(&Node, &mut Formatter<'_>) -> fmt::Result;

fn join(f: &mut Formatter<'_>, nodes: &[Node], separator: &str, print: Print) -> fmt::Result {
    for (n, node) in nodes.iter().enumerate() {
        if n > 0 {
            f.write_str(separator)?;
        }
        print(node, f)?;
    }
    Ok(())
}

impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Field::Text { name, value } => valued(f, name_of(*name), value, needs_quotes(value)),
            Field::Path(path) => valued(f, "path", path, path_needs_quotes(path)),
            Field::In(value) => valued(f, "in", value, needs_quotes(value)),
            Field::Is(value) => valued(f, "is", value, needs_quotes(value)),
            Field::Has(value) => valued(f, "has", value, needs_quotes(value)),
            Field::Size { from, to } => write!(f, "size:{}", numbers::print((*from, *to), numbers::print_size)),
            Field::Lines { from, to } => write!(f, "lines:{}", numbers::print((*from, *to), |n| n.to_string())),
            Field::Date { text, .. } => match text.split_once(':') {
                Some((name, value)) => valued(f, name, value, value.contains(is_blank)),
                None => f.write_str(text),
            },
        }
    }
}

fn valued(f: &mut Formatter<'_>, name: &str, value: &str, quoted: bool) -> fmt::Result {
    if quoted { write!(f, "{name}:\"{value}\"") } else { write!(f, "{name}:{value}") }
}

fn sort(sort: Sort) -> Option<&'static str> {
    match sort {
        Sort::Score => None,
        Sort::Date => Some("date"),
        Sort::Path => Some("path"),
        Sort::Size => Some("size"),
        Sort::Rerank => Some("rerank"),
    }
}
