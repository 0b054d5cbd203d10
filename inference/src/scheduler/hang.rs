//! Finds out that an engine hangs: what a file says may keep llama.cpp busy for ever, and the driver of a GPU may never answer.

use std::sync::PoisonError;
use std::time::Duration;

use super::{Queue, Scheduler};
use crate::Class;

/// Looks in a row that see no sign of life. A single one says nothing: the whole process may have been stopped meanwhile.
const LOOKS: u32 = 4;

impl Scheduler {
    /// Returns when a generation has taken no step for `limit`. `others` counts signs of life besides, such as those of a model
    /// that is being loaded.
    pub fn wait_for_hang(&self, limit: Duration, others: impl Fn() -> u64) {
        let signs = || (others(), self.shared.load.steps());
        let (mut seen, mut looks) = (signs(), [0; 3]);
        let mut queues = self.shared.lock();
        loop {
            let changed = &self.shared.changed;
            queues = changed.wait_while(queues, |queues| !is_busy(queues)).unwrap_or_else(PoisonError::into_inner);
            let looked = changed.wait_timeout_while(queues, limit / LOOKS, |queues| is_busy(queues));
            let (held, waited) = looked.unwrap_or_else(PoisonError::into_inner);
            queues = held;
            let now = signs();
            for at in Class::ALL.map(|class| class as usize) {
                let silent = now.0 == seen.0 && now.1[at] == seen.1[at];
                let hangs = waited.timed_out() && queues[at].running && silent;
                looks[at] = if hangs { looks[at] + 1 } else { 0 };
            }
            if looks.contains(&LOOKS) {
                return;
            }
            seen = now;
        }
    }
}

fn is_busy(queues: &[Queue; 3]) -> bool {
    queues.iter().any(|queue| queue.running || !queue.jobs.is_empty())
}
