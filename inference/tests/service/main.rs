//! The real service with a real model: what it computes, and what it survives.

mod adapters;
mod classes;
mod common;
mod cpu;
mod formats;
mod hostile;
mod output;
mod quantizing;
mod running;
mod states;
mod systemd;
mod tokens;
