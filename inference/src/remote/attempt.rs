//! One request to one server, made by a child process, and how long it is waited for.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use super::Server;
use super::body::body;
use crate::gguf::printable;
use crate::text::Output;
use crate::{Cancel, Completion, Error, Request};

const SCRIPT: &str = include_str!("../remote.py");
/// How often a waiting request looks at its [`Cancel`].
const TICK: Duration = Duration::from_millis(20);
/// Bytes of a token, at most; who sends more than was asked for is not listened to any further.
pub const TOKEN: usize = 64;

/// How long a server is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until there is a connection. One that cannot be reached often does not say so.
    pub connection: Duration,
    /// For the next piece of text: a model may have to be loaded first.
    pub silence: Duration,
    /// For all of a reply.
    pub reply: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let [connection, silence, reply] = [10, 120, 600].map(Duration::from_secs);
        Self { connection, silence, reply }
    }
}

/// Why a server gave no completion.
pub enum Failure {
    /// Another one may do better.
    Server(String),
    /// There is nothing to be had from others either.
    Final(Error),
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
pub struct Attempt<'a> {
    pub server: &'a Server,
    pub patience: Patience,
    pub cancel: &'a Cancel,
    pub on_text: &'a mut dyn FnMut(&str),
    pub start: Instant,
    pub first: Option<Duration>,
}

impl Attempt<'_> {
    pub fn run(&mut self, request: &Request) -> Result<Completion, Failure> {
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
