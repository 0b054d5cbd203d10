//! Text to words: where they are, and under which forms they are indexed.
//!
//! A word is a run of letters and digits, with apostrophes inside; `c++` and `c#` keep their sign. Scripts
//! without blanks (Chinese, Japanese, Korean, Thai ...) give overlapping pairs of characters, and the last
//! character of a run alone, so that every character begins a word. Each word takes one position and is
//! indexed under up to two kinds of forms:
//!
//! * the word itself, lower case and without accents;
//! * `+part` for each stemmed part of a `camelCase` word.
//!
//! Words of one English stem (Snowball) are brought together by the query, which looks them up among the indexed ones: an
//! index that holds the stems as well takes half as much again.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

use frostem::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Words of more bytes are noise (base64, hashes of hashes); they take a position and are not indexed.
pub const MAX_BYTES: usize = 64;
/// Before a part of a `camelCase` word.
pub const PART: char = '+';

/// One word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its bytes.
    pub range: Range<usize>,
    /// How many words stand before it.
    pub position: u32,
}

/// The words of `text`, in order.
pub fn words(text: &str) -> Words<'_> {
    Words { text, at: 0, position: 0 }
}

/// Iterator of [`words`].
#[derive(Clone, Debug)]
pub struct Words<'a> {
    text: &'a str,
    at: usize,
    position: u32,
}

impl Iterator for Words<'_> {
    type Item = Word;

    fn next(&mut self) -> Option<Word> {
        let bytes = self.text.as_bytes();
        while self.at < bytes.len() {
            if bytes[self.at].is_ascii() {
                if bytes[self.at].is_ascii_alphanumeric() {
                    return Some(self.run());
                }
                self.at += 1;
                continue;
            }
            let first = self.text[self.at..].chars().next()?;
            if unspaced(first) {
                return Some(self.pair(first));
            }
            if first.is_alphanumeric() {
                return Some(self.run());
            }
            self.at += first.len_utf8();
        }
        None
    }
}

impl Words<'_> {
    fn take(&mut self, range: Range<usize>, next: usize) -> Word {
        let word = Word { range, position: self.position };
        self.position += 1;
        self.at = next;
        word
    }

    /// Two characters, or the last one of its run.
    fn pair(&mut self, first: char) -> Word {
        let second = self.at + first.len_utf8();
        let more = self.text[second..].chars().next().filter(|c| unspaced(*c));
        self.take(self.at..second + more.map_or(0, char::len_utf8), second)
    }

    /// Letters and digits up to the next separator.
    fn run(&mut self) -> Word {
        let rest = &self.text[self.at..];
        let end = ascii(rest.as_bytes()).unwrap_or_else(|| letters(rest));
        let end = self.at + end + sign(rest, end);
        self.take(self.at..end, end)
    }
}

/// The length of the word that a text begins with, if bytes of ASCII alone say where it ends.
fn ascii(text: &[u8]) -> Option<usize> {
    let letter = |at: usize| text.get(at).is_some_and(u8::is_ascii_alphabetic);
    let ends = |(at, b): (usize, &u8)| !(b.is_ascii_alphanumeric() || *b == b'\'' && letter(at + 1));
    let end = text.iter().enumerate().position(ends).unwrap_or(text.len());
    let after = if text.get(end) == Some(&b'\'') { end + 1 } else { end };
    text.get(after).is_none_or(u8::is_ascii).then_some(end)
}

/// The same, whatever its letters.
fn letters(text: &str) -> usize {
    let mut end = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let inside =
            matches!(c, '\'' | '\u{2019}') && chars.peek().is_some_and(|(_, n)| n.is_alphabetic() && !unspaced(*n));
        let letter = c.is_alphanumeric() && !unspaced(c) || !c.is_ascii() && is_combining_mark(c);
        if !(letter || inside && at > 0) {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}

/// The length of `++` or `#` after a single letter: names of languages.
fn sign(rest: &str, end: usize) -> usize {
    let after = &rest.as_bytes()[end..];
    let ends = |n: usize| after.get(n).is_none_or(|b| !b.is_ascii_alphanumeric() && !b"+#".contains(b));
    match after {
        [b'+', b'+', ..] if end == 1 && ends(2) => 2,
        [b'#', ..] if end == 1 && ends(1) => 1,
        _ => 0,
    }
}

/// Letters of scripts that put no blanks between words.
pub fn unspaced(c: char) -> bool {
    matches!(c as u32,
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3005..=0x3007 | 0x3040..=0x30FF | 0x31F0..=0x31FF
        | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF | 0xFF66..=0xFF9F | 0x20000..=0x3FFFF)
}

/// Lower case, compatibility forms unified, without accents.
pub fn fold(word: &str) -> Cow<'_, str> {
    if word.is_ascii() {
        return match word.bytes().any(|b| b.is_ascii_uppercase()) {
            true => Cow::Owned(word.to_ascii_lowercase()),
            false => Cow::Borrowed(word),
        };
    }
    let mut last = ' ';
    let plain = word.nfkd().filter(|c| {
        // Without it the letter is another one.
        let is_short_i = *c == '\u{306}' && matches!(last, 'и' | 'И');
        last = *c;
        is_short_i || !is_combining_mark(*c) || unspaced(*c)
    });
    let plain = plain.flat_map(char::to_lowercase);
    let mut folded = String::with_capacity(word.len());
    for c in plain {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'đ' => folded.push('d'),
            'ł' => folded.push('l'),
            '\u{2019}' => folded.push('\''),
            c => folded.push(c),
        }
    }
    Cow::Owned(folded.nfc().collect())
}

