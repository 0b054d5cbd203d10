//! How near each document is: in use, recent, kept because it matters, or put away. And what moved from one to another.
//!
//! A tier is a function of what is known of a document and of the tier it was in: it comes nearer at once and goes only when it
//! is clearly over the border, so that nothing moves to and fro. A tier decides nothing about finding: what is put away is
//! searched like everything else. It is what the pages of this moment are chosen from first.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::agenda::tasks;
use super::usage::{Use, usage};
use super::{Moment, day_of, days, distance, plain};
use crate::facts::Reason;
use crate::{Document, Kind};

/// Days since it was written or used last, up to which a document is in use, and recent.
const WORKING: i64 = 2;
const RECENT: i64 = 45;
/// So many days longer it stays there.
const WORKING_STAYS: i64 = 2;
const RECENT_STAYS: i64 = 10;
/// So many uses keep a document from being put away, and so few are too few for one that was kept.
const USED: f64 = 3.0;
const USED_STILL: f64 = 2.0;
/// A task is at hand from so many days before its day to so many after it.
const AHEAD: i64 = 7;
const LATE: i64 = 14;

/// How near a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Written, changed, opened or cited in the last days, or a task in it is at hand.
    Working,
    /// In the last weeks.
    Recent,
    /// Older, and it holds something that matters, has an open task or was used often.
    LongTerm,
    /// Everything else.
    Archive,
}

impl Tier {
    /// All of them, the nearest first.
    pub const ALL: [Tier; 4] = [Tier::Working, Tier::Recent, Tier::LongTerm, Tier::Archive];

    /// As it is written everywhere.
    pub fn name(self) -> &'static str {
        match self {
            Tier::Working => "working",
            Tier::Recent => "recent",
            Tier::LongTerm => "long-term",
            Tier::Archive => "archive",
        }
    }
}

/// What decides how near a document is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signs {
    /// Days since it was written.
    pub written: i64,
    /// Days since it was used, if it ever was.
    pub used: Option<i64>,
    /// How often it was used, what is long ago counting for less.
    pub uses: f64,
    /// Of the open tasks in it, the days until the nearest one; `Some(None)` where none has a day.
    pub task: Option<Option<i64>>,
    /// The weightiest of what it holds.
    pub matters: Option<Reason>,
}

/// Why a document is in its tier.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Why {
    /// It was written so many days ago.
    Written(i64),
    /// It was used so many days ago.
    Used(i64),
    /// A task in it is at hand: days until its day.
    Due(i64),
    /// A task in it is open.
    Open,
    /// It holds something that matters.
    Matters(Reason),
    /// It was used often.
    Often,
}

impl Why {
    /// In words.
    pub fn text(self, today: Date) -> String {
        let when = |days: i64| {
            let day = today.checked_add(days.days());
            day.map_or_else(|_| "long ago".into(), |day| distance(today, day))
        };
        match self {
            Why::Written(age) => format!("written {}", when(-age)),
            Why::Used(age) => format!("used {}", when(-age)),
            Why::Due(left) => format!("a task in it {} {}", if left < 0 { "was due" } else { "is due" }, when(left)),
            Why::Open => "a task in it is open".into(),
            Why::Matters(reason) => format!("it holds something about {}", word(reason)),
            Why::Often => "it is used often".into(),
        }
    }
}

impl Signs {
    /// The tier of a document that was in the tier `before`, and why.
    pub fn tier(&self, before: Option<Tier>) -> (Tier, Why) {
        let (age, aged) = match self.used.filter(|used| *used < self.written) {
            Some(used) => (used, Why::Used(used)),
            None => (self.written, Why::Written(self.written)),
        };
        let stays = |tier: Tier, days: i64| if before == Some(tier) { days } else { 0 };
        let enough = if before == Some(Tier::LongTerm) { USED_STILL } else { USED };
        let due = self.task.flatten().filter(|left| is_at_hand(*left));
        match (due, self.matters) {
            _ if age <= WORKING + stays(Tier::Working, WORKING_STAYS) => (Tier::Working, aged),
            (Some(left), _) => (Tier::Working, Why::Due(left)),
            _ if age <= RECENT + stays(Tier::Recent, RECENT_STAYS) => (Tier::Recent, aged),
            (None, Some(reason)) => (Tier::LongTerm, Why::Matters(reason)),
            _ if self.task.is_some() => (Tier::LongTerm, Why::Open),
            _ if self.uses >= enough => (Tier::LongTerm, Why::Often),
            _ => (Tier::Archive, aged),
        }
    }
}

