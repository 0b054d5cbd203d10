//! Sentences to keep: each is a line of `remembered.md` among the notes, on disk before it is acknowledged.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The note that holds them.
const NOTE: &str = "remembered.md";

/// Appends `text`, on one line and with the time, to the note in `notes`; gives the path of the note.
///
/// # Errors
/// The note cannot be written or made durable.
pub fn remember(notes: &Path, text: &str, now: &jiff::Zoned) -> io::Result<PathBuf> {
    let path = notes.join(NOTE);
    let mut note = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
    let heading = if note.metadata()?.len() == 0 { "# Remembered\n\n" } else { "" };
    // One write: two programs that remember at one time do not mix their lines.
    note.write_all(format!("{heading}- {}: {}\n", now.strftime("%F %H:%M"), one_line(text)).as_bytes())?;
    note.sync_all()?;
    std::fs::File::open(notes)?.sync_all()?;
    Ok(path)
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_lines_of_one_note() {
        let dir = tempfile::tempdir().expect("a directory");
        let now: jiff::Zoned = "2026-11-22T09:30[UTC]".parse().expect("a time");
        remember(dir.path(), "The key is\n behind\u{1b}the oilskins. ", &now).expect("written");
        let path = remember(dir.path(), "Oda has the quern.", &now).expect("written");
        let want = "# Remembered\n\n- 2026-11-22 09:30: The key is behind the oilskins.\n- 2026-11-22 09:30: Oda has the quern.\n";
        assert_eq!(std::fs::read_to_string(path).expect("readable"), want);
    }
}
