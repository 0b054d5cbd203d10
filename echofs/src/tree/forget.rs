//! `.echo/forget`: takes orders to forget, and tells what came of the last one.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use echofs_indexer::Wanted;
use echofs_inference::gguf::printable;

use super::{Context, behind};
use crate::error::Error;
use crate::forget::{self, Order};
use crate::node::{Content, Control, File, Id, LIVE};

const HELP: &str = "\
Write a line to this file and what it names is forgotten for good:

    PATH                a file or directory, absolute or below a source; remembered.md:3 is one remembered sentence
    --query QUERY       everything that a query lets through, entries of the relationship log too; all its words are required
    --fact ID           a fact; the text that states it stays
    --dry-run ...       any of these: tells here what would go, and changes nothing

What is no path is read as the id of a fact or as a query; a path that is not there is refused. What is forgotten leaves every index and every answer and is not
read again, nor is a file with the same bytes. Your own files stay where they are; notes, remembered sentences and conversations
are deleted.
";

/// What came of the last order. In memory alone.
#[derive(Default)]
pub struct Last(Mutex<String>);

impl Last {
    fn set(&self, text: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The file.
pub fn file(id: Id, cx: &Context) -> File {
    let mut text = cx.control.last.text();
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(HELP);
    let content = Content::Control { order: Control::Forget, text: text.into_bytes().into() };
    File { id, content, modified: cx.started, ttl: LIVE, xattrs: Vec::new() }
}

/// Carries out a line that was written to it.
pub fn obey(cx: &Context, line: &str) -> Result<(), Error> {
    let done = carry_out(cx, line);
    cx.control.last.set(match &done {
        Ok(told) => told.clone(),
        Err(why) => format!("refused: {}\n", printable(&why.to_string())),
    });
    done.map(drop)
}

fn carry_out(cx: &Context, line: &str) -> Result<String, Error> {
    let order = Order::parse(line);
    let path = behind::file(cx, Path::new(order.text));
    let text = path.as_deref().and_then(Path::to_str).unwrap_or(order.text);
    let wanted = Order { text, ..order }.wanted(&cx.index)?;
    match order.dry_run {
        true => Ok(forget::listing(&cx.index.would_forget(&wanted)?)),
        false => forget(cx, &wanted),
    }
}

fn forget(cx: &Context, wanted: &Wanted) -> Result<String, Error> {
    // No reply and no answer that rests on it is kept after it is gone.
    let _forgetting = (cx.chats.forgetting(), cx.answers.forgetting());
    let mut paths = forget::sources(&cx.index, wanted)?;
    let forgotten = cx.index.forget_wanted(wanted);
    paths.extend(forgotten.iter().flat_map(|forgotten| forgotten.changed.clone()));
    // Even where some of it is still on disk, nothing of it is shown.
    paths.iter().for_each(|path| cx.answers.forget(path));
    cx.opened.forget(&paths);
    cx.pages.forget();
    cx.drafts.forget();
    // What a model has read stays in its state.
    cx.generator.forget();
    let summary = forget::summary(&forgotten?);
    log::info!("forgotten: {summary}");
    Ok(format!("forgotten: {summary}\n"))
}
