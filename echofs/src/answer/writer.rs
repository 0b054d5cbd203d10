//! The parts of an answer in their order: evidence, what the model reads and says of it, sources.

mod changed;
mod reading;
mod rival;

use std::ops::Range;
use std::time::Instant;

use echofs_indexer::Reranked;
use echofs_inference::{Cancel, Generator};

use super::answerable;
use super::check::Support;
use super::conversation::Conversation;
use super::evidence::Evidence;
use super::render::{self, Answer, Citation, NOT_FOUND, Timings, TokenCounts};
use super::retrieve::{Candidate, Excerpt};
use super::run::{Basis, Place, milliseconds};
use super::stream::Stream;
use super::text::{line_feeds, one_line};
use super::turns::turn_of;

/// Quotations shown as evidence.
const SHOWN: usize = 3;
/// Bytes of a quotation that is shown with the sentences after it.
const SHORT: usize = 160;

/// The bytes of what is shown of an excerpt: its best sentence, a short one with what follows it.
fn shown(candidate: &Candidate, excerpt: &Excerpt) -> Range<usize> {
    let best = candidate.sentences[excerpt.best].at.clone();
    let following = excerpt.sentences.iter().filter(|&&s| s > excerpt.best).map(|&s| candidate.sentences[s].at.end);
    let end = following.take_while(|end| end - best.start <= SHORT).last();
    best.start..end.unwrap_or(best.end)
}

/// Bytes of a passage as a citation: verbatim, with the lines they stand in.
pub(super) fn citation(candidate: &Candidate, at: Range<usize>, n: usize) -> Citation {
    let quote = candidate.passage.text[at.clone()].to_owned();
    let line = candidate.passage.line + line_feeds(&candidate.passage.text[..at.start]);
    let end_line = line + line_feeds(&quote);
    let is_by_model = |byte| turn_of(&candidate.turns, byte).is_some_and(|turn| turn.by_model);
    let by_model = is_by_model(at.start) || is_by_model(at.end.saturating_sub(1));
    Citation {
        n,
        path: render::path_text(&candidate.path),
        line,
        end_line,
        page: candidate.passage.page,
        quote,
        by_model,
    }
}

/// Whether a citation quotes the text that begins in `line`.
pub(super) fn holds(citation: &Citation, line: u32, text: &str) -> bool {
    (citation.line..=citation.end_line).contains(&line) && citation.quote.contains(text)
}

/// Writes the parts of an answer in their order.
pub(super) struct Writer<'a> {
    evidence: &'a dyn Evidence,
    basis: &'a Basis,
    stream: &'a Stream,
    started: Instant,
    /// Everything that has a number.
    numbered: Vec<Citation>,
    /// Numbers that the answer uses.
    used: Vec<usize>,
    /// The conversation that it is a part of, with what is read for it.
    pub conversation: Option<Conversation>,
    /// Places outside the evidence that the answer cites.
    pub others: Vec<Place>,
    said: Vec<String>,
    /// How much was said before the evidence that was shown last.
    said_before: usize,
    /// The few words asked for.
    short: Option<String>,
    /// The same of the parts of the question that came before.
    shorts: Vec<String>,
    /// Parts of the question that have no answer.
    open: Vec<String>,
    /// The highest probability that the model gave a refusal.
    refusal: f32,
    model: Option<String>,
    tokens: TokenCounts,
    timings: Timings,
    /// What a reranker came to.
    pub reranked: Vec<Reranked>,
}

