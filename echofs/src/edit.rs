//! Pages about facts while somebody writes to them.
//!
//! A writer has a copy of the page in memory. When it is closed or synced, the copy is compared with the page and becomes an
//! order of the owner, or is refused and changes nothing. Invariant: the page itself keeps its bytes; what the order makes
//! of it is another file. A copy of no bytes says nothing, since `>` and editors begin with one.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use echofs_indexer::facts::Id as FactId;

use crate::error::Error;
use crate::node::{Content, File, Id, LIVE, Node};
use crate::part::part;
use crate::tree::{Context, put_right};

/// No copy is longer, in bytes.
const MAX_TEXT: usize = 4 << 20;
/// Drafts that are kept; when there are more, the oldest goes.
const MAX_DRAFTS: usize = 32;

/// A text that is being written.
#[derive(Default)]
struct Text {
    bytes: Vec<u8>,
    /// Whether it was written to since it was last compared.
    changed: bool,
}

/// A text that several have open.
#[derive(Clone, Default)]
pub struct Shared(Arc<Mutex<Text>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Text> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.lock().bytes.len() as u64
    }

    /// Cuts it, or lengthens it with zeros.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it would be longer than a page can be.
    pub fn resize(&self, size: u64) -> Result<(), Error> {
        let mut text = self.lock();
        text.bytes.resize(bounded(size)?, 0);
        text.changed = true;
        Ok(())
    }
}

fn bounded(size: u64) -> Result<usize, Error> {
    let too_long = || Error::Invalid(format!("a page about facts has no more than {} MiB", MAX_TEXT >> 20));
    usize::try_from(size).ok().filter(|size| *size <= MAX_TEXT).ok_or_else(too_long)
}

/// A page, and the facts that it is about.
struct Page {
    text: Arc<[u8]>,
    facts: Arc<[FactId]>,
}

/// A handle that changes a copy.
pub struct Editing {
    /// The page as it was opened; of a draft there is none.
    page: Option<Page>,
    /// Whether every write goes to the end, whatever its offset.
    to_end: bool,
    text: Shared,
}

impl Editing {
    /// Opens a page for writing, with these open(2) flags.
    pub fn page(text: &Arc<[u8]>, facts: &Arc<[FactId]>, flags: i32) -> Editing {
        let page = Some(Page { text: Arc::clone(text), facts: Arc::clone(facts) });
        let copy = Text { bytes: text.to_vec(), changed: false };
        Editing { page, ..Editing::draft(&Shared(Arc::new(Mutex::new(copy))), flags) }
    }

    /// Opens a draft.
    pub fn draft(text: &Shared, flags: i32) -> Editing {
        if flags & libc::O_TRUNC != 0 {
            text.lock().bytes.clear();
        }
        Editing { page: None, to_end: flags & libc::O_APPEND != 0, text: text.clone() }
    }

    /// Bytes of the copy.
    pub fn read(&self, offset: u64, size: usize) -> Vec<u8> {
        part(&self.text.lock().bytes, offset, size).to_vec()
    }

    /// Writes to the copy; the number of bytes taken.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it would be longer than a page can be.
    pub fn write(&self, offset: u64, data: &[u8]) -> Result<usize, Error> {
        let mut text = self.text.lock();
        let start = if self.to_end { text.bytes.len() as u64 } else { offset };
        let (start, end) = (bounded(start)?, bounded(start.saturating_add(data.len() as u64))?);
        let length = text.bytes.len().max(end);
        text.bytes.resize(length, 0);
        text.bytes[start..end].copy_from_slice(data);
        text.changed = true;
        Ok(data.len())
    }

    /// As [`Shared::resize`].
    ///
    /// # Errors
    /// As there.
    pub fn resize(&self, size: u64) -> Result<(), Error> {
        self.text.resize(size)
    }

    /// Does what the copy of a page says. It is on disk when this returns.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the reason; nothing is changed then. I/O errors of the journal.
    pub fn save(&self, cx: &Context) -> Result<(), Error> {
        let Some(page) = &self.page else { return Ok(()) };
        let mut text = self.text.lock();
        if text.changed && !text.bytes.is_empty() {
            put_right(cx, &page.text, &page.facts, &text.bytes)?;
            text.changed = false;
        }
        Ok(())
    }
}

/// Files that are written beside pages, to take the name of one of them, as editors do. In memory, and listed nowhere.
#[derive(Default)]
pub struct Drafts {
    made: AtomicU64,
    kept: Mutex<VecDeque<Draft>>,
}

struct Draft {
    dir: Id,
    name: String,
    file: Arc<File>,
}

impl Drafts {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Draft>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The draft of this name in a directory.
    pub fn get(&self, dir: Id, name: &str) -> Option<Node> {
        let kept = self.lock();
        let draft = kept.iter().find(|draft| draft.dir == dir && draft.name == name)?;
        Some(Node::File(Arc::clone(&draft.file)))
    }

