//! What somebody says who edits a page about facts.
//!
//! In a fact's file the values of `subject`, `predicate`, `object`, `category`, `valid_from` and `valid_until` may be changed, and
//! the sentence below them, of which two of the three parts stay. The sentence alone is enough. In a page that lists facts it
//! is the sentences of what holds now. Everything else says where a fact comes from and stays as it is.

use std::collections::BTreeMap;

use echofs_indexer::facts::{Category, Fact, Facts, Id as FactId, Wish, Words, days_in};
use jiff::civil::Date;

use super::{Context, fact_pages as pages};
use crate::error::Error;

/// What may be changed in the front matter, and what must be there.
const PARTS: [&str; 3] = ["subject", "predicate", "object"];
const CATEGORY: &str = "category";
const TIMES: [&str; 2] = ["valid_from", "valid_until"];
/// Longest subject, predicate or object, in bytes.
const MAX_PART: usize = 2_000;

/// Does what the change of a page about these facts says: all of it, or nothing where a part of it makes no sense.
///
/// # Errors
/// [`Error::Invalid`] with the reason; I/O errors of the journal.
pub fn put_right(cx: &Context, page: &[u8], facts: &[FactId], edited: &[u8]) -> Result<(), Error> {
    let page = String::from_utf8_lossy(page);
    let edited = std::str::from_utf8(edited).map_err(|_| Error::Invalid("this is not UTF-8".into()))?;
    let wishes = match facts {
        [fact] if page.starts_with(FENCE) => {
            of_fact(&page, edited).map(|words| words.map(|words| (*fact, words)).into_iter().collect())
        }
        _ => of_list(&cx.index.facts(), &page, facts, edited),
    };
    for (fact, words) in wishes.map_err(Error::Invalid)? {
        cx.index.change_facts(&Wish::Correct(fact.to_string(), words))?;
    }
    Ok(())
}

// ---- a fact's file ----

const FENCE: &str = "---";

/// A fact's file, taken apart.
struct Page<'a> {
    fields: BTreeMap<&'a str, &'a str>,
    sentence: &'a str,
    /// Where it comes from.
    rest: Vec<&'a str>,
}

