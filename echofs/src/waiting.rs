//! How tests wait for what other threads do.

use std::time::{Duration, Instant};

/// Nothing takes so long unless it hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// Waits until `ready` holds, with a deadline.
pub fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !ready() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
