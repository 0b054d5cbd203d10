//! The models that can be fetched by name, their files and digests: `models.json`, also read by `pull.py`.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::failure::{Exit, Failure, Outcome};

/// The registry as text.
pub const REGISTRY: &str = include_str!("../models.json");

static MODELS: LazyLock<Vec<Model>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Registry {
        models: Vec<Model>,
    }
    serde_json::from_str::<Registry>(REGISTRY).map(|registry| registry.models).unwrap_or_default()
});

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A library that runs models.
    Runtime,
    /// Text to vectors.
    Embedding,
    /// Words the answers.
    Generation,
}

/// One entry of the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Its name on the command line.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// A line for people.
    pub about: String,
    /// SPDX name.
    pub licence: String,
    /// Whether `model pull` without a name fetches it.
    #[serde(default)]
    pub default: bool,
    /// Whether it is too small to be chosen unless it is named.
    #[serde(default)]
    pub tests_only: bool,
    files: Vec<File>,
}

/// One file of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Path below the models directory.
    pub file: PathBuf,
    /// The only processor it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// Bytes.
    pub size: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// What is on the disk of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// Every file has its size (and its digest, where that was asked for).
    There,
    /// A file is missing.
    Missing,
    /// A file is not what it should be.
    Damaged,
}

impl Model {
    /// The files for this machine.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.arch.as_deref().is_none_or(|arch| arch == std::env::consts::ARCH))
    }

    /// Bytes of all files.
    pub fn size(&self) -> u64 {
        self.files().map(|file| file.size).sum()
    }

    /// What is on the disk; `deep` reads the files and compares digests.
    pub fn presence(&self, models: &Path, deep: bool) -> Presence {
        let states: Vec<Presence> = self.files().map(|file| file.presence(models, deep)).collect();
        match () {
            () if states.is_empty() || states.contains(&Presence::Missing) => Presence::Missing,
            () if states.contains(&Presence::Damaged) => Presence::Damaged,
            () => Presence::There,
        }
    }

    /// The file of a language model.
    pub fn path(&self, models: &Path) -> Option<PathBuf> {
        self.files().next().map(|file| models.join(&file.file))
    }
}

impl File {
    fn presence(&self, models: &Path, deep: bool) -> Presence {
        let path = models.join(&self.file);
        match path.metadata() {
            Err(_) => Presence::Missing,
            Ok(metadata) if metadata.len() != self.size => Presence::Damaged,
            Ok(_) if deep && sha256(&path).ok().as_deref() != Some(&self.sha256) => Presence::Damaged,
            Ok(_) => Presence::There,
        }
    }
}

/// SHA-256 of a file, hexadecimal.
pub fn sha256(path: &Path) -> std::io::Result<String> {
    let mut digest = Sha256::new();
    std::io::copy(&mut std::fs::File::open(path)?, &mut digest)?;
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// All models of the registry.
pub fn all() -> &'static [Model] {
    &MODELS
}

/// A model by name, with or without `-instruct` and `.gguf`, in any case.
pub fn find(name: &str) -> Option<&'static Model> {
    all().iter().find(|model| plain(&model.name) == plain(name))
}

/// The same, or an error that names those there are.
pub fn named(name: &str) -> Outcome<&'static Model> {
    find(name).ok_or_else(|| {
        let names: Vec<&str> = all().iter().map(|model| model.name.as_str()).collect();
        Failure::new(Exit::Usage, format!("no model named {name}"), format!("choose of {}", names.join(", ")))
    })
}

fn plain(name: &str) -> String {
    let name = name.to_lowercase();
    name.strip_suffix(".gguf").unwrap_or(&name).replace("-instruct", "")
}

/// A size for people, in powers of ten.
pub fn human(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_complete() {
        for kind in [Kind::Runtime, Kind::Embedding, Kind::Generation] {
            assert!(all().iter().any(|model| model.kind == kind && model.default), "a default {kind:?}");
        }
        for file in all().iter().flat_map(|model| &model.files) {
            assert!(file.size > 0 && file.sha256.len() == 64, "{}", file.file.display());
        }
    }

    #[test]
    fn names_are_forgiving() {
        for name in ["qwen2.5-coder-1.5b-q4_k_m", "Qwen2.5-Coder-1.5B-Instruct-Q4_K_M.gguf"] {
            assert_eq!(find(name).map(|model| model.name.as_str()), Some("qwen2.5-coder-1.5b-q4_k_m"));
        }
        assert_eq!(named("gpt-5").expect_err("unknown").exit, Exit::Usage);
    }

    #[test]
    fn a_file_of_the_wrong_size_or_content_is_damaged() {
        let dir = tempfile::tempdir().expect("a directory");
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned();
        let file = File { file: "m".into(), arch: None, size: 3, sha256 };
        assert_eq!(file.presence(dir.path(), true), Presence::Missing);
        for (content, shallow, deep) in [
            ("abc", Presence::There, Presence::There),
            ("abd", Presence::There, Presence::Damaged),
            ("abcd", Presence::Damaged, Presence::Damaged),
        ] {
            std::fs::write(dir.path().join("m"), content).expect("written");
            assert_eq!((file.presence(dir.path(), false), file.presence(dir.path(), true)), (shallow, deep));
        }
    }
}
