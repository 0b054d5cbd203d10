//! `echofs rebuild`: reads files again from the disk.

use std::io::{self, Write};

use anyhow::Context;

use crate::cli::Rebuild;
use crate::config::Settings;
use crate::failure::{Exit, Failure, Outcome};
use crate::{mountinfo, record};

/// Asks the mount to index a path, or everything, again.
pub fn run(options: &Rebuild, settings: &Settings) -> Outcome {
    let Some(record) = record::running(settings) else {
        let cause = format!("{} is not mounted", settings.data.display());
        return Err(Failure::new(Exit::Unavailable, cause, "echofs mount MOUNTPOINT, then again"));
    };
    let what = match &options.path {
        Some(path) => mountinfo::absolute(path)?.into_os_string(),
        None => "all".into(),
    };
    let control = record.mountpoint.join(".echo/reindex");
    std::fs::write(&control, what.as_encoded_bytes()).with_context(|| control.display().to_string())?;
    let mut out = io::stdout().lock();
    writeln!(out, "reading again; `echofs wait {}` returns when it is done", record.mountpoint.display())?;
    Ok(())
}
