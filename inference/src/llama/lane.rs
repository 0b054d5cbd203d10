//! A context and its one sequence: reads prompts, writes answers.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::context::session::LlamaStateSeqFlags;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_sys_2 as sys;

use super::Options;
use super::backend::backend;
use super::constraint::{Choice, Logits};
use super::model::{Loaded, Model, unusable};
use super::tokens;
use crate::cores::Cores;
use crate::reading::Reading;
use crate::states::{Key, States};
use crate::text::Output;
use crate::turn::Turn;
use crate::{Adapter, Completion, Error, Request};

/// The one sequence of a context.
const SEQUENCE: i32 = 0;

/// An opening of fewer tokens is read as fast as its state is fetched.
const WORTH_KEEPING: usize = 16;

/// A context of a model. It borrows the model, so it comes first and is dropped first.
#[derive(Debug)]
pub struct Lane {
    context: LlamaContext<'static>,
    /// The model.
    pub model: Arc<Model>,
    /// How many threads the context should have, and how many it has.
    cores: Cores,
    threads: usize,
    adapter: Option<(Loaded, f32)>,
    /// Of the model with this adapter.
    fingerprint: String,
    /// What the sequence holds: prompt, up to a border.
    cached: Reading,
    states: Arc<States>,
    /// [`States::forgotten`] when the sequence was read.
    forgotten: u64,
    /// Whether a prompt goes on from what earlier ones have left.
    reuse: bool,
    /// The state of an opening, to be kept when there is time.
    opening: Option<(Key, Vec<u8>)>,
    /// The conversation whose turn was just done, until its state is kept. Of one that was stopped, which may be to be forgotten,
    /// nothing is.
    conversation: Option<String>,
}

impl Lane {
    /// An empty context.
    ///
    /// # Errors
    /// [`Error::Down`].
    pub fn new(model: Arc<Model>, options: &Options, states: Arc<States>) -> Result<Self, Error> {
        let size = NonZeroU32::new(options.context.min(model.llama.n_ctx_train()).max(64));
        let context = new_context(&model, options.threads, size)?;
        let watched = !cfg!(any(feature = "cuda", feature = "metal", feature = "rocm", feature = "vulkan"));
        let cores = Cores::new(options.threads, watched);
        let (fingerprint, forgotten) = (model.fingerprint.clone(), states.forgotten());
        Ok(Self {
            context,
            model,
            threads: cores.wanted(),
            cores,
            adapter: None,
            fingerprint,
            cached: Reading::default(),
            states,
            forgotten,
            reuse: options.reuse,
            opening: None,
            conversation: None,
        })
    }

