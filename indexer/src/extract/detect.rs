//! What a file is, by its content first and its name second.

use std::io::Cursor;
use std::path::Path;

use super::{ExtractError, Result, conversation, decode, zip};

/// The formats that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Calendar,
    /// Source code, with the language's family of definitions.
    Code(Language),
    Contacts,
    Conversation,
    Csv,
    Data(Data),
    Doc,
    Docx,
    Epub,
    Html,
    Log,
    Mail,
    Mailbox,
    Markdown,
    Msg,
    Notebook,
    OpenDocument,
    Org,
    Pdf,
    Plain,
    Ppt,
    Pptx,
    Rst,
    Rtf,
    Sheet,
    Subtitles,
    Tex,
}

/// How a language marks where a function or a type begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Braces, with a keyword before the name (Rust, Go, JavaScript, Kotlin, Swift, PHP ...).
    Keyword,
    /// Braces, with the name before a parameter list (C, C++, Java, C#, Dart).
    CLike,
    /// `def` and `class`, by indentation or `end` (Python, Ruby, Elixir, Julia, Lua).
    Indented,
    /// `name() {` (sh, bash, zsh).
    Shell,
    /// `(defun name` (Lisp, Scheme, Clojure).
    Lisp,
    /// `CREATE TABLE name`.
    Sql,
    /// None that is known: by empty lines.
    Other,
}

/// Structured data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    Json,
    JsonLines,
    Yaml,
    Toml,
    Xml,
}

impl Format {
    /// The word of `Extracted::media` and of `type:` in queries.
    pub fn media(self) -> &'static str {
        match self {
            Self::Calendar => "calendar",
            Self::Code(_) => "code",
            Self::Contacts => "contacts",
            Self::Conversation => "conversation",
            Self::Csv => "table",
            Self::Data(Data::Json | Data::JsonLines) => "json",
            Self::Data(Data::Yaml) => "yaml",
            Self::Data(Data::Toml) => "toml",
            Self::Data(Data::Xml) => "xml",
            Self::Doc | Self::Docx | Self::OpenDocument | Self::Rtf => "document",
            Self::Epub => "book",
            Self::Html => "html",
            Self::Log => "log",
            Self::Mail | Self::Mailbox | Self::Msg => "mail",
            Self::Markdown => "markdown",
            Self::Notebook => "notebook",
            Self::Org => "org",
            Self::Pdf => "pdf",
            Self::Plain => "text",
            Self::Ppt | Self::Pptx => "slides",
            Self::Rst => "rst",
            Self::Sheet => "sheet",
            Self::Subtitles => "subtitles",
            Self::Tex => "tex",
        }
    }

    /// Whether the language of its text means anything.
    pub fn is_prose(self) -> bool {
        !matches!(self, Self::Code(_) | Self::Csv | Self::Data(_) | Self::Log | Self::Sheet)
    }

    /// Why a document of this format without any text is not indexed.
    pub fn nothing(self) -> &'static str {
        match self {
            Self::Pdf => "no text: a scan or pictures only",
            Self::Plain | Self::Markdown | Self::Csv | Self::Code(_) => "empty: white space only",
            _ => "no text in it",
        }
    }
}

