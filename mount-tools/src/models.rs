//! The models there are: those that can be fetched by name, with their digests (`models.json`, also read by `pull.py`), those
//! that were fetched from the hub by repository and file (`fetched.json` in the models directory), and other GGUF files there.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use echofs_inference::gguf::Head;
use echofs_inference::quantize;

use crate::failure::{Exit, Failure, Outcome};

/// The registry as text.
pub const REGISTRY: &str = include_str!("../models.json");

/// The name of the file that notes what was fetched from the hub.
const FETCHED: &str = "fetched.json";

#[derive(Default, Deserialize, Serialize)]
struct Registry {
    models: Vec<Model>,
}

static MODELS: LazyLock<Vec<Model>> =
    LazyLock::new(|| serde_json::from_str::<Registry>(REGISTRY).map(|registry| registry.models).unwrap_or_default());

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
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// Whether it is too small to be chosen unless it is named.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
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
    /// SHA-256, hexadecimal; empty when nobody knows what it should be.
    #[serde(default)]
    pub sha256: String,
    /// Where on the hub it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub: Option<serde_json::Value>,
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
            Ok(_) if deep && !self.sha256.is_empty() && sha256(&path).ok().as_deref() != Some(&self.sha256) => {
                Presence::Damaged
            }
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

/// All models: of the registry, fetched from the hub, and whatever else of GGUF lies in the models directory.
pub fn known(models: &Path) -> Vec<Model> {
    let mut known = all().to_vec();
    for model in fetched(models).models.into_iter().chain(others(models)) {
        let files: Vec<PathBuf> = known.iter().flat_map(|model| &model.files).map(|file| file.file.clone()).collect();
        if model.files.iter().all(|file| !files.contains(&file.file)) {
            known.push(model);
        }
    }
    known
}

fn fetched(models: &Path) -> Registry {
    let text = std::fs::read(models.join(FETCHED)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Takes a model out of the note of what was fetched.
pub fn forget_fetched(model: &Model, models: &Path) -> std::io::Result<()> {
    let mut registry = fetched(models);
    let before = registry.models.len();
    registry.models.retain(|other| other.name != model.name);
    match registry.models.len() == before {
        true => Ok(()),
        false => crate::private::write(&models.join(FETCHED), &serde_json::to_vec_pretty(&registry)?),
    }
}

/// The GGUF files of a directory, by name.
pub fn gguf_files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let is_gguf = |path: &PathBuf| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| is_gguf(path) && path.is_file()).collect();
    files.sort();
    files
}

/// Models that somebody put into the directory.
fn others(models: &Path) -> impl Iterator<Item = Model> {
    let heads = gguf_files(models).into_iter().filter_map(|path| Some((Head::read(&path).ok()?, path)));
    heads.filter(|(head, _)| !head.is_adapter()).map(|(head, path)| {
        let file = path.file_name().map(PathBuf::from).unwrap_or_default();
        Model {
            name: echofs_inference::model_name(&path),
            kind: Kind::Generation,
            about: about(&head),
            licence: head.text("general.license").unwrap_or("unknown").to_owned(),
            default: false,
            tests_only: false,
            files: vec![File { file, arch: None, size: head.bytes, sha256: String::new(), hub: None }],
        }
    })
}

/// A line about a file, from what it says of itself.
pub fn about(head: &Head) -> String {
    let name = head.text("general.name").map(|name| format!("{name}: ")).unwrap_or_default();
    let format = head.file_type().and_then(quantize::numbered).map_or("an unknown format", |format| format.name);
    format!("{name}{}, {} weights, {format}", head.architecture(), human_count(head.weights))
}

fn human_count(count: u64) -> String {
    match count {
        0..1_000_000_000 => format!("{} M", count / 1_000_000),
        _ => format!("{:.1} G", count as f64 / 1e9),
    }
}

/// A model by name, with or without `-instruct` and `.gguf`, in any case.
pub fn find(name: &str, models: &Path) -> Option<Model> {
    let same = |model: &&Model| plain(&model.name) == plain(name);
    all().iter().find(same).cloned().or_else(|| known(models).iter().find(same).cloned())
}

/// The same, or an error that names those there are.
pub fn named(name: &str, models: &Path) -> Outcome<Model> {
    find(name, models).ok_or_else(|| {
        let names: Vec<String> = known(models).into_iter().map(|model| model.name).collect();
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
            let found = find(name, Path::new("/nowhere")).map(|model| model.name);
            assert_eq!(found.as_deref(), Some("qwen2.5-coder-1.5b-q4_k_m"));
        }
        assert_eq!(named("gpt-5", Path::new("/nowhere")).expect_err("unknown").exit, Exit::Usage);
    }

    #[test]
    fn what_lies_in_the_directory_or_was_fetched_is_known_once() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("Mine-Instruct-Q4_0.gguf"), echofs_inference::probe::model()).expect("written");
        std::fs::write(dir.path().join("other.gguf"), "no model").expect("written");
        let found = find("mine-q4_0", dir.path()).expect("known");
        assert_eq!((found.kind, found.presence(dir.path(), true)), (Kind::Generation, Presence::There));
        assert!(found.about.contains("llama"), "{}", found.about);
        assert_eq!(find("other", dir.path()), None);
        let fetched = r#"{"models":[{"name":"mine-q4_0","kind":"generation","about":"a on the hub","licence":"mit",
            "files":[{"file":"Mine-Instruct-Q4_0.gguf","size":3,"sha256":"00","hub":{"repo":"a"}}]}]}"#;
        std::fs::write(dir.path().join(FETCHED), fetched).expect("written");
        let found = find("mine-q4_0", dir.path()).expect("known");
        assert_eq!((found.licence.as_str(), found.presence(dir.path(), false)), ("mit", Presence::Damaged));
        assert_eq!(known(dir.path()).len(), all().len() + 1);
        forget_fetched(&found, dir.path()).expect("forgotten");
        assert_eq!(find("mine-q4_0", dir.path()).map(|model| model.licence), Some("unknown".into()));
    }

    #[test]
    fn a_file_of_the_wrong_size_or_content_is_damaged() {
        let dir = tempfile::tempdir().expect("a directory");
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned();
        let file = File { file: "m".into(), arch: None, size: 3, sha256, hub: None };
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
