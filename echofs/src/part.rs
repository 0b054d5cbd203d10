//! What a read gets of bytes that are in memory.

/// The bytes at `offset`, at most `size`; none beyond the end.
pub fn part(bytes: &[u8], offset: u64, size: usize) -> &[u8] {
    let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
    &bytes[start..bytes.len().min(start.saturating_add(size))]
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn there_is_nothing_beyond_the_end() {
        for (offset, size, expected) in
            [(0, 2, "ab"), (1, 9, "bc"), (1, usize::MAX, "bc"), (3, 1, ""), (u64::MAX, 1, "")]
        {
            assert_eq!(part(b"abc", offset, size), expected.as_bytes(), "{size} at {offset}");
        }
    }
}
