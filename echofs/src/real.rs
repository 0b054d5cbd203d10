//! `knowledge/notes`: real files in the data directory, served as they are.
//!
//! Each node holds an `O_PATH` descriptor, so it stays the same file whatever it is renamed to, and one inode
//! serves all its hard links. Invariant: the descriptor keeps the file's inode number from being used again
//! while the kernel still knows it.

use std::ffi::OsStr;
use std::fs::File as OsFile;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{FileAttr, FileType, TimeOrNow};
use rustix::fs::{self, AtFlags, Dir, Gid, Mode, OFlags, RenameFlags, Stat, Timespec, Timestamps, Uid, XattrFlags};

use crate::error::Error;
use crate::node::Id;

/// A file, directory, link or other thing below `knowledge/notes`.
pub struct RealNode {
    fd: OwnedFd,
    id: Id,
    kind: FileType,
}

/// An entry of a real directory.
pub struct RealEntry {
    /// Its name.
    pub name: std::ffi::OsString,
    /// Its kind.
    pub kind: FileType,
    /// Its inode number in the mount.
    pub id: Id,
}

/// What `setattr` changes.
#[derive(Default)]
pub struct Changes {
    /// Permission bits.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Length in bytes.
    pub size: Option<u64>,
    /// Time of access.
    pub atime: Option<TimeOrNow>,
    /// Time of modification.
    pub mtime: Option<TimeOrNow>,
}

impl Changes {
    /// Whether only times are to be changed.
    pub fn are_times(&self) -> bool {
        let other = self.mode.is_some() || self.uid.is_some() || self.gid.is_some() || self.size.is_some();
        !other && (self.atime.is_some() || self.mtime.is_some())
    }
}

