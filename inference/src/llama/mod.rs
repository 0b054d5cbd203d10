//! llama.cpp: the one module that names it.
//!
//! The engines of one service share a model in memory; each has a context of its own, with one sequence. A prompt is read in pieces (see
//! [`crate::reading`]) and its state is kept up to the last border: in the context for the next prompt, in [`States`] for
//! longer. Left out: sampling (greedy only).

mod backend;
mod constraint;
mod lane;
mod loader;
mod model;
pub mod quantize;
mod tokens;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

pub use backend::{load_cpu, probe_outputs, redirect_log, score};
pub use model::Models;

use lane::Lane;

use crate::scheduler::{Engine, Work};
use crate::states::States;
use crate::turn::Turn;
use crate::{Adapter, Cancel, Completion, Error, Request};

/// How generations run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads of a generation.
    pub threads: usize,
    /// Tokens of the longest prompt and answer together; models made for fewer get fewer.
    pub context: u32,
    /// Go on from what is left of earlier prompts where the new one starts alike.
    pub reuse: bool,
    /// The name of the CPU code that was loaded with [`load_cpu`].
    pub cpu: Option<String>,
    /// Layers of the model that go to a GPU, where llama.cpp was built for one; all of them when not given.
    pub gpu_layers: Option<u32>,
}

impl Default for Options {
    /// One thread, 4,096 tokens.
    fn default() -> Self {
        Self { threads: 1, context: 4096, reuse: true, cpu: None, gpu_layers: None }
    }
}

/// An engine: at most one context, of a model that is shared.
#[derive(Debug)]
pub struct Llama {
    options: Options,
    models: Arc<Models>,
    states: Arc<States>,
    lane: Option<Lane>,
}

impl Llama {
    /// No model yet.
    pub fn new(options: Options, models: Arc<Models>, states: Arc<States>) -> Self {
        Self { options, models, states, lane: None }
    }

    /// The token ids of a request as the model at `path` will read them.
    ///
    /// # Errors
    /// Those of [`crate::Generator::generate`].
    pub fn tokens(&mut self, path: &Path, request: &Request) -> Result<Vec<i32>, Error> {
        Ok(self.ensure(path, &Cancel::default())?.reading(request)?.tokens)
    }

    /// Whether this model can be used, and this adapter with it.
    ///
    /// # Errors
    /// The reason why not.
    pub fn check(&mut self, path: &Path, adapter: Option<&Adapter>) -> Result<(), Error> {
        self.ensure(path, &Cancel::default())?.adapt(adapter)
    }

    /// A context of the model at `path`, which is loaded if it is not, or if its file was replaced.
    fn ensure(&mut self, path: &Path, cancel: &Cancel) -> Result<&mut Lane, Error> {
        if let Some(lane) = self.lane.take_if(|lane| !lane.model.is_of(path)) {
            drop(lane);
        }
        match &self.lane {
            Some(lane) => self.models.adopt(&lane.model),
            None => {
                let model = self.models.get(path, &self.options, cancel)?;
                self.lane = Some(Lane::new(model, &self.options, Arc::clone(&self.states))?);
            }
        }
        self.lane.as_mut().ok_or_else(|| Error::Down("no model in memory".into()))
    }
}

impl Engine for Llama {
    fn generate(&mut self, work: &Work, turn: &Turn<'_>, on_text: &mut dyn FnMut(&str)) -> Result<Completion, Error> {
        let start = Instant::now();
        let lane = self.ensure(&work.model, turn.cancel)?;
        lane.adapt(work.adapter.as_ref())?;
        let result = lane.generate(&work.request, turn, on_text, start);
        if matches!(result, Err(Error::Down(_))) {
            lane.give_up();
        }
        result
    }

    fn keep_state(&mut self) {
        if let Some(lane) = &mut self.lane {
            lane.keep_state();
        }
    }

    fn tidy(&mut self) {
        if let Some(lane) = self.lane.take_if(|lane| !self.models.is_current(&lane.model)) {
            drop(lane);
            backend::give_memory_back();
        }
        if let Some(lane) = &mut self.lane {
            lane.forget_what_was_forgotten();
        }
    }

    fn unload(&mut self) {
        if self.lane.take().is_some() {
            self.states.release();
            backend::give_memory_back();
        }
    }

    fn loaded(&self) -> Option<String> {
        self.lane.as_ref().map(|lane| lane.model.name.clone())
    }

    fn cpu(&self) -> Option<String> {
        self.options.cpu.clone()
    }
}
