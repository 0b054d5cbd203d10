//! A finished answer in its two forms.

use std::sync::Arc;

use super::render::{self, Answer};

/// Which form of an answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Evidence, answer, sources; grows while the answer is made.
    Markdown,
    /// One object; there when the answer is finished.
    Json,
}

/// A finished answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// As it was asked, on one line.
    pub question: String,
    /// The Markdown form.
    pub markdown: Arc<[u8]>,
    /// The JSON form.
    pub json: Arc<[u8]>,
    /// When it was finished.
    pub generated_at: jiff::Timestamp,
    /// State of the index it was made from.
    pub epoch: u64,
    /// The model that worded it.
    pub model: Option<String>,
    /// Number of citations.
    pub citations: usize,
    /// Whether the notes hold the answer.
    pub answerable: bool,
}

impl Settled {
    pub(super) fn new(answer: &Answer, markdown: Vec<u8>) -> Settled {
        Settled {
            question: answer.question.clone(),
            markdown: markdown.into(),
            json: render::json(answer).into(),
            generated_at: answer.generated_at,
            epoch: answer.epoch,
            model: answer.model.clone(),
            citations: answer.citations.len(),
            answerable: answer.answerable,
        }
    }

    /// The bytes of a form.
    pub fn bytes(&self, form: Form) -> &Arc<[u8]> {
        match form {
            Form::Markdown => &self.markdown,
            Form::Json => &self.json,
        }
    }
}
