//! "When" questions that a fact answers: a decision, something that happened, a date that was fixed, something to be done by a day.
//!
//! No model is asked, so only a fact that says what is asked and nothing else will do: it has all words of the question, the
//! question has all that it is about, both say it the same way round, and one day alone comes into question. All else goes the
//! ordinary way.

use std::path::{Path, PathBuf};

use echofs_indexer::facts::{Category, Fact, days_in};
use echofs_query_lang::MONTHS;
use jiff::civil::Date;

use super::evidence::Evidence;
use super::irregular;
use super::opposites::{negated, opposed};
use super::question::Question;
use super::relative;
use super::render::{self, Answer, Citation};
use super::run::Basis;
use super::span::DAYS;
use super::text::{Token, line_feeds, tokens};
use super::versions;

mod doubts;
mod words;

use words::{DUE, FURTHER, HAPPENS, LISTS, MOVED, OFF, OWN, SPEAKERS, TIMES, UNCLEAR, UNSURE, WAYS};

/// Words of a question without which a fact cannot be sure to be the one that is meant.
const FEWEST: usize = 2;

/// A question that asks for a day, read.
#[derive(Clone, Debug)]
pub struct When {
    words: Vec<Token>,
    /// Stems of its content words.
    terms: Vec<String>,
    /// Whether it asks for something that was.
    past: bool,
    /// Whether it asks by when something is to be done.
    due: bool,
}

/// What a document states, and what is known of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// What it is about.
    pub subject: String,
    /// How the two are related.
    pub predicate: String,
    /// The other thing.
    pub object: String,
    /// What kind of statement it is.
    pub category: Category,
    /// Since when it is true.
    pub from: Option<Date>,
    /// Until when.
    pub until: Option<Date>,
    /// The document.
    pub path: PathBuf,
    /// Line of the quotation, from 1.
    pub line: u32,
    /// The words of the document.
    pub quote: String,
    /// The day that the document states, where no document of another day says the same.
    pub written: Option<Date>,
    /// Whether the owner wrote it, and is "I" in it, as far as it says.
    pub own: bool,
}

impl Stated {
    /// Of a fact, in a document of this date.
    pub fn of(fact: &Fact, written: Option<Date>, own: bool) -> Stated {
        Stated {
            subject: fact.subject.to_owned(),
            predicate: fact.predicate.to_owned(),
            object: fact.object.to_owned(),
            category: fact.category,
            from: fact.valid_from,
            until: fact.valid_until,
            path: fact.source.path.to_owned(),
            line: fact.source.line,
            quote: fact.source.quote.to_owned(),
            written,
            own,
        }
    }
}

/// A day, and what says that it is the one asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated {
    /// The day.
    pub day: Date,
    /// The hour, as the document has it.
    pub hour: Option<String>,
    /// Whether it is the day of the document.
    pub of_document: bool,
    /// The document.
    pub path: PathBuf,
    /// First line of the quotation, from 1.
    pub line: u32,
    /// Page, slide or sheet, from 1, where the format has such.
    pub page: Option<u32>,
    /// The words of the document.
    pub quote: String,
}

impl When {
    /// Reads a question; `None` where it does not ask for one day of something that is named in it.
    pub fn read(question: &Question) -> Option<When> {
        let words = tokens(&question.text);
        let [when, verb, ..] = words.as_slice() else { return None };
        let verb = verb.lower.as_str();
        let past = matches!(verb, "did" | "was" | "were");
        let asks = past || matches!(verb, "is" | "are" | "do" | "does" | "will" | "must" | "should");
        let unclear = |word: &Token| is(word, &UNCLEAR) || word.number;
        if when.lower != "when" || !asks || words.iter().any(unclear) || versions::asks_of_the_newest(question) {
            return None;
        }
        let obliged = matches!(verb, "must" | "should") || words.iter().any(|word| word.lower == "have");
        let due = !past && (obliged || words.iter().any(|word| is(word, &DUE)));
        let content = |word: &&Token| !(word.is_stop() || due && is(word, &DUE));
        let terms: Vec<String> = words.iter().filter(content).map(|word| word.stem.clone()).collect();
        (terms.len() >= FEWEST).then_some(When { words, terms, past, due })
    }

    /// The day that these statements give, where those that say what is asked all give the same one.
    pub fn dated(&self, all: impl Iterator<Item = Stated>, today: Date) -> Option<Dated> {
        let mut found: Vec<Dated> = all.filter_map(|stated| self.one(stated, today)).collect();
        let best = found.iter().position(|dated| !dated.of_document).unwrap_or(0);
        let same = found.iter().all(|dated| dated.day == found[best].day);
        (same && !found.is_empty()).then(|| found.swap_remove(best))
    }

