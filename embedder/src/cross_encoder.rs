//! A cross-encoder on the ONNX runtime: it reads a question and a text together, which is slower than to compare
//! vectors, and better. It has a thread of its own, so that no query waits for it.

use std::path::Path;
use std::time::{Duration, Instant};

use ::fastembed::{RerankInitOptionsUserDefined, TextRerank, UserDefinedRerankingModel};

use crate::files::{Files, WEIGHTS};
use crate::owner::{Options, Owner, Work};
use crate::{Error, Reranker, runtime};

/// No more tokens of a question and a text together are looked at.
const MAX_TOKENS: usize = 512;
/// Time that loading may take.
const LOADING: Duration = Duration::from_secs(20);

/// An ONNX cross-encoder in a directory, loaded when it is first needed.
pub struct CrossEncoder {
    name: String,
    owner: Owner<Pairs>,
}

impl CrossEncoder {
    /// The model in `dir`, which has the same files as an embedding model; its output is called `logits`. Reads nothing
    /// so far: weights and runtime library come with the first text.
    ///
    /// # Errors
    /// [`Error::Missing`] for a file that is not there.
    pub fn open(dir: &Path, options: Options) -> Result<Self, Error> {
        if !options.runtime.is_file() {
            return Err(Error::Missing(options.runtime));
        }
        let (files, idle) = (Files::open(dir)?, options.idle);
        Ok(Self { name: files.name(), owner: Owner::new(Pairs { files, options }, idle, 0) })
    }

    /// Scores of the first texts, as many as come in time.
    fn in_time(&self, question: &str, texts: &[&str], patience: Duration) -> Result<Vec<f32>, Error> {
        let end = Instant::now() + patience;
        let pairs = texts.iter().map(|text| (question.to_owned(), (*text).to_owned()));
        let replies = self.owner.ask(pairs, Some(end));
        let mut scores = Vec::with_capacity(texts.len());
        while let Ok((_, score)) = replies.recv_timeout(end.saturating_duration_since(Instant::now())) {
            scores.push(score?);
        }
        Ok(scores)
    }
}

impl Reranker for CrossEncoder {
    fn name(&self) -> &str {
        &self.name
    }

    fn rerank(&self, question: &str, texts: &[&str], patience: Duration) -> Result<Vec<f32>, Error> {
        let Some((first, others)) = texts.split_first() else { return Ok(Vec::new()) };
        let loading = if self.loaded() { Duration::ZERO } else { LOADING };
        let mut scores = self.in_time(question, &[first], patience + loading)?;
        if !scores.is_empty() {
            scores.extend(self.in_time(question, others, patience)?);
        }
        Ok(scores)
    }

    fn loaded(&self) -> bool {
        self.owner.loaded()
    }

    fn unload(&self) {
        self.owner.unload();
    }
}

/// A question and a text to a score.
struct Pairs {
    files: Files,
    options: Options,
}

impl Work for Pairs {
    type Engine = TextRerank;
    type Input = (String, String);
    type Output = f32;

    fn dir(&self) -> &Path {
        self.files.dir()
    }

    /// The runtime reads the weights itself, which saves a copy.
    fn load(&self) -> Result<TextRerank, Error> {
        let environment = runtime::load(&self.options.runtime)?;
        let model = UserDefinedRerankingModel::new(self.files.dir().join(WEIGHTS), self.files.tokenizer()?);
        let options = RerankInitOptionsUserDefined::new()
            .with_environment(environment)
            .with_max_length(MAX_TOKENS)
            .with_intra_threads(self.options.threads.max(1))
            .with_session_config("session.intra_op.allow_spinning", "0")
            .with_session_config("session.inter_op.allow_spinning", "0");
        TextRerank::try_new_from_user_defined(model, options).map_err(|e| self.files.unusable(e))
    }

    fn run(&self, engine: &mut TextRerank, (question, text): (String, String)) -> Result<f32, Error> {
        let ranked = engine.rerank(question, [text], false, Some(1)).map_err(|e| Error::Failed(e.to_string()))?;
        let score = ranked.first().map(|one| one.score).filter(|score| score.is_finite());
        score.ok_or_else(|| Error::Failed("no score came".into()))
    }
}