/// Whether a task is at hand that is due in so many days.
fn is_at_hand(left: i64) -> bool {
    (-LATE..=AHEAD).contains(&left)
}

fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::Safety => "health or danger",
        Reason::Access => "a code or a key",
        Reason::Due => "a day to keep",
        Reason::Decision => "a decision",
        Reason::Change => "a change",
        Reason::Warning => "a warning",
    }
}

/// A document that went from one tier to another: one line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// When that was found.
    pub at: Timestamp,
    /// The document.
    pub path: PathBuf,
    /// The tier it was in.
    pub from: Option<Tier>,
    /// The tier it is in.
    pub to: Tier,
    /// Why.
    pub why: String,
}

/// The tier of each document, and why, by path.
pub type Tiers<'a> = BTreeMap<&'a Path, (Tier, Why)>;

/// The tiers of this moment.
pub fn tiers<'a>(moment: &Moment<'a>) -> Tiers<'a> {
    let (uses, matters, open) = (usage(moment), matters(moment), open(moment));
    let shown = moment.documents.iter().filter(|document| document.kind != Kind::Relationship);
    shown
        .map(|document| {
            let path = document.path.as_path();
            let used = uses.get(path).copied();
            let signs = signs(moment, document, used, open.get(path).copied(), matters.get(path).copied());
            (path, signs.tier(moment.before.get(path).copied()))
        })
        .collect()
}

fn signs(
    moment: &Moment,
    document: &Document,
    used: Option<Use>,
    task: Option<Option<i64>>,
    matters: Option<Reason>,
) -> Signs {
    let since = |at: Timestamp| days(day_of(at, moment.now), moment.today());
    Signs {
        written: since(Timestamp::from_second(document.date).unwrap_or_default()).max(0),
        used: used.map(|used| since(used.last).max(0)),
        uses: used.map_or(0.0, |used| used.weight),
        task,
        matters,
    }
}

/// The weightiest of what each document holds, where it is to be kept for that.
fn matters<'a>(moment: &Moment<'a>) -> HashMap<&'a Path, Reason> {
    let mut matters: HashMap<&Path, Reason> = HashMap::new();
    for noted in moment.facts.notable().filter(|noted| noted.notable.reason <= Reason::Decision) {
        let known = matters.entry(&noted.path).or_insert(noted.notable.reason);
        *known = (*known).min(noted.notable.reason);
    }
    matters
}

/// Days until the nearest day of the open tasks of each document that has some; what is at hand comes first.
fn open(moment: &Moment) -> HashMap<PathBuf, Option<i64>> {
    let mut open: HashMap<PathBuf, Option<i64>> = HashMap::new();
    for task in tasks(moment) {
        let left = task.due.map(|due| days(moment.today(), due));
        let known = open.entry(task.path).or_insert(left);
        *known = [*known, left].into_iter().flatten().min_by_key(|left| (!is_at_hand(*left), left.abs()));
    }
    open
}

/// What moved since `before`.
pub fn moves(before: &BTreeMap<PathBuf, Tier>, now: &Tiers, moment: &Moment) -> Vec<Move> {
    let moved = now.iter().filter_map(|(path, (to, why))| {
        let from = before.get(*path).copied();
        (from.is_some() && from != Some(*to)).then(|| Move {
            at: moment.now.timestamp(),
            path: path.to_path_buf(),
            from,
            to: *to,
            why: why.text(moment.today()),
        })
    });
    moved.collect()
}

