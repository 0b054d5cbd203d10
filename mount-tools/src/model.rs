//! `echofs model`: list, info, pull, use.
//!
//! Fetching is done by `pull.py`, with `dynamic8.py`, which this program carries and gives to python3: nothing in
//! this program itself speaks to a network.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::cli::Model as Action;
use crate::config::{self, Settings};
use crate::failure::{Exit, Failure, Outcome};
use crate::models::{self, Kind, Model, Presence, human};

/// Both files as one program: python3 takes it from the command line.
const PULL: &str = concat!(include_str!("../dynamic8.py"), "\n", include_str!("../pull.py"));

/// Runs one of the actions.
pub fn run(action: &Action, settings: &Settings) -> Outcome {
    match action {
        Action::List { json } => list(settings, *json),
        Action::Info { name, json } => info(models::named(name)?, settings, *json),
        Action::Pull { names, check } => pull(names, *check, settings),
        Action::Use { model } => choose(model, settings),
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
    for model in models::all() {
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

fn info(model: &Model, settings: &Settings, json: bool) -> Outcome {
    let mut out = std::io::stdout().lock();
    let presence = model.presence(&settings.models, true);
    let in_use = in_use(model, settings);
    if json {
        writeln!(out, "{}", describe(model, presence, in_use))?;
        return Ok(());
    }
    writeln!(out, "{}: {}", model.name, model.about)?;
    writeln!(out, "licence {}, {}, {}", model.licence, human(model.size()), state(presence, in_use))?;
    for file in model.files() {
        writeln!(out, "{}  {}", file.sha256, settings.models.join(&file.file).display())?;
    }
    Ok(())
}

fn pull(names: &[String], check: bool, settings: &Settings) -> Outcome {
    for name in names.iter().filter(|name| *name != "all") {
        models::named(name)?;
    }
    crate::private::directory(&settings.models).with_context(|| settings.models.display().to_string())?;
    let mut command = Command::new("python3");
    command.args(["-I", "-c", PULL, "--registry", "-", "--models"]).arg(&settings.models);
    command.args(check.then_some("--check")).args(names);
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
    let value = match models::find(model) {
        _ if model == "none" => model.to_owned(),
        Some(known) => in_registry(known, settings)?,
        None => file(Path::new(model))?,
    };
    config::set(&settings.path(), "model", &value)?;
    let mut out = std::io::stdout().lock();
    if out.is_terminal() {
        writeln!(out, "{value} words the answers from the next mount on ({})", settings.path().display())?;
    }
    Ok(())
}

fn in_registry(model: &Model, settings: &Settings) -> Outcome<String> {
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

fn file(path: &Path) -> Outcome<String> {
    let gguf = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
    if !gguf || !path.is_file() {
        let cause = format!("{} is neither a known model nor a GGUF file", path.display());
        return Err(Failure::new(Exit::Usage, cause, "`echofs model list` shows the known ones"));
    }
    Ok(path.canonicalize()?.to_string_lossy().into_owned())
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
