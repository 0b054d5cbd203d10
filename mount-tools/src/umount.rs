//! `echofs umount`: frees the mount point and waits until the process behind it has ended.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::cli::Umount;
use crate::config::Settings;
use crate::failure::{Exit, Failure, Outcome};
use crate::record::{self, Record};
use crate::{mountinfo, mountpoint, status};

/// How long the process may take to save and end.
const PATIENCE: Duration = Duration::from_secs(20);

/// Unmounts.
pub fn run(options: &Umount, settings: &Settings) -> Outcome {
    let path = mountinfo::absolute(&options.mountpoint)?;
    require_mount(&path)?;
    let process = process_behind(&path, settings);
    if let Err(error) = mountpoint::detach(&path, options.lazy || mountpoint::is_dead(&path)?) {
        return Err(failure(&path, &error));
    }
    let end = Instant::now() + PATIENCE;
    while process.as_ref().is_some_and(Record::alive) {
        if Instant::now() >= end {
            let cause = format!("{} is unmounted; its process has not ended yet", path.display());
            return Err(Failure::new(
                Exit::TimedOut,
                cause,
                "wait for it, or read run/echofs.log in the data directory",
            ));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// An EchoFS mount must be there.
pub fn require_mount(path: &Path) -> Outcome {
    let next = format!("echofs mount {}", path.display());
    match mountinfo::at(path)? {
        Some(mount) if mount.is_echofs() => Ok(()),
        Some(mount) => {
            let cause = format!("{} is a mount of {}, not of EchoFS", path.display(), mount.kind);
            Err(Failure::new(Exit::Unavailable, cause, "name the mount point of an EchoFS mount"))
        }
        None => Err(Failure::new(Exit::Unavailable, format!("nothing is mounted on {}", path.display()), next)),
    }
}

fn process_behind(path: &Path, settings: &Settings) -> Option<Record> {
    match record::running(settings) {
        Some(record) if record.mountpoint == path => Some(record),
        _ => Record::of(status::read(path).ok()?.pid?, path),
    }
}

fn failure(path: &Path, error: &io::Error) -> Failure {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::ResourceBusy => Failure::new(
            Exit::Failed,
            format!("{shown} is in use by a program"),
            format!("leave the directory or close the file, or: echofs umount --lazy {shown}"),
        ),
        _ => Failure::new(Exit::Failed, format!("{shown}: {error}"), "unmount as the user who mounted"),
    }
}
