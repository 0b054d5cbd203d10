//! The unix socket: where it may be, who may use it.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags};

/// The longest path that fits a socket address, without the closing zero.
const LONGEST: usize = 107;

/// A listening socket that only its owner can reach, with the lock that makes it the only one of its name.
#[derive(Debug)]
pub struct Listener {
    /// The socket, mode 0600.
    pub socket: UnixListener,
    _lock: Option<File>,
}

impl Listener {
    /// A socket that was made by somebody else, who sees to it that it is the only one.
    pub fn passed(socket: UnixListener) -> Self {
        Self { socket, _lock: None }
    }
}

/// Binds the socket. Its directory is made with mode 0700 if missing; a socket left by a dead service is replaced.
///
/// # Errors
/// `AddrInUse` when a service runs on it; `PermissionDenied` when the directory is open to others.
pub fn listen(path: &Path) -> io::Result<Listener> {
    let directory = directory(path);
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    check_private(directory)?;
    let lock = lock(&path.with_added_extension("lock"))?;
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = with_short_path(path, |path| UnixListener::bind(path))?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(Listener { socket, _lock: Some(lock) })
}

/// Connects to a service of the same user.
///
/// # Errors
/// As `connect(2)`; `PermissionDenied` when another user listens there.
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    let stream = with_short_path(path, |path| UnixStream::connect(path))?;
    check_peer(&stream)?;
    Ok(stream)
}

/// Whether the other end runs as the same user.
///
/// # Errors
/// `PermissionDenied` if not.
pub fn check_peer(stream: &UnixStream) -> io::Result<()> {
    let peer = rustix::net::sockopt::socket_peercred(stream.as_fd())?;
    if peer.uid == rustix::process::geteuid() {
        return Ok(());
    }
    let who = format!("the other end of the socket is user {}", peer.uid.as_raw());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, who))
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn check_private(directory: &Path) -> io::Result<()> {
    let meta = std::fs::metadata(directory)?;
    if meta.mode() & 0o077 == 0 && meta.uid() == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    let why = format!("{} must belong to you and be closed to others (mode 0700)", directory.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

fn lock(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| io::Error::new(io::ErrorKind::AddrInUse, "another service runs on this socket"))?;
    Ok(file)
}

/// Socket addresses hold 107 bytes: a longer path is reached through its open directory.
fn with_short_path<T>(path: &Path, act: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    if path.as_os_str().as_bytes().len() <= LONGEST {
        return act(path);
    }
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let open: OwnedFd =
        rustix::fs::open(directory(path), OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    act(&PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd())).join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn socket_and_directory_are_the_owners_alone() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("run/s.sock");
        let listener = listen(&path)?;
        assert_eq!(std::fs::metadata(&path)?.mode() & 0o777, 0o600);
        assert_eq!(std::fs::metadata(dir.path().join("run"))?.mode() & 0o777, 0o700);
        let client = connect(&path)?;
        let (server, _) = listener.socket.accept()?;
        check_peer(&server)?;
        drop(client);
        Ok(())
    }

    #[test]
    fn a_second_service_is_refused_and_a_stale_socket_replaced() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("run/s.sock");
        let first = listen(&path)?;
        assert_eq!(listen(&path).map(drop).map_err(|e| e.kind()), Err(io::ErrorKind::AddrInUse));
        drop(first);
        assert!(path.exists());
        listen(&path).map(drop)
    }

    #[test]
    fn a_directory_that_others_can_enter_is_refused() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755))?;
        let refused = listen(&dir.path().join("s.sock")).map(drop);
        assert_eq!(refused.map_err(|e| e.kind()), Err(io::ErrorKind::PermissionDenied));
        Ok(())
    }

    #[test]
    fn a_path_too_long_for_an_address_works() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("d".repeat(150)).join("s.sock");
        let _listener = listen(&path)?;
        connect(&path).map(drop)
    }
}
