//! The parts of an answer in their order: evidence, what the model reads and says of it, sources.

use std::ops::Range;
use std::time::Instant;

use echofs_indexer::Reranked;
use echofs_inference::{Cancel, Generator};
use echofs_query_lang::MONTHS;

use super::answerable::{self, ModelView};
use super::check::{self, Support};
use super::conversation::Conversation;
use super::evidence::Evidence;
use super::outdated;
use super::prompt;
use super::question::Expected;
use super::render::{self, Answer, Citation, NOT_FOUND, Timings, TokenCounts};
use super::retrieve::{self, Candidate, Excerpt};
use super::run::{Basis, Place, milliseconds};
use super::short;
use super::span::{self, DAYS};
use super::stream::Stream;
use super::text::{Token, line_feeds, tokens};
use super::versions::{self, Version};

/// Excerpts that a model reads, one after the other.
const READ: usize = 3;
/// An answer as probable as this needs no further reading.
const SURE: f32 = 0.6;
/// From this probability of a refusal on, what the model does not say is not said without it either.
const REFUSED: f32 = 0.5;
/// Share of a question that two sentences must hold each to be about the same thing.
const FULL: f32 = 0.8;
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
    Citation { n, path: render::path_text(&candidate.path), line, end_line, page: candidate.passage.page, quote }
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

/// What a model read in one excerpt.
struct Reading {
    /// That it answers the question.
    probability: f32,
    /// The few words asked for.
    short: String,
    /// What it says, with what bears it out; at least one, the first is the answer.
    claims: Vec<(String, Support)>,
}

fn better(best: Option<Reading>, new: Option<Reading>) -> Option<Reading> {
    let more = |new: &Reading| best.as_ref().is_none_or(|best| new.probability > best.probability);
    match new.filter(more) {
        Some(new) => Some(new),
        None => best,
    }
}