    /// The tokens of a request.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn reading(&self, request: &Request) -> Result<Reading, Error> {
        tokens::reading(&self.model.llama, request, self.context.n_ctx() as usize)
    }

    /// Uses this adapter, or none, from now on.
    ///
    /// # Errors
    /// [`Error::Refused`] with the reason; nothing is changed then.
    pub fn adapt(&mut self, adapter: Option<&Adapter>) -> Result<(), Error> {
        let adapter = adapter.filter(|adapter| adapter.scale != 0.0);
        let wanted = match adapter {
            Some(adapter) if !adapter.scale.is_finite() => return Err(Error::Refused("the scale is no number".into())),
            Some(adapter) => Some((self.model.adapter(&adapter.path)?, adapter.scale)),
            None => None,
        };
        let fingerprint = match &wanted {
            Some((loaded, scale)) => format!("{} {} {scale}", self.model.fingerprint, loaded.digest),
            None => self.model.fingerprint.clone(),
        };
        if fingerprint == self.fingerprint {
            return Ok(());
        }
        // What the sequence holds was computed with another adapter.
        self.forget();
        // To set one replaces what was set before; with a scale of 0 there is none.
        if let Some((loaded, scale)) = wanted.clone().or_else(|| Some((self.adapter.clone()?.0, 0.0))) {
            set_adapter(&mut self.context, &loaded, scale)?;
        }
        (self.adapter, self.fingerprint) = (wanted, fingerprint);
        Ok(())
    }

    /// Gives the context as many threads as there are cores for. What the sequence holds stays.
    fn fit(&mut self) -> Result<(), Error> {
        let wanted = self.cores.wanted();
        if wanted == self.threads {
            return Ok(());
        }
        let state = self.state();
        // llama.cpp takes the number of threads of a context when it is made.
        self.context = new_context(&self.model, wanted, NonZeroU32::new(self.context.n_ctx()))?;
        self.threads = wanted;
        if let Some((loaded, scale)) = &self.adapter {
            // It was taken before: the request is not to blame, and the new context is no good.
            set_adapter(&mut self.context, loaded, *scale).map_err(|error| Error::Down(error.to_string()))?;
        }
        match self.set_state(&state) {
            true => Ok(()),
            false => Err(Error::Down("llama.cpp does not take its own state".into())),
        }
    }

    /// Runs one generation.
    ///
    /// # Errors
    /// Those of [`crate::Generator::generate`].
    pub fn generate(
        &mut self,
        request: &Request,
        turn: &Turn<'_>,
        on_text: &mut dyn FnMut(&str),
        start: Instant,
    ) -> Result<Completion, Error> {
        let mut choice = Choice::new(&self.model.llama, request.format.as_ref())?;
        let prompt = self.reading(request)?;
        self.forget_what_was_forgotten();
        if !self.reuse {
            self.forget();
        }
        let (kept_tokens, surprisal) = self.read(&prompt, turn, request.surprisal)?;
        let refusal = self.refusal(request)?;
        let mut output = Output::new(&request.stop);
        let (mut first_token_ms, mut certainty, mut chosen) = (0.0, 0.0, 0.0);
        let mut count = 0;
        let length = prompt.tokens.len();
        let room = self.context.n_ctx() as usize - length;
        let mut batch = LlamaBatch::new(1, 1);
        while count < request.max_tokens.min(room) {
            turn.wait()?;
            if count > 0 {
                // The token before was not the last: the context reads it now.
                self.decode(&mut batch)?;
            }
            let logits = Logits::new(self.context.get_logits_ith(-1))?;
            let token = match &mut choice {
                Some(choice) => choice.take(logits)?,
                None => logits.greedy(refusal.filter(|_| count == 0).map(|(token, _)| token)),
            };
            certainty += logits.log_probability(token);
            chosen += 1.0;
            if count == 0 {
                first_token_ms = milliseconds(start);
            }
            let vocab = self.model.llama.vocab();
            if vocab.is_eog(token) {
                break;
            }
            show(output.push(&vocab.token_to_piece(token, false, None)), on_text);
            count += 1;
            if output.stopped() {
                break;
            }
            batch.clear();
            add(&mut batch, token, length + count - 1, true)?;
        }
        show(output.finish(), on_text);
        self.conversation = request.conversation.clone().filter(|_| self.reuse);
        Ok(Completion {
            text: output.text().into(),
            model: self.model.name.clone(),
            prompt_tokens: length,
            kept_tokens,
            output_tokens: count,
            first_token_ms,
            total_ms: milliseconds(start),
            refusal: refusal.map_or(0.0, |(_, probability)| probability),
            confidence: (certainty / f32::max(chosen, 1.0)).exp(),
            surprisal,
            threads: self.threads,
        })
    }

    /// The first token of the request's refusal and its probability; the prompt was just read.
    fn refusal(&self, request: &Request) -> Result<Option<(LlamaToken, f32)>, Error> {
        let tokens = request.refusal.as_ref().map(|text| tokens::data_tokens(&self.model.llama.vocab(), text));
        let Some(&token) = tokens.as_ref().and_then(|tokens| tokens.first()) else { return Ok(None) };
        let logits = Logits::new(self.context.get_logits_ith(-1))?;
        Ok(Some((token, logits.log_probability(token).exp())))
    }

    /// Brings the state of the prompt into the sequence; afterwards its last token's logits are there. Gives how many tokens
    /// were there already, and how little each token of the last stored text was expected, if that is wanted.
    fn read(&mut self, prompt: &Reading, turn: &Turn<'_>, weigh: bool) -> Result<(usize, Vec<f32>), Error> {
        let piece = self.model.piece;
        let weighed = if weigh { prompt.stored.clone() } else { 0..0 };
        let mut surprisal = Vec::with_capacity(weighed.len());
        // What is told of a token is computed when the one before it is read.
        let last = if weighed.is_empty() { prompt.tokens.len() } else { weighed.start };
        let kept = self.go_on_from(prompt, last.saturating_sub(1));
        let mut at = kept;
        let mut batch = LlamaBatch::new(piece, 1);
        while at < prompt.tokens.len() {
            turn.wait()?;
            let end = prompt.next(at, piece);
            batch.clear();
            for position in at..end {
                let token = LlamaToken::new(prompt.tokens[position]);
                let told = position + 1 == prompt.tokens.len() || weighed.contains(&(position + 1));
                add(&mut batch, token, position, told)?;
            }
            self.decode(&mut batch)?;
            for next in (at + 1..=end).filter(|next| weighed.contains(next)) {
                let logits = Logits::new(self.context.get_logits_ith((next - 1 - at) as i32))?;
                surprisal.push(-logits.log_probability(LlamaToken::new(prompt.tokens[next])));
            }
            if prompt.is_border(end, piece) {
                self.cached.tokens.extend_from_slice(&prompt.tokens[at..end]);
            }
            at = end;
            if at == prompt.fixed {
                self.note_opening();
            }
        }
        Ok((kept, surprisal))
    }

    /// Leaves in the sequence what this prompt begins with, or fetches more of that where it was kept. Returns how many tokens of
    /// the prompt are there: up to a border, and at most `limit`, since those after it have to be read for their logits.
    fn go_on_from(&mut self, prompt: &Reading, limit: usize) -> usize {
        let piece = self.model.piece;
        let here = self.cached.shared(prompt, piece, limit);
        let found = self.reuse.then(|| self.states.find(&self.fingerprint, prompt, piece, here));
        if let Some((_, key, state)) = found.flatten() {
            match self.restore(&state) {
                true => self.cached = Reading { tokens: key.tokens, fixed: key.fixed, ..Reading::default() },
                false => {
                    log::warn!("a kept state is not taken by llama.cpp and is computed again");
                    self.states.reject(&key);
                    self.forget();
                }
            }
        }
        let keep = self.cached.shared(prompt, piece, limit);
        if !self.cut(keep) {
            self.forget();
            return 0;
        }
        self.cached = prompt.beginning(keep);
        keep
    }

    /// Removes from the sequence what comes after its first `count` tokens.
    fn cut(&mut self, count: usize) -> bool {
        let from = u32::try_from(count).ok();
        from.and_then(|from| self.context.clear_kv_cache_seq(Some(0), Some(from), None).ok()) == Some(true)
    }

    fn restore(&mut self, state: &[u8]) -> bool {
        self.forget();
        self.set_state(state)
    }

    fn set_state(&mut self, state: &[u8]) -> bool {
        // SAFETY: the bytes are what `state` wrote for a context with the same fingerprint; llama.cpp checks shapes and bounds.
        unsafe { self.context.state_seq_set_data_ext(state, SEQUENCE, LlamaStateSeqFlags::empty()) }
    }

    /// The state of the sequence, in bytes.
    fn state(&self) -> Vec<u8> {
        let size = self.context.state_seq_get_size_ext(SEQUENCE, LlamaStateSeqFlags::empty());
        let mut state = vec![0; size];
        // SAFETY: `state` has the size that llama.cpp asked for.
        let written =
            unsafe { self.context.state_seq_get_data_ext(state.as_mut_ptr(), SEQUENCE, LlamaStateSeqFlags::empty()) };
        state.truncate(written);
        state
    }

    /// Takes the state of the opening, which has just been read, if it is not kept yet.
    fn note_opening(&mut self) {
        let tokens = &self.cached.tokens;
        if self.reuse && tokens.len() >= WORTH_KEEPING && !self.states.has(&self.fingerprint, tokens) {
            self.opening = Some((self.key(None), self.state()));
        }
    }

    fn key(&self, conversation: Option<String>) -> Key {
        let Reading { tokens, fixed, .. } = self.cached.clone();
        Key { fingerprint: self.fingerprint.clone(), tokens, fixed, conversation }
    }

    /// Keeps the state of the opening and, where it was a turn of a conversation, that of the prompt; each if it is new.
    pub fn keep_state(&mut self) {
        let (opening, conversation) = (self.opening.take(), self.conversation.take());
        if let Some((key, state)) = opening {
            self.states.put(key, state, self.forgotten);
        }
        let count = self.cached.tokens.len();
        let is_new = count >= WORTH_KEEPING && !self.states.has(&self.fingerprint, &self.cached.tokens);
        if conversation.is_some() && is_new && self.cut(count) {
            self.states.put(self.key(conversation), self.state(), self.forgotten);
        }
    }

    /// Empties the sequence after a failure, and keeps nothing of what was computed in it.
    pub fn give_up(&mut self) {
        self.forget();
        self.opening = None;
    }

    /// Empties the sequence.
    pub fn forget(&mut self) {
        self.context.clear_kv_cache();
        self.cached = Reading::default();
    }

    /// Empties the sequence if what was kept has been forgotten since it was read.
    pub fn forget_what_was_forgotten(&mut self) {
        if self.forgotten != self.states.forgotten() {
            self.forgotten = self.states.forgotten();
            self.forget();
        }
    }

    fn decode(&mut self, batch: &mut LlamaBatch) -> Result<(), Error> {
        self.fit()?;
        let Self { cores, context, .. } = self;
        cores.step(|| context.decode(batch)).map_err(|e| Error::Down(format!("llama.cpp cannot go on: {e}")))
    }
}

