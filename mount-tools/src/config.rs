//! Where things are: data directory, models, and `config.toml` in the data directory.
//!
//! ```toml
//! sources = ["/home/me/notes"]                  # indexed at every mount, besides --source
//! model = "qwen2.5-coder-1.5b-q4_k_m"           # what words the answers; "none" for evidence alone
//! embedding = "all-minilm-l6-v2-dyn8"           # directory of the embedding model below the models directory
//! reranker = "ms-marco-minilm-l6"               # directory of a cross-encoder there, which reorders evidence; none by itself
//! models = "/srv/models"                        # where models are looked for
//! threads = 2                                   # threads of the language model
//! keep_questions = false                        # questions asked are kept as conversations unless it says so
//! keep_chats = false                            # and chats, which else go when they end
//! observe = false                               # and, as far as .echo/observe says, noted in the relationship log
//! topics_by_model = false                       # the language model names topics unless it says so
//! facts_by_model = true                         # and reads documents for facts only if it says so
//! facts_idle_minutes = 5                        # both only when nothing was asked for so long
//! facts_per_hour = 60                           # and no more passages, or topics, an hour
//! gpu_layers = 20                               # its layers on a GPU; all of them, where it was built for one
//! lora = "my-style"                             # a LoRA adapter: a name in `lora/` of the models directory, or a path
//! lora_scale = 0.8                              # how strongly it is applied
//!
//! [[remote]]                                    # words the answers instead, over the network; none unless written here
//! url = "http://127.0.0.1:8080/v1"              # any server that speaks the chat completions of OpenAI
//! model = "qwen2.5-7b"
//! key_file = "/home/me/.config/server-key"      # holds the key, where the server wants one
//! ```
//!
//! Of several remote servers the first that answers is used, and the model on this machine when none does.
//!
//! The command line wins over the file, the file over the defaults.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use echofs_fs::{Leisure, Record};
use echofs_inference::remote::Server;
use serde::Deserialize;
use toml_edit::DocumentMut;

use crate::failure::{Advise, Exit, Failure, Outcome};

/// `config.toml`; every key may be absent.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Directories that are always indexed.
    #[serde(default)]
    pub sources: Vec<PathBuf>,
    /// Name or path of the language model.
    pub model: Option<String>,
    /// Directory of the embedding model, below the models directory.
    pub embedding: Option<String>,
    /// Directory of the reranker, below the models directory; none where it is not named.
    pub reranker: Option<String>,
    /// Directory of the models.
    pub models: Option<PathBuf>,
    /// Threads of the language model.
    pub threads: Option<usize>,
    /// Whether questions that are asked are kept as conversations.
    pub keep_questions: Option<bool>,
    /// Whether chats are shown and found as conversations, and stay so when they end.
    pub keep_chats: Option<bool>,
    /// Whether anything that the owner does may be noted in the relationship log; `.echo/observe` says what is.
    pub observe: Option<bool>,
    /// Whether the language model names topics while nobody needs it.
    pub topics_by_model: Option<bool>,
    /// Whether it reads documents for facts.
    pub facts_by_model: Option<bool>,
    /// How long nothing must have been asked before it does.
    pub facts_idle_minutes: Option<f64>,
    /// How many passages it reads, and topics it names, within an hour at most.
    pub facts_per_hour: Option<usize>,
    /// Its layers on a GPU.
    pub gpu_layers: Option<u32>,
    /// Name or path of a LoRA adapter.
    pub lora: Option<String>,
    /// How strongly it is applied.
    pub lora_scale: Option<f32>,
    /// Servers that word the answers.
    #[serde(default)]
    pub remote: Vec<Server>,
}

/// How long nothing must have been asked before the model reads or names, in minutes.
const IDLE: f64 = 5.0;
/// How many passages the model reads, and topics it names, within an hour.
const HOURLY: usize = 60;

impl File {
    /// When the language model may read documents for facts.
    pub fn reads_facts(&self) -> Option<Leisure> {
        self.leisure(self.facts_by_model.unwrap_or(false))
    }

    /// When the language model may name topics.
    pub fn names_topics(&self) -> Option<Leisure> {
        self.leisure(self.topics_by_model.unwrap_or(true))
    }

    /// Never for a remote one: nothing goes out that nobody asked about.
    fn leisure(&self, wanted: bool) -> Option<Leisure> {
        // Longer than a mount lasts is as good as never.
        let minutes = self.facts_idle_minutes.unwrap_or(IDLE).clamp(0.0, 1e6);
        let idle = Duration::from_secs_f64(if minutes.is_nan() { IDLE } else { minutes } * 60.0);
        (wanted && self.remote.is_empty()).then(|| Leisure { idle, hourly: self.facts_per_hour.unwrap_or(HOURLY) })
    }