    /// The day that a statement gives, if it says what is asked.
    fn one(&self, stated: Stated, today: Date) -> Option<Dated> {
        // Most are not about this at all, which is told without their sentences.
        if self.due != (stated.category == Category::Task) || !self.knows(&tokens(&stated.predicate), &[&HAPPENS, &DUE])
        {
            return None;
        }
        let quote = tokens(&stated.quote);
        if !self.is_said_by(&stated, &quote) {
            return None;
        }
        let day = self.day(&stated, &quote)?;
        let of_document = Some(day) == stated.written && !holds_day(&quote, day);
        let in_time = self.due || if self.past { day <= today } else { day >= today };
        let hour = hour(&stated.quote, &quote)?;
        let Stated { path, line, quote, .. } = stated;
        in_time.then_some(Dated { day, hour, of_document, path, line, page: None, quote })
    }

    /// Whether question and statement say the same.
    fn is_said_by(&self, stated: &Stated, quote: &[Token]) -> bool {
        let Stated { subject, predicate, object, .. } = stated;
        let task = stated.category == Category::Task;
        let open = task && !predicate.eq_ignore_ascii_case("done");
        let whole = tokens(&format!("{} {subject} {predicate} {object}", stated.quote));
        let has = |stem: &String| whole.iter().any(|word| word.stem == *stem);
        // "May" is a month.
        let possible = |word: &Token| word.lower == "may" && !word.capital || self.past && word.lower == "will";
        let unsure = quote.iter().any(|word| is(word, &UNSURE) || possible(word));
        task == open
            && self.terms.iter().all(has)
            && !unsure
            && !self.is_called_off(quote)
            && !stated.quote.trim_end().ends_with('?')
            && negated(&self.words) == negated(quote)
            && !opposed(&self.words, quote)
            && self.asks_of_subject(stated)
            && self.knows(named(&tokens(object), task), &[])
            && (task || self.is_same_way_round(stated) && ways(&self.words).iter().all(|way| ways(quote).contains(way)))
    }

    /// Whether a sentence says that nothing came of it, or not on that day.
    fn is_called_off(&self, words: &[Token]) -> bool {
        let says = |word: &Token| is(word, &OFF) || !self.past && !self.due && is(word, &MOVED);
        words.iter().any(|word| says(word) && !self.terms.contains(&word.stem))
    }

    /// Whether what is stated is stated of what the question is about.
    fn asks_of_subject(&self, stated: &Stated) -> bool {
        let subject = tokens(&stated.subject);
        let speaks = |words: &[Token]| words.iter().any(|word| is(word, &SPEAKERS) || is(word, &OWN));
        match subject.iter().all(Token::is_stop) {
            true => speaks(&subject) && speaks(&self.words) && stated.own,
            false if stated.category == Category::Task => self.knows(&subject, &[&LISTS]),
            false => self.knows(&subject, &[]),
        }
    }

    /// Whether who acts and what is acted on stand in the question as in the statement: "when did Oda call Kari?" is not answered
    /// by a call of Kari's.
    fn is_same_way_round(&self, stated: &Stated) -> bool {
        let (subject, object) = (tokens(&stated.subject), tokens(&stated.object));
        let place = |words: &[Token], others: &[Token]| {
            let is_own = |word: &Token| !others.iter().any(|other| other.stem == word.stem);
            let tells = |word: &Token| (!word.is_stop() || is(word, &SPEAKERS)) && is_own(word);
            let same =
                |asked: &Token, word: &Token| asked.stem == word.stem || is(asked, &SPEAKERS) && is(word, &SPEAKERS);
            self.words.iter().position(|asked| words.iter().any(|word| tells(word) && same(asked, word)))
        };
        let (Some(acts), Some(on)) = (place(&subject, &object), place(&object, &subject)) else { return true };
        let by = |words: &[Token]| words.iter().any(|word| word.lower == "by");
        let turned = is(&self.words[1], &["is", "are", "was", "were"]) && by(&self.words);
        (acts < on) == (turned == by(&tokens(&stated.predicate)))
    }

    /// Whether these words are all in the question, but for those that say nothing, times and some others.
    fn knows(&self, words: &[Token], besides: &[&[&str]]) -> bool {
        let free = |word: &Token| word.is_stop() || is_time(word) || besides.iter().any(|list| is(word, list));
        words.iter().all(|word| free(word) || self.terms.contains(&word.stem))
    }

