//! The language model behind a unix socket: the service, its protocol and its client.
//!
//! A leaf: it knows neither documents nor the store. Callers hold a [`Generator`] and never see llama.cpp.

pub mod activation;
pub mod client;
pub mod cores;
mod counted;
pub mod cpu;
pub mod gguf;
#[cfg(feature = "llama")]
pub mod llama;
pub mod priority;
pub mod probe;
pub mod process;
pub mod prompt;
pub mod protocol;
pub mod quantize;
pub mod reading;
pub mod remote;
pub mod sandbox;
pub mod scheduler;
pub mod schema;
pub mod scripted;
pub mod server;
pub mod slots;
pub mod socket;
pub mod states;
pub mod text;
pub mod threads;
pub mod turn;
pub mod vocabulary;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime};

use serde::{Deserialize, Serialize};

pub use vocabulary::Vocabulary;

/// Asks a generation to stop; cheap to clone, safe to set from any thread.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Stops every generation that was started with this token.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }
    /// Whether it was set.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Who speaks in a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions of this program.
    System,
    /// The person, with the passages.
    User,
    /// An earlier reply, or the start of the reply to come when it is last.
    Assistant,
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Text of this program.
    Text(String),
    /// Stored or typed text: special tokens in it are never parsed.
    Data(String),
}

impl Part {
    /// What is said, whoever wrote it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Text(text) | Self::Data(text) => text,
        }
    }
}

/// One message of a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
}

/// How urgent a generation is. One of a lower class gives way between two tokens, and between two pieces of its prompt, while
/// one of a higher class runs or waits, and then goes on where it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Somebody waits for it: a question, a turn of a conversation.
    #[default]
    Interactive,
    /// Somebody asked for it and does something else meanwhile: a summary, a label.
    Requested,
    /// Nobody asked for it. It runs at the lowest priority for processor and disk.
    Background,
}

impl Class {
    /// All of them, the most urgent first.
    pub const ALL: [Class; 3] = [Class::Interactive, Class::Requested, Class::Background];
}

/// What is to be generated. Greedy decoding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The prompt, oldest message first; the model's own chat template is applied to it.
    pub messages: Vec<Message>,
    /// Upper bound of generated tokens.
    pub max_tokens: usize,
    /// Generation ends before any of these appears in the output.
    #[serde(default)]
    pub stop: Vec<String>,
    /// A reply that declines. It is never given: the completion says how probable it was, and has the best other one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// Whether the completion is to say how little the model expected the last stored text of the prompt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub surprisal: bool,
    /// How urgent it is.
    #[serde(default)]
    pub class: Class,
    /// The name of the conversation that this is a turn of: its state is kept, so that the next turn need not read all of it
    /// again, not even after a restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// The form that the text must have; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
}

/// A form that generated text must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Any JSON object.
    Json,
    /// JSON that fits this schema (see [`schema`] for what of JSON Schema is understood).
    Schema(serde_json::Value),
    /// Text of this grammar in llama.cpp's notation (GBNF); it begins with the rule `root`.
    Grammar(String),
}

/// A LoRA adapter on top of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adapter {
    /// Its file, in GGUF.
    pub path: PathBuf,
    /// How strongly it is applied; 1 is as it was trained, 0 is not at all.
    #[serde(default = "one")]
    pub scale: f32,
}

fn one() -> f32 {
    1.0
}

/// What a finished generation was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// All of the text.
    pub text: String,
    /// The model that wrote it, e.g. `qwen2.5-coder-1.5b-q4_k_m`.
    pub model: String,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// How many of them were not read again, since the state after them was kept.
    #[serde(default)]
    pub kept_tokens: usize,
    /// Tokens generated.
    pub output_tokens: usize,
    /// Milliseconds from the request to the first token.
    pub first_token_ms: f64,
    /// Milliseconds from the request to the end.
    pub total_ms: f64,
    /// Probability, 0 to 1, that the reply would have begun as the request's refusal does; 0 where there was none.
    #[serde(default)]
    pub refusal: f32,
    /// Geometric mean of the probabilities of the generated tokens, 0 to 1.
    #[serde(default)]
    pub confidence: f32,
    /// For each token of the prompt's last stored text the negative logarithm of its probability after all that stands before
    /// it, in nats; empty where that was not asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub surprisal: Vec<f32>,
    /// Threads that it had at the end: fewer than the service may have where the cores had other work.
    #[serde(default)]
    pub threads: usize,
}

