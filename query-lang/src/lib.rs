//! The query language: one grammar for the tree, the command line and live queries.

mod ast;

pub use ast::{DEFAULT_LIMIT, Field, Node, Query, Sort, TextField};
