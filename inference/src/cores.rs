//! How many threads a generation should have, by how much of the processor its threads get.
//!
//! The threads of a generation wait for each other hundreds of times a token. Where one of them shares its core with
//! other work, all of them wait while that works, and two threads are slower than one. So the processor's time is
//! looked at while a generation runs: when some of its threads do not get theirs, it goes on with fewer; and after a while,
//! longer each time that it was in vain, it tries again with all.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// How long it is looked at before it is judged.
const WINDOW: Duration = Duration::from_millis(100);
/// Cores that may be missing.
const TOLERATED: f64 = 0.25;
/// How long it goes on with fewer threads, at first and at most.
const PATIENCE: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];

/// Threads of the generations of one context.
#[derive(Debug)]
pub struct Cores {
    most: usize,
    now: usize,
    watched: bool,
    /// Since the last judgement, of the steps alone: time that went by, and time that the threads worked.
    passed: Duration,
    worked: Duration,
    fewer_since: Option<Instant>,
    patience: Duration,
}

impl Cores {
    /// At most so many threads. Where another device does part of the work (`watched` is false), the time that threads wait says
    /// nothing, and it is always so many.
    pub fn new(most: usize, watched: bool) -> Self {
        let most = most.max(1);
        Self {
            most,
            now: most,
            watched: watched && most > 1,
            passed: Duration::ZERO,
            worked: Duration::ZERO,
            fewer_since: None,
            patience: PATIENCE[0],
        }
    }

    /// Does a step and notes what it took.
    pub fn step<T>(&mut self, step: impl FnOnce() -> T) -> T {
        if !self.watched {
            return step();
        }
        let (start, before) = (Instant::now(), processor_time());
        let done = step();
        self.note(start.elapsed(), processor_time().saturating_sub(before), Instant::now());
        done
    }

    /// How many threads the next step should have.
    pub fn wanted(&self) -> usize {
        self.now
    }

    fn note(&mut self, passed: Duration, worked: Duration, at: Instant) {
        self.passed += passed;
        self.worked += worked;
        if self.passed < WINDOW {
            return;
        }
        let got = self.worked.as_secs_f64() / self.passed.as_secs_f64();
        (self.passed, self.worked) = (Duration::ZERO, Duration::ZERO);
        let missing = self.now as f64 - got;
        match self.fewer_since {
            _ if missing > TOLERATED && self.now > 1 => {
                let fewer = self.now.saturating_sub(missing.ceil() as usize).max(1);
                if self.now == self.most && self.fewer_since.is_some() {
                    self.patience = (self.patience * 2).min(PATIENCE[1]);
                }
                (self.now, self.fewer_since) = (fewer, Some(at));
            }
            Some(since) if self.now < self.most && at.duration_since(since) >= self.patience => self.now = self.most,
            Some(_) if self.now == self.most => (self.fewer_since, self.patience) = (None, PATIENCE[0]),
            _ => {}
        }
    }
}

/// The time that all threads of this process have worked.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps of 50 ms in which the threads get this many cores; the threads after each.
    fn threads(cores: &mut Cores, start: Instant, got: &[f64]) -> Vec<usize> {
        let step = Duration::from_millis(50);
        let one = |(n, got): (u32, &f64)| {
            cores.note(step, step.mul_f64(got.min(cores.wanted() as f64)), start + step * n);
            cores.wanted()
        };
        (1..).zip(got).map(one).collect()
    }

    #[test]
    fn alone_it_has_all_its_threads() {
        assert_eq!(threads(&mut Cores::new(2, true), Instant::now(), &[1.98; 6]), [2; 6]);
        assert_eq!(threads(&mut Cores::new(8, true), Instant::now(), &[7.8; 6]), [8; 6]);
        assert_eq!(threads(&mut Cores::new(1, true), Instant::now(), &[0.2; 6]), [1; 6]);
    }

    #[test]
    fn beside_other_work_it_has_as_many_as_there_are_cores_for() {
        assert_eq!(threads(&mut Cores::new(2, true), Instant::now(), &[1.5; 4]), [2, 1, 1, 1]);
        assert_eq!(threads(&mut Cores::new(8, true), Instant::now(), &[6.5; 4]), [8, 6, 6, 6]);
        assert_eq!(threads(&mut Cores::new(4, true), Instant::now(), &[0.3; 4]), [4, 1, 1, 1]);
    }

    #[test]
    fn when_the_other_work_is_done_it_has_all_again_and_tries_less_often_in_vain() {
        let start = Instant::now();
        let mut cores = Cores::new(2, true);
        let seen = threads(&mut cores, start, &[1.5; 2000]);
        let tries: Vec<usize> = seen.windows(2).enumerate().filter(|(_, w)| w == &[1, 2]).map(|(n, _)| n).collect();
        let waits: Vec<usize> = tries.windows(2).map(|w| w[1] - w[0]).collect();
        assert!(tries.len() > 3 && waits.windows(2).all(|w| w[1] > w[0]), "{tries:?}");
        let seen = threads(&mut cores, start + Duration::from_secs(100), &[2.0; 2000]);
        assert_eq!(seen.last(), Some(&2));
        assert_eq!(cores.patience, PATIENCE[0]);
    }

    #[test]
    fn what_a_step_takes_is_measured() {
        let mut cores = Cores::new(64, true);
        let busy = || {
            let start = Instant::now();
            while start.elapsed() < 2 * WINDOW {
                std::hint::spin_loop();
            }
        };
        cores.step(busy);
        assert!(cores.wanted() < 64, "one thread works, not {}", cores.wanted());
    }
}
