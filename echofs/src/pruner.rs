//! Takes from the kernel what nobody has looked at for long.
//!
//! The kernel remembers each file that it was told of until it needs the room, and the tree has to remember it as long. For queries
//! and documents that others are compared with, each of which has its own results, that would be everything that was ever searched for.

use std::ffi::OsStr;
use std::sync::Arc;
use std::thread::JoinHandle;

use fuser::{INodeNo, Notifier};

use crate::error::Error;
use crate::tree::Context;

/// The thread that does so; dropping it ends it. A thread of its own, since the kernel may first wait for requests that are under way.
pub struct Pruner {
    cx: Arc<Context>,
    thread: Option<JoinHandle<()>>,
}

impl Pruner {
    /// Starts it.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(cx: Arc<Context>, notifier: Notifier) -> Result<Pruner, Error> {
        let let_go = cx.searches.let_go();
        let thread = std::thread::Builder::new().name("pruner".into()).spawn(move || {
            for (parent, name) in let_go {
                // It has gone already, or the mount has.
                if let Err(e) = notifier.inval_entry(INodeNo(parent.0), OsStr::new(&name)) {
                    log::debug!("{name}: {e}");
                }
            }
        })?;
        Ok(Pruner { cx, thread: Some(thread) })
    }
}

impl Drop for Pruner {
    fn drop(&mut self) {
        self.cx.searches.listen_no_more();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
