//! One answer from the question to the last source.

use std::path::{Path, PathBuf};
use std::time::Instant;

use echofs_indexer::Reranked;
use echofs_inference::{Cancel, Generator};
use serde::{Deserialize, Serialize};

use super::conversation::Conversation;
use super::dated::{self, Dated};
use super::evidence::Evidence;
use super::listed;
use super::listing::Listing;
use super::question::Question;
use super::render::{self, Answer, Timings};
use super::rerank::rerank;
use super::retrieve::{self, Candidate, Excerpt, Gathered};
use super::several;
use super::stream::Stream;
use super::writer::{Writer, citation, holds};

/// Tokens of all excerpts.
const BUDGET: usize = 560;

/// A sentence that an answer was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Its document.
    pub path: PathBuf,
    /// Its first line.
    pub line: u32,
    /// The sentence.
    pub text: String,
    /// Whether the answer cites it.
    pub cited: bool,
    /// State of its document.
    pub stamp: u64,
}

/// A finished answer and what it rests on.
pub(super) struct Outcome {
    /// What it says.
    pub answer: Answer,
    /// What it was made from.
    pub places: Vec<Place>,
    /// Whether it may be kept: not when the model failed, nor when making it anew costs nothing.
    pub keep: bool,
    /// Whether the model failed.
    pub failed: bool,
    /// Whether it was made without a model because there is none.
    pub without_model: bool,
}

/// Why there is no answer.
pub(super) enum Stop {
    /// Nobody reads any more.
    Cancelled,
    /// The search failed.
    Failed(String),
}

/// What a question found and what of it goes into the prompt.
pub(super) struct Basis {
    pub question: Question,
    pub gathered: Gathered,
    pub excerpts: Vec<Excerpt>,
    /// What a reranker came to, and the candidates that it read.
    pub reranked: Option<(Vec<usize>, Reranked)>,
}

impl Basis {
    /// One for each thing that a question asks, in a conversation or by itself. Searches; takes milliseconds.
    pub fn all(
        evidence: &dyn Evidence,
        question: &str,
        conversation: Option<&Conversation>,
    ) -> Result<Vec<Basis>, String> {
        several::parts(question).iter().map(|part| Basis::new(evidence, part, conversation)).collect()
    }

    fn new(evidence: &dyn Evidence, question: &str, conversation: Option<&Conversation>) -> Result<Basis, String> {
        let question = Question::new(question);
        let gathered = retrieve::gather(evidence, &question)?;
        let excerpts = excerpts(&gathered, conversation);
        Ok(Basis { question, gathered, excerpts, reranked: None })
    }

    /// Chooses anew after a reranker has read the best passages, where there is one. Takes a second.
    pub fn rerank(&mut self, evidence: &dyn Evidence, conversation: Option<&Conversation>) {
        self.reranked = rerank(evidence, &self.question, &mut self.gathered);
        if self.reranked.is_some() {
            self.excerpts = excerpts(&self.gathered, conversation);
        }
    }

    pub fn candidate(&self, excerpt: usize) -> &Candidate {
        &self.gathered.candidates[self.excerpts[excerpt].candidate]
    }

    /// Every sentence of the prompt, best excerpt first, and what else a reranker has read.
    pub fn places(&self, evidence: &dyn Evidence) -> Vec<Place> {
        let shown = self.excerpts.iter().flat_map(|e| e.sentences.iter().map(|s| (e.candidate, *s)));
        let mut sentences: Vec<(usize, usize)> = shown.collect();
        for &c in self.reranked.iter().flat_map(|(read, _)| read) {
            let others = (0..self.gathered.candidates[c].sentences.len()).map(|s| (c, s));
            let others: Vec<_> = others.filter(|other| !sentences.contains(other)).collect();
            sentences.extend(others);
        }
        sentences.into_iter().map(|(c, s)| place(evidence, &self.gathered.candidates[c], s)).collect()
    }
}

/// The sentences of the prompt; those that were read before in the conversation, where they serve.
fn excerpts(gathered: &Gathered, conversation: Option<&Conversation>) -> Vec<Excerpt> {
    let mut excerpts = retrieve::choose(gathered, BUDGET);
    if let Some(conversation) = conversation {
        conversation.go_on_from(gathered, &mut excerpts);
    }
    excerpts
}

