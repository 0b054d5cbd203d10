//! How many tokens a text has, from the vocabulary in a model's file: without llama.cpp, and without a process.
//!
//! Byte-pair encoding as in Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units" (2016). Two
//! things are left out on purpose, and both only make the count higher: the exact rules by which a model cuts text before
//! it merges (here every cut that any of them makes is made), and tokens that are formed over such a cut.

use std::collections::HashMap;
use std::path::Path;

use crate::gguf::{self, Head};

/// Longest run of letters that is merged as one, in characters; it is cut there.
const LONGEST: usize = 48;

/// The tokens of a model by their bytes, each with its rank: what has a lower one is merged first.
#[derive(Debug)]
pub struct Vocabulary {
    ranks: HashMap<Box<[u8]>, u32>,
}

impl Vocabulary {
    /// Reads the vocabulary of a model's file.
    ///
    /// # Errors
    /// Why there is none, or why it is of a kind that is not known here.
    pub fn read(path: &Path) -> Result<Vocabulary, String> {
        let head = Head::read(path)?;
        let bytes_of = match head.text("tokenizer.ggml.model") {
            Some("gpt2") => byte_level,
            Some("llama") => piece,
            other => return Err(format!("{}: the tokenizer {other:?} is not known here", path.display())),
        };
        let tokens = gguf::texts(path, "tokenizer.ggml.tokens")?;
        let ranks = tokens.iter().zip(0..).map(|(token, rank)| (bytes_of(token).into_boxed_slice(), rank));
        Ok(Vocabulary { ranks: ranks.collect() })
    }

    /// The number of tokens of `text`; rather one too many than one too few.
    pub fn count(&self, text: &str) -> usize {
        pieces(text).map(|piece| self.count_piece(piece.as_bytes())).sum()
    }

    fn count_piece(&self, piece: &[u8]) -> usize {
        if self.ranks.contains_key(piece) {
            return 1;
        }
        let mut ends: Vec<usize> = (0..=piece.len()).collect();
        while let Some(at) = self.next_merge(piece, &ends) {
            ends.remove(at + 1);
        }
        ends.len() - 1
    }

    /// Which part is merged with the one behind it.
    fn next_merge(&self, piece: &[u8], ends: &[usize]) -> Option<usize> {
        let rank = |at: usize| Some((*self.ranks.get(&piece[ends[at]..ends[at + 2]])?, at));
        (0..ends.len().saturating_sub(2)).filter_map(rank).min().map(|(_, at)| at)
    }
}

/// The number of tokens of `text` where no vocabulary is at hand: more than the usual ones make of it.
pub fn estimate(text: &str) -> usize {
    pieces(text).map(|piece| estimate_piece(piece.trim_start())).sum()
}

/// Two tokens for five letters, one for each capital inside a word and each byte of anything else.
fn estimate_piece(piece: &str) -> usize {
    let letters = piece.chars().filter(char::is_ascii_alphabetic).count();
    let capitals = piece.chars().skip(1).filter(char::is_ascii_uppercase).count();
    ((letters * 2).div_ceil(5) + capitals + (piece.len() - letters)).max(1)
}

/// What kind of character this is, for cutting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Number,
    Blank,
    LineEnd,
    Sign,
}

fn class(c: char) -> Class {
    match c {
        '\n' | '\r' => Class::LineEnd,
        _ if c.is_whitespace() => Class::Blank,
        _ if c.is_alphabetic() => Class::Letter,
        _ if c.is_numeric() => Class::Number,
        _ => Class::Sign,
    }
}

/// Words and runs of signs, each with the blank before it; single digits and line ends; runs of blanks.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, behind) = rest.split_at(piece_end(rest));
        rest = behind;
        (!piece.is_empty()).then_some(piece)
    })
}

