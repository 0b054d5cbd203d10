//! The service as a child process: started when needed, with growing pauses while it keeps dying, killed with its owner.
//!
//! A thread per child starts it, reads what it says and waits for it: the kernel ties the child's life to the thread
//! that started it, so that thread must live as long.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, PipeReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::gguf::printable;
use crate::{Cancel, Error};

/// How long a child may take until it listens.
const START: Duration = Duration::from_secs(30);
/// How long a request waits for the reason of a death.
const REASON: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A program and its arguments.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its file.
    pub path: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// No process; it never ran, or its end was no fault.
    #[default]
    Absent,
    Starting,
    Listening,
    /// No process; it died.
    Dead,
}

#[derive(Debug, Default)]
struct Record {
    phase: Phase,
    child: Option<Child>,
    /// Deaths since the last success.
    deaths: u32,
    not_before: Option<Instant>,
    restarts: u64,
    /// Why the child died last.
    cause: Option<String>,
    /// Requests that failed since the last success, and what the last one was told.
    failures: u32,
    last_error: Option<String>,
    closed: bool,
}

#[derive(Debug, Default)]
struct Shared {
    record: Mutex<Record>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn change(&self, with: impl FnOnce(&mut Record)) {
        with(&mut self.lock());
        self.changed.notify_all();
    }
}

