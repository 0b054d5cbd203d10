//! `echofs status`, and what other commands read of `.echo/status.json`.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::config::Settings;
use crate::failure::{Exit, Failure, Outcome};
use crate::{cli, local, mountpoint, record};

/// The fields of `.echo/status.json` that commands go by.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Status {
    pub pid: Option<u32>,
    pub scanned: bool,
    pub pending: u64,
    pub pending_semantic: u64,
    pub errors: Vec<String>,
    pub models: Models,
}

/// The engines of a mount.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Models {
    pub embedding: Engine,
}

/// One engine.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Engine {
    pub name: Option<String>,
}

impl Status {
    /// Whether all is searchable by words, and by meaning if that is wanted.
    pub fn searchable(&self, meaning: bool) -> bool {
        self.scanned && self.pending == 0 && (!meaning || self.pending_semantic == 0 && self.no_meaning().is_none())
    }

    /// Why nothing more will be searchable by meaning, if that is so.
    pub fn no_meaning(&self) -> Option<&str> {
        match &self.models.embedding.name {
            None => Some("no search by meaning: there is no embedding model"),
            Some(_) => self.errors.iter().map(String::as_str).find(|error| error.starts_with("no search by meaning")),
        }
    }
}

/// Reads the status of the mount here.
pub fn read(mountpoint: &Path) -> Outcome<Status> {
    let path = mountpoint.join(".echo/status.json");
    let text = std::fs::read_to_string(&path).map_err(|error| {
        let shown = mountpoint.display();
        match mountpoint::is_disconnected(&error) || error.kind() == std::io::ErrorKind::NotFound {
            true => Failure::new(
                Exit::Unavailable,
                format!("the mount on {shown} is gone"),
                format!("echofs mount {shown}"),
            ),
            false => Failure::from(anyhow::Error::from(error).context(path.display().to_string())),
        }
    })?;
    Ok(serde_json::from_str(&text).with_context(|| path.display().to_string())?)
}

/// Prints the status of the mount, or of the store where nothing is mounted.
pub fn run(options: &cli::Status, settings: &Settings) -> Outcome {
    let mut out = std::io::stdout().lock();
    if let Some(record) = record::running(settings) {
        let name = if options.json { ".echo/status.json" } else { "status" };
        let path = record.mountpoint.join(name);
        let text = std::fs::read(&path).with_context(|| path.display().to_string())?;
        out.write_all(&text)?;
        return Ok(());
    }
    let stored = Stored::read(settings)?;
    if options.json {
        writeln!(out, "{}", serde_json::to_string(&stored)?)?;
    } else {
        writeln!(out, "not mounted\ndata       {}", settings.data.display())?;
        writeln!(out, "documents  {} in {} passages", stored.documents, stored.chunks)?;
        writeln!(out, "Next: echofs mount MOUNTPOINT --source DIR")?;
    }
    Ok(())
}

/// What is known without a mount.
#[derive(Debug, Serialize)]
struct Stored {
    version: &'static str,
    state: &'static str,
    documents: usize,
    chunks: usize,
    failed: usize,
    skipped: usize,
}

impl Stored {
    fn read(settings: &Settings) -> Outcome<Stored> {
        let store = local::open(settings)?;
        let counts = store.index.counts();
        Ok(Stored {
            version: env!("CARGO_PKG_VERSION"),
            state: "unmounted",
            documents: counts.documents,
            chunks: counts.chunks,
            failed: counts.failed,
            skipped: counts.skipped,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(json: &str) -> Status {
        serde_json::from_str(json).expect("a status")
    }

    #[test]
    fn searchable_means_that_nothing_is_pending() {
        let check = |json, words, meaning| {
            let status = status(json);
            assert_eq!((status.searchable(false), status.searchable(true)), (words, meaning), "{json}");
        };
        check(r#"{"scanned":false,"pending":0,"models":{"embedding":{"name":"m"}}}"#, false, false);
        check(r#"{"scanned":true,"pending":2,"pending_semantic":9,"models":{"embedding":{"name":"m"}}}"#, false, false);
        check(r#"{"scanned":true,"pending":0,"pending_semantic":9,"models":{"embedding":{"name":"m"}}}"#, true, false);
        check(r#"{"scanned":true,"pending":0,"pending_semantic":0,"models":{"embedding":{"name":"m"}}}"#, true, true);
        check(r#"{"scanned":true,"pending":0,"pending_semantic":0,"models":{"embedding":{"name":null}}}"#, true, false);
    }
}
