//! From a file to the conversations in it: which form it has is told by its content.

use std::cell::Cell;
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

/// What comes of reading a file, one by one: a conversation, or a place and why there is none.
pub type Each<'a> = dyn FnMut(Result<Found, (String, String)>) + 'a;

/// How a file is read.
struct Reading<'a> {
    /// Its name without the extension.
    stem: &'a str,
    /// The time of what has none.
    now: Timestamp,
    limits: Limits,
}

/// How much of a file is taken, in bytes: what an archive of a few bytes unpacks to is to fit into memory and patience.
#[derive(Clone, Copy)]
struct Limits {
    /// No text transcript, and no single JSON object, is longer.
    text: u64,
    /// The turns of a file that are no conversations of their own are no more together.
    turns: usize,
    /// The conversations of an archive unpack to no more.
    unpacked: u64,
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
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let reading = Reading { stem, now, limits: LIMITS };
    if start[..read] == *b"PK\x03\x04" {
        archive(file, &reading, each)
    } else {
        stream(file, &reading, each).map(|()| 0)
    }
}

/// The `conversations.json` of an export, or the files it is divided into. One that is damaged does not keep the others out.
fn archive(file: impl Read + Seek, reading: &Reading, each: &mut Each) -> Result<usize, String> {
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|e| format!("damaged archive: {e}"))?;
    let names = archive.file_names().filter_map(|name| Some(name.ok()?.into_owned()));
    let (mut names, others): (Vec<String>, Vec<String>) =
        names.filter(|name| !name.ends_with('/')).partition(|name| has_conversations(name));
    if names.is_empty() {
        return Err("the archive has no conversations.json".into());
    }
    names.sort();
    let mut left = reading.limits.unpacked;
    for name in &names {
        let mut tell = |found: Result<Found, (String, String)>| {
            each(found.map_err(|(place, why)| (if names.len() > 1 { format!("{name}, {place}") } else { place }, why)));
        };
        if let Err(why) = member(&mut archive, name, &mut left, reading, &mut tell) {
            each(Err((name.clone(), why)));
        }
    }
    Ok(others.len())
}

/// Whether a file in an archive is `conversations.json`, or `conversations-000.json` and so on.
fn has_conversations(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let part = file.strip_prefix("conversations").and_then(|rest| rest.strip_suffix(".json"));
    let is_number = |part: &str| part.strip_prefix(['-', '_']).is_some_and(|n| n.parse::<u32>().is_ok());
    part.is_some_and(|part| part.is_empty() || is_number(part))
}

/// One file of an archive; of the bytes that are `left` it takes what it unpacks to.
fn member<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    name: &str,
    left: &mut u64,
    reading: &Reading,
    each: &mut Each,
) -> Result<(), String> {
    let entry = archive.by_name(name).map_err(|e| e.to_string())?;
    let mut unpacked = entry.take(*left);
    let read = stream(&mut unpacked, reading, each);
    *left = unpacked.limit();
    match *left {
        0 => Err(format!("the archive unpacks to more than {}", size(reading.limits.unpacked))),
        _ => read,
    }
}

fn size(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

fn stream(reader: impl Read, reading: &Reading, each: &mut Each) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;

    const SMALL: Limits = Limits { text: 2_000, turns: 3_000, unpacked: 10_000 };

    /// What comes of an archive of these files within small limits: turns that were found, and what was refused.
    fn read(files: &[(&str, String)]) -> (usize, Vec<(String, String)>) {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(content.as_bytes()).unwrap();
        }
        let bytes = archive.finish().unwrap().into_inner();
        let (mut turns, mut refused) = (0, Vec::new());
        let mut each = |found: Result<Found, (String, String)>| match found {
            Ok(found) => turns += found.turns.len(),
            Err(why) => refused.push(why),
        };
        let reading = Reading { stem: "export", now: Timestamp::UNIX_EPOCH, limits: SMALL };
        super::archive(Cursor::new(bytes), &reading, &mut each).unwrap();
        (turns, refused)
    }

    fn talk(length: usize) -> String {
        format!(r#"{{"messages":[{{"role":"user","content":"{}"}}]}}"#, "a".repeat(length))
    }

    #[test]
    fn what_unpacks_to_more_than_fits_is_not_read() {
        let check = |files: &[(&str, String)], turns: usize, place: &str, why: &str| {
            let (found, refused) = read(files);
            assert_eq!(found, turns, "{refused:?}");
            assert!(refused.iter().any(|(at, told)| at == place && told.contains(why)), "{refused:?}");
        };
        let one = "conversations.json";
        check(&[(one, format!("[{}, {}]", talk(10), talk(5_000)))], 1, one, "element 2 is longer than 1 MiB");
        let many = vec![talk(1_000); 100].join(",");
        check(&[(one, format!("[{many}]"))], 9, one, "unpacks to more than 1 MiB");
        let turns =
            vec![r#"{"role":"user","content":"#.to_owned() + &format!("\"{}\"}}", "a".repeat(1_000)); 5].join(",");
        check(&[(one, format!("[{turns}]"))], 3, "element 4", "the turns of this file are more than");
        let two =
            [("conversations-000.json", format!("[{many}]")), ("conversations-001.json", format!("[{}]", talk(10)))];
        check(&two, 9, "conversations-001.json", "unpacks to more than");
        check(&[(one, format!("[{}", "[".repeat(5_000)))], 0, one, "damaged JSON");
    }

    #[test]
    fn the_files_of_an_export_are_told_by_their_names() {
        for name in
            ["conversations.json", "export/conversations.json", "conversations-000.json", "a/conversations_12.json"]
        {
            assert!(has_conversations(name), "{name}");
        }
        for name in [
            "shared_conversations.json",
            "conversations-a.json",
            "conversations.jsonl",
            "users.json",
            "._conversations.json",
        ] {
            assert!(!has_conversations(name), "{name}");
        }
    }
}
