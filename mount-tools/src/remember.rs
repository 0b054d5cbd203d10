//! `echofs remember`: keeps a sentence among the notes.

use std::io::{self, Write};

use anyhow::Context;

use crate::cli::Remember;
use crate::config::Settings;
use crate::failure::{Advise, Exit, Failure, Outcome};
use crate::record;

/// Keeps a sentence; it is on disk when this returns.
pub fn run(options: &Remember, settings: &Settings) -> Outcome {
    let text = options.text.join(" ");
    if text.trim().is_empty() {
        return Err(Failure::new(Exit::Usage, "there is nothing to remember", "echofs remember TEXT"));
    }
    match record::running(settings) {
        Some(record) => std::fs::write(record.mountpoint.join("remember"), format!("{}\n", text.replace('\n', " "))),
        None => keep(settings, &text),
    }
    .context("this was not kept")
    .advise("run `echofs doctor`: it checks the data directory and the disk")?;
    writeln!(io::stdout().lock(), "kept in knowledge/notes/remembered.md")?;
    Ok(())
}

fn keep(settings: &Settings, text: &str) -> io::Result<()> {
    let notes = settings.data.join("notes");
    crate::private::directory(&notes)?;
    echofs_fs::remember(&notes, text, &jiff::Zoned::now()).map(drop)
}
