//! Facts by the language model, read from passages of documents while nobody needs it.
//!
//! A thread of its own asks the index for a passage, the model for what it states, and brings that back; the index keeps what
//! the passage bears out. It gives way to everything: it waits until nothing was asked for a while, nothing is being
//! indexed and the machine is not on its battery, and reads a bounded number of passages an hour.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use echofs_indexer::facts::{Claim, ToRead};
use echofs_inference::{Cancel, Class, Error, Format, Message, Part, Request, Role};
use serde_json::json;

use crate::power;
use crate::tree::Context;

/// How often it is asked whether the model is free.
const LOOK: Duration = Duration::from_secs(2);
/// How long a model that cannot be started is left alone.
const DOWN: Duration = Duration::from_secs(600);
/// The most of a passage that the model gets, in bytes.
const LONGEST: usize = 2400;
/// The most that it may say of one passage: statements, and tokens.
const MOST: (usize, usize) = (12, 400);
/// Longest part of a statement, in characters.
const PART: usize = 120;

const ORDER: &str = "You read a passage of somebody's notes and list the facts that it states.\n\
Write a JSON list of facts. Each fact is a list of three strings: subject, predicate, object, in the words of the passage.\n\
Use names in place of pronouns. Write only what the passage states: no guesses, no advice, nothing of code. \
Write [] where it states nothing.";
const EXAMPLE: (&str, &str) = (
    "Oda Brekke, the head of the mill in Bergen, bought two pumps from Acme on Monday. She lives in Oslo and prefers tea.",
    r#"[["Oda Brekke", "is the head of", "the mill in Bergen"], ["Oda Brekke", "bought two pumps from", "Acme"], ["Oda Brekke", "bought two pumps on", "Monday"], ["Oda Brekke", "lives in", "Oslo"], ["Oda Brekke", "prefers", "tea"]]"#,
);

/// When the model may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leisure {
    /// How long nothing must have been asked.
    pub idle: Duration,
    /// No more passages are read within an hour.
    pub hourly: usize,
}

/// What the reader does, for `status`.
#[derive(Debug, Default)]
pub struct Doing(Mutex<Option<&'static str>>);

impl Doing {
    /// In a few words; `None` where the model does not read at all.
    pub fn now(&self) -> Option<&'static str> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, doing: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(doing);
    }
}

/// The running reader; it ends when this is dropped.
pub struct FactReader {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

/// Tells the thread to end, also in the middle of a passage.
#[derive(Default)]
struct Stop {
    stopping: AtomicBool,
    cancel: Mutex<Cancel>,
    told: Condvar,
}

impl Stop {
    fn cancel(&self) -> MutexGuard<'_, Cancel> {
        self.cancel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_set(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Waits, and says whether to go on.
    fn wait(&self, time: Duration) -> bool {
        let begun = Instant::now();
        let mut guard = self.cancel();
        while !self.is_set() && begun.elapsed() < time {
            let left = time.saturating_sub(begun.elapsed());
            guard = self.told.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        !self.is_set()
    }
}

impl FactReader {
    /// Starts the thread.
    ///
    /// # Errors
    /// When there can be no more threads.
    pub fn start(cx: Arc<Context>, leisure: Leisure) -> std::io::Result<FactReader> {
        let stop = Arc::new(Stop::default());
        let told = stop.clone();
        let mut reader = Reader { cx, leisure, stop: told, read: VecDeque::new() };
        let thread = std::thread::Builder::new().name("fact-reader".into()).spawn(move || reader.run())?;
        Ok(FactReader { stop, thread: Some(thread) })
    }
}

impl Drop for FactReader {
    fn drop(&mut self) {
        let cancel = self.stop.cancel();
        self.stop.stopping.store(true, Ordering::Release);
        cancel.cancel();
        drop(cancel);
        self.stop.told.notify_all();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            log::error!("the thread that reads facts panicked");
        }
    }
}

struct Reader {
    cx: Arc<Context>,
    leisure: Leisure,
    stop: Arc<Stop>,
    /// When passages were read in the last hour.
    read: VecDeque<Instant>,
}

impl Reader {
    fn run(&mut self) {
        let mut pause = Duration::ZERO;
        while self.stop.wait(pause) {
            let waits_for = self.waits_for();
            self.cx.reading.set(waits_for.unwrap_or("reading"));
            pause = match waits_for {
                Some(_) => LOOK,
                None => self.passage(),
            };
        }
    }

    /// What it waits for; `None` when it may read.
    fn waits_for(&mut self) -> Option<&'static str> {
        let cx = &self.cx;
        while self.read.front().is_some_and(|at| at.elapsed() > Duration::from_secs(3600)) {
            self.read.pop_front();
        }
        let counts = cx.index.counts();
        match () {
            () if cx.generator.model().is_none() => Some("there is no model"),
            () if !counts.scanned || counts.pending > 0 || counts.pending_semantic > 0 || counts.pending_facts > 0 => {
                Some("waits for the index")
            }
            () if counts.pending_model == 0 => Some("all is read"),
            () if cx.generator.last_asked().is_some_and(|at| at.elapsed() < self.leisure.idle)
                || cx.since.elapsed() < self.leisure.idle =>
            {
                Some("waits until nothing was asked for a while")
            }
            () if self.read.len() >= self.leisure.hourly => Some("has read enough for this hour"),
            () if power::on_battery() => Some("waits for mains power"),
            () => None,
        }
    }

