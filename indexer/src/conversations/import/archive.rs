//! Exports that come as an archive: the files with conversations in it, and how much of what they unpack to is read.

use std::io::{BufReader, Read, Seek};

use zip::ZipArchive;

use super::Found;
use super::read::{Each, Reading, size, stream};

/// The `conversations.json` of an export, or the files it is divided into. One that is damaged does not keep the others out.
/// Gives how many other files there are.
///
/// # Errors
/// In words, why the archive as a whole cannot be read.
pub fn conversations(file: impl Read + Seek, reading: &Reading, each: &mut Each) -> Result<usize, String> {
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

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use jiff::Timestamp;

    use super::super::read::Limits;
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
        conversations(Cursor::new(bytes), &reading, &mut each).unwrap();
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
