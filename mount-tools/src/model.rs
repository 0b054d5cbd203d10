//! `echofs model`: list, info, pull, use, remove. What `quantize` and `use auto` do is in files of their own.
//!
//! Fetching is done by `pull.py`, with `dynamic8.py`, which this program carries and gives to python3: nothing in
//! this program itself speaks to a network.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;

use echofs_inference::gguf::Head;

use crate::cli::Model as Action;
use crate::config::{self, Settings};
use crate::failure::{Advise, Exit, Failure, Outcome};
use crate::models::{self, Kind, Model, Presence, human};
use crate::{auto, engines, quantize, record};

/// Both files as one program: python3 takes it from the command line.
const PULL: &str = concat!(include_str!("../dynamic8.py"), "\n", include_str!("../pull.py"));

/// Runs one of the actions.
pub fn run(action: &Action, settings: &Settings) -> Outcome {
    match action {
        Action::List { json } => list(settings, *json),
        Action::Info { name, json } => info(name, settings, *json),
        Action::Pull { names, check, sha256 } => pull(names, *check, sha256.as_deref(), settings),
        Action::Use { model } if model == "auto" => auto::choose(settings),
        Action::Use { model } => choose(model, settings),
        Action::Remove { name } => remove(name, settings),
        Action::Quantize { input, format, output, force } => {
            quantize::run(input, format, output.as_deref(), *force, settings)
        }
    }
}

fn state(presence: Presence, in_use: bool) -> &'static str {
    match presence {
        Presence::There if in_use => "in use",
        Presence::There => "there",
        Presence::Missing => "-",
        Presence::Damaged => "damaged",
    }
}

fn in_use(model: &Model, settings: &Settings) -> bool {
    match model.kind {
        Kind::Runtime => model.default,
        Kind::Embedding => model.name == crate::engines::embedding_name(settings),
        Kind::Generation => {
            let used = crate::engines::model_in_use(settings);
            used.is_some() && used == model.path(&settings.models)
        }
    }
}

fn list(settings: &Settings, json: bool) -> Outcome {
    let mut out = std::io::stdout().lock();
    for model in &models::known(&settings.models) {
        let presence = model.presence(&settings.models, false);
        let in_use = in_use(model, settings);
        if json {
            writeln!(out, "{}", describe(model, presence, in_use))?;
        } else {
            let (size, state) = (human(model.size()), state(presence, in_use));
            writeln!(out, "{:<27} {size:>7}  {state:<8}  {}", model.name, model.about)?;
        }
    }
    Ok(())
}

fn describe(model: &Model, presence: Presence, in_use: bool) -> serde_json::Value {
    serde_json::json!({
        "name": model.name, "kind": model.kind, "about": model.about, "licence": model.licence,
        "size": model.size(), "presence": presence, "in_use": in_use,
        "files": model.files().collect::<Vec<_>>(),
    })
}

fn info(name: &str, settings: &Settings, json: bool) -> Outcome {
    let mut out = std::io::stdout().lock();
    if let Some(path) = engines::as_path(name) {
        let head = Head::read(path).map_err(|why| Failure::new(Exit::Usage, why, "give the path of a GGUF file"))?;
        return file_info(&mut out, path, &head, json);
    }
    let model = &models::named(name, &settings.models)?;
    let presence = model.presence(&settings.models, true);
    let in_use = in_use(model, settings);
    if json {
        writeln!(out, "{}", describe(model, presence, in_use))?;
        return Ok(());
    }
    writeln!(out, "{}: {}", model.name, model.about)?;
    writeln!(out, "licence {}, {}, {}", model.licence, human(model.size()), state(presence, in_use))?;
    for file in model.files() {
        let digest = if file.sha256.is_empty() { "no digest known" } else { &file.sha256 };
        writeln!(out, "{digest}  {}", settings.models.join(&file.file).display())?;
    }
    Ok(())
}

/// What a file says of itself.
fn file_info(out: &mut impl Write, path: &Path, head: &Head, json: bool) -> Outcome {
    let licence = head.text("general.license").unwrap_or("unknown");
    let sha256 = models::sha256(path).with_context(|| path.display().to_string())?;
    if json {
        let about = serde_json::json!({
            "path": path, "about": models::about(head), "licence": licence, "size": head.bytes, "sha256": sha256,
            "architecture": head.architecture(), "weights": head.weights, "adapter": head.is_adapter(),
        });
        writeln!(out, "{about}")?;
        return Ok(());
    }
    writeln!(out, "{}{}", if head.is_adapter() { "LoRA adapter: " } else { "" }, models::about(head))?;
    writeln!(out, "licence {licence}, {}", human(head.bytes))?;
    writeln!(out, "{sha256}  {}", path.display())?;
    Ok(())
}

