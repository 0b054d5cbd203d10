//! The ONNX runtime library: looked at before it is loaded, loaded once.
//!
//! The binding panics, and then blocks every later call, when it has to find the library itself and fails. And the
//! dynamic loader dies of SIGBUS on a file that was cut short. So the file is checked here first.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;

use crate::Error;

static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// Makes the runtime ready for use in this process. The first library that loads stays for good.
///
/// # Errors
/// [`Error::Missing`] without the file, [`Error::Unusable`] when it is no library of this machine, cut short, or too old.
pub fn load(library: &Path) -> Result<Environment, Error> {
    let mut environment = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = &*environment {
        return Ok(environment.clone());
    }
    check(library)?;
    let unusable = |reason: String| Error::Unusable { path: library.to_owned(), reason };
    let builder = ort::init_from(library).map_err(|e| unusable(e.to_string()))?;
    let built = builder.with_name("echofs").build().map_err(|e| unusable(e.to_string()))?;
    Ok(environment.insert(built).clone())
}

/// A whole 64-bit ELF library of this machine's kind. Its section table is the last thing in the file.
fn check(library: &Path) -> Result<(), Error> {
    let unusable = |reason: &str| Error::Unusable { path: library.to_owned(), reason: reason.into() };
    let mut file = File::open(library).map_err(|_| Error::Missing(library.to_owned()))?;
    let mut header = [0u8; 64];
    file.read_exact(&mut header).map_err(|_| unusable("it is cut short"))?;
    if header[..6] != *b"\x7fELF\x02\x01" {
        return Err(unusable("it is no 64-bit shared library"));
    }
    if machine(&header) != own_machine(&unusable)? {
        return Err(unusable("it is made for another kind of processor"));
    }
    let length = file.metadata().map_err(|e| unusable(&e.to_string()))?.len();
    let mut last = [0u8; 1];
    let end = sections_end(&header);
    if end > length || end == 0 || file.read_exact_at(&mut last, end - 1).is_err() {
        return Err(unusable("it is cut short"));
    }
    Ok(())
}

fn u16_at(header: &[u8; 64], at: usize) -> u16 {
    u16::from_le_bytes([header[at], header[at + 1]])
}

fn machine(header: &[u8; 64]) -> u16 {
    u16_at(header, 18)
}

fn sections_end(header: &[u8; 64]) -> u64 {
    let mut offset = [0u8; 8];
    offset.copy_from_slice(&header[40..48]);
    u64::from_le_bytes(offset).saturating_add(u64::from(u16_at(header, 58)) * u64::from(u16_at(header, 60)))
}

/// The machine number of the running program.
fn own_machine(unusable: &dyn Fn(&str) -> Error) -> Result<u16, Error> {
    let mut header = [0u8; 64];
    let mut program = File::open("/proc/self/exe").map_err(|e| unusable(&e.to_string()))?;
    program.read_exact(&mut header).map_err(|e| unusable(&e.to_string()))?;
    Ok(machine(&header))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lib.so");
        std::fs::write(&path, bytes).unwrap();
        load(&path).unwrap_err().to_string()
    }

    #[test]
    fn a_missing_library_is_an_error() {
        assert!(matches!(load(Path::new("/nonexistent/lib.so")), Err(Error::Missing(_))));
    }

    #[test]
    fn bad_libraries_are_errors() {
        assert!(refused(b"").contains("cut short"));
        assert!(refused(&[b'x'; 200]).contains("no 64-bit shared library"));
        let own = std::fs::read("/proc/self/exe").unwrap();
        assert!(refused(&own[..own.len() - 1]).contains("cut short"));
        let mut other = own[..4096].to_vec();
        other[18] ^= 0xff;
        assert!(refused(&other).contains("another kind"));
    }

    #[test]
    fn a_library_that_is_not_the_runtime_is_an_error() {
        // Any other library of the system will do.
        let libc = ["/lib/x86_64-linux-gnu/libm.so.6", "/lib/aarch64-linux-gnu/libm.so.6"];
        let other = libc.iter().map(Path::new).find(|p| p.exists()).expect("libm of the system");
        assert!(matches!(load(other), Err(Error::Unusable { .. })));
    }
}
