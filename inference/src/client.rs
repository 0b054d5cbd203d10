//! The client: a [`Generator`] that talks to the service, starts it on demand and starts it again when it died.
//!
//! A service that listens on the socket already (a systemd unit) is used as it is; else the client runs one of its own, which ends
//! with it. `status` and `model` read memory and the model's directory entry, never the socket.

use std::io::{self, BufReader};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::counted::Counted;
use crate::process::{Program, Supervisor};
use crate::protocol::{self, Call, Event, Health};
use crate::slots::Slots;
use crate::{Adapter, Cancel, Completion, Error, Generator, Request, State, Status, Vocabulary, model_name, socket};

/// How often a waiting request looks at its [`Cancel`].
const TICK: Duration = Duration::from_millis(20);

/// Where the service is and how it is run.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The program `echofs-inference`.
    pub binary: PathBuf,
    /// Its socket; the directory is made with mode 0700.
    pub socket: PathBuf,
    /// The model's file, if there is one.
    pub model: Option<PathBuf>,
    /// Threads of a generation; the physical cores when not given.
    pub threads: Option<usize>,
    /// After so long without a request the model's memory is given back; after four times as long the process ends.
    pub idle: Duration,
    /// Requests that may wait in the service.
    pub queue: usize,
    /// The build of the CPU code; the best that works when not given.
    pub cpu: Option<String>,
    /// Where states of earlier prompts are kept over restarts; nowhere when not given.
    pub states: Option<PathBuf>,
    /// Layers of the model that go to a GPU; all of them when not given.
    pub gpu_layers: Option<u32>,
}

impl ClientConfig {
    /// A service without a model yet: two minutes of idle time, eight requests that wait.
    pub fn new(binary: PathBuf, socket: PathBuf) -> Self {
        let idle = Duration::from_secs(120);
        Self { binary, socket, model: None, threads: None, idle, queue: 8, cpu: None, states: None, gpu_layers: None }
    }

    fn program(&self) -> Program {
        let idle = self.idle.as_secs().max(1);
        let mut args = vec!["--socket".into(), self.socket.clone().into_os_string(), "--with-parent".into()];
        let mut option = |name: &str, value: String| args.extend([name.into(), value.into()]);
        option("--idle", idle.to_string());
        option("--linger", (idle * 4).to_string());
        option("--queue", self.queue.to_string());
        if let Some(threads) = self.threads {
            option("--threads", threads.to_string());
        }
        if let Some(cpu) = &self.cpu {
            option("--cpu", cpu.clone());
        }
        if let Some(layers) = self.gpu_layers {
            option("--gpu-layers", layers.to_string());
        }
        if let Some(states) = &self.states {
            args.extend(["--states".into(), states.clone().into_os_string()]);
        }
        Program { path: self.binary.clone(), args }
    }
}

/// Talks to the service; dropping it ends the process it started.
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    supervisor: Supervisor,
    model: Mutex<Option<PathBuf>>,
    adapter: Mutex<Option<Adapter>>,
    cpu: Mutex<Option<String>>,
    vocabulary: Mutex<Option<(PathBuf, Option<Arc<Vocabulary>>)>>,
    in_flight: AtomicUsize,
}

impl Client {
    /// A client; starts nothing.
    pub fn new(config: ClientConfig) -> Self {
        let supervisor = Supervisor::new(config.program());
        let model = Mutex::new(config.model.clone());
        let (adapter, cpu, vocabulary) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { config, supervisor, model, adapter, cpu, vocabulary, in_flight: AtomicUsize::new(0) }
    }

    /// Uses this adapter, or none, from the next request on.
    pub fn set_adapter(&self, adapter: Option<Adapter>) {
        *self.adapter.lock().unwrap_or_else(|e| e.into_inner()) = adapter;
        self.supervisor.pardon();
    }

    /// The adapter in use.
    pub fn adapter(&self) -> Option<Adapter> {
        self.adapter.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }

    /// Uses another model, or none, from the next request on.
    pub fn set_model(&self, model: Option<PathBuf>) {
        *self.model.lock().unwrap_or_else(|e| e.into_inner()) = model;
        self.supervisor.pardon();
    }

    /// The model's file, whether it exists or not.
    pub fn model_path(&self) -> Option<PathBuf> {
        self.model.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }

