//! Of every name in a corpus the fullest form of it, by what the documents state together.

use std::collections::{HashMap, HashSet};

use super::entity::{form, is_title, listed, name, people};
use super::fact::Found;
use super::renamed::renamed;

/// So often a name may have been changed for another one.
const RENAMED: usize = 4;

/// For every name of a corpus, the fullest form of it.
#[derive(Debug, Default)]
pub struct Names {
    /// From the first word of a person's name to the full names that begin with it, each with how often it was met.
    full: HashMap<String, HashMap<String, u32>>,
    /// From the last word of a person's name to the full names that end with it.
    last: HashMap<String, HashSet<String>>,
    /// From a mail address to a name.
    addresses: HashMap<String, String>,
    /// From another name, in small letters, to the one that counts, as the owner has it.
    others: HashMap<String, String>,
}

impl Names {
    /// Gathers the names in a statement.
    pub fn gather(&mut self, fact: &Found) {
        for side in people(fact) {
            if let Some(full) = name(side).filter(|n| n.contains(' ')) {
                self.add(full);
            }
        }
        let key = fact.predicate.to_lowercase();
        if matches!(key.as_str(), "email" | "mail" | "e-mail") {
            self.add_address(&fact.subject, &fact.object);
        }
        for (named, address) in listed(&fact.predicate, &fact.object) {
            named.iter().filter(|full| full.contains(' ')).for_each(|full| self.add(full.clone()));
            if let (Some(named), Some(address)) = (named, address) {
                self.add_address(&named, &address);
            }
        }
    }

    /// Gathers that two names are one, where the owner says so. The first that is said of a name stays.
    pub fn gather_other(&mut self, fact: &Found) {
        if let Some((other, name)) = renamed(fact) {
            self.others.entry(other.to_lowercase()).or_insert(name);
        }
    }

    fn add(&mut self, full: String) {
        let words: Vec<&str> = full.split(' ').collect();
        let person = (2..=3).contains(&words.len())
            && words.iter().all(|w| w.chars().skip(1).all(|c| c.is_lowercase() || "-'’.".contains(c)) || w.len() < 3);
        if person {
            *self.full.entry(words[0].to_lowercase()).or_default().entry(full.clone()).or_default() += 1;
            self.last.entry(words[words.len() - 1].to_lowercase()).or_default().insert(full);
        }
    }

    /// The first name that an address comes with stays.
    fn add_address(&mut self, named: &str, address: &str) {
        if let Some(full) = form(named).filter(|_| address.contains('@') && !address.contains(' ')) {
            let known = self.addresses.entry(address.to_lowercase()).or_insert_with(|| full.clone());
            if !known.contains(' ') {
                *known = full;
            }
        }
    }

    /// The entity that `text` names, within a document that names `near`; `None` when it is no name.
    pub fn entity(&self, text: &str, near: &HashSet<String>) -> Option<String> {
        self.named(text, near).map(|name| self.now_called(name))
    }

    /// What the owner says that somebody of this name is called.
    fn now_called(&self, mut name: String) -> String {
        for _ in 0..self.others.len().min(RENAMED) {
            match self.others.get(&name.to_lowercase()) {
                Some(other) => name.clone_from(other),
                None => break,
            }
        }
        name
    }

    fn named(&self, text: &str, near: &HashSet<String>) -> Option<String> {
        let address = text.rsplit_once(" <").map_or(text, |(_, address)| address.trim_end_matches('>'));
        if let Some(full) = self.addresses.get(&address.to_lowercase()) {
            return Some(full.clone());
        }
        let name = form(text)?;
        if name.contains(' ') {
            return Some(name);
        }
        if let Some(full) = self.titled(text, &name) {
            return Some(full);
        }
        let Some(candidates) = self.full.get(&name.to_lowercase()) else { return Some(name) };
        let mut here = candidates.keys().filter(|full| near.contains(*full)).peekable();
        let full = if here.peek().is_some() { self.one(here) } else { self.one(candidates.keys()) };
        Some(full.unwrap_or(name))
    }

