//! Whether a kept answer still says what the notes say.
//!
//! Three questions, cheapest first: has the index changed at all; are the documents gone that the answer was made
//! from; would the same question find the same evidence now. The last one runs the search, never a model.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use super::Inner;
use super::run::{self, Basis, Place};
use super::store::Entry;

/// The longest wait for one comparison.
const ONE: Duration = Duration::from_millis(25);
/// The longest wait for all comparisons within a second.
const ALL: Duration = Duration::from_millis(100);

impl Inner {
    /// Nothing in the index has changed since the answer was last found valid.
    pub(super) fn unchanged(&self, entry: &Entry) -> bool {
        !self.model_came(entry) && entry.checked.load(Ordering::Acquire) == self.evidence.epoch()
    }

    /// It was made without a model, and there is one now.
    fn model_came(&self, entry: &Entry) -> bool {
        entry.without_model && self.generator.model().is_some()
    }

    /// It cannot be valid any more: a document it was made from is gone, or a model came. Cheap.
    fn outlived(&self, entry: &Entry) -> bool {
        self.model_came(entry) || entry.places.iter().any(|p| self.evidence.stamp(&p.path).is_none())
    }

    /// Compares the evidence; an answer that is not valid any more is dropped.
    pub(super) fn still_valid(&self, entry: &Arc<Entry>) -> bool {
        let epoch = self.evidence.epoch();
        if self.unchanged(entry) {
            return true;
        }
        let valid = !self.outlived(entry) && self.same_evidence(entry);
        if valid {
            entry.checked.store(epoch, Ordering::Release);
        } else {
            self.store.remove(entry);
        }
        valid
    }

    fn same_evidence(&self, entry: &Entry) -> bool {
        let Ok(bases) = Basis::all(&*self.evidence, &entry.settled.question, None) else { return false };
        if run::dated(&*self.evidence, &bases).is_some() {
            // Nothing kept is needed for that.
            return false;
        }
        let each: Vec<Vec<Place>> = bases.iter().map(|basis| basis.places(&*self.evidence)).collect();
        let same = |a: &Place, b: &Place| a.path == b.path && a.line == b.line && a.text == b.text;
        let known = |place: &Place| entry.places.iter().any(|old| same(old, place));
        let leads = |(basis, places): (&Basis, &Vec<Place>)| match entry.settled.answerable {
            true => leading(basis, places).iter().all(known),
            false => places.iter().all(known),
        };
        let found = |place: &Place| each.iter().flatten().any(|now| same(place, now));
        let cited = entry.places.iter().filter(|p| p.cited).all(|p| found(p) || self.stands(p));
        let any = each.iter().any(|places| !places.is_empty()) || entry.places.is_empty();
        any && cited && bases.iter().zip(&each).all(leads)
    }

    pub(super) fn drop_outlived(&self) {
        let epoch = self.evidence.epoch();
        if self.patience.seen(epoch) {
            return;
        }
        self.store.all().iter().filter(|entry| self.outlived(entry)).for_each(|entry| self.store.remove(entry));
    }

    /// Whether an entry may be shown now; see [`get`](super::Answers::get).
    pub(super) fn current(self: &Arc<Self>, entry: &Arc<Entry>) -> bool {
        if self.unchanged(entry) {
            return true;
        }
        if self.outlived(entry) {
            self.store.remove(entry);
            return false;
        }
        if !entry.checking.swap(true, Ordering::AcqRel) {
            self.patience.wait(&self.check(entry));
        }
        // One that is still compared is not shown: who reads the question waits for that, and is told what holds.
        self.unchanged(entry) && self.store.get(&entry.key).is_some_and(|known| Arc::ptr_eq(&known, entry))
    }

    /// Compares the evidence of an entry on another thread, which drops its end of the channel when it is done.
    fn check(self: &Arc<Self>, entry: &Arc<Entry>) -> mpsc::Receiver<()> {
        let (done, wait) = mpsc::channel();
        let (inner, checked) = (self.clone(), entry.clone());
        let work = move || {
            inner.still_valid(&checked);
            checked.checking.store(false, Ordering::Release);
            drop(done);
        };
        if let Err(error) = std::thread::Builder::new().name("answer-check".to_owned()).spawn(work) {
            log::warn!("no thread to check an answer: {error}");
            entry.checking.store(false, Ordering::Release);
        }
        wait
    }

    /// Whether the sentence still stands in its document, at its line.
    fn stands(&self, place: &Place) -> bool {
        self.evidence.passages(&place.path).iter().any(|passage| {
            passage.text.match_indices(&place.text).any(|(at, _)| {
                let lines = passage.text[..at].matches('\n').count();
                usize::try_from(passage.line).is_ok_and(|line| line + lines == place.line as usize)
            })
        })
    }
}

/// The sentences of the best excerpt.
fn leading<'a>(basis: &Basis, places: &'a [Place]) -> &'a [Place] {
    let count = basis.excerpts.first().map_or(0, |excerpt| excerpt.sentences.len());
    &places[..count.min(places.len())]
}

/// Bounds how long lookups wait for comparisons, so that listing many answers after a change stays quick.
#[derive(Debug, Default)]
pub(super) struct Patience {
    spent: Mutex<Option<(Instant, Duration)>>,
    epoch: Mutex<Option<u64>>,
}

impl Patience {
    /// Whether this was called for the same epoch the last time.
    pub fn seen(&self, epoch: u64) -> bool {
        self.epoch.lock().unwrap_or_else(PoisonError::into_inner).replace(epoch) == Some(epoch)
    }

    /// Waits until the other end of `done` is dropped, within bounds.
    pub fn wait(&self, done: &mpsc::Receiver<()>) {
        let allowed = ALL.saturating_sub(self.spent_lately()).min(ONE);
        let started = Instant::now();
        let _: Result<(), mpsc::RecvTimeoutError> = done.recv_timeout(allowed);
        if let Some((_, spent)) = &mut *self.spent.lock().unwrap_or_else(PoisonError::into_inner) {
            *spent += started.elapsed();
        }
    }

    fn spent_lately(&self) -> Duration {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match &*spent {
            Some((since, time)) if now - *since < Duration::from_secs(1) => *time,
            _ => {
                *spent = Some((now, Duration::ZERO));
                Duration::ZERO
            }
        }
    }
}
