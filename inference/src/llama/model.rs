//! A model in memory, shared by the contexts of a service, and the adapters that were loaded for it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;

use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::model::{LlamaLoraAdapter, LlamaModel};
use llama_cpp_sys_2 as sys;

use super::Options;
use super::backend::{backend, c_path, last_complaint};
use super::loader::Loader;
use crate::{Cancel, Error, model_name};

/// The model that is in use; it stays in memory as long as an engine has a context of it.
#[derive(Debug, Default)]
pub struct Models {
    /// Never locked for long: nobody who has its model waits for another one to be loaded.
    current: Arc<Mutex<Weak<Model>>>,
    /// Grows while one is being loaded.
    progress: Arc<AtomicU64>,
    loader: Loader,
}

impl Models {
    /// The model at `path`: the one in memory, or loaded now.
    ///
    /// # Errors
    /// [`Error::NoModel`], [`Error::Down`] with the reason, [`Error::Cancelled`].
    pub fn get(&self, path: &Path, options: &Options, cancel: &Cancel) -> Result<Arc<Model>, Error> {
        let stamp = stamp(path).map_err(Error::NoModel)?;
        if let Some(model) = in_memory(&self.current, &stamp) {
            return Ok(model);
        }
        let (current, progress) = (Arc::clone(&self.current), Arc::clone(&self.progress));
        let (path, options, cancelled) = (path.to_owned(), options.clone(), cancel.clone());
        self.loader.run(cancel, move || {
            // Somebody else may have waited for the same one.
            if let Some(model) = in_memory(&current, &stamp) {
                return Ok(model);
            }
            let model = Arc::new(Model::load(&path, stamp, &options, progress, &cancelled)?);
            *lock(&current) = Arc::downgrade(&model);
            Ok(model)
        })
    }

    /// A number that grows while a model is being loaded.
    pub fn progress(&self) -> u64 {
        self.progress.load(Ordering::Acquire)
    }

    /// Notes that this model is in use.
    pub fn adopt(&self, model: &Arc<Model>) {
        *lock(&self.current) = Arc::downgrade(model);
    }

    /// Whether this is the model that was asked for last.
    pub fn is_current(&self, model: &Arc<Model>) -> bool {
        std::ptr::eq(lock(&self.current).as_ptr(), Arc::as_ptr(model))
    }
}

fn lock(current: &Mutex<Weak<Model>>) -> MutexGuard<'_, Weak<Model>> {
    current.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The current model, if it is this one.
fn in_memory(current: &Mutex<Weak<Model>>, stamp: &Stamp) -> Option<Arc<Model>> {
    let model = lock(current).upgrade();
    model.filter(|model| model.stamp == *stamp)
}

/// What tells a replaced file from the one in memory.
type Stamp = (PathBuf, u64, Option<SystemTime>);

fn stamp(path: &Path) -> Result<Stamp, String> {
    let meta = std::fs::metadata(path).map_err(|e| format!("{}: {e}", path.display()))?;
    if !meta.is_file() {
        return Err(format!("{} is not a file", path.display()));
    }
    Ok((path.into(), meta.len(), meta.modified().ok()))
}

/// A model in memory.
#[derive(Debug)]
pub struct Model {
    /// llama.cpp's own.
    pub llama: LlamaModel,
    /// Its name for people.
    pub name: String,
    /// Tokens that are read at once.
    pub piece: usize,
    /// Of the file, the code that runs it and its parameters.
    pub fingerprint: String,
    stamp: Stamp,
    adapters: Mutex<HashMap<PathBuf, (Stamp, Loaded)>>,
}

/// An adapter in memory; it lives as long as its model.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Hash of its file.
    pub digest: String,
    pointer: Pointer,
}

#[derive(Clone, Copy, Debug)]
struct Pointer(NonNull<sys::llama_adapter_lora>);

// SAFETY: llama.cpp only reads an adapter once it is loaded.
unsafe impl Send for Pointer {}

impl Loaded {
    /// The handle that contexts take.
    pub fn handle(&self) -> LlamaLoraAdapter {
        // SAFETY: `LlamaLoraAdapter` is a transparent wrapper of a non-null pointer and does not free it.
        unsafe { std::mem::transmute::<NonNull<sys::llama_adapter_lora>, LlamaLoraAdapter>(self.pointer.0) }
    }
}

impl Model {
    fn load(
        path: &Path,
        stamp: Stamp,
        options: &Options,
        progress: Arc<AtomicU64>,
        cancel: &Cancel,
    ) -> Result<Self, Error> {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let llama = load_model(backend()?, path, options, progress, cancel)?;
        let piece = piece(llama.n_params());
        let sample = sample(path).map_err(|e| unusable(path, &e.to_string()))?;
        let code = (env!("CARGO_PKG_VERSION"), version(), options.cpu.as_deref(), options.gpu_layers);
        let fingerprint = blake3::hash(format!("{sample} {stamp:?} {code:?} {piece}").as_bytes()).to_string();
        Ok(Self { llama, name: model_name(path), piece, fingerprint, stamp, adapters: Mutex::default() })
    }

