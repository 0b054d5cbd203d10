//! Is a source there, and is it still the same one?

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::state::Watch;
use crate::policy::Policy;

/// One source as the watcher's thread sees it.
#[derive(Debug)]
pub struct Root {
    /// Its path.
    pub path: PathBuf,
    /// Device and inode when it was last available.
    pub id: Option<(u64, u64)>,
    /// Why it is out of reach.
    pub unavailable: Option<String>,
    /// How its changes are noticed.
    pub watch: Watch,
    /// The pass under way.
    pub pass: Option<Pass>,
    /// Another pass has to follow the one under way.
    pub stale: bool,
    /// When to look again without being asked.
    pub next: Instant,
    /// When to try the kernel's watches again after they ran out.
    pub retry: Instant,
}

/// A walk over a whole source, in steps.
#[derive(Debug)]
pub struct Pass {
    /// Everything is told, not only differences.
    pub full: bool,
    /// Directories still to be looked into.
    pub stack: Vec<PathBuf>,
    /// Time spent on it.
    pub spent: Duration,
}

impl Pass {
    /// A pass that begins at `root`.
    pub fn new(root: &Path, full: bool) -> Pass {
        Pass { full, stack: vec![root.to_path_buf()], spent: Duration::ZERO }
    }
}

impl Root {
    /// A source that was not looked at yet.
    pub fn new(path: PathBuf, now: Instant) -> Root {
        Root {
            path,
            id: None,
            unavailable: None,
            watch: Watch::Inotify,
            pass: None,
            stale: false,
            next: now,
            retry: now,
        }
    }

    /// Device and inode of the source as it is now.
    ///
    /// # Errors
    /// Why its files are out of reach, in words. Does not touch a source on an EchoFS mount.
    pub fn probe(&self, policy: &Policy) -> Result<(u64, u64), String> {
        if policy.on_echofs(&self.path) {
            return Err("it lies on an EchoFS mount".to_owned());
        }
        if awaits_mount(&self.path, policy) {
            return Err("its file system is not mounted".to_owned());
        }
        let meta = self.path.symlink_metadata().map_err(|error| error.to_string())?;
        if !meta.is_dir() {
            return Err("it is not a directory".to_owned());
        }
        let id = (meta.dev(), meta.ino());
        if self.id.is_some_and(|known| known.0 != id.0) && is_empty(&self.path) {
            return Err("its file system is not mounted".to_owned());
        }
        Ok(id)
    }
}

/// Does `/etc/fstab` want a file system at or above `root` that is not mounted? What lies there instead, mostly
/// nothing, is not the source.
fn awaits_mount(root: &Path, policy: &Policy) -> bool {
    let Ok(table) = fs::read_to_string("/etc/fstab") else { return false };
    wanted_mounts(&table).any(|point| root.starts_with(&point) && !policy.is_mounted(&point))
}

fn wanted_mounts(fstab: &str) -> impl Iterator<Item = PathBuf> {
    let lines = fstab.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let points = lines.filter_map(|line| line.split_whitespace().nth(1));
    points
        .filter(|point| point.starts_with('/') && *point != "/")
        .map(|point| PathBuf::from(point.replace("\\040", " ")))
}

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none())
}

/// Does the kernel not see what others change on such a file system? Encrypting ones have no others.
pub fn is_remote(kind: &str) -> bool {
    let remote = [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "fuse",
        "glusterfs",
        "lustre",
        "vboxsf",
        "virtiofs",
    ];
    let local = ["fuse.gocryptfs", "fuse.encfs", "fuse.cryfs", "fuse.securefs"];
    remote.contains(&kind) || (kind.starts_with("fuse.") && !local.contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fstab_names_mount_points() {
        let table =
            "# x\nUUID=1 / ext4 defaults 0 1\nUUID=2 /mnt/my\\040disk ext4 noauto 0 2\nUUID=3 none swap sw 0 0\n";
        assert_eq!(wanted_mounts(table).collect::<Vec<_>>(), [PathBuf::from("/mnt/my disk")]);
    }
}