/// The format of a file.
///
/// # Errors
/// [`ExtractError::Skipped`] with a plain reason when it is none that holds text.
pub fn detect(path: &Path, bytes: &[u8]) -> Result<Format> {
    if bytes.is_empty() {
        return Err(ExtractError::skipped("empty"));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if let Some(format) = by_magic(bytes)? {
        return Ok(format);
    }
    if matches!(extension, "eml" | "mht" | "mhtml") {
        return Ok(Format::Mail);
    }
    let head = &bytes[..bytes.len().min(64 << 10)];
    let Some(text) = decode::decode(trim_utf8(head)) else {
        return Err(ExtractError::skipped(binary_kind(bytes)));
    };
    if extension == "md" && conversation::is_page(bytes) {
        return Ok(Format::Conversation);
    }
    if let Some(format) = by_extension(&name, extension) {
        return Ok(settle(format, &text));
    }
    Ok(by_content(&text).unwrap_or(Format::Plain))
}

/// Leaves off an UTF-8 sequence that the sample cuts in two.
fn trim_utf8(head: &[u8]) -> &[u8] {
    match std::str::from_utf8(head) {
        Err(e) if e.error_len().is_none() => &head[..e.valid_up_to()],
        _ => head,
    }
}

fn by_magic(bytes: &[u8]) -> Result<Option<Format>> {
    let head = &bytes[..bytes.len().min(1024)];
    if is_zip(head) {
        return in_zip(bytes).map(Some);
    }
    if head.starts_with(&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]) {
        return in_compound_file(bytes).map(Some);
    }
    if head.starts_with(b"{\\rtf") {
        return Ok(Some(Format::Rtf));
    }
    let pdf = head.windows(5).position(|w| w == b"%PDF-");
    Ok(pdf
        .filter(|at| *at == 0 || decode::decode(&head[..*at]).is_none_or(|t| t.trim().is_empty()))
        .map(|_| Format::Pdf))
}

/// Whether this is an archive of the zip family.
pub fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

fn in_zip(bytes: &[u8]) -> Result<Format> {
    let mut archive = zip::Archive::open(bytes)?;
    let kind = archive.read("mimetype").ok().flatten().unwrap_or_default();
    let kind = String::from_utf8_lossy(&kind);
    if kind.contains("application/epub") || archive.has("META-INF/container.xml") {
        return Ok(Format::Epub);
    }
    if kind.contains("opendocument.spreadsheet") {
        return Ok(Format::Sheet);
    }
    if kind.contains("opendocument") && archive.has("content.xml") {
        return Ok(Format::OpenDocument);
    }
    let under = |folder: &str| archive.names().any(|name| name.starts_with(folder));
    if under("word/") {
        Ok(Format::Docx)
    } else if under("ppt/") {
        Ok(Format::Pptx)
    } else if under("xl/") {
        Ok(Format::Sheet)
    } else {
        Err(ExtractError::skipped("archive"))
    }
}

fn in_compound_file(bytes: &[u8]) -> Result<Format> {
    let file = cfb::CompoundFile::open(Cursor::new(bytes)).map_err(ExtractError::failed)?;
    let has = |name: &str| file.is_stream(name);
    if has("EncryptedPackage") {
        Err(ExtractError::skipped("encrypted Office document"))
    } else if has("WordDocument") {
        Ok(Format::Doc)
    } else if has("PowerPoint Document") {
        Ok(Format::Ppt)
    } else if has("Workbook") || has("Book") {
        Ok(Format::Sheet)
    } else if has("__properties_version1.0") {
        Ok(Format::Msg)
    } else {
        Err(ExtractError::skipped("binary"))
    }
}

/// A plain word for a file that is not text.
fn binary_kind(bytes: &[u8]) -> &'static str {
    use infer::MatcherType as M;
    match infer::get(bytes).map(|kind| kind.matcher_type()) {
        Some(M::Image) => "image",
        Some(M::Audio) => "audio",
        Some(M::Video) => "video",
        Some(M::Archive) => "archive",
        Some(M::Font) => "font",
        Some(M::App) => "program",
        _ => "binary",
    }
}

fn by_extension(name: &str, extension: &str) -> Option<Format> {
    use Format as F;
    Some(match extension {
        "md" | "markdown" | "mdown" | "mkd" | "mdx" | "qmd" | "rmd" => F::Markdown,
        "org" => F::Org,
        "rst" => F::Rst,
        "tex" | "ltx" | "latex" | "sty" | "cls" | "bib" => F::Tex,
        "csv" | "tsv" | "tab" | "psv" => F::Csv,
        "json" | "geojson" | "json5" | "jsonc" | "webmanifest" => F::Data(Data::Json),
        "jsonl" | "ndjson" => F::Data(Data::JsonLines),
        "yaml" | "yml" => F::Data(Data::Yaml),
        "toml" => F::Data(Data::Toml),
        "xml" | "xsl" | "xslt" | "xsd" | "rss" | "atom" | "opml" | "svg" | "kml" | "gpx" | "plist" | "dtd" => {
            F::Data(Data::Xml)
        }
        "html" | "htm" | "xhtml" | "xht" => F::Html,
        "srt" | "vtt" => F::Subtitles,
        "ipynb" => F::Notebook,
        "mbox" | "mbx" => F::Mailbox,
        "ics" | "ical" | "ifb" | "vcs" => F::Calendar,
        "vcf" | "vcard" => F::Contacts,
        "log" | "out" | "err" => F::Log,
        "txt" | "text" => F::Plain,
        _ => return language(name, extension).map(F::Code),
    })
}

