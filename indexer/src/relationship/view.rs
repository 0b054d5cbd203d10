//! The log as it is to be seen: corrected by its owner.

use std::collections::{HashMap, HashSet};

use jiff::tz::TimeZone;

use super::entry::{Entry, Kind};
use super::patterns::{self, Pattern};

/// The entries that count, oldest first, and what is not to be shown.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Entries that were not retracted, with the words of their corrections; corrections themselves are not among them.
    pub entries: Vec<Entry>,
    /// Subjects and patterns that are not to be shown.
    retracted: HashSet<String>,
    /// What the owner says instead, by subject or pattern.
    corrected: HashMap<String, String>,
}

impl View {
    /// What is to be seen of a log.
    pub fn new(log: &[Entry]) -> View {
        let mut view = View::default();
        let mut of: HashMap<u64, &Entry> = HashMap::new();
        let corrects = |entry: &&Entry| entry.kind == Kind::Correction && entry.forgotten.is_none();
        for correction in log.iter().filter(corrects) {
            match (correction.of, &correction.subject) {
                (Some(seq), _) => drop(of.insert(seq, correction)),
                (None, Some(subject)) => view.correct(subject, correction),
                (None, None) => {}
            }
        }
        let said = |entry: &&Entry| entry.kind != Kind::Correction && entry.forgotten.is_none();
        for entry in log.iter().filter(said) {
            match of.get(&entry.seq) {
                Some(correction) if correction.retract => {}
                Some(correction) => view.entries.push(Entry { text: correction.text.clone(), ..entry.clone() }),
                None => view.entries.push(entry.clone()),
            }
        }
        view
    }

    fn correct(&mut self, subject: &str, correction: &Entry) {
        let key = subject.to_lowercase();
        if correction.retract {
            self.retracted.insert(key);
        } else {
            self.retracted.remove(&key);
            self.corrected.insert(key, correction.text.clone());
        }
    }

    /// Whether a subject or pattern may be shown.
    pub fn shows(&self, name: &str) -> bool {
        !self.retracted.contains(&name.to_lowercase())
    }

    /// What the owner says of a subject or pattern.
    pub fn owners_word(&self, name: &str) -> Option<&str> {
        self.corrected.get(&name.to_lowercase()).map(String::as_str)
    }

    /// The regularities of what happened that may be shown, the surest first, in the owner's words where there are some.
    pub fn patterns(&self, zone: &TimeZone) -> Vec<Pattern> {
        let found = patterns::find(&self.entries, zone).into_iter().filter(|pattern| self.shows(&pattern.id));
        let in_words = |pattern: Pattern| match self.owners_word(&pattern.id) {
            Some(word) => Pattern { text: word.to_owned(), ..pattern },
            None => pattern,
        };
        found.map(in_words).collect()
    }

    /// The entries of a kind by subject, in the order of the subjects' names; without those that are not to be shown.
    pub fn by_subject(&self, kind: Kind) -> Vec<(String, Vec<&Entry>)> {
        let mut subjects: std::collections::BTreeMap<String, (String, Vec<&Entry>)> = Default::default();
        for entry in self.entries.iter().filter(|entry| entry.kind == kind) {
            let Some(subject) = entry.subject.clone().filter(|subject| self.shows(subject)) else { continue };
            subjects.entry(subject.to_lowercase()).or_insert_with(|| (subject, Vec::new())).1.push(entry);
        }
        let mut all: Vec<(String, Vec<&Entry>)> = subjects.into_values().collect();
        all.iter_mut().for_each(|(_, entries)| entries.sort_by_key(|entry| entry.at));
        all
    }
}
