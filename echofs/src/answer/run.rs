//! One answer from the question to the last source.

use std::path::{Path, PathBuf};
use std::time::Instant;

use echofs_inference::{Cancel, Completion, Generator};
use serde::{Deserialize, Serialize};

use super::answerable;
use super::check::{self, Claim, Claims, Support};
use super::evidence::Evidence;
use super::prompt;
use super::question::Question;
use super::render::{self, Answer, Citation, NOT_FOUND, Timings, TokenCounts};
use super::retrieve::{self, Candidate, Excerpt, Gathered};
use super::short;
use super::stream::Stream;

/// Tokens of excerpts in a prompt.
const BUDGET: usize = 260;
/// Quotations shown as evidence.
const SHOWN: usize = 3;

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
    /// Whether it may be kept: not when the model failed.
    pub keep: bool,
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
}

impl Basis {
    /// Searches; takes milliseconds.
    pub fn new(evidence: &dyn Evidence, question: &str) -> Result<Basis, String> {
        let question = Question::new(question);
        let gathered = retrieve::gather(evidence, &question)?;
        let excerpts = retrieve::choose(&gathered, BUDGET);
        Ok(Basis { question, gathered, excerpts })
    }

    pub fn candidate(&self, excerpt: usize) -> &Candidate {
        &self.gathered.candidates[self.excerpts[excerpt].candidate]
    }

    /// Every sentence of the prompt, best excerpt first.
    pub fn places(&self, evidence: &dyn Evidence) -> Vec<Place> {
        let each = (0..self.excerpts.len()).flat_map(|e| self.excerpts[e].sentences.iter().map(move |&s| (e, s)));
        each.map(|(e, s)| {
            let citation = citation(self.candidate(e), s, 0);
            let path = self.candidate(e).path.clone();
            let stamp = evidence.stamp(&path).unwrap_or(0);
            Place { path, line: citation.line, text: citation.quote, cited: false, stamp }
        })
        .collect()
    }
}

/// A sentence as a citation: verbatim, with the lines it stands in.
fn citation(candidate: &Candidate, sentence: usize, n: usize) -> Citation {
    let at = candidate.sentences[sentence].at.clone();
    let lines = |text: &str| u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX);
    let quote = candidate.passage.text[at.clone()].to_owned();
    let line = candidate.passage.line + lines(&candidate.passage.text[..at.start]);
    let end_line = line + lines(&quote);
    Citation { n, path: render::path_text(&candidate.path), line, end_line, page: candidate.passage.page, quote }
}

/// Makes the answer, writing its Markdown form to `stream` as it becomes known.
pub(super) fn run(
    evidence: &dyn Evidence,
    generator: &dyn Generator,
    text: &str,
    stream: &Stream,
    cancel: &Cancel,
) -> Result<Outcome, Stop> {
    let started = Instant::now();
    let epoch = evidence.epoch();
    let basis = Basis::new(evidence, text).map_err(Stop::Failed)?;
    let mut writer = Writer::new(&basis, stream, started);
    writer.evidence();
    let hopeless = answerable::hopeless(&basis.gathered, &basis.excerpts);
    let failure = if hopeless { None } else { writer.word(generator, cancel) };
    if cancel.is_cancelled() {
        return Err(Stop::Cancelled);
    }
    let without_model = matches!(failure, Some(echofs_inference::Error::NoModel(_)));
    let keep = failure.is_none() || without_model;
    writer.close(failure.filter(|_| !without_model));
    let answer = writer.answer(text, epoch);
    let places = mark(basis.places(evidence), &answer);
    Ok(Outcome { answer, places, keep, without_model })
}

fn mark(mut places: Vec<Place>, answer: &Answer) -> Vec<Place> {
    for place in &mut places {
        let path = render::path_text(&place.path);
        place.cited = answer.citations.iter().any(|c| c.path == path && c.line == place.line && c.quote == place.text);
    }
    places
}

/// Writes the parts of an answer in their order.
struct Writer<'a> {
    basis: &'a Basis,
    stream: &'a Stream,
    started: Instant,
    /// Everything that has a number.
    numbered: Vec<Citation>,
    /// Numbers that the answer uses.
    used: Vec<usize>,
    said: Vec<String>,
    short: Option<String>,
    refused: bool,
    completion: Option<Completion>,
    timings: Timings,
}

