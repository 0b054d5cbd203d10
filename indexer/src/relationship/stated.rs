//! What the owner states in files, notes and conversations, as entries of the log would have it: preferences, and evidence for and
//! against things. They are in no log, since they come and go with the facts; what they have is a place and no number.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::entry::{Entry, Evidence, Kind, Stance};
use super::tastes::Taste;
use crate::facts::{Category, Fact, Facts, Method, Origin};

/// An opinion about something forms from so many statements.
const LEAST: usize = 2;
/// Places that are named for one statement.
const PLACES: usize = 5;
/// Longest subject of an opinion, in words.
const LONGEST: usize = 5;

const GOOD: &[&str] = &[
    "good",
    "great",
    "excellent",
    "reliable",
    "fast",
    "robust",
    "solid",
    "pleasant",
    "useful",
    "helpful",
    "comfortable",
    "trustworthy",
    "delicious",
    "wonderful",
    "perfect",
    "best",
];
const BAD: &[&str] = &[
    "bad",
    "poor",
    "unreliable",
    "slow",
    "fragile",
    "terrible",
    "awful",
    "useless",
    "noisy",
    "uncomfortable",
    "annoying",
    "horrible",
    "disappointing",
    "worst",
];

/// The entries of what is stated where `is_owners` says that it is the owner who does so.
pub fn entries(facts: &Facts, is_owners: &dyn Fn(&Origin) -> bool) -> Vec<Entry> {
    let put_right = |fact: &Fact| {
        let newer = fact.superseded_by.and_then(|id| facts.get(id));
        newer.is_some_and(|newer| newer.method == Method::User)
    };
    let (mut liked, mut judged) = (Vec::new(), Vec::new());
    for fact in facts.all().filter(|fact| !put_right(fact)) {
        if let Some(taste) = taste(&fact) {
            liked.extend(entry(&fact, is_owners).map(|entry| (taste, entry)));
        } else if let Some((subject, stance)) = judgement(&fact) {
            judged.extend(entry(&fact, is_owners).map(|entry| opinion(subject, stance, entry)));
        }
    }
    let stance = |likes: bool| if likes { Stance::For } else { Stance::Against };
    judged.extend(liked.iter().map(|(taste, entry)| opinion(taste.thing.clone(), stance(taste.likes), entry.clone())));
    let mut all = preferences(liked);
    all.extend(formed(judged));
    all
}

/// A statement with its day and the places where the owner makes it; it says what is quoted there.
fn entry(fact: &Fact, is_owners: &dyn Fn(&Origin) -> bool) -> Option<Entry> {
    let places: Vec<Origin> = fact.sources.iter().filter(is_owners).take(PLACES).collect();
    let place = |at: &Origin| Evidence { path: at.path.to_string_lossy().into_owned(), line: Some(at.line) };
    let evidence = places.iter().map(place).collect();
    // What the owner puts right has a value for a quotation.
    let quote = places.first()?.quote;
    let text = if quote == fact.object { fact.sentence() } else { quote.to_owned() };
    Some(Entry { evidence, ..Entry::new(Kind::Preference, &text, noon(fact.since())) })
}

fn noon(day: Date) -> Timestamp {
    let at = day.at(12, 0, 0, 0).to_zoned(TimeZone::system());
    at.map_or(Timestamp::UNIX_EPOCH, |at| at.timestamp())
}

fn opinion(subject: String, stance: Stance, entry: Entry) -> Entry {
    Entry { kind: Kind::Opinion, subject: Some(subject), stance: Some(stance), ..entry }
}

/// The opinions for which there is enough.
fn formed(judged: Vec<Entry>) -> Vec<Entry> {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    let subject = |entry: &Entry| entry.subject.as_deref().unwrap_or_default().to_lowercase();
    judged.iter().for_each(|entry| *count.entry(subject(entry)).or_default() += 1);
    judged.into_iter().filter(|entry| count[&subject(entry)] >= LEAST).collect()
}

// ---- preferences ----

fn taste(fact: &Fact) -> Option<Taste> {
    let own = fact.category == Category::Preference && fact.subject_entity == Some("me");
    if own { Taste::of(fact.predicate, fact.object, fact.source.quote) } else { None }
}

/// Each with its subject: what it is for, or the things that were ever preferred to each other.
fn preferences(liked: Vec<(Taste, Entry)>) -> Vec<Entry> {
    let groups = groups(liked.iter().map(|(taste, _)| taste));
    let subject = |taste: &Taste| taste.about.clone().or_else(|| groups.get(&taste.thing).cloned());
    let said = |(taste, entry): (Taste, Entry)| {
        let subject = subject(&taste)?;
        // Not to like one of several things says nothing of the others.
        let says = taste.likes || subject == taste.thing || taste.about.is_some();
        says.then(|| Entry { text: taste.text(), subject: Some(subject), ..entry })
    };
    liked.into_iter().filter_map(said).collect()
}

