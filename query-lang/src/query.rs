//! What others ask of a query.

use crate::ast::{Field, Node, Query};
use crate::build;

impl Query {
    /// Asks for documents like the one at `path`.
    pub fn like(path: &str) -> Query {
        Query { root: Some(Node::Like(path.to_owned())), ..Query::default() }
    }

    /// The words that may rank, in order: bare ones, required ones, those of phrases, the stems of prefixes and what
    /// is in `lex:( )`. Excluded words are not among them, nor are the values of fields.
    pub fn words(&self) -> Vec<&str> {
        let mut words = Vec::new();
        if let Some(root) = &self.root {
            collect_words(root, &mut words);
        }
        words
    }

    /// The text whose meaning is asked for: bare words, required words, phrases and the text of `sem:( )`.
    /// `None` when only words count (`lex:`), or only fields.
    pub fn semantic_text(&self) -> Option<String> {
        let mut parts = Vec::new();
        if let Some(root) = &self.root {
            collect_meaning(root, &mut parts);
        }
        (!parts.is_empty()).then(|| parts.join(" "))
    }

    /// Whether it is bare words alone, which require nothing.
    pub fn is_plain(&self) -> bool {
        matches!(self.root, Some(Node::Words(_)))
    }

    /// Whether there are bare words in it, which rank and require nothing.
    pub fn has_bare_words(&self) -> bool {
        let bare = |node: &Node| matches!(node, Node::Words(_));
        match &self.root {
            Some(Node::And(children)) => children.iter().any(bare),
            root => root.as_ref().is_some_and(bare),
        }
    }

    /// The filters on fields, wherever they stand.
    pub fn fields(&self) -> Vec<&Field> {
        let mut fields = Vec::new();
        if let Some(root) = &self.root {
            collect_fields(root, &mut fields);
        }
        fields
    }

    /// Whether there is a date in it: what `7d` and `today` mean changes with the clock.
    pub fn has_dates(&self) -> bool {
        self.fields().iter().any(|field| matches!(field, Field::Date { .. }))
    }

    /// Whether it asks for nothing and so matches every document.
    pub fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// Narrows: the words of this query still rank, and everything in `other` is required, its bare words too.
    /// A document that matches the result matches this query. `sort:` and `limit:` of `other` win where it has them.
    pub fn and(self, other: Query) -> Query {
        let terms = self.root.into_iter().chain(other.root.map(build::required));
        let sort = if other.sort == crate::Sort::default() { self.sort } else { other.sort };
        Query { root: build::sequence(terms), sort, limit: other.limit.or(self.limit) }
    }
}

fn collect_fields<'a>(node: &'a Node, fields: &mut Vec<&'a Field>) {
    match node {
        Node::Field(field) => fields.push(field),
        Node::And(children) | Node::Or(children) => children.iter().for_each(|child| collect_fields(child, fields)),
        Node::Not(inner) | Node::Lex(inner) => collect_fields(inner, fields),
        Node::Words(_) | Node::Word(_) | Node::Phrase { .. } | Node::Prefix(_) | Node::Sem(_) | Node::Like(_) => {}
    }
}

fn collect_words<'a>(node: &'a Node, words: &mut Vec<&'a str>) {
    match node {
        Node::Words(many) | Node::Phrase { words: many, .. } => words.extend(many.iter().map(String::as_str)),
        Node::Word(word) | Node::Prefix(word) => words.push(word),
        Node::And(children) | Node::Or(children) => children.iter().for_each(|child| collect_words(child, words)),
        Node::Lex(inner) => collect_words(inner, words),
        Node::Field(_) | Node::Not(_) | Node::Sem(_) | Node::Like(_) => {}
    }
}

fn collect_meaning<'a>(node: &'a Node, parts: &mut Vec<&'a str>) {
    match node {
        Node::Words(many) | Node::Phrase { words: many, .. } => parts.extend(many.iter().map(String::as_str)),
        Node::Word(text) | Node::Sem(text) => parts.push(text),
        Node::And(children) | Node::Or(children) => children.iter().for_each(|child| collect_meaning(child, parts)),
        Node::Prefix(_) | Node::Field(_) | Node::Not(_) | Node::Lex(_) | Node::Like(_) => {}
    }
}
