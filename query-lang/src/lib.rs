//! The query language: one grammar for the tree, the command line and live queries.
//!
//! **Bare words rank; operators, fields and quotes filter.** [`parse`] never fails: a mistake is read as plain
//! words and comes back as a [`Diagnostic`] with its place. What [`Query`] prints is the query as it was read,
//! and parses back to the same tree.
//!
//! # Grammar
//!
//! ```text
//! query       = sequence
//! sequence    = disjunction*                           side by side; binds least
//! disjunction = conjunction ( "OR" conjunction )*
//! conjunction = unary ( "AND" unary )*
//! unary       = ( "NOT" | "-" | "+" )* primary          binds most
//! primary     = word | word "*" | phrase | field | "(" sequence ")"
//! phrase      = '"' text '"' [ "~" distance ]
//! field       = name ":" ( value | '"' text '"' | "(" sequence ")" )
//!             | "lex:" ( word | phrase | "(" sequence ")" )
//!             | "sem:" ( word | '"' text '"' | "(" text ")" )
//! ```
//!
//! # Words and operators
//!
//! An operator takes the one term on either side of it; parentheses make several words one term. So
//! `wifi password ext:md OR ext:txt` ranks by two words and filters by two extensions.
//!
//! | text | reading |
//! |---|---|
//! | `rust async` | both rank, neither is required |
//! | `rust type:md async` | the same two words, and a filter |
//! | `foo (bar) baz` | three bare words: parentheses around bare words do nothing |
//! | `+a b` | `a` is required, `b` ranks |
//! | `a AND b c` | `a` and `b` are required, `c` ranks |
//! | `a b OR c` | `a` ranks, `b` or `c` is required |
//! | `(a b) OR c` | both `a` and `b`, or `c` |
//! | `-x`, `NOT x`, `-(a b)` | without `x`; without both together |
//! | `"a b"`, `"a b"~3` | in this order; within three words of each other |
//! | `word*` | words that begin so |
//! | `lex:(a b)`, `lex:(a OR b)` | by words only; side by side all are required |
//! | `sem:(how to rest)` | by meaning only; the content is text, nothing in it is an operator |
//!
//! `AND`, `OR` and `NOT` are operators in capitals only. `-` and `+` are signs only at the start of a token and
//! right before a letter, digit, quotation mark or parenthesis: `wi-fi`, `C++`, `--verbose` and a dash between blanks
//! are none. A quotation mark right after a letter or digit is none either (`5" pipe`). Typographic double quotation
//! marks are as good as straight ones. Tokens of punctuation alone say nothing and are left out.
//!
//! # Fields
//!
//! A field is a known name, a colon, and a value right after it: in `http://x`, `10:30`, `title: x` and `foo:bar` there is none.
//! Several values stand in parentheses, side by side all of them hold: `tag:(home OR garden)`, `title:(a -b)`.
//!
//! | field | value |
//! |---|---|
//! | `title:` (`subject:`), `author:` (`from:`), `lang:`, `tag:`, `topic:`, `entity:`, `type:`, `ext:` | text, in any case; in `title:`, `tag:` and `ext:` it may end in `*` |
//! | `in:`, `is:`, `has:` | a name |
//! | `path:`, `like:` | a path or glob, `~/` is home; `/` may be `%2F`, `:` or U+2215, except in quotation marks, where text stands for itself |
//! | `size:` | bytes, with `k`, `m`, `g`, `t` (binary): `10k`, `>10k`, `>=1.5m`, `<1g`, `1k..2m`, `..50`; `>10 MB` |
//! | `lines:` | the same without units |
//! | `date:` | a date, a comparison (`>2026`) or a range (`2026-01..2026-03-15`, `2026..`) |
//! | `after:`, `newer:` (`newer_than:`) | from the first moment of the date on |
//! | `before:`, `older:` (`older_than:`) | before the first moment of the date |
//! | `sort:` | `score`, `date`, `path`, `size`, `rerank` |
//! | `limit:` | documents, at most [`MAX_LIMIT`] |
//!
//! # Dates
//!
//! A vague date is its whole span: `date:2026-03` is all of March, and `after:2026-03` and `before:2026-03` part
//! at its first moment, as in Gmail and notmuch (`date:>2026-03` is what comes after March). Ranges hold both ends.
//!
//! `2026`, `2026-03`, `2026-03-15`, `2026/03/15`, `15.03.2026`, `20260315`, `2026-03-15T10:30`, `2026-w12`, `2026-q1`;
//! `today`, `yesterday`, `monday`, `march`, `march 2026`, `5 march`, `march 5, 2026`, `q1 2026`; `last week`, `this-month`, `last monday`,
//! `3 days ago`, `a week ago`; `7d`, `2w`, `3m` (months), `1y`, `36h`, `90min`, which reach back from now.
//! Words after a date belong to it when they make sense together, so `date:last week` and `date:last week..today` need no
//! quotation marks. A day or month without a year is the latest one that has begun: `29 february` may be years back.
//! Printed dates stay as typed, so that a kept query goes on meaning `7d` from the day it is asked.
//!
//! # Limits
//!
//! [`MAX_LENGTH`] bytes and [`MAX_DEPTH`] parentheses within each other, each with a diagnostic of its own. A
//! canonical text can be longer than what was typed, at most five times; so whatever fits a file name round-trips.

mod ast;
mod build;
mod chars;
mod dates;
mod error;
mod lexer;
mod limits;
mod numbers;
mod parser;
pub mod path;
mod print;
mod query;
mod tidy;
mod token;
mod value;

pub use ast::{DEFAULT_LIMIT, Field, Node, Query, Sort, TextField};
pub use dates::MONTHS;
pub use error::{Diagnostic, DiagnosticKind};
pub use limits::{MAX_DEPTH, MAX_DIAGNOSTICS, MAX_LENGTH, MAX_LIMIT, MAX_SLOP};
pub use parser::{Parsed, parse};
