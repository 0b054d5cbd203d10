//! Fields: where a value ends, and what becomes of one that its field cannot read.

use std::ops::Range;

use super::{Lexer, operator, phrase, prefix};
use crate::ast::{Node, Sort};
use crate::chars::{has_content, is_blank, is_quote, is_word_start, trim_sentence};
use crate::error::DiagnosticKind;
use crate::limits::MAX_LIMIT;
use crate::token::{Group, Kind};
use crate::value::{self, LONGEST_NAME, Name};

/// How many words after a date may belong to it: `date:5 march 2026`, `date:3 days ago..2 days ago`.
const DATE_WORDS: usize = 4;
/// What may stand behind the number of a size and a blank.
const UNITS: [&str; 8] = ["kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib"];

impl Lexer<'_> {
    /// The field whose name begins here, and the place of its colon.
    pub(super) fn field_name(&self) -> Option<(Name, usize)> {
        let letters = |b: &u8| b.is_ascii_alphabetic() || *b == b'_';
        let length = self.rest().bytes().take(LONGEST_NAME + 1).take_while(letters).count();
        let colon = self.rest()[length..].starts_with(':');
        let name = value::name(&self.rest()[..length]).filter(|_| colon)?;
        Some((name, self.at + length))
    }

    pub(super) fn field(&mut self, name: Name, start: usize) {
        let begin = self.at;
        match self.text[start..].chars().next() {
            Some('(') if name == Name::Sem => self.meaning(start),
            Some('(') if name == Name::Lex => self.group(Group::Lexical, start),
            Some('(') if !matches!(name, Name::Sort | Name::Limit) => self.group(Group::Values(name), start),
            Some(c) if is_quote(c) => self.quoted_value(name, start),
            Some(c) if !is_blank(c) && !matches!(c, '(' | ')') => self.bare_value(name, start),
            _ => {
                let name = &self.text[begin..start];
                let message = format!("`{name}` has no value right after it; it was read as a word");
                self.push(Kind::Word(name.to_owned()), begin..start);
                self.report(DiagnosticKind::MissingValue, begin..start, message);
                self.at = start;
            }
        }
    }

    fn group(&mut self, group: Group, parenthesis: usize) {
        let start = self.at;
        self.at = parenthesis;
        self.open(group, start);
    }

    /// `sem:( )`, whose content is text and not query, up to the parenthesis that closes it.
    fn meaning(&mut self, parenthesis: usize) {
        let start = self.at;
        let inner = parenthesis + 1;
        let end = match closing(&self.text[inner..]) {
            Some(length) => inner + length,
            None => {
                let message = "this parenthesis is never closed; it was read as closed at the end";
                self.report(DiagnosticKind::UnbalancedParenthesis, parenthesis..inner, message);
                self.text.len()
            }
        };
        self.at = self.text.len().min(end + 1);
        match value::meaning(&self.text[inner..end]) {
            Some(text) => self.push(Kind::Term(Node::Sem(text)), start..self.at),
            None => self.left_out(start..self.at),
        }
    }

    fn quoted_value(&mut self, name: Name, quote: usize) {
        let start = self.at;
        match self.quoted(quote) {
            Some((inner, end)) if name == Name::Lex => {
                self.at = end;
                let slop = self.slop();
                match phrase(&self.text[inner], slop) {
                    Some(node) => self.push(Kind::Term(Node::Lex(Box::new(node))), start..self.at),
                    None => self.left_out(start..self.at),
                }
            }
            Some((inner, end)) => {
                if self.accept(name, inner.clone(), true, start..end) {
                    self.at = end;
                } else {
                    self.refuse(name, inner, start..quote);
                }
            }
            None => {
                self.push(Kind::Word(self.text[start..quote].to_owned()), start..quote);
                self.at = quote;
            }
        }
    }

    /// A value without quotation marks. The longest reading that makes sense is taken: a date with the
    /// words after it, then the value with the parentheses in it, then what is before them.
    pub(super) fn bare_value(&mut self, name: Name, start: usize) {
        let begin = self.at;
        let (full, cut) = self.value_ends(start);
        if self.values().is_some() {
            self.at = full;
            return self.value(name, begin, start..full, false);
        }
        let joined = match name {
            Name::Date(..) => self.date_ends(full),
            Name::Size => self.unit_end(full).into_iter().collect(),
            _ => Vec::new(),
        };
        for end in joined.into_iter().rev().chain([full, cut]) {
            if self.accept(name, start..end, false, begin..end) {
                self.at = end;
                return;
            }
        }
        self.refuse(name, start..cut, begin..cut);
    }

    /// Where a value ends that has no quotation marks: with one pair of parentheses in it (`copy(1).md`), and before that.
    /// Only one, so that however often the value is refused, no character is looked at more than a few times.
    fn value_ends(&self, start: usize) -> (usize, usize) {
        let breaks = |c: char| is_blank(c) || is_quote(c) || matches!(c, '(' | ')');
        let stop = |from: usize| self.text[from..].find(breaks).map_or(self.text.len(), |length| from + length);
        let at = |place: usize, bracket| self.text[place..].starts_with(bracket);
        let cut = stop(start);
        if !at(cut, '(') {
            return (cut, cut);
        }
        let inner = stop(cut + 1);
        if !at(inner, ')') {
            return (cut, cut);
        }
        let full = stop(inner + 1);
        if at(full, '(') { (cut, cut) } else { (full, cut) }
    }

    /// Where the words end that follow a date and may belong to it. What follows a range with an open end does not.
    fn date_ends(&self, value: usize) -> Vec<usize> {
        let mut ends = Vec::new();
        let mut at = value;
        while ends.len() < DATE_WORDS && !self.text[..at].ends_with("..") {
            let Some((_, end)) = self.word_after(at).filter(|(word, _)| may_be_of_date(word)) else { break };
            ends.push(end);
            at = end;
        }
        ends
    }

    /// Where the unit ends that follows the number of a size: `10 MB`.
    fn unit_end(&self, value: usize) -> Option<usize> {
        let (word, end) = self.word_after(value)?;
        let is_unit = UNITS.iter().any(|unit| unit.eq_ignore_ascii_case(trim_sentence(word)));
        (is_unit && self.text[..value].ends_with(|c: char| c.is_ascii_digit())).then_some(end)
    }

    /// The word after the blanks at a place, and where it ends.
    fn word_after(&self, at: usize) -> Option<(&str, usize)> {
        let start = at + self.text[at..].bytes().take_while(|b| *b == b' ').count();
        if start == at {
            return None;
        }
        let length = self.text[start..].bytes().take_while(|b| !b.is_ascii_whitespace() && *b != b')').count();
        (length > 0).then(|| (&self.text[start..start + length], start + length))
    }

    /// Takes the value if the field can read it.
    fn accept(&mut self, name: Name, raw: Range<usize>, quoted: bool, span: Range<usize>) -> bool {
        let text = &self.text[raw];
        match name {
            Name::Sort => value::sort(text).is_some_and(|sort| self.sort(sort, span)),
            Name::Limit => limit(text).is_some_and(|limit| self.limit(limit, span)),
            Name::Lex => match word(text) {
                Some(node) => {
                    self.push(Kind::Term(Node::Lex(Box::new(node))), span);
                    true
                }
                None => false,
            },
            _ => match value::read(name, text, quoted, self.now) {
                Some(node) => {
                    self.push(Kind::Term(node), span);
                    true
                }
                None => false,
            },
        }
    }

    /// A value that the field cannot read: `date:soon` is the word `date=soon`, which can never be taken for a field.
    /// What is between quotation marks is read next, as a phrase.
    fn refuse(&mut self, name: Name, raw: Range<usize>, span: Range<usize>) {
        let message = format!("`{}` is no {}; it was read as words", &self.text[raw], expected(name));
        self.at = span.end;
        let text = &self.text[span.clone()];
        let text = if text.ends_with(':') { text.to_owned() } else { text.replacen(':', "=", 1) };
        self.push(prefix(&text).map_or(Kind::Word(text), Kind::Term), span.clone());
        self.report(DiagnosticKind::InvalidValue, span, message);
    }

    /// One value of several in parentheses.
    pub(super) fn value(&mut self, name: Name, start: usize, raw: Range<usize>, quoted: bool) {
        let span = start..self.at;
        let text = &self.text[raw];
        if let Some(kind) = operator(text).filter(|_| !quoted) {
            return self.push(kind, span);
        }
        match value::read(name, text, quoted, self.now) {
            Some(node) => self.push(Kind::Term(node), span),
            None => {
                let message = format!("`{text}` is no {}; it was left out", expected(name));
                self.report(DiagnosticKind::InvalidValue, span, message);
                self.drop_sign();
            }
        }
    }

    fn sort(&mut self, sort: Sort, span: Range<usize>) -> bool {
        if self.out.sort.replace(sort).is_some() {
            self.report(DiagnosticKind::Repeated, span, "`sort:` is given more than once; the last one counts");
        }
        self.drop_sign();
        true
    }

    fn limit(&mut self, limit: usize, span: Range<usize>) -> bool {
        if limit > MAX_LIMIT {
            let message = format!("the limit was read as {MAX_LIMIT}");
            self.report(DiagnosticKind::OutOfRange, span.clone(), message);
        }
        if self.out.limit.replace(limit.min(MAX_LIMIT)).is_some() {
            self.report(DiagnosticKind::Repeated, span, "`limit:` is given more than once; the last one counts");
        }
        self.drop_sign();
        true
    }
}

