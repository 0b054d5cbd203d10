//! How a source is watched, for `status` and for people.

use std::fmt;
use std::path::PathBuf;

/// How changes of a source are noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watch {
    /// The kernel tells at once.
    Inotify,
    /// It is scanned again and again, for this reason.
    Polling(String),
}

impl fmt::Display for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Watch::Inotify => f.write_str("inotify"),
            Watch::Polling(why) => write!(f, "polling: {why}"),
        }
    }
}

/// The state of one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootState {
    /// The source.
    pub root: PathBuf,
    /// How its changes are noticed.
    pub watch: Watch,
    /// Why it is out of reach; `None` while it is there.
    pub unavailable: Option<String>,
    /// A full pass is under way: not everything in it has been told yet.
    pub scanning: bool,
    /// Files to be indexed that are known.
    pub files: usize,
}
