//! Topics: what the documents are about, found by grouping them, in two levels.
//!
//! `vector` makes a point of each document, `cluster` groups points, `form` makes topics of the groups. What changes later is
//! put into the topics that are there; only when much has changed they are formed anew, and `heirs` takes over the names.
//! `terms` counts words and phrases, `name` chooses among them, `describe` says what a topic is about. `worker` keeps
//! everything in step with the index, `store` keeps it over restarts. Nothing here runs a language model.

mod cluster;
mod describe;
mod form;
mod heirs;
mod name;
mod points;
mod store;
mod terms;
#[cfg(test)]
mod tests;
mod topic;
mod vector;
pub mod worker;

pub use topic::{Excerpt, MISC, Place, Topic, Topics};
