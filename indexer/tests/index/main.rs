//! The store over real files: what is saved is found, what is gone is gone, and nothing is done twice.

mod derived;
mod documents;
mod forgetting;
mod searching;
#[path = "../store/mod.rs"]
mod store;
