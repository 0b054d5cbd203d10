//! A model that does what it is told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use echofs_inference::{Cancel, Completion, Error as Failure, Generator, Request, State, Status};

use super::until;

/// What a scripted model does.
#[derive(Clone)]
pub enum Script {
    Says(&'static str),
    /// What it says to a prompt.
    Reads(fn(&str) -> &'static str),
    /// Says it and then waits to be cancelled.
    Hangs(&'static str),
    Fails(fn() -> Failure),
}

pub struct Model {
    script: Mutex<Script>,
    calls: AtomicUsize,
    pub cancelled: AtomicUsize,
    pub prompts: Mutex<Vec<Request>>,
    pub installed: AtomicUsize,
}

impl Model {
    pub fn new(script: Script) -> Arc<Model> {
        let script = Mutex::new(script);
        Arc::new(Model { script, calls: 0.into(), cancelled: 0.into(), prompts: Mutex::default(), installed: 1.into() })
    }

    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Acquire)
    }

    pub fn becomes(&self, script: Script) {
        *self.script.lock().unwrap() = script;
    }
}

impl Generator for Model {
    fn generate(
        &self,
        request: &Request,
        cancel: &Cancel,
        on_text: &mut dyn FnMut(&str),
    ) -> Result<Completion, Failure> {
        self.calls.fetch_add(1, Ordering::AcqRel);
        self.prompts.lock().unwrap().push(request.clone());
        let script = self.script.lock().unwrap().clone();
        let text = match script {
            Script::Fails(error) => return Err(error()),
            Script::Says(text) | Script::Hangs(text) => text,
            Script::Reads(reply) => {
                let parts = request.messages.last().map_or(&[][..], |message| &message.parts);
                reply(&parts.iter().map(echofs_inference::Part::as_str).collect::<String>())
            }
        };
        text.split_inclusive(' ').for_each(on_text);
        if matches!(script, Script::Hangs(_)) {
            until("the cancel", || cancel.is_cancelled());
            self.cancelled.fetch_add(1, Ordering::AcqRel);
            return Err(Failure::Cancelled);
        }
        Ok(Completion {
            text: text.into(),
            model: "scripted".into(),
            prompt_tokens: 9,
            output_tokens: 3,
            first_token_ms: 1.0,
            total_ms: 2.0,
            ..Completion::default()
        })
    }

    fn model(&self) -> Option<String> {
        (self.installed.load(Ordering::Acquire) > 0).then(|| "scripted".into())
    }

    fn status(&self) -> Status {
        Status { state: State::Idle, queue: 0, restarts: 0, model: self.model(), cpu: None, last_error: None }
    }
}
