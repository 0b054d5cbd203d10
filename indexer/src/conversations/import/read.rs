//! From a file to the conversations in it: which form it has is told by its content.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::Path;

use jiff::Timestamp;
use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::Value;

use super::{Found, archive, exports, stem, transcript};
use crate::conversations::turn::Turn;
use crate::extract::decode;

/// What comes of reading a file, one by one: a conversation, or a place and why there is none.
pub type Each<'a> = dyn FnMut(Result<Found, (String, String)>) + 'a;

/// How a file is read.
pub struct Reading<'a> {
    /// Its name without the extension.
    pub stem: &'a str,
    /// The time of what has none.
    pub now: Timestamp,
    /// How much of it is taken.
    pub limits: Limits,
}

/// How much of a file is taken, in bytes: what an archive of a few bytes unpacks to is to fit into memory and patience.
#[derive(Clone, Copy)]
pub struct Limits {
    /// No text transcript, and no single JSON object, is longer.
    pub text: u64,
    /// The turns of a file that are no conversations of their own are no more together.
    pub turns: usize,
    /// The conversations of an archive unpack to no more.
    pub unpacked: u64,
}

const LIMITS: Limits = Limits { text: 64 << 20, turns: 512 << 20, unpacked: 4 << 30 };

/// Hands every conversation of a file to `each`, and gives how many other files an archive has.
///
/// # Errors
/// In words, why the file as a whole cannot be read.
pub fn conversations(path: &Path, name: &str, now: Timestamp, each: &mut Each) -> Result<usize, String> {
    let text = |e: std::io::Error| e.to_string();
    let mut file = File::open(path).map_err(text)?;
    let mut start = [0; 4];
    let read = file.read(&mut start).map_err(text)?;
    file.rewind().map_err(text)?;
    let reading = Reading { stem: stem(name), now, limits: LIMITS };
    if start[..read] == *b"PK\x03\x04" {
        archive::conversations(file, &reading, each)
    } else {
        stream(file, &reading, each).map(|()| 0)
    }
}

/// A number of bytes for people.
pub fn size(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

/// Hands every conversation of a text to `each`.
///
/// # Errors
/// In words, why it cannot be read, or not to its end.
pub fn stream(reader: impl Read, reading: &Reading, each: &mut Each) -> Result<(), String> {
    let mut reader = BufReader::with_capacity(1 << 20, reader);
    if reader.fill_buf().map_err(|e| e.to_string())?.starts_with(b"\xEF\xBB\xBF") {
        reader.consume(3);
    }
    match first(&mut reader).map_err(|e| e.to_string())? {
        None => Err("the file is empty".into()),
        Some(b'[') if !is_stamp(&mut reader) => array(reader, reading, each),
        Some(b'{') => lines(reader, reading, each),
        Some(_) => plain(reader, reading, each),
    }
}

/// The first byte that is no white space; what is before it is read over.
fn first(reader: &mut impl BufRead) -> std::io::Result<Option<u8>> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(None);
        }
        let space = buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let found = buffer.get(space).copied();
        reader.consume(space);
        if found.is_some() {
            return Ok(found);
        }
    }
}

/// Whether what follows is `[2026-03-14 ...` of a transcript and no list.
fn is_stamp(reader: &mut impl BufRead) -> bool {
    reader.fill_buf().is_ok_and(|buffer| {
        let line = buffer.split(|byte| *byte == b'\n').next().unwrap_or_default();
        line.get(1).is_some_and(u8::is_ascii_digit) && line.windows(2).any(|pair| pair == b"] ")
    })
}

/// A list of conversations, or of the turns of one. One element is in memory at a time.
fn array(reader: impl Read, reading: &Reading, each: &mut Each) -> Result<(), String> {
    let mut sessions = Sessions::default();
    let mut count = 0;
    let left = Cell::new(reading.limits.text);
    let mut element = |value: Value| {
        left.set(reading.limits.text);
        count += 1;
        let place = || format!("element {count}");
        match value.get("role").is_some() {
            true => sessions.add(&value, reading).unwrap_or_else(|why| each(Err((place(), why)))),
            false => {
                each(exports::conversation(&value, reading.stem, reading.now).map_err(|why| (place(), why)));
            }
        }
    };
    let mut json = serde_json::Deserializer::from_reader(Limited { reader, left: &left });
    let done = json.deserialize_seq(Elements(&mut element)).and_then(|()| json.end());
    sessions.hand_on(reading.stem, each);
    done.map_err(|e| match left.get() {
        0 => format!(
            "element {} is longer than {}; it and what follows is not read",
            count + 1,
            size(reading.limits.text)
        ),
        _ => format!("damaged JSON: {e}"),
    })
}

