//! The `echofs` program.
fn main() {}
