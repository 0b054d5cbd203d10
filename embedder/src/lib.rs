//! Text to vectors, and how well texts answer a question.
//!
//! A leaf: it knows neither documents nor the store. [`Embedder`] and [`Reranker`] are the seams; [`fastembed`] and
//! [`cross_encoder`] run real models on the ONNX runtime, [`hashed`] and [`shared_words`] are for tests that need vectors or
//! scores without a model.

mod cross_encoder;
mod fastembed;
mod files;
mod hashed;
mod model;
mod owner;
mod queue;
mod runtime;
mod shared_words;

use std::path::PathBuf;
use std::time::Duration;

pub use cross_encoder::CrossEncoder;
pub use fastembed::Fastembed;
pub use hashed::Hashed;
pub use owner::Options;
pub use shared_words::SharedWords;

/// What a vector was made with: model name and the digest of its file. Vectors of different ids are not comparable.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModelId(pub String);

/// Why no vector or score came.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No model file where one was looked for.
    #[error("no model at {0}")]
    Missing(PathBuf),
    /// The file is there and cannot be used.
    #[error("the model {path} cannot be loaded: {reason}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the loader said.
        reason: String,
    },
    /// The model failed on a text.
    #[error("the model failed: {0}")]
    Failed(String),
}

/// Turns texts into unit vectors.
pub trait Embedder: Send + Sync {
    /// The model behind it; known without loading the model.
    fn id(&self) -> &ModelId;
    /// Length of every vector.
    fn dim(&self) -> usize;
    /// One vector of length [`dim`](Embedder::dim) and Euclidean norm 1 for each text, in order.
    /// Loads the model when it is first called.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error>;
    /// The same for a search query, ahead of any passages that wait.
    fn embed_query(&self, text: &str) -> Result<Vec<f32>, Error>;
    /// Whether the model is in memory now.
    fn loaded(&self) -> bool;
    /// Gives the model's memory back until it is needed again.
    fn unload(&self);
}

/// Judges how well texts answer a question, reading each together with it.
pub trait Reranker: Send + Sync {
    /// The model behind it.
    fn name(&self) -> &str;
    /// A score for each text, in order, higher is better; comparable within one question only. As far as `patience`
    /// allows: the last texts may have none. Loads the model when it is first called, which may take longer.
    fn rerank(&self, question: &str, texts: &[&str], patience: Duration) -> Result<Vec<f32>, Error>;
    /// Whether the model is in memory now.
    fn loaded(&self) -> bool;
    /// Gives the model's memory back until it is needed again.
    fn unload(&self);
}
