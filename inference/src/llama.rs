//! llama.cpp: the one file that names it.
//!
//! A loaded model has one context with one sequence. The prompt is read in pieces of a fixed size that start at multiples
//! of that size, and the state of the last prompt is kept up to such a border: a new prompt with the same beginning goes on
//! from there and computes exactly what it would have computed without. Left out: sampling (greedy only), adapters, GPUs.

use std::ffi::{CStr, CString, c_char, c_void};
use std::num::NonZeroU32;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};
use std::time::{Instant, SystemTime};

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::model::{LlamaChatMessage, LlamaChatTemplate, LlamaModel};
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::vocab::LlamaVocab;
use llama_cpp_sys_2 as sys;

use crate::prompt::{self, Segment};
use crate::scheduler::Engine;
use crate::text::Output;
use crate::{Cancel, Completion, Error, Request, model_name, probe};

/// How generations run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads of a generation.
    pub threads: usize,
    /// Tokens of the longest prompt and answer together; models made for fewer get fewer.
    pub context: u32,
    /// Go on from what is left of the last prompt where the new one starts alike.
    pub reuse: bool,
    /// The name of the CPU code that was loaded with [`load_cpu`].
    pub cpu: Option<String>,
}

/// llama.cpp with at most one model in memory.
#[derive(Debug)]
pub struct Llama {
    options: Options,
    loaded: Option<Loaded>,
}

impl Llama {
    /// No model yet.
    pub fn new(options: Options) -> Self {
        Self { options, loaded: None }
    }

    /// The token ids of a request as the model at `path` will read them.
    ///
    /// # Errors
    /// Those of [`crate::Generator::generate`].
    pub fn tokens(&mut self, path: &Path, request: &Request) -> Result<Vec<i32>, Error> {
        let tokens = self.ensure(path, &Cancel::default())?.tokens(request)?;
        Ok(tokens.into_iter().map(|token| token.0).collect())
    }

    /// The model at `path`, loaded if it is not, or if its file was replaced.
    fn ensure(&mut self, path: &Path, cancel: &Cancel) -> Result<&mut Loaded, Error> {
        let stamp = stamp(path)?;
        if self.loaded.as_ref().is_none_or(|loaded| loaded.stamp != stamp) {
            self.loaded = None;
            self.loaded = Some(Loaded::load(path, stamp, &self.options, cancel)?);
        }
        self.loaded.as_mut().ok_or_else(|| Error::Down("no model in memory".into()))
    }
}

impl Engine for Llama {
    fn generate(
        &mut self,
        model: &Path,
        request: &Request,
        cancel: &Cancel,
        on_text: &mut dyn FnMut(&str),
    ) -> Result<Completion, Error> {
        let start = Instant::now();
        let reuse = self.options.reuse;
        let loaded = self.ensure(model, cancel)?;
        if !reuse {
            loaded.forget();
        }
        let result = loaded.generate(request, cancel, on_text, start);
        if matches!(result, Err(Error::Down(_))) {
            loaded.forget();
        }
        result
    }

    fn unload(&mut self) {
        if self.loaded.take().is_some() {
            give_memory_back();
        }
    }

    fn loaded(&self) -> Option<String> {
        self.loaded.as_ref().map(|loaded| loaded.name.clone())
    }

    fn cpu(&self) -> Option<String> {
        self.options.cpu.clone()
    }
}

/// What tells a replaced file from the one in memory.
type Stamp = (PathBuf, u64, Option<SystemTime>);

fn stamp(path: &Path) -> Result<Stamp, Error> {
    let meta = std::fs::metadata(path).map_err(|e| Error::NoModel(format!("{}: {e}", path.display())))?;
    if !meta.is_file() {
        return Err(Error::NoModel(format!("{} is not a file", path.display())));
    }
    Ok((path.into(), meta.len(), meta.modified().ok()))
}

/// A model in memory. The context borrows the model, so it comes first and is dropped first.
#[derive(Debug)]
struct Loaded {
    context: LlamaContext<'static>,
    model: Box<LlamaModel>,
    name: String,
    stamp: Stamp,
    /// Tokens whose state is in the cache, all of them prompt, in whole pieces.
    cached: Vec<LlamaToken>,
    piece: usize,
}

