//! Files that say how things stand: new at each look, the same for those who look twice in a moment.
//!
//! Their inode stays, since programs compare what they looked at with what they opened; so their pages are not
//! cached, and whoever has one open reads it as it was when it was opened.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::node::{Content, File, Id, LIVE};

/// How long one look holds: from a program's `stat` to its `open`.
const MOMENT: Duration = Duration::from_millis(50);

/// What each of these files said last, and when.
#[derive(Default)]
pub struct Live(Mutex<HashMap<Id, (Instant, Arc<File>)>>);

impl Live {
    /// The file at `id`; `text` says how things stand.
    pub fn file(&self, id: Id, text: impl FnOnce() -> String) -> Arc<File> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, file)) = said.get(&id)
            && at.elapsed() < MOMENT
        {
            return Arc::clone(file);
        }
        let content = Content::Live(text().into_bytes().into());
        let file = Arc::new(File { id, content, modified: SystemTime::now(), ttl: LIVE, xattrs: Vec::new() });
        said.insert(id, (Instant::now(), Arc::clone(&file)));
        file
    }
}
