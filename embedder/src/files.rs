//! A directory with a model in the form that sentence transformers are exported to.

use std::fs;
use std::path::{Path, PathBuf};

use ::fastembed::TokenizerFiles;

use crate::Error;

/// Holds the weights.
pub const WEIGHTS: &str = "model.onnx";
const TOKENIZER: &str = "tokenizer.json";
pub const CONFIG: &str = "config.json";
const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
const SPECIAL_TOKENS: &str = "special_tokens_map.json";

/// The files of a model, none of them read so far.
#[derive(Clone, Debug)]
pub struct Files {
    dir: PathBuf,
}

impl Files {
    /// Those in `dir`.
    ///
    /// # Errors
    /// [`Error::Missing`] for a file that is not there.
    pub fn open(dir: &Path) -> Result<Files, Error> {
        for file in [WEIGHTS, TOKENIZER, CONFIG, TOKENIZER_CONFIG, SPECIAL_TOKENS] {
            if !dir.join(file).is_file() {
                return Err(Error::Missing(dir.join(file)));
            }
        }
        Ok(Files { dir: dir.to_owned() })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its name, which is that of the model.
    pub fn name(&self) -> String {
        self.dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Everything that turns text into tokens.
    ///
    /// # Errors
    /// [`Error::Missing`] for a file that cannot be read.
    pub fn tokenizer(&self) -> Result<TokenizerFiles, Error> {
        Ok(TokenizerFiles {
            tokenizer_file: self.read(TOKENIZER)?,
            config_file: self.read(CONFIG)?,
            special_tokens_map_file: self.read(SPECIAL_TOKENS)?,
            tokenizer_config_file: self.read(TOKENIZER_CONFIG)?,
        })
    }

    /// The bytes of one file.
    ///
    /// # Errors
    /// [`Error::Missing`] when it cannot be read.
    pub fn read(&self, file: &str) -> Result<Vec<u8>, Error> {
        let path = self.dir.join(file);
        fs::read(&path).map_err(|_| Error::Missing(path))
    }

    /// That the model cannot be used, and why.
    pub fn unusable(&self, reason: impl ToString) -> Error {
        Error::Unusable { path: self.dir.clone(), reason: reason.to_string() }
    }
}