    /// Asks the service how it is; starts it if it does not run.
    ///
    /// # Errors
    /// [`Error::Down`] when it cannot be started or does not answer within two seconds.
    pub fn health(&self) -> Result<Health, Error> {
        match ask(&self.connect(&Cancel::default())?, &Call::Health)? {
            Event::Health(health) => {
                self.note_cpu(health.cpu.clone());
                Ok(health)
            }
            other => Err(unexpected(&other)),
        }
    }

    fn forget_states(&self) -> Result<(), Error> {
        self.ask_to_forget().or_else(|error| {
            log::info!("{error}; once more");
            // One that was just ending has left on disk what it kept.
            self.supervisor.ended_well();
            self.ask_to_forget()
        })
    }

    /// Has the service drop what it keeps of earlier prompts; one that does not run has it on disk alone.
    fn ask_to_forget(&self) -> Result<(), Error> {
        let down = |error: io::Error| Error::Down(format!("kept states are not forgotten: {error}"));
        match socket::connect(&self.config.socket) {
            Ok(stream) => match ask(&stream, &Call::Forget)? {
                Event::Forgotten => Ok(()),
                other => Err(unexpected(&other)),
            },
            Err(_) => match &self.config.states {
                Some(states) if states.exists() => Slots::open(states, 0).map(|mut slots| slots.clear()).map_err(down),
                _ => Ok(()),
            },
        }
    }

    fn usable_model(&self) -> Result<PathBuf, Error> {
        let path = self.model_path().ok_or_else(|| Error::NoModel("none is configured".into()))?;
        match std::fs::metadata(&path) {
            Ok(meta) if meta.is_file() => Ok(path),
            Ok(_) => Err(Error::NoModel(format!("{} is not a file", path.display()))),
            Err(error) => Err(Error::NoModel(format!("{}: {error}", path.display()))),
        }
    }

    fn note_cpu(&self, cpu: Option<String>) {
        if cpu.is_some() {
            *self.cpu.lock().unwrap_or_else(|e| e.into_inner()) = cpu;
        }
    }

    /// A connection to the service, started if need be.
    fn connect(&self, cancel: &Cancel) -> Result<UnixStream, Error> {
        match socket::connect(&self.config.socket) {
            Ok(stream) => return Ok(stream),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(Error::Down(error.to_string()));
            }
            Err(_) => {}
        }
        self.supervisor.ensure(cancel)?;
        match socket::connect(&self.config.socket) {
            // It was just ending, idle: its socket goes before its process.
            Err(_) if self.supervisor.ended_well() => {
                self.supervisor.ensure(cancel)?;
                socket::connect(&self.config.socket)
            }
            connected => connected,
        }
        .map_err(|error| self.supervisor.cause(&error.to_string()))
    }

    fn run(&self, request: &Request, cancel: &Cancel, on_text: &mut dyn FnMut(&str)) -> Result<Completion, Error> {
        let start = Instant::now();
        let (model, adapter) = (Some(self.usable_model()?), self.adapter());
        let call = Call::Generate { model, adapter, request: request.clone() };
        let mut generation = Generation { client: self, cancel, on_text, start, first: None };
        match generation.run(&call) {
            // A service that ended by itself between two requests, idle, is no fault: once more.
            Err(Hangup::BeforeAnything) if self.supervisor.ended_well() => generation.run(&call),
            other => other,
        }
        .map_err(|hangup| match hangup {
            Hangup::Error(error) => error,
            Hangup::BeforeAnything | Hangup::Midway => self.supervisor.cause("the service hung up"),
        })
    }
}

impl Generator for Client {
    fn generate(&self, request: &Request, cancel: &Cancel, on_text: &mut dyn FnMut(&str)) -> Result<Completion, Error> {
        let (counted, _) = Counted::enter(&self.in_flight);
        let result = self.run(request, cancel, on_text);
        drop(counted);
        match &result {
            Ok(_) => self.supervisor.pardon(),
            Err(Error::Down(why)) => self.supervisor.complain(why),
            Err(_) => {}
        }
        result
    }

    fn model(&self) -> Option<String> {
        self.usable_model().ok().map(|path| model_name(&path))
    }

    fn vocabulary(&self) -> Option<Arc<Vocabulary>> {
        let path = self.usable_model().ok()?;
        let mut kept = self.vocabulary.lock().unwrap_or_else(|e| e.into_inner());
        if kept.as_ref().is_none_or(|(of, _)| *of != path) {
            let read = Vocabulary::read(&path).inspect_err(|why| log::info!("tokens are estimated: {why}"));
            *kept = Some((path, read.ok().map(Arc::new)));
        }
        kept.as_ref().and_then(|(_, vocabulary)| vocabulary.clone())
    }

