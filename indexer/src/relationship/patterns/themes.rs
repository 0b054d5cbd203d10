//! What an event is about. A program that adds an entry says so itself; of what is noted here it is the directories of the
//! documents and the telling words of the question, so that nothing of what stands in a document has to be noted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::super::entry::{Entry, Kind};
use super::super::observe::Activity;
use super::{Event, LEAST, paths};
use crate::stop_words::is_stop_word;

/// Letters of a word that may tell one subject from others.
const TELLING: usize = 4;

/// What the events are about, each with its events, in their order. What came up on a few days alone can be no pattern and is
/// left out; that depends on no time of day or year, so that nothing has to be paid for it.
pub fn of<'a, 'e>(events: &'a [Event<'e>]) -> BTreeMap<String, Vec<&'a Event<'e>>> {
    let mut themes: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
    for event in events {
        for theme in named(event.entry) {
            themes.entry(theme).or_default().push(event);
        }
    }
    let moments = |events: &[&Event]| events.iter().map(|event| (event.date, event.part)).collect::<BTreeSet<_>>();
    themes.retain(|_, events| moments(events).len() >= LEAST);
    themes
}

fn named(entry: &Entry) -> BTreeSet<String> {
    match &entry.subject {
        Some(subject) if Activity::named(subject).is_none() => BTreeSet::from([subject.clone()]),
        _ => directories(entry).chain(words(entry)).collect(),
    }
}

fn directories(entry: &Entry) -> impl Iterator<Item = String> {
    let parent = |path: &str| Some(Path::new(path).parent()?.to_str()?.to_owned());
    paths(entry).into_iter().filter_map(parent)
}

/// The words of a question; of a document there are none.
fn words(entry: &Entry) -> impl Iterator<Item = String> {
    let text = if entry.kind == Kind::Interaction { entry.text.as_str() } else { "" };
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() >= TELLING);
    words.map(str::to_lowercase).filter(|word| !is_stop_word(word))
}

#[cfg(test)]
mod tests {
    use super::super::super::entry::Evidence;
    use super::*;

    #[test]
    fn an_event_is_about_its_subject_or_its_directories_and_words() {
        let evidence = |path: &str| Evidence { path: path.into(), line: Some(1) };
        let asked = Entry {
            subject: Some("questions".into()),
            evidence: vec![evidence("/n/boat/a.md"), evidence("/n/boat/b.md")],
            ..Entry::new(Kind::Interaction, "When was the boat painted?", Default::default())
        };
        let check = |entry: &Entry, want: &[&str]| assert_eq!(named(entry).into_iter().collect::<Vec<_>>(), want);
        check(&asked, &["/n/boat", "boat", "painted"]);
        let in_vain = Entry { evidence: vec![Evidence { path: "/n/pond/a.md".into(), line: None }], ..asked.clone() };
        check(&in_vain, &["boat", "painted"]);
        check(&Entry { subject: Some("bread".into()), ..asked.clone() }, &["bread"]);
        let opened = Entry { kind: Kind::Observation, subject: Some("opens".into()), ..in_vain };
        check(&opened, &["/n/pond"]);
    }
}
