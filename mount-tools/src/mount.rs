//! `echofs mount`: puts store, engines and tree together and serves until it is unmounted.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use anyhow::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cli::{Mount, Places};
use crate::config::Settings;
use crate::failure::{Advise, Exit, Failure, Outcome};
use crate::record::{self, Record};
use crate::{background, engines, fstab, mountinfo, mountpoint};

/// How long another short command may hold the data directory before a mount gives up.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a busy mount is waited for before it is detached, and then for its last users.
const GRACE: Duration = Duration::from_secs(2);

/// Mounts, in the foreground or in the background.
pub fn run(mut options: Mount, mut places: Places) -> Outcome {
    fstab::apply_options(&mut options, &mut places)?;
    let settings = Settings::load(places.data.as_deref(), places.models.as_deref())?;
    options.mountpoint = mountinfo::absolute(&options.mountpoint)
        .with_context(|| format!("the mount point {}", options.mountpoint.display()))
        .advise("choose a mount point in a directory that exists")?;
    options.source = sources(&options.source, &settings)?;
    if !options.foreground {
        return background::start(&options, &settings);
    }
    if options.report {
        background::detach();
    }
    let outcome = serve(&options, &settings);
    if let (Err(failure), true) = (&outcome, options.report) {
        background::report_failure(failure);
    }
    outcome
}

/// Sources of the command line and of the configuration, real paths, each once.
fn sources(given: &[PathBuf], settings: &Settings) -> Outcome<Vec<PathBuf>> {
    let mut sources = Vec::new();
    for path in given.iter().chain(&settings.file.sources) {
        let real = path.canonicalize().with_context(|| format!("the source {}", path.display())).advise(format!(
            "give a directory that exists (--source, or `sources` in {})",
            settings.path().display()
        ))?;
        if !real.is_dir() {
            let cause = format!("the source {} is not a directory", path.display());
            return Err(Failure::new(Exit::Usage, cause, "give the directory it is in"));
        }
        if !sources.contains(&real) {
            sources.push(real);
        }
    }
    Ok(sources)
}

fn serve(options: &Mount, settings: &Settings) -> Outcome {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    echofs_indexer::keep_little();
    let _lock = record::lock(settings, PATIENCE)?;
    heal_last(settings)?;
    mountpoint::prepare(&options.mountpoint)?;
    let (ended, end) = mpsc::channel();
    let signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;

    let knowledge = engines::open(settings, options)?;
    let session = knowledge.mount(&options.mountpoint, fstab::kernel_options(options))?;
    Record::here(&options.mountpoint, &options.source).save(settings)?;
    knowledge.index.start();
    log::info!("mounted on {}", options.mountpoint.display());
    background::ready(options)?;

    unmount_on_signal(signals, options.mountpoint.clone(), ended.clone());
    std::thread::spawn(move || {
        if let Err(error) = session.wait() {
            log::warn!("the session ended with: {error}");
        }
        let _ = ended.send(End::Session);
    });
    if let Ok(End::Signal) = end.recv() {
        let _ = end.recv_timeout(GRACE);
    }
    log::info!("unmounted from {}", options.mountpoint.display());
    knowledge.close();
    Ok(())
}

/// A mount of this data directory that a killed process has left, wherever it was.
fn heal_last(settings: &Settings) -> Outcome {
    match record::last(settings) {
        Some(record) if !record.alive() => mountpoint::heal(&record.mountpoint).map(drop),
        _ => Ok(()),
    }
}

/// What ends a mount.
enum End {
    /// Nobody uses it any more.
    Session,
    /// It is unmounted, and programs may still use it.
    Signal,
}

/// The first signal unmounts; where programs hold the mount, it is detached and they get a moment to finish.
fn unmount_on_signal(mut signals: Signals, mountpoint: PathBuf, ended: Sender<End>) {
    std::thread::spawn(move || {
        let Some(signal) = signals.forever().next() else { return };
        log::info!("signal {signal}: unmounting");
        if let Err(error) = free(&mountpoint) {
            log::error!("{}: {error}", mountpoint.display());
        }
        let _ = ended.send(End::Signal);
    });
}

fn free(path: &Path) -> std::io::Result<()> {
    match record::is_ours(path) {
        true => mountpoint::free(path, GRACE),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_real_directories_and_each_counts_once() {
        let dir = tempfile::tempdir().expect("a directory");
        let real = dir.path().canonicalize().expect("real");
        let settings = Settings { data: real.clone(), models: real.clone(), file: Default::default() };
        let given = [real.clone(), real.join("."), real.clone()];
        assert_eq!(sources(&given, &settings).expect("there"), vec![real.clone()]);
        std::fs::write(real.join("file"), "").expect("written");
        for wrong in ["missing", "file"] {
            assert!(sources(&[real.join(wrong)], &settings).is_err(), "{wrong}");
        }
    }
}
