//! The language from outside: what texts mean, what is said about mistakes, and that what is printed means the same.

mod diagnostics;
mod grammar;
mod linear;
mod narrowing;
mod round_trip;

use echofs_query_lang::{Parsed, parse};
use jiff::Zoned;

/// A Sunday afternoon in Berlin.
fn now() -> Zoned {
    "2026-11-22T15:04:05+01:00[Europe/Berlin]".parse().expect("a time")
}

fn read(text: &str) -> Parsed {
    parse(text, &now())
}
