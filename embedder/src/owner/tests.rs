use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::{MANY, Owner, Work};
use crate::Error;

const PATIENCE: Duration = Duration::from_secs(20);

/// Doubles numbers. The number 0 is done when two are being done at once, or one is and a model was not loaded.
#[derive(Default)]
struct Doubling {
    /// Whether there is no memory for the model a second time.
    once: bool,
    loads: AtomicUsize,
    zeros: Mutex<usize>,
    changed: Condvar,
}

impl Doubling {
    fn come(&self) -> MutexGuard<'_, usize> {
        let mut zeros = self.zeros.lock().unwrap();
        *zeros += 1;
        self.changed.notify_all();
        zeros
    }

    fn meet(&self) -> Result<u32, Error> {
        let zeros = self.come();
        let alone = |zeros: &mut usize| *zeros < 2;
        let (_zeros, waited) = self.changed.wait_timeout_while(zeros, PATIENCE, alone).unwrap();
        if waited.timed_out() { Err(Error::Failed("alone".into())) } else { Ok(0) }
    }
}

impl Work for Doubling {
    type Engine = ();
    type Input = u32;
    type Output = u32;

    fn dir(&self) -> &Path {
        Path::new("doubling")
    }

    fn load(&self) -> Result<(), Error> {
        if self.loads.fetch_add(1, Ordering::Relaxed) > 0 && self.once {
            drop(self.come());
            return Err(Error::Failed("no memory".into()));
        }
        Ok(())
    }

    fn run(&self, (): &mut (), input: u32) -> Result<u32, Error> {
        if input == 0 { self.meet() } else { Ok(2 * input) }
    }
}

fn done(owner: &Owner<Doubling>, inputs: impl Iterator<Item = u32>) -> Vec<(usize, u32)> {
    let mut done: Vec<_> = owner.ask(inputs, None).iter().map(|(index, output)| (index, output.unwrap())).collect();
    done.sort_unstable();
    done
}

#[test]
fn helpers_do_some_of_many() {
    let owner = Owner::new(Doubling::default(), PATIENCE, 1);
    let many = MANY as u32 + 2;
    let want: Vec<_> = (0..many).map(|n| (n as usize, if n < 2 { 0 } else { 2 * n })).collect();
    assert_eq!(done(&owner, (0..many).map(|n| if n < 2 { 0 } else { n })), want);
    assert_eq!(owner.work().loads.load(Ordering::Relaxed), 2);
}

#[test]
fn few_are_done_with_one_model() {
    let owner = Owner::new(Doubling::default(), PATIENCE, 3);
    for _ in 0..20 {
        assert_eq!(done(&owner, 1..MANY as u32).len(), MANY - 1);
        assert_eq!(owner.ask_first(7).recv().unwrap().1.unwrap(), 14);
    }
    assert_eq!(owner.work().loads.load(Ordering::Relaxed), 1);
}

#[test]
fn a_helper_that_cannot_load_the_model_leaves_all_to_the_owner() {
    let owner = Owner::new(Doubling { once: true, ..Doubling::default() }, PATIENCE, 1);
    assert_eq!(owner.ask_first(7).recv().unwrap().1.unwrap(), 14);
    let many = MANY as u32 + 2;
    let want: Vec<_> = (0..many).map(|n| (n as usize, 2 * n)).collect();
    assert_eq!(done(&owner, 0..many), want);
    assert_eq!(owner.work().loads.load(Ordering::Relaxed), 2);
}

#[test]
fn owner_and_helpers_leave_memory() {
    let owner = Owner::new(Doubling::default(), Duration::from_millis(5), 1);
    done(&owner, (0..=MANY as u32).map(|n| if n < 2 { 0 } else { n }));
    let deadline = Instant::now() + PATIENCE;
    while owner.loaded() {
        assert!(Instant::now() < deadline, "in memory {} times", owner.loaded.load(Ordering::Relaxed));
        std::thread::yield_now();
    }
}