/// Whether a word can be a part of a date, or the end of one and the beginning of another.
fn may_be_of_date(word: &str) -> bool {
    let plain = trim_sentence(word);
    let consists = |text: &str, also: &[u8]| text.bytes().all(|b| b.is_ascii_alphanumeric() || also.contains(&b));
    let is_range = plain.split_once("..").is_some_and(|(from, to)| consists(from, b"-/") && consists(to, b"-/"));
    !plain.is_empty() && (consists(plain, b"") || is_range)
}

/// A required word or prefix after `lex:`; `None` for what means something else inside a query.
fn word(text: &str) -> Option<Node> {
    let signed = text.strip_prefix(['-', '+']).is_some_and(|rest| rest.starts_with(is_word_start));
    let field = text.split_once(':').is_some_and(|(name, _)| value::name(name).is_some());
    let breaks = text.contains(['(', ')']);
    if signed || field || breaks || !has_content(text) {
        return None;
    }
    let word = if operator(text).is_some() { text.to_lowercase() } else { text.to_owned() };
    Some(prefix(text).unwrap_or(Node::Word(word)))
}

fn limit(text: &str) -> Option<usize> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let limit = if digits { text.parse().unwrap_or(usize::MAX) } else { 0 };
    (limit > 0).then_some(limit)
}

/// The length of the text before the parenthesis that closes one opened before it.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (place, b) in text.bytes().enumerate() {
        match b {
            b'(' => depth += 1,
            b')' if depth == 0 => return Some(place),
            b')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// What a field wants, for messages.
fn expected(name: Name) -> &'static str {
    match name {
        Name::Size => "size such as `10k`, `>10k` or `1k..2m`",
        Name::Lines => "number of lines such as `50`, `>50` or `10..50`",
        Name::Date(..) => "date such as `2026-03`, `last week` or `7d`",
        Name::Sort => "order such as `date`, `path`, `size` or `rerank`",
        Name::Limit => "number of documents",
        Name::Lex => "single word",
        _ => "value of this field",
    }
}
