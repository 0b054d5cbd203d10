//! What goes over the service's unix socket, version 1.
//!
//! Both sides send JSON objects, one a line (UTF-8, `\n`, at most [`MAX_LINE`] bytes). A connection carries one
//! request at a time, any number one after the other. The client sends calls:
//!
//! ```text
//! {"v":1,"call":"generate","messages":[{"role":"user","parts":[{"text":"Answer: "},{"data":"why?"}]}],
//!  "max_tokens":64,"stop":["\n\n"],"model":"/models/a.gguf"}          (one line; "model" and "stop" may be left out)
//! {"v":1,"call":"cancel"}                                            (ends the running generation)
//! {"v":1,"call":"health"}
//! {"v":1,"call":"forget"}                                            (drops all that is kept of earlier prompts)
//! ```
//!
//! `text` parts may contain the model's special tokens, `data` parts never do. What else a generation may say:
//!
//! - `"class"`: `interactive` (the default), `requested` or `background`; the lower gives way to the higher.
//! - `"adapter"`: `{"path":"/adapters/b.gguf","scale":0.8}`, a LoRA adapter for this generation.
//! - `"conversation"`: a name; the state of this conversation is kept for its next turn. `kept_tokens` of `done` says how much of
//!   a prompt was kept and not read again.
//! - `"format"`: `"json"`, `{"schema":{...}}` or `{"grammar":"root ::= ..."}`, which the text then has.
//! - `"refusal"`: `"NOT FOUND"`; the reply is the best one that does not begin so, and `done` has the probability of that
//!   beginning under the same name.
//! - `"surprisal"`: `true`; `done` has, under the same name, how little the model expected each token of the last `data` part: the
//!   negative logarithm of its probability.
//!
//! The service answers with events:
//!
//! ```text
//! {"event":"text","text":"Because "}                                 (whole characters, as they come)
//! {"event":"done","text":"Because ...","model":"a","prompt_tokens":21,"kept_tokens":0,"output_tokens":7,
//!  "first_token_ms":80.5,"total_ms":190.1,"threads":2,"cpu":"zen4"}  (ends a generation)
//! {"event":"error","kind":"busy","message":"...","waiting":8}        (ends a generation)
//! {"event":"health","version":1,"state":"idle","waiting":0,"model":null,"cpu":"zen4","threads":2,
//!  "classes":[{"class":"interactive","running":false,"waiting":0},...]}
//! {"event":"forgotten"}
//! ```
//!
//! Error kinds are `busy` (the queue of its class is full; nothing was done, try later), `no_model`, `refused` (this request cannot be
//! done), `cancelled` and `down`. Closing the connection cancels too; who closes its own direction alone (`shutdown(2)`) gets the
//! rest of what it asked for, and then the connection ends. A line that is no call gets a `refused` error and the connection goes on; a line that is too long gets one and ends it. Calls of another version are refused. A client that goes on
//! calling and reads no answers is hung up on.

use std::io::{self, BufRead, Read, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Adapter, Class, Completion, Error, Request, State};

/// The version spoken here.
pub const VERSION: u32 = 1;

/// Bytes of the longest line that is read.
pub const MAX_LINE: usize = 8 << 20;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Call {
    /// Run a generation.
    Generate {
        /// The model's file; the service's own when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<PathBuf>,
        /// The adapter on top of it; none when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        adapter: Option<Adapter>,
        /// The prompt and its limits.
        #[serde(flatten)]
        request: Request,
    },
    /// End the generation that runs on this connection.
    Cancel,
    /// Tell how the service is.
    Health,
    /// Drop every state that is kept of earlier prompts.
    Forget,
}

#[derive(Serialize)]
struct Versioned<'a> {
    v: u32,
    #[serde(flatten)]
    call: &'a Call,
}

/// What the service answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A piece of the answer.
    Text {
        /// Whole characters.
        text: String,
    },
    /// The generation is finished.
    Done {
        /// What it was.
        #[serde(flatten)]
        completion: Completion,
        /// The build of llama.cpp's CPU code that ran it.
        cpu: Option<String>,
    },
    /// There is no answer, or no more of it.
    Error {
        /// Which error.
        kind: Kind,
        /// The cause, for people.
        message: String,
        /// Requests that wait, for [`Kind::Busy`].
        #[serde(default)]
        waiting: usize,
    },
    /// How the service is.
    Health(Health),
    /// Nothing is kept of earlier prompts, or will be not once what runs has ended.
    Forgotten,
}