/// Reads no more than what is left, which somebody else fills up.
struct Limited<'a, R> {
    reader: R,
    left: &'a Cell<u64>,
}

impl<R: Read> Read for Limited<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left.get()).unwrap_or(usize::MAX));
        if most == 0 && !buffer.is_empty() {
            return Err(std::io::Error::other("too long"));
        }
        let read = self.reader.read(&mut buffer[..most])?;
        self.left.set(self.left.get() - read as u64);
        Ok(read)
    }
}

struct Elements<'a>(&'a mut dyn FnMut(Value));

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(value) = elements.next_element::<Value>()? {
            (self.0)(value);
        }
        Ok(())
    }
}

/// JSON lines, each a turn or a conversation; or one object over many lines.
fn lines(mut reader: impl BufRead, reading: &Reading, each: &mut Each) -> Result<(), String> {
    let mut sessions = Sessions::default();
    let mut line = Vec::new();
    let mut number = 0;
    while reader.by_ref().take(reading.limits.text).read_until(b'\n', &mut line).map_err(|e| e.to_string())? > 0 {
        number += 1;
        let value = serde_json::from_slice::<Value>(&line);
        if number == 1 && value.is_err() {
            return object(line, reader, reading, each);
        }
        let place = || format!("line {number}");
        match value {
            Err(_) if line.trim_ascii().is_empty() => {}
            Err(e) => each(Err((place(), format!("this is no JSON: {e}")))),
            Ok(value) if value.get("role").is_some() => {
                sessions.add(&value, reading).unwrap_or_else(|why| each(Err((place(), why))));
            }
            Ok(value) => several(&value, reading, &mut |found| each(found.map_err(|why| (place(), why)))),
        }
        line.clear();
    }
    sessions.hand_on(reading.stem, each);
    Ok(())
}

fn object(mut start: Vec<u8>, reader: impl Read, reading: &Reading, each: &mut Each) -> Result<(), String> {
    reader.take(reading.limits.text).read_to_end(&mut start).map_err(|e| e.to_string())?;
    let value: Value = serde_json::from_slice(&start).map_err(|e| format!("damaged JSON: {e}"))?;
    several(&value, reading, &mut |found| each(found.map_err(|why| ("the object".into(), why))));
    Ok(())
}

/// One conversation, or `{"conversations":[...]}`.
fn several(value: &Value, reading: &Reading, each: &mut dyn FnMut(Result<Found, String>)) {
    let conversation = |value| exports::conversation(value, reading.stem, reading.now);
    match value.get("conversations").and_then(Value::as_array) {
        Some(all) => all.iter().for_each(|value| each(conversation(value))),
        None => each(conversation(value)),
    }
}

/// A transcript.
fn plain(reader: impl Read, reading: &Reading, each: &mut Each) -> Result<(), String> {
    let mut bytes = Vec::new();
    reader.take(reading.limits.text + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > reading.limits.text {
        return Err(format!("a text longer than {}", size(reading.limits.text)));
    }
    let text = decode::text(&bytes).ok_or("neither text nor an archive")?;
    each(Ok(transcript::conversation(&text, reading.stem, reading.now)?));
    Ok(())
}

/// Turns by their session, in the order in which the sessions began.
#[derive(Default)]
struct Sessions {
    order: Vec<(Option<String>, Vec<Turn>)>,
    at: HashMap<Option<String>, usize>,
    /// Bytes of their text.
    bytes: usize,
}

impl Sessions {
    fn add(&mut self, value: &Value, reading: &Reading) -> Result<(), String> {
        let turn = Turn::from_value(value, reading.stem, reading.now)?;
        self.bytes += turn.content.len();
        if self.bytes > reading.limits.turns {
            return Err(format!("the turns of this file are more than {}", size(reading.limits.turns as u64)));
        }
        let session = value.get("session").is_some().then(|| turn.session.clone());
        let at = *self.at.entry(session.clone()).or_insert(self.order.len());
        if at == self.order.len() {
            self.order.push((session, Vec::new()));
        }
        self.order[at].1.push(turn);
        Ok(())
    }

    fn hand_on(self, stem: &str, each: &mut Each) {
        for (session, turns) in self.order {
            let mut found = Found { session, turns, ..Found::default() };
            found.finish(stem);
            each(Ok(found));
        }
    }
}
