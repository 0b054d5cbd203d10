//! What writes text for a mount: remote servers where the owner wrote some down, else the model on this machine, with names for
//! models and adapters.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use echofs_inference::client::{Client, ClientConfig};
use echofs_inference::remote::Remote;
use echofs_inference::{
    Adapter, Cancel, Choices, Class, Completion, Error, Generator, Request, Status, Vocabulary, model_name,
};

use crate::config::Settings;
use crate::failure::{Exit, Failure, Outcome};
use crate::models::{self, Kind, Model};
use crate::{engines, lora};

/// Names with their files, as of the directory's modification time.
type Listed = (Option<SystemTime>, Vec<(String, PathBuf)>);

/// The engines of a mount.
pub struct Engine {
    local: Client,
    remote: Option<Remote>,
    settings: Settings,
    /// When the last order was given, and why it was refused, if it was.
    ordered: Mutex<(Option<SystemTime>, Option<String>)>,
    /// The models in the directory, and when it had last changed then.
    listed: Mutex<Listed>,
    /// When somebody last asked for something.
    asked: Mutex<Option<Instant>>,
}

impl Engine {
    /// Starts nothing and connects to nothing.
    pub fn open(settings: &Settings, model: Option<PathBuf>) -> Outcome<Engine> {
        let local = Client::new(ClientConfig {
            model,
            threads: settings.file.threads,
            gpu_layers: settings.file.gpu_layers,
            states: Some(settings.run().join("states")),
            ..ClientConfig::new(engines::sibling("echofs-inference"), settings.run().join("inference.sock"))
        });
        let remote = match settings.file.remote.as_slice() {
            [] => None,
            servers => Some(Remote::new(servers.to_vec()).map_err(|why| {
                let cause = format!("{}: a remote server: {why}", settings.path().display());
                Failure::new(Exit::Failed, cause, "correct its `url`")
            })?),
        };
        let engine = Engine {
            local,
            remote,
            settings: settings.clone(),
            ordered: Mutex::default(),
            listed: Mutex::default(),
            asked: Mutex::default(),
        };
        if let Some(name) = settings.file.lora.as_deref().filter(|name| *name != "none") {
            match lora::resolve(name, settings) {
                Ok(path) => {
                    engine.local.set_adapter(Some(Adapter { path, scale: settings.file.lora_scale.unwrap_or(1.0) }))
                }
                Err(failure) => log::warn!("no adapter is used: {}", failure.cause),
            }
        }
        Ok(engine)
    }

    /// Notes how an order ended.
    fn noted<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        let refused = result.as_ref().err().map(Error::to_string);
        *self.ordered.lock().unwrap_or_else(PoisonError::into_inner) = (Some(SystemTime::now()), refused);
        result
    }

    fn find_model(&self, name: &str) -> Result<Option<PathBuf>, Error> {
        if name == "none" {
            return Ok(None);
        }
        let path =
            engines::resolve(name, &self.settings).map_err(|failure| Error::NoModel(failure.cause.to_string()))?;
        Ok(Some(path))
    }

    fn find_adapter(&self, adapter: Option<(&str, f32)>) -> Result<Option<Adapter>, Error> {
        let Some((name, scale)) = adapter else { return Ok(None) };
        if !scale.is_finite() {
            return Err(Error::Refused(format!("{scale} is no scale")));
        }
        let refused = |failure: Failure| Error::Refused(failure.cause.to_string());
        let path = lora::resolve(name, &self.settings).map_err(refused)?;
        if let Some(model) = self.local.model_path() {
            lora::check(&model, &path).map_err(refused)?;
        }
        Ok(Some(Adapter { path, scale }))
    }
}

impl Generator for Engine {
    fn generate(&self, request: &Request, cancel: &Cancel, on_text: &mut dyn FnMut(&str)) -> Result<Completion, Error> {
        if request.class != Class::Background {
            *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        let reachable = |remote: &&Remote| !remote.is_down() || self.local.model().is_none();
        let Some(remote) = self.remote.as_ref().filter(reachable) else {
            return self.local.generate(request, cancel, on_text);
        };
        let mut silent = true;
        let result = remote.generate(request, cancel, &mut |text| {
            silent = false;
            on_text(text);
        });
        match result {
            Err(why @ (Error::Down(_) | Error::Busy(_))) if silent && self.local.model().is_some() => {
                log::warn!("{why}; the model on this machine is used");
                self.local.generate(request, cancel, on_text)
            }
            result => result,
        }
    }

    fn model(&self) -> Option<String> {
        self.remote.as_ref().and_then(Remote::model).or_else(|| self.local.model())
    }

    fn vocabulary(&self) -> Option<Arc<Vocabulary>> {
        let here = self.remote.as_ref().is_none_or(|remote| remote.model().is_none());
        here.then(|| self.local.vocabulary()).flatten()
    }

    fn end(&self) {
        self.local.end();
    }

    fn last_asked(&self) -> Option<Instant> {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn status(&self) -> Status {
        let (_, refused) = self.ordered.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let local = self.local.status();
        let mut status = match &self.remote {
            Some(remote) => Status { restarts: local.restarts, ..remote.status() },
            None => local,
        };
        status.last_error = status.last_error.or(refused);
        status
    }

    fn forget(&self) {
        self.local.forget();
    }

    fn models(&self) -> Vec<(String, PathBuf)> {
        let directory = &self.settings.models;
        let changed = directory.metadata().and_then(|metadata| metadata.modified()).ok();
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        if listed.0 != changed || changed.is_none() {
            let models = models::known(directory).into_iter().filter(|model| model.kind == Kind::Generation);
            let file = |model: Model| Some((model.path(directory).filter(|path| path.is_file())?, model.name));
            *listed = (changed, models.filter_map(file).map(|(path, name)| (name, path)).collect());
        }
        listed.1.clone()
    }

    fn choices(&self) -> Choices {
        let (changed, refused) = self.ordered.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let named = |path: PathBuf| (model_name(&path), path);
        Choices {
            adapters: lora::files(&self.settings).into_iter().map(named).collect(),
            model: self.model(),
            adapter: self.local.adapter().map(|adapter| (model_name(&adapter.path), adapter.scale)),
            refused,
            changed,
        }
    }

    fn use_model(&self, name: &str) -> Result<(), Error> {
        let model = self.noted(self.find_model(name))?;
        self.local.set_model(model);
        Ok(())
    }

    fn use_adapter(&self, adapter: Option<(&str, f32)>) -> Result<(), Error> {
        let adapter = self.noted(self.find_adapter(adapter))?;
        self.local.set_adapter(adapter);
        Ok(())
    }
}
