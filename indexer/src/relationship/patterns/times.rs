//! Days and times: when something comes up, against when everything else does.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{Event, PART, Pattern, binomial_tail, significant, without_twins};

/// What is known of a time of the week before anything has happened, in events.
const PRIOR: f64 = 20.0;

/// A time of the week: a weekday, a part of the day, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Slot {
    weekday: Option<i8>,
    part: Option<i8>,
}

/// A part of a day on which something happened; many things that happen in it count once.
type Moment = (Date, i8);

impl Slot {
    fn holds(self, (date, part): &Moment) -> bool {
        let weekday = self.weekday.is_none_or(|day| date.weekday().to_monday_one_offset() == day);
        weekday && self.part.is_none_or(|wanted| *part == wanted)
    }

    fn all() -> impl Iterator<Item = Slot> {
        let days = || (1..=7).map(Some).chain([None]);
        let parts = || (0..24 / PART).map(Some).chain([None]);
        let each = days().flat_map(move |weekday| parts().map(move |part| Slot { weekday, part }));
        each.filter(|slot| slot.weekday.is_some() || slot.part.is_some())
    }

    fn share(self) -> f64 {
        let day = self.weekday.map_or(1.0, |_| 1.0 / 7.0);
        day * self.part.map_or(1.0, |_| f64::from(PART) / 24.0)
    }

    fn id(self) -> String {
        format!("{}{}", self.weekday.unwrap_or(0), self.part.map_or("-".into(), |part| part.to_string()))
    }

    fn words(self) -> String {
        const DAYS: [&str; 7] = ["Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"];
        let day = self.weekday.and_then(|day| DAYS.get(usize::try_from(day - 1).ok()?).copied());
        let hours = self.part.map(|part| format!("between {:02}:00 and {:02}:00", part * PART, (part + 1) * PART));
        [day.map(|day| format!("on {day}")), hours].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// When each theme comes up. Of several times that hold for one, the one that says most.
pub fn find(events: &[Event], themes: &BTreeMap<String, Vec<&Event>>) -> Vec<Pattern> {
    let all = moments(events.iter());
    let in_slot: Vec<(Slot, usize)> = Slot::all().map(|slot| (slot, count(&all, slot))).collect();
    let looked_at = themes.len() * in_slot.len();
    let each = themes.iter().filter_map(|(theme, own)| best(theme, own, &all, &in_slot));
    significant(without_twins(each.collect()), looked_at).collect()
}

/// The moments of these events, each with their number in it.
fn moments<'a, 'e: 'a>(events: impl Iterator<Item = &'a Event<'e>>) -> BTreeMap<Moment, usize> {
    let mut moments = BTreeMap::new();
    events.for_each(|event| *moments.entry((event.date, event.part)).or_default() += 1);
    moments
}

fn count(moments: &BTreeMap<Moment, usize>, slot: Slot) -> usize {
    moments.keys().filter(|moment| slot.holds(moment)).count()
}

/// The least likely of the times of one theme.
fn best(theme: &str, events: &[&Event], all: &BTreeMap<Moment, usize>, in_slot: &[(Slot, usize)]) -> Option<Pattern> {
    let own = moments(events.iter().copied());
    // Moments in which nothing else happened say nothing of when everything else happens.
    let alone: BTreeMap<Moment, usize> =
        own.iter().filter(|(moment, n)| all.get(moment) == Some(n)).map(|(moment, n)| (*moment, *n)).collect();
    let rest = (all.len() - alone.len()) as f64;
    let chance = |(slot, all): &(Slot, usize)| {
        let others = (all - count(&alone, *slot)) as f64;
        let usual = (others + PRIOR * slot.share()) / (rest + PRIOR);
        binomial_tail(count(&own, *slot), own.len(), usual.max(slot.share()))
    };
    let (slot, p) = in_slot.iter().map(|slot| (slot.0, chance(slot))).min_by(|a, b| a.1.total_cmp(&b.1))?;
    let held = events.iter().filter(|event| slot.holds(&(event.date, event.part)));
    Some(Pattern {
        id: format!("time:{theme}:{}", slot.id()),
        text: format!("{theme} comes up {}", slot.words()),
        count: count(&own, slot),
        of: own.len(),
        p,
        entries: held.map(|event| event.entry.seq).collect(),
    })
}
