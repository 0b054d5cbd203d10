//! A generator that plays back what a test tells it to; chosen by name only, never a stand-in for a missing model.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::{Cancel, Completion, Error, Generator, Part, Request, State, Status};

/// How a scripted request goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// [`Error::NoModel`] at once.
    NoModel,
    /// [`Error::Busy`] at once.
    Busy,
    /// [`Error::Refused`] at once.
    Refused,
    /// [`Error::Down`] after half of the answer, as when the process is killed.
    DiesHalfway,
}

/// One line of the script.
#[derive(Clone, Debug)]
struct Rule {
    when: String,
    text: String,
    failure: Option<Failure>,
}

/// Answers by script: the first rule whose key occurs in the prompt gives the text.
///
/// Text is delivered word by word, so that a reader sees a stream. Every request is recorded.
#[derive(Debug)]
pub struct Scripted {
    rules: Vec<Rule>,
    first: Duration,
    each: Duration,
    model: Option<String>,
    requests: Mutex<Vec<Request>>,
    running: AtomicUsize,
    cancelled: AtomicUsize,
}

impl Default for Scripted {
    fn default() -> Self {
        Self::new()
    }
}

impl Scripted {
    /// No rules, no delays, model name `scripted`. A prompt that no rule fits is refused.
    pub fn new() -> Self {
        Self {
            rules: Vec::new(),
            first: Duration::ZERO,
            each: Duration::ZERO,
            model: Some("scripted".into()),
            requests: Mutex::default(),
            running: AtomicUsize::new(0),
            cancelled: AtomicUsize::new(0),
        }
    }

    /// Says `text` when the prompt contains `when` (the empty string fits every prompt).
    pub fn answer(mut self, when: impl Into<String>, text: impl Into<String>) -> Self {
        self.rules.push(Rule { when: when.into(), text: text.into(), failure: None });
        self
    }

    /// Fails when the prompt contains `when`; `text` is what [`Failure::DiesHalfway`] gets half through.
    pub fn fail(mut self, when: impl Into<String>, failure: Failure, text: impl Into<String>) -> Self {
        self.rules.push(Rule { when: when.into(), text: text.into(), failure: Some(failure) });
        self
    }

    /// Waits `first` before the first word and `each` before every word.
    pub fn delay(mut self, first: Duration, each: Duration) -> Self {
        (self.first, self.each) = (first, each);
        self
    }

    /// Behaves as a machine without a model.
    pub fn without_model(mut self) -> Self {
        self.model = None;
        self
    }

    /// The requests so far, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }

    /// How many generations were started.
    pub fn started(&self) -> usize {
        self.requests.lock().unwrap_or_else(|e| e.into_inner()).len()
    }

    /// How many generations ended by their [`Cancel`].
    pub fn cancelled(&self) -> usize {
        self.cancelled.load(Ordering::Acquire)
    }

    fn record(&self, request: &Request) {
        self.requests.lock().unwrap_or_else(|e| e.into_inner()).push(request.clone());
    }

    fn rule(&self, prompt: &str) -> Result<&Rule, Error> {
        self.rules
            .iter()
            .find(|rule| prompt.contains(&rule.when))
            .ok_or_else(|| Error::Refused("no line of the script fits this prompt".into()))
    }

    fn play(&self, request: &Request, cancel: &Cancel, on_text: &mut dyn FnMut(&str)) -> Result<Completion, Error> {
        let start = Instant::now();
        let model = self.model.clone().ok_or_else(|| Error::NoModel("none was scripted".into()))?;
        let prompt = prompt_text(request);
        let rule = self.rule(&prompt)?;
        match rule.failure {
            Some(Failure::NoModel) => return Err(Error::NoModel("scripted".into())),
            Some(Failure::Busy) => return Err(Error::Busy(8)),
            Some(Failure::Refused) => return Err(Error::Refused("scripted".into())),
            Some(Failure::DiesHalfway) | None => {}
        }
        pause(self.first, cancel)?;
        let first_token_ms = milliseconds(start);
        let words: Vec<&str> = rule.text.split_inclusive(' ').take(request.max_tokens).collect();
        let spoken = if rule.failure.is_some() { words.len() / 2 } else { words.len() };
        let mut text = String::new();
        for word in &words[..spoken] {
            pause(self.each, cancel)?;
            text.push_str(word);
            on_text(word);
        }
        if rule.failure.is_some() {
            return Err(Error::Down("the scripted process died".into()));
        }
        Ok(Completion {
            text,
            model,
            prompt_tokens: prompt.split_whitespace().count(),
            output_tokens: spoken,
            first_token_ms,
            total_ms: milliseconds(start),
            ..Completion::default()
        })
    }
}

