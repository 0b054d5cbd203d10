//! What answers a part of the question: what the model makes of excerpts, else the best sentence.

use echofs_inference::{Cancel, Generator};

use super::Writer;
use crate::answer::answerable::{self, ModelView};
use crate::answer::check::{self, Support};
use crate::answer::retrieve::{self, Excerpt};
use crate::answer::run::milliseconds;
use crate::answer::{outdated, prompt, short, versions};

/// Excerpts that a model reads, one after the other.
const READ: usize = 3;
/// An answer as probable as this needs no further reading.
const SURE: f32 = 0.6;
/// From this probability of a refusal on, what the model does not say is not said without it either.
const REFUSED: f32 = 0.5;

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

impl Writer<'_> {
    /// Lets the model read one excerpt after the other until one surely answers. A small model reads one passage well and
    /// several together badly. Without a model, when it fails, or when nothing it says is borne out, the evidence answers.
    pub(super) fn word(&mut self, generator: &dyn Generator, cancel: &Cancel) -> Option<echofs_inference::Error> {
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

    pub(super) fn probability(&self, support: &Support, short: &str, model: Option<ModelView>) -> f32 {
        let b = self.basis;
        let features = answerable::features(&b.question, &b.gathered, &b.excerpts, support, short, model);
        let probability = answerable::probability(&features, model.is_some());
        log::debug!("{probability:.3} from {features:?} for {short:?} to {:?}", b.question.text);
        probability
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
}

fn refuses(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    upper.starts_with(prompt::REFUSAL) || upper.starts_with("NOT STATED") || upper.starts_with("THE NOTES DO NOT")
}
