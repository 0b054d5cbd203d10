//! Questions that count or list: of documents, of tasks, of decisions and the like. The index and the facts answer
//! them; a model could not count what it does not see.

use jiff::civil::Date;
use jiff::{ToSpan, civil};

use echofs_indexer::facts::Category;
use echofs_query_lang::MONTHS;

use super::text::{Token, tokens};

/// The longest subject, in words: what is longer is no subject but a question of another kind.
const SUBJECT: usize = 6;

/// What is counted or listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Documents: all of them, or of one type as `type:` has it.
    Documents(Option<&'static str>),
    /// What is to be done.
    Tasks,
    /// What was decided.
    Decisions,
    /// Facts of a category.
    Facts(Category),
}

/// A question that counts or lists, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What.
    pub what: What,
    /// Whether only their number is asked for.
    pub counts: bool,
    /// What they are about: words that each of them has.
    pub about: Vec<String>,
    /// Who wrote them.
    pub by: Option<String>,
    /// The first and the last day.
    pub days: Option<(Date, Date)>,
}

impl Listing {
    /// Reads a question; `None` when it asks for something else.
    pub fn read(question: &str, today: Date) -> Option<Listing> {
        let words = tokens(question);
        let lower: Vec<&str> = words.iter().map(|w| w.lower.as_str()).collect();
        let mut rest = Rest { words: &words, lower: &lower };
        let counts = rest.skip(&[&["how", "many"]]);
        let ordered = !counts && rest.skip(&[&["list"], &["show"]]);
        rest.skip_all(if ordered { &["me", "all", "every"] } else { &[] });
        let asked = !counts && !ordered && rest.skip(&[&["which"], &["what", "are"], &["what", "were"], &["what"]]);
        if !counts && !ordered && !asked {
            return None;
        }
        let (what, bound) = match asked && rest.skip(&TO_DO) {
            true => (What::Tasks, true),
            false => {
                let own = rest.skip_all(&["of", "all", "the", "my", "our", "open", "due", "unfinished", "latest"]);
                (rest.noun()?, ordered || own.contains(&"my") || own.contains(&"our") || own.contains(&"open"))
            }
        };
        let days = rest.days(today);
        let belongs = rest.skip(&OURS) || bound;
        let by = matches!(what, What::Documents(_)).then(|| rest.after(&["from", "by"])).flatten();
        let linked = by.is_some() || rest.skip(if matches!(what, What::Documents(_)) { &HOLD } else { &ON });
        let about = if by.is_some() { Vec::new() } else { rest.subject()? };
        let whole = about.is_empty() && by.is_none();
        // Without a sign that the owner's own things are meant, it is a question about the world.
        let meant = if linked { !whole || belongs } else { whole && (belongs || days.is_some()) };
        meant.then_some(Listing { what, counts, about, by, days })
    }

    /// Whether a day is among those asked for; no day is not.
    pub fn is_on(&self, day: Option<Date>) -> bool {
        self.days.is_none_or(|(first, last)| day.is_some_and(|day| (first..=last).contains(&day)))
    }
}

const TO_DO: [&[&str]; 9] = [
    &["do", "i", "have", "to", "do"],
    &["do", "i", "need", "to", "do"],
    &["do", "we", "have", "to", "do"],
    &["have", "i", "to", "do"],
    &["must", "i", "do"],
    &["should", "i", "do"],
    &["is", "due"],
    &["is", "left", "to", "do"],
    &["is", "to", "be", "done"],
];

/// Signs that the owner's own are meant.
const OURS: [&[&str]; 14] = [
    &["do", "i", "have"],
    &["do", "we", "have"],
    &["have", "i"],
    &["have", "we", "made"],
    &["did", "i", "make"],
    &["did", "we", "make"],
    &["did", "i", "write"],
    &["did", "i", "get"],
    &["are", "there"],
    &["are", "open"],
    &["are", "due"],
    &["are", "left"],
    &["i", "have"],
    &["we", "made"],
];

/// Between documents and what they hold.
const HOLD: [&[&str]; 16] = [
    &["that", "mention"],
    &["which", "mention"],
    &["that", "contain"],
    &["mentioning"],
    &["containing"],
    &["mention"],
    &["mentions"],
    &["contain"],
    &["contains"],
    &["are", "about"],
    &["is", "about"],
    &["talk", "about"],
    &["speak", "of"],
    &["about"],
    &["on"],
    &["with"],
];

/// Between facts and what they are about.
const ON: [&[&str]; 7] = [&["are", "about"], &["about"], &["on"], &["for"], &["with"], &["concerning"], &["regarding"]];

/// What can be counted, by its name.
fn named(word: &str) -> Option<What> {
    Some(match word {
        "notes" | "note" | "documents" | "document" | "files" | "file" => What::Documents(None),
        "mails" | "mail" | "emails" | "email" => What::Documents(Some("mail")),
        "pdfs" | "pdf" => What::Documents(Some("pdf")),
        "presentations" | "slides" => What::Documents(Some("slides")),
        "spreadsheets" | "sheets" => What::Documents(Some("sheet")),
        "tasks" | "task" | "todos" | "todo" | "deadlines" => What::Tasks,
        "decisions" | "decision" => What::Decisions,
        "preferences" | "preference" => What::Facts(Category::Preference),
        _ => return None,
    })
}

/// The part of a question that is not yet read.
struct Rest<'a> {
    words: &'a [Token],
    lower: &'a [&'a str],
}

impl<'a> Rest<'a> {
    fn drop(&mut self, count: usize) {
        (self.words, self.lower) = (&self.words[count..], &self.lower[count..]);
    }

    /// Whether it begins with one of these, which is then read.
    fn skip(&mut self, phrases: &[&[&str]]) -> bool {
        let Some(found) = phrases.iter().find(|phrase| self.lower.starts_with(phrase)) else { return false };
        self.drop(found.len());
        true
    }