    /// Whether it is what is now at `path`.
    pub fn is_of(&self, path: &Path) -> bool {
        stamp(path).is_ok_and(|stamp| stamp == self.stamp)
    }

    /// The adapter at `path`, loaded if it is not, or if its file was replaced.
    ///
    /// # Errors
    /// [`Error::Refused`] with the reason.
    pub fn adapter(&self, path: &Path) -> Result<Loaded, Error> {
        let refused =
            |why: &str| Error::Refused(format!("the adapter {} cannot be used: {}", path.display(), why.trim()));
        let stamp = stamp(path).map_err(|why| refused(&why))?;
        let mut adapters = self.adapters.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some((_, loaded)) = adapters.get(path).filter(|(known, _)| *known == stamp) {
            return Ok(loaded.clone());
        }
        check_magic(path).map_err(|why| refused(&why))?;
        let digest = digest(path).map_err(|e| refused(&e.to_string()))?;
        let pointer = Pointer(self.load_adapter(path).map_err(|why| refused(&why))?);
        let loaded = Loaded { digest, pointer };
        adapters.insert(path.into(), (stamp, loaded.clone()));
        Ok(loaded)
    }

    fn load_adapter(&self, path: &Path) -> Result<NonNull<sys::llama_adapter_lora>, String> {
        let path = c_path(path)?;
        last_complaint(Some(String::new()));
        // SAFETY: `LlamaModel` is a transparent wrapper of this pointer. llama.cpp notes the adapter in the model, which
        // contexts do not look at; `adapters` is locked, so nobody else does the same.
        let adapter = unsafe {
            let model = std::ptr::from_ref(&self.llama).cast::<*mut sys::llama_model>().read();
            sys::llama_adapter_lora_init(model, path.as_ptr())
        };
        NonNull::new(adapter).ok_or_else(|| {
            let complaint = last_complaint(None);
            complaint.rsplit_once("adapter: ").map_or(complaint.clone(), |(_, why)| why.into())
        })
    }
}

/// The version of llama.cpp.
fn version() -> String {
    // SAFETY: a constant C string.
    unsafe { std::ffi::CStr::from_ptr(sys::llama_version()) }.to_string_lossy().into_owned()
}

/// Tokens read at once, by the size of the model: so many that the matrices are used well, so few that a cancel is seen
/// soon. It depends on nothing else, or the same prompt would not always be computed the same way.
fn piece(parameters: u64) -> usize {
    match parameters {
        0..1_000_000_000 => 128,
        1_000_000_000..4_000_000_000 => 64,
        _ => 32,
    }
}

/// Hash of a small file.
fn digest(path: &Path) -> io::Result<String> {
    let mut hash = blake3::Hasher::new();
    hash.update_reader(File::open(path)?)?;
    Ok(hash.finalize().to_string())
}

/// Hash of the beginning of a large file, which has its metadata and vocabulary, and of places all over it.
fn sample(path: &Path) -> io::Result<String> {
    const BEGINNING: u64 = 1 << 20;
    const PLACES: u64 = 256;
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut hash = blake3::Hasher::new();
    hash.update_reader(file.by_ref().take(BEGINNING))?;
    for place in 0..PLACES {
        file.seek(SeekFrom::Start(length / PLACES * place))?;
        hash.update_reader(file.by_ref().take(4096))?;
    }
    Ok(hash.finalize().to_string())
}

fn load_model(
    backend: &LlamaBackend,
    path: &Path,
    options: &Options,
    progress: Arc<AtomicU64>,
    cancel: &Cancel,
) -> Result<LlamaModel, Error> {
    check_magic(path).map_err(|why| unusable(path, &why))?;
    let cancelled = cancel.clone();
    let go_on = move |_| {
        progress.fetch_add(1, Ordering::AcqRel);
        !cancelled.is_cancelled()
    };
    let mut params = LlamaModelParams::default().with_progress_callback(go_on);
    if let Some(layers) = options.gpu_layers {
        params = params.with_n_gpu_layers(layers);
    }
    last_complaint(Some(String::new()));
    LlamaModel::load_from_file(backend, path, &params).map_err(|e| match cancel.is_cancelled() {
        true => Error::Cancelled,
        false => match last_complaint(None) {
            complaint if complaint.is_empty() => unusable(path, &e.to_string()),
            complaint => unusable(path, &complaint),
        },
    })
}

/// Says at once, and in plain words, that a file is something else.
fn check_magic(path: &Path) -> Result<(), String> {
    let mut magic = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    match read {
        Ok(()) if &magic == b"GGUF" => Ok(()),
        Ok(()) => Err("it is no GGUF file".into()),
        Err(error) => Err(error.to_string()),
    }
}

/// A model file that llama.cpp does not take.
pub fn unusable(path: &Path, why: &str) -> Error {
    Error::Down(format!("the model {} cannot be used: {}", path.display(), why.trim()))
}
