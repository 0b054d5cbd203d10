//! The language model behind a unix socket: the service, its protocol and its client.
//!
//! A leaf: it knows neither documents nor the store. Callers hold a [`Generator`] and never see llama.cpp.

pub mod client;
pub mod cpu;
#[cfg(feature = "llama")]
pub mod llama;
pub mod gguf;
pub mod probe;
pub mod process;
pub mod prompt;
pub mod protocol;
pub mod quantize;
pub mod reading;
pub mod sandbox;
pub mod scheduler;
pub mod scripted;
pub mod server;
pub mod slots;
pub mod socket;
pub mod states;
pub mod text;
pub mod threads;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

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
    /// State for `status`; starts nothing, never blocks.
    fn status(&self) -> Status;
}

/// The name of a model, from the name of its file: lower case, without the extension and `-instruct`.
pub fn model_name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    stem.replacen("-instruct", "", 1)
}
