//! What was asked here is kept: as turns of a conversation for each day, and as entries of the relationship log.

use std::sync::Arc;

use echofs_indexer::conversations::{OWN, QUESTIONS, Role, Turn};
use echofs_indexer::relationship::{Entry, Evidence, Kind};
use echofs_indexer::{Document, Index};

use crate::answer::{Answer, Listener};

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Questions and answers, as conversations.
    pub questions: bool,
    /// That a question was asked and which documents answered it, in the relationship log.
    pub observations: bool,
}

impl Default for Record {
    fn default() -> Self {
        Record { questions: true, observations: true }
    }
}

/// Whether a document is a conversation with this program.
pub fn is_own(document: &Document) -> bool {
    let spoken = |author: &str| author.split(", ").any(|speaker| speaker == OWN);
    document.kind == echofs_indexer::Kind::Conversation && document.author.as_deref().is_some_and(spoken)
}

/// Keeps what it is told of.
pub fn listener(index: Arc<Index>, record: Record) -> Listener {
    Box::new(move |answer| {
        let kept = if record.questions { index.conversations().append(&turns(answer)) } else { Ok(()) };
        let noted = if record.observations { index.relationship().append(vec![entry(answer)]) } else { Ok(()) };
        for error in [kept, noted].into_iter().filter_map(Result::err) {
            log::error!("a question was not kept: {error}");
        }
    })
}

fn turns(answer: &Answer) -> [Turn; 2] {
    let day = answer.generated_at.to_zoned(jiff::tz::TimeZone::system()).strftime("%F").to_string();
    let turn = |role, content: String, speaker: Option<&str>| Turn {
        role,
        content,
        at: answer.generated_at,
        session: format!("{QUESTIONS}{day}"),
        speaker: speaker.map(str::to_owned),
        title: Some(format!("Questions of {day}")),
    };
    let sources: Vec<String> = answer.citations.iter().map(|c| format!("[{}] {}:{}", c.n, c.path, c.line)).collect();
    let said = format!("{}\n\n{}", answer.answer, sources.join("\n"));
    [turn(Role::User, answer.question.clone(), None), turn(Role::Assistant, said.trim().to_owned(), Some(OWN))]
}

fn entry(answer: &Answer) -> Entry {
    let cited = |c: &crate::answer::Citation| Evidence { path: c.path.clone(), line: Some(c.line) };
    let evidence = if answer.answerable { answer.citations.iter().map(cited).collect() } else { Vec::new() };
    let subject = Some("questions".to_owned());
    Entry { subject, evidence, ..Entry::new(Kind::Interaction, &answer.question, answer.generated_at) }
}
