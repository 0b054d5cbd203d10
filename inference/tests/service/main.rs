//! The real service with a real model: what it computes, and what it survives.

mod common;
mod cpu;
mod hostile;
mod output;
mod running;
mod tokens;