impl<'a> Writer<'a> {
    fn new(basis: &'a Basis, stream: &'a Stream, started: Instant) -> Writer<'a> {
        let timings = Timings { retrieval: milliseconds(started), ..Timings::default() };
        let (numbered, used, said) = (Vec::new(), Vec::new(), Vec::new());
        Writer { basis, stream, started, numbered, used, said, short: None, refused: false, completion: None, timings }
    }

    fn evidence(&mut self) {
        for (i, excerpt) in self.basis.excerpts.iter().enumerate().take(SHOWN) {
            self.numbered.push(citation(self.basis.candidate(i), excerpt.best, i + 1));
        }
        self.stream.push(&render::evidence(&self.numbered));
        self.timings.first_evidence = milliseconds(self.started);
    }

    /// Lets the model answer. Without one, when it fails, or when nothing it says is borne out, the evidence answers.
    fn word(&mut self, generator: &dyn Generator, cancel: &Cancel) -> Option<echofs_inference::Error> {
        let request = prompt::request(&self.basis.question, &self.basis.gathered, &self.basis.excerpts);
        let mut claims = Claims::default();
        let result = match generator.model() {
            None => Err(echofs_inference::Error::NoModel("none is installed".to_owned())),
            Some(_) => generator.generate(&request, cancel, &mut |piece| {
                self.timings.first_token.get_or_insert_with(|| milliseconds(self.started));
                claims.push(piece).iter().for_each(|claim| self.claim(claim));
            }),
        };
        if cancel.is_cancelled() {
            return None;
        }
        match result {
            Ok(completion) => {
                claims.finish().iter().for_each(|claim| self.claim(claim));
                self.completion = Some(completion);
                if self.short.is_none() && !self.refused {
                    self.extract();
                }
                None
            }
            Err(error) => {
                if self.short.is_none() {
                    self.extract();
                }
                Some(error)
            }
        }
    }

    /// Shows a claim if its passage bears it out; the first one decides whether there is an answer.
    fn claim(&mut self, claim: &Claim) {
        if self.refused || refuses(&claim.text) {
            self.refused = true;
            return;
        }
        let basis = self.basis;
        let Some(support) = check::support(claim, &basis.question, &basis.gathered, &basis.excerpts) else { return };
        if self.short.is_none() {
            let short = short::of_claim(claim, &support, &basis.question, &basis.gathered, &basis.excerpts);
            if short::echoes(&basis.question, &short) {
                return;
            }
            if !self.decide(&support, &short, true) {
                self.refused = true;
                return;
            }
            self.short = Some(short);
        }
        self.say(&claim.text, &support);
    }

    fn decide(&self, support: &Support, short: &str, worded: bool) -> bool {
        let b = self.basis;
        let features = answerable::features(&b.question, &b.gathered, &b.excerpts, support, short, worded);
        !short.is_empty() && answerable::probability(&features) >= answerable::THRESHOLD
    }

    /// The best sentence and the span in it.
    fn extract(&mut self) {
        let basis = self.basis;
        let Some((support, short)) = short::extracted(&basis.question, &basis.gathered, &basis.excerpts) else {
            return;
        };
        if self.decide(&support, &short, false) {
            self.short = Some(short);
            let text = basis.candidate(support.excerpt).text(support.sentence);
            self.say(text, &support);
        }
    }

    fn say(&mut self, text: &str, support: &Support) {
        let n = self.number(support);
        let text = render::cited(text, &[n]);
        self.stream.push(&format!("{}{text}", if self.said.is_empty() { "" } else { " " }));
        self.said.push(text);
    }

    /// The number of a sentence; one that was not shown as evidence gets the next free number.
    fn number(&mut self, support: &Support) -> usize {
        let free = self.numbered.len() + 1;
        let wanted = citation(self.basis.candidate(support.excerpt), support.sentence, free);
        let same = |c: &&Citation| c.path == wanted.path && c.line == wanted.line && c.quote == wanted.quote;
        let n = self.numbered.iter().find(same).map_or(free, |known| known.n);
        if n == free {
            self.numbered.push(wanted);
        }
        if !self.used.contains(&n) {
            self.used.push(n);
        }
        n
    }

    /// The end of the Markdown form.
    fn close(&mut self, failure: Option<echofs_inference::Error>) {
        if self.said.is_empty() {
            self.stream.push(NOT_FOUND);
        }
        self.stream.push("\n");
        if let Some(error) = failure {
            self.stream.push(&format!(
                "\n({}; this is what the notes say themselves.)\n",
                super::text::one_line(&error.to_string())
            ));
        }
        self.stream.push(&render::sources(&self.numbered));
        self.timings.total = milliseconds(self.started);
    }

    fn answer(self, text: &str, epoch: u64) -> Answer {
        let answerable = self.short.is_some();
        let cited = |c: &Citation| !answerable || self.used.contains(&c.n);
        let done = self.completion;
        Answer {
            question: super::text::one_line(text),
            answerable,
            answer: if answerable { self.said.join(" ") } else { NOT_FOUND.to_owned() },
            short_answer: self.short.unwrap_or_default(),
            citations: self.numbered.iter().filter(|c| cited(c)).cloned().collect(),
            model: done.as_ref().map(|c| c.model.clone()),
            epoch,
            generated_at: jiff::Timestamp::now(),
            timings_ms: self.timings,
            tokens: done.map_or_else(TokenCounts::default, |c| TokenCounts {
                prompt: c.prompt_tokens,
                output: c.output_tokens,
            }),
        }
    }
}

fn refuses(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    upper.starts_with(prompt::REFUSAL) || upper.starts_with("NOT STATED") || upper.starts_with("THE NOTES DO NOT")
}

fn milliseconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 1e4).round() / 10.0
}

/// Whether `path` is `at` or below it.
pub(super) fn covers(at: &Path, path: &Path) -> bool {
    path.starts_with(at)
}
