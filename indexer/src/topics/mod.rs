//! Topics: what the documents are about, found by grouping them, in two levels.
//!
//! `vector` makes a point of each document, `cluster` groups points, `form` makes topics of the groups. What changes later is
//! put into the topics that are there; only when much has changed they are formed anew, and `heirs` takes over the names.
//! `terms` counts words and phrases, `name` chooses among them, `describe` says what a topic is about. `worker` keeps
//! everything in step with the index, `store` keeps it over restarts. Nothing here runs a language model: `label` says what one
//! may be shown of a topic, `grounding` what is kept of what it says.

mod cluster;
mod describe;
mod form;
mod grounding;
mod heirs;
pub mod label;
mod name;
mod points;
mod store;
mod terms;
#[cfg(test)]
mod tests;
mod topic;
mod vector;
pub mod worker;

pub use label::{Label, Summary, ToLabel};
pub use topic::{Excerpt, MISC, Place, Topic, Topics};