    fn skip_all(&mut self, words: &[&str]) -> &'a [&'a str] {
        let count = self.lower.iter().take_while(|word| words.contains(word)).count();
        let skipped = &self.lower[..count];
        self.drop(count);
        skipped
    }

    fn noun(&mut self) -> Option<What> {
        let what = named(self.lower.first()?)?;
        self.drop(1);
        Some(what)
    }

    /// All that follows one of these words, as typed but for case.
    fn after(&mut self, words: &[&str]) -> Option<String> {
        let named = self.lower.first().is_some_and(|first| words.contains(first)) && self.lower.len() > 1;
        let named = named && self.lower.len() - 1 <= SUBJECT;
        named.then(|| {
            let name = self.lower[1..].join(" ");
            self.drop(self.lower.len());
            name
        })
    }

    /// The words that say something of what is left.
    fn subject(&self) -> Option<Vec<String>> {
        let said: Vec<String> = self.words.iter().filter(|w| !w.is_stop()).map(|w| w.lower.clone()).collect();
        (said.len() <= SUBJECT).then_some(said)
    }

    /// The stretch of time that it ends with, which is then read.
    fn days(&mut self, today: Date) -> Option<(Date, Date)> {
        let (days, count) = (1..=4.min(self.lower.len())).rev().find_map(|count| {
            let days = stretch(&self.lower[self.lower.len() - count..], today)?;
            Some((days, count))
        })?;
        let kept = self.lower.len() - count;
        (self.words, self.lower) = (&self.words[..kept], &self.lower[..kept]);
        Some(days)
    }
}

/// The first and the last day of what these words say, all of them.
fn stretch(words: &[&str], today: Date) -> Option<(Date, Date)> {
    let later = |days: i64| today.checked_add(days.days()).ok();
    let week = |weeks: i64| {
        let monday = later(7 * weeks - i64::from(today.weekday().to_monday_zero_offset()))?;
        Some((monday, monday.checked_add(6.days()).ok()?))
    };
    let month = |first: Date| Some((first, first.last_of_month()));
    Some(match words {
        ["today"] => (today, today),
        ["tomorrow"] => (later(1)?, later(1)?),
        ["yesterday"] => (later(-1)?, later(-1)?),
        ["this", "week"] => week(0)?,
        ["next", "week"] => week(1)?,
        ["last", "week"] => week(-1)?,
        ["this", "month"] => month(today.first_of_month())?,
        ["next", "month"] => month(today.first_of_month().checked_add(1.month()).ok()?)?,
        ["last", "month"] => month(today.first_of_month().checked_sub(1.month()).ok()?)?,
        ["this", "year"] => (today.first_of_year(), today.last_of_year()),
        ["in", name] => month(latest(name, today)?)?,
        ["in", name, year] => month(civil::Date::new(year.parse().ok()?, number(name)?, 1).ok()?)?,
        ["in", "the", "next", "days"] => (today, later(7)?),
        _ => return None,
    })
}

fn number(month: &str) -> Option<i8> {
    let at = MONTHS.iter().position(|name| *name == month)?;
    i8::try_from(at + 1).ok()
}

/// The month of this name that has begun last; a year by its number is none.
fn latest(name: &str, today: Date) -> Option<Date> {
    let month = number(name)?;
    let year = if month > today.month() { today.year() - 1 } else { today.year() };
    Date::new(year, month, 1).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn read(question: &str) -> Option<Listing> {
        Listing::read(question, date(2026, 11, 25))
    }

    fn check(question: &str, what: What, counts: bool, about: &str) -> Listing {
        let listing = read(question).unwrap_or_else(|| panic!("{question} is a listing"));
        assert_eq!((listing.what, listing.counts, listing.about.join(" ")), (what, counts, about.into()), "{question}");
        listing
    }

    #[test]
    fn documents_are_counted_and_listed() {
        check("how many notes mention Nightjar?", What::Documents(None), true, "nightjar");
        check("How many mails about the heat pump do I have", What::Documents(Some("mail")), true, "heat pump");
        check("which documents are about the harbour fair?", What::Documents(None), false, "harbour fair");
        check("list all pdfs", What::Documents(Some("pdf")), false, "");
        check("how many files do I have?", What::Documents(None), true, "");
        let mails = check("show me the mails from Anna Berg", What::Documents(Some("mail")), false, "");
        assert_eq!(mails.by.as_deref(), Some("anna berg"));
    }

    #[test]
    fn tasks_and_facts_are_listed() {
        let week = check("what do I have to do this week?", What::Tasks, false, "");
        assert_eq!(week.days, Some((date(2026, 11, 23), date(2026, 11, 29))));
        assert!(week.is_on(Some(date(2026, 11, 29))) && !week.is_on(Some(date(2026, 11, 30))) && !week.is_on(None));
        check("what are my open tasks?", What::Tasks, false, "");
        check("how many tasks are open", What::Tasks, true, "");
        check("which decisions did we make about Nightjar?", What::Decisions, false, "nightjar");
        let march = check("what decisions did we make in March?", What::Decisions, false, "");
        assert_eq!(march.days, Some((date(2026, 3, 1), date(2026, 3, 31))));
        check("what is due tomorrow?", What::Tasks, false, "");
    }

    #[test]
    fn other_questions_are_not() {
        for question in [
            "how many notes did Bach write in 1720?",
            "which events led to the war?",
            "what decisions did the parliament make?",
            "how many chairs do we have?",
            "which database did we choose?",
            "what files does the build script read from the cache?",
            "how many events were there?",
            "list",
            "what",
            "",
        ] {
            assert_eq!(read(question), None, "{question}");
        }
    }
}
