//! What is to be done and what will happen, from facts: check-boxes, deadlines, calendars.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::{ToSpan, civil};

use super::{Moment, days, plain, recurrence};
use crate::facts::{Category, Fact, Noted, Reason, day_of, days_in};

/// A day that has passed so long ago is no longer looked at.
const LATE: i64 = 14;

/// Something that is to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// What.
    pub text: String,
    /// By when.
    pub due: Option<Date>,
    /// Since when it is known.
    pub since: Date,
    /// Where it stands.
    pub path: PathBuf,
    /// Its line there.
    pub line: u32,
    /// Whether it is a sentence that names a day, and not a task by its form.
    pub said: bool,
}

/// Something that happens on a day.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// What.
    pub title: String,
    /// On which day.
    pub day: Date,
    /// At which time, as the calendar has it.
    pub time: Option<String>,
    /// Where.
    pub place: Option<String>,
    /// Whether it is one of many.
    pub repeats: bool,
    /// The calendar.
    pub path: PathBuf,
    /// Its line there.
    pub line: u32,
}

/// What is to be done: by its day, then what has none, the newest first.
pub fn tasks(moment: &Moment) -> Vec<Task> {
    let mut all = by_form(moment);
    all.extend(by_sentence(moment));
    all.sort_by(|a, b| {
        let day = |task: &Task| task.due.unwrap_or(Date::MAX);
        day(a).cmp(&day(b)).then_with(|| b.since.cmp(&a.since)).then_with(|| (&a.path, a.line).cmp(&(&b.path, b.line)))
    });
    all.dedup_by(|a, b| (&a.path, a.line) == (&b.path, b.line));
    all
}

fn current<'a>(moment: &'a Moment) -> impl Iterator<Item = Fact<'a>> {
    moment.stated().filter(|fact| fact.superseded_by.is_none())
}

/// Tasks that are written as such; the day may stand on a line of its own below the same heading (org, calendars).
fn by_form(moment: &Moment) -> Vec<Task> {
    let mut deadlines: HashMap<(&Path, &str), Date> = HashMap::new();
    let mut closed: HashSet<(&Path, &str)> = HashSet::new();
    for fact in current(moment) {
        let predicate = fact.predicate.to_lowercase();
        match predicate.as_str() {
            "deadline" | "due" | "scheduled" => {
                let day = fact.valid_until.or_else(|| days_in(fact.object, None).pop());
                day.map(|day| deadlines.insert(key(&fact), day));
            }
            "status" if matches!(fact.object.to_lowercase().as_str(), "completed" | "done" | "cancelled") => {
                closed.insert(key(&fact));
            }
            "completed" => drop(closed.insert(key(&fact))),
            _ => {}
        }
    }
    let mut named: HashSet<(&Path, &str)> = HashSet::new();
    let mut all = Vec::new();
    for fact in current(moment).filter(|fact| fact.category == Category::Task && fact.predicate == "to do") {
        let said = days_in(fact.object, Some(fact.since())).pop();
        let due = fact.valid_until.or_else(|| deadlines.get(&key(&fact)).copied()).or(said);
        named.insert(key(&fact));
        all.push(task(&fact, fact.object, due));
    }
    for fact in current(moment).filter(|fact| matches!(fact.predicate.to_lowercase().as_str(), "due" | "deadline")) {
        if !closed.contains(&key(&fact)) && !named.contains(&key(&fact)) {
            all.push(task(&fact, fact.subject, deadlines.get(&key(&fact)).copied()));
        }
    }
    all
}

/// What lines below one heading have in common.
fn key<'a>(fact: &Fact<'a>) -> (&'a Path, &'a str) {
    (fact.source.path, fact.subject)
}

fn task(fact: &Fact, text: &str, due: Option<Date>) -> Task {
    let (path, line) = (fact.source.path.to_owned(), fact.source.line);
    Task { text: plain(text), due, since: fact.since(), path, line, said: false }
}

/// Sentences that name a day by which something is due, from a little before today on.
fn by_sentence(moment: &Moment) -> Vec<Task> {
    let today = moment.today();
    let due = moment.notable().into_iter().filter(|noted| noted.notable.reason == Reason::Due);
    // What was published speaks to everybody.
    let own =
        |noted: &&&Noted| moment.document(&noted.path).is_none_or(|d| !matches!(d.media.as_str(), "html" | "book"));
    let near =
        due.filter(|noted| own(&noted)).filter(|noted| noted.notable.day.is_some_and(|day| days(today, day) >= -LATE));
    near.map(|noted| Task {
        text: plain(&format!("{}: {}", noted.notable.topic, noted.notable.quote)),
        due: noted.notable.day,
        since: day_of(noted.at),
        path: noted.path.to_path_buf(),
        line: noted.notable.line,
        said: true,
    })
    .collect()
}

/// Sentences that say what was decided, the newest first.
pub fn decisions<'a>(moment: &'a Moment) -> Vec<&'a Noted> {
    let mut all = moment.notable();
    all.retain(|noted| noted.notable.reason == Reason::Decision);
    all.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| (&a.path, a.notable.line).cmp(&(&b.path, b.notable.line))));
    all
}

/// What calendars have from today on, for so many days.
pub fn happenings(moment: &Moment, ahead: i64) -> Vec<Happening> {
    let mut entries: BTreeMap<(&Path, &str), Vec<Fact>> = BTreeMap::new();
    let calendar = |path: &Path| moment.document(path).is_some_and(|document| document.media == "calendar");
    for fact in current(moment).filter(|fact| calendar(fact.source.path)) {
        entries.entry(key(&fact)).or_default().push(fact);
    }
    let until = moment.today().checked_add(ahead.days()).unwrap_or(Date::MAX);
    let mut all: Vec<Happening> = entries
        .into_iter()
        .filter_map(|((path, title), facts)| happening(moment, path, title, &facts))
        .filter(|happening| happening.day <= until)
        .collect();
    all.sort_by(|a, b| (a.day, &a.time, &a.title).cmp(&(b.day, &b.time, &b.title)));
    all
}

fn happening(moment: &Moment, path: &Path, title: &str, facts: &[Fact]) -> Option<Happening> {
    let said = |predicate: &str| facts.iter().find(|fact| fact.predicate == predicate);
    let start = said("Start")?;
    let first = start.valid_from?;
    let today = moment.today();
    let day = match said("Repeats") {
        Some(rule) => recurrence::next(first, rule.object, today)?,
        None => Some(first).filter(|day| *day >= today)?,
    };
    let time = start.object.split_once(' ').map(|(_, time)| time.to_owned());
    let place = said("Location").map(|fact| plain(fact.object));
    Some(Happening {
        title: plain(title),
        repeats: said("Repeats").is_some(),
        day,
        time: clock(moment, day, time),
        place,
        path: path.to_owned(),
        line: start.source.line,
    })
}

/// A time of day where the owner is: calendars also write UTC.
fn clock(moment: &Moment, day: Date, time: Option<String>) -> Option<String> {
    let time = time?;
    let Some(utc) = time.strip_suffix(" UTC") else { return Some(time) };
    let (hour, minute) = utc.split_once(':')?;
    let at = civil::time(hour.parse().ok()?, minute.parse().ok()?, 0, 0).on(day.year(), day.month(), day.day());
    let here = at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.with_time_zone(moment.now.time_zone().clone());
    Some(here.strftime("%H:%M").to_string())
}