/// Calls `emit` with every form that the word `raw` is indexed under, the word itself first.
pub fn forms(raw: &str, emit: &mut impl FnMut(&str)) {
    if raw.len() > MAX_BYTES {
        return;
    }
    emit(&fold(raw));
    for part in camel_parts(raw) {
        with_stem(&fold(&raw[part]), |stem| emit(&marked(PART, stem)));
    }
}

/// `form` with its mark before it.
pub fn marked(mark: char, form: &str) -> String {
    let mut marked = String::with_capacity(form.len() + 1);
    marked.push(mark);
    marked.push_str(form);
    marked
}

/// The English stem of a folded word.
pub fn stem(word: &str) -> String {
    with_stem(word, str::to_owned)
}

/// What every word with this stem begins with, but for [`IRREGULAR`] ones: endings turn a last `y` into `i`, drop an `e`,
/// and make `bil` of `bl`.
pub fn root(stem: &str) -> &str {
    let open = |root: &&str| root.len() > 1;
    let root = stem.strip_suffix(['e', 'i', 'y']).filter(open);
    root.or_else(|| stem.strip_suffix('l').filter(|root| root.ends_with('b'))).unwrap_or(stem)
}

/// Words that do not begin with the [`root`] of their stem, after that.
pub const IRREGULAR: [(&str, &str); 4] = [("die", "dying"), ("lie", "lying"), ("tie", "tying"), ("vie", "vying")];

/// What words with this stem begin with in any language: a last letter may be changed.
pub fn open_root(stem: &str) -> &str {
    match stem.char_indices().next_back() {
        Some((last, _)) if stem.chars().count() > 3 => &stem[..last],
        _ => stem,
    }
}

/// Whether a folded word can have a stem that is another string.
pub fn inflects(word: &str) -> bool {
    word.len() > 2 && word.chars().all(|c| c.is_alphabetic() && !unspaced(c) || c == '\'')
}

/// Whether a folded word has this stem.
pub fn has_stem(word: &str, stem: &str) -> bool {
    with_stem(word, |own| own == stem)
}

thread_local! {
    static STEMS: RefCell<HashMap<Box<str>, Box<str>>> = RefCell::new(HashMap::new());
}

/// Stems are looked up before they are computed: a text repeats its words.
fn with_stem<R>(word: &str, f: impl FnOnce(&str) -> R) -> R {
    const KEPT: usize = 20_000;
    if !word.is_ascii() || !inflects(word) {
        return f(word);
    }
    STEMS.with_borrow_mut(|stems| {
        if let Some(stem) = stems.get(word) {
            return f(stem);
        }
        if stems.len() >= KEPT {
            stems.clear();
        }
        let stem: Box<str> = Stemmer::new(Algorithm::English).stem(word).into();
        let result = f(&stem);
        stems.insert(word.into(), stem);
        result
    })
}

