//! Words, phrases and beginnings of words, looked up in the word index.

use std::sync::Arc;

use echofs_query_lang::Node;
use tantivy::schema::Field;

use super::{Filter, Meaning};
use crate::bits::Bits;
use crate::bm25::{COUNTED, Placed, SKIPPED, each_among, each_at, each_posting, entries};
use crate::dictionary::Forms;
use crate::{Error, groups, phrase};

/// A word with many entries, which is best looked for in what other words leave.
pub(super) struct Common {
    forms: Arc<Forms>,
    entries: usize,
}

/// Forms without what an occurrence of each counts.
pub(super) fn names(forms: &Forms) -> impl Iterator<Item = &str> {
    forms.iter().map(|(form, _)| form.as_str())
}

impl Filter<'_> {
    /// Documents that hold the word or a relative of it; all parts of a compound, next to each other.
    pub(super) fn word(&mut self, typed: &str) -> Result<Meaning, Error> {
        let units = groups::units(typed);
        match units.as_slice() {
            [] => Ok(Meaning::Unknown),
            [unit] => {
                let forms = groups::known_forms(self.words, unit)?;
                self.holders(names(&forms), |_| true).map(Meaning::Set)
            }
            units => self.exact(units, 0).map(Meaning::Set),
        }
    }

    /// A word that is better looked for after others.
    pub(super) fn common(&self, part: &Node) -> Result<Option<Common>, Error> {
        let Node::Word(typed) = part else { return Ok(None) };
        let [unit] = &groups::units(typed)[..] else { return Ok(None) };
        let forms = groups::known_forms(self.words, unit)?;
        let entries = entries(self.words, &forms)?;
        Ok((entries > COUNTED).then_some(Common { forms, entries }))
    }

    /// The documents of `among`, if there is one, that hold all of these words.
    pub(super) fn with_common(&self, among: Option<Bits>, mut words: Vec<Common>) -> Result<Option<Bits>, Error> {
        words.sort_by_key(|word| word.entries);
        words.into_iter().try_fold(among, |among, word| self.holding(among, &word).map(Some))
    }

    fn holding(&self, among: Option<Bits>, word: &Common) -> Result<Bits, Error> {
        let Some(mut among) = among else { return self.holders(names(&word.forms), |_| true) };
        if among.count() * SKIPPED >= word.entries {
            among &= &self.holders(names(&word.forms), |_| true)?;
            return Ok(among);
        }
        let (placed, mut found) = (Placed::new(self.words, among.iter()), self.nothing());
        for form in names(&word.forms) {
            each_among(self.words, form, &placed, |_, serial, _| found.insert(serial))?;
        }
        Ok(found)
    }

    /// Documents that hold one of the forms in a field that is `wanted`.
    pub(super) fn holders<'a>(
        &self,
        forms: impl IntoIterator<Item = &'a str>,
        wanted: impl Fn(Field) -> bool + Copy,
    ) -> Result<Bits, Error> {
        let mut found = self.nothing();
        for form in forms {
            each_posting(self.words, form, wanted, |_, serial, _| found.insert(serial))?;
        }
        Ok(self.only_live(found))
    }

    /// Documents that hold a word that begins so in a field that is `wanted`.
    pub(super) fn beginning(&self, start: &str, wanted: impl Fn(Field) -> bool + Copy) -> Result<Bits, Error> {
        let mut found = self.nothing();
        for (_, places) in groups::beginning_with(self.words, start)? {
            each_at(self.words, &places, wanted, |_, serial, _| found.insert(serial))?;
        }
        Ok(self.only_live(found))
    }

    /// The index may hold more than the table of its moment knows.
    pub(super) fn only_live(&self, mut found: Bits) -> Bits {
        found &= self.table.columns().live();
        found
    }

    pub(super) fn phrase(&mut self, typed: &[String], slop: u32) -> Result<Meaning, Error> {
        let units: Vec<String> = typed.iter().flat_map(|word| groups::units(word)).collect();
        if units.is_empty() {
            return Ok(Meaning::Unknown);
        }
        self.exact(&units, slop).map(Meaning::Set)
    }

    fn exact(&self, units: &[String], slop: u32) -> Result<Bits, Error> {
        let mut found = self.nothing();
        for field in self.words.fields.words() {
            phrase::phrase(self.words, field, units, slop, &mut found)?;
        }
        Ok(self.only_live(found))
    }

    pub(super) fn prefix(&mut self, typed: &str) -> Result<Meaning, Error> {
        let mut units = groups::units(typed);
        let Some(start) = units.pop() else { return Ok(Meaning::Unknown) };
        let mut found = self.beginning(&start, |_| true)?;
        for unit in units {
            found &= &self.holders([unit.as_str()], |_| true)?;
        }
        Ok(Meaning::Set(found))
    }
}
