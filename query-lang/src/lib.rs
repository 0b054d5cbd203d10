//! The query language: one grammar for the tree, the command line and live queries.

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
pub use error::{Diagnostic, DiagnosticKind};
pub use limits::{MAX_DEPTH, MAX_DIAGNOSTICS, MAX_LENGTH, MAX_LIMIT, MAX_SLOP};
pub use parser::{Parsed, parse};
