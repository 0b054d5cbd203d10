//! The kernel's side: one inotify watch per directory, set one by one through `notify`.
//!
//! notify's recursive mode would watch what the policy does not enter, and walks on its own; here the
//! walk sets the watches. Setting one again is harmless and brings back a watch that was lost.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use notify::{Config, ErrorKind, Event, INotifyWatcher, RecursiveMode, Watcher as _};

/// The watches of all sources.
pub struct Kernel {
    inotify: INotifyWatcher,
    limit: Option<usize>,
    set: HashSet<PathBuf>,
}

/// A watch could not be set.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There are no more watches to be had.
    #[error("the limit of inotify watches is reached (fs.inotify.max_user_watches)")]
    Limit,
    /// This directory cannot be watched; the walk will find out more.
    #[error("{0}")]
    Other(notify::Error),
}

impl Kernel {
    /// Starts the kernel's event queue. `on_event` is called from a thread of its own and must not block.
    /// `limit` caps the watches below what the system gives.
    ///
    /// # Errors
    /// The system's, when there is no inotify or no instance left.
    pub fn start(
        limit: Option<usize>,
        on_event: impl FnMut(notify::Result<Event>) + Send + 'static,
    ) -> notify::Result<Kernel> {
        let inotify = INotifyWatcher::new(on_event, Config::default().with_follow_symlinks(false))?;
        Ok(Kernel { inotify, limit, set: HashSet::new() })
    }

    /// Watches one directory, not what is below it.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn watch(&mut self, dir: &Path) -> Result<(), Refused> {
        if self.limit.is_some_and(|limit| self.set.len() >= limit && !self.set.contains(dir)) {
            return Err(Refused::Limit);
        }
        self.inotify.watch(dir, RecursiveMode::NonRecursive).map_err(|error| match error.kind {
            ErrorKind::MaxFilesWatch => Refused::Limit,
            _ => Refused::Other(error),
        })?;
        self.set.insert(dir.to_path_buf());
        Ok(())
    }

    /// Gives the watch of a directory that is still there back.
    pub fn unwatch(&mut self, dir: &Path) {
        if self.set.remove(dir)
            && let Err(error) = self.inotify.unwatch(dir)
        {
            log::trace!("{}: {error}", dir.display());
        }
    }

    /// The directory is gone, and its watch with it. Asking for its removal could hit the watch of a
    /// directory that was renamed, which the kernel keeps under the same number.
    pub fn forget(&mut self, dir: &Path) {
        self.set.remove(dir);
    }
}
