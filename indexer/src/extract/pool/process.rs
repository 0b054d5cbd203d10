//! One worker as a child process.

use std::ffi::OsString;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal};

use crate::extract::Confinement;
use crate::extract::protocol::{self, MAX_REPLY, Reply};

/// A worker has this long to get ready.
const START: Duration = Duration::from_secs(20);

/// One child process with its pipes, which do not block.
pub struct Worker {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    /// Jobs that it has done.
    pub jobs: u64,
}

impl Worker {
    pub fn start(argv: &[OsString]) -> io::Result<(Self, Confinement)> {
        let (program, arguments) = argv.split_first().ok_or(ErrorKind::InvalidInput)?;
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .env("LC_ALL", "C.UTF-8")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(ErrorKind::BrokenPipe.into());
        };
        let mut worker = Self { child, input, output, jobs: 0 };
        for fd in [worker.input.as_fd(), worker.output.as_fd()] {
            rustix::io::ioctl_fionbio(fd, true)?;
        }
        match worker.reply(Instant::now() + START)? {
            Reply::Ready(confinement) => Ok((worker, confinement)),
            Reply::Done(_) => Err(ErrorKind::InvalidData.into()),
        }
    }

    /// Sends what the pipe takes, the first `needed` parts in any case, and waits for a reply. That the worker reads no more
    /// is told by the end of its replies.
    pub fn exchange(&mut self, sending: &mut Sending<'_>, needed: usize, until: Instant) -> io::Result<Reply> {
        while !sending.is_over() {
            match self.input.write_vectored(&sending.rest()) {
                Ok(count) => sending.advance(count),
                Err(e) if e.kind() == ErrorKind::WouldBlock && sending.sent() >= needed => break,
                Err(e) if e.kind() == ErrorKind::WouldBlock => wait(self.input.as_fd(), PollFlags::OUT, until)?,
                Err(e) if e.kind() == ErrorKind::BrokenPipe => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.reply(until)
    }

    fn reply(&mut self, until: Instant) -> io::Result<Reply> {
        let mut head = [0; 4];
        self.receive(&mut head, until)?;
        let length = protocol::length(head, MAX_REPLY)?;
        let mut bytes = vec![0; length.min(1 << 20)];
        let mut have = 0;
        while have < length {
            // Grows as the bytes come: a length alone takes no memory.
            let next = length.min((have * 2).max(1 << 20));
            bytes.resize(next, 0);
            self.receive(&mut bytes[have..], until)?;
            have = next;
        }
        protocol::value(&bytes)
    }

    fn receive(&mut self, mut bytes: &mut [u8], until: Instant) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.output.read(bytes) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => bytes = &mut bytes[count..],
                Err(e) if e.kind() == ErrorKind::WouldBlock => wait(self.output.as_fd(), PollFlags::IN, until)?,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// How the process ended; ends it if it has not.
    pub fn end(&mut self) -> String {
        self.kill();
        match self.child.wait() {
            Ok(status) => match (status.signal(), status.code()) {
                (Some(signal), _) => format!("signal {signal}"),
                (None, Some(code)) => format!("exit code {code}"),
                (None, None) => "unknown".to_owned(),
            },
            Err(e) => e.to_string(),
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory in bytes, as the kernel counts it.
    pub fn resident(&self) -> u64 {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.id())).unwrap_or_default();
        let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
        pages * rustix::param::page_size() as u64
    }

    /// Ends the process and what it started.
    fn kill(&mut self) {
        // A process that has been waited for has no id any more: nobody else's group is hit.
        if matches!(self.child.try_wait(), Ok(None))
            && let Some(pid) = i32::try_from(self.id()).ok().and_then(Pid::from_raw)
        {
            let _ = rustix::process::kill_process_group(pid, Signal::KILL);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
    }
}

/// Bytes on their way to a worker: in turns the head of a file and the file.
pub struct Sending<'a> {
    parts: Vec<&'a [u8]>,
    /// The part that is being sent, and how much of it was.
    at: (usize, usize),
}

impl<'a> Sending<'a> {
    pub fn new(parts: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut sending = Self { parts: parts.collect(), at: (0, 0) };
        sending.advance(0);
        sending
    }

    /// How many parts are on their way as a whole.
    pub fn sent(&self) -> usize {
        self.at.0
    }

    fn is_over(&self) -> bool {
        self.at.0 == self.parts.len()
    }

    fn rest(&self) -> Vec<IoSlice<'a>> {
        let skipped = |(n, part): (usize, &&'a [u8])| IoSlice::new(if n == 0 { &part[self.at.1..] } else { part });
        self.parts[self.at.0..].iter().enumerate().map(skipped).collect()
    }

    fn advance(&mut self, count: usize) {
        self.at.1 += count;
        while let Some(part) = self.parts.get(self.at.0).filter(|part| part.len() <= self.at.1) {
            self.at = (self.at.0 + 1, self.at.1 - part.len());
        }
    }
}

/// Waits until a pipe is ready or the time is over.
fn wait(fd: BorrowedFd<'_>, flags: PollFlags, until: Instant) -> io::Result<()> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(ErrorKind::TimedOut.into());
    }
    let left = Timespec::try_from(left).map_err(io::Error::other)?;
    match poll(&mut [PollFd::from_borrowed_fd(fd, flags)], Some(&left)) {
        Ok(0) => Err(ErrorKind::TimedOut.into()),
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(e) => Err(e.into()),
    }
}