    /// What all of these full names are, if that is one.
    fn one<'a>(&self, mut names: impl Iterator<Item = &'a String>) -> Option<String> {
        let first = self.now_called(names.next()?.clone());
        let is_first = |other: &String| !self.others.is_empty() && self.now_called(other.clone()) == first;
        names.all(is_first).then_some(first)
    }

    /// "Mr Halliday", where one person has that last name.
    fn titled(&self, text: &str, name: &str) -> Option<String> {
        let titled = text.split_whitespace().next().is_some_and(is_title);
        let all = self.last.get(&name.to_lowercase()).filter(|all| titled && all.len() == 1)?;
        all.iter().next().cloned()
    }

    /// Counts the full names of a document besides; whether all of them were known. Those that were not still are not.
    pub fn count(&mut self, of: &Names) -> bool {
        let mut known = true;
        for (full, times) in of.full.values().flatten() {
            match self.times(full) {
                Some(count) => *count += times,
                None => known = false,
            }
        }
        known
    }

    /// Counts the full names of a document no more; whether each of them is met elsewhere. One that is not stays known.
    pub fn discount(&mut self, of: &Names) -> bool {
        let mut left = true;
        for (full, times) in of.full.values().flatten() {
            if let Some(count) = self.times(full) {
                *count = count.saturating_sub(*times);
                left &= *count > 0;
            }
        }
        left
    }

    /// How often a full name was met.
    fn times(&mut self, full: &str) -> Option<&mut u32> {
        self.full.get_mut(&full.split(' ').next()?.to_lowercase())?.get_mut(full)
    }

    /// Whether a document that names `new` gives no address, and no other name, another name than it has.
    pub fn know_addresses(&self, new: &Names) -> bool {
        let others = new.others.iter().all(|(other, name)| self.others.get(other) == Some(name));
        others && new.addresses.iter().all(|(address, name)| self.addresses.get(address) == Some(name))
    }

    /// Whether no address, and no other name, has its name from a document that named `old` and now names `new`.
    pub fn keep_addresses(&self, old: &Names, new: &Names) -> bool {
        let is_kept = |address: &String, name: &String| new.addresses.get(address) == Some(name);
        let mut named = old.addresses.iter().filter(|(address, name)| self.addresses.get(*address) == Some(*name));
        let others = old.others.iter().all(|(other, name)| new.others.get(other) == Some(name));
        others && named.all(|(address, name)| is_kept(address, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Method;
    use crate::facts::entity::near;
    use crate::facts::entity::tests::found;

    #[test]
    fn all_names_of_a_person_are_one() {
        let facts = [
            found("Minutes", "attendees", "[Hanna Brekke, Callum Osei]"),
            found("Oil", "From", "Callum Reid <reid@joiner.example>"),
            found("Oil", "To", "hanna@brekke.example"),
            found("Hanna Brekke", "Email", "hanna@brekke.example"),
            found("森田健二 (Kenji Morita)", "Email", "morita@lab.example"),
            found("Gate", "From", "Innes Halliday <h@foot.example>"),
        ];
        let mut names = Names::default();
        facts.iter().for_each(|found| names.gather(found));
        let near = near(&facts[..1]);
        let check = |text: &str, want: &str| assert_eq!(names.entity(text, &near).as_deref(), Some(want), "{text}");
        check("Hanna", "Hanna Brekke");
        check("hanna@brekke.example", "Hanna Brekke");
        check("Callum", "Callum Osei");
        check("Callum <reid@joiner.example>", "Callum Reid");
        check("森田健二 <morita@lab.example>", "Kenji Morita");
        check("Mr Halliday", "Innes Halliday");
        assert_eq!(names.entity("Callum", &HashSet::new()).as_deref(), Some("Callum"), "there are two");
    }

    #[test]
    fn the_owner_says_that_two_names_are_one() {
        let said = |subject: &str, predicate: &str, object: &str| Found {
            method: Method::User,
            ..found(subject, predicate, object)
        };
        let mut names = Names::default();
        let facts = [
            found("Hanna Lund", "Email", "hanna@lund.example"),
            found("Hanna Lund", "lives in", "Bergen"),
            found("Hanna Brekke", "lives in", "Oslo"),
        ];
        facts.iter().for_each(|found| names.gather(found));
        let check = |names: &Names, text: &str, want: &str| {
            assert_eq!(names.entity(text, &HashSet::new()).as_deref(), Some(want), "{text}");
        };
        check(&names, "Hanna", "Hanna");
        for other in [
            said("Hanna Lund", "is now called", "Hanna Brekke"),
            said("Bob", "is the same as", "Robert Smith"),
            said("Robert Smith", "is now called", "Robert Lee"),
            said("Kari", "is the same as", "Karin"),
            said("Karin", "is the same as", "Kari"),
        ] {
            names.gather_other(&other);
        }
        check(&names, "Hanna Lund", "Hanna Brekke");
        check(&names, "Dr Hanna Lund", "Hanna Brekke");
        check(&names, "hanna@lund.example", "Hanna Brekke");
        check(&names, "Hanna", "Hanna Brekke");
        check(&names, "Bob", "Robert Lee");
        check(&names, "Jon", "Jon");
        assert!(names.entity("Kari", &HashSet::new()).is_some(), "a circle has an end");
        let mut one = Names::default();
        one.gather_other(&said("Hanna Lund", "is now called", "Hanna Brekke"));
        assert!(names.know_addresses(&one) && !Names::default().know_addresses(&one));
        assert!(names.keep_addresses(&one, &one) && !names.keep_addresses(&one, &Names::default()));
    }

    #[test]
    fn names_are_met_until_the_last_goes() {
        let of = |facts: &[Found]| {
            let mut names = Names::default();
            facts.iter().for_each(|found| names.gather(found));
            names
        };
        let oda = [found("Oda Brekke", "lives in", "Bergen")];
        let mail = [found("Oil", "From", "Callum Reid <reid@joiner.example>")];
        let other = [found("Oil", "From", "Jon Lie <reid@joiner.example>")];
        let mut names = of(&[oda.as_slice(), &mail].concat());
        assert!(names.count(&of(&oda)) && !names.count(&of(&[found("Kari Lund", "lives in", "Moss")])));
        assert!(names.discount(&of(&oda)) && !names.discount(&of(&oda)));
        assert_eq!(names.entity("Oda", &HashSet::new()).as_deref(), Some("Oda Brekke"), "still known");
        assert!(names.know_addresses(&of(&mail)) && !names.know_addresses(&of(&other)));
        assert!(names.keep_addresses(&of(&mail), &of(&mail)) && names.keep_addresses(&of(&other), &of(&mail)));
        assert!(!names.keep_addresses(&of(&mail), &of(&oda)));
    }
}
