//! What may be noted of what the owner does: the owner's choice, by kind and for a time, kept over restarts.
//!
//! Who wants to note something asks [`Observe::records`] first. A choice that cannot be read is taken for a pause, since
//! nobody knows any more what was allowed.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::{Span, Timestamp, Zoned};
use serde::{Deserialize, Serialize};

use super::entry::{Entry, Kind};
use crate::shared::lock;
use crate::{Error, lines};

/// What is noted of what the owner does. Its name is the subject of its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activity {
    /// A question was asked.
    Questions,
    /// Something was said in a chat.
    Chats,
    /// A document was opened.
    Opens,
    /// A file changed.
    Changes,
}

impl Activity {
    /// All of them, in order.
    pub const ALL: [Activity; 4] = [Activity::Questions, Activity::Chats, Activity::Opens, Activity::Changes];

    /// As it is written everywhere.
    pub fn name(self) -> &'static str {
        match self {
            Activity::Questions => "questions",
            Activity::Chats => "chats",
            Activity::Opens => "opens",
            Activity::Changes => "changes",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Activity> {
        Activity::ALL.into_iter().find(|activity| activity.name() == name)
    }

    /// What an entry was noted of, if it was noted here.
    pub fn of(entry: &Entry) -> Option<Activity> {
        let noted = matches!(entry.kind, Kind::Interaction | Kind::Observation) && entry.forgotten.is_none();
        entry.subject.as_deref().filter(|_| noted).and_then(Activity::named)
    }
}

/// How long nothing is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pause {
    /// Until this time.
    Until(Timestamp),
    /// Until the owner says so.
    UntilResumed,
}

/// What the owner may say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Note nothing for a while.
    Pause(Pause),
    /// Go on.
    Resume,
    /// Note these.
    On(Vec<Activity>),
    /// Do not note these.
    Off(Vec<Activity>),
}

impl Order {
    /// Reads `pause`, `pause 1h`, `resume`, `on`, `off`, `on opens`, `off opens changes`.
    ///
    /// # Errors
    /// In words, why this is no order.
    pub fn parse(line: &str, now: &Zoned) -> Result<Order, String> {
        let line = line.trim().to_lowercase();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
        match (word, rest.trim()) {
            ("pause", rest) => pause(rest, now).map(Order::Pause),
            ("resume", "") => Ok(Order::Resume),
            ("on", kinds) => activities(kinds).map(Order::On),
            ("off", kinds) => activities(kinds).map(Order::Off),
            _ => Err(format!("{line}: write `pause 1h`, `pause`, `resume`, `off opens` or `on opens`")),
        }
    }
}

fn pause(span: &str, now: &Zoned) -> Result<Pause, String> {
    let span = span.strip_prefix("for ").unwrap_or(span).trim();
    if matches!(span, "" | "until i say so" | "until resume") {
        return Ok(Pause::UntilResumed);
    }
    let number = span.strip_prefix("an ").or_else(|| span.strip_prefix("a ")).map(|unit| format!("1 {unit}"));
    let wrong = || format!("{span}: for how long? `30m`, `1h`, `2 days`, or nothing for until you write `resume`");
    let length: Span = number.as_deref().unwrap_or(span).parse().map_err(|_| wrong())?;
    let until = now.checked_add(length).map_err(|_| wrong())?;
    if until <= *now { Err(wrong()) } else { Ok(Pause::Until(until.timestamp())) }
}

/// The kinds that are named; all of them where none is.
fn activities(names: &str) -> Result<Vec<Activity>, String> {
    let one = |name: &str| {
        Activity::named(name).ok_or_else(|| format!("{name}: there are questions, chats, opens and changes"))
    };
    match names {
        "" | "all" => Ok(Activity::ALL.to_vec()),
        names => names.split([' ', ',', '\t']).filter(|name| !name.is_empty()).map(one).collect(),
    }
}

/// What the owner has chosen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Choice {
    off: BTreeSet<Activity>,
    paused: Option<Pause>,
}

impl Choice {
    fn obey(&mut self, order: &Order) {
        match order {
            Order::Pause(pause) => self.paused = Some(*pause),
            Order::Resume => self.paused = None,
            Order::On(kinds) => self.off.retain(|kind| !kinds.contains(kind)),
            Order::Off(kinds) => self.off.extend(kinds),
        }
    }
}

/// The owner's choice, in memory and on disk.
#[derive(Debug)]
pub struct Observe {
    path: PathBuf,
    choice: Mutex<Choice>,
    /// Whether the configuration forbids all of it.
    forbidden: AtomicBool,
    /// Held by whoever writes it down, so that nobody who asks waits for the disk.
    writing: Mutex<()>,
}