/// What the things are called together with those that they were preferred to.
fn groups<'a>(tastes: impl Iterator<Item = &'a Taste>) -> BTreeMap<String, String> {
    let mut sets: Vec<BTreeSet<String>> = Vec::new();
    for taste in tastes.filter(|taste| taste.about.is_none()) {
        let mut joined: BTreeSet<String> = std::iter::once(taste.thing.clone()).chain(taste.less.clone()).collect();
        let (touching, apart): (Vec<_>, Vec<_>) = sets.into_iter().partition(|set| !set.is_disjoint(&joined));
        touching.into_iter().for_each(|set| joined.extend(set));
        sets = apart;
        sets.push(joined);
    }
    let named = sets.into_iter().flat_map(|set| {
        let name = set.iter().cloned().collect::<Vec<_>>().join(" or ");
        set.into_iter().map(move |thing| (thing, name.clone()))
    });
    named.collect()
}

// ---- judgements ----

/// What a sentence says is good or bad.
fn judgement(fact: &Fact) -> Option<(String, Stance)> {
    let named = fact.subject_has_name() && fact.subject.split_whitespace().count() <= LONGEST;
    let stance = stance(fact.predicate, fact.object).filter(|_| named && fact.is_likely())?;
    let subject = fact.subject_entity.unwrap_or(fact.subject);
    Some((subject.trim_start_matches("The ").trim_start_matches("the ").to_owned(), stance))
}

/// Whether "is reliable" speaks for something; `None` where it says neither.
fn stance(predicate: &str, object: &str) -> Option<Stance> {
    let predicate = predicate.to_lowercase();
    let is = |word: &str| matches!(word, "is" | "are" | "not" | "n't" | "isn't" | "aren't" | "very");
    if !predicate.split_whitespace().all(is) {
        return None;
    }
    let object = object.to_lowercase();
    let words = object.split(|c: char| !c.is_alphanumeric()).chain(predicate.split_whitespace());
    let words: Vec<&str> = words.collect();
    let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
    let (good, bad) = (has(GOOD), has(BAD));
    let turned = has(&["not", "n't", "isn't", "aren't", "never", "no", "hardly"]);
    (good != bad).then_some(if good != turned { Stance::For } else { Stance::Against })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn liked(said: &[(&str, &str, &str)]) -> Vec<(String, String)> {
        let one = |(predicate, object, sentence): &(&str, &str, &str)| {
            let taste = Taste::of(predicate, object, sentence)?;
            Some((taste, Entry::new(Kind::Preference, sentence, Timestamp::UNIX_EPOCH)))
        };
        let all = preferences(said.iter().filter_map(one).collect());
        all.into_iter().map(|entry| (entry.subject.unwrap_or_default(), entry.text)).collect()
    }

    #[test]
    fn what_was_preferred_to_each_other_is_one_subject() {
        let said = [
            ("like", "coffee", "I like coffee."),
            ("prefer", "tea", "I prefer tea to coffee."),
            ("hate", "coffee", "I hate coffee."),
            ("like", "boats", "I like boats."),
            ("do not like", "boats", "I do not like boats."),
            ("prefer", "porridge", "I prefer porridge for breakfast."),
        ];
        let want = [
            ("coffee or tea", "coffee"),
            ("coffee or tea", "tea"),
            ("boats", "boats"),
            ("boats", "not boats"),
            ("breakfast", "porridge"),
        ];
        assert_eq!(liked(&said), want.map(|(subject, text)| (subject.to_owned(), text.to_owned())));
    }

    #[test]
    fn judgements_go_one_way() {
        let check = |predicate: &str, object: &str, want| assert_eq!(stance(predicate, object), want, "{object}");
        check("is", "reliable", Some(Stance::For));
        check("is", "a very good pump", Some(Stance::For));
        check("is not", "reliable", Some(Stance::Against));
        check("are", "not slow", Some(Stance::For));
        check("is", "slow", Some(Stance::Against));
        check("is", "good but slow", None);
        check("is", "blue", None);
        check("makes", "good bread", None);
    }

    #[test]
    fn one_statement_is_no_opinion() {
        let say = |subject: &str| {
            opinion(subject.into(), Stance::For, Entry::new(Kind::Preference, "so", Timestamp::UNIX_EPOCH))
        };
        let formed = formed(vec![say("SQLite"), say("the pump"), say("sqlite")]);
        assert_eq!(formed.len(), 2);
        assert!(formed.iter().all(|entry| entry.subject.as_deref() != Some("the pump") && entry.kind == Kind::Opinion));
    }
}
