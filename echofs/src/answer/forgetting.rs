//! Whether something was forgotten while an answer was made: it may say what nobody is to find any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Orders to forget, so far.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// While it lives, something is being forgotten.
#[derive(Debug)]
pub struct Forgetting(Arc<Orders>);

impl Forgetting {
    pub(crate) fn new(orders: &Arc<Orders>) -> Forgetting {
        orders.begun.fetch_add(1, Ordering::AcqRel);
        Forgetting(orders.clone())
    }
}

impl Drop for Forgetting {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::AcqRel);
    }
}

/// A moment, from which on something may have been forgotten.
#[derive(Clone, Debug)]
pub struct Since {
    orders: Arc<Orders>,
    ended: u64,
}

impl Since {
    pub(crate) fn now(orders: &Arc<Orders>) -> Since {
        Since { orders: orders.clone(), ended: orders.ended.load(Ordering::Acquire) }
    }

    /// Whether nothing was forgotten since, nor was being forgotten then.
    pub fn nothing_is_forgotten(&self) -> bool {
        self.orders.begun.load(Ordering::Acquire) == self.ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_before_or_at_the_beginning_or_after_it_is_told() {
        let orders = Arc::<Orders>::default();
        let first = Since::now(&orders);
        assert!(first.nothing_is_forgotten());
        let forgetting = Forgetting::new(&orders);
        let second = Since::now(&orders);
        assert!(!first.nothing_is_forgotten() && !second.nothing_is_forgotten());
        let other = Forgetting::new(&orders);
        drop(forgetting);
        let third = Since::now(&orders);
        drop(other);
        assert!(!second.nothing_is_forgotten() && !third.nothing_is_forgotten());
        assert!(Since::now(&orders).nothing_is_forgotten());
    }
}
