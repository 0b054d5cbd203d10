//! What a file is, by its content first and its name second.

mod by_content;
mod by_name;
mod format;

use std::io::Cursor;
use std::path::Path;

use super::{ExtractError, Result, conversation, decode, zip};
use by_content::{by_content, settle};
use by_name::by_extension;
pub use format::{Data, Format, Language};

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