impl<'a> Page<'a> {
    fn parse(text: &'a str) -> Result<Page<'a>, String> {
        let mut lines = text.trim().lines().map(str::trim_end);
        if lines.next() != Some(FENCE) {
            return Err("it begins with the fields of the fact between two lines of ---".into());
        }
        let mut fields = BTreeMap::new();
        for line in lines.by_ref().take_while(|line| *line != FENCE) {
            let (key, value) = line.split_once(':').ok_or_else(|| format!("{line}: this is no field"))?;
            if fields.insert(key.trim(), value.trim()).is_some() {
                return Err(format!("{key} stands there twice"));
            }
        }
        let mut body = lines.filter(|line| !line.is_empty());
        let sentence = body.next().ok_or("the sentence below the fields is gone")?;
        Ok(Page { fields, sentence, rest: body.collect() })
    }

    /// The value of a field: a JSON string or plain text.
    fn value(&self, key: &str) -> Result<String, String> {
        let text = self.fields.get(key).copied().ok_or_else(|| format!("{key} is gone"))?;
        match text.starts_with('"') {
            true => serde_json::from_str(text).map_err(|e| format!("{key}: {e}")),
            false => Ok(text.to_owned()),
        }
    }

    fn parts(&self) -> Result<[String; 3], String> {
        let [subject, predicate, object] = PARTS.map(|key| self.value(key));
        Ok([subject?, predicate?, object?])
    }

    fn date(&self, key: &str) -> Result<Option<Date>, String> {
        let text = if self.fields.contains_key(key) { self.value(key)? } else { String::new() };
        let date = || text.parse().map_err(|_| format!("{key}: {text}: a date is YYYY-MM-DD"));
        if matches!(text.as_str(), "" | "null") { Ok(None) } else { date().map(Some) }
    }

    fn category(&self) -> Result<Category, String> {
        let name = self.value(CATEGORY)?;
        let known = Category::ALL.into_iter().find(|category| category.name() == name);
        known.ok_or_else(|| format!("{name}: there are {}", Category::ALL.map(Category::name).join(", ")))
    }
}

/// What is said in place of the fact of this page; `None` where nothing is.
fn of_fact(page: &str, edited: &str) -> Result<Option<Words>, String> {
    let old = Page::parse(page)?;
    let line = edited.trim();
    let new = if line.contains('\n') || line == FENCE {
        Page::parse(edited)?
    } else {
        Page { fields: old.fields.clone(), sentence: line, rest: old.rest.clone() }
    };
    for key in old.fields.keys().chain(new.fields.keys()).filter(|key| !may_change(key)) {
        if old.fields.get(key) != new.fields.get(key) {
            return Err(format!("{key} cannot be changed"));
        }
    }
    if old.rest != new.rest {
        return Err("where a fact comes from cannot be changed".into());
    }
    words(&old, &new)
}

fn may_change(key: &str) -> bool {
    PARTS.contains(&key) || TIMES.contains(&key) || key == CATEGORY
}

fn words(old: &Page, new: &Page) -> Result<Option<Words>, String> {
    let (were, said) = (old.parts()?, new.parts()?);
    let parts = match (said == were, new.sentence == old.sentence) {
        (_, true) => said,
        (true, false) => by_sentence(&were, new.sentence).ok_or(UNCLEAR)?,
        (false, false) if pages::visible(&said.join(" ")) == new.sentence => said,
        (false, false) => return Err("the sentence and the fields say different things".into()),
    };
    let parts = sound(parts)?;
    let (from, until, category) = (new.date(TIMES[0])?, new.date(TIMES[1])?, new.category()?);
    let (were_from, were_until) = (old.date(TIMES[0])?, old.date(TIMES[1])?);
    if from.is_some() && until.is_some() && from > until {
        return Err("it ends before it begins".into());
    }
    if parts != were {
        // Another value counts from today on, unless the owner says since when.
        let valid_from = from.filter(|_| from != were_from);
        let valid_until = if until == were_until { until_said(&were, &parts, until) } else { until };
        return Ok(Some(Words { parts, category: Some(category), valid_from, valid_until }));
    }
    if (from, until, category) == (were_from, were_until, old.category()?) {
        return Ok(None);
    }
    if from.is_none() && (were_from.is_some() || until.is_none() && were_until.is_some()) {
        return Err("since when is it so? valid_from says it".into());
    }
    Ok(Some(Words { parts, category: Some(category), valid_from: from, valid_until: until }))
}

/// Until when other words are true, where the old ones were until then: a day that they name goes with them.
fn until_said(were: &[String; 3], said: &[String; 3], until: Option<Date>) -> Option<Date> {
    let day = |parts: &[String; 3]| days_in(&parts.join(" "), None).pop();
    if until.is_some() && day(were) == until { day(said) } else { until }
}

const UNCLEAR: &str =
    "two of the three parts of a sentence stay: what it is about, how the two are related, the other thing";

/// The parts of a sentence that was made of these ones and had one of them changed.
fn by_sentence(parts: &[String; 3], said: &str) -> Option<[String; 3]> {
    let [subject, predicate, object] = parts;
    let [s, p, o] = parts.each_ref().map(|part| pages::visible(part));
    let said = if o.ends_with('.') { said } else { said.trim_end_matches('.') };
    let with = |subject: &str, predicate: &str, object: &str| Some([subject, predicate, object].map(str::to_owned));
    if let Some(new) = said.strip_prefix(&format!("{s} {p} ")) {
        return with(subject, predicate, if new == o { object } else { new });
    }
    if let Some(new) = said.strip_suffix(&format!(" {p} {o}")) {
        return with(new, predicate, object);
    }
    let new = said.strip_prefix(&format!("{s} "))?.strip_suffix(&format!(" {o}"))?;
    with(subject, new, object)
}

/// The parts without blanks around them, where each says something on one line.
fn sound(parts: [String; 3]) -> Result<[String; 3], String> {
    let parts = parts.map(|part| part.trim().to_owned());
    for (part, name) in parts.iter().zip(PARTS) {
        if !part.contains(char::is_alphanumeric) || part.contains(char::is_control) {
            return Err(format!("{name} says nothing, or not on one line"));
        }
        if part.len() > MAX_PART {
            return Err(format!("{name} is longer than {MAX_PART} bytes"));
        }
    }
    Ok(parts)
}

// ---- a page that lists facts ----

const ITEM: &str = "- ";
const ONLY_SENTENCES: &str = "only what a fact says can be changed here; `rm` in by-category/ removes one";

/// What is said in place of which facts of this page.
fn of_list(table: &Facts, page: &str, facts: &[FactId], edited: &str) -> Result<Vec<(FactId, Words)>, String> {
    let [old, new] = [page, edited].map(|text| text.trim_end().lines().map(str::trim_end).collect::<Vec<_>>());
    let items: Vec<usize> = (0..old.len()).filter(|at| old[*at].starts_with(ITEM)).collect();
    if items.len() != facts.len() || old.len() != new.len() {
        return Err(ONLY_SENTENCES.into());
    }
    let mut said = Vec::new();
    for at in (0..old.len()).filter(|at| old[*at] != new[*at]) {
        let item = items.binary_search(&at).map_err(|_| ONLY_SENTENCES)?;
        let fact = table.get(facts[item]).ok_or("the fact is not there any more")?;
        said.extend(of_item(&fact, new[at])?.map(|words| (fact.id, words)));
    }
    Ok(said)
}

fn of_item(fact: &Fact, line: &str) -> Result<Option<Words>, String> {
    if fact.superseded_by.is_some() {
        return Err("what holds no more cannot be changed".into());
    }
    let said = line.strip_prefix(ITEM).and_then(|line| line.strip_suffix(pages::times(fact).as_str()));
    let parts = [fact.subject, fact.predicate, fact.object].map(str::to_owned);
    let new = sound(by_sentence(&parts, said.ok_or(ONLY_SENTENCES)?).ok_or(UNCLEAR)?)?;
    let valid_until = until_said(&parts, &new, fact.valid_until);
    Ok((new != parts).then(|| Words { valid_until, ..new.into() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "---\ncategory: \"location\"\nconfidence: 0.8\nid: \"0f\"\nobject: \"Bergen\"\npredicate: \"lives in\"\nsubject: \"Oda\"\nvalid_from: \"2024-02-01\"\n---\n\nOda lives in Bergen\n\n> Oda lives in Bergen.\n\n/vault/oda.md:3\n\n";

    fn words(parts: [&str; 3], from: Option<&str>) -> Words {
        let valid_from = from.and_then(|day| day.parse().ok());
        Words { category: Some(Category::Location), valid_from, ..parts.map(String::from).into() }
    }

    #[test]
    fn values_and_the_sentence_can_be_changed() {
        let check = |from: &str, to: &str, want: Words| {
            assert_eq!(of_fact(PAGE, &PAGE.replace(from, to)), Ok(Some(want)), "{to}");
        };
        let oslo = || words(["Oda", "lives in", "Oslo"], None);
        check("object: \"Bergen\"", "object: \"Oslo\"", oslo());
        check("object: \"Bergen\"", "object: Oslo", oslo());
        check("\nOda lives in Bergen\n", "\nOda lives in Oslo.\n", oslo());
        check("\nOda lives in Bergen\n", "\nKari lives in Bergen\n", words(["Kari", "lives in", "Bergen"], None));
        check("\nOda lives in Bergen\n", "\nOda works in Bergen\n", words(["Oda", "works in", "Bergen"], None));
        check("2024-02-01", "2025-03-01", words(["Oda", "lives in", "Bergen"], Some("2025-03-01")));
        let task = Words { category: Some(Category::Task), ..words(["Oda", "lives in", "Bergen"], Some("2024-02-01")) };
        check("\"location\"", "task", task);
        let both = PAGE.replace("object: \"Bergen\"", "object: Oslo").replace("2024-02-01", "2023-01-01");
        assert_eq!(of_fact(PAGE, &both), Ok(Some(words(["Oda", "lives in", "Oslo"], Some("2023-01-01")))));
        assert_eq!(of_fact(PAGE, "Oda lives in Oslo\n"), Ok(Some(oslo())));
        let until = PAGE.replace("---\n\nOda", "valid_until: 2026-01-01\n---\n\nOda");
        let until_then = of_fact(PAGE, &until).ok().flatten().and_then(|words| words.valid_until);
        assert_eq!(until_then, "2026-01-01".parse().ok());
    }

    #[test]
    fn a_day_that_the_words_name_goes_with_them() {
        let page = "---\ncategory: \"task\"\nid: \"0f\"\nobject: \"order a pen by 2026-12-01\"\npredicate: \"to do\"\nsubject: \"Tasks\"\nvalid_until: \"2026-12-01\"\n---\n\nTasks to do order a pen by 2026-12-01\n";
        let check = |edited: &str, want: Option<&str>| {
            let words = of_fact(page, edited).expect(edited).expect(edited);
            assert_eq!(words.valid_until.map(|day| day.to_string()).as_deref(), want, "{edited}");
        };
        check("Tasks to do order a pen by 2026-12-05", Some("2026-12-05"));
        check("Tasks to do order ink by 2026-12-01", Some("2026-12-01"));
        check("Tasks to do order a pen", None);
        let both = page.replace("a pen by 2026-12-01", "ink");
        check(&both.replace("2026-12-01", "2027-01-02"), Some("2027-01-02"));
    }

    #[test]
    fn what_says_nothing_new_changes_nothing() {
        for same in [PAGE.to_owned(), PAGE.replace('\n', "\r\n"), PAGE.trim().to_owned(), "Oda lives in Bergen.".into()]
        {
            assert_eq!(of_fact(PAGE, &same), Ok(None), "{same}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let check = |edited: &str, why: &str| {
            let refused = of_fact(PAGE, edited).expect_err(edited);
            assert!(refused.contains(why), "{edited}: {refused}");
        };
        check(&PAGE.replace("0.8", "0.9"), "confidence cannot");
        check(&PAGE.replace("id: \"0f\"", "id: \"0e\""), "id cannot");
        check(&PAGE.replace("---\n\nOda", "colour: red\n---\n\nOda"), "colour cannot");
        check(&PAGE.replace("> Oda lives in Bergen.", "> Oda lives in Oslo."), "where a fact comes from");
        check(&PAGE.replace("oda.md:3", "oda.md:4"), "where a fact comes from");
        check(&PAGE.replace("\"location\"", "\"place\""), "there are preference");
        check(&PAGE.replace("2024-02-01", "soon"), "YYYY-MM-DD");
        check(&PAGE.replace("valid_from: \"2024-02-01\"\n", ""), "since when");
        check(&PAGE.replace("object: \"Bergen\"", "object: \"\""), "object says nothing");
        check(&PAGE.replace("object: \"Bergen\"", "object: \"Oslo"), "object");
        check(&PAGE.replace("object: \"Bergen\"\n", ""), "object is gone");
        check("It rains.", "two of the three parts");
        let both = PAGE.replace("object: \"Bergen\"", "object: Oslo").replace("\nOda lives", "\nKari lives");
        check(&both, "different things");
        check("# a page\n\nof its own", "begins with the fields");
        check(&PAGE[..40], "the sentence below");
        check(&PAGE[..30], "no field");
    }
}
