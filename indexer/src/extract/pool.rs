//! The pool of extraction workers: started when there is work, ended when there is none, killed when they hang.
//!
//! A thread of the pool starts every worker: the kernel ends a worker when the *thread* that started it ends,
//! and callers come and go.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal};

use super::protocol::{self, Job, MAX_REPLY, Reply};
use super::{Confinement, ExtractError, MAX_FILE, Result};
use crate::Extracted;

/// A worker has this long to get ready.
const START: Duration = Duration::from_secs(20);
/// A worker with more resident memory than this after a job is ended, in bytes.
const MAX_RESIDENT: u64 = 256 << 20;

/// Turns files into text in sandboxed child processes. Any thread may call it; dropping it ends them all.
pub struct Extractor {
    shared: Arc<Shared>,
    keeper: Option<JoinHandle<()>>,
    deadline: Duration,
}

struct Shared {
    argv: Vec<OsString>,
    workers: usize,
    idle_for: Mutex<Duration>,
    state: Mutex<State>,
    /// Something for callers: a worker is free, or could not be started.
    freed: Condvar,
    /// Something for the keeper: a worker is wanted, or all is over.
    wanted: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<(Worker, Instant)>,
    /// Workers that run or are being started.
    alive: usize,
    to_start: usize,
    failures: VecDeque<String>,
    closed: bool,
    confinement: Option<Confinement>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle_for(&self) -> Duration {
        *self.idle_for.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Extractor {
    /// A pool of at most `workers` processes of the command `argv`, none of which is started yet.
    pub fn new(argv: Vec<OsString>, workers: usize) -> Self {
        let shared = Arc::new(Shared {
            argv,
            workers: workers.max(1),
            idle_for: Mutex::new(Duration::from_secs(30)),
            state: Mutex::default(),
            freed: Condvar::new(),
            wanted: Condvar::new(),
        });
        let keeper = std::thread::Builder::new().name("extract-keeper".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || keep(&shared)
        });
        Self { shared, keeper: keeper.ok(), deadline: Duration::from_secs(20) }
    }

    /// How long a small file may take; a megabyte adds a second. 20 s unless told.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How long a worker may be without work before it is ended. 30 s unless told.
    #[must_use]
    pub fn idle(self, idle: Duration) -> Self {
        *self.shared.idle_for.lock().unwrap_or_else(PoisonError::into_inner) = idle;
        self
    }

    /// What the workers are kept from, as the last one that was started found out; `None` before the first.
    pub fn confinement(&self) -> Option<Confinement> {
        self.shared.state().confinement
    }

    /// The process ids of the workers that wait for work.
    #[doc(hidden)]
    pub fn idle_pids(&self) -> Vec<u32> {
        self.shared.state().idle.iter().map(|(worker, _)| worker.child.id()).collect()
    }

    /// Text and passages of a file that the caller has read. Blocks until a worker is free and done.
    ///
    /// # Errors
    /// What [`super::extract`] says, and [`ExtractError::Crashed`], [`ExtractError::TimedOut`],
    /// [`ExtractError::Unavailable`]. After each of them the next file gets a new worker.
    pub fn extract(&self, path: &Path, bytes: Vec<u8>) -> Result<Extracted> {
        let unavailable = || Err(ExtractError::Unavailable("no reply".to_owned()));
        self.extract_all(&[(path.to_owned(), bytes)]).pop().unwrap_or_else(unavailable)
    }

    /// [`extract`](Extractor::extract) for several files, which one worker gets together, as long as it lives: it need not
    /// wait for the next one. In their order.
    pub fn extract_all(&self, files: &[(PathBuf, Vec<u8>)]) -> Vec<Result<Extracted>> {
        let mut done = Vec::with_capacity(files.len());
        // A worker may have been ended from outside while it waited; that is not this file's fault.
        let mut unheard = 0;
        while done.len() < files.len() {
            let end = match self.lease() {
                Ok(lease) => self.run(lease, &files[done.len()..], &mut done),
                Err(error) => End::Error(error),
            };
            match end {
                End::Done => unheard = 0,
                End::Unheard if unheard <= self.shared.workers => unheard += 1,
                End::Unheard => {
                    done.push(Err(ExtractError::Unavailable("workers end before they take work".to_owned())));
                }
                End::Error(error) => done.push(Err(error)),
            }
        }
        done
    }

    fn run(&self, mut lease: Lease<'_>, files: &[(PathBuf, Vec<u8>)], done: &mut Vec<Result<Extracted>>) -> End {
        if files[0].1.len() > MAX_FILE {
            lease.give_back(0);
            return End::Error(ExtractError::Skipped(format!("too large: over {} MB", MAX_FILE >> 20)));
        }
        let jobs: Vec<_> = files.iter().take_while(|(_, bytes)| bytes.len() <= MAX_FILE).collect();
        let end = lease.run(&jobs, self.deadline, done);
        if matches!(end, End::Done) {
            lease.give_back(jobs.iter().map(|(_, bytes)| bytes.len()).max().unwrap_or(0));
        }
        end
    }

    fn lease(&self) -> Result<Lease<'_>> {
        let mut state = self.shared.state();
        let mut asked = false;
        loop {
            if state.closed || self.keeper.is_none() {
                return Err(ExtractError::Unavailable("the pool is closed".to_owned()));
            }
            if let Some((worker, _)) = state.idle.pop() {
                return Ok(Lease { shared: &self.shared, worker: Some(worker) });
            }
            if let Some(reason) = state.failures.pop_front() {
                return Err(ExtractError::Unavailable(reason));
            }
            if !asked && state.alive < self.shared.workers {
                asked = true;
                state.alive += 1;
                state.to_start += 1;
                self.shared.wanted.notify_one();
            }
            state = self.shared.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
            asked &= state.alive >= self.shared.workers || state.to_start > 0;
        }
    }
}