fn piece_end(text: &str) -> usize {
    let mut chars = text.char_indices().peekable();
    let Some((_, first)) = chars.next() else { return 0 };
    let follows = chars.peek().map(|(_, c)| class(*c));
    let body = match (first, follows) {
        (' ', Some(kind @ (Class::Letter | Class::Sign))) => kind,
        _ => class(first),
    };
    if matches!(body, Class::Number | Class::LineEnd) {
        return first.len_utf8();
    }
    let is_end = |at: usize, c: char| class(c) != body || text[..at].chars().nth(LONGEST).is_some();
    let end = chars.find(|(at, c)| is_end(*at, *c)).map_or(text.len(), |(at, _)| at);
    // The last of several blanks belongs to the word behind them.
    let last_blank = body == Class::Blank && end > 1 && text[..end].ends_with(' ') && end < text.len();
    if last_blank { end - 1 } else { end }
}

/// The bytes of a token of GPT-2 and its like, which write each byte as a character that can be printed.
fn byte_level(token: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(token);
    let mut out = Vec::with_capacity(token.len());
    for c in text.chars() {
        match u32::from(c) {
            code @ (0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff) => out.push(code as u8),
            // The other bytes follow each other from U+0100 on: 0x00 to 0x20, 0x7f to 0xa0, 0xad.
            code @ 0x100..=0x120 => out.push((code - 0x100) as u8),
            code @ 0x121..=0x142 => out.push((code - 0x121 + 0x7f) as u8),
            0x143 => out.push(0xad),
            _ => out.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    out
}

/// The bytes of a token of SentencePiece, which writes a blank as U+2581 and a byte that is no character as `<0x0A>`.
fn piece(token: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(token);
    let byte = text.strip_prefix("<0x").and_then(|hex| u8::from_str_radix(hex.strip_suffix('>')?, 16).ok());
    byte.map_or_else(|| text.replace('\u{2581}', " ").into_bytes(), |byte| vec![byte])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary(words: &[&str]) -> Vocabulary {
        let bytes = (0..=255_u8).map(|byte| vec![byte]);
        let tokens = bytes.chain(words.iter().map(|word| word.as_bytes().to_vec()));
        Vocabulary { ranks: tokens.zip(0..).map(|(token, rank)| (token.into_boxed_slice(), rank)).collect() }
    }

    #[test]
    fn text_is_cut_before_it_is_merged() {
        let check = |text: &str, want: &[&str]| assert_eq!(pieces(text).collect::<Vec<_>>(), want, "{text:?}");
        check("the  key, 42!", &["the", " ", " key", ",", " ", "4", "2", "!"]);
        check("a\n\n  b", &["a", "\n", "\n", " ", " b"]);
        check("don't (x)", &["don", "'", "t", " (", "x", ")"]);
        check("", &[]);
        assert!(pieces(&"x".repeat(500)).all(|piece| piece.len() <= LONGEST + 1));
    }

    #[test]
    fn what_has_the_lowest_rank_is_merged_first() {
        let words = vocabulary(&["he", "th", "the", " the"]);
        assert_eq!(words.count("the"), 1);
        assert_eq!(words.count("then the"), 3);
        // "he" comes before "th", so "thx" and "hex" are two each and "theh" is "the" and "h".
        assert_eq!((words.count("thx"), words.count("hex"), words.count("theh")), (2, 2, 2));
        assert_eq!(words.count("\u{e9}"), 2);
    }

    #[test]
    fn tokens_of_both_kinds_are_read() {
        assert_eq!(byte_level("\u{120}the\u{10a}".as_bytes()), b" the\n");
        assert_eq!(byte_level("\u{c3}\u{a9}".as_bytes()), "\u{e9}".as_bytes());
        assert_eq!((piece("\u{2581}the".as_bytes()), piece(b"<0x0A>")), (b" the".to_vec(), vec![b'\n']));
    }

    #[test]
    fn an_estimate_is_high() {
        assert_eq!(estimate("the key"), 4);
        assert!(estimate("internationalisation 2026-11-25") > 17);
    }
}