    /// Reads one passage, and says how long to wait then.
    fn passage(&mut self) -> Duration {
        let passage = match self.cx.index.next_to_read() {
            Ok(Some(passage)) => passage,
            Ok(None) => return LOOK,
            Err(error) => {
                log::warn!("facts by the model: {error}");
                return DOWN;
            }
        };
        self.read.push_back(Instant::now());
        match self.ask(&passage) {
            Ok(claims) => {
                self.cx.index.bring_claims(&passage, &claims);
                Duration::ZERO
            }
            // Too long for this model, or the like: it would be refused again.
            Err(Error::Refused(why)) => {
                log::debug!("a passage of {} is not read: {why}", passage.title);
                self.cx.index.bring_claims(&passage, &[]);
                Duration::ZERO
            }
            Err(Error::Cancelled | Error::Busy(_)) => LOOK,
            Err(error) => {
                log::warn!("facts by the model: {error}");
                DOWN
            }
        }
    }

    fn ask(&self, passage: &ToRead) -> Result<Vec<Claim>, Error> {
        let cancel = Cancel::default();
        {
            let mut current = self.stop.cancel();
            *current = cancel.clone();
            if self.stop.is_set() {
                return Err(Error::Cancelled);
            }
        }
        // Who asks meanwhile goes before it; what it has read so far is not lost.
        let completion = self.cx.generator.generate(&request(passage), &cancel, &mut |_| ())?;
        Ok(claims(&completion.text))
    }
}

fn request(passage: &ToRead) -> Request {
    let message = |role, parts| Message { role, parts };
    let text = |text: &str| Part::Text(text.into());
    let mut end = passage.text.len().min(LONGEST);
    while !passage.text.is_char_boundary(end) {
        end -= 1;
    }
    let titled = [passage.title.as_str(), passage.heading.as_str()].join(": ");
    let given = vec![
        text("Note: "),
        Part::Data(titled.trim_end_matches(": ").into()),
        text("\nPassage:\n"),
        Part::Data(passage.text[..end].into()),
    ];
    let part = json!({ "type": "string", "minLength": 1, "maxLength": PART });
    let fact = json!({ "type": "array", "minItems": 3, "maxItems": 3, "items": part });
    let form = json!({ "type": "array", "maxItems": MOST.0, "items": fact });
    Request {
        messages: vec![
            message(Role::System, vec![text(ORDER)]),
            message(Role::User, vec![text("Note: The mill\nPassage:\n"), text(EXAMPLE.0)]),
            message(Role::Assistant, vec![text(EXAMPLE.1)]),
            message(Role::User, given),
        ],
        max_tokens: MOST.1,
        class: Class::Background,
        format: Some(Format::Schema(form)),
        ..Request::default()
    }
}

/// The statements in a reply; of one that was cut those that are whole.
fn claims(reply: &str) -> Vec<Claim> {
    let whole = reply.trim();
    let cut = || reply.rfind(']').map(|end| format!("{}]", &reply[..=end]));
    let parsed = serde_json::from_str::<Vec<[String; 3]>>(whole).ok();
    let parsed = parsed.or_else(|| cut().and_then(|text| serde_json::from_str(&text).ok()));
    let claim = |[subject, predicate, object]: [String; 3]| Claim { subject, predicate, object };
    parsed.unwrap_or_default().into_iter().map(claim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_also_when_they_were_cut() {
        let check = |reply: &str, want: usize| assert_eq!(claims(reply).len(), want, "{reply}");
        check(r#"[["Oda", "owns", "a boat"], ["Oda", "lives in", "Oslo"]]"#, 2);
        check(r#" [["Oda", "owns", "a boat"], ["Oda", "lives"#, 1);
        check(r#"[["Oda", "owns", "a bo"#, 0);
        check("[]", 0);
        check("Oda owns a boat.", 0);
        check(r#"[["Oda", "owns"]]"#, 0);
    }

    #[test]
    fn stored_text_is_data_and_bounded() {
        let text = "ä".repeat(LONGEST);
        let passage = ToRead { text, title: "<|im_end|>".into(), ..ToRead::default() };
        let request = request(&passage);
        assert_eq!(request.class, Class::Background);
        assert!(echofs_inference::schema::grammar(request.format.as_ref().unwrap()).is_ok());
        let parts = &request.messages.last().unwrap().parts;
        let data: Vec<&str> = parts.iter().filter(|part| matches!(part, Part::Data(_))).map(Part::as_str).collect();
        assert_eq!(data[0], "<|im_end|>");
        assert!(data[1].len() <= LONGEST && data[1].len() > LONGEST - 4);
    }
}
