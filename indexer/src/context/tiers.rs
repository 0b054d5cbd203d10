//! How near each document is: in use, recent, kept because it matters, or put away. And what moved from one to another.
//!
//! A tier decides nothing about finding: what is put away is searched like everything else. It is what the pages of this
//! moment are chosen from first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::{Moment, day_of, days, distance, plain};
use crate::facts::Reason;
use crate::relationship::Kind as Entered;
use crate::{Document, Kind};

/// Days since the last use, up to which a document is in use, and recent.
const WORKING: i64 = 2;
const RECENT: i64 = 45;
/// So many uses keep a document from being put away.
const USED: usize = 3;

/// How near a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Changed, opened or cited in the last days.
    Working,
    /// In the last weeks.
    Recent,
    /// Older, and it holds something that matters or was used often.
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

/// A document that went from one tier to another: one line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// When that was found.
    pub at: Timestamp,
    /// The document.
    pub path: PathBuf,
    /// The tier it was in; `None` when it is new.
    pub from: Option<Tier>,
    /// The tier it is in.
    pub to: Tier,
    /// Why.
    pub why: String,
}

/// The tier of each document, and why.
pub fn tiers<'a>(moment: &Moment<'a>) -> BTreeMap<&'a Path, (Tier, String)> {
    let uses = moment.uses();
    let mut matters: BTreeMap<&Path, Reason> = BTreeMap::new();
    for noted in moment.facts.notable().iter().filter(|noted| noted.notable.reason <= Reason::Decision) {
        let known = matters.entry(&noted.path).or_insert(noted.notable.reason);
        *known = (*known).min(noted.notable.reason);
    }
    let last_use = last_use(moment);
    let shown = moment.documents.iter().filter(|document| document.kind != Kind::Relationship);
    shown
        .map(|document| {
            let used = last_use.get(document.path.as_path()).copied();
            let count = uses.get(document.path.as_path()).copied().unwrap_or(0);
            let reason = matters.get(document.path.as_path()).copied();
            (document.path.as_path(), tier(moment, document, used, count, reason))
        })
        .collect()
}

fn tier(
    moment: &Moment,
    document: &Document,
    used: Option<Timestamp>,
    uses: usize,
    matters: Option<Reason>,
) -> (Tier, String) {
    let since = |at: Timestamp| days(day_of(at, moment.now), moment.today());
    let written = since(Timestamp::from_second(document.date).unwrap_or_default());
    let age = used.map_or(written, |at| since(at).min(written));
    let how = if age < written { "used" } else { "written" };
    let when =
        moment.today().checked_sub(age.days()).map_or_else(|_| "long ago".into(), |day| distance(moment.today(), day));
    match matters {
        _ if age <= WORKING => (Tier::Working, format!("{how} {when}")),
        _ if age <= RECENT => (Tier::Recent, format!("{how} {when}")),
        Some(reason) => (Tier::LongTerm, format!("it holds something about {}", word(reason))),
        None if uses >= USED => (Tier::LongTerm, format!("used {uses} times")),
        None => (Tier::Archive, format!("{how} {when}")),
    }
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

fn last_use<'a>(moment: &Moment<'a>) -> BTreeMap<&'a Path, Timestamp> {
    let mut last: BTreeMap<&Path, Timestamp> = BTreeMap::new();
    let mut add = |path: &'a Path, at: Timestamp| {
        let known = last.entry(path).or_insert(at);
        *known = (*known).max(at);
    };
    let asked = moment.log.entries.iter().filter(|entry| entry.kind == Entered::Interaction);
    asked.for_each(|entry| entry.borne_out_by().for_each(|e| add(Path::new(&e.path), entry.at)));
    moment.opened.iter().for_each(|(path, at)| add(path, *at));
    last
}

/// What moved since `before`.
pub fn moves(before: &BTreeMap<PathBuf, Tier>, now: &BTreeMap<&Path, (Tier, String)>, at: Timestamp) -> Vec<Move> {
    let moved = now.iter().filter_map(|(path, (to, why))| {
        let from = before.get(*path).copied();
        (from.is_some() && from != Some(*to)).then(|| Move {
            at,
            path: path.to_path_buf(),
            from,
            to: *to,
            why: why.clone(),
        })
    });
    moved.collect()
}

/// The page of one tier.
pub fn tier_page(moment: &Moment, tier: Tier) -> String {
    let tiers = tiers(moment);
    let mut of: Vec<(&Document, &String)> = tiers
        .iter()
        .filter(|(_, (found, _))| *found == tier)
        .filter_map(|(path, (_, why))| Some((moment.document(path)?, why)))
        .collect();
    of.sort_by_key(|(document, _)| std::cmp::Reverse(document.date));
    let mut out = format!("# {} ({} documents)\n\n", tier.name(), of.len());
    for (document, why) in of {
        out.push_str(&format!("- {}: {why}\n  {}\n", plain(&document.title), plain(&document.path.to_string_lossy())));
    }
    out
}
