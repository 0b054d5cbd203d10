//! Models in fewer bits: the formats, and the child process that writes a model in another one.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A number format of a whole model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Its name, in small letters.
    pub name: &'static str,
    /// llama.cpp's number of it (`llama_ftype`).
    pub number: u32,
    /// Bits of a weight, about, in tenths.
    pub tenths: u32,
}

const fn format(name: &'static str, number: u32, tenths: u32) -> Format {
    Format { name, number, tenths }
}

/// The formats that need no further data, the largest first.
pub const FORMATS: [Format; 20] = [
    format("f32", 0, 320),
    format("f16", 1, 160),
    format("bf16", 32, 160),
    format("q8_0", 7, 85),
    format("q6_k", 18, 66),
    format("q5_1", 9, 60),
    format("q5_k_m", 17, 57),
    format("q5_k_s", 16, 55),
    format("q5_0", 8, 55),
    format("q4_1", 3, 50),
    format("q4_k_m", 15, 49),
    format("q4_k_s", 14, 46),
    format("q4_0", 2, 46),
    format("iq4_nl", 25, 45),
    format("iq4_xs", 30, 43),
    format("q3_k_l", 13, 43),
    format("q3_k_m", 12, 39),
    format("q3_k_s", 11, 35),
    format("q2_k", 10, 34),
    format("q2_k_s", 21, 32),
];

/// The format of this name, in any case.
pub fn named(name: &str) -> Option<Format> {
    FORMATS.into_iter().find(|format| format.name.eq_ignore_ascii_case(name))
}

/// The format of this number in a file's metadata.
pub fn numbered(number: u64) -> Option<Format> {
    FORMATS.into_iter().find(|format| u64::from(format.number) == number)
}

/// The name of a file without the format that it ends in.
pub fn without_format(stem: &str) -> &str {
    let ending = FORMATS.iter().find_map(|format| {
        let at = stem.len().checked_sub(format.name.len())?;
        let (before, after) = stem.split_at_checked(at)?;
        after.eq_ignore_ascii_case(format.name).then(|| before.strip_suffix(['-', '.', '_'])).flatten()
    });
    ending.filter(|before| !before.is_empty()).unwrap_or(stem)
}

/// Where a model is written before it is complete.
pub fn partial(output: &Path) -> PathBuf {
    output.with_added_extension("partial")
}

/// Writes the model at `input` in another format to `output`, which is complete or not there. `program` is `echofs-inference`;
/// `on_progress` gets the tensors done and all of them.
///
/// # Errors
/// What went wrong, for people; nothing is left behind then.
pub fn run(
    program: &Path,
    input: &Path,
    format: Format,
    output: &Path,
    on_progress: &mut dyn FnMut(u64, u64),
) -> Result<(), String> {
    let words: [&OsStr; 4] = ["quantize".as_ref(), input.as_ref(), format.name.as_ref(), output.as_ref()];
    let child = Command::new(program)
        .args(words)
        .env("GGML_NO_BACKTRACE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let child = child.map_err(|error| format!("{} cannot be started: {error}", program.display()))?;
    let result = attend(child, on_progress).and_then(|()| settle(output));
    if result.is_err() {
        let _ = std::fs::remove_file(partial(output));
    }
    result
}

/// Puts what was written in its place.
fn settle(output: &Path) -> Result<(), String> {
    let written = partial(output);
    let moved = File::open(&written).and_then(|file| file.sync_all()).and_then(|()| std::fs::rename(&written, output));
    moved.map_err(|error| format!("{}: {error}", output.display()))
}

fn attend(mut child: Child, on_progress: &mut dyn FnMut(u64, u64)) -> Result<(), String> {
    let mut errors = child.stderr.take();
    let said = std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = errors.as_mut().map(|errors| errors.read_to_end(&mut text));
        String::from_utf8_lossy(&text).into_owned()
    });
    let lines = child.stdout.take().map(|out| BufReader::new(out).lines()).into_iter().flatten();
    for line in lines.map_while(Result::ok) {
        let mut numbers = line.strip_prefix("progress ").into_iter().flat_map(str::split_whitespace);
        if let (Some(Ok(done)), Some(Ok(all))) = (numbers.next().map(str::parse), numbers.next().map(str::parse)) {
            on_progress(done, all);
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    let said = said.join().unwrap_or_default();
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let last = last.strip_prefix("echofs-inference: ").unwrap_or(last);
    match (status.success(), status.code()) {
        (true, _) => Ok(()),
        (false, Some(_)) if !last.is_empty() => Err(last.into()),
        _ => Err(format!("the model cannot be converted: llama.cpp died of it ({status}) {last}").trim_end().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_found_by_name_and_number() {
        assert_eq!(named("Q4_K_M").map(|format| format.number), Some(15));
        assert_eq!(numbered(2).map(|format| format.name), Some("q4_0"));
        assert_eq!((named("q4"), numbered(99)), (None, None));
    }

    #[test]
    fn the_format_at_the_end_of_a_name_is_taken_off() {
        let check = |stem, expected| assert_eq!(without_format(stem), expected);
        check("qwen2.5-coder-1.5b-instruct-q4_k_m", "qwen2.5-coder-1.5b-instruct");
        check("SmolLM2.Q4_1", "SmolLM2");
        check("model-f16", "model");
        check("model", "model");
        check("q4_0", "q4_0");
        check("über-q8_0", "über");
    }
}
