//! `echofs wait`: returns when everything under the sources is searchable.

use std::time::{Duration, Instant};

use crate::cli::Wait;
use crate::failure::{Exit, Failure, Outcome};
use crate::status::{self, Status};
use crate::{mountinfo, umount};

/// Polls the mount until it is done or the time is over.
pub fn run(options: &Wait) -> Outcome {
    let path = mountinfo::absolute(&options.mountpoint)?;
    umount::require_mount(&path)?;
    let end = deadline(options.timeout)?;
    let mut pause = Duration::from_millis(5);
    loop {
        let status = status::read(&path)?;
        if status.searchable(!options.lexical) {
            return Ok(());
        }
        if let (false, true, Some(reason)) = (options.lexical, status.searchable(false), status.no_meaning()) {
            return Err(Failure::new(Exit::Unavailable, reason, "echofs model pull, or wait with --lexical"));
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            return Err(timed_out(&status));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

fn deadline(seconds: Option<f64>) -> Outcome<Option<Instant>> {
    let Some(seconds) = seconds else { return Ok(None) };
    let span = Duration::try_from_secs_f64(seconds)
        .map_err(|_| Failure::new(Exit::Usage, format!("{seconds} is no time-out"), "give seconds, 0 or more"))?;
    Ok(Instant::now().checked_add(span))
}

fn timed_out(status: &Status) -> Failure {
    let cause = format!(
        "not yet: {} files are not searchable by words, {} documents not by meaning",
        status.pending, status.pending_semantic
    );
    Failure::new(Exit::TimedOut, cause, "wait again with a longer --timeout; it goes on meanwhile")
}