    fn end(&self) {
        self.supervisor.end();
    }

    fn forget(&self) {
        if let Err(error) = self.forget_states() {
            log::warn!("{error}");
            self.supervisor.complain(&error.to_string());
        }
    }

    fn status(&self) -> Status {
        let requests = self.in_flight.load(Ordering::Acquire);
        let (down, restarts, last_error) = self.supervisor.record();
        let state = match (requests, down) {
            (1.., _) => State::Busy,
            (0, true) => State::Down,
            (0, false) => State::Idle,
        };
        let cpu = self.cpu.lock().unwrap_or_else(|e| e.into_inner()).clone();
        Status { state, queue: requests.saturating_sub(1), restarts, model: self.model(), cpu, last_error }
    }
}

/// Why a generation has no end of its own.
enum Hangup {
    Error(Error),
    BeforeAnything,
    Midway,
}

impl From<Error> for Hangup {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// One generation on one connection.
struct Generation<'a> {
    client: &'a Client,
    cancel: &'a Cancel,
    on_text: &'a mut dyn FnMut(&str),
    start: Instant,
    first: Option<Duration>,
}

impl Generation<'_> {
    fn run(&mut self, call: &Call) -> Result<Completion, Hangup> {
        let stream = self.client.connect(self.cancel)?;
        let ready = stream.set_read_timeout(Some(TICK)).and_then(|()| protocol::write_call(&mut &stream, call));
        match ready {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(Error::Refused(error.to_string()).into());
            }
            // The service may have said why before it hung up: read on.
            Err(error) => log::debug!("the service does not read: {error}"),
            Ok(()) => {}
        }
        let mut reader = BufReader::new(&stream);
        let mut line = Vec::new();
        loop {
            line.clear();
            self.next_line(&mut reader, &mut line)?;
            if let Some(completion) = self.take(&line)? {
                return Ok(completion);
            }
        }
    }

    /// Waits for a line; hangs up, which cancels, as soon as the generation is cancelled.
    fn next_line(&self, reader: &mut BufReader<&UnixStream>, line: &mut Vec<u8>) -> Result<(), Hangup> {
        loop {
            if self.cancel.is_cancelled() {
                return Err(Error::Cancelled.into());
            }
            match protocol::read_line(reader, line) {
                Ok(true) if line.ends_with(b"\n") => return Ok(()),
                Err(error) if is_time_out(&error) => {}
                Ok(_) | Err(_) => {
                    return Err(if self.first.is_some() { Hangup::Midway } else { Hangup::BeforeAnything });
                }
            }
        }
    }

    fn take(&mut self, line: &[u8]) -> Result<Option<Completion>, Hangup> {
        match protocol::parse_event(line).map_err(Error::Down)? {
            Event::Text { text } => {
                self.first.get_or_insert_with(|| self.start.elapsed());
                (self.on_text)(&text);
                Ok(None)
            }
            Event::Done { completion, cpu } => {
                self.client.note_cpu(cpu);
                Ok(Some(self.timed(completion)))
            }
            Event::Error { kind, message, waiting } => Err(protocol::error(kind, message, waiting).into()),
            Event::Health(_) | Event::Forgotten => Ok(None),
        }
    }

    /// The times as the caller saw them: with the wait in the queue, the start of the process and the loading of the model.
    fn timed(&self, completion: Completion) -> Completion {
        let total = self.start.elapsed();
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        let first_token_ms = milliseconds(self.first.unwrap_or(total));
        Completion { first_token_ms, total_ms: milliseconds(total), ..completion }
    }
}

/// Makes a call that is answered at once.
fn ask(stream: &UnixStream, call: &Call) -> Result<Event, Error> {
    let down = |error: io::Error| Error::Down(format!("no answer: {error}"));
    stream.set_read_timeout(Some(Duration::from_secs(2))).map_err(down)?;
    protocol::write_call(&mut &*stream, call).map_err(down)?;
    let mut line = Vec::new();
    protocol::read_line(&mut BufReader::new(stream), &mut line).map_err(down)?;
    protocol::parse_event(&line).map_err(Error::Down)
}

fn unexpected(event: &Event) -> Error {
    Error::Down(format!("not the answer expected: {event:?}"))
}

fn is_time_out(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests;
