//! A worker on loan for some files, which it reads one after the other.

use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::process::Sending;
use super::{Shared, Worker};
use crate::Extracted;
use crate::extract::protocol::{self, Job, Reply};
use crate::extract::{ExtractError, Result};

/// A worker with more resident memory than this after a job is ended, in bytes.
const MAX_RESIDENT: u64 = 256 << 20;

/// A worker on loan. One that is not given back is ended.
pub struct Lease<'a> {
    shared: &'a Shared,
    worker: Option<Worker>,
}

/// How the work on some files ended.
pub enum End {
    /// There is a reply to all.
    Done,
    /// The worker had died before it could know of the next one.
    Unheard,
    /// The next one has no other reply.
    Error(ExtractError),
}

impl End {
    /// The next one has to be tried again, since those before it took all the time.
    pub fn late() -> Self {
        End::Error(ExtractError::Unavailable("the files before it took long".to_owned()))
    }
}

impl<'a> Lease<'a> {
    pub fn new(shared: &'a Shared, worker: Worker) -> Self {
        Self { shared, worker: Some(worker) }
    }
}

impl Lease<'_> {
    /// Has files read, one after the other, and adds the replies. What does not fit into the pipe is sent between them.
    /// After `until` no other is waited for.
    pub fn run(
        &mut self,
        files: &[&(PathBuf, Vec<u8>)],
        deadline: Duration,
        until: Instant,
        done: &mut Vec<Result<Extracted>>,
    ) -> End {
        let Some(worker) = &mut self.worker else { return End::Unheard };
        let frames = files.iter().map(|(path, bytes)| head(path, bytes.len()));
        let frames = match frames.collect::<io::Result<Vec<_>>>() {
            Ok(frames) => frames,
            Err(e) => return crashed(&e),
        };
        let mut sending = Sending::new(frames.iter().zip(files).flat_map(|(head, file)| [head.as_slice(), &file.1]));
        for (n, (_, bytes)) in files.iter().enumerate() {
            if n > 0 && Instant::now() >= until {
                return End::late();
            }
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

    pub fn give_back(mut self, size: usize) {
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
