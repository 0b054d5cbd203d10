//! Remote engines: servers that speak OpenAI's chat completions, for those who outgrow one machine.
//!
//! There are none unless the owner wrote them down. Each request is made by a child process of its own (`remote.py`, given to
//! python3): no process of EchoFS itself ever opens a connection. Of several servers the first that answers is used; one
//! that failed is passed over for a while, longer each time. Nothing a server does makes its caller wait or read without end.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::counted::Counted;
use crate::gguf::printable;
use crate::prompt::role_name;
use crate::text::Output;
use crate::{Cancel, Completion, Error, Format, Generator, Message, Part, Request, State, Status};

const SCRIPT: &str = include_str!("remote.py");
/// How often a waiting request looks at its [`Cancel`].
const TICK: Duration = Duration::from_millis(20);
/// How long a server that failed is passed over, while there are others: at first, and at most.
const PAUSE: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(300)];
/// Bytes of a token, at most; who sends more than was asked for is not listened to any further.
const TOKEN: usize = 64;
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

/// How long a server is waited for.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// Until there is a connection. One that cannot be reached often does not say so.
    connection: Duration,
    /// For the next piece of text: a model may have to be loaded first.
    silence: Duration,
    /// For all of a reply.
    reply: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let [connection, silence, reply] = [10, 120, 600].map(Duration::from_secs);
        Self { connection, silence, reply }
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
    patience: Patience,
    cancel: &'a Cancel,
    on_text: &'a mut dyn FnMut(&str),
    start: Instant,
    first: Option<Duration>,
}

impl Attempt<'_> {
    fn run(&mut self, request: &Request) -> Result<Completion, Failure> {
        let key = self.server.key().map_err(Failure::Server)?;
        let url = format!("{}/chat/completions", self.server.url.trim_end_matches('/'));
        let Patience { connection, silence, .. } = self.patience;
        let order = json!({
            "url": url, "key": key, "body": body(self.server, request),
            "connection": connection.as_secs_f64(), "silence": silence.as_secs_f64(),
        });
        let mut script = Script::start().map_err(|e| Failure::Server(format!("python3 cannot be started: {e}")))?;
        let lines = script.lines(order.to_string()).map_err(|e| Failure::Server(e.to_string()))?;
        self.listen(&lines, request)
    }

    fn listen(&mut self, lines: &Receiver<String>, request: &Request) -> Result<Completion, Failure> {
        let mut output = Output::new(&request.stop);
        let mut room = request.max_tokens.saturating_mul(TOKEN);
        loop {
            let line = self.next_line(lines)?;
            match serde_json::from_str(&line) {
                Ok(Said::Text { text }) => {
                    self.first.get_or_insert_with(|| self.start.elapsed());
                    let taken = text.floor_char_boundary(room);
                    room -= taken;
                    self.show(output.push(&text.as_bytes()[..taken]));
                    if output.stopped() || taken < text.len() {
                        self.show(output.finish());
                        return Ok(self.completion(&output, Done::default()));
                    }
                }
                Ok(Said::Done { done }) => {
                    self.show(output.finish());
                    // A reply that is whole is not lost over what is said of it.
                    return Ok(self.completion(&output, serde_json::from_value(done).unwrap_or_default()));
                }
                Ok(Said::Error { error, refused: true }) if self.first.is_none() => {
                    let why = format!("{}: {}", self.server.name(), printable(&error));
                    return Err(Failure::Final(Error::Refused(why)));
                }
                Ok(Said::Error { error, .. }) => return Err(self.failed(printable(&error))),
                Err(error) => return Err(self.failed(format!("not understood: {error}"))),
            }
        }
    }

    /// What the script says next. A server that sends single bytes without end says nothing by that.
    fn next_line(&self, lines: &Receiver<String>) -> Result<String, Failure> {
        let whole = self.start + self.patience.reply;
        let until = whole.min(Instant::now() + self.patience.silence);
        loop {
            if self.cancel.is_cancelled() {
                return Err(Failure::Final(Error::Cancelled));
            }
            match lines.recv_timeout(TICK) {
                Ok(line) => return Ok(line),
                Err(RecvTimeoutError::Disconnected) => return Err(self.failed("the connection ended".into())),
                Err(RecvTimeoutError::Timeout) if Instant::now() < until => {}
                Err(RecvTimeoutError::Timeout) if until == whole => {
                    let limit = self.patience.reply.as_secs();
                    return Err(self.failed(format!("its reply was not whole after {limit} s")));
                }
                Err(RecvTimeoutError::Timeout) => {
                    let limit = self.patience.silence.as_secs();
                    return Err(self.failed(format!("it said nothing for {limit} s")));
                }
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
            model: done.model.map_or_else(|| self.server.model.clone(), |model| brief(&model)),
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

/// A name that a server gives, for people.
fn brief(name: &str) -> String {
    printable(name).chars().take(100).collect()
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

/// What the usual models have for special tokens, or what these begin with: ChatML and Llama 3, DeepSeek, Llama 2, Mistral, Gemma,
/// calls of tools, thoughts.
const MARKERS: [&str; 29] = [
    "<|",
    "|>",
    "<\u{ff5c}",
    "\u{ff5c}>",
    "<s>",
    "</s>",
    "<<SYS>>",
    "<</SYS>>",
    "[INST]",
    "[/INST]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_",
    "[/TOOL_",
    "<bos>",
    "<eos>",
    "<unk>",
    "<pad>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<start_of_image>",
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
    "<think>",
    "</think>",
];

/// A message as text. Servers read special tokens out of it, so stored text is kept from having any.
fn message(message: &Message) -> Value {
    let part = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Data(text) => MARKERS.iter().fold(text.clone(), |text, marker| text.replace(marker, &broken(marker))),
    };
    let content: String = message.parts.iter().map(part).collect();
    json!({"role": role_name(message.role), "content": content})
}

/// With a blank behind the first character.
fn broken(marker: &str) -> String {
    let (first, rest) = marker.split_at(marker.chars().next().map_or(0, char::len_utf8));
    format!("{first} {rest}")
}

#[cfg(test)]
mod tests;
