//! Caches, build output and short-lived files: what machines make and nobody reads.

use std::io::Read;
use std::path::Path;

use super::open_regular;

/// Directories that are known by their name.
const DIRECTORIES: &[&str] = &[
    "node_modules",
    "bower_components",
    "jspm_packages",
    "__pycache__",
    "site-packages",
    "__pypackages__",
    "elm-stuff",
    "DerivedData",
    "Pods",
    "_build",
    "lost+found",
    "$RECYCLE.BIN",
    "System Volume Information",
];

/// The first line of a tag file, by the Cache Directory Tagging Specification (Brinkkemper and others).
const CACHE_TAG: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";

/// Says what kind of clutter the directory is; looks inside it for the marks of caches and virtual environments.
pub fn directory(path: &Path, name: &str) -> Option<&'static str> {
    if DIRECTORIES.contains(&name) {
        return Some("cache or build output");
    }
    if is_tagged_cache(path) {
        return Some("cache directory");
    }
    let marks = ["pyvenv.cfg", "conda-meta"];
    marks.iter().any(|mark| path.join(mark).symlink_metadata().is_ok()).then_some("virtual environment")
}

fn is_tagged_cache(path: &Path) -> bool {
    let mut start = Vec::with_capacity(CACHE_TAG.len());
    let tag = open_regular(&path.join("CACHEDIR.TAG"));
    tag.is_ok_and(|file| file.take(CACHE_TAG.len() as u64).read_to_end(&mut start).is_ok()) && start == CACHE_TAG
}

/// Says what kind of clutter a file of this name is.
pub fn file(name: &str) -> Option<&'static str> {
    let backup = name.ends_with('~') || (name.starts_with('#') && name.ends_with('#') && name.len() > 2);
    let lock = name.starts_with("~$") || (name.starts_with(".~lock.") && name.ends_with('#'));
    let partial = [".part", ".partial", ".crdownload", ".download", ".swp", ".swo", ".swx", ".tmp", ".temp"];
    if backup || lock || partial.iter().any(|end| name.to_ascii_lowercase().ends_with(end)) {
        return Some("temporary or backup file");
    }
    (name == "Thumbs.db" || name == "desktop.ini").then_some("thumbnails or folder settings")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_editors_and_downloads_leave() {
        for name in ["notes.md~", "#notes.md#", "~$report.docx", ".~lock.report.odt#", "film.mkv.part", "a.TMP"] {
            assert!(file(name).is_some(), "{name}");
        }
        for name in ["notes.md", "#1 priority.md", "template", "tmp.md", "C#"] {
            assert!(file(name).is_none(), "{name}");
        }
    }

    #[test]
    fn directories_are_known_by_their_marks() {
        let temp = tempfile::tempdir().unwrap();
        assert!(directory(temp.path(), "node_modules").is_some());
        assert!(directory(temp.path(), "target").is_none());
        std::fs::write(temp.path().join("CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55\n# x\n").unwrap();
        assert_eq!(directory(temp.path(), "target"), Some("cache directory"));
    }
}
