//! Words of a text: tokens with their places, stems, numbers, names, and what is safe to print.

use std::ops::Range;
use std::sync::LazyLock;

use frostem::{Algorithm, Stemmer};

use super::irregular;

static STEMMER: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::new(Algorithm::English));

/// One word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Bytes of the word in the text.
    pub at: Range<usize>,
    /// Lower case.
    pub lower: String,
    /// What two forms of one word share; numbers without separators, number words as digits.
    pub stem: String,
    /// Whether it starts with a capital letter.
    pub capital: bool,
    /// Whether it holds a digit or is a number word.
    pub number: bool,
}

impl Token {
    fn new(text: &str, at: Range<usize>) -> Token {
        let word = &text[at.clone()];
        let lower = word.to_lowercase();
        let digits = word.chars().any(|c| c.is_ascii_digit());
        let stem = if digits { plain_number(&lower) } else { stem(&lower) };
        let number = digits || number_word(&lower).is_some();
        Token { capital: word.chars().next().is_some_and(char::is_uppercase), at, lower, stem, number }
    }

    /// Whether it is a function word that says nothing about the subject.
    pub fn is_stop(&self) -> bool {
        is_stop(&self.lower)
    }
}

/// The words of `text` in order. A word is a run of letters and digits with the points and commas inside
/// numbers; a possessive `'s` is left out; a character of a script without spaces is a word of its own.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut start = None;
    for (i, c) in text.char_indices() {
        let inside = c.is_alphanumeric() || start.is_some() && joins(text, i, c);
        if unspaced(c) {
            push(text, &mut out, start.take(), i);
            out.push(Token::new(text, i..i + c.len_utf8()));
        } else if inside {
            start.get_or_insert(i);
        } else {
            push(text, &mut out, start.take(), i);
        }
    }
    push(text, &mut out, start, text.len());
    out
}

fn push(text: &str, out: &mut Vec<Token>, start: Option<usize>, end: usize) {
    let Some(start) = start else { return };
    let lone_s = &text[start..end] == "s" && text[..start].ends_with(['\'', '’']);
    if !lone_s {
        out.push(Token::new(text, start..end));
    }
}

/// A combining mark, or a point or comma between two digits.
fn joins(text: &str, i: usize, c: char) -> bool {
    let between = |s: &str| s.chars().next().is_some_and(|c| c.is_ascii_digit());
    let digits = text[..i].ends_with(|c: char| c.is_ascii_digit()) && between(&text[i + c.len_utf8()..]);
    matches!(c, '.' | ',') && digits || matches!(c, '\u{300}'..='\u{36f}')
}

fn unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

fn stem(lower: &str) -> String {
    match number_word(lower) {
        Some(digits) => digits.to_owned(),
        None => STEMMER.stem(irregular::base(lower)).to_string(),
    }
}

/// `1,500` and `1500` are one number; a final ordinal ending stays (`10th`).
fn plain_number(lower: &str) -> String {
    lower.replace(',', "")
}

fn number_word(lower: &str) -> Option<&'static str> {
    const WORDS: [(&str, &str); 26] = [
        ("zero", "0"),
        ("two", "2"),
        ("three", "3"),
        ("four", "4"),
        ("five", "5"),
        ("six", "6"),
        ("seven", "7"),
        ("eight", "8"),
        ("nine", "9"),
        ("ten", "10"),
        ("eleven", "11"),
        ("twelve", "12"),
        ("thirteen", "13"),
        ("fifteen", "15"),
        ("sixteen", "16"),
        ("twenty", "20"),
        ("thirty", "30"),
        ("forty", "40"),
        ("fifty", "50"),
        ("sixty", "60"),
        ("hundred", "100"),
        ("thousand", "1000"),
        ("third", "3rd"),
        ("fourth", "4th"),
        ("fifth", "5th"),
        ("tenth", "10th"),
    ];
    WORDS.iter().find(|(word, _)| *word == lower).map(|(_, digits)| *digits)
}

/// How far two stems are the same word: 1 when equal, 0.6 when one is a longer form of the other, else 0.
pub fn likeness(a: &str, b: &str) -> f32 {
    if a == b {
        return 1.0;
    }
    let shared = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let longest = a.len().max(b.len());
    let digits = a.bytes().chain(b.bytes()).any(|c| c.is_ascii_digit());
    if !digits && shared >= 5 && longest - shared <= 4 { 0.6 } else { 0.0 }
}

