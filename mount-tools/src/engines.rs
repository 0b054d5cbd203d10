//! Chooses the engines (embedding model, language model) and opens the store and the answers with them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use echofs_embedder::{CrossEncoder, Embedder, Fastembed, Options, Reranker};
use echofs_fs::answer::Answers;
use echofs_fs::{Leisure, MountConfig, Record, Session};
use echofs_indexer::{Index, Reranking};
use echofs_inference::Generator;
use echofs_inference::gguf::Head;
use fuser::MountOption;

use crate::cli::Mount;
use crate::config::Settings;
use crate::engine::Engine;
use crate::failure::{Exit, Failure, Outcome};
use crate::models::{self, Kind, Model, Presence};

/// The directory of the embedding model that is used when none is named.
const EMBEDDING: &str = "all-minilm-l6-v2-int8";
/// The one that is used instead where the processor multiplies bytes without rounding them.
const FAST_EMBEDDING: &str = "all-minilm-l6-v2-dyn8";

/// An open store with its engines.
pub struct Knowledge {
    pub index: Arc<Index>,
    pub answers: Arc<Answers>,
    pub generator: Arc<dyn Generator>,
    notes: PathBuf,
    record: Record,
    facts_by_model: Option<Leisure>,
    topics_by_model: Option<Leisure>,
    settings: String,
}

/// Opens store and answers; loads no model.
pub fn open(settings: &Settings, options: &Mount) -> Outcome<Knowledge> {
    let model = language_model(settings, options.model.as_deref())?;
    let generator: Arc<dyn Generator> = Arc::new(Engine::open(settings, model.clone())?);
    let config = echofs_indexer::Config {
        data: settings.data.clone(),
        sources: options.source.clone(),
        excluded: vec![options.mountpoint.clone(), settings.data.clone()],
        worker: vec!["/proc/self/exe".into(), "extract-worker".into()],
    };
    let index = Index::open(config, embedder(settings))?;
    if let Some(reranking) = reranking(settings) {
        index.rerank_with(reranking);
    }
    if settings.file.keep_chats == Some(false) {
        index.conversations().hide_chats()?;
    }
    let answers = Answers::open(index.clone(), generator.clone(), settings.data.join("answers"))?;
    Ok(Knowledge {
        index,
        answers,
        generator,
        notes: settings.data.join("notes"),
        record: settings.file.record(),
        facts_by_model: settings.file.reads_facts(),
        topics_by_model: settings.file.names_topics(),
        settings: in_force(settings, options, model.as_deref()),
    })
}

impl Knowledge {
    /// Mounts the tree.
    pub fn mount(&self, mountpoint: &Path, options: Vec<MountOption>) -> Outcome<Session> {
        let config = MountConfig {
            mountpoint: mountpoint.to_path_buf(),
            index: self.index.clone(),
            answers: self.answers.clone(),
            generator: self.generator.clone(),
            notes: self.notes.clone(),
            record: self.record,
            facts_by_model: self.facts_by_model,
            topics_by_model: self.topics_by_model,
            settings: self.settings.clone(),
            helper: vec!["/proc/self/exe".into(), "show-new".into()],
            options,
        };
        echofs_fs::mount(config).map_err(|error| {
            let cause = format!("{} cannot be mounted: {error}", mountpoint.display());
            Failure::new(Exit::Failed, cause, "run `echofs doctor`: it checks what FUSE needs")
        })
    }

    /// `results.jsonl` of a query.
    pub fn results_jsonl(&self, query: &str) -> Outcome<String> {
        let query = echofs_query_lang::parse(query, &jiff::Zoned::now()).query;
        Ok(echofs_fs::results_jsonl(&self.index.search(&query)?))
    }

    /// Saves, and ends the threads and processes.
    pub fn close(&self) {
        self.generator.end();
        self.index.stop();
    }
}

/// Settings in force, as `.echo/config.toml` shows them.
fn in_force(settings: &Settings, options: &Mount, model: Option<&Path>) -> String {
    let mut document = toml_edit::DocumentMut::new();
    let text = |path: &Path| path.to_string_lossy().into_owned();
    document["sources"] = toml_edit::value(options.source.iter().map(|path| text(path)).collect::<toml_edit::Array>());
    document["model"] = toml_edit::value(model.map_or("none".into(), text));
    document["embedding"] = toml_edit::value(embedding_name(settings));
    if let Some(name) = reranker_name(settings) {
        document["reranker"] = toml_edit::value(name);
    }
    document["models"] = toml_edit::value(text(&settings.models));
    let record = settings.file.record();
    document["keep_questions"] = toml_edit::value(record.questions);
    document["keep_chats"] = toml_edit::value(settings.file.keep_chats.unwrap_or(true));
    document["observe"] = toml_edit::value(record.observations);
    let (facts, topics) = (settings.file.reads_facts(), settings.file.names_topics());
    document["topics_by_model"] = toml_edit::value(topics.is_some());
    document["facts_by_model"] = toml_edit::value(facts.is_some());
    if let Some(leisure) = facts.or(topics) {
        document["facts_idle_minutes"] = toml_edit::value(leisure.idle.as_secs_f64() / 60.0);
        document["facts_per_hour"] = toml_edit::value(leisure.hourly as i64);
    }
    if let Some(threads) = settings.file.threads {
        document["threads"] = toml_edit::value(threads as i64);
    }
    if let Some(lora) = &settings.file.lora {
        document["lora"] = toml_edit::value(lora.as_str());
    }
    let remote = settings.file.remote.iter().map(|server| server.name()).collect::<toml_edit::Array>();
    if !remote.is_empty() {
        document["remote"] = toml_edit::value(remote);
    }
    format!("# In force since the mount; the file is {}\n{document}", settings.path().display())
}