impl RealNode {
    /// The directory at `path`, as the top of the notes.
    pub fn root(path: &Path) -> Result<RealNode, Error> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        RealNode::from_fd(fs::open(path, flags, Mode::empty())?)
    }

    fn from_fd(fd: OwnedFd) -> Result<RealNode, Error> {
        let stat = fs::fstat(&fd)?;
        Ok(RealNode { fd, id: id(stat.st_dev, stat.st_ino), kind: kind(&stat) })
    }

    /// Its inode number in the mount.
    pub fn id(&self) -> Id {
        self.id
    }

    /// Its kind.
    pub fn kind(&self) -> FileType {
        self.kind
    }

    /// Its attributes now.
    pub fn attr(&self) -> Result<FileAttr, Error> {
        Ok(attr(self.id, &fs::fstat(&self.fd)?))
    }

    /// Where it is now. A file without a name any more has ` (deleted)` at the end.
    pub fn path(&self) -> Result<PathBuf, Error> {
        path_of(self.fd.as_fd())
    }

    /// The entry `name` of this directory.
    pub fn lookup(&self, name: &OsStr) -> Result<RealNode, Error> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        RealNode::from_fd(fs::openat(&self.fd, name, flags, Mode::empty())?)
    }

    /// Everything in this directory but `.` and `..`.
    pub fn list(&self) -> Result<Vec<RealEntry>, Error> {
        let dev = fs::fstat(&self.fd)?.st_dev;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut entries = Vec::new();
        for entry in Dir::new(fs::openat(&self.fd, ".", flags, Mode::empty())?)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                let name = std::ffi::OsString::from_vec(name.to_vec());
                entries.push(RealEntry { name, kind: file_type(entry.file_type()), id: id(dev, entry.ino()) });
            }
        }
        Ok(entries)
    }

    /// Opens it with these open(2) flags.
    pub fn open(&self, flags: i32) -> Result<OsFile, Error> {
        let flags = OFlags::from_bits_retain(flags as u32) - OFlags::NOFOLLOW - OFlags::CREATE - OFlags::EXCL;
        Ok(fs::open(self.proc_path(), flags | OFlags::CLOEXEC, Mode::empty())?.into())
    }

    /// Creates and opens the file `name` in this directory.
    pub fn create(&self, name: &OsStr, mode: u32, flags: i32) -> Result<(RealNode, OsFile), Error> {
        let flags = OFlags::from_bits_retain(flags as u32) | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = fs::openat(&self.fd, name, flags | OFlags::EXCL, Mode::empty());
        let file: OsFile = match made {
            Ok(fd) => {
                // The caller's umask is in the mode already; this process has a stricter one.
                fs::fchmod(&fd, Mode::from_raw_mode(mode & 0o7777))?;
                fd.into()
            }
            Err(rustix::io::Errno::EXIST) if !flags.contains(OFlags::EXCL) => {
                fs::openat(&self.fd, name, flags, Mode::empty())?.into()
            }
            Err(e) => return Err(e.into()),
        };
        Ok((self.lookup(name)?, file))
    }

    /// Makes the directory `name`.
    pub fn mkdir(&self, name: &OsStr, mode: u32) -> Result<RealNode, Error> {
        fs::mkdirat(&self.fd, name, Mode::RWXU)?;
        let made = self.lookup(name)?;
        fs::chmod(made.proc_path(), Mode::from_raw_mode(mode & 0o7777))?;
        Ok(made)
    }

    /// Makes the file, pipe or socket `name`. Devices are refused.
    pub fn mknod(&self, name: &OsStr, mode: u32) -> Result<RealNode, Error> {
        let kind = fs::FileType::from_raw_mode(mode);
        if matches!(kind, fs::FileType::BlockDevice | fs::FileType::CharacterDevice) {
            return Err(Error::NotPermitted("notes hold no devices"));
        }
        fs::mknodat(&self.fd, name, kind, Mode::from_raw_mode(mode & 0o7777), 0)?;
        let made = self.lookup(name)?;
        fs::chmod(made.proc_path(), Mode::from_raw_mode(mode & 0o7777))?;
        Ok(made)
    }

    /// Makes the symbolic link `name`.
    pub fn symlink(&self, name: &OsStr, target: &Path) -> Result<RealNode, Error> {
        fs::symlinkat(target, &self.fd, name)?;
        self.lookup(name)
    }

    /// Gives `file` the further name `name` in this directory.
    pub fn link(&self, file: &RealNode, name: &OsStr) -> Result<RealNode, Error> {
        fs::linkat(fs::CWD, file.proc_path(), &self.fd, name, AtFlags::SYMLINK_FOLLOW)?;
        self.lookup(name)
    }

    /// Removes the file `name`.
    pub fn unlink(&self, name: &OsStr) -> Result<(), Error> {
        Ok(fs::unlinkat(&self.fd, name, AtFlags::empty())?)
    }

    /// Removes the empty directory `name`.
    pub fn rmdir(&self, name: &OsStr) -> Result<(), Error> {
        Ok(fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR)?)
    }

    /// Renames `from` here to `to` in `target`; `flags` as in renameat2(2).
    pub fn rename(&self, from: &OsStr, target: &RealNode, to: &OsStr, flags: u32) -> Result<(), Error> {
        let flags = RenameFlags::from_bits_retain(flags);
        Ok(fs::renameat_with(&self.fd, from, &target.fd, to, flags)?)
    }

    /// Where this link leads.
    pub fn readlink(&self) -> Result<Vec<u8>, Error> {
        if self.kind != FileType::Symlink {
            return Err(Error::NotALink);
        }
        Ok(fs::readlinkat(&self.fd, "", Vec::new())?.into_bytes())
    }

    /// Changes attributes; `open` is the caller's handle, if it has one.
    pub fn setattr(&self, changes: Changes, open: Option<&OsFile>) -> Result<FileAttr, Error> {
        if let Some(mode) = changes.mode {
            fs::chmod(self.proc_path(), Mode::from_raw_mode(mode & 0o7777))?;
        }
        if changes.uid.is_some() || changes.gid.is_some() {
            let (uid, gid) = (changes.uid.map(Uid::from_raw), changes.gid.map(Gid::from_raw));
            fs::chownat(&self.fd, "", uid, gid, AtFlags::EMPTY_PATH)?;
        }
        if let Some(size) = changes.size {
            match open {
                Some(file) => fs::ftruncate(file, size)?,
                None => fs::ftruncate(self.open(libc::O_WRONLY)?, size)?,
            }
        }
        if changes.atime.is_some() || changes.mtime.is_some() {
            self.set_times(changes.atime, changes.mtime)?;
        }
        self.attr()
    }

    fn set_times(&self, atime: Option<TimeOrNow>, mtime: Option<TimeOrNow>) -> Result<(), Error> {
        let times = Timestamps { last_access: timespec(atime), last_modification: timespec(mtime) };
        if self.kind == FileType::Symlink {
            return Ok(fs::utimensat(&self.fd, "", &times, AtFlags::EMPTY_PATH | AtFlags::SYMLINK_NOFOLLOW)?);
        }
        Ok(fs::utimensat(fs::CWD, self.proc_path(), &times, AtFlags::empty())?)
    }

    /// The value of an extended attribute.
    pub fn getxattr(&self, name: &OsStr) -> Result<Vec<u8>, Error> {
        attribute(|buffer| fs::getxattr(self.xattr_path()?, name, buffer))
    }

    /// The names of the extended attributes, each ended by a NUL.
    pub fn listxattr(&self) -> Result<Vec<u8>, Error> {
        attribute(|buffer| fs::listxattr(self.xattr_path()?, buffer))
    }

    /// Sets an extended attribute; `flags` as in setxattr(2).
    pub fn setxattr(&self, name: &OsStr, value: &[u8], flags: i32) -> Result<(), Error> {
        let flags = XattrFlags::from_bits_retain(flags as u32);
        Ok(fs::setxattr(self.xattr_path()?, name, value, flags)?)
    }

    /// Removes an extended attribute.
    pub fn removexattr(&self, name: &OsStr) -> Result<(), Error> {
        Ok(fs::removexattr(self.xattr_path()?, name)?)
    }

    /// Figures of the file system that the notes are on.
    pub fn statfs(&self) -> Result<fs::StatFs, Error> {
        Ok(fs::fstatfs(&self.fd)?)
    }

    /// User attributes of links are refused by the kernel; the path in /proc would lead to the target's.
    fn xattr_path(&self) -> rustix::io::Result<PathBuf> {
        match self.kind {
            FileType::Symlink => Err(rustix::io::Errno::NOTSUP),
            _ => Ok(self.proc_path()),
        }
    }

    fn proc_path(&self) -> PathBuf {
        proc_path(self.fd.as_fd())
    }
}

