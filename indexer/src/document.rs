//! What the store holds: documents and their passages, as data.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where a document comes from. Written in lower case everywhere (`results.jsonl`, `in:`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A file under one of the owner's source directories.
    File,
    /// A file under `knowledge/notes`.
    Note,
    /// A conversation.
    Conversation,
    /// An extracted fact.
    Fact,
    /// An entry of the relationship log.
    Relationship,
}

/// What extraction makes of one file.
///
/// For files that are text themselves (Markdown, code, CSV, org ...) `text` is the decoded file with the
/// same lines, so line numbers lead back to the file. For all others (PDF, office, mail, HTML, EPUB ...)
/// `text` is the rendering made here and lines count in it; pages lead back where the format has pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extracted {
    /// Title stated by the document (front matter, first heading, metadata, mail subject); not the file name.
    pub title: Option<String>,
    /// Author stated by the document (mail: the sender).
    pub author: Option<String>,
    /// Date stated by the document, ISO 8601 date or date-time (front matter, mail date, metadata).
    pub date: Option<String>,
    /// Tags stated by the document (front matter, `#tag`, org tags), without `#`, lower case.
    pub tags: Vec<String>,
    /// Language of the text, ISO 639-3 code, where it is clear.
    pub lang: Option<String>,
    /// What kind of document this is: `markdown`, `pdf`, `mail`, `code`, `table` ...
    pub media: String,
    /// The text, LF line ends, no control characters but tab and LF.
    pub text: String,
    /// The passages of `text`, in order.
    pub passages: Vec<Span>,
}

/// One passage: a range of a document's text that belongs together, at most some 200 words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First byte in `text`.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// First line, counted from 1.
    pub line: u32,
    /// Last line, inclusive.
    pub end_line: u32,
    /// Page, slide or sheet, counted from 1, where the format has such.
    pub page: Option<u32>,
    /// The headings above it, outermost first, joined by ` > `; empty when there are none.
    pub heading: String,
}

/// A file's state in the index: one line of `.echo/coverage.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Found by words.
    Indexed,
    /// Seen, not yet read.
    Pending,
    /// Not read on purpose; the reason says why (`binary`, `secret`, `too large`, `ignored` ...).
    Skipped,
    /// Could not be read; the reason says why.
    Failed,
}

/// One file seen under the sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Absolute path.
    pub path: PathBuf,
    /// Its state.
    pub state: State,
    /// Why it is skipped or failed; empty otherwise.
    pub reason: String,
    /// Number of passages.
    pub passages: u32,
    /// Modification time of the file, seconds since 1970.
    pub modified: i64,
    /// When it was indexed, seconds since 1970; 0 when it was not.
    pub indexed_at: i64,
}

/// One indexed document as the tree shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Stable while the path is the same; never reused.
    pub id: u64,
    /// Absolute path.
    pub path: PathBuf,
    /// Stated title, else the file name without its extension.
    pub title: String,
    /// Where it comes from.
    pub kind: Kind,
    /// Size of the file in bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970.
    pub modified_ns: i64,
    /// Stated date as seconds since 1970, else the modification time.
    pub date: i64,
    /// Whether the document states its date.
    pub dated: bool,
    /// Stated author.
    pub author: Option<String>,
    /// Stated tags.
    pub tags: Vec<String>,
    /// Language code.
    pub lang: Option<String>,
    /// Media kind of [`Extracted::media`].
    pub media: String,
    /// Number of passages.
    pub passages: u32,
}

impl Document {
    /// Whether "I" in it is the owner, as far as it says: a file that names an author, or that is no plain text, may be by anybody.
    pub fn is_owners(&self) -> bool {
        let plain = matches!(self.media.as_str(), "markdown" | "text" | "org");
        self.kind != Kind::File || self.author.is_none() && plain
    }
}
