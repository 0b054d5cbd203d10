//! `echofs forget`: takes a document out of everything that was made from it.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;

use crate::cli::Forget;
use crate::config::Settings;
use crate::failure::{Advise, Exit, Failure, Outcome};
use crate::{local, mountinfo, record};

/// Forgets a file or directory; the file itself stays where it is.
pub fn run(options: &Forget, settings: &Settings) -> Outcome {
    let path = mountinfo::absolute(&options.path).with_context(|| options.path.display().to_string())?;
    match record::running(settings) {
        Some(record) => through(&record.mountpoint, &path)?,
        None => {
            let store = local::open(settings)?;
            store.index.forget(&path).advise("give the path of a file under a source")?;
            store.answers.forget(&path);
            store.generator.forget();
        }
    }
    let mut out = io::stdout().lock();
    match options.json {
        true => writeln!(out, "{}", serde_json::json!({"forgotten": path}))?,
        false => writeln!(out, "forgotten: {}; the file itself is untouched", path.display())?,
    }
    Ok(())
}

fn through(mountpoint: &Path, path: &Path) -> Outcome {
    // With a line end the order is carried out by the write, which reports its failure; a close would not.
    let line = [path.as_os_str().as_encoded_bytes(), b"\n"].concat();
    std::fs::write(mountpoint.join(".echo/forget"), line).map_err(|error| {
        let cause = format!("{} cannot be forgotten: {error}", path.display());
        Failure::new(Exit::Failed, cause, "give the path of a file under a source; `echofs status` lists them")
    })
}