/// Where an open file is now.
pub fn path_of(fd: BorrowedFd) -> Result<PathBuf, Error> {
    Ok(std::fs::read_link(proc_path(fd))?)
}

fn proc_path(fd: BorrowedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()))
}

/// The kernel's bound of an attribute's value, and of the list of names. Source: xattr(7).
const XATTR_MAX: usize = 64 << 10;

fn attribute(call: impl Fn(&mut [u8]) -> rustix::io::Result<usize>) -> Result<Vec<u8>, Error> {
    let mut buffer = vec![0; XATTR_MAX];
    let size = call(&mut buffer)?;
    buffer.truncate(size);
    Ok(buffer)
}

fn id(dev: u64, ino: u64) -> Id {
    Id(dev).version(&ino.to_le_bytes())
}

fn kind(stat: &Stat) -> FileType {
    file_type(fs::FileType::from_raw_mode(stat.st_mode))
}

fn file_type(kind: fs::FileType) -> FileType {
    match kind {
        fs::FileType::Directory => FileType::Directory,
        fs::FileType::Symlink => FileType::Symlink,
        fs::FileType::Fifo => FileType::NamedPipe,
        fs::FileType::Socket => FileType::Socket,
        fs::FileType::CharacterDevice => FileType::CharDevice,
        fs::FileType::BlockDevice => FileType::BlockDevice,
        fs::FileType::RegularFile | fs::FileType::Unknown => FileType::RegularFile,
    }
}

fn attr(id: Id, stat: &Stat) -> FileAttr {
    FileAttr {
        ino: id.ino(),
        size: stat.st_size as u64,
        blocks: stat.st_blocks as u64,
        atime: time(stat.st_atime, stat.st_atime_nsec as u32),
        mtime: time(stat.st_mtime, stat.st_mtime_nsec as u32),
        ctime: time(stat.st_ctime, stat.st_ctime_nsec as u32),
        crtime: UNIX_EPOCH,
        kind: kind(stat),
        perm: (stat.st_mode & 0o7777) as u16,
        nlink: stat.st_nlink as u32,
        uid: stat.st_uid,
        gid: stat.st_gid,
        rdev: stat.st_rdev as u32,
        blksize: stat.st_blksize as u32,
        flags: 0,
    }
}

fn time(seconds: i64, nanos: u32) -> SystemTime {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let base = if seconds >= 0 { UNIX_EPOCH.checked_add(whole) } else { UNIX_EPOCH.checked_sub(whole) };
    base.and_then(|base| base.checked_add(Duration::from_nanos(nanos.into()))).unwrap_or(UNIX_EPOCH)
}

fn timespec(time: Option<TimeOrNow>) -> Timespec {
    let time = match time {
        None => return Timespec { tv_sec: 0, tv_nsec: fs::UTIME_OMIT },
        Some(TimeOrNow::Now) => return Timespec { tv_sec: 0, tv_nsec: fs::UTIME_NOW },
        Some(TimeOrNow::SpecificTime(time)) => time,
    };
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => Timespec { tv_sec: after.as_secs() as i64, tv_nsec: after.subsec_nanos().into() },
        Err(before) => {
            let before = before.duration();
            let borrow = i64::from(before.subsec_nanos() > 0);
            let nanos = (1_000_000_000 - before.subsec_nanos()) % 1_000_000_000;
            Timespec { tv_sec: -(before.as_secs() as i64) - borrow, tv_nsec: nanos.into() }
        }
    }
}

/// Turns a failed system call of std into ours.
pub fn os<T>(result: io::Result<T>) -> Result<T, Error> {
    result.map_err(Error::Os)
}
