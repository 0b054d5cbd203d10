//! PDF: by `pdftotext` where it is installed (its reading order is the better one), else by pdf-extract.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;

use super::html::Meta;
use super::render::Rendering;
use super::{ExtractError, MAX_TEXT, Parsed, Result, html, plain};

/// A PDF file; the passages know their pages.
pub fn parse(bytes: &[u8]) -> Result<Parsed> {
    if let Some(program) = pdftotext() {
        match external(program, bytes) {
            Ok(parsed) if !parsed.blocks.is_empty() => return Ok(parsed),
            Err(error @ ExtractError::Skipped(_)) => return Err(error),
            Ok(parsed) => return internal(bytes).or(Ok(parsed)),
            Err(error) => return internal(bytes).map_err(|_| error),
        }
    }
    internal(bytes)
}

/// Where `pdftotext` is, if it is installed in one of the system's folders.
pub fn pdftotext() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let folders = ["/usr/bin", "/usr/local/bin", "/bin"];
    FOUND
        .get_or_init(|| folders.iter().map(|folder| Path::new(folder).join("pdftotext")).find(|path| path.is_file()))
        .as_deref()
}

fn external(program: &Path, bytes: &[u8]) -> Result<Parsed> {
    let child = Command::new(program)
        .args(["-htmlmeta", "-enc", "UTF-8", "-eol", "unix", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(ExtractError::failed)?;
    let (output, errors, success) = run(child, bytes)?;
    if errors.contains("Incorrect password") {
        return Err(ExtractError::skipped("encrypted PDF"));
    }
    let output = String::from_utf8_lossy(&output);
    let Some((head, body)) = output.split_once("<pre>\n") else {
        let reason = errors.lines().next().unwrap_or("no output").to_owned();
        return Err(ExtractError::failed(format!("damaged PDF: {reason}")));
    };
    let body = body.rsplit_once("</pre>").map_or(body, |(body, _)| body);
    if !success && body.trim().is_empty() {
        return Err(ExtractError::failed("damaged PDF"));
    }
    let mut nothing = Rendering::default();
    let meta = html::render(head, &mut nothing);
    Ok(document(meta, body.split('\x0c')))
}

/// Feeds the bytes to a child and collects what it says: output, messages, whether it ended well.
fn run(mut child: Child, bytes: &[u8]) -> Result<(Vec<u8>, String, bool)> {
    let limit = rustix::process::Rlimit { current: Some(60), maximum: Some(60) };
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // Only a second line of defence: the worker's deadline ends the child too.
        let _ = rustix::process::prlimit(Some(pid), rustix::process::Resource::Cpu, limit);
    }
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let mut output = Vec::new();
    let errors = thread::scope(|scope| {
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(bytes)));
        let errors = scope.spawn(move || {
            let mut errors = Vec::new();
            if let Some(mut stderr) = stderr {
                let _ = stderr.by_ref().take(64 << 10).read_to_end(&mut errors);
                let _ = std::io::copy(&mut stderr, &mut std::io::sink());
            }
            errors
        });
        if let Some(stdout) = stdout {
            let _ = stdout.take(2 * MAX_TEXT as u64).read_to_end(&mut output);
        }
        if output.len() >= 2 * MAX_TEXT {
            let _ = child.kill();
        }
        errors.join().unwrap_or_default()
    });
    let status = child.wait().map_err(ExtractError::failed)?;
    Ok((output, String::from_utf8_lossy(&errors).into_owned(), status.success()))
}

fn internal(bytes: &[u8]) -> Result<Parsed> {
    match pdf_extract::extract_text_from_mem_by_pages(bytes) {
        Ok(pages) => Ok(document(Meta::default(), pages.iter().map(String::as_str))),
        Err(error) => {
            let reason = error.to_string();
            if reason.contains("ncrypt") || reason.contains("assword") {
                return Err(ExtractError::skipped("encrypted PDF"));
            }
            Err(ExtractError::failed(format!("damaged PDF: {reason}")))
        }
    }
}

fn document<'a>(meta: Meta, pages: impl Iterator<Item = &'a str>) -> Parsed {
    let mut out = Rendering::default();
    for (number, page) in (1..).zip(pages) {
        out.page(number);
        for paragraph in plain::paragraphs(page, 0..page.len()) {
            out.paragraph(&page[paragraph]);
        }
        if out.full() {
            break;
        }
    }
    let (title, author) = (meta.title.and_then(honest), meta.author.and_then(honest));
    Parsed { title, author, date: meta.date, tags: meta.tags, ..out.parsed() }
}

/// A property without what programs write there when people do not.
fn honest(value: String) -> Option<String> {
    let value = value.trim().trim_start_matches("Microsoft Word - ").trim_start_matches("Microsoft PowerPoint - ");
    let lower = value.to_lowercase();
    let junk = ["untitled", "unknown", "anonymous", "title", "author", "(anonymous)"].contains(&lower.as_str());
    (!value.is_empty() && !junk).then(|| value.to_owned())
}
