//! The worker process: takes files over its standard input, gives text over its standard output.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::protocol::{self, Job, MAX_JOB, Reply};
use super::{ExtractError, MAX_FILE, Result, sandbox};
use crate::Extracted;

/// Runs an extraction worker until its input ends. To be called first thing in `main`: it closes every
/// other file descriptor, locks the process in, and never returns.
pub fn worker_main() -> ! {
    worker_main_with(super::extract)
}

/// [`worker_main`] with another function for the work, so that tests can bring jobs that crash and hang.
#[doc(hidden)]
pub fn worker_main_with(work: fn(&Path, &[u8]) -> Result<Extracted>) -> ! {
    std::process::exit(match serve(work) {
        Ok(()) => 0,
        // The parent is gone or talks nonsense.
        Err(_) => 1,
    })
}

fn serve(work: fn(&Path, &[u8]) -> Result<Extracted>) -> io::Result<()> {
    close_inherited();
    let (input, mut output) = take_pipes()?;
    let mut input = BufReader::with_capacity(64 << 10, input);
    let confinement = sandbox::confine();
    // Panics are answers here; their messages would only be noise.
    std::panic::set_hook(Box::new(|_| {}));
    protocol::write(&mut output, &Reply::Ready(confinement))?;
    while let Some(job) = protocol::read::<Job>(&mut input, MAX_JOB)? {
        let bytes = content(&mut input, job.size as usize)?;
        let name = Path::new(std::ffi::OsStr::from_bytes(&job.name));
        let done = catch_unwind(AssertUnwindSafe(|| work(name, &bytes)));
        let done =
            done.unwrap_or_else(|panic| Err(ExtractError::failed(format!("the parser gave up: {}", message(&*panic)))));
        drop(bytes);
        answer(&mut output, done)?;
    }
    Ok(())
}

fn content(input: &mut impl Read, size: usize) -> io::Result<Vec<u8>> {
    if size > MAX_FILE + 1 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    protocol::body(input, size)
}

fn answer(output: &mut impl Write, done: Result<Extracted>) -> io::Result<()> {
    let mut frame = protocol::frame(&Reply::Done(done))?;
    if frame.len() > protocol::MAX_REPLY {
        frame = protocol::frame(&Reply::Done(Err(ExtractError::failed("too much text"))))?;
    }
    output.write_all(&frame)?;
    output.flush()
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panic")
}

/// Keeps the pipes to ourselves: parsers that print, and programs that are started, get nothing of them.
fn take_pipes() -> io::Result<(File, File)> {
    let input: OwnedFd = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let output: OwnedFd = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
    let null = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    Ok((input.into(), output.into()))
}

/// Closes every file descriptor but the standard three.
fn close_inherited() {
    // SAFETY: this runs first in the process, before anything in it holds a descriptor above 2.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, 0u32);
    }
}
