//! How each document is used: it bore out an answer, was opened or changed. What was long ago counts for less.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use jiff::Timestamp;

use super::Moment;
use crate::relationship::{Activity, Entry, Kind as Entered};

/// Days after which a use counts for half.
const HALF_LIFE: f64 = 90.0;
const HOUR: i64 = 3_600;

/// The uses of one document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Use {
    /// How many they are, each counted by its age.
    pub weight: f64,
    /// When the latest was.
    pub last: Timestamp,
}

/// The uses of all documents that were used. What happens to one within an hour is one use.
pub fn usage<'a>(moment: &Moment<'a>) -> HashMap<&'a Path, Use> {
    let mut hours: HashSet<(&Path, i64)> = HashSet::new();
    let mut uses: HashMap<&Path, Use> = HashMap::new();
    for (path, at) in touched(moment) {
        let known = uses.entry(path).or_insert(Use { weight: 0.0, last: at });
        known.last = known.last.max(at);
        if hours.insert((path, at.as_second().div_euclid(HOUR))) {
            known.weight += counted(moment, at);
        }
    }
    uses
}

/// What a use of that time counts for.
fn counted(moment: &Moment, at: Timestamp) -> f64 {
    let seconds = moment.now.timestamp().as_second().saturating_sub(at.as_second()).max(0);
    0.5_f64.powf(seconds as f64 / 86_400.0 / HALF_LIFE)
}

fn touched<'a>(moment: &Moment<'a>) -> impl Iterator<Item = (&'a Path, Timestamp)> {
    let noted = moment.log.entries.iter().filter(|entry| is_use(entry));
    let noted = noted.flat_map(|entry| entry.borne_out_by().map(move |evidence| (Path::new(&evidence.path), entry.at)));
    noted.chain(moment.opened.iter().map(|(path, at)| (path.as_path(), *at)))
}

fn is_use(entry: &Entry) -> bool {
    entry.kind == Entered::Interaction || matches!(Activity::of(entry), Some(Activity::Opens | Activity::Changes))
}
