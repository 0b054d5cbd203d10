//! Models and what runs them.

use std::time::Duration;

use echofs_inference::cpu::{self, Prober};

use super::on_path;
use crate::config::Settings;
use crate::doctor::Check;
use crate::engines;
use crate::models::{self, Kind, Presence};

/// How long a reranker may take for one passage.
const RERANKING: Duration = Duration::from_secs(5);

pub fn embedding(settings: &Settings) -> Check {
    const NAME: &str = "embedding";
    let (model, runtime) = engines::embedding_paths(settings);
    match echofs_embedder::Fastembed::open(&model, echofs_embedder::Options::new(runtime)) {
        Ok(_) => match engines::faster_embedding(settings) {
            None => Check::ok(NAME, format!("{}", model.display())),
            Some(faster) => {
                let text = format!("{}: {faster} would be twice as fast here", model.display());
                Check::warn(NAME, text, format!("echofs model pull {faster}"))
            }
        },
        Err(error) => Check::warn(NAME, format!("search is by words only: {error}"), "echofs model pull"),
    }
}

/// One that is named has to read something: that its files are there says little.
pub fn reranker(settings: &Settings) -> Option<Check> {
    const NAME: &str = "reranker";
    let reranking = engines::reranking(settings)?;
    let texts = ["The key hangs behind the door.".to_owned()];
    let told = reranking.judge("Where is the key?", &texts, RERANKING).told;
    let directory = settings.models.join(&told.model);
    Some(match told.error {
        None => Check::ok(NAME, format!("{}: it reads a passage", directory.display())),
        Some(error) => Check::warn(
            NAME,
            format!("evidence is in the order of the search: {error}"),
            format!(
                "put a cross-encoder into {}, or change `reranker` in {}",
                directory.display(),
                settings.path().display()
            ),
        ),
    })
}

pub fn language_model(settings: &Settings) -> Check {
    const NAME: &str = "language";
    match (engines::model_in_use(settings), settings.file.model.as_deref()) {
        (Some(path), _) => Check::ok(NAME, path.display().to_string()),
        (None, Some("none")) => Check::ok(NAME, "none, as configured: answers are the evidence"),
        (None, Some(name)) => Check::warn(
            NAME,
            format!("{name} is not there: answers are the evidence"),
            format!("echofs model pull {name}"),
        ),
        (None, None) => Check::warn(NAME, "no model: answers are the evidence", "echofs model pull"),
    }
}

/// The service must be there, and one of its builds of the CPU code must compute right on this processor.
pub fn inference() -> Check {
    const NAME: &str = "inference";
    let program = engines::sibling("echofs-inference");
    let Some(program) = program.is_absolute().then_some(program).or_else(|| on_path("echofs-inference")) else {
        return Check::warn(
            NAME,
            "echofs-inference is not installed: answers are the evidence",
            "put it beside echofs",
        );
    };
    let shown = program.display();
    let next = "install echofs-inference again, with the libggml files beside it";
    let Some(directory) = cpu::directory(&cpu::candidates(&program)) else {
        return Check::warn(NAME, format!("{shown} has no libraries: answers are the evidence"), next);
    };
    let prober = Prober { program: program.clone(), args: vec!["probe".into()] };
    match prober.choose(&directory, None) {
        Ok(variant) => Check::ok(NAME, format!("{shown}, CPU code {}", variant.name)),
        Err(error) => Check::warn(NAME, format!("{shown}: {error}"), next),
    }
}

/// Models that were fetched, with their size; with `deep` every byte is read.
pub fn fetched_models(settings: &Settings, deep: bool) -> Vec<Check> {
    let mut checks = Vec::new();
    for model in models::known(&settings.models) {
        let how = if deep { "digest as it should be" } else { "size as it should be" };
        match model.presence(&settings.models, deep) {
            Presence::There => checks.push(Check::ok("model", format!("{}: {how}", model.name))),
            Presence::Damaged => checks.push(Check::fail(
                "model",
                format!("{} is damaged", model.name),
                format!("echofs model pull --check {}", model.name),
            )),
            Presence::Missing if model.kind == Kind::Generation || !model.default => {}
            Presence::Missing => {
                checks.push(Check::warn("model", format!("{} is missing", model.name), "echofs model pull"))
            }
        }
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn a_reranker_that_is_named_has_to_be_there() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut settings =
            Settings { data: dir.path().to_path_buf(), models: dir.path().join("m"), file: Default::default() };
        for name in [None, Some("none")] {
            settings.file.reranker = name.map(str::to_owned);
            assert_eq!(reranker(&settings), None);
        }
        settings.file.reranker = Some("mine".into());
        let told = reranker(&settings).expect("it is named");
        assert!(told.state == State::Warn && told.text.contains("no model at "), "{told:?}");
        assert!(told.next.is_some_and(|next| next.contains("m/mine")));
    }
}