/// The parts of `camelCase`, `HTTPServer` and the like; none for other words.
fn camel_parts(word: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let bytes = word.as_bytes();
    let upper = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_uppercase);
    let lower = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_lowercase);
    let starts = move |i: usize| upper(i) && (lower(i - 1) || upper(i - 1) && lower(i + 1));
    let compound = word.is_ascii() && (1..bytes.len()).any(starts);
    let mut start = 0;
    let cuts = (1..=bytes.len()).filter(move |&i| compound && (i == bytes.len() || starts(i)));
    cuts.map(move |end| std::mem::replace(&mut start, end)..end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The words as the general way finds them, character by character.
    fn slowly(text: &str) -> Vec<Word> {
        let (mut found, mut at) = (Vec::new(), 0);
        while let Some(first) = text[at..].chars().next() {
            let rest = &text[at..];
            let pair = || first.len_utf8() + rest.chars().nth(1).filter(|c| unspaced(*c)).map_or(0, char::len_utf8);
            let length = if unspaced(first) {
                pair()
            } else if first.is_alphanumeric() {
                letters(rest) + sign(rest, letters(rest))
            } else {
                0
            };
            if length > 0 {
                found.push(Word { range: at..at + length, position: found.len() as u32 });
            }
            at += if unspaced(first) { first.len_utf8() } else { length.max(first.len_utf8()) };
        }
        found
    }

    /// What a fast way may take for something else, among plain words.
    fn nasty() -> impl Strategy<Value = String> {
        let pieces = [
            "'", "\u{2019}", "''", "+", "++", "#", "_", "-", " ", "\n", "\0", "\u{7f}", "\u{a0}", "\u{200d}",
            "\u{301}", "\u{307}", "\u{e49}", "\u{3099}", "é", "ß", "İ", "ﬁ", "½", "²", "٣", "и", "東", "ー", "カ", "ﾞ",
            "한", "ไ", "😀", "a", "Z", "0", "c", "it's",
        ];
        let piece = prop_oneof![
            6 => prop::sample::select(pieces.to_vec()).prop_map(str::to_owned),
            2 => "[a-zA-Z0-9]{1,3}",
            1 => any::<char>().prop_map(String::from),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn the_fast_way_finds_the_same_words(text in nasty()) {
            prop_assert_eq!(words(&text).collect::<Vec<_>>(), slowly(&text), "{:?}", text);
        }

        #[test]
        fn a_text_of_ascii_is_never_looked_at_slowly(text in "[ -~\n\t]{0,40}|([a-c'+# ]{0,8}\t?){0,4}") {
            for word in words(&text) {
                prop_assert!(ascii(&text.as_bytes()[word.range.start..]).is_some(), "{:?} in {:?}", word, text);
            }
        }
    }

    fn split(text: &str) -> Vec<&str> {
        words(text).map(|w| &text[w.range]).collect()
    }

    fn all_forms(word: &str) -> Vec<String> {
        let mut all = Vec::new();
        forms(word, &mut |form| all.push(form.to_owned()));
        all
    }

    #[test]
    fn words_end_at_separators() {
        assert_eq!(
            split("It's a well-known, 3.14 snake_case!"),
            ["It's", "a", "well", "known", "3", "14", "snake", "case"]
        );
        assert_eq!(split("'quoted' dogs' \u{2019}tis"), ["quoted", "dogs", "tis"]);
        assert_eq!(split("C++ and C# in a+b, #tag"), ["C++", "and", "C#", "in", "a", "b", "tag"]);
        assert_eq!(split(""), [""; 0]);
    }

    #[test]
    fn scripts_without_blanks_give_pairs() {
        assert_eq!(split("東京都x"), ["東京", "京都", "都", "x"]);
        assert_eq!(split("Rust入門"), ["Rust", "入門", "門"]);
    }

    #[test]
    fn forms_hold_word_and_parts() {
        assert_eq!(all_forms("Running"), ["running"]);
        assert_eq!(all_forms("getUserNames"), ["getusernames", "+get", "+user", "+name"]);
        assert_eq!(all_forms("HTTPServer"), ["httpserver", "+http", "+server"]);
        assert_eq!(all_forms(&"x".repeat(65)), [""; 0]);
    }

    #[test]
    fn words_begin_with_the_root_of_their_stem() {
        let of_others = "hopping hoping hopes hope cried cries cry crying happiness happily enjoyed enjoys troubling troubled
            luxuriated capabilities capable responsible responsibilities able abilities ability relational conditional
            dies died die ties tied lies skies sky skis agreed agreeing owed sized sizing digitizer hopefulness formality
            sensitivity electricity electrical adjustable adoption effective generously nationalization rolls roll
            falling visibly visibility possibly possibilities duties duty toys flies flying fly uses used using useful
            news outing inning proceeded succeeds exceeding early only idly gently ugly singly howe atlas cosmos bias
            andes analogy analogies ideology ideologies goodness kindly meetings dog's dogs' children's running";
        for word in of_others.split_whitespace() {
            let stem = stem(word);
            assert!(word.starts_with(root(&stem)), "{word} has the stem {stem}");
        }
        for (stem, word) in IRREGULAR {
            assert!(has_stem(word, stem) && !word.starts_with(root(stem)));
        }
    }

    #[test]
    fn accents_and_case_do_not_count() {
        assert_eq!(fold("Müller"), "muller");
        assert_eq!(fold("STRASSE"), fold("Straße"));
        assert_eq!(fold("caf\u{65}\u{301}"), fold("café"));
        assert_eq!(fold("ﬁle"), "file");
        assert_eq!(fold("한국"), "한국");
        assert_eq!(fold("ガ"), fold("カ\u{3099}"));
        assert_eq!((fold("Новый").as_ref(), fold("ёж").as_ref()), ("новый", "еж"));
    }

    #[test]
    fn positions_count_words() {
        let positions: Vec<u32> = words("one two  three").map(|w| w.position).collect();
        assert_eq!(positions, [0, 1, 2]);
    }
}
