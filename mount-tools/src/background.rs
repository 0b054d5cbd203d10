//! Mounting in the background: this program starts itself again, detached from the terminal, and waits until
//! that process says over its standard output that the mount is there, or why not.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Context;

use crate::cli::Mount;
use crate::config::Settings;
use crate::failure::{Exit, Failure, Outcome};

/// How long the other process may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);
/// A log that has grown over this many bytes is put aside at the next start.
const LOG_LIMIT: u64 = 4 << 20;
const READY: &str = "ready";

/// Starts the mount process and returns when the mount answers.
pub fn start(options: &Mount, settings: &Settings) -> Outcome {
    let log_path = settings.run().join("echofs.log");
    let log = open_log(settings, &log_path)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments(options, settings)).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    let mut child = command.spawn().context("the mount process cannot be started")?;
    let said = child.stdout.take().map_or(Ok(String::new()), listen)?;
    match said.split_once('\n') {
        Some((READY, _)) => announce(&options.mountpoint, &log_path),
        Some((exit, rest)) => {
            child.wait()?;
            Err(repeated(exit, rest.trim_end()))
        }
        None => {
            let next = format!("read {}", log_path.display());
            Err(Failure::new(Exit::Failed, "the mount process ended before it was ready", next))
        }
    }
}

fn arguments(options: &Mount, settings: &Settings) -> Vec<PathBuf> {
    let mut arguments: Vec<PathBuf> = ["mount", "--foreground", "--report", "--data"].map(PathBuf::from).into();
    arguments.extend([settings.data.clone(), "--models".into(), settings.models.clone()]);
    for source in &options.source {
        arguments.extend(["--source".into(), source.clone()]);
    }
    if let Some(model) = &options.model {
        arguments.extend(["--model".into(), model.into()]);
    }
    if !options.options.is_empty() {
        arguments.extend(["-o".into(), options.options.join(",").into()]);
    }
    arguments.extend(["--".into(), options.mountpoint.clone()]);
    arguments
}

fn open_log(settings: &Settings, path: &Path) -> Outcome<File> {
    let shown = || settings.run().display().to_string();
    crate::private::directory(&settings.data).with_context(shown)?;
    crate::private::directory(&settings.run()).with_context(shown)?;
    if path.metadata().is_ok_and(|metadata| metadata.len() > LOG_LIMIT) {
        std::fs::rename(path, path.with_extension("log.old")).with_context(shown)?;
    }
    Ok(crate::private::append(path).with_context(shown)?)
}

/// What the other process says until it is ready or has ended.
fn listen(stdout: ChildStdout) -> Outcome<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stdout);
        let mut said = String::new();
        let first = reader.read_line(&mut said);
        let rest = if said.trim_end() == READY { Ok(0) } else { reader.read_to_string(&mut said) };
        let _ = sender.send(first.and(rest).map(|_| said));
    });
    match receiver.recv_timeout(PATIENCE) {
        Ok(said) => Ok(said?),
        Err(_) => {
            let cause = format!("the mount does not answer after {} seconds", PATIENCE.as_secs());
            Err(Failure::new(Exit::TimedOut, cause, "read run/echofs.log in the data directory"))
        }
    }
}

fn announce(mountpoint: &Path, log: &Path) -> Outcome {
    mountpoint.metadata().with_context(|| mountpoint.display().to_string())?;
    let mut out = io::stdout().lock();
    writeln!(out, "mounted on {} (log: {})", mountpoint.display(), log.display())?;
    Ok(())
}

/// A failure as [`report_failure`] wrote it.
fn repeated(exit: &str, text: &str) -> Failure {
    let (cause, next) = text.split_once("\nNext: ").unwrap_or((text, "run `echofs doctor`"));
    let exit = match exit {
        "2" => Exit::Usage,
        "69" => Exit::Unavailable,
        "75" => Exit::TimedOut,
        _ => Exit::Failed,
    };
    Failure::new(exit, cause, next)
}

/// In the mount process: a session of its own, and no directory kept busy.
pub fn detach() {
    let _ = rustix::process::setsid();
    let _ = std::env::set_current_dir("/");
}

/// In the mount process: tells the one that waits that the mount is there, and lets go of it.
pub fn ready(options: &Mount) -> Outcome {
    if options.report {
        let mut out = io::stdout().lock();
        writeln!(out, "{READY}")?;
        out.flush()?;
        rustix::stdio::dup2_stdout(File::options().write(true).open("/dev/null")?)
            .map_err(|error| anyhow::anyhow!("standard output: {error}"))?;
    }
    Ok(())
}

/// In the mount process: tells the one that waits why there is no mount.
pub fn report_failure(failure: &Failure) {
    println!("{}\n{failure}", failure.exit as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_passed_on() {
        let failure = repeated("69", "no FUSE\nNext: modprobe fuse");
        assert_eq!((failure.exit, failure.next.as_str()), (Exit::Unavailable, "modprobe fuse"));
        assert_eq!(failure.to_string(), "no FUSE\nNext: modprobe fuse");
    }
}