impl Observe {
    /// The choice in the file at `path`; everything may be noted where there is none.
    pub fn open(path: PathBuf) -> Observe {
        let choice = match fs::read(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => Choice::default(),
            read => read.ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_else(|| {
                log::warn!("{} cannot be read: nothing is noted until you say so in .echo/observe", path.display());
                Choice { paused: Some(Pause::UntilResumed), ..Choice::default() }
            }),
        };
        let (forbidden, writing) = Default::default();
        Observe { path, choice: Mutex::new(choice), forbidden, writing }
    }

    /// Whether this may be noted now. From memory.
    pub fn records(&self, activity: Activity, now: Timestamp) -> bool {
        !self.is_forbidden() && self.paused(now).is_none() && self.is_on(activity)
    }

    /// Whether the owner has this noted, but for pauses.
    pub fn is_on(&self, activity: Activity) -> bool {
        !lock(&self.choice).off.contains(&activity)
    }

    /// The pause that lasts now.
    pub fn paused(&self, now: Timestamp) -> Option<Pause> {
        lock(&self.choice).paused.filter(|pause| match pause {
            Pause::Until(end) => now < *end,
            Pause::UntilResumed => true,
        })
    }

    /// Notes nothing as long as this process lives, whatever the choice.
    pub fn forbid(&self) {
        self.forbidden.store(true, Ordering::Relaxed);
    }

    /// Whether the configuration has nothing noted.
    pub fn is_forbidden(&self) -> bool {
        self.forbidden.load(Ordering::Relaxed)
    }

    /// Does what the owner says, from now on and after restarts.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be written down; it then holds until the next start.
    pub fn obey(&self, order: &Order) -> Result<(), Error> {
        let _writing = lock(&self.writing);
        let choice = {
            let mut choice = lock(&self.choice);
            choice.obey(order);
            choice.clone()
        };
        let text = serde_json::to_vec(&choice).map_err(|e| Error::Damaged("choice", e.to_string()))?;
        lines::rewrite(&self.path, &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Zoned {
        "2026-11-22T09:00[Europe/London]".parse().unwrap()
    }

    #[test]
    fn orders_are_read_or_refused() {
        let check = |line: &str, want: Order| assert_eq!(Order::parse(line, &now()), Ok(want), "{line}");
        let until = |time: &str| Order::Pause(Pause::Until(time.parse().unwrap()));
        check("pause 1h", until("2026-11-22T10:00:00Z"));
        check("Pause for an hour", until("2026-11-22T10:00:00Z"));
        check("pause 30m", until("2026-11-22T09:30:00Z"));
        check("pause 2 days", until("2026-11-24T09:00:00Z"));
        check("pause", Order::Pause(Pause::UntilResumed));
        check("pause until I say so", Order::Pause(Pause::UntilResumed));
        check("resume", Order::Resume);
        check("off", Order::Off(Activity::ALL.to_vec()));
        check("on opens, changes", Order::On(vec![Activity::Opens, Activity::Changes]));
        let refuse = |line: &str, why: &str| {
            let error = Order::parse(line, &now()).unwrap_err();
            assert!(error.contains(why), "{line}: {error}");
        };
        refuse("pause soon", "for how long");
        refuse("pause -1h", "for how long");
        refuse("pause 99999999999 years", "for how long");
        refuse("off mail", "there are questions");
        refuse("stop", "pause 1h");
        refuse("resume now", "pause 1h");
    }

    #[test]
    fn a_choice_holds_by_kind_for_its_time_and_over_restarts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("observe.json");
        let observe = Observe::open(path.clone());
        let at = |hour: i64| now().timestamp() + jiff::SignedDuration::from_hours(hour);
        let say = |observe: &Observe, line: &str| observe.obey(&Order::parse(line, &now()).unwrap()).unwrap();
        assert!(Activity::ALL.iter().all(|kind| observe.records(*kind, at(0))));
        say(&observe, "off opens");
        say(&observe, "pause 2h");
        let again = Observe::open(path.clone());
        for observe in [&observe, &again] {
            assert!(!observe.records(Activity::Questions, at(1)) && observe.records(Activity::Questions, at(2)));
            assert!(!observe.records(Activity::Opens, at(3)) && !observe.is_on(Activity::Opens));
        }
        say(&again, "on opens");
        say(&again, "pause");
        assert!(!again.records(Activity::Opens, at(9_999)));
        say(&again, "resume");
        assert!(again.records(Activity::Opens, at(0)));
        again.forbid();
        assert!(!again.records(Activity::Opens, at(0)) && again.is_on(Activity::Opens));
        fs::write(&path, "{").unwrap();
        assert_eq!(Observe::open(path).paused(at(0)), Some(Pause::UntilResumed), "a damaged choice allows nothing");
    }
}
