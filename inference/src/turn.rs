//! Whose turn it is: between two steps, work of a lower class waits while there is work of a higher one.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::{Cancel, Class, Error};

/// How often work that waits for its turn looks at its [`Cancel`].
const TICK: Duration = Duration::from_millis(20);

/// How many generations of each class run or wait.
#[derive(Debug, Default)]
pub struct Load {
    jobs: [AtomicUsize; 3],
    steps: [AtomicU64; 3],
    lock: Mutex<()>,
    changed: Condvar,
}

impl Load {
    /// Counts a generation of this class until the ticket is dropped.
    pub fn enter(self: &Arc<Self>, class: Class) -> Ticket {
        self.jobs[class as usize].fetch_add(1, Ordering::AcqRel);
        Ticket { load: Arc::clone(self), class }
    }

    /// How many steps each class has taken or waited for, which grows while its work goes on.
    pub fn steps(&self) -> [u64; 3] {
        self.steps.each_ref().map(|steps| steps.load(Ordering::Acquire))
    }

    /// Whether there is work of a higher class than this one.
    pub fn is_pressing(&self, class: Class) -> bool {
        self.jobs[..class as usize].iter().any(|jobs| jobs.load(Ordering::Acquire) > 0)
    }
}

/// A generation that is counted.
#[derive(Debug)]
pub struct Ticket {
    load: Arc<Load>,
    class: Class,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.load.jobs[self.class as usize].fetch_sub(1, Ordering::AcqRel);
        // Taken so that nobody goes to sleep between looking and waiting.
        drop(self.load.lock.lock());
        self.load.changed.notify_all();
    }
}

/// The right of one generation to take its next step.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'a> {
    /// The generation's class.
    pub class: Class,
    /// Ends it.
    pub cancel: &'a Cancel,
    /// What else there is to do; nothing when absent.
    pub load: Option<&'a Load>,
}

impl<'a> Turn<'a> {
    /// The turn of a generation that is alone.
    pub fn alone(cancel: &'a Cancel) -> Self {
        Self { class: Class::Interactive, cancel, load: None }
    }

    /// Returns when the next step may be taken: at once, or when all work of higher classes is done.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn wait(&self) -> Result<(), Error> {
        while !self.cancel.is_cancelled() {
            let Some(load) = self.load else { return Ok(()) };
            load.steps[self.class as usize].fetch_add(1, Ordering::AcqRel);
            if !load.is_pressing(self.class) {
                return Ok(());
            }
            let lock = load.lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            if load.is_pressing(self.class) {
                drop(load.changed.wait_timeout(lock, TICK));
            }
        }
        Err(Error::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_higher_classes_press() {
        let load = Arc::new(Load::default());
        let check = |expected: [bool; 3]| assert_eq!(Class::ALL.map(|class| load.is_pressing(class)), expected);
        check([false, false, false]);
        let background = load.enter(Class::Background);
        check([false, false, false]);
        let requested = load.enter(Class::Requested);
        check([false, false, true]);
        let interactive = load.enter(Class::Interactive);
        drop((background, requested));
        check([false, true, true]);
        drop(interactive);
        check([false, false, false]);
    }

    #[test]
    fn a_wait_ends_with_the_higher_work_or_a_cancel() {
        let (load, cancel) = (Arc::new(Load::default()), Cancel::default());
        let turn = Turn { class: Class::Background, cancel: &cancel, load: Some(&load) };
        assert!(turn.wait().is_ok());
        let ticket = load.enter(Class::Interactive);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| turn.wait());
            drop(ticket);
            assert!(matches!(waiting.join(), Ok(Ok(()))));
            let _ticket = load.enter(Class::Interactive);
            let waiting = scope.spawn(|| turn.wait());
            cancel.cancel();
            assert!(matches!(waiting.join(), Ok(Err(Error::Cancelled))));
        });
    }
}
