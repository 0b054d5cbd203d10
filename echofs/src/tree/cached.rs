//! Something that is made once for each state of the index, and what it lists.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::node::{Listing, Node};

/// The value for the latest epoch it was asked for.
pub struct Cached<T>(Mutex<Option<(u64, Arc<T>)>>);

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Cached(Mutex::new(None))
    }
}

impl<T> Cached<T> {
    /// The value for `epoch`; `make` makes it when it is not there. Others who ask meanwhile wait for it.
    pub fn get(&self, epoch: u64, make: impl FnOnce() -> T) -> Arc<T> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((of, value)) if *of == epoch => Arc::clone(value),
            _ => {
                let value = Arc::new(make());
                *kept = Some((epoch, Arc::clone(&value)));
                value
            }
        }
    }

    /// What `look` finds in the value that is there now, of whatever epoch; `None` when there is none or it is being made.
    pub fn peek<R>(&self, look: impl FnOnce(&T) -> Option<R>) -> Option<R> {
        self.0.try_lock().ok().and_then(|kept| kept.as_ref().and_then(|(_, value)| look(value)))
    }

    /// Whether the value for `epoch` is there. False while it is being made.
    pub fn has(&self, epoch: u64) -> bool {
        self.0.try_lock().is_ok_and(|kept| kept.as_ref().is_some_and(|(of, _)| *of == epoch))
    }
}

/// What the directories of a branch list, each made when it is asked for first.
pub struct Listings<K>(Mutex<HashMap<K, Arc<Listing>>>);

impl<K> Default for Listings<K> {
    fn default() -> Self {
        Listings(Mutex::default())
    }
}

impl<K: Clone + Eq + Hash> Listings<K> {
    /// The listing of one directory; `entries` gives what is in it when that is not known.
    pub fn get(&self, key: &K, entries: impl FnOnce() -> Vec<(String, Node)>) -> Arc<Listing> {
        if let Some(listing) = self.made().get(key) {
            return Arc::clone(listing);
        }
        // Not under the lock: to make one takes a while, and what two make at once is the same.
        let listing = Arc::new(Listing::new(entries()));
        self.made().entry(key.clone()).or_insert(listing).clone()
    }

    /// Whether the listing of one directory is there.
    pub fn has(&self, key: &K) -> bool {
        self.made().contains_key(key)
    }

    fn made(&self) -> MutexGuard<'_, HashMap<K, Arc<Listing>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