/// The embedding model that is named, else the fastest one that is there and right on this processor.
pub fn embedding_name(settings: &Settings) -> &str {
    let models = &settings.models;
    let there = |name| models::find(name, models).is_some_and(|m| m.presence(models, false) == Presence::There);
    let best = || if multiplies_bytes() && there(FAST_EMBEDDING) { FAST_EMBEDDING } else { EMBEDDING };
    settings.file.embedding.as_deref().unwrap_or_else(best)
}

/// The model that would be faster here, if only it were there.
pub fn faster_embedding(settings: &Settings) -> Option<&'static str> {
    let slow = settings.file.embedding.is_none() && embedding_name(settings) != FAST_EMBEDDING;
    (slow && multiplies_bytes()).then_some(FAST_EMBEDDING)
}

/// Whether sums of products of bytes are exact here: without VNNI the runtime adds them up in 16 bits, which overflow.
#[cfg(target_arch = "x86_64")]
fn multiplies_bytes() -> bool {
    std::arch::is_x86_feature_detected!("avx512vnni") || std::arch::is_x86_feature_detected!("avxvnni")
}

/// The same elsewhere.
#[cfg(not(target_arch = "x86_64"))]
fn multiplies_bytes() -> bool {
    cfg!(target_arch = "aarch64")
}

/// Where the embedding model and the library that runs it are.
pub fn embedding_paths(settings: &Settings) -> (PathBuf, PathBuf) {
    (settings.models.join(embedding_name(settings)), runtime(settings))
}

fn runtime(settings: &Settings) -> PathBuf {
    settings.models.join("onnxruntime/libonnxruntime.so")
}

fn reranker_name(settings: &Settings) -> Option<&str> {
    settings.file.reranker.as_deref().filter(|name| *name != "none")
}

/// The reranker that is named. One that cannot be used says so where it is asked, and nothing takes its place.
pub fn reranking(settings: &Settings) -> Option<Reranking> {
    let name = reranker_name(settings)?;
    // It works while somebody waits for it, and for no longer.
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let options = Options { threads, ..Options::new(runtime(settings)) };
    let model = CrossEncoder::open(&settings.models.join(name), options);
    if let Err(error) = &model {
        log::warn!("no reranking by {name}: {error}");
    }
    Some(Reranking::new(name, model.map(|model| Arc::new(model) as Arc<dyn Reranker>)))
}

/// Search by meaning needs model and library; without them search is by words.
fn embedder(settings: &Settings) -> Option<Arc<dyn Embedder>> {
    let (model, runtime) = embedding_paths(settings);
    match Fastembed::open(&model, Options::new(runtime)) {
        Ok(embedder) => Some(Arc::new(embedder)),
        Err(error) => {
            log::warn!("search is by words only: {error}; `echofs model pull` fetches the models");
            None
        }
    }
}

/// The file of the language model: the one asked for, else that of the configuration, else the best one there is.
fn language_model(settings: &Settings, given: Option<&str>) -> Outcome<Option<PathBuf>> {
    match given {
        Some("none") => Ok(None),
        Some(name) => resolve(name, settings).map(Some),
        None => Ok(model_in_use(settings)),
    }
}

/// The file of the language model that a mount without `--model` uses.
pub fn model_in_use(settings: &Settings) -> Option<PathBuf> {
    match settings.file.model.as_deref() {
        Some("none") => None,
        Some(name) => match resolve(name, settings) {
            Ok(path) => Some(path),
            Err(failure) => {
                log::warn!("answers are evidence alone: {}", failure.cause);
                None
            }
        },
        None => best(settings),
    }
}

fn best(settings: &Settings) -> Option<PathBuf> {
    let there = |model: &&Model| model.presence(&settings.models, false) == Presence::There;
    let mut writers = models::all().iter().filter(|model| model.kind == Kind::Generation && !model.tests_only);
    writers.find(there).and_then(|model| model.path(&settings.models))
}

/// The path that a name on the command line is, if it is one rather than a name.
pub fn as_path(name: &str) -> Option<&Path> {
    (name.contains('/') || name.ends_with(".gguf") && Path::new(name).is_file()).then(|| Path::new(name))
}

/// The file of a language model, by name or path.
pub fn resolve(name: &str, settings: &Settings) -> Outcome<PathBuf> {
    if let Some(path) = as_path(name) {
        return existing(path);
    }
    let model = models::named(name, &settings.models)?;
    match (model.kind, model.path(&settings.models)) {
        (Kind::Generation, Some(path)) if path.is_file() => Ok(path),
        (Kind::Generation, _) => {
            let cause = format!("the model {} is not in {}", model.name, settings.models.display());
            Err(Failure::new(Exit::Unavailable, cause, format!("echofs model pull {}", model.name)))
        }
        _ => Err(Failure::new(
            Exit::Usage,
            format!("{name} does not write text"),
            "`echofs model list` shows those that do",
        )),
    }
}

fn existing(path: &Path) -> Outcome<PathBuf> {
    let advice = "give the path of a GGUF file, or a name of `echofs model list`";
    match Head::read(path) {
        Ok(head) if head.is_adapter() => {
            let cause = format!("{} is a LoRA adapter and no model", path.display());
            Err(Failure::new(Exit::Usage, cause, format!("echofs lora use {}", path.display())))
        }
        Ok(_) => Ok(path.canonicalize().with_context(|| path.display().to_string())?),
        Err(why) => Err(Failure::new(Exit::Unavailable, format!("no model: {why}"), advice)),
    }
}

/// A program beside this one, else by name from the PATH.
pub fn sibling(name: &str) -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.join(name)));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| name.into())
}
