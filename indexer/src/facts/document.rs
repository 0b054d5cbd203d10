//! The facts of one document: its passages, line by line and sentence by sentence.

use std::ops::Range;

use jiff::civil::Date;

use super::fact::{Category, Found, Method};
use super::sentence::Sentence;
use super::token::{Token, sentences, tokens};
use super::{Triple, category, clause, dates, entity, lines, noun};
use crate::Passage;
use crate::conversations::turn_line;

/// No more facts are taken from one document.
const MAX_FACTS: usize = 2_000;
/// No more tokens of one sentence are looked at.
const MAX_TOKENS: usize = 120;
/// Longest subject, predicate or object, in bytes.
const MAX_PART: usize = 300;

/// A document to be read for facts.
pub struct Document<'a> {
    /// Its title.
    pub title: &'a str,
    /// Its media kind.
    pub media: &'a str,
    /// The date it states.
    pub date: Option<Date>,
    /// Its language, as a code of three letters, where that is clear.
    pub language: Option<&'a str>,
}

/// Everything its passages state.
pub fn facts<'a>(document: &Document, passages: impl Iterator<Item = &'a Passage>) -> Vec<Found> {
    let mut found = Vec::new();
    if !is_readable(document.media) {
        return found;
    }
    let mut fenced = false;
    let mut tells_how = false;
    let mut turn = None;
    for passage in passages {
        tells_how |= passage.text.contains("```") || passage.text.contains("~~~");
        let heading = passage.heading.rsplit(" > ").next().filter(|h| !h.is_empty());
        let topic = heading.unwrap_or(document.title);
        let (text, line, person, date) = (passage.text.as_str(), passage.line, None, document.date);
        let mut reader = Reader { document, text, line, topic, person, tells_how, turn, date };
        for block in lines::blocks(text, &mut fenced) {
            reader.block(&block, &mut found);
        }
        turn = said_on(document, text).or(turn);
        if found.len() >= MAX_FACTS {
            break;
        }
    }
    found.truncate(MAX_FACTS);
    found
}

/// Whether a sentence is a question, which states nothing.
fn asks(sentence: &[Token]) -> bool {
    let mut back = sentence.iter().rev().map(|token| token.lower.as_str());
    back.find(|word| !matches!(*word, "\"" | "'" | "''" | "”" | "’" | ")")) == Some("?")
}

/// Whether a document of this kind is prose or says things as `key: value`.
pub fn is_readable(media: &str) -> bool {
    !matches!(media, "code" | "log" | "table" | "sheet" | "json" | "xml" | "subtitles")
}

/// Reads one passage.
struct Reader<'a> {
    document: &'a Document<'a>,
    text: &'a str,
    line: u32,
    topic: &'a str,
    /// The last person that a sentence was about: "he" or "she" in the next one.
    person: Option<String>,
    /// Whether the document holds code: "I" and "we" are then the reader as often as the writer.
    tells_how: bool,
    /// The day of the turn in which the passage begins.
    turn: Option<Date>,
    /// The day on which what is read now was written.
    date: Option<Date>,
}

/// The day of the last turn of a conversation that begins in this text.
fn said_on(document: &Document, text: &str) -> Option<Date> {
    let mut lines = text.lines().rev().take_while(|_| document.media == "conversation");
    lines.find_map(turn_line).map(|(_, at)| at.date())
}