/// The page of one tier.
pub fn tier_page(moment: &Moment, tier: Tier) -> String {
    let tiers = tiers(moment);
    let mut of: Vec<(&Document, Why)> = tiers
        .iter()
        .filter(|(_, (found, _))| *found == tier)
        .filter_map(|(path, (_, why))| Some((moment.document(path)?, *why)))
        .collect();
    of.sort_by_key(|(document, _)| std::cmp::Reverse(document.date));
    let mut out = format!("# {} ({} documents)\n\n", tier.name(), of.len());
    for (document, why) in of {
        let (title, why) = (plain(&document.title), why.text(moment.today()));
        out.push_str(&format!("- {title}: {why}\n  {}\n", plain(&document.path.to_string_lossy())));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Signs = Signs { written: 400, used: None, uses: 0.0, task: None, matters: None };

    #[test]
    fn a_tier_is_given_by_age_use_tasks_and_what_matters() {
        let check = |signs: Signs, tier: Tier, why: Why| assert_eq!(signs.tier(None), (tier, why), "{signs:?}");
        check(OLD, Tier::Archive, Why::Written(400));
        check(Signs { written: 2, ..OLD }, Tier::Working, Why::Written(2));
        check(Signs { written: 3, ..OLD }, Tier::Recent, Why::Written(3));
        check(Signs { written: 46, ..OLD }, Tier::Archive, Why::Written(46));
        check(Signs { used: Some(0), uses: 1.0, ..OLD }, Tier::Working, Why::Used(0));
        check(Signs { used: Some(60), uses: 1.0, ..OLD }, Tier::Archive, Why::Used(60));
        check(Signs { used: Some(60), uses: 3.0, ..OLD }, Tier::LongTerm, Why::Often);
        check(Signs { matters: Some(Reason::Access), ..OLD }, Tier::LongTerm, Why::Matters(Reason::Access));
        check(Signs { task: Some(Some(5)), ..OLD }, Tier::Working, Why::Due(5));
        check(Signs { task: Some(Some(-3)), ..OLD }, Tier::Working, Why::Due(-3));
        check(Signs { task: Some(Some(-300)), ..OLD }, Tier::LongTerm, Why::Open);
        check(Signs { task: Some(None), written: 10, ..OLD }, Tier::Recent, Why::Written(10));
    }

    #[test]
    fn nothing_moves_to_and_fro() {
        let check = |signs: Signs, before: Tier, tier: Tier| {
            let (found, _) = signs.tier(Some(before));
            assert_eq!((found, signs.tier(Some(found)).0), (tier, tier), "{signs:?} from {before:?}");
        };
        check(Signs { written: 4, ..OLD }, Tier::Working, Tier::Working);
        check(Signs { written: 4, ..OLD }, Tier::Recent, Tier::Recent);
        check(Signs { written: 5, ..OLD }, Tier::Working, Tier::Recent);
        check(Signs { written: 55, ..OLD }, Tier::Recent, Tier::Recent);
        check(Signs { written: 55, ..OLD }, Tier::Archive, Tier::Archive);
        check(Signs { written: 56, ..OLD }, Tier::Recent, Tier::Archive);
        check(Signs { uses: 2.5, ..OLD }, Tier::LongTerm, Tier::LongTerm);
        check(Signs { uses: 2.5, ..OLD }, Tier::Archive, Tier::Archive);
        check(Signs { uses: 1.9, ..OLD }, Tier::LongTerm, Tier::Archive);
        check(Signs { used: Some(1), uses: 1.0, ..OLD }, Tier::Archive, Tier::Working);
    }

    #[test]
    fn a_reason_is_said_in_words() {
        let today = "2026-11-22".parse().unwrap();
        let check = |why: Why, text: &str| assert_eq!(why.text(today), text);
        check(Why::Written(0), "written today");
        check(Why::Used(60), "used 60 days ago");
        check(Why::Due(5), "a task in it is due in 5 days");
        check(Why::Due(-1), "a task in it was due yesterday");
        check(Why::Matters(Reason::Decision), "it holds something about a decision");
    }
}
