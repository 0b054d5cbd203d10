//! The store without a mount: for commands that are given while nothing is mounted.

use std::time::Duration;

use crate::cli::Mount;
use crate::config::Settings;
use crate::engines::{self, Knowledge};
use crate::failure::{Exit, Failure, Outcome};
use crate::record::{self, Lock};

const PATIENCE: Duration = Duration::from_secs(5);

/// The store, held by this process.
pub struct Local {
    knowledge: Knowledge,
    _lock: Lock,
}

impl std::ops::Deref for Local {
    type Target = Knowledge;

    fn deref(&self) -> &Knowledge {
        &self.knowledge
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.knowledge.close();
    }
}

/// Opens what the last mount has indexed; nothing is scanned or watched.
pub fn open(settings: &Settings) -> Outcome<Local> {
    let Some(last) = record::last(settings) else {
        let cause = format!("nothing was ever indexed in {}", settings.data.display());
        return Err(Failure::new(Exit::Unavailable, cause, "echofs mount MOUNTPOINT --source DIR"));
    };
    let lock = record::lock(settings, PATIENCE)?;
    let options = Mount { mountpoint: last.mountpoint, source: last.sources, ..Mount::default() };
    Ok(Local { knowledge: engines::open(settings, &options)?, _lock: lock })
}