impl Loaded {
    fn load(path: &Path, stamp: Stamp, options: &Options, cancel: &Cancel) -> Result<Self, Error> {
        let backend = backend()?;
        let model = Box::new(load_model(backend, path, cancel)?);
        let size = NonZeroU32::new(options.context.min(model.n_ctx_train()).max(64));
        let piece = piece(model.n_params());
        let params = context_params(options.threads, piece).with_n_ctx(size);
        // SAFETY: the model is boxed and never moved out; `Loaded` drops the context before the model.
        let borrowed: &'static LlamaModel = unsafe { &*std::ptr::from_ref::<LlamaModel>(&model) };
        let context = borrowed.new_context(backend, params).map_err(|e| unusable(path, &e.to_string()))?;
        Ok(Self { context, name: model_name(path), model, stamp, cached: Vec::new(), piece })
    }

    fn generate(
        &mut self,
        request: &Request,
        cancel: &Cancel,
        on_text: &mut dyn FnMut(&str),
        start: Instant,
    ) -> Result<Completion, Error> {
        let prompt = self.tokens(request)?;
        self.read(&prompt, cancel)?;
        let refusal = self.refusal(request);
        let mut output = Output::new(&request.stop);
        let (mut first_token_ms, mut certainty, mut chosen) = (0.0, 0.0, 0.0);
        let mut count = 0;
        let room = self.context.n_ctx() as usize - prompt.len();
        let mut batch = LlamaBatch::new(1, 1);
        while count < request.max_tokens.min(room) {
            if cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            if count > 0 {
                // The token before was not the last: the context reads it now.
                self.decode(&mut batch)?;
            }
            let logits = self.context.get_logits_ith(-1);
            let token = greedy(logits, refusal.filter(|_| count == 0).map(|(token, _)| token))?;
            certainty += log_probability(logits, token);
            chosen += 1.0;
            if count == 0 {
                first_token_ms = milliseconds(start);
            }
            let vocab = self.model.vocab();
            if vocab.is_eog(token) {
                break;
            }
            show(output.push(&vocab.token_to_piece(token, false, None)), on_text);
            count += 1;
            if output.stopped() {
                break;
            }
            batch.clear();
            add(&mut batch, token, prompt.len() + count - 1, true)?;
        }
        show(output.finish(), on_text);
        Ok(Completion {
            text: output.text().into(),
            model: self.name.clone(),
            prompt_tokens: prompt.len(),
            output_tokens: count,
            first_token_ms,
            total_ms: milliseconds(start),
            refusal: refusal.map_or(0.0, |(_, probability)| probability),
            confidence: (certainty / f32::max(chosen, 1.0)).exp(),
        })
    }

    /// The first token of the request's refusal and its probability; the prompt was just read.
    fn refusal(&self, request: &Request) -> Option<(LlamaToken, f32)> {
        let text = request.refusal.as_ref()?;
        let token = *data_tokens(&self.model.vocab(), text).first()?;
        Some((token, log_probability(self.context.get_logits_ith(-1), token).exp()))
    }

    /// Brings the state of the prompt into the cache; afterwards its last token's logits are there.
    fn read(&mut self, prompt: &[LlamaToken], cancel: &Cancel) -> Result<(), Error> {
        let mut at = self.keep(prompt);
        let mut batch = LlamaBatch::new(self.piece, 1);
        while at < prompt.len() {
            if cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let end = (at + self.piece).min(prompt.len());
            batch.clear();
            for (position, &token) in prompt.iter().enumerate().take(end).skip(at) {
                add(&mut batch, token, position, position + 1 == prompt.len())?;
            }
            self.decode(&mut batch)?;
            if end - at == self.piece {
                self.cached.extend_from_slice(&prompt[at..end]);
            }
            at = end;
        }
        Ok(())
    }

