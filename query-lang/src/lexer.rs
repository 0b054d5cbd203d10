//! Text to tokens, in one pass over the characters.
//!
//! Parentheses come out balanced and no deeper than [`MAX_DEPTH`]; `sort:` and `limit:` are taken out
//! on the way, because they say nothing about single documents.

use std::ops::Range;

use jiff::Zoned;

use crate::ast::{Node, Sort};
use crate::chars::{has_content, is_blank, is_quote, is_word_start};
use crate::error::{Diagnostic, DiagnosticKind};
use crate::limits::{MAX_DEPTH, MAX_DIAGNOSTICS, MAX_LIMIT, MAX_SLOP};
use crate::token::{Group, Kind, Operator, Token};
use crate::value::{self, LONGEST_NAME, Name};

/// How many words after a date may belong to it: `date:5 march 2026`, `after:3 days ago`.
const DATE_WORDS: usize = 2;

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

    /// The field whose name begins here, and the place of its colon.
    fn field_name(&self) -> Option<(Name, usize)> {
        let letters = |b: &u8| b.is_ascii_alphabetic() || *b == b'_';
        let length = self.rest().bytes().take(LONGEST_NAME + 1).take_while(letters).count();
        let colon = self.rest()[length..].starts_with(':');
        let name = value::name(&self.rest()[..length]).filter(|_| colon)?;
        Some((name, self.at + length))
    }

    fn field(&mut self, name: Name, start: usize) {
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
    fn bare_value(&mut self, name: Name, start: usize) {
        let begin = self.at;
        let (full, cut) = self.value_ends(start);
        if self.values().is_some() {
            self.at = full;
            return self.value(name, begin, start..full, false);
        }
        let joined = if let Name::Date(..) = name { self.date_ends(full) } else { Vec::new() };
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

    /// Where the words end that follow a date and may belong to it.
    fn date_ends(&self, value: usize) -> Vec<usize> {
        let mut ends = Vec::new();
        let mut at = value;
        while ends.len() < DATE_WORDS {
            let blanks = self.text[at..].bytes().take_while(|b| *b == b' ').count();
            if blanks == 0 {
                break;
            }
            let start = at + blanks;
            let length = self.text[start..].bytes().take_while(|b| !b.is_ascii_whitespace() && *b != b')').count();
            let word = &self.text[start..start + length];
            let plain = word.trim_end_matches(['?', '!', '.', ',', ';']);
            if plain.is_empty() || !plain.bytes().all(|b| b.is_ascii_alphanumeric()) {
                break;
            }
            at = start + length;
            ends.push(at);
        }
        ends
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
    fn value(&mut self, name: Name, start: usize, raw: Range<usize>, quoted: bool) {
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

/// The name before a colon with a value right after it, where it looks like a field. Addresses,
/// times and paths of code do not.
fn unknown_field<'a>(word: &'a str, after: &str) -> Option<&'a str> {
    let (name, value) = word.split_once(':')?;
    let is_name = name.len() > 1 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let begins = |text: &str| text.starts_with(|c: char| c.is_alphanumeric() || is_quote(c) || c == '(');
    (is_name && begins(if value.is_empty() { after } else { value })).then_some(name)
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
        Name::Sort => "order such as `date`, `path` or `size`",
        Name::Limit => "number of documents",
        Name::Lex => "single word",
        _ => "value of this field",
    }
}
