//! `echofs ask`: an answer as it is written.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};

use anyhow::Context;
use echofs_fs::answer::Form;
use echofs_fs::chat;

use crate::cli::Ask;
use crate::config::Settings;
use crate::failure::{Advise, Exit, Failure, Outcome};
use crate::{local, name, record};

/// Asks the mount, or the store where nothing is mounted.
pub fn run(options: &Ask, settings: &Settings) -> Outcome {
    let question = fitting(question(&options.question)?)?;
    let form = if options.json { Form::Json } else { Form::Markdown };
    match record::running(settings) {
        Some(record) => {
            let suffix = if options.json { ".json" } else { ".md" };
            let path = record.mountpoint.join("ask").join(name::question(&question, suffix)?);
            copy(File::open(&path).with_context(|| path.display().to_string())?)
        }
        None => ask_here(&question, form, settings),
    }
}

/// The words of the command line, else one question from standard input.
fn question(words: &[String]) -> Outcome<String> {
    let text = match words {
        [] => read_input()?,
        [dash] if dash == "-" => read_input()?,
        words => words.join(" "),
    };
    match text.trim() {
        "" => Err(Failure::new(Exit::Usage, "there is no question", "echofs ask \"what do you want to know?\"")),
        text => Ok(text.to_owned()),
    }
}

/// The question, if a name in the tree can hold it; of a longer text what it asks, which is told.
fn fitting(text: String) -> Outcome<String> {
    if name::question(&text, ".json").is_ok() {
        return Ok(text);
    }
    let asked = chat::brief(&text);
    name::question(&asked, ".json")?;
    eprintln!("The text is long; its question is: {asked}");
    Ok(asked)
}

fn read_input() -> Outcome<String> {
    if io::stdin().is_terminal() {
        eprintln!("Type the question and press Ctrl-D.");
    }
    io::read_to_string(io::stdin()).context("standard input").advise("give the question as text in UTF-8")
}

/// Passes on each piece as it comes.
fn copy(mut file: File) -> Outcome {
    let mut out = io::stdout().lock();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = file.read(&mut buffer).map_err(unanswered)?;
        if count == 0 {
            return Ok(());
        }
        out.write_all(&buffer[..count])?;
        out.flush()?;
    }
}

/// Why the mount gives no answer.
fn unanswered(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::ResourceBusy => {
            Failure::new(Exit::Failed, "too many questions are being answered", "ask again in a moment")
        }
        _ => error.into(),
    }
}

fn ask_here(question: &str, form: Form, settings: &Settings) -> Outcome {
    let store = local::open(settings)?;
    let reader = store.answers.ask(question);
    let mut out = io::stdout().lock();
    let mut offset = 0;
    loop {
        let piece = reader.read(form, offset, 64 << 10, &|| false)?;
        if piece.is_empty() {
            return Ok(());
        }
        out.write_all(&piece)?;
        out.flush()?;
        offset += piece.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_that_is_busy_is_said_to_be() {
        let busy = unanswered(io::Error::from_raw_os_error(rustix::io::Errno::BUSY.raw_os_error()));
        assert_eq!(busy.to_string(), "too many questions are being answered\nNext: ask again in a moment");
        let broken = unanswered(io::Error::from_raw_os_error(rustix::io::Errno::PIPE.raw_os_error()));
        assert!(broken.is_broken_pipe());
    }
}