/// Keeps at most one child of a program. Dropping it kills the child.
#[derive(Debug)]
pub struct Supervisor {
    program: Program,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Supervisor {
    /// For this program; starts nothing.
    pub fn new(program: Program) -> Self {
        Self { program, shared: Arc::default(), thread: Mutex::default() }
    }

    /// Returns when the child listens; starts it if there is none.
    ///
    /// # Errors
    /// [`Error::Down`] if it cannot be started, or at once while its pause after deaths lasts; [`Error::Cancelled`].
    pub fn ensure(&self, cancel: &Cancel) -> Result<(), Error> {
        let end = Instant::now() + START;
        let mut record = self.shared.lock();
        let mut tried = false;
        loop {
            match record.phase {
                Phase::Listening => return Ok(()),
                Phase::Starting => {}
                Phase::Absent | Phase::Dead if tried => return Err(down(&record)),
                Phase::Absent | Phase::Dead if record.closed => return Err(Error::Down("it was ended".into())),
                Phase::Absent | Phase::Dead => {
                    check_pause(&record)?;
                    self.start(&mut record);
                    tried = true;
                }
            }
            if cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            if Instant::now() > end {
                return Err(Error::Down(format!("the service did not listen within {} s", START.as_secs())));
            }
            let waited = self.shared.changed.wait_timeout(record, Duration::from_millis(20));
            record = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }

    /// Kills the child and returns when it is gone. None is started any more.
    pub fn end(&self) {
        {
            let mut record = self.shared.lock();
            record.closed = true;
            if let Some(child) = &mut record.child {
                let _ = child.kill();
            }
        }
        let thread = self.thread.lock().unwrap_or_else(|e| e.into_inner()).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    /// Forgets deaths and failures: the next start needs no pause.
    pub fn pardon(&self) {
        let mut record = self.shared.lock();
        (record.deaths, record.not_before, record.cause) = (0, None, None);
        (record.failures, record.last_error) = (0, None);
    }

    /// Notes that a request failed.
    pub fn complain(&self, why: &str) {
        let mut record = self.shared.lock();
        record.failures += 1;
        record.last_error = Some(why.into());
    }

    /// Whether it keeps failing, how often it was started again, and the last error.
    pub fn record(&self) -> (bool, u64, Option<String>) {
        let record = self.shared.lock();
        (record.failures > 1, record.restarts, record.last_error.clone())
    }

    /// Whether the child ended without a fault, or is about to be known to have.
    pub fn ended_well(&self) -> bool {
        self.after_death().phase == Phase::Absent
    }

    /// Why the child died, or `otherwise`.
    pub fn cause(&self, otherwise: &str) -> Error {
        let record = self.after_death();
        match record.phase {
            Phase::Dead => down(&record),
            _ => Error::Down(otherwise.into()),
        }
    }

    /// The record once a death that was noticed elsewhere has been noted here too; does not wait for long.
    fn after_death(&self) -> MutexGuard<'_, Record> {
        let alive = |record: &mut Record| matches!(record.phase, Phase::Listening);
        let waited = self.shared.changed.wait_timeout_while(self.shared.lock(), REASON, alive);
        waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0
    }

    fn start(&self, record: &mut Record) {
        if record.phase == Phase::Dead {
            record.restarts += 1;
        }
        record.phase = Phase::Starting;
        let (program, shared) = (self.program.clone(), Arc::clone(&self.shared));
        let thread = std::thread::Builder::new().name("inference".into()).spawn(move || attend(&program, &shared));
        match thread {
            Ok(thread) => *self.thread.lock().unwrap_or_else(|e| e.into_inner()) = Some(thread),
            Err(error) => bury(record, Some(format!("no thread for the service: {error}"))),
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.end();
    }
}

fn down(record: &Record) -> Error {
    Error::Down(record.cause.clone().unwrap_or_else(|| "the service ended".into()))
}

fn check_pause(record: &Record) -> Result<(), Error> {
    let left = record.not_before.map(|at| at.saturating_duration_since(Instant::now())).unwrap_or_default();
    if left.is_zero() {
        return Ok(());
    }
    let why = record.cause.as_deref().unwrap_or("it keeps dying");
    Err(Error::Down(format!("{why}; tried again in {:.0} s", left.as_secs_f64().ceil())))
}

/// The pause before the next start: none after the first death, then doubling.
fn pause(deaths: u32) -> Duration {
    match deaths {
        0 | 1 => Duration::ZERO,
        more => FIRST_PAUSE.saturating_mul(1 << (more - 2).min(16)).min(LONGEST_PAUSE),
    }
}

/// Starts the child and stays with it to its end.
fn attend(program: &Program, shared: &Shared) {
    let said = match spawn(program) {
        Ok((child, said)) => {
            let mut record = shared.lock();
            record.child = Some(child);
            if let (true, Some(child)) = (record.closed, &mut record.child) {
                let _ = child.kill();
            }
            said
        }
        Err(error) => {
            let why = format!("{} cannot be started: {error}", program.path.display());
            return shared.change(|record| bury(record, Some(why)));
        }
    };
    let last_words = listen(said, shared);
    let child = shared.lock().child.take();
    let fault = match child.map(|mut child| child.wait()) {
        Some(Ok(status)) if status.success() => None,
        Some(Ok(status)) => Some(epitaph(&status, &last_words)),
        Some(Err(error)) => Some(error.to_string()),
        None => None,
    };
    shared.change(|record| bury(record, fault));
}

fn spawn(program: &Program) -> io::Result<(Child, PipeReader)> {
    let (said, out) = io::pipe()?;
    let child = Command::new(&program.path)
        .args(&program.args)
        .env("GGML_NO_BACKTRACE", "1")
        .stdin(Stdio::piped())
        .stdout(out.try_clone()?)
        .stderr(out)
        .spawn()?;
    Ok((child, said))
}

/// Reads what the child says until it is gone; its last line.
fn listen(said: PipeReader, shared: &Shared) -> String {
    let mut last = String::new();
    for line in BufReader::new(said).split(b'\n').map_while(Result::ok) {
        let line = printable(String::from_utf8_lossy(&line).trim()).chars().take(300).collect::<String>();
        if line == "ready" {
            shared.change(|record| record.phase = Phase::Listening);
        } else if !line.is_empty() {
            log::info!("inference: {line}");
            last = line;
        }
    }
    last
}

fn epitaph(status: &std::process::ExitStatus, last_words: &str) -> String {
    match last_words.is_empty() {
        true => format!("the service died ({status})"),
        false => format!("the service died ({status}): {last_words}"),
    }
}

fn bury(record: &mut Record, fault: Option<String>) {
    let Some(fault) = fault else {
        record.phase = Phase::Absent;
        return;
    };
    log::warn!("{fault}");
    record.phase = Phase::Dead;
    record.deaths += 1;
    record.not_before = Some(Instant::now() + pause(record.deaths));
    record.cause = Some(fault);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Supervisor {
        Supervisor::new(Program { path: "sh".into(), args: vec!["-c".into(), script.into()] })
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        let seconds: Vec<f64> = (1..=9).map(|deaths| pause(deaths).as_secs_f64()).collect();
        assert_eq!(seconds, [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]);
    }

    #[test]
    fn a_child_that_listens_is_used_and_killed_in_the_end() {
        let supervisor = shell("echo ready; exec sleep 600");
        assert!(supervisor.ensure(&Cancel::default()).is_ok());
        assert!(supervisor.ensure(&Cancel::default()).is_ok());
        let start = Instant::now();
        supervisor.end();
        assert!(start.elapsed() < Duration::from_secs(60));
        assert!(matches!(supervisor.ensure(&Cancel::default()), Err(Error::Down(_))));
        assert_eq!(supervisor.record().1, 0, "none is started any more");
    }

    #[test]
    fn deaths_are_told_with_their_last_words_and_pause_the_next_start() {
        let supervisor = shell("echo the disk is full >&2; exit 3");
        for _ in 0..2 {
            let error = supervisor.ensure(&Cancel::default());
            assert!(matches!(&error, Err(Error::Down(why)) if why.contains("the disk is full")), "{error:?}");
        }
        assert_eq!(supervisor.record().1, 1, "started again");
        assert!(matches!(supervisor.ensure(&Cancel::default()), Err(Error::Down(why)) if why.contains("again in")));
        supervisor.pardon();
        let error = supervisor.ensure(&Cancel::default());
        assert!(matches!(&error, Err(Error::Down(why)) if !why.contains("again in")));
    }

    #[test]
    fn a_program_that_is_missing_is_said_to_be() {
        let supervisor = Supervisor::new(Program { path: "/nowhere/echofs-inference".into(), args: vec![] });
        let error = supervisor.ensure(&Cancel::default());
        assert!(matches!(error, Err(Error::Down(why)) if why.contains("/nowhere/echofs-inference cannot be started")));
    }

    #[test]
    fn an_end_without_a_fault_is_no_death() {
        let supervisor = shell("echo ready; read line");
        assert!(supervisor.ensure(&Cancel::default()).is_ok());
        let stdin = supervisor.shared.lock().child.as_mut().and_then(|child| child.stdin.take());
        drop(stdin);
        let end = Instant::now() + Duration::from_secs(20);
        while supervisor.shared.lock().phase == Phase::Listening && Instant::now() < end {
            std::thread::yield_now();
        }
        assert!(supervisor.shared.lock().child.is_none());
    }
}