fn language(name: &str, extension: &str) -> Option<Language> {
    use Language as L;
    Some(match extension {
        "rs" | "go" | "js" | "mjs" | "cjs" | "jsx" | "ts" | "tsx" | "mts" | "vue" | "svelte" | "kt" | "kts"
        | "swift" | "php" | "scala" | "sc" | "zig" | "proto" | "thrift" | "graphql" | "gql" | "groovy" | "gradle"
        | "v" | "sol" | "nim" | "hs" | "ml" | "mli" | "fs" | "fsx" | "elm" | "tf" | "hcl" | "pl" | "pm" | "r"
        | "ps1" | "awk" => L::Keyword,
        "c" | "h" | "cc" | "cpp" | "cxx" | "hh" | "hpp" | "hxx" | "java" | "cs" | "dart" | "m" | "mm" | "d" | "cu"
        | "glsl" | "ino" => L::CLike,
        "py" | "pyi" | "pyw" | "rb" | "rake" | "ex" | "exs" | "jl" | "lua" | "cr" | "gd" | "pyx" | "coffee" => {
            L::Indented
        }
        "sh" | "bash" | "zsh" | "fish" | "ksh" => L::Shell,
        "lisp" | "cl" | "el" | "scm" | "rkt" | "clj" | "cljs" | "cljc" | "edn" | "fnl" => L::Lisp,
        "sql" | "psql" | "ddl" => L::Sql,
        "css" | "scss" | "sass" | "less" | "asm" | "s" | "ini" | "cfg" | "conf" | "properties" | "cmake" | "mk"
        | "bat" | "cmd" | "diff" | "patch" | "nix" | "vim" | "dockerfile" | "desktop" | "service" | "erl" | "hrl"
        | "f90" | "f" | "pas" | "vb" | "bas" | "vhd" | "vhdl" | "sv" | "tcl" | "ada" | "adb" => L::Other,
        _ => {
            return matches!(
                name,
                "makefile"
                    | "dockerfile"
                    | "justfile"
                    | "rakefile"
                    | "gemfile"
                    | "cmakelists.txt"
                    | "jenkinsfile"
                    | "vagrantfile"
            )
            .then_some(L::Other);
        }
    })
}

/// Sets right what an extension says when the content says otherwise.
fn settle(format: Format, text: &str) -> Format {
    let start = text.trim_start_matches(['\u{FEFF}', ' ', '\n', '\r', '\t']);
    let lower: String = start.chars().take(300).flat_map(char::to_lowercase).collect();
    match format {
        Format::Data(Data::Json) if !start.starts_with(['{', '[', '"', '/']) => Format::Plain,
        Format::Data(Data::Xml) if is_html(&lower) => Format::Html,
        Format::Plain if is_html(&lower) => Format::Html,
        Format::Notebook if !start.starts_with('{') => Format::Plain,
        Format::Calendar if !lower.starts_with("begin:vcalendar") => Format::Plain,
        Format::Contacts if !lower.starts_with("begin:vcard") => Format::Plain,
        Format::Mailbox if !start.starts_with("From ") => Format::Mail,
        other => other,
    }
}

/// Whether the first element is `html`; declarations and comments may stand before it.
fn is_html(lower: &str) -> bool {
    let mut rest = lower;
    loop {
        let (open, close) = match rest {
            _ if rest.starts_with("<html") || rest.starts_with("<!doctype html") => return true,
            _ if rest.starts_with("<?") => ("<?", "?>"),
            _ if rest.starts_with("<!--") => ("<!--", "-->"),
            _ => return false,
        };
        let Some(at) = rest[open.len()..].find(close) else { return false };
        rest = rest[open.len() + at + close.len()..].trim_start();
    }
}

