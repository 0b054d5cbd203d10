//! `events` on a real mount: what it tells, that it waits like a pipe, and that nobody who only looks hangs on it.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, epoll};
use rustix::process::{Pid, Signal};
use serde_json::Value;

use crate::common::{DEADLINE, Session, until};

const NOTES: &[(&str, &str)] = &[("plan.md", "# Plan\n\nThe quarterly plan.\n")];

/// A reader that does not wait.
pub struct Reader {
    file: File,
    /// What was read so far.
    pub text: String,
}

impl Reader {
    /// Opens `events` without waiting.
    pub fn open(session: &Session) -> Reader {
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(session.at("events"));
        Reader { file: file.expect("events"), text: String::new() }
    }

    /// Reads what there is; whether anything was read so far.
    fn more(&mut self) -> bool {
        let mut bytes = [0; 4096];
        match self.file.read(&mut bytes) {
            Ok(0) => panic!("events has an end"),
            Ok(read) => self.text += std::str::from_utf8(&bytes[..read]).expect("text"),
            Err(e) => assert_eq!(e.kind(), ErrorKind::WouldBlock),
        }
        !self.text.is_empty()
    }

    /// The first line that `wanted` holds for, once it is there.
    pub fn line(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut found = None;
        until(what, DEADLINE, || {
            self.more();
            let whole = self.text.rsplit_once('\n').map_or("", |(whole, _)| whole);
            let mut lines = whole.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
            found = lines.find(&wanted);
            found.is_some()
        });
        found.expect("found")
    }
}

fn names(line: &Value, event: &str, path: &str) -> bool {
    line["event"] == event && line["path"].as_str().is_some_and(|named| named.ends_with(path))
}

