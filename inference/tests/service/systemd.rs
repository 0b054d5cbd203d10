//! The service as systemd runs it: with a socket that is passed in, and word when it is ready.

use std::io::BufReader;
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use echofs_inference::protocol::{self, Call, Event};

use crate::common::DEADLINE;

/// Starts the service with descriptor 3 as given and the environment that systemd sets; a shell fills in its process id.
fn start(listener: &UnixListener, notify: &std::path::Path, count: u32) -> Child {
    let script = format!(
        "LISTEN_PID=$$ LISTEN_FDS={count} NOTIFY_SOCKET={} exec {}",
        notify.display(),
        env!("CARGO_BIN_EXE_echofs-inference")
    );
    let descriptor = listener.as_raw_fd();
    let mut command = Command::new("sh");
    command.args(["-c", &script]).stdin(Stdio::null()).stderr(Stdio::piped()).stdout(Stdio::null());
    // SAFETY: dup2 and fcntl may be called between fork and exec.
    unsafe {
        // It may be 3 already, and is to be closed then: fcntl says it is not.
        command.pre_exec(move || match libc::dup2(descriptor, 3) == 3 && libc::fcntl(3, libc::F_SETFD, 0) == 0 {
            true => Ok(()),
            false => Err(std::io::Error::last_os_error()),
        });
    }
    command.spawn().expect("started")
}

#[test]
fn a_passed_socket_is_served_and_readiness_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let (path, notify) = (dir.path().join("passed.sock"), dir.path().join("notify"));
    let listener = UnixListener::bind(&path).expect("a socket");
    let told = UnixDatagram::bind(&notify).expect("a socket");
    told.set_read_timeout(Some(DEADLINE)).expect("set");
    let mut child = start(&listener, &notify, 1);
    let mut word = [0; 64];
    let length = told.recv(&mut word).expect("word");
    assert_eq!(&word[..length], b"READY=1");
    let stream = UnixStream::connect(&path).expect("a connection");
    stream.set_read_timeout(Some(DEADLINE)).expect("set");
    protocol::write_call(&mut &stream, &Call::Health).expect("written");
    let mut line = Vec::new();
    protocol::read_line(&mut BufReader::new(&stream), &mut line).expect("read");
    assert!(matches!(protocol::parse_event(&line), Ok(Event::Health(health)) if health.version == protocol::VERSION));
    child.kill().expect("killed");
    child.wait().expect("ended");
}

#[test]
fn what_is_no_single_socket_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let listener = UnixListener::bind(dir.path().join("passed.sock")).expect("a socket");
    let child = start(&listener, &dir.path().join("nobody"), 2);
    let done = child.wait_with_output().expect("ended");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(!done.status.success() && said.contains("2 sockets were passed"), "{said}");
    let none = Command::new(env!("CARGO_BIN_EXE_echofs-inference")).output().expect("started");
    assert!(String::from_utf8_lossy(&none.stderr).contains("--socket PATH"));
}

#[test]
fn the_units_are_right_where_systemd_can_say_so() {
    let units = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd");
    let dir = tempfile::tempdir().expect("a directory");
    for unit in ["echofs-inference.socket", "echofs-inference.service"] {
        let text = std::fs::read_to_string(units.join(unit)).expect("readable");
        // An installation is not at hand.
        let text = text.replace("%h/.local/bin/echofs-inference", env!("CARGO_BIN_EXE_echofs-inference"));
        std::fs::write(dir.path().join(unit), text).expect("written");
    }
    let done = Command::new("systemd-analyze")
        .args(["--user", "--man=no", "verify"])
        .arg(dir.path().join("echofs-inference.service"))
        .env("XDG_RUNTIME_DIR", dir.path())
        .output();
    match done {
        Ok(done) => assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr)),
        Err(error) => eprintln!("not run: systemd-analyze: {error}"),
    }
}
