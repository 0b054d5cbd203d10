//! What was wrong with a query, where, and how it was read instead.

use std::fmt;
use std::ops::Range;

/// One mistake in a query. It never stops the parser: the message says how the text was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of mistake it is.
    pub kind: DiagnosticKind,
    /// Where it is, in bytes of the query's text.
    pub span: Range<usize>,
    /// One sentence for a person.
    pub message: String,
}

/// The kinds of mistakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DiagnosticKind {
    /// The text is longer than [`MAX_LENGTH`](crate::MAX_LENGTH).
    TooLong,
    /// Parentheses are nested deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    TooDeep,
    /// A quotation mark without its partner, or one inside a word.
    UnclosedQuote,
    /// A parenthesis without its partner.
    UnbalancedParenthesis,
    /// Parentheses or quotation marks with nothing to search for between them.
    Empty,
    /// AND, OR or NOT without the terms it needs.
    LoneOperator,
    /// An operator right after an operator.
    RepeatedOperator,
    /// `name:value` where no field has that name.
    UnknownField,
    /// A field with nothing right after its colon.
    MissingValue,
    /// A value that its field cannot read.
    InvalidValue,
    /// `*` somewhere else than at the end of a word.
    Wildcard,
    /// Something that only ranks was excluded.
    NothingToExclude,
    /// `sort:` or `limit:` given more than once.
    Repeated,
    /// A number beyond what is allowed.
    OutOfRange,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
