//! Tests of the whole program on a real mount; one binary, a module per subject.

mod common;
mod mounting;
mod program;
