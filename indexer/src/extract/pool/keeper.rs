//! The thread that starts workers that are wanted and ends those that are idle too long.

use std::sync::PoisonError;
use std::time::Instant;

use super::{Shared, Worker};

/// Starts workers that are wanted and ends those that are idle too long.
pub fn keep(shared: &Shared) {
    let mut state = shared.state();
    while !state.closed {
        if state.to_start > 0 {
            state.to_start -= 1;
            drop(state);
            let started = Worker::start(&shared.argv);
            state = shared.state();
            match started {
                Ok((worker, confinement)) => {
                    state.confinement = Some(confinement);
                    state.failures.clear();
                    state.idle.push((worker, Instant::now()));
                }
                Err(error) => {
                    state.alive -= 1;
                    state.failures.push_back(error.to_string());
                }
            }
            shared.freed.notify_all();
            continue;
        }
        let idle_for = shared.idle_for();
        let (old, young): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.idle).into_iter().partition(|(_, since)| since.elapsed() >= idle_for);
        state.idle = young;
        state.alive -= old.len();
        if !old.is_empty() {
            drop(state);
            drop(old);
            state = shared.state();
            continue;
        }
        state = match state.idle.iter().map(|(_, since)| idle_for.saturating_sub(since.elapsed())).min() {
            Some(left) => shared.wanted.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            None => shared.wanted.wait(state).unwrap_or_else(PoisonError::into_inner),
        };
    }
    let idle = std::mem::take(&mut state.idle);
    drop(state);
    drop(idle);
}
