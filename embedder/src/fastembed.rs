//! A real model on the ONNX runtime.
//!
//! One thread owns the model: it starts when the first text comes, takes queries before passages and one text a
//! run, so that a query never waits longer than one passage takes. (Batches are not faster with models whose weights
//! alone are int8, and with dynamically quantised ones a vector would depend on its neighbours in the batch.)

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use ::fastembed::TextEmbedding;

use crate::model::Model;
use crate::queue::{Job, Queue, Task};
use crate::{Embedder, Error, ModelId, runtime};

/// How a model is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The ONNX runtime library.
    pub runtime: PathBuf,
    /// Threads that work on one text. One is best while other processes are busy.
    pub threads: usize,
    /// The model leaves memory when it was not used for so long; it comes back in a tenth of a second.
    pub idle: Duration,
}

/// Long enough for a person who goes on searching.
const IDLE: Duration = Duration::from_secs(15 * 60);

impl Options {
    /// One thread and a quarter of an hour, with this runtime library.
    pub fn new(runtime: impl Into<PathBuf>) -> Self {
        Self { runtime: runtime.into(), threads: 1, idle: IDLE }
    }
}

/// An ONNX embedding model in a directory, loaded when it is first needed.
pub struct Fastembed {
    model: Model,
    options: Options,
    id: OnceLock<ModelId>,
    queue: Arc<Queue>,
    loaded: Arc<AtomicBool>,
    owner: Mutex<Option<JoinHandle<()>>>,
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
        let model = Model::open(dir)?;
        Ok(Self {
            model,
            options,
            id: OnceLock::new(),
            queue: Arc::default(),
            loaded: Arc::default(),
            owner: Mutex::new(None),
        })
    }

    fn start_owner(&self) {
        let mut owner = self.owner.lock().unwrap_or_else(PoisonError::into_inner);
        if owner.is_none() {
            let (model, options) = (self.model.clone(), self.options.clone());
            let (queue, loaded) = (self.queue.clone(), self.loaded.clone());
            let run = move || Owner { model, options, loaded, engine: None }.run(&queue);
            match std::thread::Builder::new().name("embedder".into()).spawn(run) {
                Ok(handle) => *owner = Some(handle),
                Err(e) => log::error!("no thread for the embedding model: {e}"),
            }
        }
    }

    fn jobs(&self, prefix: &str, texts: &[&str]) -> (Vec<Job>, Replies) {
        let (reply, replies) = mpsc::channel();
        let job = |(index, text): (usize, &&str)| Job { index, text: format!("{prefix}{text}"), reply: reply.clone() };
        (texts.iter().enumerate().map(job).collect(), replies)
    }
}

type Replies = mpsc::Receiver<(usize, Result<Vec<f32>, Error>)>;

impl Embedder for Fastembed {
    fn id(&self) -> &ModelId {
        self.id.get_or_init(|| self.model.id())
    }

    fn dim(&self) -> usize {
        self.model.dim
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        self.start_owner();
        let (jobs, replies) = self.jobs(self.model.passage_prefix, texts);
        self.queue.push_passages(jobs);
        collect(&replies, texts.len())
    }

    fn embed_query(&self, text: &str) -> Result<Vec<f32>, Error> {
        self.start_owner();
        let (jobs, replies) = self.jobs(self.model.query_prefix, &[text]);
        jobs.into_iter().for_each(|job| self.queue.push_query(job));
        collect(&replies, 1)?.pop().ok_or_else(|| Error::Failed("no vector came".into()))
    }

    fn loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    fn unload(&self) {
        self.queue.unload();
    }
}

impl Drop for Fastembed {
    fn drop(&mut self) {
        self.queue.stop();
        let owner = self.owner.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if owner.is_some_and(|handle| handle.join().is_err()) {
            log::error!("the thread of the embedding model panicked");
        }
    }
}

fn collect(replies: &Replies, count: usize) -> Result<Vec<Vec<f32>>, Error> {
    let mut vectors = vec![Vec::new(); count];
    for _ in 0..count {
        let (index, vector) = replies.recv().map_err(|_| Error::Failed("the embedding model stopped".into()))?;
        vectors[index] = vector?;
    }
    Ok(vectors)
}

/// The thread that has the model.
struct Owner {
    model: Model,
    options: Options,
    loaded: Arc<AtomicBool>,
    engine: Option<TextEmbedding>,
}

impl Owner {
    fn run(mut self, queue: &Queue) {
        loop {
            match queue.next(self.engine.as_ref().map(|_| self.options.idle)) {
                Task::Embed(job) => {
                    let vector = self.embed(job.text);
                    job.reply.send((job.index, vector)).ok();
                }
                Task::Unload => self.forget_engine(),
                Task::Stop => return,
            }
        }
    }

    /// A panic of the libraries below is an error of this text.
    fn embed(&mut self, text: String) -> Result<Vec<f32>, Error> {
        let result = catch_unwind(AssertUnwindSafe(|| self.try_embed(text)));
        result.unwrap_or_else(|_| {
            self.forget_engine();
            Err(Error::Failed("the model panicked".into()))
        })
    }

    fn try_embed(&mut self, text: String) -> Result<Vec<f32>, Error> {
        let dim = self.model.dim;
        let mut vectors = self.engine()?.embed([text], Some(1)).map_err(|e| Error::Failed(e.to_string()))?;
        let vector = vectors.pop().unwrap_or_default();
        if vector.len() != dim {
            return Err(Error::Failed(format!("{} numbers came instead of {dim}", vector.len())));
        }
        unit(vector)
    }

    fn engine(&mut self) -> Result<&mut TextEmbedding, Error> {
        if self.engine.is_none() {
            let started = std::time::Instant::now();
            let environment = runtime::load(&self.options.runtime)?;
            self.engine = Some(self.model.load(environment, self.options.threads.max(1))?);
            self.loaded.store(true, Ordering::Release);
            log::info!("loaded {} in {:.0?}", self.model.dir().display(), started.elapsed());
        }
        self.engine.as_mut().ok_or_else(|| Error::Failed("no model".into()))
    }

    fn forget_engine(&mut self) {
        self.engine = None;
        self.loaded.store(false, Ordering::Release);
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
