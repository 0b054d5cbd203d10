//! Text to tokens, in one pass over the characters.
//!
//! Parentheses come out balanced and no deeper than [`MAX_DEPTH`]; `sort:` and `limit:` are taken out
//! on the way, because they say nothing about single documents.

mod fields;

use std::ops::Range;

use jiff::Zoned;

use crate::ast::{Node, Sort};
use crate::chars::{has_content, is_blank, is_quote, is_word_start};
use crate::error::{Diagnostic, DiagnosticKind};
use crate::limits::{MAX_DEPTH, MAX_DIAGNOSTICS, MAX_SLOP};
use crate::token::{Group, Kind, Operator, Token};
use crate::value::Name;

/// What the text consists of.
#[derive(Default)]
pub(crate) struct Lexed {
    pub tokens: Vec<Token>,
    pub diagnostics: Vec<Diagnostic>,
    pub sort: Option<Sort>,
    pub limit: Option<usize>,
}

pub(crate) fn lex(text: &str, now: &Zoned) -> Lexed {
    let lexer = Lexer { text, at: 0, now, groups: Vec::new(), skipped: 0, out: Lexed::default() };
    lexer.run()
}

struct Lexer<'a> {
    text: &'a str,
    /// The next byte to read.
    at: usize,
    now: &'a Zoned,
    /// The parentheses that are open, with the places where they opened.
    groups: Vec<(Group, usize)>,
    /// How many parentheses beyond the depth limit are open.
    skipped: usize,
    out: Lexed,
}

