//! Sentences to keep: each is a line of `remembered.md` among the notes, on disk before it is acknowledged, until its owner
//! has it forgotten.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use echofs_query_lang::Node;

use crate::groups::units;
use crate::words;

/// The note that holds them.
pub const NOTE: &str = "remembered.md";

/// Appends `text`, on one line and with the time, to the note in `notes`; gives the path of the note.
///
/// # Errors
/// The note cannot be written or made durable.
pub fn remember(notes: &Path, text: &str, now: &jiff::Zoned) -> io::Result<PathBuf> {
    let path = notes.join(NOTE);
    let mut note = locked(&path)?;
    let heading = if note.metadata()?.len() == 0 { "# Remembered\n\n" } else { "" };
    // One write: two programs that remember at one time do not mix their lines.
    note.write_all(format!("{heading}- {}: {}\n", now.strftime("%F %H:%M"), one_line(text)).as_bytes())?;
    note.sync_all()?;
    File::open(notes)?.sync_all()?;
    Ok(path)
}

/// Takes lines out of the note in `notes`: those with these numbers, counted from 1, that still have these texts.
///
/// # Errors
/// The note cannot be read or written; it is then as it was before.
pub fn take_out(notes: &Path, lines: &[(u32, &str)]) -> io::Result<()> {
    let path = notes.join(NOTE);
    let note = locked(&path)?;
    let text = fs::read_to_string(&path)?;
    let numbered = (1..).zip(text.split_inclusive('\n'));
    let kept = numbered.filter(|(number, line)| !lines.contains(&(*number, line.trim_end_matches('\n'))));
    let kept: String = kept.map(|(_, line)| line).collect();
    let new = notes.join(".remembered.md~");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(kept.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, &path)?;
    drop(note);
    File::open(notes)?.sync_all()
}

/// The note, for this program alone: whoever takes lines out puts another file in its place.
fn locked(path: &Path) -> io::Result<File> {
    loop {
        let note = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        note.lock()?;
        match fs::metadata(path) {
            Ok(there) if there.ino() == note.metadata()?.ino() => return Ok(note),
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// Whether a line has the words that a query requires. What the query says of the whole note holds for each of its lines.
pub fn fits(query: &Node, line: &str) -> bool {
    speaks(query, &units(line)).unwrap_or(true)
}

/// What a part of a query says of the words of a line; `None` when it speaks of documents.
pub fn speaks(node: &Node, line: &[String]) -> Option<bool> {
    match node {
        Node::Words(words) => Some(words.iter().all(|word| has(line, word))),
        Node::Word(word) => Some(has(line, word)),
        Node::Phrase { words, slop } => Some(has_near(line, words, *slop as usize)),
        Node::Prefix(start) => Some(has_beginning(line, start)),
        Node::Lex(inner) => speaks(inner, line),
        Node::Not(inner) => speaks(inner, line).map(|holds| !holds),
        Node::And(parts) => parts.iter().filter_map(|part| speaks(part, line)).reduce(|a, b| a && b),
        Node::Or(parts) => parts.iter().map(|part| speaks(part, line)).reduce(|a, b| Some(a? || b?)).flatten(),
        Node::Field(_) | Node::Sem(_) | Node::Like(_) => None,
    }
}

fn has(line: &[String], typed: &str) -> bool {
    match units(typed).as_slice() {
        [unit] => {
            line.iter().any(|word| word == unit || words::inflects(word) && words::has_stem(word, &words::stem(unit)))
        }
        units => line.windows(units.len().max(1)).any(|words| words == units),
    }
}

fn has_near(line: &[String], typed: &[String], slop: usize) -> bool {
    let units: Vec<String> = typed.iter().flat_map(|word| units(word)).collect();
    match slop {
        0 => line.windows(units.len().max(1)).any(|words| words == units),
        slop => {
            let span = (units.len() + slop).min(line.len()).max(1);
            line.windows(span).any(|words| units.iter().all(|unit| words.contains(unit)))
        }
    }
}

fn has_beginning(line: &[String], typed: &str) -> bool {
    let mut units = units(typed);
    let Some(start) = units.pop() else { return false };
    line.iter().any(|word| word.starts_with(&start)) && units.iter().all(|unit| line.contains(unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> jiff::Zoned {
        "2026-11-22T09:30[UTC]".parse().expect("a time")
    }

    #[test]
    fn sentences_are_lines_of_one_note() {
        let dir = tempfile::tempdir().expect("a directory");
        remember(dir.path(), "The key is\n behind\u{1b}the oilskins. ", &now()).expect("written");
        let path = remember(dir.path(), "Oda has the quern.", &now()).expect("written");
        let want = "# Remembered\n\n- 2026-11-22 09:30: The key is behind the oilskins.\n- 2026-11-22 09:30: Oda has the quern.\n";
        assert_eq!(std::fs::read_to_string(path).expect("readable"), want);
    }

    #[test]
    fn lines_are_taken_out_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a directory");
        for text in ["The key is there.", "Oda has the quern.", "The gate is shut."] {
            remember(dir.path(), text, &now()).expect("written");
        }
        let lines = [(4, "- 2026-11-22 09:30: Oda has the quern."), (5, "- something that is not there")];
        take_out(dir.path(), &lines).expect("written");
        let path = remember(dir.path(), "The end.", &now()).expect("written");
        let text = std::fs::read_to_string(path).expect("readable");
        let starts: Vec<&str> = text.lines().skip(2).filter_map(|line| line.split(": ").nth(1)).collect();
        assert_eq!(starts, ["The key is there.", "The gate is shut.", "The end."]);
        assert_eq!(std::fs::read_dir(dir.path()).expect("listed").count(), 1);
    }

    #[test]
    fn a_line_fits_by_its_own_words() {
        let check = |query: &str, line: &str, fitting: bool| {
            let query = echofs_query_lang::Query::default().and(echofs_query_lang::parse(query, &now()).query);
            assert_eq!(fits(query.root.as_ref().expect("not empty"), line), fitting, "{query:?}: {line}");
        };
        let line = "- 2026-11-22 09:30: The boats of Oda are in the well-known shed.";
        check("boat oda", line, true);
        check("boat mill", line, false);
        check("boat OR mill", line, true);
        check("boat -shed", line, false);
        check("\"oda are\"", line, true);
        check("\"are oda\"", line, false);
        check("\"shed oda\"~6", line, true);
        check("well-known", line, true);
        check("she*", line, true);
        check("oda in:notes", line, true);
        check("mill in:notes", line, false);
        check("oda -tag:home", line, true);
        check("in:notes", line, true);
    }
}