fn no_model() -> echofs_inference::Error {
    echofs_inference::Error::NoModel("none is installed".to_owned())
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

    /// Lets the model read one excerpt after the other until one surely answers. A small model reads one passage well and
    /// several together badly. Without a model, when it fails, or when nothing it says is borne out, the evidence answers.
    fn word(&mut self, generator: &dyn Generator, cancel: &Cancel) -> Option<echofs_inference::Error> {
        let mut failure = generator.model().is_none().then(no_model);
        let mut best: Option<Reading> = None;
        // The newest comes first, so what comes later must not win because it is said more plainly.
        let newest = versions::asks_of_the_newest(&self.basis.question);
        let sure = if newest { answerable::THRESHOLD } else { SURE };
        for excerpt in 0..retrieve::promising(&self.basis.gathered, &self.basis.excerpts).min(READ) {
            if failure.is_some() || best.as_ref().is_some_and(|reading| reading.probability >= sure) {
                break;
            }
            match self.read(generator, cancel, excerpt, &self.basis.excerpts[excerpt]) {
                Ok(reading) => best = better(best, reading),
                Err(error) => failure = Some(error),
            }
        }
        if cancel.is_cancelled() {
            return None;
        }
        match best {
            Some(reading) if reading.probability >= answerable::THRESHOLD => {
                let newer = self.up_to_date(generator, cancel, &reading).unwrap_or_else(|error| {
                    failure = Some(error);
                    None
                });
                let Reading { short, claims, .. } = newer.unwrap_or(reading);
                self.give(short, &claims);
            }
            None if self.refusal < REFUSED => self.extract(),
            _ => {}
        }
        failure
    }

    /// What the model makes of one excerpt; `None` when nothing it says is borne out by it.
    fn read(
        &mut self,
        generator: &dyn Generator,
        cancel: &Cancel,
        excerpt: usize,
        shown: &Excerpt,
    ) -> Result<Option<Reading>, echofs_inference::Error> {
        let basis = self.basis;
        let mut request = prompt::request(&basis.question, &basis.gathered, shown);
        request.conversation = self.conversation.as_mut().and_then(|now| now.reads(&basis.gathered, shown));
        let completion = generator.generate(&request, cancel, &mut |_| {
            self.timings.first_token.get_or_insert_with(|| milliseconds(self.started));
        })?;
        log::debug!("{} of {} tokens were kept", completion.kept_tokens, completion.prompt_tokens);
        self.tokens.prompt += completion.prompt_tokens;
        self.tokens.output += completion.output_tokens;
        let refused = refuses(&completion.text);
        self.refusal = self.refusal.max(if refused { 1.0 } else { completion.refusal });
        let view = ModelView::of(&completion);
        self.model = Some(completion.model);
        let Some(mut reading) = self.borne_out(&completion.text, excerpt, shown) else { return Ok(None) };
        reading.probability = self.probability(&reading.claims[0].1, &reading.short, Some(view));
        Ok(Some(reading))
    }

    /// Where what the model said rests on a sentence that does not hold any more: what it makes of those after it, where
    /// people write what came next, and what it said before. `None` where that is no answer.
    fn up_to_date(
        &mut self,
        generator: &dyn Generator,
        cancel: &Cancel,
        reading: &Reading,
    ) -> Result<Option<Reading>, echofs_inference::Error> {
        let (basis, support) = (self.basis, &reading.claims[0].1);
        let (excerpt, candidate) = (&basis.excerpts[support.excerpt], basis.candidate(support.excerpt));
        let today = jiff::Zoned::now().date();
        let now = versions::asks_of_this_year(&basis.question);
        let old = |s: usize| outdated::is_outdated(candidate.text(s), candidate.day(s), today, now);
        if versions::asks_of_the_past(&basis.question) || !old(support.sentence) {
            return Ok(None);
        }
        let after = |s: &usize| *s > support.sentence && !old(*s);
        let sentences: Vec<usize> = excerpt.sentences.iter().copied().filter(after).collect();
        let Some(&best) = sentences.first() else { return Ok(None) };
        let rest = Excerpt { candidate: excerpt.candidate, sentences, best };
        let newer = self.read(generator, cancel, support.excerpt, &rest)?;
        let Some(mut newer) = newer.filter(|newer| newer.probability >= answerable::THRESHOLD) else { return Ok(None) };
        let (said, support) = &reading.claims[0];
        newer.claims.truncate(1);
        newer.claims.push((format!("Before: {said}"), support.clone()));
        Ok(Some(newer))
    }

    /// The claims that the excerpt bears out, not yet judged.
    fn borne_out(&self, text: &str, excerpt: usize, shown: &Excerpt) -> Option<Reading> {
        let b = self.basis;
        let one = std::slice::from_ref(shown);
        let supported = |claim: String| {
            let support = check::support(&claim, &b.question, &b.gathered, one)?;
            let short = short::of_claim(&claim, &support, &b.question, &b.gathered, one);
            let says = !refuses(&claim) && !short.is_empty() && !short::echoes(&b.question, &short);
            let told = short::told(short, &support, &b.question, &b.gathered, one);
            says.then_some((told.short, (told.text.unwrap_or(claim), Support { excerpt, ..support })))
        };
        let (mut shorts, claims): (Vec<_>, Vec<_>) = check::claims(text).into_iter().filter_map(supported).unzip();
        (!claims.is_empty()).then(|| Reading { probability: 0.0, short: shorts.swap_remove(0), claims })
    }

    fn probability(&self, support: &Support, short: &str, model: Option<ModelView>) -> f32 {
        let b = self.basis;
        let features = answerable::features(&b.question, &b.gathered, &b.excerpts, support, short, model);
        let probability = answerable::probability(&features, model.is_some());
        log::debug!("{probability:.3} from {features:?} for {short:?} to {:?}", b.question.text);
        probability
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

    /// What another document says instead, where one number or time is asked for, and it speaks of all that is asked.
    fn rival(&self, support: &Support) -> Option<(String, Support)> {
        let b = self.basis;
        let own = b.candidate(support.excerpt);
        let is_one = matches!(b.question.expected, Expected::Time | Expected::Number);
        if !is_one || own.sentences[support.sentence].cover < FULL {
            return None;
        }
        let said = tokens(own.text(support.sentence));
        let is_kind = |word: &Token| {
            let word_of = |row: &[&str]| row.contains(&word.lower.as_str());
            word.number || word_of(&DAYS) || word_of(&MONTHS)
        };
        let mut others = (0..b.excerpts.len()).filter(|e| b.candidate(*e).path != own.path);
        others.find_map(|excerpt| {
            let (candidate, best) = (b.candidate(excerpt), b.excerpts[excerpt].best);
            let (text, sentence) = (candidate.text(best), &candidate.sentences[best]);
            let spans = span::spans(&b.question, text, &sentence.tokens);
            let [span] = spans.as_slice() else { return None };
            let value = &text[span::measured(&b.question, text, span.clone())];
            let is_new = |word: &Token| is_kind(word) && !said.iter().any(|known| known.stem == word.stem);
            let support = Support { excerpt, sentence: best, share: 1.0, literal: true };
            let differs = sentence.cover >= FULL && tokens(value).iter().any(is_new);
            let holds = differs && self.probability(&support, value, None) >= answerable::THRESHOLD_WITHOUT;
            let day = candidate.day(best).map_or(String::new(), |day| format!(" of {}", day.strftime("%-d %B %Y")));
            holds.then(|| (format!("But \u{201c}{}\u{201d}{day} says {value}", candidate.title), support))
        })
    }

    /// What the thing was and is that the answer is about, where that changed.
    fn changed(&self, support: &Support, short: &str) -> Option<(Vec<Version>, usize)> {
        let source = self.basis.candidate(support.excerpt);
        let place = citation(source, source.sentences[support.sentence].at.clone(), 0);
        self.evidence.versions(&source.path, place.line..=place.end_line, short)
    }

    /// Says what the answer is and what it was before; or, of the past, what took its place. The newest value is the answer,
    /// whichever the evidence says, unless the question is about the past.
    fn tell(&mut self, claims: &[(String, Support)], (versions, said): (Vec<Version>, usize)) {
        let past = versions::asks_of_the_past(&self.basis.question);
        let newest = versions.len() - 1;
        let asked = if past { said } else { newest };
        if asked == said {
            claims.iter().for_each(|(text, support)| self.say(text, support));
        } else {
            self.short = Some(versions[asked].value.clone());
            self.say_version(&versions[asked], &format!("{}, since {}", versions[asked].value, versions[asked].since));
        }
        if past && asked < newest {
            let new = &versions[newest];
            self.say_version(new, &format!("Since {}: {}", new.since, new.value));
        } else if let Some(before) = asked.checked_sub(1).map(|before| &versions[before]) {
            let until = versions[asked].since;
            self.say_version(before, &format!("Before {until}, from {}: {}", before.since, before.value));
        }
    }

    fn say_version(&mut self, version: &Version, text: &str) {
        let stamp = self.evidence.stamp(&version.path).unwrap_or(0);
        let (path, text_there) = (version.path.clone(), version.quote.clone());
        self.others.push(Place { path, line: version.line, text: text_there, cited: true, stamp });
        let (path, line) = (render::path_text(&version.path), version.line);
        let n = self.numbered_as(Citation {
            n: 0,
            path,
            line,
            end_line: line.saturating_add(line_feeds(&version.quote)),
            page: version.page,
            quote: version.quote.clone(),
        });
        self.say_with(text, n);
    }

    /// The best sentence and the span in it.
    fn extract(&mut self) {
        let b = self.basis;
        let Some((support, short)) = short::extracted(&b.question, &b.gathered, &b.excerpts) else { return };
        if !short.is_empty() && self.probability(&support, &short, None) >= answerable::THRESHOLD_WITHOUT {
            let told = short::told(short, &support, &b.question, &b.gathered, &b.excerpts);
            let sentence = b.candidate(support.excerpt).text(support.sentence);
            self.give(told.short, &[(told.text.unwrap_or_else(|| sentence.to_owned()), support)]);
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
            self.stream.push(&format!(
                "\n({}; this is what the notes say themselves.)\n",
                super::text::one_line(&error.to_string())
            ));
        }
        for told in self.reranked.iter().filter(|told| told.passages == 0) {
            let why = super::text::one_line(told.error.as_deref().unwrap_or_default());
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
            question: super::text::one_line(text),
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

fn refuses(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    upper.starts_with(prompt::REFUSAL) || upper.starts_with("NOT STATED") || upper.starts_with("THE NOTES DO NOT")
}