impl Generator for Scripted {
    fn generate(&self, request: &Request, cancel: &Cancel, on_text: &mut dyn FnMut(&str)) -> Result<Completion, Error> {
        self.record(request);
        self.running.fetch_add(1, Ordering::AcqRel);
        let result = self.play(request, cancel, on_text);
        self.running.fetch_sub(1, Ordering::AcqRel);
        if matches!(result, Err(Error::Cancelled)) {
            self.cancelled.fetch_add(1, Ordering::AcqRel);
        }
        result
    }

    fn model(&self) -> Option<String> {
        self.model.clone()
    }

    fn status(&self) -> Status {
        let running = self.running.load(Ordering::Acquire);
        Status {
            state: if running > 0 { State::Busy } else { State::Idle },
            queue: running.saturating_sub(1),
            restarts: 0,
            model: self.model.clone(),
            cpu: None,
            last_error: None,
        }
    }
}

/// All of the prompt's text, one part after the other.
fn prompt_text(request: &Request) -> String {
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    parts.map(Part::as_str).collect::<Vec<_>>().join("\n")
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

/// Waits `time` in small steps; [`Error::Cancelled`] as soon as `cancel` is set.
fn pause(time: Duration, cancel: &Cancel) -> Result<(), Error> {
    let end = Instant::now() + time;
    loop {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(Duration::from_millis(5)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Message, Role};

    fn ask(text: &str) -> Request {
        let parts = vec![Part::Text("Answer: ".into()), Part::Data(text.into())];
        Request { messages: vec![Message { role: Role::User, parts }], max_tokens: 100, ..Request::default() }
    }

    #[test]
    fn the_first_rule_that_fits_is_played_word_by_word() {
        let scripted = Scripted::new().answer("capital", "It is Paris.").answer("", "No idea.");
        let mut pieces = Vec::new();
        let done = scripted.generate(&ask("the capital?"), &Cancel::default(), &mut |t| pieces.push(t.to_string()));
        assert_eq!(pieces, ["It ", "is ", "Paris."]);
        assert_eq!(done.map(|c| (c.text, c.output_tokens)).ok(), Some(("It is Paris.".into(), 3)));
        assert_eq!(scripted.started(), 1);
    }

    #[test]
    fn failures_come_as_scripted() {
        let scripted =
            Scripted::new().fail("full", Failure::Busy, "").fail("dies", Failure::DiesHalfway, "one two three four");
        let mut text = String::new();
        let run =
            |q: &str, text: &mut String| scripted.generate(&ask(q), &Cancel::default(), &mut |t| text.push_str(t));
        assert!(matches!(run("full", &mut text), Err(Error::Busy(_))));
        assert!(matches!(run("dies", &mut text), Err(Error::Down(_))));
        assert_eq!(text, "one two ");
        assert!(matches!(run("unknown", &mut text), Err(Error::Refused(_))));
    }

    #[test]
    fn a_cancel_ends_the_wait_for_the_first_word() {
        let scripted = Scripted::new().answer("", "late").delay(Duration::from_secs(60), Duration::ZERO);
        let cancel = Cancel::default();
        let start = Instant::now();
        std::thread::scope(|scope| {
            let run = scope.spawn(|| scripted.generate(&ask("x"), &cancel, &mut |_| {}));
            while scripted.status().state != State::Busy && start.elapsed() < Duration::from_secs(10) {
                std::thread::yield_now();
            }
            cancel.cancel();
            assert!(matches!(run.join(), Ok(Err(Error::Cancelled))));
        });
        assert!(start.elapsed() < Duration::from_secs(10));
        assert_eq!(scripted.cancelled(), 1);
    }
}
