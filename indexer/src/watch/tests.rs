//! Tests on the real file system, with real programs.