#[test]
fn what_happens_to_files_is_told() {
    let session = Session::with(NOTES);
    let (mut first, mut second) = (Reader::open(&session), Reader::open(&session));
    assert!(!first.more(), "nothing has happened: {}", first.text);
    session.write("new.md", "# Fresh\n\nSomething new.\n");
    for reader in [&mut first, &mut second] {
        let line = reader.line("the new document is told", |line| names(line, "indexed", "/vault/new.md"));
        assert_eq!(line["title"], "Fresh");
        assert!(line["seq"].is_u64() && line["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{line}");
    }
    session.write("new.md", "# Fresh\n\nSomething else.\n");
    first.line("the change is told", |line| names(line, "changed", "/vault/new.md"));
    session.write("door.key", "secret");
    first.line("what is left out is told", |line| names(line, "skipped", "/vault/door.key"));
    fs::remove_file(session.vault().join("new.md")).expect("there");
    first.line("the removal is told", |line| names(line, "removed", "/vault/new.md"));
}

#[test]
fn a_refused_write_has_its_reason_in_events_and_status() {
    let session = Session::with(NOTES);
    let mut reader = Reader::open(&session);
    let refused = |error: std::io::Error| assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    refused(fs::create_dir(session.at("knowledge/recent/x")).expect_err("refused"));
    refused(fs::remove_file(session.at("README.md")).expect_err("refused"));
    assert!(fs::write(session.at(".echo/forget"), "no/absolute/path\n").is_err());
    let line = reader.line("the refusal is told", |line| names(line, "refused", "knowledge/recent/x"));
    assert_eq!(line["operation"], "mkdir");
    reader.line("the refusal is told", |line| names(line, "refused", "README.md"));
    let line = reader.line("the refusal is told", |line| names(line, "refused", ".echo/forget"));
    assert!(line["reason"].as_str().is_some_and(|why| why.contains("no file, fact or document")), "{line}");
    // A look at the status holds for a moment.
    until("the status has it", DEADLINE, || session.status()["refused"][0]["path"] == ".echo/forget");
    until("the status has it", DEADLINE, || session.read("status").contains("mkdir knowledge/recent/x: "));
    // Whoever looks after a refusal finds it.
    Reader::open(&session).line("it is still told", |line| names(line, "refused", "README.md"));
}

#[test]
fn it_waits_like_a_pipe_and_ctrl_c_ends_that() {
    let mut session = Session::with(NOTES);
    let mut waiting: Vec<Child> = ["cat events", "grep nothing events", "head -n 100 < events"]
        .iter()
        .map(|line| {
            let mut command = Command::new("bash");
            command.args(["-c", &format!("exec {line}")]).current_dir(session.mountpoint());
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("bash starts")
        })
        .collect();
    let is_waiting = |pid: u32| {
        fs::read_to_string(format!("/proc/{pid}/wchan"))
            .is_ok_and(|at| at.contains("fuse") || at.contains("request_wait"))
    };
    for child in &mut waiting {
        until("it waits", DEADLINE, || is_waiting(child.id()) || child.try_wait().expect("ours").is_some());
        assert!(child.try_wait().expect("ours").is_none(), "it did not wait");
    }
    session.write("new.md", "# Fresh\n\nSomething new.\n");
    let mut output = waiting[0].stdout.take().expect("piped");
    let mut text = String::new();
    until("cat has printed the line", DEADLINE, || {
        let mut bytes = [0; 4096];
        let read = output.read(&mut bytes).expect("readable");
        text += std::str::from_utf8(&bytes[..read]).expect("text");
        text.contains("/vault/new.md")
    });
    for (child, signal) in waiting.iter_mut().zip([Signal::INT, Signal::TERM, Signal::KILL]) {
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
        rustix::process::kill_process(pid, signal).expect("ours");
        until("it ends", Duration::from_secs(5), || child.try_wait().expect("ours").is_some());
        assert!(child.try_wait().expect("ours").is_some_and(|status| status.signal().is_some()));
    }
    session.unmount();
}

#[test]
fn poll_and_epoll_wait_for_it() {
    let session = Session::with(NOTES);
    let mut reader = Reader::open(&session);
    let polled = |reader: &Reader, milliseconds: i64| {
        let mut fds = [PollFd::new(&reader.file, PollFlags::IN)];
        let time = Timespec { tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000 };
        rustix::event::poll(&mut fds, Some(&time)).expect("polled") == 1
    };
    assert!(!polled(&reader, 50), "nothing has happened");
    let watching = epoll::create(epoll::CreateFlags::CLOEXEC).expect("epoll");
    epoll::add(&watching, &reader.file, epoll::EventData::new_u64(7), epoll::EventFlags::IN).expect("added");
    std::thread::scope(|scope| {
        let poller = scope.spawn(|| polled(&reader, 60_000));
        let epoller = scope.spawn(|| {
            let mut events = [epoll::Event { flags: epoll::EventFlags::empty(), data: epoll::EventData::new_u64(0) }];
            let time = Timespec { tv_sec: 60, tv_nsec: 0 };
            epoll::wait(watching.as_fd(), &mut events[..], Some(&time)).expect("waited")
        });
        session.write("new.md", "# Fresh\n\nSomething new.\n");
        assert!(poller.join().expect("no panic"), "poll was not woken");
        assert_eq!(epoller.join().expect("no panic"), 1, "epoll was not woken");
    });
    assert!(reader.more());
    // Other files are always ready.
    let status = Reader { file: File::open(session.at("status")).expect("there"), text: String::new() };
    assert!(polled(&status, 1000));
}

#[test]
fn whoever_only_looks_does_not_hang() {
    let session = Session::with(NOTES);
    let copies = tempfile::tempdir().expect("a directory");
    let to = copies.path().display();
    assert!(session.list(".").contains(&"events".to_owned()));
    assert!(!session.list(".echo").contains(&"events".to_owned()));
    for line in [
        "find . -type f -print0 | xargs -0 cat > /dev/null",
        "grep -r 'no such words in here' . ; test $? = 1",
        "grep -R 'no such words in here' . ; test $? = 1",
        "find -L . -type f -print0 | xargs -0 md5sum > /dev/null",
        "stat events; ls -lL events; file events",
        &format!("cp -r . '{to}/r' && cp -rL . '{to}/l' && tar chf '{to}/t' ."),
        &format!("python3 -c \"import shutil; shutil.copytree('.', '{to}/p')\""),
    ] {
        let done = session.shell(&format!("timeout 120 bash -c {}", quoted(line)));
        assert!(done.status.success(), "{line}: {} {}", done.status, String::from_utf8_lossy(&done.stderr));
    }
}

fn quoted(line: &str) -> String {
    format!("'{}'", line.replace('\'', "'\\''"))
}