impl Lexer<'_> {
    fn run(mut self) -> Lexed {
        while let Some(c) = self.peek() {
            match c {
                _ if is_blank(c) => self.at += c.len_utf8(),
                '(' => self.open(Group::Plain, self.at),
                ')' => self.close(),
                _ if is_quote(c) => self.quotation(c),
                '-' | '+' if self.is_sign() => self.sign(c),
                '-' | '+' if !self.is_start() => self.at += 1,
                _ => self.term(),
            }
        }
        self.close_all();
        self.out
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn before(&self) -> Option<char> {
        self.text[..self.at].chars().next_back()
    }

    /// Whether a sign here would be the first character of its token.
    fn is_start(&self) -> bool {
        self.before().is_none_or(|c| is_blank(c) || c == '(')
    }

    fn is_sign(&self) -> bool {
        let next = self.rest()[1..].chars().next();
        self.is_start() && next.is_some_and(|c| is_word_start(c) || is_quote(c) || c == '(')
    }

    fn sign(&mut self, c: char) {
        let kind = if c == '-' { Kind::Minus } else { Kind::Plus };
        self.push(kind, self.at..self.at + 1);
        self.at += 1;
    }

    fn push(&mut self, kind: Kind, span: Range<usize>) {
        self.out.tokens.push(Token { kind, span });
    }

    fn report(&mut self, kind: DiagnosticKind, span: Range<usize>, message: impl Into<String>) {
        if self.out.diagnostics.len() < MAX_DIAGNOSTICS {
            self.out.diagnostics.push(Diagnostic { kind, span, message: message.into() });
        }
    }

    /// A term was left out: the sign before it goes with it.
    fn drop_sign(&mut self) {
        if self.out.tokens.last().is_some_and(|token| matches!(token.kind, Kind::Minus | Kind::Plus)) {
            self.out.tokens.pop();
        }
    }

    fn values(&self) -> Option<Name> {
        match self.groups.last() {
            Some((Group::Values(name), _)) => Some(*name),
            _ => None,
        }
    }

    /// Opens the parenthesis at the place read; `start` is where its field began.
    fn open(&mut self, group: Group, start: usize) {
        let span = start..self.at + 1;
        let group = match (group, self.values()) {
            (Group::Plain, Some(name)) => Group::Values(name),
            _ => group,
        };
        if self.groups.len() < MAX_DEPTH {
            self.groups.push((group, self.at));
            self.push(Kind::Open(group), span);
        } else {
            self.skip_open(span);
        }
        self.at += 1;
    }

    fn skip_open(&mut self, span: Range<usize>) {
        if self.skipped == 0 {
            let message = format!("parentheses are nested deeper than {MAX_DEPTH}; the inner ones were ignored");
            self.report(DiagnosticKind::TooDeep, span, message);
        }
        self.skipped += 1;
        self.drop_sign();
    }

    fn close(&mut self) {
        let span = self.at..self.at + 1;
        self.at += 1;
        if self.skipped > 0 {
            self.skipped -= 1;
        } else if self.groups.pop().is_some() {
            self.push(Kind::Close, span);
        } else {
            self.report(DiagnosticKind::UnbalancedParenthesis, span, "this parenthesis closes nothing; it was ignored");
        }
    }

    fn close_all(&mut self) {
        let end = self.text.len();
        while let Some((_, start)) = self.groups.pop() {
            let message = "this parenthesis is never closed; it was read as closed at the end";
            self.report(DiagnosticKind::UnbalancedParenthesis, start..start + 1, message);
            self.push(Kind::Close, end..end);
        }
    }

    /// The text between the quotation mark at `open` and its partner, and the place after that.
    fn quoted(&self, open: usize) -> Option<(Range<usize>, usize)> {
        let mark = self.text[open..].chars().next().filter(|c| is_quote(*c))?;
        let start = open + mark.len_utf8();
        let length = self.text[start..].find(is_quote)?;
        let closing = self.text[start + length..].chars().next()?;
        Some((start..start + length, start + length + closing.len_utf8()))
    }

    fn quotation(&mut self, mark: char) {
        let start = self.at;
        let inside_word = self.before().is_some_and(char::is_alphanumeric);
        let Some((inner, end)) = self.quoted(start).filter(|_| !inside_word) else {
            self.at += mark.len_utf8();
            let message = "this quotation mark has no partner; it was ignored";
            self.report(DiagnosticKind::UnclosedQuote, start..self.at, message);
            self.drop_sign();
            return;
        };
        self.at = end;
        match self.values() {
            Some(name) => self.value(name, start, inner, true),
            None => self.phrase(start, inner),
        }
    }

    fn phrase(&mut self, start: usize, inner: Range<usize>) {
        let slop = self.slop();
        if self.text[inner.clone()].split(is_blank).any(|word| prefix(word).is_some()) {
            let message = "`*` means nothing between quotation marks; it was left out";
            self.report(DiagnosticKind::Wildcard, inner.clone(), message);
        }
        match phrase(&self.text[inner], slop) {
            Some(node) => self.push(Kind::Term(node), start..self.at),
            None => self.left_out(start..self.at),
        }
    }

    fn left_out(&mut self, span: Range<usize>) {
        self.report(DiagnosticKind::Empty, span, "there is nothing to search for here; it was left out");
        self.drop_sign();
    }

    /// Reads `~3` after a phrase.
    fn slop(&mut self) -> u32 {
        let Some(tail) = self.rest().strip_prefix('~') else { return 0 };
        let digits = tail.bytes().take_while(u8::is_ascii_digit).count();
        let ended = !tail[digits..].starts_with(is_word_start);
        if digits == 0 || !ended {
            return 0;
        }
        let slop = tail[..digits].parse().unwrap_or(u32::MAX);
        let span = self.at..self.at + 1 + digits;
        self.at = span.end;
        if slop > MAX_SLOP {
            self.report(DiagnosticKind::OutOfRange, span, format!("the distance was read as {MAX_SLOP}"));
        }
        slop.min(MAX_SLOP)
    }

    fn term(&mut self) {
        match (self.values(), self.field_name()) {
            (Some(name), _) => self.bare_value(name, self.at),
            (None, Some((name, colon))) => self.field(name, colon + 1),
            (None, None) => self.bare_word(),
        }
    }

    fn bare_word(&mut self) {
        let start = self.at;
        let breaks = |c: char| is_blank(c) || is_quote(c) || matches!(c, '(' | ')');
        let length = self.rest().find(breaks).unwrap_or(self.rest().len());
        self.at += length;
        let span = start..self.at;
        let text = &self.text[span.clone()];
        if let Some(kind) = operator(text) {
            return self.push(kind, span);
        }
        if !has_content(text) {
            return;
        }
        self.remark(text.to_owned(), span.clone());
        match prefix(&self.text[span.clone()]) {
            Some(node) => self.push(Kind::Term(node), span),
            None => self.push(Kind::Word(self.text[span.clone()].to_owned()), span),
        }
    }

    /// Says what a word looks like that it is not.
    fn remark(&mut self, text: String, span: Range<usize>) {
        if let Some(name) = unknown_field(&text, &self.text[span.end..]) {
            let message = format!("there is no field `{name}:`; it was read as a word");
            self.report(DiagnosticKind::UnknownField, span.clone(), message);
        }
        let emphasis = text.starts_with('*') && text.ends_with('*');
        if prefix(&text).is_none() && text.contains('*') && !emphasis {
            let message = format!("`*` means something only at the end of a word; `{text}` was read as a word");
            self.report(DiagnosticKind::Wildcard, span, message);
        }
    }
}

fn operator(text: &str) -> Option<Kind> {
    match text {
        "AND" => Some(Kind::Operator(Operator::And)),
        "OR" => Some(Kind::Operator(Operator::Or)),
        "NOT" => Some(Kind::Not),
        _ => None,
    }
}

fn phrase(text: &str, slop: u32) -> Option<Node> {
    let words = text.split(is_blank).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    has_content(text).then_some(Node::Phrase { words, slop })
}

fn prefix(text: &str) -> Option<Node> {
    let stem = text.strip_suffix('*')?;
    (has_content(stem) && !stem.contains('*')).then(|| Node::Prefix(stem.to_owned()))
}

/// The name before a colon with a value right after it, where it looks like a field. Addresses,
/// times and paths of code do not.
fn unknown_field<'a>(word: &'a str, after: &str) -> Option<&'a str> {
    let (name, value) = word.split_once(':')?;
    let is_name = name.len() > 1 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let begins = |text: &str| text.starts_with(|c: char| c.is_alphanumeric() || is_quote(c) || c == '(');
    (is_name && begins(if value.is_empty() { after } else { value })).then_some(name)
}
