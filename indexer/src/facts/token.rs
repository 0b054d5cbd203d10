//! From text to sentences of tokens that know where they stand.

use std::ops::Range;

/// Shortened words whose full stop ends no sentence.
const SHORT: &[&str] = &[
    "mr", "mrs", "ms", "dr", "prof", "st", "gen", "gov", "sen", "rep", "capt", "col", "lt", "sgt", "rev", "hon", "jr",
    "sr", "inc", "ltd", "co", "corp", "bros", "dept", "univ", "no", "vs", "etc", "approx", "c", "ca", "fig", "vol",
    "ed", "eds", "e.g", "i.e", "cf", "al", "a.m", "p.m", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep",
    "sept", "oct", "nov", "dec", "mt", "ave", "blvd", "rd", "est", "b", "d",
];
/// Of these, the ones that do end a sentence when a word follows that likes to begin one.
const LAST: &[&str] = &["inc", "ltd", "co", "corp", "bros", "jr", "sr", "etc", "al", "a.m", "p.m", "dept", "univ"];
/// Words that like to begin a sentence.
const FIRST: &[&str] = &[
    "the", "a", "an", "he", "she", "it", "they", "we", "i", "you", "his", "her", "its", "their", "our", "my", "this",
    "that", "these", "those", "in", "on", "at", "after", "before", "when", "while", "since", "but", "and", "however",
    "there", "as", "for", "from", "to", "if",
];

/// A word, a number or a sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// As written.
    pub text: &'a str,
    /// In lower case, with a plain apostrophe.
    pub lower: String,
    /// Its bytes in the text.
    pub span: Range<usize>,
}

impl Token<'_> {
    /// Whether it begins with a capital letter.
    pub fn is_capital(&self) -> bool {
        self.text.chars().next().is_some_and(char::is_uppercase)
    }

    /// Whether it is a word or a number, not a sign.
    pub fn is_word(&self) -> bool {
        self.text.chars().next().is_some_and(char::is_alphanumeric)
    }

    /// Whether it holds digits and no letters.
    pub fn is_number(&self) -> bool {
        self.text.chars().any(|c| c.is_ascii_digit()) && !self.text.chars().any(char::is_alphabetic)
    }

    /// Whether it is a year.
    pub fn is_year(&self) -> bool {
        self.text.len() == 4 && self.text.parse::<u16>().is_ok_and(|year| (1000..2200).contains(&year))
    }
}

/// The tokens of `text[range]`, without Markdown's marks of emphasis, code and links.
pub fn tokens(text: &str, range: Range<usize>) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = range.start;
    while let Some(c) = text[at..range.end].chars().next() {
        let rest = &text[at..range.end];
        let length = match c {
            c if c.is_whitespace() || matches!(c, '*' | '_' | '#') => {
                at += c.len_utf8();
                continue;
            }
            '`' => {
                let marks = rest.len() - rest.trim_start_matches('`').len();
                // Two of them, alone, are an old way to write a quotation mark.
                if marks != 2 {
                    at += marks;
                    continue;
                }
                marks
            }
            ']' if rest.starts_with("](") => {
                at += rest.find(')').map_or(2, |end| end + 1);
                continue;
            }
            '[' => {
                at += 1;
                continue;
            }
            c if c.is_alphanumeric() => word(rest),
            '\'' | '’' => clitic(rest),
            _ => c.len_utf8(),
        };
        push(text, at..at + length, &mut tokens);
        at += length;
    }
    tokens
}

/// Adds a token; a word with a clitic at its end becomes two.
fn push<'a>(text: &'a str, span: Range<usize>, tokens: &mut Vec<Token<'a>>) {
    let word = &text[span.clone()];
    let token = |span: Range<usize>| {
        let text = &text[span.clone()];
        Token { text, lower: text.to_lowercase().replace('’', "'"), span }
    };
    let lower = word.to_lowercase().replace('’', "'");
    let ends = ["n't", "'s", "'re", "'ve", "'ll", "'d", "'m"];
    let end = ends.iter().find(|end| lower.ends_with(*end) && lower.len() > end.len());
    let cut = end.and_then(|end| word.char_indices().rev().nth(end.len() - 1)).map(|(cut, _)| span.start + cut);
    match cut {
        Some(cut) if lower != "can't" => tokens.extend([token(span.start..cut), token(cut..span.end)]),
        _ => tokens.push(token(span)),
    }
}

