//! The engine over evidence in memory and scripted models.

mod claims;
mod conversation;
mod forms;
mod keeping;
mod model;
mod notes;
mod readers;
mod reranker;
mod several;
mod without_model;

use std::sync::Arc;
use std::time::Duration;

use super::{Answers, Form, NOT_FOUND, ReadError, Reader};
use crate::waiting::until;
use model::{Model, Script};
use notes::Notes;

const LIMIT: Duration = Duration::from_secs(10);

const STANDUP: &str = "# Standup\n\nNotes of the morning.\nWe chose SQLite for the sync server, because it needs\nno second process. Anna will write the schema.\n";
const GARDEN: &str = "# Garden\n\nThe tomatoes were planted on 3 May 2026 behind the shed.\n";
const QUESTION: &str = "which database did we choose for the sync server?";

struct Bench {
    notes: Arc<Notes>,
    model: Arc<Model>,
    answers: Arc<Answers>,
    dir: tempfile::TempDir,
}

fn bench(script: Script) -> Bench {
    over(&[("/n/standup.md", STANDUP), ("/n/garden.md", GARDEN)], script)
}

/// Answers over these notes, and what a model does with each question.
fn over(notes: &[(&str, &str)], script: Script) -> Bench {
    let (notes, model, dir) = (Notes::new(notes), Model::new(script), tempfile::tempdir().unwrap());
    let answers = Answers::with(notes.clone(), model.clone(), dir.path().join("answers")).unwrap();
    Bench { notes, model, answers, dir }
}

impl Bench {
    fn reopen(&mut self) {
        self.answers = Answers::with(self.notes.clone(), self.model.clone(), self.dir.path().join("answers")).unwrap();
    }

    fn markdown(&self, question: &str) -> String {
        String::from_utf8(all(&self.answers.ask(question), Form::Markdown)).unwrap()
    }

    fn json(&self, question: &str) -> serde_json::Value {
        serde_json::from_slice(&all(&self.answers.ask(question), Form::Json)).unwrap()
    }
}

fn all(reader: &Reader, form: Form) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let piece = reader.read(form, out.len() as u64, 7, &|| false).unwrap();
        if piece.is_empty() {
            return out;
        }
        out.extend(piece);
    }
}
