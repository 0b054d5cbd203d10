//! Nodes in canonical form: what the tree's module promises holds for whatever these make.

use crate::ast::Node;

/// Terms side by side: bare words come together in front, nested conjunctions dissolve.
pub(crate) fn sequence(terms: impl IntoIterator<Item = Node>) -> Option<Node> {
    let mut words = Vec::new();
    let mut filters = Vec::new();
    for term in terms {
        match term {
            Node::Words(more) => words.extend(more),
            Node::And(children) => {
                for child in children {
                    match child {
                        Node::Words(more) => words.extend(more),
                        other => filters.push(other),
                    }
                }
            }
            other => filters.push(other),
        }
    }
    if !words.is_empty() {
        filters.insert(0, Node::Words(words));
    }
    single_or(filters, Node::And)
}

/// All of the terms are required.
pub(crate) fn all(terms: impl IntoIterator<Item = Node>) -> Option<Node> {
    sequence(terms.into_iter().map(required))
}

/// Any of the terms is required.
pub(crate) fn any(terms: impl IntoIterator<Item = Node>) -> Option<Node> {
    let mut children = Vec::new();
    for term in terms {
        match required(term) {
            Node::Or(more) => children.extend(more),
            other => children.push(other),
        }
    }
    single_or(children, Node::Or)
}

/// None of what the node matches; `None` when it only ranks and so matches everything.
pub(crate) fn not(node: Node) -> Option<Node> {
    match required(node) {
        Node::Not(inner) => Some(*inner),
        Node::Sem(_) | Node::Like(_) => None,
        other => Some(Node::Not(Box::new(other))),
    }
}

/// By words only.
pub(crate) fn lexical(node: Node) -> Node {
    match required(node) {
        Node::Lex(inner) => Node::Lex(inner),
        other => Node::Lex(Box::new(other)),
    }
}

/// The node as an operand: its bare words become required ones.
pub(crate) fn required(node: Node) -> Node {
    match node {
        Node::Words(words) => and_of(words.into_iter().map(Node::Word).collect()),
        Node::And(children) => and_of(children.into_iter().flat_map(required_parts).collect()),
        other => other,
    }
}

fn required_parts(node: Node) -> Vec<Node> {
    match node {
        Node::Words(words) => words.into_iter().map(Node::Word).collect(),
        other => vec![other],
    }
}

fn and_of(mut children: Vec<Node>) -> Node {
    match children.len() {
        1 => children.remove(0),
        _ => Node::And(children),
    }
}

fn single_or(mut children: Vec<Node>, many: fn(Vec<Node>) -> Node) -> Option<Node> {
    match children.len() {
        0 => None,
        1 => children.pop(),
        _ => Some(many(children)),
    }
}