    /// The text of a draft.
    pub fn text(&self, dir: Id, name: &str) -> Option<Vec<u8>> {
        let Node::File(file) = self.get(dir, name)? else { return None };
        let Content::Draft(text) = &file.content else { return None };
        Some(text.lock().bytes.clone())
    }

    /// The draft of this name; an empty one where there was none.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for a name that somebody could mean to keep.
    pub fn make(&self, dir: Id, name: &str) -> Result<Node, Error> {
        if !is_temporary(name) {
            return Err(Error::NotPermitted(
                "facts are what your files state; add one by a line written to facts/correct",
            ));
        }
        if let Some(known) = self.get(dir, name) {
            return Ok(known);
        }
        let id = dir.child(name).version(&self.made.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        let (content, modified) = (Content::Draft(Shared::default()), SystemTime::now());
        let file = Arc::new(File { id, content, modified, ttl: LIVE, xattrs: Vec::new() });
        let mut kept = self.lock();
        if kept.len() == MAX_DRAFTS {
            kept.pop_front();
        }
        kept.push_back(Draft { dir, name: name.to_owned(), file: Arc::clone(&file) });
        Ok(Node::File(file))
    }

    /// Drops all of them: they may say what is forgotten.
    pub fn forget(&self) {
        self.lock().clear();
    }

    /// Drops the draft of this name; whether there was one.
    pub fn remove(&self, dir: Id, name: &str) -> bool {
        let mut kept = self.lock();
        let before = kept.len();
        kept.retain(|draft| draft.dir != dir || draft.name != name);
        kept.len() < before
    }
}

/// Whether a name looks like one that a program gives to a file for a moment.
fn is_temporary(name: &str) -> bool {
    let is_random = |part: &str| {
        let letters = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        // Vim asks with a number whether it may put another file in place of one, and writes to the file itself if not.
        (6..=12).contains(&part.len()) && letters && part.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    let end = name.rsplit_once('.').map(|(_, end)| end);
    let is_end = |end: &str| matches!(end, "tmp" | "new") || is_random(end);
    name.starts_with('.') || name.ends_with('~') || is_random(name) || end.is_some_and(is_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_a_moment_are_told_from_names_to_keep() {
        let page = "Oda lives in Bergen~0123456789.md";
        for name in [".goutputstream-X1Y2Z3", "sedAbC123", "tmpab_cd12", &format!("{page}~"), &format!("{page}.aB3dEf")]
        {
            assert!(is_temporary(name), "{name}");
        }
        for name in [page, "4913", "note.md", "Oda lives in Oslo", &format!("{page}.bak"), "new.txt"] {
            assert!(!is_temporary(name), "{name}");
        }
    }

    #[test]
    fn a_copy_is_written_like_a_file() {
        let page: Arc<[u8]> = Arc::from(&b"lives in Bergen"[..]);
        let open = |flags| Editing::page(&page, &Arc::from([]), flags);
        let editing = open(libc::O_RDWR);
        assert_eq!(editing.write(9, b"Oslo").ok(), Some(4));
        editing.resize(13).expect("cut");
        assert_eq!(editing.read(0, 99), b"lives in Oslo");
        assert_eq!((editing.read(9, 2), editing.read(99, 2)), (b"Os".to_vec(), Vec::new()));
        let appending = open(libc::O_WRONLY | libc::O_APPEND);
        appending.write(0, b".").expect("taken");
        assert_eq!(appending.read(0, 99), b"lives in Bergen.");
        assert!(open(libc::O_WRONLY | libc::O_TRUNC).read(0, 99).is_empty());
        assert!(matches!(editing.write(MAX_TEXT as u64, b"x"), Err(Error::Invalid(_))));
    }

    #[test]
    fn drafts_are_bounded_and_keep_what_is_written() {
        let (drafts, dir) = (Drafts::default(), Id(7));
        drafts.make(dir, ".first").expect("made");
        let Ok(Node::File(file)) = drafts.make(dir, ".first") else { panic!("no file") };
        let Content::Draft(text) = &file.content else { panic!("no draft") };
        Editing::draft(text, libc::O_WRONLY).write(0, b"x").expect("taken");
        assert_eq!(drafts.text(dir, ".first").as_deref(), Some(&b"x"[..]));
        assert!(drafts.text(Id(8), ".first").is_none() && drafts.make(dir, "note.md").is_err());
        for n in 0..MAX_DRAFTS {
            drafts.make(dir, &format!(".{n}")).expect("made");
        }
        assert!(drafts.get(dir, ".first").is_none() && drafts.remove(dir, ".0") && !drafts.remove(dir, ".0"));
        drafts.forget();
        assert!(drafts.get(dir, ".1").is_none());
    }
}