fn pull(names: &[String], check: bool, sha256: Option<&str>, settings: &Settings) -> Outcome {
    for name in names.iter().filter(|name| *name != "all" && !name.contains('/')) {
        models::named(name, &settings.models)?;
    }
    if let Some(digest) = sha256.filter(|digest| digest.len() != 64 || !digest.bytes().all(|b| b.is_ascii_hexdigit())) {
        let cause = format!("{digest} is no SHA-256");
        return Err(Failure::new(Exit::Usage, cause, "give its 64 hexadecimal digits, as the hub shows them"));
    }
    crate::private::directory(&settings.models).with_context(|| settings.models.display().to_string())?;
    let mut command = Command::new("python3");
    command.args(["-I", "-c", PULL, "--registry", "-", "--models"]).arg(&settings.models);
    command.args(check.then_some("--check")).args(names);
    if let Some(digest) = sha256 {
        command.args(["--sha256", &digest.to_lowercase()]);
    }
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| {
        let cause = format!("python3 cannot be started: {error}");
        Failure::new(Exit::Unavailable, cause, "apt-get install python3 python3-pip")
    })?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(models::REGISTRY.as_bytes())?;
    }
    let done = child.wait_with_output()?;
    match done.status.success() {
        true => Ok(()),
        false => Err(said_by_script(&String::from_utf8_lossy(&done.stderr))),
    }
}

/// The script ends with `error: ...` and `Next: ...`.
fn said_by_script(text: &str) -> Failure {
    let line = |prefix| text.lines().rev().find_map(|line| line.strip_prefix(prefix));
    let cause = line("error: ").or(text.lines().last()).unwrap_or("not every model could be fetched");
    Failure::new(Exit::Failed, cause, line("Next: ").unwrap_or("run the same command again"))
}

fn choose(model: &str, settings: &Settings) -> Outcome {
    let value = match models::find(model, &settings.models) {
        _ if model == "none" => model.to_owned(),
        Some(known) => usable(&known, settings)?,
        None => engines::resolve(model, settings)?.to_string_lossy().into_owned(),
    };
    put_in_use(&value, settings)
}

/// Writes the choice down, and tells a running mount.
pub fn put_in_use(value: &str, settings: &Settings) -> Outcome {
    let live = record::order(settings, "model", value)?;
    config::set(&settings.path(), "model", value)?;
    let mut out = std::io::stdout().lock();
    if out.is_terminal() {
        let from = if live { "the next question" } else { "the next mount" };
        writeln!(out, "{value} words the answers from {from} on ({})", settings.path().display())?;
    }
    Ok(())
}

fn usable(model: &Model, settings: &Settings) -> Outcome<String> {
    if model.kind != Kind::Generation {
        let cause = format!("{} does not write text", model.name);
        return Err(Failure::new(Exit::Usage, cause, "`echofs model list` shows those that do"));
    }
    match model.presence(&settings.models, false) {
        Presence::There => Ok(model.name.clone()),
        _ => {
            let cause = format!("{} is not in {}", model.name, settings.models.display());
            Err(Failure::new(Exit::Unavailable, cause, format!("echofs model pull {}", model.name)))
        }
    }
}

fn remove(name: &str, settings: &Settings) -> Outcome {
    let model = models::named(name, &settings.models)?;
    if model.kind == Kind::Generation && in_use(&model, settings) && settings.file.model.is_some() {
        let cause = format!("{} is in use", model.name);
        return Err(Failure::new(Exit::Failed, cause, "echofs model use OTHER, or none, before"));
    }
    let paths: Vec<_> = model.files().map(|file| settings.models.join(&file.file)).collect();
    let mut removed = 0;
    for path in paths.iter().flat_map(|path| [path.clone(), path.with_added_extension("partial")]) {
        match std::fs::remove_file(&path) {
            Ok(()) => removed += 1,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).context(path.display().to_string()).advise("make the directory writable"),
        }
    }
    models::forget_fetched(&model, &settings.models)?;
    match removed {
        0 => {
            let cause = format!("{} is not on this machine", model.name);
            Err(Failure::new(Exit::Unavailable, cause, "`echofs model list` shows those that are"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_script_says_is_passed_on() {
        let failure = said_by_script("noise\nerror: no disk\nNext: make room\n");
        assert_eq!(failure.to_string(), "no disk\nNext: make room");
        assert_eq!(said_by_script("Traceback\nKeyError: 'x'").cause.to_string(), "KeyError: 'x'");
    }
}
