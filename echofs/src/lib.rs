//! The tree that people see, and the FUSE layer that serves it.
//!
//! `fuse` dispatches, `fs` does what the system call of the same name says, `tree` has a file for each branch,
//! `real` serves the notes, `answer` answers questions, `chat` replies in conversations.

pub mod answer;
mod append;
pub mod chat;
mod crawlers;
mod edit;
mod error;
mod events;
mod fact_reader;
pub mod forget;
mod fs;
mod fuse;
mod handle;
mod inodes;
mod interrupt;
mod leisure;
mod node;
mod opened;
mod part;
mod pool;
mod power;
mod pruner;
mod real;
mod recorder;
mod session;
mod syscall;
mod topic_namer;
mod tree;
#[cfg(test)]
mod unmounted;
#[cfg(test)]
mod waiting;

pub use echofs_indexer::remembered::remember;
pub use error::Error;
pub use leisure::Leisure;
pub use recorder::Record;
pub use session::{MountConfig, Session, mount};
pub use tree::results_jsonl;
