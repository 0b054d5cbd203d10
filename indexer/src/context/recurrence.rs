//! When something that repeats happens next: the rules of RFC 5545 that calendars of people use.

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan};

/// The first day from `from` on, on which what began on `start` happens by `rule` (`FREQ=WEEKLY;BYDAY=TH`). `None` when it has
/// ended, or when the rule is of a kind that is not known here.
pub fn next(start: Date, rule: &str, from: Date) -> Option<Date> {
    let part = |name: &str| rule.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
    let every = part("INTERVAL").and_then(|n| n.parse::<i64>().ok()).unwrap_or(1).max(1);
    let until = part("UNTIL").and_then(day);
    let count = part("COUNT").and_then(|n| n.parse::<usize>().ok()).unwrap_or(usize::MAX);
    let step = match part("FREQ")? {
        "DAILY" => every.days(),
        "WEEKLY" => every.weeks(),
        "MONTHLY" => every.months(),
        "YEARLY" => every.years(),
        _ => return None,
    };
    let weekdays: Vec<Weekday> = part("BYDAY").unwrap_or_default().split(',').filter_map(weekday).collect();
    let days = occurrences(start, step, if part("FREQ") == Some("WEEKLY") { weekdays } else { Vec::new() });
    days.take(count.min(LOOKED_AT)).take_while(|day| until.is_none_or(|until| *day <= until)).find(|day| *day >= from)
}

/// No more days are looked at: 27 years of every day.
const LOOKED_AT: usize = 10_000;

/// The days of something that happens on `weekdays`, or else each `step` after `start`.
fn occurrences(start: Date, step: Span, weekdays: Vec<Weekday>) -> impl Iterator<Item = Date> {
    let weekdays = if weekdays.is_empty() { vec![start.weekday()] } else { weekdays };
    let weekly = step.get_weeks() > 0;
    let begins = (0_i64..).map_while(move |n| start.checked_add(step.checked_mul(n).ok()?).ok());
    begins.flat_map(move |begin| {
        let monday = begin.checked_sub(i64::from(begin.weekday().to_monday_zero_offset()).days()).unwrap_or(begin);
        let week = (0_i64..7).filter_map(move |n| monday.checked_add(n.days()).ok());
        let days: Vec<Date> =
            if weekly { week.filter(|day| weekdays.contains(&day.weekday())).collect() } else { vec![begin] };
        days.into_iter().filter(move |day| *day >= start)
    })
}

fn weekday(name: &str) -> Option<Weekday> {
    Some(match name.trim() {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    })
}

fn day(text: &str) -> Option<Date> {
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i16>().ok();
    Date::new(part(0, 4)?, i8::try_from(part(4, 6)?).ok()?, i8::try_from(part(6, 8)?).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_happens_next() {
        let check = |start: &str, rule: &str, from: &str, want: Option<&str>| {
            let got = next(start.parse().unwrap(), rule, from.parse().unwrap()).map(|day| day.to_string());
            assert_eq!(got.as_deref(), want, "{rule} from {from}");
        };
        check("2026-09-03", "FREQ=WEEKLY;BYDAY=TH", "2026-11-25", Some("2026-11-26"));
        check("2026-09-03", "FREQ=WEEKLY;BYDAY=MO,TH", "2026-11-27", Some("2026-11-30"));
        check("2026-09-03", "FREQ=WEEKLY;INTERVAL=2", "2026-09-04", Some("2026-09-17"));
        check("2026-09-03", "FREQ=WEEKLY;BYDAY=TH", "2026-01-01", Some("2026-09-03"));
        check("2026-01-31", "FREQ=MONTHLY", "2026-02-01", Some("2026-02-28"));
        check("2019-06-03", "FREQ=YEARLY", "2026-06-04", Some("2027-06-03"));
        check("2026-09-01", "FREQ=DAILY;COUNT=3", "2026-09-03", Some("2026-09-03"));
        check("2026-09-01", "FREQ=DAILY;COUNT=3", "2026-09-04", None);
        check("2026-09-03", "FREQ=WEEKLY;UNTIL=20261001T000000Z", "2026-10-02", None);
        check("2026-09-03", "FREQ=HOURLY", "2026-10-02", None);
    }
}
