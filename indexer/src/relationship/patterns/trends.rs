//! What rises and fades: on how many days something came up in the last weeks, against those before.
//!
//! By chance a part of its days would lie in the last weeks that is as large as their part of the whole time, or as that of
//! the days of everything else: who does more of everything, or was away, shows no trend.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;

use super::{Event, LEAST, Pattern, binomial_tail, significant, without_twins};

/// The last days, ...
const RECENT: i64 = 42;
/// ... and those before that they are compared with; ...
const BEFORE: i64 = 84;
/// ... fewer than these say too little.
const KNOWN: i64 = 28;
/// What is known of a share before anything has happened, in days.
const PRIOR: f64 = 20.0;

/// The days that are compared.
struct Window {
    begins: Date,
    recent: Date,
    /// How many there are before the recent ones.
    before: i64,
}

/// On how many days something came up.
#[derive(Clone, Copy, Default)]
struct Days {
    before: usize,
    recent: usize,
}

impl Window {
    /// Up to the last event; `None` where the history is too short.
    fn of(events: &[Event]) -> Option<Window> {
        let (first, last) = (events.first()?.date, events.last()?.date);
        let recent = last.checked_sub((RECENT - 1).days()).ok()?;
        let begins = recent.checked_sub(BEFORE.days()).ok()?.max(first);
        let before = i64::from(begins.until(recent).ok()?.get_days());
        (before >= KNOWN).then_some(Window { begins, recent, before })
    }

    /// The part of the days that is recent.
    fn share(&self) -> f64 {
        RECENT as f64 / (RECENT + self.before) as f64
    }

    fn count(&self, events: &[&Event]) -> Days {
        let days: BTreeSet<Date> = events.iter().map(|event| event.date).filter(|day| *day >= self.begins).collect();
        let recent = days.iter().filter(|day| **day >= self.recent).count();
        Days { before: days.len() - recent, recent }
    }

    /// Numbers of the events on recent days, or on those before.
    fn seen(&self, events: &[&Event], recent: bool) -> Vec<u64> {
        let there = |day: Date| day >= self.begins && (day >= self.recent) == recent;
        events.iter().filter(|event| there(event.date)).map(|event| event.entry.seq).collect()
    }
}

/// What rises or fades.
pub fn find(events: &[Event], themes: &BTreeMap<String, Vec<&Event>>) -> Vec<Pattern> {
    let Some(window) = Window::of(events) else { return Vec::new() };
    let counted: Vec<(&String, &Vec<&Event>, Days)> =
        themes.iter().map(|(theme, own)| (theme, own, window.count(own))).collect();
    let (before, recent) = (counted.iter().map(|one| one.2.before).sum(), counted.iter().map(|one| one.2.recent).sum());
    let all = Days { before, recent };
    // What hardly came up at all in this time can neither rise nor fade.
    let often = counted.iter().filter(|(_, _, days)| days.before + days.recent >= LEAST);
    let trends: Vec<Pattern> = often.flat_map(|(theme, own, days)| both(theme, own, *days, all, &window)).collect();
    let looked_at = trends.len();
    significant(without_twins(trends), looked_at).collect()
}

/// That a theme rises and that it fades, each with its probability.
fn both(theme: &str, events: &[&Event], own: Days, all: Days, window: &Window) -> [Pattern; 2] {
    let Days { before, recent } = own;
    let (rest_before, rest_recent) = ((all.before - before) as f64, (all.recent - recent) as f64);
    let usual = (rest_recent + PRIOR * window.share()) / (rest_before + rest_recent + PRIOR);
    let days = format!("on {recent} of the last {RECENT} days, on {before} of the {} before", window.before);
    let rises = Pattern {
        id: format!("rises:{theme}"),
        text: format!("{theme} comes up more and more: {days}"),
        count: recent,
        of: before + recent,
        p: binomial_tail(recent, before + recent, usual.max(window.share())),
        entries: window.seen(events, true),
    };
    let fades = Pattern {
        id: format!("fades:{theme}"),
        text: format!("{theme} comes up less and less: {days}"),
        count: before,
        of: before + recent,
        p: binomial_tail(before, before + recent, (1.0 - usual).max(1.0 - window.share())),
        entries: window.seen(events, false),
    };
    [rises, fades]
}
