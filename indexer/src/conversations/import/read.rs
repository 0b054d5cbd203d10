//! From a file to the conversations in it: which form it has is told by its content.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::Path;

use jiff::Timestamp;
use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::Value;
use zip::ZipArchive;

use super::{Found, exports, transcript};
use crate::conversations::turn::Turn;
use crate::extract::decode;

/// No text transcript, and no single JSON object, is longer, in bytes.
const MAX_TEXT: u64 = 64 << 20;
/// The conversations of an archive unpack to no more, in bytes.
const MAX_UNPACKED: u64 = 4 << 30;

/// What comes of reading a file, one by one: a conversation, or a place and why there is none.
pub type Each<'a> = dyn FnMut(Result<Found, (String, String)>) + 'a;

/// Hands every conversation of a file to `each`.
///
/// # Errors
/// In words, why the file as a whole cannot be read.
pub fn conversations(path: &Path, name: &str, now: Timestamp, each: &mut Each) -> Result<(), String> {
    let text = |e: std::io::Error| e.to_string();
    let mut file = File::open(path).map_err(text)?;
    let mut start = [0; 4];
    let read = file.read(&mut start).map_err(text)?;
    file.rewind().map_err(text)?;
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    if start[..read] == *b"PK\x03\x04" { archive(file, stem, now, each) } else { stream(file, stem, now, each) }
}

/// The `conversations.json` of an export.
fn archive(file: File, stem: &str, now: Timestamp, each: &mut Each) -> Result<(), String> {
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|e| format!("damaged archive: {e}"))?;
    let wanted = |name: &str| name == "conversations.json" || name.ends_with("/conversations.json");
    let names: Vec<String> = archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
    let name = names.into_iter().find(|name| wanted(name)).ok_or("the archive has no conversations.json")?;
    let entry = archive.by_name(&name).map_err(|e| format!("{name}: {e}"))?;
    stream(entry.take(MAX_UNPACKED), stem, now, each)
}

fn stream(reader: impl Read, stem: &str, now: Timestamp, each: &mut Each) -> Result<(), String> {
    let mut reader = BufReader::with_capacity(1 << 20, reader);
    if reader.fill_buf().map_err(|e| e.to_string())?.starts_with(b"\xEF\xBB\xBF") {
        reader.consume(3);
    }
    match first(&mut reader).map_err(|e| e.to_string())? {
        None => Err("the file is empty".into()),
        Some(b'[') if !is_stamp(&mut reader) => array(reader, stem, now, each),
        Some(b'{') => lines(reader, stem, now, each),
        Some(_) => plain(reader, stem, now, each),
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
fn array(reader: impl Read, stem: &str, now: Timestamp, each: &mut Each) -> Result<(), String> {
    let mut sessions = Sessions::default();
    let mut count = 0;
    let mut element = |value: Value| {
        count += 1;
        let place = || format!("element {count}");
        match value.get("role").is_some() {
            true => sessions.add(&value, stem, now).unwrap_or_else(|why| each(Err((place(), why)))),
            false => each(exports::conversation(&value, stem, now).map_err(|why| (place(), why))),
        }
    };
    let mut json = serde_json::Deserializer::from_reader(reader);
    let done = json.deserialize_seq(Elements(&mut element)).and_then(|()| json.end());
    sessions.hand_on(stem, each);
    done.map_err(|e| format!("damaged JSON: {e}"))
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
fn lines(mut reader: impl BufRead, stem: &str, now: Timestamp, each: &mut Each) -> Result<(), String> {
    let mut sessions = Sessions::default();
    let mut line = Vec::new();
    let mut number = 0;
    while reader.by_ref().take(MAX_TEXT).read_until(b'\n', &mut line).map_err(|e| e.to_string())? > 0 {
        number += 1;
        let value = serde_json::from_slice::<Value>(&line);
        if number == 1 && value.is_err() {
            return object(line, reader, stem, now, each);
        }
        let place = || format!("line {number}");
        match value {
            Err(_) if line.trim_ascii().is_empty() => {}
            Err(e) => each(Err((place(), format!("this is no JSON: {e}")))),
            Ok(value) if value.get("role").is_some() => {
                sessions.add(&value, stem, now).unwrap_or_else(|why| each(Err((place(), why))));
            }
            Ok(value) => several(&value, stem, now, &mut |found| each(found.map_err(|why| (place(), why)))),
        }
        line.clear();
    }
    sessions.hand_on(stem, each);
    Ok(())
}

fn object(mut start: Vec<u8>, reader: impl Read, stem: &str, now: Timestamp, each: &mut Each) -> Result<(), String> {
    reader.take(MAX_TEXT).read_to_end(&mut start).map_err(|e| e.to_string())?;
    let value: Value = serde_json::from_slice(&start).map_err(|e| format!("damaged JSON: {e}"))?;
    several(&value, stem, now, &mut |found| each(found.map_err(|why| ("the object".into(), why))));
    Ok(())
}

/// One conversation, or `{"conversations":[...]}`.
fn several(value: &Value, stem: &str, now: Timestamp, each: &mut dyn FnMut(Result<Found, String>)) {
    match value.get("conversations").and_then(Value::as_array) {
        Some(all) => all.iter().for_each(|value| each(exports::conversation(value, stem, now))),
        None => each(exports::conversation(value, stem, now)),
    }
}

/// A transcript.
fn plain(reader: impl Read, stem: &str, now: Timestamp, each: &mut Each) -> Result<(), String> {
    let mut bytes = Vec::new();
    reader.take(MAX_TEXT + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > MAX_TEXT {
        return Err(format!("a text longer than {} MiB", MAX_TEXT >> 20));
    }
    let text = decode::text(&bytes).ok_or("neither text nor an archive")?;
    each(Ok(transcript::conversation(&text, stem, now)?));
    Ok(())
}

/// Turns by their session, in the order in which the sessions began.
#[derive(Default)]
struct Sessions {
    order: Vec<(Option<String>, Vec<Turn>)>,
    at: HashMap<Option<String>, usize>,
}

impl Sessions {
    fn add(&mut self, value: &Value, stem: &str, now: Timestamp) -> Result<(), String> {
        let turn = Turn::from_value(value, stem, now)?;
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