    /// What is kept of the questions that are asked.
    pub fn record(&self) -> Record {
        let kept = Record::default();
        let (questions, observations) = (self.keep_questions, self.observe);
        Record {
            questions: questions.unwrap_or(kept.questions),
            observations: observations.unwrap_or(kept.observations),
        }
    }
}

/// Directories and choices in effect.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The data directory, absolute.
    pub data: PathBuf,
    /// The models directory, absolute.
    pub models: PathBuf,
    /// What the file says.
    pub file: File,
}

impl Settings {
    /// Settings from the command line's `--data` and `--models`, the file, and the environment.
    pub fn load(data: Option<&Path>, models: Option<&Path>) -> Outcome<Settings> {
        let data = match data {
            Some(path) => std::path::absolute(path)?,
            None => user_data()?.join("echofs"),
        };
        let file = read(&config_path(&data))?;
        let models = match models.map(Path::to_path_buf).or_else(|| file.models.clone()) {
            Some(path) => std::path::absolute(path)?,
            None => default_models()?,
        };
        Ok(Settings { data, models, file })
    }

    /// The configuration file.
    pub fn path(&self) -> PathBuf {
        config_path(&self.data)
    }

    /// Where a running mount leaves its record, lock and log.
    pub fn run(&self) -> PathBuf {
        self.data.join("run")
    }
}

fn config_path(data: &Path) -> PathBuf {
    data.join("config.toml")
}

fn read(path: &Path) -> Outcome<File> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(File::default()),
        Err(error) => return Err(error).context(path.display().to_string()).advise("make the file readable"),
    };
    toml_edit::de::from_str(&text).map_err(|error| {
        let cause = format!("{}: {}", path.display(), error.message().trim_end().replace('\n', " "));
        Failure::new(Exit::Failed, cause, format!("correct {} or remove it", path.display()))
    })
}

/// Sets one key of the file; everything else in it, comments too, stays as it is.
pub fn set(path: &Path, key: &str, value: impl Into<toml_edit::Value>) -> Outcome {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        other => other.context(path.display().to_string())?,
    };
    let mut document: DocumentMut = text.parse().context(path.display().to_string())?;
    document[key] = toml_edit::value(value.into());
    crate::private::write(path, document.to_string().as_bytes()).context(path.display().to_string())?;
    Ok(())
}

fn user_data() -> Outcome<PathBuf> {
    if let Some(path) = absolute_variable("XDG_DATA_HOME") {
        return Ok(path);
    }
    let home = absolute_variable("HOME").ok_or_else(|| {
        Failure::new(Exit::Usage, "neither XDG_DATA_HOME nor HOME is set", "say where the data is with --data DIR")
    })?;
    Ok(home.join(".local/share"))
}

fn default_models() -> Outcome<PathBuf> {
    match absolute_variable("ECHOFS_MODELS") {
        Some(path) => Ok(path),
        None => Ok(user_data()?.join("echofs/models")),
    }
}

fn absolute_variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_the_default_and_a_wrong_one_an_error() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("config.toml");
        assert_eq!(read(&path).expect("default"), File::default());
        std::fs::write(&path, "modell = 'x'\n").expect("written");
        assert!(read(&path).expect_err("an unknown key").to_string().contains("modell"));
    }

    #[test]
    fn nothing_goes_to_a_remote_model_that_nobody_asked_about() {
        let file = |text: &str| toml_edit::de::from_str::<File>(text).expect("valid");
        let does = |file: File| (file.names_topics().is_some(), file.reads_facts().is_some());
        assert_eq!(does(File::default()), (true, false));
        assert_eq!(does(file("topics_by_model = false\nfacts_by_model = true\n")), (false, true));
        let remote = "facts_by_model = true\n[[remote]]\nurl = 'http://127.0.0.1:1/v1'\nmodel = 'm'\n";
        assert_eq!(does(file(remote)), (false, false));
    }

    #[test]
    fn setting_a_key_keeps_the_comments() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("config.toml");
        std::fs::write(&path, "# mine\nsources = ['/a'] # notes\nmodel = 'x'\n").expect("written");
        set(&path, "model", "y").expect("set");
        let text = std::fs::read_to_string(&path).expect("read");
        assert_eq!(text, "# mine\nsources = ['/a'] # notes\nmodel = \"y\"\n");
        assert_eq!(read(&path).expect("valid").model.as_deref(), Some("y"));
    }
}