/// State of the service as its client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// No process, or nothing to do.
    Idle,
    /// Generating.
    Busy,
    /// It cannot be started or keeps failing.
    Down,
}

/// What `status` shows of the service.
#[derive(Clone, Debug)]
pub struct Status {
    /// State now.
    pub state: State,
    /// Requests that wait.
    pub queue: usize,
    /// Times the process had to be started again after it died.
    pub restarts: u64,
    /// Name of the model in use, if one is configured and its file exists.
    pub model: Option<String>,
    /// Which build of llama.cpp's CPU code runs, once known (`avx2`, `zen4`, ...).
    pub cpu: Option<String>,
    /// The last failure, for people.
    pub last_error: Option<String>,
}

/// Model and adapter in use, and adapters that could be, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choices {
    /// The adapters on this machine, and their files.
    pub adapters: Vec<(String, PathBuf)>,
    /// The model in use.
    pub model: Option<String>,
    /// The adapter in use, and its scale.
    pub adapter: Option<(String, f32)>,
    /// Why the last order was refused, if it was.
    pub refused: Option<String>,
    /// When the last order was given.
    pub changed: Option<SystemTime>,
}

/// Why there is no text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No model is configured or its file is missing.
    #[error("no language model: {0}")]
    NoModel(String),
    /// The queue is full.
    #[error("the language model is busy: {0} requests wait")]
    Busy(usize),
    /// The process died or cannot be started.
    #[error("the language model is down: {0}")]
    Down(String),
    /// The request cannot be done (too long, bad parameter).
    #[error("the language model refused the request: {0}")]
    Refused(String),
    /// Stopped by its [`Cancel`].
    #[error("generation was cancelled")]
    Cancelled,
}

/// Prompt in, stream of text out.
pub trait Generator: Send + Sync {
    /// Runs one generation, calling `on_text` with each piece of text as it comes (whole UTF-8 characters).
    /// Blocks until it is done; returns soon after `cancel` is set, also while the prompt is being read.
    fn generate(&self, request: &Request, cancel: &Cancel, on_text: &mut dyn FnMut(&str)) -> Result<Completion, Error>;
    /// The name of the model that the next request gets; `None` when there is none on this machine. Starts nothing.
    fn model(&self) -> Option<String>;
    /// The vocabulary of the model that [`model`](Generator::model) names, to count tokens with; `None` where it is not known.
    /// Reads the head of a file at most.
    fn vocabulary(&self) -> Option<Arc<Vocabulary>> {
        None
    }
    /// When somebody last asked for something, background work left out; `None` when nobody did so far.
    fn last_asked(&self) -> Option<Instant> {
        None
    }
    /// State for `status`; starts nothing, never blocks.
    fn status(&self) -> Status;
    /// Drops every state that was kept of earlier prompts, in memory and on disk.
    fn forget(&self) {}
    /// Ends the processes that were started for it, and starts none any more.
    fn end(&self) {}
    /// The models on this machine that write text, and their files; may read them.
    fn models(&self) -> Vec<(String, PathBuf)> {
        Vec::new()
    }
    /// What is in use, and the adapters that could be; reads a directory at most.
    fn choices(&self) -> Choices {
        Choices { model: self.model(), ..Choices::default() }
    }
    /// Uses another model (a name, a path, or `none`) from the next request on.
    ///
    /// # Errors
    /// [`Error::Refused`] or [`Error::NoModel`] with the reason; nothing is changed then.
    fn use_model(&self, _name: &str) -> Result<(), Error> {
        Err(Error::Refused("the model of this mount cannot be changed".into()))
    }
    /// Uses another adapter (a name or a path; `None` for no adapter) at this scale from the next request on.
    ///
    /// # Errors
    /// [`Error::Refused`] with the reason; nothing is changed then.
    fn use_adapter(&self, _adapter: Option<(&str, f32)>) -> Result<(), Error> {
        Err(Error::Refused("the adapter of this mount cannot be changed".into()))
    }
}

/// The name of a model, from the name of its file: lower case, without the extension and `-instruct`.
pub fn model_name(path: &Path) -> String {
    let stem = gguf::printable(&path.file_stem().unwrap_or_default().to_string_lossy()).to_lowercase();
    stem.replacen("-instruct", "", 1)
}
