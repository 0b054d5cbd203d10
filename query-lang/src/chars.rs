//! Classes of characters, and what counts as a word.

/// White space and control characters separate.
pub(crate) fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

/// Straight and typographic double quotation marks, which phones put in unasked.
pub(crate) fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\u{201C}'..='\u{201F}')
}

/// What `-` and `+` may stand before, beside quotation marks and parentheses.
pub(crate) fn is_word_start(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether there is anything in the text that can be searched for: dashes and dots alone are not.
pub(crate) fn has_content(text: &str) -> bool {
    let empty = |c: char| {
        is_blank(c) || c.is_ascii_punctuation() || matches!(c, '\u{2010}'..='\u{2027}' | '«' | '»' | '¿' | '¡' | '·')
    };
    !text.chars().all(empty)
}

/// The words of a text with single blanks between them.
pub(crate) fn collapse(text: &str) -> String {
    let words: Vec<&str> = text.split(is_blank).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// Without the punctuation that ends a sentence.
pub(crate) fn trim_sentence(text: &str) -> &str {
    text.trim_end_matches(['?', '!', '.', ',', ';'])
}
