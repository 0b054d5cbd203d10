//! systemd's side of a service: a socket that is passed in, and the word that the service is ready.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};

/// The first descriptor that is passed in (sd_listen_fds(3)).
const FIRST: i32 = 3;

/// The listening socket that systemd passed to this process, if it did; to be called once, before threads are started.
///
/// # Errors
/// When what was passed is not exactly one listening unix socket.
pub fn passed_socket() -> io::Result<Option<UnixListener>> {
    let variable = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    if variable("LISTEN_PID") != Some(std::process::id()) {
        return Ok(None);
    }
    match variable("LISTEN_FDS") {
        None | Some(0) => return Ok(None),
        Some(1) => {}
        Some(more) => return Err(io::Error::other(format!("{more} sockets were passed, one is wanted"))),
    }
    // SAFETY: by the protocol this descriptor was opened for this process, and nothing else here has taken it.
    let socket = unsafe { OwnedFd::from_raw_fd(FIRST) };
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    if !rustix::net::sockopt::socket_acceptconn(&socket)? {
        return Err(io::Error::other("what was passed does not listen"));
    }
    let listener = UnixListener::from(socket);
    listener.local_addr()?;
    Ok(Some(listener))
}

/// Where systemd wants to be told that the service is ready (sd_notify(3)).
#[derive(Debug)]
pub struct Readiness(UnixDatagram);

impl Readiness {
    /// The way to systemd, if it wants to be told. Sockets cannot be made any more once the sandbox is entered.
    pub fn from_environment() -> Option<Self> {
        let address = std::env::var("NOTIFY_SOCKET").ok()?;
        let address = match address.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(&address),
        };
        let socket = UnixDatagram::unbound().ok()?;
        socket.connect_addr(&address.ok()?).ok()?;
        Some(Self(socket))
    }

    /// Says it.
    pub fn tell(&self) {
        if let Err(error) = self.0.send(b"READY=1") {
            log::warn!("systemd cannot be told that the service is ready: {error}");
        }
    }
}
