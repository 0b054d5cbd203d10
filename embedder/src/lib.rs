//! Text to vectors.
//!
//! A leaf: it knows neither documents nor the store. [`Embedder`] is the seam; [`fastembed`] runs a real
//! model on the ONNX runtime, [`hashed`] is for tests that need vectors without a model.

mod fastembed;
mod hashed;
mod model;
mod queue;
mod runtime;

use std::path::PathBuf;

pub use fastembed::{Fastembed, Options};
pub use hashed::Hashed;

/// What a vector was made with: model name and the digest of its file. Vectors of different ids are not comparable.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModelId(pub String);

/// Why no vector came.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No model file where one was looked for.
    #[error("no embedding model at {0}")]
    Missing(PathBuf),
    /// The file is there and cannot be used.
    #[error("the embedding model {path} cannot be loaded: {reason}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the loader said.
        reason: String,
    },
    /// The model failed on a text.
    #[error("embedding failed: {0}")]
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
