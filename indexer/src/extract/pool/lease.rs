//! A worker on loan for one file.

use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

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

/// Why there is no reply.
pub enum End {
    /// The worker had died before it could know of the job.
    Unheard,
    Error(ExtractError),
}

impl<'a> Lease<'a> {
    pub fn new(shared: &'a Shared, worker: Worker) -> Self {
        Self { shared, worker: Some(worker) }
    }
}

impl Lease<'_> {
    pub fn run(
        &mut self,
        path: &Path,
        bytes: &[u8],
        deadline: Duration,
    ) -> std::result::Result<Result<Extracted>, End> {
        let Some(worker) = &mut self.worker else { return Err(End::Unheard) };
        let until = Instant::now() + deadline;
        let name = path.file_name().unwrap_or_default().as_bytes();
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let head =
            protocol::frame(&Job { name: name[..name.len().min(4096)].to_vec(), size }).map_err(|e| crashed(&e))?;
        if worker.send(&head, until).is_err_and(|e| e.kind() == ErrorKind::BrokenPipe) {
            return Err(End::Unheard);
        }
        match worker.send(bytes, until).and_then(|()| worker.reply(until)) {
            Ok(Reply::Done(done)) => Ok(done),
            Ok(Reply::Ready(_)) => Err(crashed(&"it spoke out of turn")),
            Err(e) if e.kind() == ErrorKind::TimedOut => Err(End::Error(ExtractError::TimedOut(deadline))),
            Err(e) if matches!(e.kind(), ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof) => {
                Err(crashed(&worker.end()))
            }
            Err(e) => Err(crashed(&e)),
        }
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
