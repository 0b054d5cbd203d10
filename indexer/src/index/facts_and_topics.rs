//! What the documents state and what they are about, and what a language model says of them.

use std::sync::Arc;
use std::time::Duration;

use super::Index;
use crate::Error;
use crate::facts::readings::{self, ToRead};
use crate::facts::{Claim, Facts, Order, Wish};
use crate::scratch::Scratch;
use crate::topics::{Label, ToLabel, Topics, label};

/// How long an order about facts waits to be shown.
const SHOWN: Duration = Duration::from_secs(10);

impl Index {
    /// What the documents state, as far as they are read for it.
    pub fn facts(&self) -> Arc<Facts> {
        self.shared.facts()
    }

    /// Where something large can be written that is gone with its last reader.
    pub fn scratch(&self) -> Scratch {
        Scratch::new(Some(&self.shared.config.data.join("facts")))
    }

    /// The next passage that a language model may read for facts; `None` when there is none. The same one until it is
    /// [brought back](Index::bring_claims).
    ///
    /// # Errors
    /// I/O errors of the word index.
    pub fn next_to_read(&self) -> Result<Option<ToRead>, Error> {
        readings::next(&self.shared)
    }

    /// Takes what a language model says that a passage states. What no sentence of it bears out is dropped.
    pub fn bring_claims(&self, passage: &ToRead, claims: &[Claim]) {
        readings::bring(&self.shared, passage, claims);
    }

    /// What the documents are about.
    pub fn topics(&self) -> Arc<Topics> {
        self.shared.topics()
    }

    /// The next topic that a language model may be asked about; `None` when there is none. The same one until it is
    /// [brought back](Index::bring_label).
    pub fn next_to_label(&self) -> Option<ToLabel> {
        label::next(&self.shared)
    }

    /// Takes what a language model says of a topic, `None` when it said nothing. What the documents do not bear out is dropped.
    pub fn bring_label(&self, asked: ToLabel, said: Option<Label>) {
        label::bring(&self.shared, asked, said);
    }

    /// Does with the facts what the owner wants, for good: it is on disk when this returns, and shown.
    ///
    /// # Errors
    /// [`Error::NoFact`] when the wish is about one that is not there; I/O errors of the journal.
    pub fn change_facts(&self, wish: &Wish) -> Result<(), Error> {
        let facts = self.facts();
        let mut order = wish.order(&facts, &self.shared.fact_orders()).ok_or(Error::NoFact)?;
        if let Order::Replace { of, .. } = &mut order {
            let journal = self.shared.fact_orders().path().to_owned();
            let documents = wish.corrects(&facts).into_iter().filter(|path| *path != journal);
            *of = documents.map(|path| self.shared.known_as(path)).collect();
        }
        let number = self.shared.order_about_facts(order)?;
        self.wait_until_shown(number);
        Ok(())
    }

    /// Waits until an order about facts is shown.
    pub(super) fn wait_until_shown(&self, order: u64) {
        self.shared.wait_for(SHOWN, |p| p.orders.1 >= order || self.shared.is_stopping());
    }
}
