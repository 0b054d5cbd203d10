//! What the tests of several models need.

use std::time::{Duration, Instant};

/// Waits until a model has left memory, with a deadline.
pub fn until_unloaded(loaded: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while loaded() {
        assert!(Instant::now() < deadline, "it is still in memory");
        std::thread::sleep(Duration::from_millis(5));
    }
}
