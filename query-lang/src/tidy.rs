//! Makes any sequence of tokens a grammatical one.
//!
//! Operators without their terms become words, empty parentheses go, and so does a second operator in a row.

use crate::error::{Diagnostic, DiagnosticKind};
use crate::limits::MAX_DIAGNOSTICS;
use crate::token::{Group, Kind, Operator, Token};

pub(crate) fn tidy(tokens: Vec<Token>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Token> {
    let out = Vec::with_capacity(tokens.len());
    let mut tidier = Tidier { out, groups: Vec::new(), diagnostics };
    for token in tokens {
        tidier.take(token);
    }
    tidier.settle();
    tidier.out
}

struct Tidier<'a> {
    out: Vec<Token>,
    groups: Vec<Group>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Tidier<'_> {
    fn take(&mut self, token: Token) {
        match token.kind {
            Kind::Operator(_) => self.operator(token),
            Kind::Close => {
                self.settle();
                self.close(token);
            }
            Kind::Open(group) => {
                self.groups.push(group);
                self.out.push(token);
            }
            _ => self.out.push(token),
        }
    }

    fn operator(&mut self, token: Token) {
        if let Some(Kind::Operator(_)) = self.last() {
            let message = "an operator right after another one; only the first one counts";
            self.report(DiagnosticKind::RepeatedOperator, &token, message.to_owned());
            return;
        }
        self.settle();
        if self.last().is_some_and(Kind::ends_term) {
            self.out.push(token);
        } else {
            self.demote(token);
        }
    }

    fn close(&mut self, token: Token) {
        if let Some(open) = self.out.pop_if(|last| matches!(last.kind, Kind::Open(_))) {
            let whole = Token { span: open.span.start..token.span.end, ..token };
            let message = "there is nothing to search for here; it was left out".to_owned();
            self.report(DiagnosticKind::Empty, &whole, message);
            self.out.pop_if(|last| matches!(last.kind, Kind::Minus | Kind::Plus));
        } else {
            self.out.push(token);
        }
        self.groups.pop();
    }

    /// What waits for a term will get none.
    fn settle(&mut self) {
        while self.out.pop_if(|last| matches!(last.kind, Kind::Minus | Kind::Plus)).is_some() {}
        if let Some(token) = self.out.pop_if(|last| matches!(last.kind, Kind::Operator(_) | Kind::Not)) {
            self.demote(token);
        }
    }

    /// Reads an operator as a word; among the values of a field it is left out.
    fn demote(&mut self, token: Token) {
        let (name, word) = match token.kind {
            Kind::Operator(Operator::And) => ("AND", "and"),
            Kind::Operator(Operator::Or) => ("OR", "or"),
            _ => ("NOT", "not"),
        };
        if let Some(Group::Values(_)) = self.groups.last() {
            let message = format!("`{name}` lacks a term; it was left out");
            self.report(DiagnosticKind::LoneOperator, &token, message);
            return self.settle();
        }
        let message = format!("`{name}` lacks a term; it was read as the word `{word}`");
        self.report(DiagnosticKind::LoneOperator, &token, message);
        self.out.push(Token { kind: Kind::Word(word.to_owned()), span: token.span });
    }

    fn last(&self) -> Option<&Kind> {
        self.out.last().map(|token| &token.kind)
    }

    fn report(&mut self, kind: DiagnosticKind, token: &Token, message: String) {
        if self.diagnostics.len() < MAX_DIAGNOSTICS {
            self.diagnostics.push(Diagnostic { kind, span: token.span.clone(), message });
        }
    }
}