/// The errors of the protocol, as [`Error`] has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// [`Error::Busy`].
    Busy,
    /// [`Error::NoModel`].
    NoModel,
    /// [`Error::Refused`].
    Refused,
    /// [`Error::Cancelled`].
    Cancelled,
    /// [`Error::Down`].
    Down,
}

/// State of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Version of the protocol.
    pub version: u32,
    /// What it does now.
    pub state: State,
    /// Requests that wait.
    pub waiting: usize,
    /// Name of the model in memory.
    pub model: Option<String>,
    /// The build of llama.cpp's CPU code, once chosen.
    pub cpu: Option<String>,
    /// Threads of a generation.
    pub threads: usize,
    /// The same for each class.
    #[serde(default)]
    pub classes: Vec<ClassHealth>,
}

/// State of one class of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassHealth {
    /// Which.
    pub class: Class,
    /// Whether a generation of it runs, or waits for its turn to go on.
    pub running: bool,
    /// Requests that wait.
    pub waiting: usize,
}

impl From<&Error> for Event {
    fn from(error: &Error) -> Self {
        let (kind, message, waiting) = match error {
            Error::Busy(waiting) => (Kind::Busy, String::new(), *waiting),
            Error::NoModel(why) => (Kind::NoModel, why.clone(), 0),
            Error::Refused(why) => (Kind::Refused, why.clone(), 0),
            Error::Cancelled => (Kind::Cancelled, String::new(), 0),
            Error::Down(why) => (Kind::Down, why.clone(), 0),
        };
        Self::Error { kind, message, waiting }
    }
}

/// The error that an [`Event::Error`] stands for.
pub fn error(kind: Kind, message: String, waiting: usize) -> Error {
    match kind {
        Kind::Busy => Error::Busy(waiting),
        Kind::NoModel => Error::NoModel(message),
        Kind::Refused => Error::Refused(message),
        Kind::Cancelled => Error::Cancelled,
        Kind::Down => Error::Down(message),
    }
}

/// Writes a call as one line.
///
/// # Errors
/// From the writer; `InvalidData` if a path in it is not UTF-8.
pub fn write_call(to: &mut impl Write, call: &Call) -> io::Result<()> {
    write_line(to, &Versioned { v: VERSION, call })
}

/// Writes an event as one line.
///
/// # Errors
/// From the writer.
pub fn write_event(to: &mut impl Write, event: &Event) -> io::Result<()> {
    write_line(to, event)
}

fn write_line(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
    line.push(b'\n');
    to.write_all(&line)
}

/// Reads up to the end of a line into `line`, which keeps what was read when the reader times out, so that the call can be
/// repeated. `false` at the end of the stream.
///
/// # Errors
/// From the reader; `InvalidData` when the line is longer than [`MAX_LINE`].
pub fn read_line(from: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    let room = (MAX_LINE + 1).saturating_sub(line.len()) as u64;
    let read = from.take(room).read_until(b'\n', line)?;
    if line.len() > MAX_LINE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a line is longer than {MAX_LINE} bytes")));
    }
    Ok(read > 0)
}

/// Reads a call from its line.
///
/// # Errors
/// The reason why it is none, for people.
pub fn parse_call(line: &[u8]) -> Result<Call, String> {
    #[derive(Deserialize)]
    struct Version {
        v: u32,
    }
    let version: Version = serde_json::from_slice(line).map_err(|e| format!("not a call: {e}"))?;
    if version.v != VERSION {
        return Err(format!("version {} is not spoken here, only {VERSION}", version.v));
    }
    serde_json::from_slice(line).map_err(|e| format!("not a call: {e}"))
}