    /// Removes from the cache what does not belong to this prompt. Returns how many of its tokens are left there: whole
    /// pieces, and never all of them, since the last one has to be read for its logits.
    fn keep(&mut self, prompt: &[LlamaToken]) -> usize {
        let common = self.cached.iter().zip(prompt).take_while(|(a, b)| a == b).count();
        let keep = common.min(prompt.len() - 1) / self.piece * self.piece;
        let removed =
            u32::try_from(keep).ok().and_then(|from| self.context.clear_kv_cache_seq(Some(0), Some(from), None).ok());
        if removed != Some(true) {
            self.forget();
            return 0;
        }
        self.cached.truncate(keep);
        keep
    }

    fn forget(&mut self) {
        self.context.clear_kv_cache();
        self.cached.clear();
    }

    fn decode(&mut self, batch: &mut LlamaBatch) -> Result<(), Error> {
        self.context.decode(batch).map_err(|e| Error::Down(format!("llama.cpp cannot go on: {e}")))
    }

    /// The tokens of a request.
    fn tokens(&self, request: &Request) -> Result<Vec<LlamaToken>, Error> {
        let size = self.context.n_ctx() as usize;
        let too_long = |count: String| Error::Refused(format!("the prompt has {count} tokens, the context {size}"));
        let bytes: usize = request.messages.iter().flat_map(|m| &m.parts).map(|part| part.as_str().len()).sum();
        if bytes > size * 64 {
            return Err(too_long(format!("more than {}", bytes / 64)));
        }
        let segments = prompt::segments(&request.messages, |turns| self.render(turns)).map_err(Error::Refused)?;
        let tokens = tokenize(&self.model.vocab(), &segments);
        match tokens.len() {
            0 => Err(Error::Refused("the prompt is empty".into())),
            count if count >= size => Err(too_long(count.to_string())),
            _ => Ok(tokens),
        }
    }

