//! Tests of the whole program on a real mount; one binary, a module per subject.

mod asking;
mod common;
mod engines;
mod interrupt;
mod looking;
mod mounting;
mod notes;
mod program;
mod promises;
mod searching;
