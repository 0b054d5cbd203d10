//! What words before somebody's occupation say: of which country and of which party they are.

use super::Triple;
use super::occupation::is_person;
use super::sentence::{Run, Sentence};
use super::tag::Tag;
use super::token::join;

/// "Australian footballer X", "Green Party leader X": what a noun phrase says by itself.
pub fn titled(s: &Sentence, at: usize) -> Vec<Triple> {
    let span = s.phrases[at].span.clone();
    let Some(people) = occupation(s, at) else { return Vec::new() };
    let named = people + 1..span.end;
    let all_name = !named.is_empty() && s.tags[named.clone()].iter().all(|tag| *tag == Tag::Proper);
    if all_name { statements(s, &join(s.text, &s.tokens[named]), span.start..people) } else { Vec::new() }
}

/// "X is an Australian footballer": what the complement `run` says of the subject.
pub fn complement(s: &Sentence, subject: &str, run: &Run) -> Vec<Triple> {
    let start = s.phrases[run.start].span.start;
    occupation(s, run.start).map(|people| statements(s, subject, start..people)).unwrap_or_default()
}

/// Where the word for people stands in a noun phrase.
fn occupation(s: &Sentence, at: usize) -> Option<usize> {
    let span = s.phrases.get(at)?.span.clone();
    span.rev().find(|n| is_person(&s.tokens[*n].lower) && (s.tags[*n] != Tag::Proper || s.tokens[*n].lower == "leader"))
}

/// What these words say of somebody.
fn statements(s: &Sentence, subject: &str, words: std::ops::Range<usize>) -> Vec<Triple> {
    let statement = |predicate: &str, object: String| Triple {
        subject: subject.to_owned(),
        predicate: predicate.into(),
        object,
        rule: "native",
        ..Triple::default()
    };
    // "British Columbia politician": a name that goes on.
    let country = words.clone().find(|n| is_demonym(s.tokens[*n].text) && s.tags[*n] != Tag::Proper);
    let country = country.map(|n| statement("has nationality", s.tokens[n].text.to_owned()));
    country.into_iter().chain(party(s, words).map(|party| statement("is a member of", party))).collect()
}

/// "Green Party", "Communist Party".
fn party(s: &Sentence, words: std::ops::Range<usize>) -> Option<String> {
    let last = words.clone().find(|n| s.tokens[*n].text == "Party")?;
    let first = (words.start..last).rev().take_while(|n| s.tokens[*n].is_capital()).last()?;
    Some(join(s.text, &s.tokens[first..last + 1]))
}

/// An adjective for the people of a country, by its form: "Norwegian", "Spanish", "Japanese", "French".
pub fn is_demonym(word: &str) -> bool {
    const OTHERS: &[&str] = &[
        "French",
        "Dutch",
        "Greek",
        "Welsh",
        "Swiss",
        "Thai",
        "Czech",
        "Slovak",
        "Israeli",
        "Iraqi",
        "Pakistani",
        "Bangladeshi",
        "Filipino",
        "Argentine",
        "Icelandic",
        "Kuwaiti",
        "Saudi",
        "Afghan",
        "German",
        "Somali",
        "Omani",
        "Yemeni",
        "Qatari",
        "Emirati",
        "Bahraini",
        "Nepali",
        "Bengali",
        "Punjabi",
        "Azerbaijani",
        "Croat",
        "Serb",
        "Arab",
        "Malagasy",
        "Monegasque",
        "Greenlandic",
        "Philippine",
        "Roman",
        "Norman",
        "Hispanic",
        "Nordic",
        "Slavic",
    ];
    const NONE: &[&str] = &[
        "Christian",
        "Republican",
        "Presbyterian",
        "Vatican",
        "Anglican",
        "Lutheran",
        "Mediterranean",
        "Caribbean",
        "Ocean",
        "Dean",
        "Sean",
        "Jean",
        "Ian",
        "Brian",
        "Julian",
        "Adrian",
        "Vivian",
        "Lillian",
        "Gillian",
        "Damian",
        "Parish",
        "Finish",
        "Publish",
        "Establish",
        "Wish",
        "Dish",
        "Fish",
        "Bean",
        "Clean",
        "Mean",
        "These",
        "Cheese",
        "Victorian",
        "Edwardian",
        "Georgian-style",
        "Dominican-style",
        "Can",
        "Scan",
        "Ascii",
        "Librarian",
        "Historian",
        "Comedian",
        "Musician",
        "Physician",
        "Politician",
        "Guardian",
        "Civilian",
        "Veterinarian",
        "Technician",
    ];
    let ends = ["ian", "ean", "can", "ish", "ese", "stani"].iter().any(|end| word.ends_with(end));
    let shaped = word.starts_with(char::is_uppercase) && word.chars().skip(1).all(char::is_lowercase);
    ends && shaped && !NONE.contains(&word) || OTHERS.contains(&word)
}
