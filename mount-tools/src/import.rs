//! `echofs import`: takes conversations from exports and transcripts.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use echofs_indexer::conversations::Conversations;
use echofs_indexer::conversations::import::Report;

use crate::cli::Import;
use crate::config::Settings;
use crate::failure::{Advise, Exit, Failure, Outcome};
use crate::record;

/// How long another short command may hold the data directory.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a mount is asked how far it is.
const POLL: Duration = Duration::from_millis(100);

/// Imports files, and the files in directories; prints what was taken of each.
pub fn run(options: &Import, settings: &Settings) -> Outcome {
    let mut files = Vec::new();
    for path in &options.paths {
        collect(path, &mut files).with_context(|| path.display().to_string()).advise("give files that can be read")?;
    }
    let refused = match record::running(settings) {
        Some(record) => through(&record.mountpoint.join("conversations/import"), &files, options.json)?,
        None => directly(settings, &files, options.json)?,
    };
    match refused {
        0 => Ok(()),
        n => {
            let next = "see above what could not be taken; everything else was";
            Err(Failure::new(
                Exit::Failed,
                format!("{n} of {} files hold something that was not taken", files.len()),
                next,
            ))
        }
    }
}

/// The files at or below a path, in order.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        File::open(path)?;
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries = path.read_dir()?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    entries.iter().filter(|path| !is_hidden(path)).try_for_each(|path| collect(path, files))
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| "import".into(), |name| name.to_string_lossy().into_owned())
}

/// Copies files into the mount, as `cp` would, and waits for its reports.
fn through(import: &Path, files: &[PathBuf], json: bool) -> Outcome<usize> {
    let mut refused = 0;
    for path in files {
        let name = name_of(path);
        let last = reports(import)?.last().map_or(0, |report| report.id);
        let mut from = File::open(path).with_context(|| path.display().to_string())?;
        let mut into = File::create(import.join(&name)).with_context(|| format!("{name} in {}", import.display()))?;
        io::copy(&mut from, &mut into).with_context(|| path.display().to_string())?;
        into.sync_all().with_context(|| path.display().to_string())?;
        drop(into);
        let report = loop {
            let report = reports(import)?.into_iter().find(|report| report.id > last && report.file == name);
            match report {
                Some(report) if report.done => break report,
                Some(report) => show_progress(path, &report),
                None => {}
            }
            std::thread::sleep(POLL);
        };
        refused += usize::from(report.refusals > 0);
        print(path, &report, json)?;
    }
    Ok(refused)
}

fn reports(import: &Path) -> Outcome<Vec<Report>> {
    let text = std::fs::read_to_string(import.join("report.jsonl")).context("the mount does not answer")?;
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn directly(settings: &Settings, files: &[PathBuf], json: bool) -> Outcome<usize> {
    let _lock = record::lock(settings, PATIENCE)?;
    let store = Conversations::open(&settings.data)?;
    let mut refused = 0;
    for path in files {
        let progress = |report: &Report| {
            if report.conversations.is_multiple_of(100) {
                show_progress(path, report);
            }
        };
        let report = store.import(store.import_id(), path, &name_of(path), &progress);
        refused += usize::from(report.refusals > 0);
        print(path, &report, json)?;
    }
    Ok(refused)
}

/// One line that is written over, at a terminal only.
fn show_progress(path: &Path, report: &Report) {
    let mut err = io::stderr().lock();
    if err.is_terminal() {
        let _ = write!(err, "\r\x1b[K{}: {report}", name_of(path));
        let _ = err.flush();
    }
}

fn print(path: &Path, report: &Report, json: bool) -> Outcome {
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(report)?)?;
        return Ok(());
    }
    writeln!(out, "{}: {report}", path.display())?;
    for (place, why) in &report.refused {
        writeln!(out, "  {place}: {why}")?;
    }
    Ok(())
}