/// Reads an event from its line.
///
/// # Errors
/// The reason why it is none, for people.
pub fn parse_event(line: &[u8]) -> Result<Event, String> {
    serde_json::from_slice(line).map_err(|e| format!("not an event: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, Message, Part, Role};

    fn request() -> Request {
        let parts = vec![Part::Text("Answer: ".into()), Part::Data("a\nb \u{2028} \"c\"".into())];
        let messages = vec![Message { role: Role::User, parts }];
        let format = Some(Format::Schema(serde_json::json!({"type": "object"})));
        let conversation = Some("garden".into());
        let (stop, refusal) = (vec!["\n\n".into()], Some("NO".into()));
        Request {
            messages,
            max_tokens: 5,
            stop,
            refusal,
            class: Class::Background,
            conversation,
            format,
            surprisal: true,
        }
    }

    #[test]
    fn calls_and_events_come_back_from_one_line_each() {
        let adapter = Some(Adapter { path: "/a/b.gguf".into(), scale: 0.5 });
        let call = Call::Generate { model: Some("/m/a.gguf".into()), adapter, request: request() };
        let mut line = Vec::new();
        assert!(write_call(&mut line, &call).is_ok());
        assert_eq!(line.iter().filter(|&&b| b == b'\n').count(), 1);
        assert_eq!(parse_call(&line), Ok(call));
        for error in [Error::Busy(3), Error::Cancelled, Error::Down("x".into())] {
            let mut line = Vec::new();
            assert!(write_event(&mut line, &Event::from(&error)).is_ok());
            assert_eq!(parse_event(&line), Ok(Event::from(&error)));
        }
    }

    #[test]
    fn the_documented_call_is_understood() {
        let line = br#"{"v":1,"call":"generate","messages":[{"role":"user","parts":[{"text":"A"},{"data":"b"}]}],"max_tokens":64}"#;
        let parts = vec![Part::Text("A".into()), Part::Data("b".into())];
        let messages = vec![Message { role: Role::User, parts }];
        let request = Request { messages, max_tokens: 64, ..Request::default() };
        assert_eq!(parse_call(line), Ok(Call::Generate { model: None, adapter: None, request }));
        assert_eq!(parse_call(br#"{"v":1,"call":"health"}"#), Ok(Call::Health));
        assert_eq!(parse_call(br#"{"v":1,"call":"forget"}"#), Ok(Call::Forget));
    }

    #[test]
    fn the_documented_options_are_understood() {
        let generate = |options: &str| {
            let line = format!(r#"{{"v":1,"call":"generate","messages":[],"max_tokens":1,{options}}}"#);
            match parse_call(line.as_bytes()) {
                Ok(Call::Generate { adapter, request, .. }) => (adapter, request),
                other => panic!("{options}: {other:?}"),
            }
        };
        assert_eq!(generate(r#""class":"requested""#).1.class, Class::Requested);
        assert_eq!(generate(r#""format":"json""#).1.format, Some(Format::Json));
        let grammar = generate(r#""format":{"grammar":"root ::= [0-9]"}"#).1.format;
        assert_eq!(grammar, Some(Format::Grammar("root ::= [0-9]".into())));
        assert_eq!(generate(r#""conversation":"a b""#).1.conversation.as_deref(), Some("a b"));
        assert_eq!(generate(r#""adapter":{"path":"/b"}"#).0, Some(Adapter { path: "/b".into(), scale: 1.0 }));
        assert!(parse_call(br#"{"v":1,"call":"generate","messages":[],"max_tokens":1,"class":"urgent"}"#).is_err());
    }

    #[test]
    fn other_versions_and_other_lines_are_refused_with_the_reason() {
        assert!(parse_call(br#"{"v":2,"call":"health"}"#).is_err_and(|e| e.contains("version 2")));
        assert!(parse_call(b"\x00\xff{").is_err());
        assert!(parse_call(br#"{"v":1,"call":"dance"}"#).is_err_and(|e| e.contains("dance")));
    }

    #[test]
    fn a_line_that_never_ends_is_an_error_and_not_a_full_memory() {
        let mut endless = io::BufReader::new(io::repeat(b'x'));
        let mut line = Vec::new();
        assert!(read_line(&mut endless, &mut line).is_err());
        assert!(line.len() <= MAX_LINE + 1);
    }
}
