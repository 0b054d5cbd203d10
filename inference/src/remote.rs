//! Remote engines: servers that speak OpenAI's chat completions, for those who outgrow one machine.
//!
//! There are none unless the owner wrote them down. Each request is made by a child process of its own (`remote.py`, given to
//! python3): no process of EchoFS itself ever opens a connection. Of several servers the first that answers is used; one
//! that failed is passed over for a while.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::counted::Counted;
use crate::prompt::role_name;
use crate::text::Output;
use crate::{Cancel, Completion, Error, Format, Generator, Message, Part, Request, State, Status};

const SCRIPT: &str = include_str!("remote.py");
/// How often a waiting request looks at its [`Cancel`].
const TICK: Duration = Duration::from_millis(20);
/// How long a server that failed is passed over, while there are others.
const PAUSE: Duration = Duration::from_secs(30);
/// How long a server may be silent.
const PATIENCE: u64 = 120;
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

/// Servers in the order they are tried.
#[derive(Debug)]
pub struct Remote {
    servers: Vec<Server>,
    /// Until when each is passed over.
    down: Mutex<Vec<Option<Instant>>>,
    /// The one that answered last.
    current: AtomicUsize,
    in_flight: AtomicUsize,
    last_error: Mutex<Option<String>>,
}

/// Why a server gave no completion.
enum Failure {
    /// Another one may do better.
    Server(String),
    /// There is nothing to be had from others either.
    Final(Error),
}

impl Remote {
    /// These servers; connects to none.
    ///
    /// # Errors
    /// Which address is wrong, for people.
    pub fn new(servers: Vec<Server>) -> Result<Self, String> {
        servers.iter().try_for_each(Server::check)?;
        let down = Mutex::new(vec![None; servers.len()]);
        let (current, in_flight) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Ok(Self { servers, down, current, in_flight, last_error: Mutex::default() })
    }

    /// The numbers of the servers, those that failed lately at the end.
    fn order(&self) -> Vec<usize> {
        let down = self.down.lock().unwrap_or_else(|e| e.into_inner());
        let is_down = |&number: &usize| down[number].is_some_and(|until| until > Instant::now());
        let (late, first): (Vec<usize>, Vec<usize>) = (0..self.servers.len()).partition(is_down);
        first.into_iter().chain(late).collect()
    }

    fn note(&self, number: usize, failure: Option<&str>) {
        let until = failure.map(|_| Instant::now() + PAUSE);
        self.down.lock().unwrap_or_else(|e| e.into_inner())[number] = until;
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
            match (Attempt { server, cancel, on_text, start: Instant::now(), first: None }).run(request) {
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
        let down = self.down.lock().unwrap_or_else(|e| e.into_inner());
        let all_down = down.iter().all(|until| until.is_some_and(|until| until > Instant::now()));
        let state = match (requests, all_down) {
            (1.., _) => State::Busy,
            (0, true) => State::Down,
            (0, false) => State::Idle,
        };
        let last_error = self.last_error.lock().unwrap_or_else(|e| e.into_inner()).clone();
        Status { state, queue: 0, restarts: 0, model: self.model(), cpu: None, last_error }
    }
}

/// What the script says.
#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Text { text: String },
    Done { done: Value },
    Error { error: String, refused: bool },
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Done {
    model: Option<String>,
    usage: Usage,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Usage {
    prompt_tokens: usize,
    completion_tokens: usize,
}

/// One request to one server.
struct Attempt<'a> {
    server: &'a Server,
    cancel: &'a Cancel,
    on_text: &'a mut dyn FnMut(&str),
    start: Instant,
    first: Option<Duration>,
}

impl Attempt<'_> {
    fn run(&mut self, request: &Request) -> Result<Completion, Failure> {
        let key = self.server.key().map_err(Failure::Server)?;
        let url = format!("{}/chat/completions", self.server.url.trim_end_matches('/'));
        let order = json!({"url": url, "key": key, "body": body(self.server, request), "patience": PATIENCE});
        let mut script = Script::start().map_err(|e| Failure::Server(format!("python3 cannot be started: {e}")))?;
        let lines = script.lines(order.to_string()).map_err(|e| Failure::Server(e.to_string()))?;
        self.listen(&lines, request)
    }

