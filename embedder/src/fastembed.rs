//! A real model on the ONNX runtime.
//!
//! Its thread takes queries before passages and one text a run, so that a query never waits longer than one passage
//! takes; helpers take passages alone. (Batches are not faster with models whose weights alone are int8, and with
//! dynamically quantised ones a vector would depend on its neighbours in the batch.)

use std::path::Path;
use std::sync::OnceLock;

use ::fastembed::TextEmbedding;

use crate::model::Model;
use crate::owner::{Options, Owner, Replies, Work};
use crate::{Embedder, Error, ModelId, runtime};

/// An ONNX embedding model in a directory, loaded when it is first needed.
pub struct Fastembed {
    id: OnceLock<ModelId>,
    owner: Owner<Embedding>,
}

impl Fastembed {
    /// The model in `dir` (`model.onnx`, `tokenizer.json`, `config.json`, `tokenizer_config.json`,
    /// `special_tokens_map.json`). Reads small files only; the weights and the runtime library come with the first text.
    ///
    /// # Errors
    /// [`Error::Missing`] for a file that is not there, [`Error::Unusable`] for a description that cannot be read.
    pub fn open(dir: &Path, options: Options) -> Result<Self, Error> {
        if !options.runtime.is_file() {
            return Err(Error::Missing(options.runtime));
        }
        let (idle, helpers) = (options.idle, options.helpers);
        let embedding = Embedding { model: Model::open(dir)?, options };
        Ok(Self { id: OnceLock::new(), owner: Owner::new(embedding, idle, helpers) })
    }

    fn model(&self) -> &Model {
        &self.owner.work().model
    }
}

impl Embedder for Fastembed {
    fn id(&self) -> &ModelId {
        self.id.get_or_init(|| self.model().id())
    }

    fn dim(&self) -> usize {
        self.model().dim
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        let prefix = self.model().passage_prefix;
        let replies = self.owner.ask(texts.iter().map(|text| format!("{prefix}{text}")), None);
        collect(&replies, texts.len())
    }

    fn embed_query(&self, text: &str) -> Result<Vec<f32>, Error> {
        let replies = self.owner.ask_first(format!("{}{text}", self.model().query_prefix));
        collect(&replies, 1)?.pop().ok_or_else(|| Error::Failed("no vector came".into()))
    }

    fn loaded(&self) -> bool {
        self.owner.loaded()
    }

    fn unload(&self) {
        self.owner.unload();
    }
}

fn collect(replies: &Replies<Embedding>, count: usize) -> Result<Vec<Vec<f32>>, Error> {
    let mut vectors = vec![Vec::new(); count];
    for _ in 0..count {
        let (index, vector) = replies.recv().map_err(|_| Error::Failed("its thread stopped".into()))?;
        vectors[index] = vector?;
    }
    Ok(vectors)
}

/// Texts to vectors.
struct Embedding {
    model: Model,
    options: Options,
}

impl Work for Embedding {
    type Engine = TextEmbedding;
    type Input = String;
    type Output = Vec<f32>;

    fn dir(&self) -> &Path {
        self.model.files.dir()
    }

    fn load(&self) -> Result<TextEmbedding, Error> {
        self.model.load(runtime::load(&self.options.runtime)?, self.options.threads.max(1))
    }

    fn run(&self, engine: &mut TextEmbedding, text: String) -> Result<Vec<f32>, Error> {
        let mut vectors = engine.embed([text], Some(1)).map_err(|e| Error::Failed(e.to_string()))?;
        let vector = vectors.pop().unwrap_or_default();
        if vector.len() != self.model.dim {
            return Err(Error::Failed(format!("{} numbers came instead of {}", vector.len(), self.model.dim)));
        }
        unit(vector)
    }
}

fn unit(mut vector: Vec<f32>) -> Result<Vec<f32>, Error> {
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if !norm.is_finite() || norm < 1e-6 {
        return Err(Error::Failed("the vector has no direction".into()));
    }
    vector.iter_mut().for_each(|x| *x /= norm);
    Ok(vector)
}
