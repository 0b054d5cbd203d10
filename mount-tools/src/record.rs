//! Which process has mounted a data directory, and where: `<data>/run/mount.json`, beside the lock that
//! keeps a second process out of the same data.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::config::Settings;
use crate::failure::{Exit, Failure, Outcome};
use crate::mountinfo;

/// What a mount leaves for other commands. It stays when the process dies; [`running`] tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Process that mounted.
    pub pid: u32,
    /// Start time of that process in clock ticks since boot: with the pid it names one process for good.
    pub started: u64,
    /// Where.
    pub mountpoint: PathBuf,
    /// What it indexes.
    pub sources: Vec<PathBuf>,
}

impl Record {
    /// This process's record.
    pub fn here(mountpoint: &Path, sources: &[PathBuf]) -> Record {
        let pid = std::process::id();
        let started = start_time(pid).unwrap_or(0);
        Record { pid, started, mountpoint: mountpoint.to_path_buf(), sources: sources.to_vec() }
    }

    /// A living process of which no record is at hand.
    pub fn of(pid: u32, mountpoint: &Path) -> Option<Record> {
        let started = start_time(pid)?;
        Some(Record { pid, started, mountpoint: mountpoint.to_path_buf(), sources: Vec::new() })
    }

    /// Whether the process that wrote it still lives.
    pub fn alive(&self) -> bool {
        start_time(self.pid) == Some(self.started)
    }

    /// Writes it.
    pub fn save(&self, settings: &Settings) -> Outcome {
        let text = serde_json::to_vec_pretty(self)?;
        crate::private::write(&path(settings), &text).context(path(settings).display().to_string())?;
        Ok(())
    }
}

fn path(settings: &Settings) -> PathBuf {
    settings.run().join("mount.json")
}

/// The last record, whether its process lives or not.
pub fn last(settings: &Settings) -> Option<Record> {
    serde_json::from_slice(&std::fs::read(path(settings)).ok()?).ok()
}

/// The record of the process that has this data directory mounted now.
pub fn running(settings: &Settings) -> Option<Record> {
    last(settings).filter(|record| record.alive() && is_ours(&record.mountpoint))
}

/// Gives an order to the control file `.echo/<file>` of the running mount; whether there is one.
pub fn order(settings: &Settings, file: &str, line: &str) -> Outcome<bool> {
    let Some(record) = running(settings) else { return Ok(false) };
    let path = record.mountpoint.join(".echo").join(file);
    let written = std::fs::OpenOptions::new().write(true).open(&path).and_then(|mut control| {
        use std::io::Write;
        control.write_all(format!("{line}\n").as_bytes())
    });
    match written {
        Ok(()) => Ok(true),
        Err(error) => {
            let why = std::fs::read_to_string(&path).unwrap_or_default();
            let why = why.lines().find_map(|line| line.strip_prefix("refused: ")).map(str::to_owned);
            let cause = why.unwrap_or_else(|| format!("{}: {error}", path.display()));
            Err(Failure::new(Exit::Failed, cause, "see `echofs model list` and `echofs lora list`"))
        }
    }
}

/// Whether an EchoFS mount is at this place.
pub fn is_ours(mountpoint: &Path) -> bool {
    matches!(mountinfo::at(mountpoint), Ok(Some(mount)) if mount.is_echofs())
}

/// Field 22 of `/proc/<pid>/stat`; the name in field 2 may hold anything, so counting starts behind it.
fn start_time(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let dead = matches!(fields.next()?, "Z" | "X");
    if dead { None } else { fields.nth(18)?.parse().ok() }
}

/// Holds the data directory for this process; given back when dropped, by the kernel at the latest.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "held, never read")] File);

/// Takes the data directory, waiting up to `patience` for another command to finish with it.
pub fn lock(settings: &Settings, patience: Duration) -> Outcome<Lock> {
    crate::private::directory(&settings.data).with_context(|| settings.data.display().to_string())?;
    crate::private::directory(&settings.run()).with_context(|| settings.run().display().to_string())?;
    let file = crate::private::append(&settings.run().join("lock"))?;
    let end = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock(file)),
            Err(TryLockError::Error(error)) => return Err(error.into()),
            Err(TryLockError::WouldBlock) if Instant::now() >= end => return Err(in_use(settings)),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn in_use(settings: &Settings) -> Failure {
    let data = settings.data.display();
    match last(settings).filter(Record::alive) {
        Some(record) => Failure::new(
            Exit::Failed,
            format!("{data} is mounted on {} by process {}", record.mountpoint.display(), record.pid),
            format!("echofs umount {}, or choose another --data DIR", record.mountpoint.display()),
        ),
        None => Failure::new(
            Exit::Failed,
            format!("{data} is in use by another echofs command"),
            "wait until it is done, or choose another --data DIR",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(data: &Path) -> Settings {
        Settings { data: data.to_path_buf(), models: data.join("models"), file: Default::default() }
    }

    #[test]
    fn a_record_knows_its_own_process_and_no_other() {
        let mut record = Record::here(Path::new("/mnt"), &[]);
        assert!(record.alive());
        record.started += 1;
        assert!(!record.alive(), "the pid was given to another process");
    }

    #[test]
    fn the_data_directory_is_held_by_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let settings = settings(&dir.path().join("data"));
        let held = lock(&settings, Duration::ZERO).expect("free");
        let refused = lock(&settings, Duration::ZERO).expect_err("held");
        assert!(refused.to_string().contains("in use"), "{refused}");
        drop(held);
        lock(&settings, Duration::ZERO).expect("free again");
    }

    #[test]
    fn a_record_survives_writing() {
        let dir = tempfile::tempdir().expect("a directory");
        let settings = settings(dir.path());
        let record = Record::here(Path::new("/mnt/x"), &[PathBuf::from("/a")]);
        record.save(&settings).expect("saved");
        assert_eq!(last(&settings), Some(record));
        assert_eq!(running(&settings), None, "nothing is mounted there");
    }
}
