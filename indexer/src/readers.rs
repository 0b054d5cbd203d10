//! The threads that have files read and tell what came of it. Small files of a scan go to a worker together: to wait for
//! each other takes both sides longer than such a file does.

use std::sync::mpsc::SyncSender;

use crate::ingest::Event;
use crate::jobs::{Job, Jobs};
use crate::prepare::{ReadFile, Reader, Unread};

/// So many files go together at most ...
const FILES: usize = 16;
/// ... and, but for the last of them, so many bytes, which fit into a pipe.
const BYTES: usize = 16 << 10;

/// Reads files until there are no more jobs.
pub fn run(jobs: &Jobs, reader: &Reader, events: &SyncSender<Event>) {
    while let Some(job) = jobs.next() {
        let (mut read, unread) = together(job, jobs, reader);
        read.extend(reader.extract(unread));
        if events.send(Event::Read(read)).is_err() {
            return;
        }
    }
}

/// A job and those that can go with it: what is known already, and what is to be extracted.
fn together(job: Job, jobs: &Jobs, reader: &Reader) -> (Vec<ReadFile>, Vec<Unread>) {
    let (mut read, mut unread, mut bytes) = (Vec::new(), Vec::new(), 0);
    let most = if job.live { 1 } else { FILES };
    let mut next = Some(job);
    while let Some(job) = next {
        match reader.read(job) {
            Ok(file) => {
                bytes += file.size();
                unread.push(file);
            }
            Err(file) => read.push(file),
        }
        let room = read.len() + unread.len() < most && bytes < BYTES;
        next = if room { jobs.another() } else { None };
    }
    (read, unread)
}