    fn listen(&mut self, lines: &Receiver<String>, request: &Request) -> Result<Completion, Failure> {
        let mut output = Output::new(&request.stop);
        loop {
            if self.cancel.is_cancelled() {
                return Err(Failure::Final(Error::Cancelled));
            }
            let line = match lines.recv_timeout(TICK) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Err(self.failed("the connection ended".into())),
            };
            match serde_json::from_str(&line) {
                Ok(Said::Text { text }) => {
                    self.first.get_or_insert_with(|| self.start.elapsed());
                    self.show(output.push(text.as_bytes()));
                    if output.stopped() {
                        return Ok(self.completion(&output, Done::default()));
                    }
                }
                Ok(Said::Done { done }) => {
                    self.show(output.finish());
                    // A reply that is whole is not lost over what is said of it.
                    return Ok(self.completion(&output, serde_json::from_value(done).unwrap_or_default()));
                }
                Ok(Said::Error { error, refused: true }) if self.first.is_none() => {
                    return Err(Failure::Final(Error::Refused(format!("{}: {error}", self.server.name()))));
                }
                Ok(Said::Error { error, .. }) => return Err(self.failed(error)),
                Err(error) => return Err(self.failed(format!("not understood: {error}"))),
            }
        }
    }

    fn show(&mut self, text: &str) {
        if !text.is_empty() {
            (self.on_text)(text);
        }
    }

    /// What was shown cannot be taken back, so nobody else is asked then.
    fn failed(&self, why: String) -> Failure {
        match self.first {
            None => Failure::Server(why),
            Some(_) => Failure::Final(Error::Down(why)),
        }
    }

    fn completion(&self, output: &Output, done: Done) -> Completion {
        let total = self.start.elapsed();
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        Completion {
            text: output.text().into(),
            model: done.model.unwrap_or_else(|| self.server.model.clone()),
            prompt_tokens: done.usage.prompt_tokens,
            output_tokens: done.usage.completion_tokens,
            first_token_ms: milliseconds(self.first.unwrap_or(total)),
            total_ms: milliseconds(total),
            ..Completion::default()
        }
    }
}

/// The child that makes a request. Dropped, it hangs up, which ends the generation there.
struct Script(Child);

impl Script {
    fn start() -> io::Result<Self> {
        let command = ["-I", "-c", SCRIPT];
        let (stdin, stdout) = (Stdio::piped(), Stdio::piped());
        Command::new("python3").args(command).stdin(stdin).stdout(stdout).stderr(Stdio::null()).spawn().map(Self)
    }

    /// What it says to this order. Threads write and read, so that whoever listens can give up at any time; they end with it.
    fn lines(&mut self, order: String) -> io::Result<Receiver<String>> {
        let (sender, lines) = channel();
        if let Some(mut input) = self.0.stdin.take() {
            // The key goes this way and not on the command line, which everybody can read.
            thread::Builder::new().spawn(move || input.write_all(order.as_bytes()))?;
        }
        if let Some(out) = self.0.stdout.take() {
            let bounded = BufReader::new(out.take(64 << 20));
            let mut read = bounded.lines().map_while(Result::ok);
            thread::Builder::new().spawn(move || read.try_for_each(|line| sender.send(line)))?;
        }
        Ok(lines)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The request as such servers want it.
fn body(server: &Server, request: &Request) -> Value {
    let messages: Vec<Value> = request.messages.iter().map(message).collect();
    let mut body = json!({
        "model": server.model, "messages": messages, "max_tokens": request.max_tokens, "temperature": 0,
        "stream": true, "stream_options": {"include_usage": true},
    });
    // Four is the most that is taken; the text is cut here in any case.
    let stop: Vec<&String> = request.stop.iter().filter(|stop| !stop.is_empty()).take(4).collect();
    if !stop.is_empty() {
        body["stop"] = json!(stop);
    }
    match &request.format {
        None => {}
        Some(Format::Json) => body["response_format"] = json!({"type": "json_object"}),
        Some(Format::Schema(schema)) => {
            body["response_format"] =
                json!({"type": "json_schema", "json_schema": {"name": "answer", "strict": true, "schema": schema}});
        }
        Some(Format::Grammar(grammar)) => body["grammar"] = json!(grammar),
    }
    body
}

/// A message as text. Servers read special tokens out of it, so stored text is kept from having any.
fn message(message: &Message) -> Value {
    let part = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Data(text) => text.replace("<|", "< |").replace("|>", "| >"),
    };
    let content: String = message.parts.iter().map(part).collect();
    json!({"role": role_name(message.role), "content": content})
}

#[cfg(test)]
mod tests;