impl Reader<'_> {
    /// The day on which the words at a place were written: that of their line, of their turn, of the document.
    fn date_at(&self, at: usize) -> Option<Date> {
        let before = &self.text[..at];
        let line = &before[before.rfind('\n').map_or(0, |end| end + 1)..];
        let turn = || said_on(self.document, before).or(self.turn);
        dates::written(line).map(|at| at.date()).or_else(turn).or(self.document.date)
    }

    fn block(&mut self, block: &lines::Block, found: &mut Vec<Found>) {
        match block {
            lines::Block::Prose(range) => {
                self.date = self.date_at(range.start);
                self.prose(range.clone(), found);
            }
            lines::Block::Statement(statement) => {
                self.date = self.date_at(statement.range.start);
                let subject = statement.subject.as_deref().unwrap_or(self.topic);
                if !subject.chars().any(char::is_alphabetic) {
                    return;
                }
                let made = self.found(subject, &statement.predicate, &statement.object, statement.range.clone());
                let times = (statement.from.or(self.date), statement.until);
                let made = Found { category: statement.category, confidence: statement.confidence, ..made };
                found.push(Found { valid_from: times.0, valid_until: times.1, ..made });
            }
        }
    }

    fn prose(&mut self, range: Range<usize>, found: &mut Vec<Found>) {
        if matches!(self.document.media, "yaml" | "toml") {
            return;
        }
        let tokens = tokens(self.text, range);
        for sentence in sentences(&tokens) {
            if self.is_foreign(&tokens[sentence.clone()]) || asks(&tokens[sentence.clone()]) {
                continue;
            }
            if (2..=MAX_TOKENS).contains(&sentence.len()) {
                self.sentence(&tokens[sentence], found);
            }
        }
    }

    /// Whether a sentence of a text in another language is not an English one: the rules know English alone.
    fn is_foreign(&self, tokens: &[Token]) -> bool {
        const ENGLISH: &[&str] =
            &["the", "of", "and", "to", "that", "with", "for", "are", "is", "by", "his", "her", "from"];
        let foreign = self.document.language.is_some_and(|language| language != "eng");
        foreign && tokens.iter().filter(|token| ENGLISH.contains(&token.lower.as_str())).count() < 2
    }

    fn sentence(&mut self, tokens: &[Token], found: &mut Vec<Found>) {
        let span = tokens[0].span.start..tokens[tokens.len() - 1].span.end;
        let sentence = Sentence::new(self.text, tokens);
        let mut triples = clause::triples(&sentence);
        triples.extend(noun::triples(&sentence));
        let first = found.len();
        for triple in triples.into_iter().filter(is_sound) {
            let same = |f: &Found| {
                (&f.subject, &f.predicate, &f.object) == (&triple.subject, &triple.predicate, &triple.object)
            };
            if !found[first..].iter().any(same) {
                found.push(self.stated(&triple, span.clone()));
            }
        }
        let topic = person_first(&sentence);
        self.resolve(topic.as_deref(), &mut found[first..]);
    }

    /// Puts the person that this sentence begins with, or an earlier one was about, in the place of "he" and "she", and
    /// remembers the one of this sentence.
    fn resolve(&mut self, topic: Option<&str>, found: &mut [Found]) {
        for fact in found.iter_mut() {
            if matches!(fact.subject.to_lowercase().as_str(), "he" | "she")
                && let Some(person) = &self.person
            {
                fact.subject.clone_from(person);
            }
            if let Some(pronoun) = objective(&fact.object) {
                let person = topic.map(str::to_owned).or_else(|| self.person.clone());
                let person = person.filter(|person| matches!(pronoun, "him" | "her") && *person != fact.subject);
                fact.object = person.unwrap_or_else(|| pronoun.to_owned());
            }
        }
        let person = found.iter().find_map(|fact| entity::name(&fact.subject).filter(|name| is_person(name)));
        self.person = person.or(self.person.take());
    }

    fn stated(&self, triple: &Triple, span: Range<usize>) -> Found {
        let made = self.found(&triple.subject, &triple.predicate, &triple.object, span);
        let at = if dates::is_time(&triple.object) { dates::parse(&triple.object) } else { None };
        let from = triple.from.or(at).or(self.date);
        let (category, confidence) = category::of(triple);
        let reader = self.tells_how && matches!(triple.subject.to_lowercase().as_str(), "i" | "we");
        let confidence = if reader { confidence * 0.7 } else { confidence };
        Found { category, confidence, valid_from: from, valid_until: triple.until, ..made }
    }

    fn found(&self, subject: &str, predicate: &str, object: &str, span: Range<usize>) -> Found {
        let line = self.line + self.text[..span.start].matches('\n').count() as u32;
        Found {
            subject: subject.trim().to_owned(),
            predicate: predicate.trim().to_owned(),
            object: unstopped(object.trim()).to_owned(),
            category: Category::Relation,
            confidence: 0.5,
            valid_from: None,
            valid_until: None,
            line,
            quote: self.text[span].to_owned(),
            method: Method::Rule,
            learnt: None,
        }
    }
}

/// The name of a person that a sentence begins with.
fn person_first(s: &Sentence) -> Option<String> {
    let first = (0..s.phrases.len()).find(|at| s.is_noun(*at)).filter(|at| s.is_name(*at))?;
    entity::name(&s.words(&(first..first + 1))).filter(|name| is_person(name))
}

/// "Mary is wife of he": the form for an object.
fn objective(word: &str) -> Option<&'static str> {
    Some(match word {
        "he" => "him",
        "she" => "her",
        "they" => "them",
        "I" => "me",
        "we" => "us",
        _ => return None,
    })
}

/// "no." without the full stop, which stands behind a sentence; initials and shortened words keep theirs.
fn unstopped(text: &str) -> &str {
    let cut = text.strip_suffix('.').filter(|cut| matches!(cut.to_lowercase().as_str(), "no" | "etc"));
    cut.unwrap_or(text)
}

/// Whether a name looks like that of a person.
fn is_person(name: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(char::is_uppercase) && word.chars().skip(1).all(|c| c.is_lowercase() || "-'’.".contains(c))
    };
    name != "me" && name.split(' ').count() <= 3 && name.split(' ').all(word)
}

/// What stands in instructions for something else.
fn is_placeholder(text: &str) -> bool {
    const PLACES: &[&str] = &[
        "NAME",
        "NUMBER",
        "FILE",
        "FILENAME",
        "PATH",
        "DIR",
        "DIRECTORY",
        "HOST",
        "HOSTNAME",
        "USER",
        "USERNAME",
        "KEY",
        "VALUE",
        "TEXT",
        "STRING",
        "COMMAND",
        "OPTIONS",
        "ARGS",
        "ID",
        "URL",
        "DATE",
        "BRANCH",
        "COMMIT",
    ];
    PLACES.contains(&text)
}

/// Whether a triple says something: three parts of a sensible length, two different things, and a subject that can be one.
pub fn is_sound(triple: &Triple) -> bool {
    const OBJECTS: &[&str] =
        &["me", "him", "her", "them", "us", "himself", "herself", "itself", "themselves", "myself"];
    // "is what", "was able": the rest was not found.
    const OPEN: &[&str] = &["what", "which", "who", "whom", "able", "unable", "likely", "unlikely"];
    let open = [&triple.subject, &triple.object].iter().any(|part| OPEN.contains(&part.to_lowercase().as_str()));
    let parts = [&triple.subject, &triple.predicate, &triple.object];
    let full = parts.iter().all(|part| part.chars().any(char::is_alphanumeric) && part.len() <= MAX_PART);
    let named = triple.subject.chars().any(char::is_alphabetic);
    let placeholder = parts.iter().any(|part| is_placeholder(part));
    full && named
        && !open
        && !placeholder
        && triple.subject != triple.object
        && !OBJECTS.contains(&triple.subject.to_lowercase().as_str())
}