fn place(evidence: &dyn Evidence, candidate: &Candidate, sentence: usize) -> Place {
    let citation = citation(candidate, candidate.sentences[sentence].at.clone(), 0);
    let path = candidate.path.clone();
    let stamp = evidence.stamp(&path).unwrap_or(0);
    Place { path, line: citation.line, text: citation.quote, cited: false, stamp }
}

/// Makes the answer, writing its Markdown form to `stream` as it becomes known. The model goes on from what it read in the
/// conversation, which then has what it read for this.
pub(super) fn run(
    evidence: &dyn Evidence,
    generator: &dyn Generator,
    text: &str,
    conversation: Option<&mut Conversation>,
    stream: &Stream,
    cancel: &Cancel,
) -> Result<Outcome, Stop> {
    let started = Instant::now();
    let epoch = evidence.epoch();
    if let Some(listing) = Listing::read(text, jiff::Zoned::now().date()) {
        return list(evidence, &listing, (text, epoch), stream, started);
    }
    let mut bases = Basis::all(evidence, text, conversation.as_deref()).map_err(Stop::Failed)?;
    if let Some(dated) = dated(evidence, &bases) {
        return Ok(told(dated::answer(dated, text, epoch), stream, started));
    }
    bases.iter_mut().for_each(|basis| basis.rerank(evidence, conversation.as_deref()));
    let Some((first, further)) = bases.split_first() else { return Err(Stop::Failed("nothing is asked".into())) };
    let mut writer = Writer::new(evidence, first, stream, started);
    writer.conversation = conversation.as_deref().map(Conversation::again);
    writer.reranked = bases.iter().filter_map(|basis| basis.reranked.clone()).map(|(_, told)| told).collect();
    let mut failure = writer.part(generator, cancel);
    for basis in further {
        writer.go_on(basis);
        failure = failure.or(writer.part(generator, cancel));
    }
    if cancel.is_cancelled() {
        return Err(Stop::Cancelled);
    }
    if let (Some(before), Some(now)) = (conversation, writer.conversation.take().filter(|now| !now.is_new())) {
        *before = now;
    }
    let without_model = matches!(failure, Some(echofs_inference::Error::NoModel(_)));
    let failed = failure.is_some() && !without_model;
    writer.close(failure.filter(|_| !without_model));
    let others = std::mem::take(&mut writer.others);
    let answer = writer.answer(text, epoch);
    let mut places = mark(bases.iter().flat_map(|basis| basis.places(evidence)).collect(), &answer);
    places.extend(others);
    Ok(Outcome { answer, places, keep: !failed, failed, without_model })
}

/// The fact that says when, where one thing is asked.
pub(super) fn dated(evidence: &dyn Evidence, bases: &[Basis]) -> Option<Dated> {
    let [basis] = bases else { return None };
    dated::find(evidence, basis)
}

/// The answer to a question that counts or lists.
fn list(
    evidence: &dyn Evidence,
    listing: &Listing,
    (text, epoch): (&str, u64),
    stream: &Stream,
    started: Instant,
) -> Result<Outcome, Stop> {
    let items = evidence.list(listing).map_err(Stop::Failed)?;
    Ok(told(listed::answer(listing, items, text, epoch), stream, started))
}

/// An answer that was found without a model.
fn told((mut answer, markdown): (Answer, String), stream: &Stream, started: Instant) -> Outcome {
    stream.push(&markdown);
    let time = milliseconds(started);
    answer.timings_ms = Timings { retrieval: time, first_evidence: time, first_token: None, total: time };
    Outcome { answer, places: Vec::new(), keep: false, failed: false, without_model: false }
}

fn mark(mut places: Vec<Place>, answer: &Answer) -> Vec<Place> {
    for place in &mut places {
        let path = render::path_text(&place.path);
        place.cited = answer.citations.iter().any(|c| c.path == path && holds(c, place.line, &place.text));
    }
    places
}

/// Since then, to a tenth.
pub(super) fn milliseconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 1e4).round() / 10.0
}

/// Whether `path` is `at` or below it.
pub(super) fn covers(at: &Path, path: &Path) -> bool {
    path.starts_with(at)
}
