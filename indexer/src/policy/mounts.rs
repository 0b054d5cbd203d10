//! The mount table, so that a path can be judged without touching what is mounted there.

use std::ffi::OsString;
use std::fs;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// One line of `/proc/self/mountinfo`, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where it is mounted.
    pub point: PathBuf,
    /// Type of the file system, `ext4`, `fuse.echofs` ...
    pub kind: String,
}

/// A snapshot of the mount table that knows when it is out of date.
#[derive(Debug, Default)]
pub struct Mounts {
    table: Option<fs::File>,
    mounts: Vec<Mount>,
}

impl Mounts {
    /// Reads the table. Where there is no `/proc`, the table is empty and devices alone decide.
    pub fn read() -> Mounts {
        let table = fs::File::open("/proc/self/mountinfo").ok();
        let mounts = load();
        Mounts { table, mounts }
    }

    /// Reads the table again if it changed (one system call when it did not); says whether it did.
    pub fn refresh(&mut self) -> bool {
        if !self.table.as_ref().is_some_and(|table| changed(table.as_fd())) {
            return false;
        }
        let fresh = load();
        let differs = fresh != self.mounts;
        self.mounts = fresh;
        differs
    }

    /// Is something mounted exactly here?
    pub fn is_mount_point(&self, path: &Path) -> bool {
        self.mounts.iter().any(|mount| mount.point == path)
    }

    /// The type of the file system `path` is on, by name alone; of several mounted at one place the last counts.
    pub fn kind_of(&self, path: &Path) -> Option<&str> {
        let above = self.mounts.iter().filter(|mount| path.starts_with(&mount.point));
        above.max_by_key(|mount| mount.point.components().count()).map(|mount| mount.kind.as_str())
    }

    /// The mount points strictly below `path`.
    pub fn below(&self, path: &Path) -> Vec<PathBuf> {
        let inside = |mount: &&Mount| mount.point != path && mount.point.starts_with(path);
        self.mounts.iter().filter(inside).map(|mount| mount.point.clone()).collect()
    }
}

/// The kernel marks the open table as exceptional once per change and descriptor.
fn changed(table: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(table, PollFlags::PRI)];
    matches!(poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(n) if n > 0)
}

fn load() -> Vec<Mount> {
    fs::read("/proc/self/mountinfo").map(|text| parse(&text)).unwrap_or_default()
}

fn parse(text: &[u8]) -> Vec<Mount> {
    text.split(|&b| b == b'\n').filter_map(parse_line).collect()
}

/// `36 35 98:0 /root /point opts shared:1 - ext4 /dev/sda1 opts`
fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|&b| b == b' ');
    let point = unescape(fields.nth(4)?);
    let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
    Some(Mount { point: PathBuf::from(OsString::from_vec(point)), kind: String::from_utf8_lossy(kind).into_owned() })
}

/// Undoes the table's `\040` for a space and the like.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, after)) = rest.split_first() {
        let octal = (byte == b'\\').then(|| after.get(..3)).flatten().and_then(octal);
        out.push(octal.unwrap_or(byte));
        rest = if octal.is_some() { &after[3..] } else { after };
    }
    out
}

fn octal(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
        40 27 0:44 / /home/me/my\\040echo rw,nosuid shared:9 master:1 - fuse.echofs echofs rw,user_id=0\n";

    #[test]
    fn reads_points_and_types() {
        let mounts = Mounts { table: None, mounts: parse(TABLE) };
        assert!(mounts.is_mount_point(Path::new("/home/me/my echo")));
        assert_eq!(mounts.kind_of(Path::new("/home/me/my echo/ask")), Some("fuse.echofs"));
        assert_eq!(mounts.kind_of(Path::new("/home/me")), Some("ext4"));
        assert_eq!(mounts.below(Path::new("/home")), [PathBuf::from("/home/me/my echo")]);
    }

    #[test]
    fn the_real_table_has_a_root() {
        let mut mounts = Mounts::read();
        assert!(mounts.is_mount_point(Path::new("/")));
        assert!(!mounts.refresh());
    }
}
