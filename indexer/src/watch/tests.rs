//! Tests on the real file system, with real programs where they are installed.
//!
//! Each keeps the books a consumer would keep, from the changes alone, and compares them with the disk.

mod bench;
mod editors;
mod latency;
mod limits;
mod roots;
mod rules;
mod trees;