    /// Applies the model's own chat template; ChatML or plain lines where it has none that llama.cpp knows.
    fn render(&self, turns: &[(&'static str, String)]) -> Result<String, String> {
        let chat: Result<Vec<_>, _> =
            turns.iter().map(|(role, text)| LlamaChatMessage::new((*role).into(), text.clone())).collect();
        let chat = chat.map_err(|e| e.to_string())?;
        let own = self.model.chat_template(None).ok();
        let chatml = is_one_token(&self.model.vocab(), "<|im_start|>").then(|| LlamaChatTemplate::new("chatml").ok());
        let templates = own.into_iter().chain(chatml.flatten());
        let mut rendered = templates.filter_map(|template| self.model.apply_chat_template(&template, &chat, true).ok());
        Ok(rendered.next().unwrap_or_else(|| plain(turns)))
    }
}

fn plain(turns: &[(&'static str, String)]) -> String {
    turns.iter().map(|(role, text)| format!("{role}: {text}\n\n")).collect::<String>() + "assistant:"
}

fn is_one_token(vocab: &LlamaVocab<'_>, text: &str) -> bool {
    vocab.tokenize(text.as_bytes(), false, true).len() == 1
}

/// Tokens of the segments, each on its own, with the start token where the model wants one.
fn tokenize(vocab: &LlamaVocab<'_>, segments: &[Segment]) -> Vec<LlamaToken> {
    let mut tokens = Vec::new();
    for segment in segments {
        match segment.special {
            true => tokens.extend(vocab.tokenize(segment.text.as_bytes(), false, true)),
            false => tokens.extend(data_tokens(vocab, &segment.text)),
        }
    }
    if vocab.should_add_bos() && tokens.first() != Some(&vocab.bos()) {
        tokens.insert(0, vocab.bos());
    }
    tokens
}

/// Tokens of stored text. Control tokens are not parsed; what a vocabulary adds besides (`<tool_call>`) would be, so
/// tokens that look like markup are taken apart.
fn data_tokens(vocab: &LlamaVocab<'_>, text: &str) -> Vec<LlamaToken> {
    let tokens = vocab.tokenize(text.as_bytes(), false, false);
    let mut out = Vec::with_capacity(tokens.len());
    for token in tokens {
        let piece = vocab.token_to_piece(token, true, None);
        if !is_markup(&piece) {
            out.push(token);
            continue;
        }
        for character in String::from_utf8_lossy(&piece).chars() {
            out.extend(vocab.tokenize(character.encode_utf8(&mut [0; 4]).as_bytes(), false, false));
        }
    }
    out
}

fn is_markup(piece: &[u8]) -> bool {
    piece.len() > 2 && matches!((piece.first(), piece.last()), (Some(b'<'), Some(b'>')) | (Some(b'['), Some(b']')))
}

/// The token with the highest logit, the first of equals, but not `without`.
fn greedy(logits: &[f32], without: Option<LlamaToken>) -> Result<LlamaToken, Error> {
    let mut best = (0, f32::NEG_INFINITY);
    for (token, &logit) in (0..).zip(logits) {
        if logit > best.1 && without.is_none_or(|without| without.0 != token) {
            best = (token, logit);
        }
    }
    match best.1.is_finite() {
        true => Ok(LlamaToken::new(best.0)),
        false => Err(Error::Down("the model computes no numbers".into())),
    }
}

/// The logarithm of a token's probability, at most 0.
fn log_probability(logits: &[f32], token: LlamaToken) -> f32 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - most).exp()).sum();
    usize::try_from(token.0).ok().and_then(|at| logits.get(at)).map_or(f32::NEG_INFINITY, |own| own - most - sum.ln())
}

fn add(batch: &mut LlamaBatch, token: LlamaToken, position: usize, logits: bool) -> Result<(), Error> {
    let position = i32::try_from(position).map_err(|e| Error::Refused(e.to_string()))?;
    batch.add(token, position, &[0], logits).map_err(|e| Error::Down(e.to_string()))
}

fn show(text: &str, on_text: &mut dyn FnMut(&str)) {
    if !text.is_empty() {
        on_text(text);
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

/// Tokens read at once, by the size of the model: so many that the matrices are used well, so few that a cancel is seen
/// soon. It depends on nothing else, or the same prompt would not always be computed the same way.
fn piece(parameters: u64) -> usize {
    match parameters {
        0..1_000_000_000 => 128,
        1_000_000_000..4_000_000_000 => 64,
        _ => 32,
    }
}

fn context_params(threads: usize, piece: usize) -> LlamaContextParams {
    let threads = i32::try_from(threads).unwrap_or(1).max(1);
    LlamaContextParams::default()
        .with_n_batch(piece as u32)
        .with_n_ubatch(piece as u32)
        .with_n_threads(threads)
        .with_n_threads_batch(threads)
        .with_flash_attention_policy(sys::LLAMA_FLASH_ATTN_TYPE_AUTO)
        .with_no_perf(true)
}

fn load_model(backend: &LlamaBackend, path: &Path, cancel: &Cancel) -> Result<LlamaModel, Error> {
    check_magic(path)?;
    let cancelled = cancel.clone();
    let params = LlamaModelParams::default().with_progress_callback(move |_| !cancelled.is_cancelled());
    last_complaint(Some(String::new()));
    LlamaModel::load_from_file(backend, path, &params).map_err(|e| match cancel.is_cancelled() {
        true => Error::Cancelled,
        false => match last_complaint(None) {
            complaint if complaint.is_empty() => unusable(path, &e.to_string()),
            complaint => unusable(path, &complaint),
        },
    })
}

/// Says at once, and in plain words, that a file is something else.
fn check_magic(path: &Path) -> Result<(), Error> {
    use std::io::Read;
    let mut magic = [0; 4];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    match read {
        Ok(()) if &magic == b"GGUF" => Ok(()),
        Ok(()) => Err(unusable(path, "it is no GGUF file")),
        Err(error) => Err(unusable(path, &error.to_string())),
    }
}

fn unusable(path: &Path, why: &str) -> Error {
    Error::Down(format!("the model {} cannot be used: {}", path.display(), why.trim()))
}

/// llama.cpp's global state; made once.
fn backend() -> Result<&'static LlamaBackend, Error> {
    static BACKEND: OnceLock<Result<LlamaBackend, String>> = OnceLock::new();
    let made = BACKEND.get_or_init(|| LlamaBackend::init().map_err(|e| e.to_string()));
    made.as_ref().map_err(|e| Error::Down(e.clone()))
}

/// The errors that llama.cpp logged since the last reset; a value resets it.
fn last_complaint(reset: Option<String>) -> String {
    static COMPLAINT: Mutex<String> = Mutex::new(String::new());
    let mut complaint = COMPLAINT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    match reset {
        Some(text) => std::mem::replace(&mut complaint, text),
        None => complaint.clone(),
    }
}

/// Takes llama.cpp's log to ours.
///
/// # Safety
/// `text` is a C string, as ggml's log callback promises.
unsafe extern "C" fn on_log(level: sys::ggml_log_level, text: *const c_char, _: *mut c_void) {
    // SAFETY: by the promise above.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    let text = text.trim_end();
    log::debug!(target: "llama", "{text}");
    if level == sys::GGML_LOG_LEVEL_ERROR && last_complaint(None).is_empty() {
        last_complaint(Some(text.chars().take(400).collect()));
    }
}

/// Sends llama.cpp's log to the `log` crate.
pub fn redirect_log() {
    // SAFETY: the callback is a function that lives for ever and takes no data.
    unsafe { sys::llama_log_set(Some(on_log), std::ptr::null_mut()) };
}

/// Loads a build of the CPU code; without one no model can be loaded.
///
/// # Errors
/// What is wrong, for people.
pub fn load_cpu(library: &Path) -> Result<(), String> {
    let path = c_path(library)?;
    // SAFETY: a C string; ggml checks what it loads and returns null if it is no backend.
    let loaded = unsafe { sys::ggml_backend_load(path.as_ptr()) };
    match loaded.is_null() {
        true => Err(format!("{} cannot be loaded", library.display())),
        false => Ok(()),
    }
}

/// How good a build of the CPU code is on this CPU; 0 when it lacks instructions.
///
/// # Errors
/// What is wrong, for people.
pub fn score(library: &Path) -> Result<i32, String> {
    let path = c_path(library)?;
    // SAFETY: C strings; `ggml_backend_score` is a function of no arguments that returns an int, by ggml's interface for backends.
    unsafe {
        let handle = libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
        if handle.is_null() {
            return Err(format!("{} cannot be loaded", library.display()));
        }
        let symbol = libc::dlsym(handle, c"ggml_backend_score".as_ptr());
        if symbol.is_null() {
            return Err(format!("{} has no score", library.display()));
        }
        Ok(std::mem::transmute::<*mut c_void, unsafe extern "C" fn() -> i32>(symbol)())
    }
}

fn c_path(path: &Path) -> Result<CString, String> {
    CString::new(path.as_os_str().as_bytes()).map_err(|e| e.to_string())
}

/// Runs the tiny model of [`probe`] at `path` with the CPU code that was loaded: logits after a prompt and after each of
/// four single tokens.
///
/// # Errors
/// What is wrong, for people.
pub fn probe_outputs(path: &Path) -> Result<Vec<f32>, String> {
    let backend = backend().map_err(|e| e.to_string())?;
    let model = LlamaModel::load_from_file(backend, path, &LlamaModelParams::default()).map_err(|e| e.to_string())?;
    let params = context_params(2, 128).with_n_ctx(NonZeroU32::new(256));
    let mut context = model.new_context(backend, params).map_err(|e| e.to_string())?;
    let mut outputs = Vec::new();
    for (from, to) in [(0, 70), (70, 71), (71, 72), (72, 73), (73, 74)] {
        let mut batch = LlamaBatch::new(128, 1);
        for position in from..to {
            let token = LlamaToken::new((position * 37 % probe::WIDTH) as i32);
            add(&mut batch, token, position, position + 1 == to).map_err(|e| e.to_string())?;
        }
        context.decode(&mut batch).map_err(|e| e.to_string())?;
        outputs.extend_from_slice(context.get_logits_ith(-1));
    }
    Ok(outputs)
}

/// Returns freed memory to the system.
fn give_memory_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes no pointers; only trims the allocator's free lists.
    unsafe {
        libc::malloc_trim(0);
    }
}
