//! From the bytes of a file to text and passages.
//!
//! [`extract`] works in this process and trusts nothing: it is meant for the worker process of
//! [`worker_main`], which locks itself in before it reads the first byte; [`Extractor`] is the pool of
//! such workers. One format per file; each gives a [`Parsed`], and [`finish`] makes the rest alike.

mod calendar;
mod code;
mod conversation;
mod data;
mod dates;
pub(crate) mod decode;
mod detect;
mod doc;
mod docx;
mod epub;
mod front_matter;
mod html;
mod language;
mod mail;
mod markdown;
mod msg;
mod notebook;
mod odf;
mod ole;
mod ooxml;
mod org;
mod pdf;
mod plain;
mod pool;
mod ppt;
mod pptx;
mod protocol;
mod render;
mod rst;
mod rtf;
mod sandbox;
mod sheet;
mod table;
mod tex;
mod worker;
mod xml;
mod zip;

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use pool::Extractor;
pub use sandbox::Confinement;
pub use worker::{worker_main, worker_main_with};

use crate::Extracted;
use crate::chunk::{self, Block};
use detect::Format;

/// No more text than this is taken from one file, in bytes.
pub const MAX_TEXT: usize = 16 << 20;
/// No larger file is read, in bytes.
pub const MAX_FILE: usize = 64 << 20;

/// Why a file gave no text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ExtractError {
    /// Nothing is wrong, but there is no text to be had: binary, media, archive, empty, locked.
    #[error("{0}")]
    Skipped(String),
    /// The file should hold text but cannot be read.
    #[error("{0}")]
    Failed(String),
    /// The worker died over this file; the reason is its end. The same file may do it again.
    #[error("the extraction worker died: {0}")]
    Crashed(String),
    /// The worker was killed since it took longer than this. The same file may do it again.
    #[error("extraction took longer than {0:?}")]
    TimedOut(Duration),
    /// No worker could be started or reached; this says nothing about the file.
    #[error("no extraction worker: {0}")]
    Unavailable(String),
}

impl ExtractError {
    fn skipped(reason: impl Into<String>) -> Self {
        Self::Skipped(reason.into())
    }

    fn failed(reason: impl std::fmt::Display) -> Self {
        let mut reason = reason.to_string();
        reason.truncate(reason.floor_char_boundary(300));
        Self::Failed(decode::clean(&reason).into_owned().replace('\n', " "))
    }
}

type Result<T> = std::result::Result<T, ExtractError>;

/// What a format's parser finds.
#[derive(Debug, Default)]
struct Parsed {
    title: Option<String>,
    author: Option<String>,
    date: Option<String>,
    tags: Vec<String>,
    text: String,
    blocks: Vec<Block>,
}

/// Text and passages of one file. `path` is looked at for its name only; nothing is opened.
///
/// # Errors
/// [`ExtractError::Skipped`] for what has no text, [`ExtractError::Failed`] for what is damaged.
pub fn extract(path: &Path, bytes: &[u8]) -> Result<Extracted> {
    if bytes.len() > MAX_FILE {
        return Err(ExtractError::Skipped(format!("too large: over {} MB", MAX_FILE >> 20)));
    }
    let format = detect::detect(path, bytes)?;
    finish(format, parse(format, bytes)?)
}

fn parse(format: Format, bytes: &[u8]) -> Result<Parsed> {
    let text = || decode::text(bytes).ok_or_else(|| ExtractError::skipped("binary"));
    Ok(match format {
        Format::Calendar | Format::Contacts => calendar::parse(&text()?),
        Format::Conversation => conversation::parse(text()?),
        Format::Code(language) => code::parse(text()?, language),
        Format::Csv => table::parse(text()?),
        Format::Data(kind) => data::parse(text()?, kind),
        Format::Doc => doc::parse(bytes)?,
        Format::Docx => docx::parse(bytes)?,
        Format::Epub => epub::parse(bytes)?,
        Format::Html => html::parse(&decode::html(bytes)),
        Format::Mail => mail::parse(bytes)?,
        Format::Mailbox => mail::parse_mailbox(bytes)?,
        Format::Markdown => markdown::parse(text()?),
        Format::Msg => msg::parse(bytes)?,
        Format::Notebook => notebook::parse(text()?)?,
        Format::OpenDocument => odf::parse(bytes)?,
        Format::Org => org::parse(text()?),
        Format::Pdf => pdf::parse(bytes)?,
        Format::Plain | Format::Log | Format::Subtitles => plain::parse(text()?),
        Format::Ppt => ppt::parse(bytes)?,
        Format::Pptx => pptx::parse(bytes)?,
        Format::Rst => rst::parse(text()?),
        Format::Rtf => rtf::parse(bytes)?,
        Format::Sheet => sheet::parse(bytes)?,
        Format::Tex => tex::parse(text()?),
    })
}

fn finish(format: Format, parsed: Parsed) -> Result<Extracted> {
    if parsed.text.len() > MAX_TEXT {
        return Err(ExtractError::failed(format!("more than {} MB of text", MAX_TEXT >> 20)));
    }
    let words = if format == Format::Conversation { conversation::PASSAGE_WORDS } else { chunk::TARGET_WORDS };
    let passages = chunk::passages_of(&parsed.text, &parsed.blocks, words);
    if passages.is_empty() && parsed.title.is_none() {
        return Err(ExtractError::skipped(format.nothing()));
    }
    let short = |value: Option<String>| value.and_then(|value| one_line(&value));
    let lang = if format.is_prose() { language::of(&parsed.text, &passages) } else { None };
    Ok(Extracted {
        title: short(parsed.title),
        author: short(parsed.author),
        date: parsed.date,
        tags: tags(parsed.tags),
        lang,
        media: format.media().to_owned(),
        text: parsed.text,
        passages,
    })
}

/// A value on one line, at most 300 bytes, `None` when empty.
fn one_line(value: &str) -> Option<String> {
    let mut line = decode::clean(value).split_whitespace().collect::<Vec<_>>().join(" ");
    line.truncate(line.floor_char_boundary(300));
    (!line.is_empty()).then_some(line)
}

/// Tags without `#`, lower case, each once, at most 100.
fn tags(tags: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for tag in tags.iter().filter_map(|tag| one_line(tag.trim_matches(['#', ' ', ',', '"', '\'']))) {
        let tag = tag.to_lowercase();
        if out.len() < 100 && !out.contains(&tag) {
            out.push(tag);
        }
    }
    out
}
