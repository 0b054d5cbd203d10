//! What is said about mistakes, and where it points.

use std::fmt::Write;

use echofs_query_lang::{DiagnosticKind, MAX_DEPTH, MAX_DIAGNOSTICS, MAX_LENGTH};

use crate::read;

/// The query, and under it each mistake with its place marked.
fn report(text: &str) -> String {
    let parsed = read(text);
    let mut out = format!("{text}\n");
    for diagnostic in &parsed.diagnostics {
        let blanks = " ".repeat(text[..diagnostic.span.start].chars().count());
        let marks = "^".repeat(text[diagnostic.span.clone()].chars().count().max(1));
        writeln!(out, "{blanks}{marks} {:?}: {}", diagnostic.kind, diagnostic.message).expect("a string takes it");
    }
    write!(out, "= {}", parsed.query).expect("a string takes it");
    out
}

#[test]
fn mistakes_are_explained() {
    let texts = [
        "OR kettle",
        "a OR OR b AND",
        "title: the beginning",
        "tilte:rust",
        "date:soon size:huge lines:many",
        "date:\"very soon\"",
        "title:(a OR ()) date:(2025 OR never)",
        "the \"blue kettle",
        "a) (b",
        "() \"\"",
        "wo*rd",
        "\"blue kett*\"",
        "kettle -sem:tea",
        "limit:5 limit:0 limit:20000 sort:tallest sort:date sort:date",
        "\"a b\"~5000",
        "sem:(never closed",
        "lex:type:md",
    ];
    let reports: Vec<String> = texts.iter().map(|text| report(text)).collect();
    insta::assert_snapshot!(reports.join("\n\n"));
}

#[test]
fn good_queries_have_none() {
    let texts = [
        "what's the wi-fi password?",
        "http://x.y/z at 10:30",
        "std::vec and **bold** words - with dashes",
        "\"2 * 3\" and \"**bold**\"",
        "rust -java \"exact phrase\"~2 title:(a OR b) path:notes/** size:>10k date:last week lex:(a b) sem:(c)",
        "a AND (b OR NOT c) sort:date limit:5",
    ];
    for text in texts {
        assert_eq!(read(text).diagnostics, [], "{text}");
    }
}

fn kinds(text: &str) -> Vec<DiagnosticKind> {
    read(text).diagnostics.into_iter().map(|diagnostic| diagnostic.kind).collect()
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| format!("{}a{}", "(b OR ".repeat(depth), ")".repeat(depth));
    assert_eq!(kinds(&nested(MAX_DEPTH)), []);
    assert_eq!(kinds(&nested(MAX_DEPTH + 1)), [DiagnosticKind::TooDeep]);
    assert_eq!(kinds(&nested(1_000)), [DiagnosticKind::TooDeep]);
}

#[test]
fn length_is_limited() {
    let long = "kettle ".repeat(2_000);
    let parsed = read(&long);
    assert_eq!(parsed.diagnostics.len(), 1);
    assert_eq!(parsed.diagnostics[0].kind, DiagnosticKind::TooLong);
    assert_eq!(parsed.query.words().len(), MAX_LENGTH / 7);
    assert!(parsed.query.words().iter().all(|word| *word == "kettle"));
    assert_eq!(kinds(&"é".repeat(MAX_LENGTH)), [DiagnosticKind::TooLong]);
}

#[test]
fn reports_are_limited() {
    assert_eq!(kinds(&")".repeat(MAX_LENGTH)).len(), MAX_DIAGNOSTICS);
}
