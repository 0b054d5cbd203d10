//! The watcher: keeps a picture of the sources and tells how the disk differs from what was told.
//!
//! Kernel events are hints that a path may have changed, never facts: a path that had a hint is
//! looked at once it has been quiet for a moment, compared with the picture, and the difference goes
//! to the outbox. What was told, and what is so, are all that counts; a lost, doubled or reordered
//! event costs a moment, not the truth. Renames are recognised by inode, size and modification time,
//! atomic saves come down to one change of the final name, temporary files that vanish to nothing.
//!
//! The consumer pulls ([`Watcher::next`]), so a slow one loses nothing and holds up nobody: the
//! outbox has at most one entry per path.
//!
//! ```no_run
//! # use std::{sync::Arc, time::Duration};
//! # use echofs_indexer::{policy::Policy, watch::{Options, Watcher}};
//! let policy = Arc::new(Policy::new(vec!["/home/me/notes".into()], vec!["/home/me/echo".into()]));
//! let watcher = Watcher::start(policy, Options::default())?;
//! while let Some(changes) = watcher.next(1_000, Duration::from_secs(60)) {
//!     // apply them in order; empty after a quiet minute; None once stopped
//! }
//! # Ok::<(), std::io::Error>(())
//! ```

mod change;

pub use change::Change;

// Public surface (the body follows):
//
// impl Watcher {
//     pub fn start(policy: Arc<Policy>, options: Options) -> io::Result<Watcher>;   // roots are the policy's
//     pub fn next(&self, limit: usize, timeout: Duration) -> Option<Vec<Change>>;   // Some(empty): time-out; None: stopped
//     pub fn state(&self, root: &Path) -> Option<RootState>;
//     pub fn rescan(&self, root: Option<&Path>);                                    // full pass: Started, everything, Complete
//     pub fn touched(&self, path: &Path);                                           // a hint of our own
//     pub fn stop(&self);                                                           // ends next() with None, joins
// }
// pub struct RootState { pub watch: Watch, pub available: bool, pub scanning: bool, pub files: usize }
// pub enum Watch { Inotify, Polling(String) }   // Display: "inotify", "polling: <why>"
//
// mod policy {
//     pub fn secret(path: &Path) -> Option<&'static str>;
//     pub enum Verdict { Index, Skip(Reason) }
//     pub enum Reason { Secret(&'static str), Hidden, Ignored, .. }   // Display is the text for coverage
//     impl Policy {
//         pub fn new(roots: Vec<PathBuf>, excluded: Vec<PathBuf>) -> Policy;  pub fn max_bytes(self, u64) -> Policy;
//         pub fn verdict(&self, path: &Path, is_dir: bool) -> Verdict;     // the whole rule for a path; reads ignore files
//         pub fn readable(&self, path: &Path) -> Result<(), Reason>;       // rules 1 to 3, no disk access: for search and read
//         pub fn open(&self, path: &Path) -> io::Result<File>;             // a regular file only, never a link, pipe or device
//     }
// }
// mod scan {
//     pub struct FileStat { pub size: u64, pub mtime_ns: i64, pub ino: u64, pub dev: u64 }
//     pub fn walk(root: &Path, policy: &Policy, each: impl FnMut(Entry)) -> io::Result<Totals>;
// }
