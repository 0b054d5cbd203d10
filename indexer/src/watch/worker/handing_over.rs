//! What was found is handed over, and what is told of the sources.

use std::time::Instant;

use super::{AT_ONCE, Worker};
use crate::shared::lock;
use crate::watch::Change;
use crate::watch::outbox::Outbox;
use crate::watch::state::RootState;
use crate::watch::survey::Staged;

impl Worker {
    /// Hands over what was found. A pass that looks for differences keeps its finds together for up to a
    /// second unless `at_once`, so that both ends of a rename are told as one.
    pub(super) fn publish(&mut self, at_once: bool) {
        let comparing = self.roots.iter().any(|root| root.pass.as_ref().is_some_and(|pass| !pass.full));
        if !at_once && comparing && self.told.elapsed() < AT_ONCE {
            return;
        }
        self.told = Instant::now();
        if !self.survey.staged().is_empty() {
            self.doubt_removals();
            let staged = self.survey.take_staged();
            self.with_outbox(|outbox| staged.into_iter().for_each(|staged| record(outbox, staged)));
        }
        self.show_states();
    }

    /// Files that vanish because their whole source went away are not deleted: it is looked at before they are told.
    fn doubt_removals(&mut self) {
        let removed = |root: usize, staged: &[Staged]| staged.iter().any(|one| one.root == root && one.now.is_none());
        for root in 0..self.roots.len() {
            if self.roots[root].unavailable.is_none() && removed(root, self.survey.staged()) {
                let id = self.roots[root].probe(&self.policy);
                match id {
                    Ok(id) if Some(id) == self.roots[root].id => {}
                    Ok(_) => {
                        self.survey.forget(root);
                        self.roots[root].id = None;
                        self.roots[root].pass = None;
                        self.roots[root].next = Instant::now();
                    }
                    Err(reason) => self.lose(root, reason),
                }
            }
        }
    }

    pub(super) fn mark(&mut self, change: Change) {
        self.with_outbox(|outbox| outbox.mark(change));
    }

    /// What waits to be told of a source is of no use any more.
    pub(super) fn abandon(&self, root: usize) {
        let path = &self.roots[root].path;
        self.with_outbox(|outbox| outbox.abandon(path, |known| self.policy.root_of(known) == Some(path)));
    }

    /// The states are shown first, so that they are never behind what was told.
    pub(super) fn with_outbox(&self, act: impl FnOnce(&mut Outbox)) {
        self.show_states();
        act(&mut lock(&self.shared.outbox));
        self.shared.ready.notify_all();
    }

    pub(super) fn show_states(&self) {
        let states = self.roots.iter().enumerate().map(|(index, root)| RootState {
            root: root.path.clone(),
            watch: root.watch.clone(),
            unavailable: root.unavailable.clone(),
            scanning: root.pass.as_ref().is_some_and(|pass| pass.full),
            files: self.survey.files(index),
        });
        *lock(&self.shared.states) = states.collect();
    }
}

fn record(outbox: &mut Outbox, staged: Staged) {
    outbox.record(staged.path, staged.before, staged.now, staged.again);
}