impl<'a> Writer<'a> {
    pub fn new(evidence: &'a dyn Evidence, basis: &'a Basis, stream: &'a Stream, started: Instant) -> Writer<'a> {
        let timings = Timings { retrieval: milliseconds(started), ..Timings::default() };
        Writer {
            evidence,
            basis,
            stream,
            started,
            numbered: Vec::new(),
            used: Vec::new(),
            conversation: None,
            others: Vec::new(),
            said: Vec::new(),
            said_before: 0,
            short: None,
            shorts: Vec::new(),
            open: Vec::new(),
            refusal: 0.0,
            model: None,
            tokens: TokenCounts::default(),
            timings,
            reranked: Vec::new(),
        }
    }

    /// Shows the evidence for one part of the question and says what answers it.
    pub fn part(&mut self, generator: &dyn Generator, cancel: &Cancel) -> Option<echofs_inference::Error> {
        let basis = self.basis;
        self.show_evidence();
        let hopeless = answerable::hopeless(&basis.gathered, &basis.excerpts);
        let failure = if hopeless { None } else { self.word(generator, cancel) };
        match self.short.take() {
            Some(short) => self.shorts.push(short),
            None => self.open.push(basis.question.text.trim_end_matches('?').to_owned()),
        }
        failure
    }

    /// Turns to the next part of the question.
    pub fn go_on(&mut self, basis: &'a Basis) {
        (self.basis, self.refusal, self.said_before) = (basis, 0.0, self.said.len());
        if let Some(last) = self.said.last_mut() {
            if !last.ends_with('.') {
                last.push('.');
                self.stream.push(".");
            }
            self.stream.push("\n\n");
        }
    }

    /// Shows what has something to do with this part of the question; where nothing has, what is nearest to the first part.
    fn show_evidence(&mut self) {
        let (basis, first) = (self.basis, self.numbered.len());
        let all = basis.excerpts.iter().take(SHOWN).enumerate();
        let mut about: Vec<_> = all.clone().filter(|(i, _)| answerable::is_about(basis.candidate(*i))).collect();
        if first == 0 && about.is_empty() {
            about = all.collect();
        }
        for (i, excerpt) in about {
            let new = citation(basis.candidate(i), shown(basis.candidate(i), excerpt), self.numbered.len() + 1);
            if self.known(&new).is_none() {
                self.numbered.push(new);
            }
        }
        self.stream.push(&render::evidence(&self.numbered[first..]));
        if first == 0 {
            self.timings.first_evidence = milliseconds(self.started);
        }
    }

    fn give(&mut self, short: String, claims: &[(String, Support)]) {
        let changed = claims.first().and_then(|(_, support)| self.changed(support, &short));
        self.short = Some(short);
        match changed {
            Some(changed) => self.tell(claims, changed),
            None => {
                claims.iter().for_each(|(text, support)| self.say(text, support));
                if let Some((text, support)) = claims.first().and_then(|(_, support)| self.rival(support)) {
                    self.say(&text, &support);
                }
            }
        }
    }

    fn say(&mut self, text: &str, support: &Support) {
        let source = self.basis.candidate(support.excerpt);
        let n = self.numbered_as(citation(source, source.sentences[support.sentence].at.clone(), 0));
        self.say_with(text, n);
    }

    fn say_with(&mut self, text: &str, n: usize) {
        let text = render::cited(text, &[n]);
        let first = self.said.len() == self.said_before;
        let text = if first || text.ends_with('.') { text } else { text + "." };
        // A sentence follows: the one before ends here.
        let joint = match self.said.last_mut() {
            _ if first => "",
            Some(last) if !last.ends_with('.') => {
                last.push('.');
                ". "
            }
            Some(_) => " ",
            None => "",
        };
        self.stream.push(&format!("{joint}{text}"));
        self.said.push(text);
    }

    /// The number of what quotes the same place.
    fn known(&self, wanted: &Citation) -> Option<usize> {
        let same = |c: &&Citation| c.path == wanted.path && holds(c, wanted.line, &wanted.quote);
        self.numbered.iter().find(same).map(|known| known.n)
    }

    /// The number of a place; one that was not shown as evidence gets the next free number.
    fn numbered_as(&mut self, wanted: Citation) -> usize {
        let free = self.numbered.len() + 1;
        let n = self.known(&wanted).unwrap_or(free);
        if n == free {
            self.numbered.push(Citation { n, ..wanted });
        }
        if !self.used.contains(&n) {
            self.used.push(n);
        }
        n
    }

    /// The end of the Markdown form.
    pub fn close(&mut self, failure: Option<echofs_inference::Error>) {
        if self.shorts.is_empty() {
            self.stream.push(NOT_FOUND);
        } else if !self.open.is_empty() {
            let text = format!("Not found in your notes: {}.", self.open.join("; "));
            self.stream.push(if self.said.len() == self.said_before { "" } else { "\n\n" });
            self.stream.push(&text);
            self.said.push(text);
        }
        self.stream.push("\n");
        if let Some(error) = failure {
            self.stream
                .push(&format!("\n({}; this is what the notes say themselves.)\n", one_line(&error.to_string())));
        }
        for told in self.reranked.iter().filter(|told| told.passages == 0) {
            let why = one_line(told.error.as_deref().unwrap_or_default());
            self.stream
                .push(&format!("\n(The reranker {} gave no order: {why}; this is that of the search.)\n", told.model));
        }
        self.stream.push(&render::sources(&self.numbered));
        self.timings.total = milliseconds(self.started);
    }

    pub fn answer(self, text: &str, epoch: u64) -> Answer {
        let answerable = !self.shorts.is_empty();
        let cited = |c: &Citation| !answerable || self.used.contains(&c.n);
        Answer {
            question: one_line(text),
            answerable,
            answer: if answerable { self.said.join(" ") } else { NOT_FOUND.to_owned() },
            short_answer: self.shorts.join("; "),
            citations: self.numbered.iter().filter(|c| cited(c)).cloned().collect(),
            model: self.model,
            epoch,
            generated_at: jiff::Timestamp::now(),
            timings_ms: self.timings,
            tokens: self.tokens,
            reranked: self.reranked,
        }
    }
}