impl Drop for Extractor {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        self.shared.wanted.notify_all();
        self.shared.freed.notify_all();
        if let Some(keeper) = self.keeper.take() {
            // A keeper that panicked has nothing more to say.
            let _ = keeper.join();
        }
    }
}

/// Starts workers that are wanted and ends those that are idle too long.
fn keep(shared: &Shared) {
    let mut state = shared.state();
    while !state.closed {
        if state.to_start > 0 {
            state.to_start -= 1;
            drop(state);
            let started = Worker::start(&shared.argv);
            state = shared.state();
            match started {
                Ok((worker, confinement)) => {
                    state.confinement = Some(confinement);
                    state.failures.clear();
                    state.idle.push((worker, Instant::now()));
                }
                Err(error) => {
                    state.alive -= 1;
                    state.failures.push_back(error.to_string());
                }
            }
            shared.freed.notify_all();
            continue;
        }
        let idle_for = shared.idle_for();
        let (old, young): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.idle).into_iter().partition(|(_, since)| since.elapsed() >= idle_for);
        state.idle = young;
        state.alive -= old.len();
        if !old.is_empty() {
            drop(state);
            drop(old);
            state = shared.state();
            continue;
        }
        state = match state.idle.iter().map(|(_, since)| idle_for.saturating_sub(since.elapsed())).min() {
            Some(left) => shared.wanted.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            None => shared.wanted.wait(state).unwrap_or_else(PoisonError::into_inner),
        };
    }
    let idle = std::mem::take(&mut state.idle);
    drop(state);
    drop(idle);
}

/// A worker on loan. One that is not given back is ended.
struct Lease<'a> {
    shared: &'a Shared,
    worker: Option<Worker>,
}

/// How the work on some files ended.
enum End {
    /// There is a reply to all.
    Done,
    /// The worker had died before it could know of the next one.
    Unheard,
    /// The next one has no other reply.
    Error(ExtractError),
}

