//! When what is new is shown, so that making it takes a small part of the time; and how, so that a change costs about what it
//! changes.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::merger::Standing;

/// Whatever took so long is not done again before so many times that have gone by.
const REST: u32 = 10;
/// A whole merge that takes less than this is cheaper than to keep account of changes.
const CHEAP: Duration = Duration::from_millis(100);

/// How facts are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merging {
    /// Of all documents.
    Whole,
    /// Of those that changed, over the others.
    Changes,
}

/// What waits to be shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waiting {
    /// Whether anything does.
    pub fresh: bool,
    /// Whether something is shown of documents that are gone.
    pub gone: bool,
    /// Whether no account is kept of the changes: they are many, or nothing was made yet.
    pub many: bool,
}

/// The last time that something was done.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    ended: Instant,
    /// Processor time.
    took: Duration,
}

/// The processor time of this thread so far. What other programs take is no reason to rest: a thread that gives way to
/// all others has rested enough.
pub fn spent() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

impl Past {
    /// Something that `took` so much processor time and `ended` then.
    pub fn new(took: Duration, ended: Instant) -> Self {
        Self { ended, took }
    }

    /// How long it is to wait until it is done again.
    pub fn rest(&self, now: Instant) -> Duration {
        (self.took * REST).saturating_sub(now.saturating_duration_since(self.ended))
    }
}

/// What making facts has taken.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    whole: Past,
    changes: Past,
    /// How long changes took since the last whole merge: the more of them there are, the more the next one costs.
    spent: Duration,
}

impl Pace {
    /// Nothing was made yet.
    pub fn new(now: Instant) -> Self {
        let none = Past::new(Duration::ZERO, now);
        Self { whole: none, changes: none, spent: Duration::ZERO }
    }

    /// Facts were made, which `took` so much processor time.
    pub fn made(&mut self, merging: Merging, took: Duration, ended: Instant) {
        let past = Past::new(took, ended);
        match merging {
            Merging::Whole => *self = Self { whole: past, ..Self::new(ended) },
            Merging::Changes => {
                self.changes = past;
                self.spent += past.took;
            }
        }
    }

    /// Whether all facts are made as fast as a few.
    pub fn is_cheap(&self) -> bool {
        self.whole.took < CHEAP
    }

    /// When facts were made last.
    pub fn last(&self) -> Instant {
        self.whole.ended.max(self.changes.ended)
    }

    /// How facts are to be made next, and how long it is until then; `None` when nothing is to be done. What is gone goes at
    /// once.
    pub fn next(&self, waiting: Waiting, standing: Standing, now: Instant) -> Option<(Merging, Duration)> {
        let lost = standing == Standing::LostNames;
        let merging = match waiting.many || self.is_cheap() || lost && waiting.gone {
            true => Merging::Whole,
            false => Merging::Changes,
        };
        match () {
            () if waiting.gone => Some((merging, Duration::ZERO)),
            () if waiting.fresh && merging == Merging::Whole => Some((merging, self.whole.rest(now))),
            // What is to be done later does not keep waiting what can be done before.
            () if waiting.fresh && !self.is_whole_due(standing, now) => Some((merging, self.changes.rest(now))),
            () if waiting.fresh || self.wants_whole(standing) => Some((Merging::Whole, self.whole.rest(now))),
            () => None,
        }
    }

    fn is_whole_due(&self, standing: Standing, now: Instant) -> bool {
        self.wants_whole(standing) && self.whole.rest(now).is_zero()
    }

    /// Whether a whole merge would show something else, or make the next changes cheaper.
    fn wants_whole(&self, standing: Standing) -> bool {
        standing != Standing::Settled || !self.spent.is_zero() && self.spent >= self.whole.took
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A whole merge of ten seconds that ended at `now`.
    fn after_a_long_merge(now: Instant) -> Pace {
        let mut pace = Pace::new(now);
        pace.made(Merging::Whole, 10 * SECOND, now);
        pace
    }

    #[test]
    fn nothing_is_done_without_need() {
        let now = Instant::now() + 1_000 * SECOND;
        let pace = after_a_long_merge(now);
        assert_eq!(pace.next(Waiting::default(), Standing::Settled, now + 1_000 * SECOND), None);
    }

    #[test]
    fn a_few_changes_are_shown_without_a_whole_merge() {
        let now = Instant::now() + 1_000 * SECOND;
        let mut pace = after_a_long_merge(now);
        let (fresh, settled) = (Waiting { fresh: true, ..Waiting::default() }, Standing::Settled);
        assert_eq!(pace.next(fresh, settled, now), Some((Merging::Changes, Duration::ZERO)));
        pace.made(Merging::Changes, SECOND, now + SECOND);
        assert_eq!(pace.next(fresh, settled, now + SECOND), Some((Merging::Changes, 10 * SECOND)));
        assert_eq!(pace.next(Waiting::default(), settled, now + SECOND), None);
        // Changes have cost as much as a whole merge, and the last one is long ago.
        pace.made(Merging::Changes, 9 * SECOND, now + 10 * SECOND);
        assert_eq!(pace.next(fresh, settled, now + 100 * SECOND), Some((Merging::Whole, Duration::ZERO)));
        assert_eq!(pace.next(Waiting::default(), settled, now + 60 * SECOND), Some((Merging::Whole, 40 * SECOND)));
    }

    #[test]
    fn many_changes_wait_for_a_whole_merge_and_what_is_gone_for_nothing() {
        let now = Instant::now() + 1_000 * SECOND;
        let pace = after_a_long_merge(now);
        let many = Waiting { fresh: true, many: true, gone: false };
        assert_eq!(pace.next(many, Standing::Settled, now + SECOND), Some((Merging::Whole, 99 * SECOND)));
        let gone = Waiting { gone: true, ..many };
        assert_eq!(pace.next(gone, Standing::Settled, now), Some((Merging::Whole, Duration::ZERO)));
        let gone = Waiting { many: false, ..gone };
        assert_eq!(pace.next(gone, Standing::Settled, now), Some((Merging::Changes, Duration::ZERO)));
        assert_eq!(pace.next(gone, Standing::LostNames, now), Some((Merging::Whole, Duration::ZERO)));
    }

    #[test]
    fn new_names_are_looked_for_everywhere_in_the_end() {
        let now = Instant::now() + 1_000 * SECOND;
        let pace = after_a_long_merge(now);
        let none = Waiting::default();
        assert_eq!(pace.next(none, Standing::NewNames, now), Some((Merging::Whole, 100 * SECOND)));
        let fresh = Waiting { fresh: true, ..none };
        assert_eq!(pace.next(fresh, Standing::NewNames, now), Some((Merging::Changes, Duration::ZERO)));
        assert_eq!(pace.next(fresh, Standing::NewNames, now + 100 * SECOND), Some((Merging::Whole, Duration::ZERO)));
    }

    #[test]
    fn what_is_cheap_is_made_whole() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        pace.made(Merging::Whole, CHEAP / 2, now + CHEAP / 2);
        let fresh = Waiting { fresh: true, ..Waiting::default() };
        assert_eq!(pace.next(fresh, Standing::Settled, now + SECOND), Some((Merging::Whole, Duration::ZERO)));
    }
}
