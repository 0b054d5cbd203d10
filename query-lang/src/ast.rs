//! The syntax tree of a query.
//!
//! Bare words rank and require nothing; everything else filters (and ranks where it has words).

/// A parsed query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// What is asked; `None` for the empty query, which matches every document.
    pub root: Option<Node>,
    /// `sort:`; best first when it is not given.
    pub sort: Sort,
    /// `limit:`, documents; [`DEFAULT_LIMIT`] when it is not given.
    pub limit: Option<usize>,
}

/// Number of hits when `limit:` is not given.
pub const DEFAULT_LIMIT: usize = 50;

/// Order of the hits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Best first.
    #[default]
    Score,
    /// Newest first.
    Date,
    /// By path.
    Path,
    /// Largest first.
    Size,
}

/// A part of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Bare words: they rank, by words and by meaning, and require nothing.
    Words(Vec<String>),
    /// One required word: as an operand of an operator, after `+`, or inside `lex:( )`.
    Word(String),
    /// `"a b"`, `"a b"~3`: the words in order, or within `slop` words of each other.
    Phrase { words: Vec<String>, slop: u32 },
    /// `word*`.
    Prefix(String),
    /// `field:value`.
    Field(Field),
    /// All of them, two or more.
    And(Vec<Node>),
    /// Any of them, two or more.
    Or(Vec<Node>),
    /// None of what it holds.
    Not(Box<Node>),
    /// `lex:( )`: by words only; its words are required.
    Lex(Box<Node>),
    /// `sem:( )`: by meaning only; ranks, requires nothing.
    Sem(String),
    /// `like:"path"`: like that document; ranks, requires nothing.
    Like(String),
}

/// A filter on a field. Several values in parentheses become [`Node::Or`] or [`Node::And`] of fields.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// `title: author: lang: tag: topic: entity: type: ext: from:` match text; lower case, as typed otherwise.
    Text { name: TextField, value: String },
    /// `path:`: a glob when it has `*` or `?`, else a part of the path between separators.
    Path(String),
    /// `in:`.
    In(String),
    /// `is:`.
    Is(String),
    /// `has:`.
    Has(String),
    /// `size:`, bytes, both ends inclusive.
    Size { from: Option<u64>, to: Option<u64> },
    /// `lines:`, both ends inclusive.
    Lines { from: Option<u64>, to: Option<u64> },
    /// `date: after: before: newer: older:`, seconds since 1970, `from` inclusive, `to` exclusive; `text` is the value as typed.
    Date { from: Option<i64>, to: Option<i64>, text: String },
}

/// Fields that are compared as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextField {
    /// `title:` words of the title.
    Title,
    /// `author:` or `from:` part of the author.
    Author,
    /// `lang:` language, code or English name.
    Lang,
    /// `tag:` the whole tag.
    Tag,
    /// `topic:` the name of a topic.
    Topic,
    /// `entity:` an entity of a fact.
    Entity,
    /// `type:` media kind (`pdf`, `markdown`, `mail`, `code`, `table` ...) or extension.
    Type,
    /// `ext:` the file name's extension.
    Ext,
}
