//! `echofs lora`: list, use, off.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use echofs_inference::gguf::Head;
use echofs_inference::model_name;

use crate::cli::Lora as Action;
use crate::config::{self, Settings};
use crate::failure::{Exit, Failure, Outcome};
use crate::models::{self, human};
use crate::{engines, record};

/// Runs one of the actions.
pub fn run(action: &Action, settings: &Settings) -> Outcome {
    match action {
        Action::List { json } => list(settings, *json),
        Action::Use { name, scale } => choose(name, *scale, settings),
        Action::Off => put_in_use("none", 0.0, "off", settings),
    }
}

fn directory(settings: &Settings) -> PathBuf {
    settings.models.join("lora")
}

/// The files in the directory of adapters.
pub fn files(settings: &Settings) -> Vec<PathBuf> {
    models::gguf_files(&directory(settings))
}

/// The file of an adapter, by name or path.
pub fn resolve(name: &str, settings: &Settings) -> Outcome<PathBuf> {
    let path = match engines::as_path(name) {
        Some(path) => path.to_path_buf(),
        None => named(name, settings)?,
    };
    let advice = "give the path of a LoRA adapter in GGUF, or a name of `echofs lora list`";
    match Head::read(&path) {
        Ok(head) if head.is_adapter() => Ok(path.canonicalize().with_context(|| path.display().to_string())?),
        Ok(_) => Err(Failure::new(Exit::Usage, format!("{} is a model and no adapter", path.display()), advice)),
        Err(why) => Err(Failure::new(Exit::Unavailable, format!("no adapter: {why}"), advice)),
    }
}

fn named(name: &str, settings: &Settings) -> Outcome<PathBuf> {
    let wanted = name.strip_suffix(".gguf").unwrap_or(name).to_lowercase();
    let is_it = |path: &PathBuf| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
        stem == wanted || model_name(path) == wanted
    };
    files(settings).into_iter().find(is_it).ok_or_else(|| {
        let cause = format!("no adapter named {name} in {}", directory(settings).display());
        Failure::new(Exit::Unavailable, cause, "put its GGUF file there, or give its path")
    })
}

/// Whether the adapter fits the model, which a child process tries out.
pub fn check(model: &Path, adapter: &Path) -> Outcome {
    let program = engines::sibling("echofs-inference");
    let child = Command::new(&program).arg("check").args([model, adapter]).stdin(Stdio::null()).output();
    let done = child.map_err(|error| {
        let cause = format!("{} cannot be started: {error}", program.display());
        Failure::new(Exit::Unavailable, cause, "put echofs-inference beside echofs")
    })?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let last = said.lines().rev().find_map(|line| line.strip_prefix("echofs-inference: "));
    let died = || format!("{} is not taken by llama.cpp, which died of it ({})", adapter.display(), done.status);
    let cause = last.map_or_else(died, str::to_owned);
    Err(Failure::new(Exit::Failed, cause, "use an adapter that was made for this very model"))
}

fn list(settings: &Settings, json: bool) -> Outcome {
    let mut out = std::io::stdout().lock();
    let used = settings.file.lora.as_deref().and_then(|name| resolve(name, settings).ok());
    let scale = settings.file.lora_scale.unwrap_or(1.0);
    for path in files(settings) {
        let Ok(head) = Head::read(&path) else { continue };
        let in_use = used.is_some() && used == path.canonicalize().ok();
        let name = model_name(&path);
        if json {
            let scale = in_use.then_some(scale);
            let line = serde_json::json!({
                "name": name, "path": path, "architecture": head.architecture(), "size": head.bytes,
                "in_use": in_use, "scale": scale,
            });
            writeln!(out, "{line}")?;
        } else {
            let state = if in_use { format!("in use, scale {scale}") } else { "-".into() };
            writeln!(out, "{name:<27} {:>7}  {state:<18}  {}", human(head.bytes), models::about(&head))?;
        }
    }
    Ok(())
}

fn choose(name: &str, scale: f32, settings: &Settings) -> Outcome {
    if !scale.is_finite() {
        return Err(Failure::new(Exit::Usage, format!("{scale} is no scale"), "give a number, 1 for instance"));
    }
    let path = resolve(name, settings)?;
    if let Some(model) = engines::model_in_use(settings) {
        check(&model, &path)?;
    }
    let value = if engines::as_path(name).is_some() { path.to_string_lossy().into_owned() } else { name.to_owned() };
    put_in_use(&value, scale, &format!("{value} {scale}"), settings)
}

/// Writes the choice down, and tells a running mount.
fn put_in_use(value: &str, scale: f32, order: &str, settings: &Settings) -> Outcome {
    let live = record::order(settings, "lora", order)?;
    config::set(&settings.path(), "lora", value)?;
    config::set(&settings.path(), "lora_scale", f64::from(scale))?;
    let mut out = std::io::stdout().lock();
    if out.is_terminal() {
        let from = if live { "the next question" } else { "the next mount" };
        writeln!(out, "adapter {value} from {from} on ({})", settings.path().display())?;
    }
    Ok(())
}
