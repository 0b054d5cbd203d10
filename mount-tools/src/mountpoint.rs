//! The directory the tree is mounted on: made, checked, healed, and freed.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::mount::UnmountFlags;

use crate::failure::{Advise, Exit, Failure, Outcome};
use crate::mountinfo;

/// How long a mount may take to answer before it counts as living but stuck.
const PROBE: Duration = Duration::from_secs(2);

/// Makes the mount point if it is missing; refuses one that is in use or holds files.
pub fn prepare(path: &Path) -> Outcome {
    heal(path)?;
    if let Some(mount) = mountinfo::at(path)? {
        let what = if mount.is_echofs() { "EchoFS" } else { &mount.kind };
        let cause = format!("{what} is already mounted on {}", path.display());
        let next = format!("echofs umount {}, or choose another mount point", path.display());
        return Err(Failure::new(Exit::Failed, cause, next));
    }
    std::fs::create_dir_all(path)
        .with_context(|| format!("the mount point {} cannot be made", path.display()))
        .advise("choose a mount point in a directory that is yours")?;
    let mut entries = std::fs::read_dir(path)
        .with_context(|| format!("the mount point {}", path.display()))
        .advise("choose a directory that you can read")?;
    match entries.next() {
        None => Ok(()),
        Some(_) => {
            let cause = format!("the mount point {} is not empty", path.display());
            Err(Failure::new(Exit::Failed, cause, "choose an empty directory, or one that does not exist yet"))
        }
    }
}

/// Detaches an EchoFS mount whose process has died; leaves every other mount alone.
pub fn heal(path: &Path) -> Outcome<bool> {
    if !is_dead(path)? {
        return Ok(false);
    }
    log::info!("{}: detaching the mount of a process that has died", path.display());
    detach(path, true)
        .with_context(|| format!("the dead mount on {} cannot be detached", path.display()))
        .advise(format!("as the user who mounted it: fusermount3 -uz {}", path.display()))?;
    Ok(true)
}

/// Whether an EchoFS mount is here whose process is gone. One that lives and does not answer is not dead.
pub fn is_dead(path: &Path) -> io::Result<bool> {
    if !mountinfo::at(path)?.is_some_and(|mount| mount.is_echofs()) {
        return Ok(false);
    }
    let (sender, receiver) = mpsc::channel();
    let path = path.to_path_buf();
    // Attributes may be cached; statfs always asks the process behind the mount.
    std::thread::spawn(move || sender.send(rustix::fs::statvfs(&path).map_err(io::Error::from)));
    Ok(matches!(receiver.recv_timeout(PROBE), Ok(Err(error)) if is_disconnected(&error)))
}

/// ENOTCONN and, from a connection that was aborted, ECONNABORTED.
pub fn is_disconnected(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotConnected | io::ErrorKind::ConnectionAborted)
}

/// Unmounts; a mount that stays busy is detached, so that it is gone for all who come later.
pub fn free(path: &Path, patience: Duration) -> io::Result<()> {
    let end = Instant::now() + patience;
    loop {
        match detach(path, false) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy && Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => return detach(path, true),
            other => return other,
        }
    }
}

/// One attempt to unmount, by the system call where that is allowed, else by fusermount3.
pub fn detach(path: &Path, lazy: bool) -> io::Result<()> {
    let flags = UnmountFlags::NOFOLLOW | if lazy { UnmountFlags::DETACH } else { UnmountFlags::empty() };
    match rustix::mount::unmount(path, flags).map_err(io::Error::from) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => fusermount(path, lazy),
        other => other,
    }
}

fn fusermount(path: &Path, lazy: bool) -> io::Result<()> {
    let flags = if lazy { "-uz" } else { "-u" };
    let mut command = Command::new("fusermount3");
    command.env("LC_ALL", "C").arg(flags).arg("--").arg(path).stdin(Stdio::null());
    let done = command.output()?;
    let said = String::from_utf8_lossy(&done.stderr);
    match done.status.success() {
        true => Ok(()),
        false if said.contains("busy") => Err(io::ErrorKind::ResourceBusy.into()),
        false => Err(io::Error::other(said.trim().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_point_is_made() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().canonicalize().expect("real").join("new/echo");
        prepare(&path).expect("made");
        assert!(path.is_dir());
        prepare(&path).expect("still empty");
    }

    #[test]
    fn files_are_never_covered() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("diary.md"), "").expect("written");
        assert!(prepare(dir.path()).expect_err("not empty").to_string().contains("not empty"));
    }

    #[test]
    fn mounts_of_others_are_left_alone() {
        assert!(!heal(Path::new("/proc")).expect("looked at"));
        assert!(prepare(Path::new("/proc")).expect_err("in use").to_string().contains("already mounted"));
    }
}