/// Length of the word or number that `rest` begins with.
fn word(rest: &str) -> usize {
    let mut end = 0;
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, c)| *c);
        let joins = match c {
            c if c.is_alphanumeric() => true,
            '-' | '\'' | '’' | '_' | '@' | '&' | '/' | '+' => next.is_some_and(char::is_alphanumeric),
            ',' => next.is_some_and(|c| c.is_ascii_digit()) && rest[..at].ends_with(|c: char| c.is_ascii_digit()),
            '.' => next.is_some_and(char::is_alphanumeric),
            ':' => next.is_some_and(|c| c.is_ascii_digit() || c == '/') && !rest[..at].contains(' '),
            '%' => rest[..at].ends_with(|c: char| c.is_ascii_digit()),
            _ => false,
        };
        if !joins {
            break;
        }
        end = at + c.len_utf8();
    }
    if rest[end..].starts_with('.') && keeps_stop(&rest[..end]) { end + 1 } else { end }
}

/// Whether the full stop behind a word belongs to it: an initial, a row of initials, a shortened word.
fn keeps_stop(word: &str) -> bool {
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    let initial = letters == 1 && word.len() <= 2 && word.starts_with(char::is_uppercase) && word != "I";
    let row =
        word.contains('.') && word.split('.').all(|part| part.len() == 1 && part.starts_with(char::is_alphabetic));
    initial || row || SHORT.contains(&word.to_lowercase().as_str())
}

fn clitic(rest: &str) -> usize {
    let mark = rest.chars().next().map_or(1, char::len_utf8);
    let after = &rest[mark..];
    if after.starts_with('\'') {
        return mark + 1;
    }
    let letters = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
    if ["s", "re", "ve", "ll", "d", "m"].contains(&&after[..letters]) { mark + letters } else { mark }
}

/// Where the sentences end: ranges of `tokens`.
pub fn sentences(tokens: &[Token]) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut start = 0;
    for at in 0..tokens.len() {
        if at + 1 == tokens.len() || is_end(tokens, at) {
            sentences.push(start..at + 1);
            start = at + 1;
        }
    }
    sentences
}

fn is_end(tokens: &[Token], at: usize) -> bool {
    let (token, next) = (&tokens[at], &tokens[at + 1]);
    if token.span.end == next.span.start {
        return false;
    }
    let begins = next.is_capital() || !next.is_word() || next.is_number();
    if matches!(token.text, "." | "!" | "?") || token.text == ".)" {
        return begins && !matches!(next.text, "," | ";" | "." | ")" | "\"" | "''" | "”" | "-");
    }
    if matches!(token.text, "\"" | "''" | "”" | ")") {
        let stop = at.checked_sub(1).is_some_and(|before| matches!(tokens[before].text, "." | "!" | "?"));
        return stop && next.is_capital();
    }
    if token.lower == "no." {
        return !next.is_number();
    }
    let short = token.lower.strip_suffix('.').is_some_and(|word| LAST.contains(&word) || word.contains('.'));
    short && next.is_capital() && FIRST.contains(&next.lower.as_str())
}

/// What stands from the first to the last of these tokens, without the marks that were left out between them.
pub fn join(text: &str, tokens: &[Token]) -> String {
    let mut out = String::new();
    let mut end = None;
    for token in tokens {
        let gap = end.is_some_and(|end: usize| text[end..token.span.start].contains(char::is_whitespace));
        if gap {
            out.push(' ');
        }
        out.push_str(token.text);
        end = Some(token.span.end);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: &[&str]) {
        let tokens = tokens(text, 0..text.len());
        assert_eq!(tokens.iter().map(|t| t.text).collect::<Vec<_>>(), want, "{text}");
    }

    #[test]
    fn words_numbers_and_signs() {
        check("It's 4.25, isn't it?", &["It", "'s", "4.25", ",", "is", "n't", "it", "?"]);
        check("The **U.S.** [site](http://x.org/a) `run`", &["The", "U.S.", "site", "run"]);
        check("Oda’s well-kept mill (1,200 kg)", &["Oda", "’s", "well-kept", "mill", "(", "1,200", "kg", ")"]);
        check("ask me@x.org at 10:30", &["ask", "me@x.org", "at", "10:30"]);
        check("`` quoted '' here", &["``", "quoted", "''", "here"]);
    }

    #[test]
    fn sentences_end_where_they_do() {
        let check = |text: &str, want: &[&str]| {
            let tokens = tokens(text, 0..text.len());
            let got: Vec<String> = sentences(&tokens).into_iter().map(|s| join(text, &tokens[s])).collect();
            assert_eq!(got, want);
        };
        check("One is here. Two is there.", &["One is here.", "Two is there."]);
        check("Mr. J. Smith of Acme Inc. came. He sat.", &["Mr. J. Smith of Acme Inc. came.", "He sat."]);
        check("He joined Acme Inc. The rest left.", &["He joined Acme Inc.", "The rest left."]);
        check("It cost 3.5 kg. 7 were left!", &["It cost 3.5 kg.", "7 were left!"]);
    }
}
