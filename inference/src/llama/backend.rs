//! llama.cpp's global state: its log, and the build of the CPU code that it runs.

use std::ffi::{CStr, CString, c_char, c_void};
use std::num::NonZeroU32;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_sys_2 as sys;

use super::lane::context_params;
use crate::gguf::printable;
use crate::{Error, probe};

/// llama.cpp's global state; made once.
///
/// # Errors
/// [`Error::Down`].
pub fn backend() -> Result<&'static LlamaBackend, Error> {
    static BACKEND: OnceLock<Result<LlamaBackend, String>> = OnceLock::new();
    let made = BACKEND.get_or_init(|| LlamaBackend::init().map_err(|e| e.to_string()));
    made.as_ref().map_err(|e| Error::Down(e.clone()))
}

/// The errors that llama.cpp logged since the last reset; a value resets it.
pub fn last_complaint(reset: Option<String>) -> String {
    static COMPLAINT: Mutex<String> = Mutex::new(String::new());
    let mut complaint = COMPLAINT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    match reset {
        Some(text) => std::mem::replace(&mut complaint, text),
        None => complaint.clone(),
    }
}

/// Takes llama.cpp's log to ours.
///
/// # Safety
/// `text` is a C string, as ggml's log callback promises.
unsafe extern "C" fn on_log(level: sys::ggml_log_level, text: *const c_char, _: *mut c_void) {
    // SAFETY: by the promise above.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    let text = text.trim_end();
    log::debug!(target: "llama", "{text}");
    if level == sys::GGML_LOG_LEVEL_ERROR && last_complaint(None).is_empty() {
        last_complaint(Some(printable(text).chars().take(400).collect()));
    }
}

/// Sends llama.cpp's log to the `log` crate.
pub fn redirect_log() {
    // SAFETY: the callback is a function that lives for ever and takes no data.
    unsafe { sys::llama_log_set(Some(on_log), std::ptr::null_mut()) };
}

/// Loads a build of the CPU code; without one no model can be loaded.
///
/// # Errors
/// What is wrong, for people.
pub fn load_cpu(library: &Path) -> Result<(), String> {
    let path = c_path(library)?;
    // SAFETY: a C string; ggml checks what it loads and returns null if it is no backend.
    let loaded = unsafe { sys::ggml_backend_load(path.as_ptr()) };
    match loaded.is_null() {
        true => Err(format!("{} cannot be loaded", library.display())),
        false => Ok(()),
    }
}

/// How good a build of the CPU code is on this CPU; 0 when it lacks instructions.
///
/// # Errors
/// What is wrong, for people.
pub fn score(library: &Path) -> Result<i32, String> {
    let path = c_path(library)?;
    // SAFETY: C strings; `ggml_backend_score` is a function of no arguments that returns an int, by ggml's interface for backends.
    unsafe {
        let handle = libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
        if handle.is_null() {
            return Err(format!("{} cannot be loaded", library.display()));
        }
        let symbol = libc::dlsym(handle, c"ggml_backend_score".as_ptr());
        if symbol.is_null() {
            return Err(format!("{} has no score", library.display()));
        }
        Ok(std::mem::transmute::<*mut c_void, unsafe extern "C" fn() -> i32>(symbol)())
    }
}

/// A path for C.
///
/// # Errors
/// What is wrong, for people.
pub fn c_path(path: &Path) -> Result<CString, String> {
    CString::new(path.as_os_str().as_bytes()).map_err(|e| e.to_string())
}

/// Runs the tiny model of [`probe`] at `path` with the CPU code that was loaded: logits after a prompt and after each of
/// four single tokens.
///
/// # Errors
/// What is wrong, for people.
pub fn probe_outputs(path: &Path) -> Result<Vec<f32>, String> {
    let backend = backend().map_err(|e| e.to_string())?;
    let model = LlamaModel::load_from_file(backend, path, &LlamaModelParams::default()).map_err(|e| e.to_string())?;
    let params = context_params(2, 128).with_n_ctx(NonZeroU32::new(256));
    let mut context = model.new_context(backend, params).map_err(|e| e.to_string())?;
    let mut outputs = Vec::new();
    for (from, to) in [(0, 70), (70, 71), (71, 72), (72, 73), (73, 74)] {
        let mut batch = LlamaBatch::new(128, 1);
        for position in from..to {
            let token = LlamaToken::new((position * 37 % probe::WIDTH) as i32);
            let position = i32::try_from(position).map_err(|e| e.to_string())?;
            batch.add(token, position, &[0], position + 1 == to as i32).map_err(|e| e.to_string())?;
        }
        context.decode(&mut batch).map_err(|e| e.to_string())?;
        outputs.extend_from_slice(context.get_logits_ith(-1));
    }
    Ok(outputs)
}

/// Returns freed memory to the system.
pub fn give_memory_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes no pointers; only trims the allocator's free lists.
    unsafe {
        libc::malloc_trim(0);
    }
}
