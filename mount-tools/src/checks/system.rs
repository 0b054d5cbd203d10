//! What the system offers: FUSE, a sandbox, watches, the processor, programs.

use std::fs::File;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use landlock::{ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr};

use super::on_path;
use crate::doctor::Check;

/// Fewer watches than this run out in a home directory.
const WATCHES: u64 = 65_536;

pub fn fuse() -> Check {
    match File::options().read(true).write(true).open("/dev/fuse") {
        Ok(_) => Check::ok("fuse", "/dev/fuse can be opened"),
        Err(error) => Check::fail(
            "fuse",
            format!("/dev/fuse: {error}"),
            "load the module (modprobe fuse), and be allowed to open it",
        ),
    }
}

pub fn fusermount() -> Check {
    const NAME: &str = "fusermount3";
    let root = rustix::process::geteuid().is_root();
    match on_path(NAME) {
        Some(path) => match path.metadata() {
            Ok(metadata) if root || metadata.uid() == 0 && metadata.permissions().mode() & 0o4000 != 0 => {
                Check::ok(NAME, path.display().to_string())
            }
            _ => {
                Check::fail(NAME, format!("{} is not setuid root", path.display()), "apt-get install --reinstall fuse3")
            }
        },
        None if root => Check::warn(NAME, "not installed; root can do without", "apt-get install fuse3"),
        None => Check::fail(NAME, "not installed", "apt-get install fuse3"),
    }
}

/// Whether this kernel can keep the process that reads untrusted files away from everything else.
pub fn landlock() -> Check {
    const NAME: &str = "landlock";
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    match ruleset.handle_access(AccessFs::from_all(ABI::V1)).and_then(Ruleset::create) {
        Ok(_) => Check::ok(NAME, "files are read in a sandbox"),
        Err(_) => Check::warn(
            NAME,
            "not in this kernel: files are read with resource limits alone",
            "boot a kernel (5.13 or newer) with landlock among its `lsm=` modules",
        ),
    }
}

pub fn inotify() -> Check {
    const NAME: &str = "inotify";
    let read = |name: &str| -> Option<u64> {
        std::fs::read_to_string(format!("/proc/sys/fs/inotify/{name}")).ok()?.trim().parse().ok()
    };
    match read("max_user_watches") {
        Some(watches) if watches >= WATCHES => Check::ok(NAME, format!("{watches} directories can be watched")),
        Some(watches) => Check::warn(
            NAME,
            format!("{watches} directories can be watched; larger sources are polled"),
            "sysctl fs.inotify.max_user_watches=524288",
        ),
        None => Check::warn(NAME, "not in this kernel: sources are polled", "use a kernel with inotify"),
    }
}

/// The instruction sets that decide how fast a language model runs.
pub fn processor() -> Check {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = text.lines().find(|line| line.starts_with("flags") || line.starts_with("Features")).unwrap_or_default();
    let known = ["asimd", "avx", "avx2", "fma", "avx512f", "avx512_vnni", "amx_int8"];
    let found: Vec<&str> =
        known.into_iter().filter(|name| flags.split_whitespace().any(|flag| flag == *name)).collect();
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    Check::ok(
        "processor",
        format!("{count} cores; {}", if found.is_empty() { "no vector units".into() } else { found.join(" ") }),
    )
}

pub fn pdf() -> Check {
    match on_path("pdftotext") {
        Some(path) => Check::ok("pdf", path.display().to_string()),
        None => {
            Check::warn("pdf", "pdftotext is missing: PDF files are read less well", "apt-get install poppler-utils")
        }
    }
}
