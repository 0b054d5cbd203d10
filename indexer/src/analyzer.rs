//! The word forms of [`crate::words`] as a tantivy tokenizer.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use crate::words::{Words, forms, words};

/// Its name in the schema.
pub const NAME: &str = "echofs-words";

/// Gives every form of every word at the word's position.
#[derive(Clone, Debug, Default)]
pub struct Analyzer {
    token: Token,
    pending: Vec<String>,
}

/// The forms of one text.
pub struct Forms<'a> {
    text: &'a str,
    words: Words<'a>,
    analyzer: &'a mut Analyzer,
    /// Forms of the present word that are still to come, last first.
    left: usize,
}

impl Tokenizer for Analyzer {
    type TokenStream<'a> = Forms<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Forms<'a> {
        self.token.reset();
        Forms { text, words: words(text), analyzer: self, left: 0 }
    }
}

impl Forms<'_> {
    fn load(&mut self) -> bool {
        let Some(word) = self.words.next() else { return false };
        let Analyzer { token, pending } = &mut *self.analyzer;
        let mut count = 0;
        forms(&self.text[word.range.clone()], &mut |form| {
            match pending.get_mut(count) {
                Some(slot) => {
                    slot.clear();
                    slot.push_str(form);
                }
                None => pending.push(form.to_owned()),
            }
            count += 1;
        });
        self.left = count;
        (token.offset_from, token.offset_to) = (word.range.start, word.range.end);
        token.position = word.position as usize;
        true
    }
}

impl TokenStream for Forms<'_> {
    fn advance(&mut self) -> bool {
        while self.left == 0 {
            if !self.load() {
                return false;
            }
        }
        self.left -= 1;
        let Analyzer { token, pending } = &mut *self.analyzer;
        std::mem::swap(&mut token.text, &mut pending[self.left]);
        true
    }

    fn token(&self) -> &Token {
        &self.analyzer.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.analyzer.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_has_its_words_position() {
        let mut analyzer = Analyzer::default();
        let mut stream = analyzer.token_stream("Running fooBar x");
        let mut tokens = Vec::new();
        while stream.advance() {
            tokens.push((stream.token().position, stream.token().text.clone()));
        }
        tokens.sort();
        let expected = [(0, "running"), (1, "+bar"), (1, "+foo"), (1, "foobar"), (2, "x")];
        assert_eq!(tokens, expected.map(|(p, t)| (p, t.to_owned())));
    }
}
