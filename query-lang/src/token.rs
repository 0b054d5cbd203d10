//! What the lexer hands to the parser.

use std::ops::Range;

use crate::ast::Node;
use crate::value::Name;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub kind: Kind,
    /// Bytes of the query's text.
    pub span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A bare word.
    Word(String),
    /// A complete term: phrase, prefix, field.
    Term(Node),
    Open(Group),
    Close,
    Operator(Operator),
    /// NOT.
    Not,
    /// `-` right before a term.
    Minus,
    /// `+` right before a term.
    Plus,
}

/// What parentheses are for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Group {
    Plain,
    /// `lex:( )`.
    Lexical,
    /// `field:( )`: what is inside are values of the field.
    Values(Name),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operator {
    And,
    Or,
}

impl Kind {
    /// Whether a binary operator may follow.
    pub fn ends_term(&self) -> bool {
        matches!(self, Kind::Word(_) | Kind::Term(_) | Kind::Close)
    }
}