/// Whether `first` stands right before one of `seconds` somewhere.
pub fn has_pair(words: &[Token], first: &str, seconds: &[&str]) -> bool {
    words.windows(2).any(|two| two[0].lower == first && seconds.contains(&two[1].lower.as_str()))
}

/// Function words of English, and those that only say that it is about the present: they carry no subject.
pub fn is_stop(lower: &str) -> bool {
    STOP.binary_search(&lower).is_ok()
}

/// Sorted for binary search.
#[rustfmt::skip]
const STOP: [&str; 166] = [
    "a", "about", "above", "after", "again", "against", "all", "already", "also", "although", "am", "an", "and",
    "any", "are", "around", "as", "at", "be", "because", "been", "before", "being", "between", "both", "but", "by",
    "can", "could", "currently", "d", "did", "do", "does", "doing", "done", "down", "during", "each", "either",
    "else", "ever", "few", "for", "from", "further", "get", "give", "given", "got", "had", "has", "have", "having",
    "he", "her", "here", "hers", "him", "his", "how", "i", "if", "in", "into", "is", "it", "its", "itself", "just",
    "ll", "m", "many", "may", "me", "might", "mine", "more", "most", "much", "must", "my", "name", "named",
    "neither", "no", "nor", "not", "now", "nowadays", "of", "off", "on", "once", "one", "only", "onto", "or",
    "other", "our", "ours", "out", "over", "own", "per", "re", "really", "s", "same", "shall", "she", "should",
    "since", "so", "some", "still", "such", "t", "than", "that", "the", "their", "theirs", "them", "then", "there",
    "these", "they", "this", "those", "through", "thus", "to", "too", "toward", "towards", "under", "until", "up",
    "upon", "us", "ve", "very", "via", "was", "we", "were", "what", "when", "where", "whether", "which", "while",
    "who", "whom", "whose", "why", "will", "with", "within", "without", "would", "yet", "you", "your", "yours",
];

/// Whether a terminal or a reader could be misled by it: controls but tab and line feed, and the marks that
/// change the direction of text.
pub fn unsafe_to_print(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// `text` without what [`unsafe_to_print`] names.
pub fn printable(text: &str) -> String {
    text.chars().filter(|&c| !unsafe_to_print(c)).collect()
}

/// `text` on one line, printable, white space folded.
pub fn one_line(text: &str) -> String {
    let folded: Vec<&str> = text.split_whitespace().collect();
    printable(&folded.join(" "))
}

/// The line feeds in a text: how many lines further its end stands than its beginning.
pub fn line_feeds(text: &str) -> u32 {
    u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{STOP, likeness, one_line, printable, tokens};

    #[test]
    fn words() {
        let words = |text: &str| tokens(text).into_iter().map(|t| t.lower).collect::<Vec<_>>();
        assert_eq!(words("Anna\u{2019}s 1,500.5 na\u{ef}ve e-mails."), ["anna", "1,500.5", "na\u{ef}ve", "e", "mails"]);
        assert_eq!(words("\u{6771}\u{4eac}\u{3067}"), ["\u{6771}", "\u{4eac}", "\u{3067}"]);
        assert!(words("?! \u{1b}").is_empty());
    }

    #[test]
    fn forms_of_a_word_share_a_stem() {
        let stem = |word: &str| tokens(word).remove(0).stem;
        for (a, b) in
            [("chose", "choose"), ("meetings", "meeting"), ("1,500", "1500"), ("seven", "7"), ("wrote", "writes")]
        {
            assert_eq!(stem(a), stem(b), "{a} {b}");
        }
        assert!(
            likeness("norman", "normandi") > 0.5 && likeness("1932", "1939") == 0.0 && likeness("anna", "anton") == 0.0
        );
    }

    #[test]
    fn nothing_that_moves_a_terminal_is_printed() {
        assert_eq!(printable("a\u{1b}[2Jb\u{7}\u{9b}c\u{202e}\td"), "a[2Jbc\td");
        assert_eq!(one_line(" a\n b\r\n\tc "), "a b c");
        assert!(STOP.is_sorted());
    }
}
