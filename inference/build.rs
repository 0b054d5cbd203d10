//! Puts llama.cpp's libraries into `llama/` beside the programs, and tells the programs to look for them there.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Where a program looks, seen from itself: built programs, test programs, an installation.
const RUN_PATH: &str = "$ORIGIN/llama:$ORIGIN/../llama:$ORIGIN/../lib/echofs";

/// The builds of the CPU code, and what drives other hardware, under names without a version.
const BACKENDS: [&str; 5] = ["libggml-cpu-", "libggml-cuda.", "libggml-hip.", "libggml-metal.", "libggml-vulkan."];

/// A library without code is smaller, one of the CPU code far larger.
const EMPTY: u64 = 1 << 16;

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    let Some(backends) = env::var_os("DEP_LLAMA_BACKENDS_DIR").map(PathBuf::from) else { return Ok(()) };
    println!("cargo:rerun-if-changed={}", backends.display());
    // DT_RPATH, not DT_RUNPATH: it also serves the libraries that these libraries need.
    println!("cargo:rustc-link-arg=-Wl,--disable-new-dtags,-rpath,{RUN_PATH}");
    let target = target_directory()?.join("llama");
    let _ = fs::remove_dir_all(&target);
    fs::create_dir_all(&target)?;
    for library in libraries(&backends)? {
        place(&library, &target)?;
    }
    clean_up(&target_directory()?)
}

/// Removes the broken links that the build of llama.cpp leaves beside the programs: nothing uses them, and it would fail over them
/// the next time.
fn clean_up(profile: &Path) -> io::Result<()> {
    for directory in [profile.to_path_buf(), profile.join("deps"), profile.join("examples")] {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "so") && path.is_symlink() && !path.exists() {
                fs::remove_file(path)?;
            }
        }
    }
    Ok(())
}

/// The profile's directory: three above the build script's own.
fn target_directory() -> io::Result<PathBuf> {
    let out = env::var_os("OUT_DIR").map(PathBuf::from);
    let target = out.as_deref().and_then(|out| out.ancestors().nth(3)).map(Path::to_path_buf);
    target.ok_or_else(|| io::Error::other("OUT_DIR is not where it should be"))
}

/// The builds of the CPU code, and the shared libraries under the names programs ask for (`libllama.so.0`).
fn libraries(backends: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for directory in [backends.to_path_buf(), backends.with_file_name("lib"), backends.with_file_name("lib64")] {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let asked_for = name.rsplit_once(".so.").is_some_and(|(_, version)| !version.contains('.'));
            let left_out = fs::metadata(&path)?.len() < EMPTY;
            let backend = BACKENDS.iter().any(|start| name.starts_with(start));
            if asked_for || (backend && !left_out) {
                found.push(path);
            }
        }
    }
    Ok(found)
}

/// Copies through a temporary name, so that a program that runs keeps the file it has.
fn place(library: &Path, target: &Path) -> io::Result<()> {
    let Some(name) = library.file_name() else { return Ok(()) };
    let temporary = target.join(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    fs::copy(library, &temporary)?;
    fs::rename(&temporary, target.join(name))
}
