//! `.gitignore` and `.echoignore`: what the owner said about a directory and all below it.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::open_regular;

/// The file names that hold such rules, the one that counts for more first.
pub const IGNORE_FILES: [&str; 2] = [".echoignore", ".gitignore"];

/// No ignore file is read beyond this many bytes.
const LONGEST: u64 = 1 << 20;

/// The rules in force in one directory: its own and, through `above`, those of all directories up to the source.
#[derive(Debug)]
pub struct Rules {
    above: Option<Arc<Rules>>,
    echo: Gitignore,
    git: Gitignore,
}

/// What the rules say of one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Skipped by the named file.
    Skip(&'static str),
    /// Let in by `!` in an `.echoignore`.
    Admit,
    /// Nothing is said.
    Silent,
}

impl Rules {
    /// The rules inside `dir`: those `above` it, and its own if it has any.
    pub fn enter(dir: &Path, above: Option<Arc<Rules>>) -> Option<Arc<Rules>> {
        let [echo, git] = IGNORE_FILES.map(|name| load(dir, name));
        if echo.is_empty() && git.is_empty() {
            return above;
        }
        Some(Arc::new(Rules { above, echo, git }))
    }

    /// Judges a path directly or further below the directory.
    pub fn ruling(&self, path: &Path, is_dir: bool) -> Ruling {
        match first_match(self.chain().map(|rules| &rules.echo), path, is_dir) {
            Some(true) => Ruling::Skip(IGNORE_FILES[0]),
            Some(false) => Ruling::Admit,
            None => match first_match(self.chain().map(|rules| &rules.git), path, is_dir) {
                Some(true) => Ruling::Skip(IGNORE_FILES[1]),
                _ => Ruling::Silent,
            },
        }
    }

    /// These rules and those above them, the deepest first.
    fn chain(&self) -> impl Iterator<Item = &Rules> {
        std::iter::successors(Some(self), |rules| rules.above.as_deref())
    }
}

/// `Some(true)` where the first matcher that says anything says "ignore".
fn first_match<'a>(matchers: impl Iterator<Item = &'a Gitignore>, path: &Path, is_dir: bool) -> Option<bool> {
    for matcher in matchers {
        match matcher.matched(path, is_dir) {
            Match::Ignore(_) => return Some(true),
            Match::Whitelist(_) => return Some(false),
            Match::None => {}
        }
    }
    None
}

/// Reads one ignore file; a missing, unreadable or special one says nothing, a bad line is left out.
fn load(dir: &Path, name: &str) -> Gitignore {
    let path = dir.join(name);
    read(&path).map_or_else(Gitignore::empty, |text| build(dir, path, &text))
}

fn read(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    open_regular(path).ok()?.take(LONGEST).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn build(dir: &Path, path: PathBuf, text: &str) -> Gitignore {
    let mut builder = GitignoreBuilder::new(dir);
    for line in text.trim_start_matches('\u{feff}').lines() {
        if let Err(error) = builder.add_line(Some(path.clone()), line) {
            log::warn!("{}: a line is left out: {error}", path.display());
        }
    }
    builder.build().unwrap_or_else(|error| {
        log::warn!("{}: left out: {error}", path.display());
        Gitignore::empty()
    })
}
