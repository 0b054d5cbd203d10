//! How large a query may be.

/// Longest text, in bytes; what is beyond it is not read.
pub const MAX_LENGTH: usize = 8_192;

/// Deepest nesting of parentheses; deeper ones are ignored.
pub const MAX_DEPTH: usize = 32;

/// Largest distance of `"a b"~distance`.
pub const MAX_SLOP: u32 = 1_000;

/// Largest number of hits of `limit:`.
pub const MAX_LIMIT: usize = 10_000;

/// So many mistakes of a query are reported.
pub const MAX_DIAGNOSTICS: usize = 64;
