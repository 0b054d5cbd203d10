//! States of prompts that were computed before: the fixed opening of prompts, and conversations.
//!
//! They are kept in memory up to a bound and, where the service was given a directory, on disk up to another. Each is known by what
//! it was computed from: the tokens, and a fingerprint of the model, its adapter, the code and the parameters. A state is used
//! only where all of that is the same; one that is missing or damaged costs the time to compute it again and nothing else.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use serde::{Deserialize, Serialize};

use crate::reading::Reading;
use crate::slots::Slots;

/// Bytes of states in memory.
const MEMORY: usize = 128 << 20;

/// What a state was computed from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Of model, adapter, code and parameters.
    pub fingerprint: String,
    /// The tokens.
    pub tokens: Vec<i32>,
    /// How many of them are the opening.
    pub fixed: usize,
    /// The conversation, where it is one.
    pub conversation: Option<String>,
}

impl Key {
    /// Whether this state makes the other one useless.
    pub fn replaces(&self, other: &Key) -> bool {
        self.fingerprint == other.fingerprint
            && (self.tokens == other.tokens || self.conversation.is_some() && self.conversation == other.conversation)
    }

    fn reading(&self) -> Reading {
        Reading { tokens: self.tokens.clone(), fixed: self.fixed, ..Reading::default() }
    }
}

#[derive(Debug, Default)]
struct Kept {
    /// The one used last at the end.
    memory: VecDeque<(Key, Arc<[u8]>)>,
    disk: Option<Slots>,
}

/// The kept states.
#[derive(Debug, Default)]
pub struct States {
    kept: Mutex<Kept>,
    forgotten: AtomicU64,
}

impl States {
    /// States in memory, and on disk where there are slots.
    pub fn new(disk: Option<Slots>) -> Self {
        Self { kept: Mutex::new(Kept { memory: VecDeque::new(), disk }), forgotten: AtomicU64::new(0) }
    }

    /// The state that has most of this prompt, more than `than` tokens: how many, its key and itself.
    pub fn find(
        &self,
        fingerprint: &str,
        prompt: &Reading,
        piece: usize,
        than: usize,
    ) -> Option<(usize, Key, Arc<[u8]>)> {
        let mut kept = self.lock();
        loop {
            let keys = kept.memory.iter().map(|(key, _)| key).chain(kept.disk.iter().flat_map(Slots::keys));
            let fitting = keys.filter(|key| key.fingerprint == fingerprint);
            let limit = prompt.tokens.len().saturating_sub(1);
            let measured = fitting.map(|key| (key.reading().shared(prompt, piece, limit), key));
            // Of equals the first is taken, which is the one in memory.
            let (count, key) = measured.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
            if count <= than {
                return None;
            }
            let key = key.clone();
            if let Some(state) = kept.get(&key) {
                return Some((count, key, state));
            }
        }
    }

    /// Whether a state of exactly these tokens is kept.
    pub fn has(&self, fingerprint: &str, tokens: &[i32]) -> bool {
        let kept = self.lock();
        let mut keys = kept.memory.iter().map(|(key, _)| key).chain(kept.disk.iter().flat_map(Slots::keys));
        keys.any(|key| key.fingerprint == fingerprint && key.tokens == tokens)
    }

    /// Keeps a state that was computed when [`forgotten`](Self::forgotten) said `since`; not if everything was dropped again since.
    pub fn put(&self, key: Key, state: Vec<u8>, since: u64) {
        let mut kept = self.lock();
        // Counted up under the same lock, so that nothing comes back after it was dropped.
        if self.forgotten() != since {
            return;
        }
        if let Some(disk) = &mut kept.disk {
            disk.store(&key, &state);
        }
        kept.memory.retain(|(old, _)| !key.replaces(old));
        kept.memory.push_back((key, state.into()));
        kept.shrink();
    }

    /// Drops a state that llama.cpp does not take.
    pub fn reject(&self, key: &Key) {
        let mut kept = self.lock();
        kept.memory.retain(|(old, _)| old != key);
        if let Some(disk) = &mut kept.disk {
            disk.remove(key);
        }
    }

    /// Drops everything, for good.
    pub fn forget(&self) {
        let mut kept = self.lock();
        kept.memory.clear();
        if let Some(disk) = &mut kept.disk {
            disk.clear();
        }
        self.forgotten.fetch_add(1, Ordering::AcqRel);
    }

    /// How often everything was dropped.
    pub fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::Acquire)
    }

    /// Gives the memory back; what is on disk stays.
    pub fn release(&self) {
        self.lock().memory.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Kept {
    /// The state of a key, which is then the one used last; `None` if it is damaged.
    fn get(&mut self, key: &Key) -> Option<Arc<[u8]>> {
        if let Some(at) = self.memory.iter().position(|(old, _)| old == key)
            && let Some(entry) = self.memory.remove(at)
        {
            let state = Arc::clone(&entry.1);
            self.memory.push_back(entry);
            if let Some(disk) = &mut self.disk {
                disk.touch(key);
            }
            return Some(state);
        }
        let state: Arc<[u8]> = self.disk.as_mut()?.load(key)?.into();
        self.memory.push_back((key.clone(), Arc::clone(&state)));
        self.shrink();
        Some(state)
    }

    fn shrink(&mut self) {
        while self.memory.iter().map(|(_, state)| state.len()).sum::<usize>() > MEMORY {
            self.memory.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
