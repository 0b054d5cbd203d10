//! Open files and directories.

use std::collections::HashMap;
use std::fs::File as OsFile;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::answer::{Form, Reader};
use crate::append::Appending;
use crate::chat::Writing;
use crate::edit::Editing;
use crate::error::Error;
use crate::events::ReaderId;
use crate::node::{Control, Listing, Node, Upload};
use crate::real::{RealEntry, RealNode};

/// Something that is open.
pub enum Handle {
    /// A file of settled bytes.
    Bytes(Arc<[u8]>),
    /// An answer, read from start to end as it is made.
    Answer(Mutex<AnswerStream>),
    /// What happens.
    Events(ReaderId),
    /// A control file: what was written since the last line end.
    Control { order: Control, text: Arc<[u8]>, partial: Mutex<Vec<u8>> },
    /// A file that takes lines at its end.
    Lines(Appending),
    /// A page about facts, or a draft of one, that is written to.
    Edit(Editing),
    /// A chat; one that is written to has what it takes.
    Chat { session: String, writing: Option<Writing>, ends: bool },
    /// A file that is being copied in.
    Upload { file: OsFile, upload: Upload },
    /// A real file, and whether it was written to.
    Real { file: OsFile, written: AtomicBool },
    /// A directory, what it listed when it was opened or last rewound, and whether it was read since.
    Dir { node: Node, listed: Mutex<Listed>, read: AtomicBool },
}

/// The position of one reader in an answer. The kernel gives no offsets for streams.
pub struct AnswerStream {
    /// The question.
    pub question: String,
    /// The form that is read.
    pub form: Form,
    /// Bytes read so far.
    pub cursor: u64,
    /// Set by the first read: opening a question does not answer it.
    pub reader: Option<Reader>,
}

/// A directory as it was when it was opened or rewound.
#[derive(Clone)]
pub enum Listed {
    /// Made by a branch of the tree.
    Tree(Arc<Listing>),
    /// Real.
    Real(Arc<RealNode>, Arc<Vec<RealEntry>>),
}

/// All that is open, by number.
#[derive(Default)]
pub struct Handles {
    next: AtomicU64,
    open: RwLock<HashMap<u64, Arc<Handle>>>,
}

impl Handles {
    /// Keeps `handle` and gives its number.
    pub fn insert(&self, handle: Handle) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        self.open.write().unwrap_or_else(PoisonError::into_inner).insert(number, Arc::new(handle));
        number
    }

    /// The handle with this number.
    pub fn get(&self, number: u64) -> Result<Arc<Handle>, Error> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.get(&number).cloned().ok_or(Error::Stale)
    }

    /// Takes the handle with this number away.
    pub fn remove(&self, number: u64) -> Option<Arc<Handle>> {
        self.open.write().unwrap_or_else(PoisonError::into_inner).remove(&number)
    }
}
