//! What a question asks for: its content words, the names and numbers among them, and the kind of answer.

use super::text::{Token, has_pair, tokens};

/// What an answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A person, or people: who, whom, whose.
    Person,
    /// A date, a year, a time: when.
    Time,
    /// A place: where.
    Place,
    /// A number or an amount: how many, how much.
    Number,
    /// A cause or a purpose: why.
    Reason,
    /// Yes or no.
    Verdict,
    /// Anything else.
    Thing,
}

/// What a word of a question is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A common word.
    Plain,
    /// A name: capitalised, and not because it comes first.
    Name,
    /// A number.
    Number,
    /// The kind of the answer (`year` of "what year"): evidence need not repeat it.
    Kind,
    /// The noun after "what" or "which": evidence often says one of its kind instead.
    Class,
}

/// A content word of a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Its stem.
    pub stem: String,
    /// As typed, lower case.
    pub lower: String,
    /// What it is.
    pub sort: Sort,
}

/// A question, read.
#[derive(Clone, Debug)]
pub struct Question {
    /// As asked, white space folded.
    pub text: String,
    /// Its content words, each stem once.
    pub terms: Vec<Term>,
    /// The kind of answer.
    pub expected: Expected,
    /// Stem of the noun right after "what" or "which".
    pub class: Option<String>,
    /// Whether it asks for a measure, which has a unit: how long, how old, but not how many.
    pub measures: bool,
}

impl Question {
    /// Reads a question; any text is one.
    pub fn new(text: &str) -> Question {
        let text = super::text::one_line(text);
        let words = tokens(&text);
        let (expected, class) = kind(&words);
        let mut terms = terms(&words, class);
        if terms.is_empty() {
            terms = words.iter().map(|w| term(w, Sort::Plain)).collect();
        }
        let of = |list: &[&str]| has_pair(&words, "how", list);
        Question { text, terms, expected, class: noun(&words), measures: of(&MEASURES) && !of(&COUNTS) }
    }

    /// Whether a word with this stem stands in the question.
    pub fn has(&self, stem: &str) -> bool {
        self.terms.iter().any(|term| term.stem == stem)
    }
}

fn term(word: &Token, sort: Sort) -> Term {
    Term { stem: word.stem.clone(), lower: word.lower.clone(), sort }
}

fn terms(words: &[Token], class: Option<usize>) -> Vec<Term> {
    let mut out: Vec<Term> = Vec::new();
    for (i, word) in words.iter().enumerate() {
        let sort = match word {
            _ if Some(i) == class => Sort::Kind,
            word if word.lower.contains(|c: char| c.is_ascii_digit()) => Sort::Number,
            word if word.capital && i > 0 => Sort::Name,
            _ if i > 0 && matches!(words[i - 1].lower.as_str(), "what" | "which") => Sort::Class,
            _ => Sort::Plain,
        };
        let named = sort == Sort::Name && word.lower.len() > 1;
        if (!word.is_stop() || named) && !out.iter().any(|term| term.stem == word.stem) {
            out.push(term(word, sort));
        }
    }
    out
}

const TIMES: [&str; 12] =
    ["year", "years", "date", "day", "month", "century", "decade", "time", "era", "period", "weekday", "season"];
const PLACES: [&str; 16] = [
    "country",
    "city",
    "town",
    "place",
    "location",
    "state",
    "region",
    "continent",
    "village",
    "county",
    "street",
    "island",
    "area",
    "province",
    "district",
    "nation",
];
const PEOPLE: [&str; 14] = [
    "person",
    "man",
    "woman",
    "king",
    "queen",
    "president",
    "author",
    "scientist",
    "emperor",
    "leader",
    "people",
    "colleague",
    "writer",
    "artist",
];
const AMOUNTS: [&str; 12] = [
    "percentage",
    "percent",
    "number",
    "amount",
    "population",
    "price",
    "cost",
    "size",
    "temperature",
    "length",
    "distance",
    "proportion",
];
const MEASURES: [&str; 14] =
    ["many", "much", "old", "far", "long", "tall", "large", "often", "high", "big", "fast", "heavy", "deep", "wide"];

/// Those of them that ask for a number alone.
const COUNTS: [&str; 3] = ["many", "much", "often"];

/// The kind of answer, and the word that names its class.
fn kind(words: &[Token]) -> (Expected, Option<usize>) {
    let is = |i: usize, list: &[&str]| words.get(i).is_some_and(|w| list.contains(&w.lower.as_str()));
    for (i, word) in words.iter().enumerate() {
        match word.lower.as_str() {
            "who" | "whom" | "whose" => return (Expected::Person, None),
            "when" if i == 0 || !is(i - 1, &["the", "time"]) => return (Expected::Time, None),
            "where" => return (Expected::Place, None),
            "why" => return (Expected::Reason, None),
            "how" if is(i + 1, &MEASURES) => return (Expected::Number, Some(i + 1)),
            "how" => return (Expected::Thing, None),
            "what" | "which" => return class_of(words, i),
            _ => {}
        }
    }
    let verdict = is(
        0,
        &["is", "are", "was", "were", "do", "does", "did", "has", "have", "had", "can", "could", "will", "should"],
    );
    (if verdict { Expected::Verdict } else { Expected::Thing }, None)
}

fn noun(words: &[Token]) -> Option<String> {
    let at = words.iter().position(|w| matches!(w.lower.as_str(), "what" | "which"))?;
    words.get(at + 1).filter(|w| !w.is_stop()).map(|w| w.stem.clone())
}

/// The class in "what year", "which of the cities", "what was the name of the king".
fn class_of(words: &[Token], i: usize) -> (Expected, Option<usize>) {
    let near = words.iter().enumerate().skip(i + 1).take(2);
    for (at, word) in near {
        for (list, expected) in [
            (&TIMES[..], Expected::Time),
            (&PLACES[..], Expected::Place),
            (&PEOPLE[..], Expected::Person),
            (&AMOUNTS[..], Expected::Number),
        ] {
            if list.contains(&word.lower.as_str()) {
                return (expected, Some(at));
            }
        }
    }
    (Expected::Thing, None)
}

#[cfg(test)]
mod tests {
    use super::{Expected, Question, Sort};

    #[test]
    fn kinds() {
        let check = |text: &str, expected: Expected| assert_eq!(Question::new(text).expected, expected, "{text}");
        check("When did we move to Porto?", Expected::Time);
        check("In what year was it built?", Expected::Time);
        check("who wrote the report?", Expected::Person);
        check("Which city hosts it", Expected::Place);
        check("how many chairs do we have?", Expected::Number);
        check("why did we choose SQLite?", Expected::Reason);
        check("did Anna pay?", Expected::Verdict);
        check("which database did we choose?", Expected::Thing);
        check("", Expected::Thing);
    }

    #[test]
    fn names_and_numbers_are_told_apart() {
        let question = Question::new("When did  Anna pay 1,500 euros to the Harbour Club?");
        let sort = |lower: &str| question.terms.iter().find(|t| t.lower == lower).map(|t| t.sort);
        assert_eq!(sort("anna"), Some(Sort::Name));
        assert_eq!(sort("1,500"), Some(Sort::Number));
        assert_eq!(sort("euros"), Some(Sort::Plain));
        assert_eq!(sort("the"), None);
        assert!(question.has("1500"));
    }
}
