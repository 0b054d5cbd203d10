//! The syntax tree of a query.
//!
//! Bare words rank and require nothing; everything else filters (and ranks where it has words).
//!
//! Trees that [`parse`](crate::parse) makes are in canonical form, and only those print to text that parses back to them:
//! - [`Node::Words`] is the root or the first child of the [`Node::And`] at the root, and is nowhere else;
//! - no [`Node::And`] is a child of an And, no Or of an Or, no Not of a Not, no Lex of a Lex;
//! - a word has no white space, parenthesis or quotation mark, and does not read as an operator or a field.

/// A parsed query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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
    /// Best first, the best of them as a model has it that reads the query with each.
    Rerank,
}

impl Sort {
    /// Whether the best come first.
    pub fn is_best_first(self) -> bool {
        matches!(self, Sort::Score | Sort::Rerank)
    }
}

/// A part of a query.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// Bare words: they rank, by words and by meaning, and require nothing.
    Words(Vec<String>),
    /// One required word: as an operand of an operator, after `+`, or inside `lex:( )`.
    Word(String),
    /// `"a b"`, `"a b"~3`: the words in order, or within `slop` words of each other.
    Phrase {
        /// As typed, one or more.
        words: Vec<String>,
        /// How far apart they may be; 0 is next to each other and in order.
        slop: u32,
    },
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// `title: author: lang: tag: topic: entity: type: ext: from:` match text; lower case, as typed otherwise.
    Text {
        /// Which field.
        name: TextField,
        /// In lower case.
        value: String,
    },
    /// `path:`: a glob when it has `*` or `?`, else a part of the path between separators.
    Path(String),
    /// `in:`.
    In(String),
    /// `is:`.
    Is(String),
    /// `has:`.
    Has(String),
    /// `size:`, bytes, both ends inclusive.
    Size {
        /// Least number of bytes.
        from: Option<u64>,
        /// Largest number of bytes.
        to: Option<u64>,
    },
    /// `lines:`, both ends inclusive.
    Lines {
        /// Least number of lines.
        from: Option<u64>,
        /// Largest number of lines.
        to: Option<u64>,
    },
    /// `date: after: before: newer: older:`, seconds since 1970, `from` inclusive, `to` exclusive.
    Date {
        /// First second.
        from: Option<i64>,
        /// First second after it.
        to: Option<i64>,
        /// The field and its value, which is how it is printed: a date in words stays in words.
        text: String,
    },
}

/// Fields that are compared as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