impl Lease<'_> {
    /// Has files read, one after the other, and adds the replies. What does not fit into the pipe is sent between them.
    fn run(&mut self, files: &[&(PathBuf, Vec<u8>)], deadline: Duration, done: &mut Vec<Result<Extracted>>) -> End {
        let Some(worker) = &mut self.worker else { return End::Unheard };
        let frames = files.iter().map(|(path, bytes)| head(path, bytes.len()));
        let frames = match frames.collect::<io::Result<Vec<_>>>() {
            Ok(frames) => frames,
            Err(e) => return crashed(&e),
        };
        let mut sending = Sending::new(frames.iter().zip(files).flat_map(|(head, file)| [head.as_slice(), &file.1]));
        for (n, (_, bytes)) in files.iter().enumerate() {
            // A megabyte adds a second.
            let deadline = deadline + Duration::from_millis(bytes.len() as u64 / 1000);
            match worker.exchange(&mut sending, 2 * (n + 1), Instant::now() + deadline) {
                Ok(Reply::Done(reply)) => done.push(reply),
                Ok(Reply::Ready(_)) => return crashed(&"it spoke out of turn"),
                Err(e) if e.kind() == ErrorKind::UnexpectedEof && sending.sent() <= 2 * n => return End::Unheard,
                Err(e) if e.kind() == ErrorKind::UnexpectedEof => return crashed(&worker.end()),
                Err(e) if e.kind() == ErrorKind::TimedOut => return End::Error(ExtractError::TimedOut(deadline)),
                Err(e) => return crashed(&e),
            }
        }
        End::Done
    }

    fn give_back(mut self, size: usize) {
        let Some(mut worker) = self.worker.take() else { return };
        worker.jobs += 1;
        if (size > 1 << 20 || worker.jobs.is_multiple_of(64)) && worker.resident() > MAX_RESIDENT {
            self.worker = Some(worker);
            return;
        }
        let mut state = self.shared.state();
        state.idle.push((worker, Instant::now()));
        // The keeper must learn of the first idle worker to end it in time.
        if state.idle.len() == 1 {
            self.shared.wanted.notify_one();
        }
        self.shared.freed.notify_one();
    }
}

/// What goes before the bytes of a file.
fn head(path: &Path, size: usize) -> io::Result<Vec<u8>> {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let size = u32::try_from(size).unwrap_or(u32::MAX);
    protocol::frame(&Job { name: name[..name.len().min(4096)].to_vec(), size })
}

/// Bytes on their way to a worker: in turns the head of a file and the file.
struct Sending<'a> {
    parts: Vec<&'a [u8]>,
    /// The part that is being sent, and how much of it was.
    at: (usize, usize),
}

impl<'a> Sending<'a> {
    fn new(parts: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut sending = Self { parts: parts.collect(), at: (0, 0) };
        sending.advance(0);
        sending
    }

    /// How many parts are on their way as a whole.
    fn sent(&self) -> usize {
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

fn crashed(reason: &dyn std::fmt::Display) -> End {
    End::Error(ExtractError::Crashed(reason.to_string()))
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            drop(worker);
            self.shared.state().alive -= 1;
            self.shared.freed.notify_all();
        }
    }
}

/// One child process with its pipes, which do not block.
struct Worker {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    jobs: u64,
}

impl Worker {
    fn start(argv: &[OsString]) -> io::Result<(Self, Confinement)> {
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
    fn exchange(&mut self, sending: &mut Sending<'_>, needed: usize, until: Instant) -> io::Result<Reply> {
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
    fn end(&mut self) -> String {
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

    /// Resident memory in bytes, as the kernel counts it.
    fn resident(&self) -> u64 {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id())).unwrap_or_default();
        let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
        pages * rustix::param::page_size() as u64
    }

    /// Ends the process and what it started.
    fn kill(&mut self) {
        // A process that has been waited for has no id any more: nobody else's group is hit.
        if matches!(self.child.try_wait(), Ok(None))
            && let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
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
