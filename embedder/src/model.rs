//! An embedding model in a directory: what is known of it, and how it is loaded.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ::fastembed::{InitOptionsUserDefined, Pooling, QuantizationMode, TextEmbedding, UserDefinedEmbeddingModel};
use ort::environment::Environment;

use crate::files::{CONFIG, Files, WEIGHTS};
use crate::{Error, ModelId};

/// No more tokens of a text are looked at.
pub const MAX_TOKENS: usize = 256;

/// What is known of a model without loading it.
#[derive(Clone, Debug)]
pub struct Model {
    /// Where it is.
    pub files: Files,
    /// Length of its vectors.
    pub dim: usize,
    pooling: Pooling,
    /// Put before a search query, as the model was trained.
    pub query_prefix: &'static str,
    /// Put before a passage.
    pub passage_prefix: &'static str,
}

impl Model {
    /// Reads the description in `dir`, not the weights.
    ///
    /// # Errors
    /// [`Error::Missing`] for a file that is not there, [`Error::Unusable`] for a description without a vector length.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let files = Files::open(dir)?;
        let (pooling, query_prefix, passage_prefix) = manner(&files.name().to_lowercase());
        let pooling = stated_pooling(dir).unwrap_or(pooling);
        Ok(Self { dim: dim(&dir.join(CONFIG))?, files, pooling, query_prefix, passage_prefix })
    }

    /// Name and digest of the weights. The digest is kept beside the weights as long as their size and time are the same.
    pub fn id(&self) -> ModelId {
        let digest = digest(&self.files.dir().join(WEIGHTS)).unwrap_or_else(|e| {
            log::warn!("{}: {e}", self.files.dir().display());
            "unread".into()
        });
        ModelId(format!("{}-{digest}", self.files.name()))
    }

    /// Loads the model. Threads that wait for work sleep: spinning ones take the processor from everybody else.
    ///
    /// # Errors
    /// [`Error::Missing`] or [`Error::Unusable`].
    pub fn load(&self, environment: Environment, threads: usize) -> Result<TextEmbedding, Error> {
        let model = UserDefinedEmbeddingModel::new(self.files.read(WEIGHTS)?, self.files.tokenizer()?)
            .with_pooling(self.pooling.clone())
            .with_quantization(QuantizationMode::None);
        let options = InitOptionsUserDefined::new()
            .with_environment(environment)
            .with_max_length(MAX_TOKENS)
            .with_intra_threads(threads)
            .with_session_config("session.intra_op.allow_spinning", "0")
            .with_session_config("session.inter_op.allow_spinning", "0");
        TextEmbedding::try_new_from_user_defined(model, options).map_err(|e| self.files.unusable(e))
    }
}

/// How the families of models want to be used, by the name of the directory.
fn manner(name: &str) -> (Pooling, &'static str, &'static str) {
    let is = |part: &str| name.contains(part);
    if is("e5-") {
        (Pooling::Mean, "query: ", "passage: ")
    } else if is("nomic-embed") {
        (Pooling::Mean, "search_query: ", "search_document: ")
    } else if (is("bge-") && is("-en")) || is("mxbai-embed") || is("snowflake-arctic") {
        (Pooling::Cls, "Represent this sentence for searching relevant passages: ", "")
    } else if is("bge-") || is("gte-") && is("v1.5") {
        (Pooling::Cls, "", "")
    } else {
        (Pooling::Mean, "", "")
    }
}

/// What `1_Pooling/config.json` says, where there is one.
fn stated_pooling(dir: &Path) -> Option<Pooling> {
    let text = fs::read(dir.join("1_Pooling/config.json")).ok()?;
    let json: serde_json::Value = serde_json::from_slice(&text).ok()?;
    match json["pooling_mode_cls_token"].as_bool()? {
        true => Some(Pooling::Cls),
        false => Some(Pooling::Mean),
    }
}

fn dim(config: &Path) -> Result<usize, Error> {
    let unusable = |reason: String| Error::Unusable { path: config.to_owned(), reason };
    let text = fs::read(config).map_err(|e| unusable(e.to_string()))?;
    let json: serde_json::Value = serde_json::from_slice(&text).map_err(|e| unusable(e.to_string()))?;
    let dim = ["hidden_size", "dim", "d_model"].iter().find_map(|key| json[key].as_u64());
    dim.filter(|d| (1..=8192).contains(d))
        .map(|d| d as usize)
        .ok_or_else(|| unusable("it states no hidden_size".into()))
}

/// The first 16 hex digits of the file's BLAKE3 digest.
fn digest(file: &Path) -> std::io::Result<String> {
    let meta = fs::metadata(file)?;
    let stamp = format!("{} {} {}", meta.len(), meta.mtime(), meta.mtime_nsec());
    let kept = file.with_extension("onnx.blake3");
    if let Some(digest) = fs::read_to_string(&kept).ok().and_then(|k| Some(k.strip_prefix(&stamp)?.trim().to_owned()))
        && digest.len() == 16
    {
        return Ok(digest);
    }
    let mut hasher = blake3::Hasher::new();
    std::io::copy(&mut fs::File::open(file)?, &mut hasher)?;
    let digest = hasher.finalize().to_hex()[..16].to_owned();
    if let Err(e) = fs::write(&kept, format!("{stamp} {digest}\n")) {
        log::debug!("{}: {e}", kept.display());
    }
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_follows_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("model.onnx");
        fs::write(&file, "one").unwrap();
        let one = digest(&file).unwrap();
        assert_eq!(digest(&file).unwrap(), one);
        assert_eq!(one, blake3::hash(b"one").to_hex()[..16]);
        fs::write(&file, "three").unwrap();
        assert_ne!(digest(&file).unwrap(), one);
    }

    #[test]
    fn a_directory_without_a_model_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(Model::open(dir.path()), Err(Error::Missing(_))));
    }
}