/// Files without a telling name (`.txt` too): what they begin with.
fn by_content(text: &str) -> Option<Format> {
    let start = text.trim_start_matches(['\u{FEFF}', ' ', '\n', '\r', '\t']);
    let lower: String = start.chars().take(300).flat_map(char::to_lowercase).collect();
    if is_html(&lower) {
        Some(Format::Html)
    } else if lower.starts_with("<?xml") {
        Some(Format::Data(Data::Xml))
    } else if lower.starts_with("begin:vcalendar") {
        Some(Format::Calendar)
    } else if lower.starts_with("begin:vcard") {
        Some(Format::Contacts)
    } else if lower.starts_with("#!") {
        Some(Format::Code(shebang(lower.lines().next().unwrap_or_default())))
    } else if lower.starts_with("webvtt") {
        Some(Format::Subtitles)
    } else if start.starts_with("From ") && mail_headers(start.split_once('\n').map_or("", |(_, rest)| rest)) {
        Some(Format::Mailbox)
    } else {
        mail_headers(start).then_some(Format::Mail)
    }
}

fn shebang(line: &str) -> Language {
    if ["python", "ruby", "lua", "julia"].iter().any(|name| line.contains(name)) {
        Language::Indented
    } else if line.contains("node") || line.contains("php") || line.contains("perl") {
        Language::Keyword
    } else {
        Language::Shell
    }
}

/// Whether a text begins with a block of mail headers, two well-known ones at least.
fn mail_headers(text: &str) -> bool {
    const KNOWN: [&str; 12] = [
        "from",
        "to",
        "subject",
        "date",
        "received",
        "return-path",
        "message-id",
        "mime-version",
        "delivered-to",
        "content-type",
        "reply-to",
        "x-mailer",
    ];
    let mut known = 0;
    let mut lines = text.lines().take(60).take_while(|line| !line.trim().is_empty());
    let fits = lines.all(|line| {
        let name = line.split_once(':').map(|(name, _)| name.to_ascii_lowercase());
        known += usize::from(name.as_deref().is_some_and(|name| KNOWN.contains(&name)));
        line.starts_with([' ', '\t']) || name.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_graphic()))
    });
    let strong = ["message-id:", "received:", "return-path:", "mime-version:", "delivered-to:"];
    let lower = text.chars().take(4096).collect::<String>().to_ascii_lowercase();
    fits && known >= 3 && strong.iter().any(|name| lower.lines().any(|line| line.starts_with(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, bytes: &[u8], want: Format) {
        assert_eq!(detect(Path::new(name), bytes), Ok(want), "{name}");
    }

    fn refused(name: &str, bytes: &[u8]) -> String {
        match detect(Path::new(name), bytes) {
            Err(ExtractError::Skipped(reason)) => reason,
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn content_decides_before_the_name() {
        check("a.txt", b"{\\rtf1 hello}", Format::Rtf);
        check("a.doc", b"%PDF-1.4\n", Format::Pdf);
        check("a.txt", b"<!DOCTYPE html><p>x", Format::Html);
        check("mail", b"Received: x\nFrom: a\nTo: b\nSubject: c\nMIME-Version: 1.0\n\nhi", Format::Mail);
        check("box", b"From a@b Thu Jan 1\nFrom: a\nTo: b\nSubject: c\nMessage-ID: 1\n\nhi", Format::Mailbox);
        check("a.json", b"not json at all", Format::Plain);
        check("run", b"#!/usr/bin/env python3\nprint()", Format::Code(Language::Indented));
        check("letter", b"Dear Sir: how are you\n", Format::Plain);
    }

    #[test]
    fn what_has_no_text_is_named() {
        assert_eq!(refused("a.txt", b""), "empty");
        assert_eq!(refused("a", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01"), "image");
        assert_eq!(refused("a.md", &[b"\x7fELF\x02\x01\x01".as_slice(), &[0; 80]].concat()), "program");
        assert_eq!(refused("a.bin", &[7, 0, 1, 0, 3, 0, 0, 0, 0xFE]), "binary");
    }
}
