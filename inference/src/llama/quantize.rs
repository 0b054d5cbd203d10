//! Writes a model in another format; for a process of its own, since llama.cpp may abort on what it reads.

use std::ffi::{CStr, c_char, c_void};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use llama_cpp_sys_2 as sys;

use super::backend::{backend, c_path, last_complaint};
use crate::gguf::printable;
use crate::quantize::{Format, partial};

/// Bytes of disk that are left alone.
const RESERVE: u64 = 64 << 20;

/// Bytes of the result, as the trial run said.
static SIZE: AtomicU64 = AtomicU64::new(0);

/// Writes the model to [`partial`], and `progress DONE ALL` lines to standard output as it goes. Who started this process puts the file
/// in its place.
///
/// # Errors
/// What went wrong, for people.
pub fn quantize(input: &Path, format: Format, output: &Path) -> Result<(), String> {
    backend().map_err(|error| error.to_string())?;
    // SAFETY: the callback is a function that lives for ever and takes no data.
    unsafe { sys::llama_log_set(Some(on_log), std::ptr::null_mut()) };
    let temporary = partial(output);
    convert(input, format, &temporary, true)?;
    check_space(output, SIZE.load(Ordering::Acquire))?;
    convert(input, format, &temporary, false)
}

fn convert(input: &Path, format: Format, output: &Path, trial: bool) -> Result<(), String> {
    let (from, to) = (c_path(input)?, c_path(output)?);
    last_complaint(Some(String::new()));
    // SAFETY: C strings, and parameters that llama.cpp filled in itself.
    let code = unsafe {
        let mut params = sys::llama_model_quantize_default_params();
        params.ftype = format.number;
        params.allow_requantize = true;
        params.dry_run = trial;
        sys::llama_model_quantize(from.as_ptr(), to.as_ptr(), &params)
    };
    let complaint = last_complaint(None);
    match code {
        0 => Ok(()),
        _ if complaint.is_empty() => Err(format!("{} cannot be converted (error {code})", input.display())),
        _ => Err(format!("{} cannot be converted: {}", input.display(), complaint.trim())),
    }
}

fn check_space(output: &Path, size: u64) -> Result<(), String> {
    let directory = output.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let stat = rustix::fs::statvfs(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    match size.saturating_add(RESERVE) > free {
        true => {
            Err(format!("{} needs {} MB of disk, {} MB are free", output.display(), size / 1_000_000, free / 1_000_000))
        }
        false => Ok(()),
    }
}

/// Reads progress and size out of what llama.cpp logs: `[  12/ 290] ...`, and `quant size  =  877.16 MiB (...)`.
///
/// # Safety
/// `text` is a C string, as ggml's log callback promises.
unsafe extern "C" fn on_log(level: sys::ggml_log_level, text: *const c_char, _: *mut c_void) {
    // SAFETY: by the promise above.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    if let Some((done, all)) = progress(&text) {
        let mut out = std::io::stdout();
        let _ = writeln!(out, "progress {done} {all}").and_then(|()| out.flush());
    }
    if let Some(size) = size(&text) {
        SIZE.store(size, Ordering::Release);
    }
    if level == sys::GGML_LOG_LEVEL_ERROR && last_complaint(None).is_empty() {
        let text = text.rsplit_once("failed to quantize: ").map_or(&*text, |(_, why)| why);
        last_complaint(Some(printable(text.trim()).chars().take(400).collect()));
    }
}

fn progress(text: &str) -> Option<(u64, u64)> {
    let (done, all) = text.strip_prefix('[')?.split_once(']')?.0.split_once('/')?;
    Some((done.trim().parse().ok()?, all.trim().parse().ok()?))
}

fn size(text: &str) -> Option<u64> {
    let megabytes: f64 = text.split_once("quant size")?.1.split_once('=')?.1.split_whitespace().next()?.parse().ok()?;
    Some((megabytes * f64::from(1 << 20)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_understood() {
        assert_eq!(progress("[  12/ 290]      blk.0.attn_q.weight - [ 576, 576], type = q4_1, "), Some((12, 290)));
        assert_eq!(progress("[nonsense] x"), None);
        assert_eq!(size("f: quant size  =    86.50 MiB (5.39 BPW)\n"), Some((86.5 * 1048576.0) as u64));
        assert_eq!(size("f: model size  =    86.50 MiB (5.39 BPW)\n"), None);
    }
}