/// An empty context of the model.
fn new_context(model: &Arc<Model>, threads: usize, size: Option<NonZeroU32>) -> Result<LlamaContext<'static>, Error> {
    // SAFETY: the model does not move in its `Arc`; `Lane` drops the context before its share of the model.
    let borrowed: &'static LlamaModel = unsafe { &*std::ptr::from_ref::<LlamaModel>(&model.llama) };
    let params = context_params(threads, model.piece).with_n_ctx(size);
    borrowed.new_context(backend()?, params).map_err(|e| unusable(Path::new(&model.name), &e.to_string()))
}

fn set_adapter(context: &mut LlamaContext<'_>, adapter: &Loaded, scale: f32) -> Result<(), Error> {
    let set = context.lora_adapter_set(&mut adapter.handle(), scale);
    set.map_err(|e| Error::Refused(format!("the adapter cannot be used: {e}")))
}

/// Parameters of a context that reads pieces of this size.
pub fn context_params(threads: usize, piece: usize) -> LlamaContextParams {
    let threads = i32::try_from(threads).unwrap_or(1).max(1);
    LlamaContextParams::default()
        .with_n_batch(piece as u32)
        .with_n_ubatch(piece as u32)
        .with_n_threads(threads)
        .with_n_threads_batch(threads)
        .with_flash_attention_policy(sys::LLAMA_FLASH_ATTN_TYPE_AUTO)
        .with_no_perf(true)
}

fn add(batch: &mut LlamaBatch, token: LlamaToken, position: usize, logits: bool) -> Result<(), Error> {
    let position = i32::try_from(position).map_err(|e| Error::Refused(e.to_string()))?;
    batch.add(token, position, &[SEQUENCE], logits).map_err(|e| Error::Down(e.to_string()))
}

fn show(text: &str, on_text: &mut dyn FnMut(&str)) {
    if !text.is_empty() {
        on_text(text);
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}
