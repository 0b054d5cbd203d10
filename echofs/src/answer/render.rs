//! The two forms of an answer.
//!
//! Markdown is written in the order in which things become known and is never changed after it was written:
//! evidence, answer, sources. JSON is written once, at the end. Neither holds a control character.

use std::fmt::Write as _;
use std::path::Path;

use echofs_indexer::Reranked;
use serde::{Deserialize, Serialize};

use super::text::{one_line, printable, unsafe_to_print};

/// The sentence that says that there is no answer.
pub const NOT_FOUND: &str = "Not found in your notes.";

/// A place in the notes, quoted word for word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// Its number in the text.
    pub n: usize,
    /// Absolute path.
    pub path: String,
    /// First line of the quote, from 1.
    pub line: u32,
    /// Last line of the quote.
    pub end_line: u32,
    /// Page, slide or sheet, from 1, where the format has such.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub page: Option<u32>,
    /// What stands there.
    pub quote: String,
    /// Whether a language model wrote that: an assistant in a conversation.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub by_model: bool,
}

/// Milliseconds from the question.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// Until the evidence was chosen.
    pub retrieval: f64,
    /// Until the evidence could be read.
    pub first_evidence: f64,
    /// Until the model's first token; `null` when no model was asked.
    pub first_token: Option<f64>,
    /// Until the end.
    pub total: f64,
}

/// Tokens of the model, 0 when none was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCounts {
    /// Read.
    pub prompt: usize,
    /// Written.
    pub output: usize,
}

/// All that the JSON form says, in its order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// As asked.
    pub question: String,
    /// Whether the notes hold the answer.
    pub answerable: bool,
    /// The answer with its citation numbers, or [`NOT_FOUND`].
    pub answer: String,
    /// The few words asked for; empty when not answerable.
    pub short_answer: String,
    /// What bears the answer out; when there is none, the nearest passages.
    pub citations: Vec<Citation>,
    /// The model that worded it; `null` without one.
    pub model: Option<String>,
    /// State of the index it was made from.
    pub epoch: u64,
    /// When it was finished.
    pub generated_at: jiff::Timestamp,
    /// How long it took.
    pub timings_ms: Timings,
    /// What it cost.
    pub tokens: TokenCounts,
    /// What a reranker came to, for each thing asked; empty where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reranked: Vec<Reranked>,
}

impl Answer {
    /// That there is none, found out without a model.
    pub fn without_model(question: &str, epoch: u64) -> Answer {
        Answer {
            question: one_line(question),
            answerable: false,
            answer: NOT_FOUND.to_owned(),
            short_answer: String::new(),
            citations: Vec::new(),
            model: None,
            epoch,
            generated_at: jiff::Timestamp::now(),
            timings_ms: Timings::default(),
            tokens: TokenCounts::default(),
            reranked: Vec::new(),
        }
    }
}

/// The evidence: each quotation as a block with its number and place below.
pub fn evidence(citations: &[Citation]) -> String {
    let mut out = String::new();
    for citation in citations {
        for line in printable(&citation.quote).lines() {
            let _ = writeln!(out, "> {}", line.trim_end());
        }
        let _ = writeln!(out, "\n[{}] {}\n", citation.n, place(citation));
    }
    out
}

/// `path:line`, with the page where there is one, and that a model wrote it where that is so.
pub fn place(citation: &Citation) -> String {
    let page = citation.page.map_or(String::new(), |page| format!(" (page {page})"));
    let author = if citation.by_model { " (written by a language model)" } else { "" };
    format!("{}:{}{page}{author}", shown(&citation.path), citation.line)
}

fn shown(path: &str) -> String {
    path.chars().map(|c| if unsafe_to_print(c) || matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect()
}

/// The numbered list at the end.
pub fn sources(citations: &[Citation]) -> String {
    if citations.is_empty() {
        return String::new();
    }
    let lines = citations.iter().map(|c| format!("[{}] {}\n", c.n, place(c)));
    format!("\nSources:\n\n{}", lines.collect::<String>())
}

/// A claim with its citation numbers.
pub fn cited(text: &str, numbers: &[usize]) -> String {
    let text = one_line(text);
    let marks: String = numbers.iter().map(|n| format!("[{n}]")).collect();
    match (text.strip_suffix('.'), marks.is_empty()) {
        (_, true) => text,
        (Some(body), false) => format!("{body} {marks}."),
        (None, false) => format!("{text} {marks}"),
    }
}

/// The JSON form, on several lines, with a line feed at the end. Characters that could reach a terminal as a
/// command are escaped, so that a parsed quote is still literal.
pub fn json(answer: &Answer) -> Vec<u8> {
    let text = serde_json::to_string_pretty(answer).unwrap_or_default();
    let mut out = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if unsafe_to_print(c) {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out.push('\n');
    out.into_bytes()
}

/// A path as text; what is no UTF-8 in it is replaced.
pub fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn citation() -> Citation {
        Citation {
            n: 1,
            path: "/n/a\u{1b}b.md".into(),
            line: 3,
            end_line: 4,
            page: Some(2),
            quote: "one\u{9b}\ntwo ".into(),
            by_model: false,
        }
    }

    #[test]
    fn evidence_is_quoted_line_by_line_without_controls() {
        assert_eq!(evidence(&[citation()]), "> one\n> two\n\n[1] /n/a\u{fffd}b.md:3 (page 2)\n\n");
    }

    #[test]
    fn citation_numbers_stand_before_the_full_stop() {
        assert_eq!(cited("It is so.", &[1, 2]), "It is so [1][2].");
        assert_eq!(cited("1066", &[1]), "1066 [1]");
        assert_eq!(cited("Unknown.", &[]), "Unknown.");
    }

    #[test]
    fn json_has_every_field_and_no_control_character() {
        let answer = Answer {
            question: "q\u{85}".into(),
            answerable: false,
            answer: NOT_FOUND.into(),
            short_answer: String::new(),
            citations: vec![citation()],
            model: None,
            epoch: 7,
            generated_at: jiff::Timestamp::UNIX_EPOCH,
            timings_ms: Timings::default(),
            tokens: TokenCounts::default(),
            reranked: Vec::new(),
        };
        let bytes = json(&answer);
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text}");
        let back: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let keys = [
            "question",
            "answerable",
            "answer",
            "short_answer",
            "citations",
            "model",
            "epoch",
            "generated_at",
            "timings_ms",
            "tokens",
        ];
        assert!(keys.iter().all(|key| back.get(key).is_some()), "{text}");
        assert_eq!(back["citations"][0]["quote"], "one\u{9b}\ntwo ");
    }
}
