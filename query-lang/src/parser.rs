//! Tokens to a tree: a function per rule of the grammar.

use std::iter::Peekable;
use std::vec::IntoIter;

use jiff::Zoned;

use crate::ast::{Node, Query};
use crate::build;
use crate::chars::is_blank;
use crate::error::{Diagnostic, DiagnosticKind};
use crate::lexer::lex;
use crate::limits::{MAX_DIAGNOSTICS, MAX_LENGTH};
use crate::tidy::tidy;
use crate::token::{Group, Kind, Operator, Token};

/// What [`parse`] makes of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The query, in canonical form.
    pub query: Query,
    /// The mistakes, in the order of the text, at most [`MAX_DIAGNOSTICS`].
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a query. It never fails: a mistake is read as plain words and reported.
///
/// Dates count from `now`, in its time zone. Takes time linear in the length of the text.
///
/// ```
/// use echofs_query_lang::{Node, parse};
/// let parsed = parse("rust async type:md", &jiff::Zoned::now());
/// assert!(parsed.diagnostics.is_empty());
/// assert_eq!(parsed.query.words(), ["rust", "async"]);
/// assert_eq!(parsed.query.to_string(), "rust async type:md");
/// ```
pub fn parse(text: &str, now: &Zoned) -> Parsed {
    let mut diagnostics = Vec::new();
    let lexed = lex(shortened(text, &mut diagnostics), now);
    diagnostics.extend(lexed.diagnostics);
    let tokens = tidy(lexed.tokens, &mut diagnostics);
    let mut parser = Parser { tokens: tokens.into_iter().peekable(), diagnostics: &mut diagnostics };
    let root = parser.sequence();
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
    diagnostics.truncate(MAX_DIAGNOSTICS);
    Parsed { query: Query { root, sort: lexed.sort.unwrap_or_default(), limit: lexed.limit }, diagnostics }
}

/// The text up to the last white space within the length limit.
fn shortened<'a>(text: &'a str, diagnostics: &mut Vec<Diagnostic>) -> &'a str {
    if text.len() <= MAX_LENGTH {
        return text;
    }
    let head = &text[..text.floor_char_boundary(MAX_LENGTH)];
    let end = head.rfind(is_blank).unwrap_or(head.len());
    let message = format!("the query is longer than {MAX_LENGTH} bytes; the rest was not read");
    diagnostics.push(Diagnostic { kind: DiagnosticKind::TooLong, span: end..text.len(), message });
    &head[..end]
}

struct Parser<'a> {
    tokens: Peekable<IntoIter<Token>>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Parser<'_> {
    /// `disjunction*`, to the end or to the parenthesis that closes it.
    fn sequence(&mut self) -> Option<Node> {
        let mut terms = Vec::new();
        while self.tokens.peek().is_some_and(|token| token.kind != Kind::Close) {
            terms.extend(self.disjunction());
        }
        build::sequence(terms)
    }

    /// `conjunction (OR conjunction)*`
    fn disjunction(&mut self) -> Option<Node> {
        let first = self.conjunction();
        if !self.at(Operator::Or) {
            return first;
        }
        let mut terms = Vec::from_iter(first);
        while self.take(Operator::Or) {
            terms.extend(self.conjunction());
        }
        build::any(terms)
    }

    /// `unary (AND unary)*`
    fn conjunction(&mut self) -> Option<Node> {
        let first = self.unary();
        if !self.at(Operator::And) {
            return first;
        }
        let mut terms = Vec::from_iter(first);
        while self.take(Operator::And) {
            terms.extend(self.unary());
        }
        build::all(terms)
    }

    /// `(NOT | "-" | "+")* primary`
    fn unary(&mut self) -> Option<Node> {
        let mut signs = Vec::new();
        while let Some(sign) = self.tokens.next_if(|token| matches!(token.kind, Kind::Not | Kind::Minus | Kind::Plus)) {
            signs.push(sign);
        }
        let mut node = self.primary();
        for sign in signs.into_iter().rev() {
            node = node.and_then(|node| self.signed(sign, node));
        }
        node
    }

    fn signed(&mut self, sign: Token, node: Node) -> Option<Node> {
        if sign.kind == Kind::Plus {
            return Some(build::required(node));
        }
        let negated = build::not(node);
        if negated.is_none() {
            let message = "what only ranks cannot be excluded; it was left out".to_owned();
            self.diagnostics.push(Diagnostic { kind: DiagnosticKind::NothingToExclude, span: sign.span, message });
        }
        negated
    }

    /// `word | term | "(" sequence ")"`
    fn primary(&mut self) -> Option<Node> {
        match self.tokens.next()?.kind {
            Kind::Word(word) => Some(Node::Words(vec![word])),
            Kind::Term(node) => Some(node),
            Kind::Open(group) => self.group(group),
            _ => None,
        }
    }

    fn group(&mut self, group: Group) -> Option<Node> {
        let node = self.sequence();
        self.tokens.next_if(|token| token.kind == Kind::Close);
        match group {
            Group::Lexical => node.map(build::lexical),
            Group::Plain | Group::Values(_) => node,
        }
    }

    fn at(&mut self, operator: Operator) -> bool {
        self.tokens.peek().is_some_and(|token| token.kind == Kind::Operator(operator))
    }

    fn take(&mut self, operator: Operator) -> bool {
        self.tokens.next_if(|token| token.kind == Kind::Operator(operator)).is_some()
    }
}
