//! Tests of the whole program on a real mount; one binary, a module per subject.

mod asking;
mod chat;
mod common;
mod context;
mod conversations;
mod engines;
mod events;
mod facts;
mod fetching;
mod forgetting;
mod injection;
mod interrupt;
mod kept;
mod looking;
mod mounting;
mod notes;
mod program;
mod promises;
mod relationship;
mod reranking;
mod resting;
mod searching;
mod topics;
