//! Remote engines: servers that speak OpenAI's chat completions, for those who outgrow one machine.
//!
//! There are none unless the owner wrote them down. Each request is made by a child process of its own (`remote.py`, given to
//! python3): no process of EchoFS itself ever opens a connection. Of several servers the first that answers is used; one
//! that failed is passed over for a while, longer each time. Nothing a server does makes its caller wait or read without end.

mod attempt;
mod body;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use attempt::{Attempt, Failure, Patience};
use serde::{Deserialize, Serialize};

use crate::counted::Counted;
use crate::{Cancel, Completion, Error, Generator, Request, State, Status};

/// How long a server that failed is passed over, while there are others: at first, and at most.
const PAUSE: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(300)];
/// Requests under way at a time; more are told that it is busy.
const MOST: usize = 16;

/// One server, as `config.toml` has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Its address up to `/v1`, with `http://` or `https://`.
    pub url: String,
    /// The model to ask it for.
    pub model: String,
    /// A file that holds its key.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
}

impl Server {
    /// Whether the address can be used.
    ///
    /// # Errors
    /// Why not, for people.
    pub fn check(&self) -> Result<(), String> {
        let host = self.url.strip_prefix("http://").or_else(|| self.url.strip_prefix("https://"));
        match host {
            Some(host) if host.split('/').next().is_some_and(|host| host.contains('@')) => {
                Err("an address with a name or password in it; put the key into a file and name that as `key_file`"
                    .into())
            }
            Some(host) if !host.is_empty() && !self.url.contains(|c: char| c.is_whitespace() || c.is_control()) => {
                Ok(())
            }
            _ => Err(format!("{:?} is no http:// or https:// address", self.url)),
        }
    }

    /// The model and where it is, for people.
    pub fn name(&self) -> String {
        let host = self.url.split_once("://").map_or(&*self.url, |(_, rest)| rest);
        format!("{} at {} (remote)", self.model, host.split('/').next().unwrap_or(host))
    }

    fn key(&self) -> Result<Option<String>, String> {
        let Some(path) = &self.key_file else { return Ok(None) };
        let key = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let key = key.trim();
        // What python says of a header that it does not take holds the header.
        match key.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => Ok(Some(key.to_owned())),
            false => Err(format!("{}: it holds more than a key", path.display())),
        }
    }
}

/// How often a server has failed since it answered last, and until when it is passed over.
#[derive(Clone, Copy, Debug, Default)]
struct Outage {
    failures: u32,
    until: Option<Instant>,
}

impl Outage {
    fn lasts(&self) -> bool {
        self.until.is_some_and(|until| until > Instant::now())
    }

    fn longer(self) -> Self {
        let pause = PAUSE[0].saturating_mul(1 << self.failures.min(8)).min(PAUSE[1]);
        Self { failures: self.failures.saturating_add(1), until: Some(Instant::now() + pause) }
    }
}

/// Servers in the order they are tried.
#[derive(Debug)]
pub struct Remote {
    servers: Vec<Server>,
    patience: Patience,
    /// Of each server.
    outages: Mutex<Vec<Outage>>,
    /// The one that answered last.
    current: AtomicUsize,
    in_flight: AtomicUsize,
    last_error: Mutex<Option<String>>,
}

impl Remote {
    /// These servers; connects to none.
    ///
    /// # Errors
    /// Which address is wrong, for people.
    pub fn new(servers: Vec<Server>) -> Result<Self, String> {
        servers.iter().try_for_each(Server::check)?;
        let outages = Mutex::new(vec![Outage::default(); servers.len()]);
        let (current, in_flight) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let patience = Patience::default();
        Ok(Self { servers, patience, outages, current, in_flight, last_error: Mutex::default() })
    }

    fn outages(&self) -> MutexGuard<'_, Vec<Outage>> {
        self.outages.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Whether all of them failed lately and are to be left alone for a while, if there is anybody else.
    pub fn is_down(&self) -> bool {
        self.outages().iter().all(Outage::lasts)
    }

    /// The numbers of the servers, those that failed lately at the end.
    fn order(&self) -> Vec<usize> {
        let outages = self.outages();
        let (late, first): (Vec<usize>, Vec<usize>) =
            (0..self.servers.len()).partition(|&number| outages[number].lasts());
        first.into_iter().chain(late).collect()
    }

    fn note(&self, number: usize, failure: Option<&str>) {
        let mut outages = self.outages();
        outages[number] = failure.map_or(Outage::default(), |_| outages[number].longer());
        drop(outages);
        let error = failure.map(|why| format!("{}: {why}", self.servers[number].name()));
        if let Some(error) = &error {
            log::warn!("{error}");
        } else {
            self.current.store(number, Ordering::Release);
        }
        *self.last_error.lock().unwrap_or_else(|e| e.into_inner()) = error;
    }

    fn try_all(&self, request: &Request, cancel: &Cancel, on_text: &mut dyn FnMut(&str)) -> Result<Completion, Error> {
        let mut last = "no server is written down".to_owned();
        for number in self.order() {
            let server = &self.servers[number];
            let patience = self.patience;
            match (Attempt { server, patience, cancel, on_text, start: Instant::now(), first: None }).run(request) {
                Ok(completion) => {
                    self.note(number, None);
                    return Ok(completion);
                }
                Err(Failure::Final(Error::Down(why))) => {
                    self.note(number, Some(&why));
                    return Err(Error::Down(format!("{}: {why}", server.name())));
                }
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Server(why)) => {
                    self.note(number, Some(&why));
                    last = format!("{}: {why}", server.name());
                }
            }
        }
        Err(Error::Down(last))
    }
}

impl Generator for Remote {
    fn generate(&self, request: &Request, cancel: &Cancel, on_text: &mut dyn FnMut(&str)) -> Result<Completion, Error> {
        let (_counted, before) = Counted::enter(&self.in_flight);
        match before < MOST {
            true => self.try_all(request, cancel, on_text),
            false => Err(Error::Busy(before)),
        }
    }

    fn model(&self) -> Option<String> {
        self.servers.get(self.current.load(Ordering::Acquire)).map(Server::name)
    }

    fn status(&self) -> Status {
        let requests = self.in_flight.load(Ordering::Acquire);
        let state = match (requests, self.is_down()) {
            (1.., _) => State::Busy,
            (0, true) => State::Down,
            (0, false) => State::Idle,
        };
        let last_error = self.last_error.lock().unwrap_or_else(|e| e.into_inner()).clone();
        Status { state, queue: 0, restarts: 0, model: self.model(), cpu: None, last_error }
    }
}

#[cfg(test)]
mod tests;