    /// The day of a statement that says what is asked: the one that its sentence names for it, or of something past that names
    /// none, the day of the note.
    fn day(&self, stated: &Stated, quote: &[Token]) -> Option<Date> {
        let stated_day = if self.due { stated.until } else { stated.from };
        match days_in(&stated.quote, stated.written)[..] {
            [day] => (stated_day == Some(day) && holds_day(quote, day)).then_some(day),
            [] => {
                let written = stated.written.filter(|day| self.past && stated.own && stated.from == Some(*day))?;
                let timed = quote.iter().any(is_time);
                let told = quote.iter().any(|word| self.terms.contains(&word.stem) && is_past(word));
                let lasts = matches!(
                    stated.category,
                    Category::Preference
                        | Category::Definition
                        | Category::Quantity
                        | Category::Identity
                        | Category::Person
                );
                let day = told && !timed && !lasts && relative::absolute(&stated.quote, written).is_none();
                day.then_some(written)
            }
            _ => None,
        }
    }
}

fn is(word: &Token, list: &[&str]) -> bool {
    list.contains(&word.lower.as_str())
}

fn is_time(word: &Token) -> bool {
    word.number || is(word, &TIMES) || is(word, &MONTHS) || is(word, &DAYS)
}

/// Whether a verb is in the past, by its form.
fn is_past(word: &Token) -> bool {
    word.lower.ends_with("ed") || irregular::base(&word.lower) != word.lower
}

/// The words that name the object; all of them of a task.
fn named(words: &[Token], whole: bool) -> &[Token] {
    let end = words.iter().position(|word| !whole && is(word, &FURTHER)).unwrap_or(words.len());
    &words[..end]
}

/// Each preposition that gives a direction, with what it goes before.
fn ways(words: &[Token]) -> Vec<(&str, &str)> {
    let next = |at: usize| words[at + 1..].iter().find(|word| !word.is_stop()).map(|word| word.stem.as_str());
    (0..words.len())
        .filter(|at| is(&words[*at], &WAYS))
        .filter_map(|at| Some((words[at].lower.as_str(), next(at)?)))
        .collect()
}

/// Whether the day of the month stands among the words.
fn holds_day(words: &[Token], day: Date) -> bool {
    let number = |word: &Token| word.lower.trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse::<i8>().ok();
    words.iter().any(|word| number(word) == Some(day.day()))
}

/// The only hour that a sentence names, as "9:30"; `None` where it names one in another form, or several.
fn hour(text: &str, words: &[Token]) -> Option<Option<String>> {
    let is_hour = |word: &&str| {
        let parts = word.split_once(':').map(|(hour, minute)| (hour.parse::<u8>(), minute.parse::<u8>()));
        matches!(parts, Some((Ok(0..24), Ok(0..60)))) && word.len() >= 4
    };
    let hours: Vec<&str> = text.split(|c: char| !c.is_ascii_digit() && c != ':').filter(is_hour).collect();
    let other = words.windows(2).any(|two| two[0].lower == "at" && two[1].number);
    match hours[..] {
        _ if is_by_halves(words) => None,
        [] if !other => Some(None),
        [hour] => Some(Some(hour.to_owned())),
        _ => None,
    }
}

/// Whether an hour is told by the half of the day: "9:30 pm", "9 a.m.", "noon".
fn is_by_halves(words: &[Token]) -> bool {
    let whole = |word: &Token| {
        let end = word.lower.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        matches!(end, "am" | "pm" | "noon" | "midnight" | "clock")
    };
    words.iter().any(whole) || words.windows(2).any(|two| is(&two[0], &["a", "p"]) && two[1].lower == "m")
}

/// The day that a fact gives for the question, if nothing that was found for it speaks against that.
pub fn find(evidence: &dyn Evidence, basis: &Basis) -> Option<Dated> {
    let when = When::read(&basis.question)?;
    let mut paths: Vec<&Path> = basis.gathered.candidates.iter().map(|candidate| candidate.path.as_path()).collect();
    paths.dedup();
    let dated = evidence.dated(&when, &paths)?;
    (!doubts::are_there(&when, &basis.gathered, &dated)).then_some(dated)
}

/// The answer, and its Markdown form.
pub fn answer(dated: Dated, question: &str, epoch: u64) -> (Answer, String) {
    let day = dated.day.strftime("%-d %B %Y");
    let short = dated.hour.map_or(day.to_string(), |hour| format!("{day}, {hour}"));
    let said = if dated.of_document { format!("{short}, the day of that note") } else { short.clone() };
    let (path, end_line) = (render::path_text(&dated.path), dated.line.saturating_add(line_feeds(&dated.quote)));
    let citation =
        Citation { n: 1, path, line: dated.line, end_line, page: dated.page, quote: dated.quote, by_model: false };
    let said = render::cited(&said, &[1]);
    let citations = vec![citation];
    let markdown = format!("{}{said}\n{}", render::evidence(&citations), render::sources(&citations));
    let plain = Answer::without_model(question, epoch);
    (Answer { answerable: true, answer: said, short_answer: short, citations, ..plain }, markdown)
}

#[cfg(test)]
mod tests;
