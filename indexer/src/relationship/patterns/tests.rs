//! Invented histories with planted patterns, and without.

use jiff::civil::date;
use jiff::{ToSpan, Zoned};

use super::super::entry::Evidence;
use super::*;

/// A generator of numbers that is the same everywhere (splitmix64).
pub struct Random(pub u64);

impl Random {
    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

struct History {
    random: Random,
    entries: Vec<Entry>,
}

const DAYS: i64 = 180;

impl History {
    /// Half a year in which subjects, questions and documents come at any time and in any company.
    fn noise(seed: u64, events: usize) -> History {
        let mut history = History { random: Random(seed), entries: Vec::new() };
        for _ in 0..events {
            let day = history.random.below(DAYS as usize) as i64;
            let hour = 7 + history.random.below(16) as i8;
            let subject = format!("subject {}", history.random.below(12));
            let text = format!("question {}", history.random.below(events));
            let paths: Vec<String> =
                (0..1 + history.random.below(3)).map(|_| format!("/d{}", history.random.below(40))).collect();
            history.add(day, hour, &subject, &text, &paths);
        }
        history
    }

    fn add(&mut self, day: i64, hour: i8, subject: &str, text: &str, paths: &[String]) {
        let at: Zoned = (date(2026, 1, 5).at(hour, 0, 0, 0) + day.days()).to_zoned(TimeZone::UTC).unwrap();
        let at = at + (self.random.below(60) as i64).minutes();
        let evidence = paths.iter().map(|path| Evidence { path: path.clone(), line: None }).collect();
        let seq = self.entries.len() as u64 + 1;
        let entry = Entry::new(Kind::Interaction, text, at.timestamp());
        self.entries.push(Entry { seq, subject: Some(subject.into()), evidence, ..entry });
    }

    /// Adds something at so many minutes of a day, which may be one too many.
    fn add_at(&mut self, day: i64, minute: i64, text: &str, path: &str) {
        let at: Zoned = (date(2026, 1, 5).at(0, 0, 0, 0) + day.days()).to_zoned(TimeZone::UTC).unwrap();
        let evidence = vec![Evidence { path: path.into(), line: None }];
        let entry = Entry::new(Kind::Observation, text, (at + minute.minutes()).timestamp());
        let (seq, subject) = (self.entries.len() as u64 + 1, format!("subject {}", self.random.below(12)));
        self.entries.push(Entry { seq, subject: Some(subject), evidence, ..entry });
    }

    /// Plants a document that often follows another one, not always and not on its own.
    fn plant_follower(&mut self, n: usize) -> String {
        let (first, then) = (format!("/f{n}a"), format!("/f{n}b"));
        for week in 0..DAYS / 7 {
            let (day, minute) = (week * 7 + self.random.below(7) as i64, 420 + self.random.below(840) as i64);
            if self.random.below(10) < 6 {
                self.add_at(day, minute, &format!("first {n} {week}"), &first);
                if self.random.below(10) < 7 {
                    let later = minute + 2 + self.random.below(25) as i64;
                    self.add_at(day, later, &format!("then {n} {week}"), &then);
                }
            }
            if self.random.below(10) < 2 {
                let (day, minute) = (self.random.below(DAYS as usize) as i64, 420 + self.random.below(840) as i64);
                self.add_at(day, minute, &format!("alone {n} {week}"), &then);
            }
        }
        format!("follows:{first}:{then}")
    }

    /// Plants something that comes up more in the last six weeks than before, and something that came up before.
    fn plant_trends(&mut self, n: usize) -> [String; 2] {
        for week in 8..26 {
            let (up, down) = if week * 7 >= DAYS - 42 { (90, 2) } else { (5, 90) };
            let shift = self.random.below(7) as i64;
            for nth in 0..4 {
                let (day, hour) = (week * 7 + (nth * 2 + shift) % 7, 7 + self.random.below(16) as i8);
                let day = day.min(DAYS - 1);
                if self.random.below(100) < up {
                    self.add(day, hour, &format!("rising {n}"), &format!("up {n} {week} {nth}"), &[]);
                }
                if self.random.below(100) < down {
                    self.add(day, hour, &format!("fading {n}"), &format!("down {n} {week} {nth}"), &[]);
                }
            }
        }
        [format!("rises:rising {n}"), format!("fades:fading {n}")]
    }

    /// Half a year of sittings, in each of which some documents are used in any order.
    fn sittings(seed: u64) -> History {
        let mut history = History { random: Random(seed), entries: Vec::new() };
        for sitting in 0..60 {
            let (day, minute) = (history.random.below(DAYS as usize) as i64, 420 + history.random.below(800) as i64);
            for n in 0..6 {
                let path = format!("/d{}", history.random.below(30));
                history.add_at(day, minute + 4 * n, &format!("{sitting} {n}"), &path);
            }
        }
        history
    }

    /// Plants one pattern of each kind; their ids begin with what is given back.
    fn plant(&mut self, n: usize) -> Vec<String> {
        let (weekday, hour) = (self.random.below(7) as i64, 8 + self.random.below(12) as i8);
        let (subject, question) = (format!("planted {n}"), format!("planted question {n}"));
        let pair = [format!("/p{n}a"), format!("/p{n}b")];
        for week in 0..DAYS / 7 {
            // A habit is not kept every week, and now and then at another time.
            if self.random.below(10) < 7 {
                self.add(week * 7 + weekday, hour, &subject, &format!("about {n} {week}"), &[]);
            }
            if self.random.below(10) < 2 {
                let (day, hour) = (self.random.below(DAYS as usize) as i64, 7 + self.random.below(16) as i8);
                self.add(day, hour, &subject, &format!("other {n} {week}"), &[]);
            }
            if self.random.below(10) < 5 {
                let (day, other) = (self.random.below(DAYS as usize) as i64, self.random.below(12));
                let hour = 7 + self.random.below(16) as i8;
                self.add(day, hour, &format!("subject {other}"), &question, &[]);
            }
            if self.random.below(10) < 4 {
                let (day, other) = (self.random.below(DAYS as usize) as i64, self.random.below(12));
                let text = format!("with {n} {week}");
                let hour = 7 + self.random.below(16) as i8;
                self.add(day, hour, &format!("subject {other}"), &text, &pair);
            }
        }
        let mut ids =
            vec![format!("time:{subject}:"), format!("recurs:{question}"), format!("together:{}:{}", pair[0], pair[1])];
        ids.push(self.plant_follower(n));
        ids.extend(self.plant_trends(n));
        ids
    }
}

fn ids(entries: &[Entry]) -> Vec<String> {
    find(entries, &TimeZone::UTC).into_iter().map(|pattern| pattern.id).collect()
}

#[test]
fn planted_patterns_are_found_and_no_others() {
    let (mut planted, mut found, mut right) = (0, 0, 0);
    // Of each kind, how many were planted and found.
    let mut kinds: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for seed in 0..20 {
        let mut history = History::noise(seed, 300);
        let wanted: Vec<String> = (0..3).flat_map(|n| history.plant(n)).collect();
        history.entries.sort_by_key(|entry| entry.at);
        let ids = ids(&history.entries);
        planted += wanted.len();
        found += ids.len();
        for start in &wanted {
            let is_found = usize::from(ids.iter().any(|id| id.starts_with(start.as_str())));
            let kind = kinds.entry(start.split(':').next().unwrap_or_default().to_owned()).or_default();
            *kind = (kind.0 + 1, kind.1 + is_found);
            right += is_found;
        }
    }
    let (precision, recall) = (right as f64 / found as f64, right as f64 / planted as f64);
    println!("{planted} planted, {found} found: precision {precision:.3}, recall {recall:.3}; {kinds:?}");
    assert!(precision >= 0.95 && recall >= 0.9, "precision {precision}, recall {recall}");
    let (planted, right) = kinds["recurs"];
    assert!(right * 10 >= planted * 9, "{right} of {planted} questions that recur");
}

#[test]
fn noise_gives_no_patterns() {
    let found: Vec<String> = (100..200).flat_map(|seed| ids(&History::noise(seed, 300).entries)).collect();
    assert!(found.len() <= 1, "{found:?}");
    assert!(ids(&[]).is_empty());
}

#[test]
fn documents_of_one_sitting_do_not_follow_each_other() {
    let found: Vec<String> = (0..50).flat_map(|seed| ids(&History::sittings(seed).entries)).collect();
    assert!(found.len() <= 1, "{found:?}");
}

#[test]
fn what_is_used_in_any_order_does_not_follow() {
    let mut history = History::noise(3, 200);
    for week in 0..24 {
        let minute = 600 + 60 * (week % 5);
        let order = if week % 2 == 0 { ["/x", "/y"] } else { ["/y", "/x"] };
        history.add_at(week * 7, minute, &format!("one {week}"), order[0]);
        history.add_at(week * 7, minute + 5, &format!("two {week}"), order[1]);
    }
    let follows = |ids: Vec<String>| ids.into_iter().filter(|id| id.starts_with("follows:")).collect::<Vec<_>>();
    assert_eq!(follows(ids(&history.entries)), Vec::<String>::new());
    let at_once = |entry: &Entry| Entry { at: entry.at.round(jiff::Unit::Hour).unwrap(), ..entry.clone() };
    let at_once: Vec<Entry> = history.entries.iter().map(at_once).collect();
    assert_eq!(follows(ids(&at_once)), Vec::<String>::new(), "at one time is not after");
}

#[test]
fn more_of_everything_is_no_trend() {
    let mut history = History::noise(5, 150);
    for _ in 0..300 {
        let (day, hour) = (DAYS - 42 + history.random.below(42) as i64, 7 + history.random.below(16) as i8);
        let subject = format!("subject {}", history.random.below(12));
        let text = format!("more {}", history.entries.len());
        history.add(day, hour, &subject, &text, &[]);
    }
    history.entries.sort_by_key(|entry| entry.at);
    let found = ids(&history.entries);
    assert!(!found.iter().any(|id| id.starts_with("rises:") || id.starts_with("fades:")), "{found:?}");
}

#[test]
fn a_young_history_has_no_trends() {
    let mut history = History { random: Random(1), entries: Vec::new() };
    (0..42).for_each(|day| history.add(day, 9, "bread", &format!("bread {day}"), &[]));
    assert!(!ids(&history.entries).iter().any(|id| id.starts_with("rises:")));
}

#[test]
fn what_follows_and_what_rises_have_words_and_evidence() {
    let mut history = History::noise(1, 200);
    for week in 0..25 {
        history.add_at(week * 7, 600, &format!("a {week}"), "/n/plan.md");
        history.add_at(week * 7, 610, &format!("b {week}"), "/n/log.md");
    }
    (DAYS - 42..DAYS).step_by(2).for_each(|day| history.add(day, 9, "boat", &format!("boat {day}"), &[]));
    history.entries.sort_by_key(|entry| entry.at);
    let found = find(&history.entries, &TimeZone::UTC);
    let of = |id: &str| found.iter().find(|pattern| pattern.id == id).unwrap();
    let log = of("follows:/n/plan.md:/n/log.md");
    assert_eq!((log.count, log.of, log.entries.len()), (25, 25, 50));
    assert_eq!(log.text, "/n/log.md follows within half an hour of /n/plan.md");
    let boat = of("rises:boat");
    assert!(boat.text.starts_with("boat comes up more and more: on 2") && boat.entries.len() == boat.count);
    assert!(log.p < 1e-6 && boat.p < 0.01);
}

#[test]
fn the_own_entries_are_about_directories_and_questions() {
    let mut history = History { random: Random(9), entries: Vec::new() };
    for day in 0..120 {
        history.add_at(day, 900 + day % 7, "Opened other.md", "/n/other/o.md");
        if day % 7 == 6 {
            history.add_at(day, 1_000, "Opened bread.md", "/n/oven/bread.md");
        }
    }
    for entry in &mut history.entries {
        entry.subject = Some("opens".into());
    }
    let found = ids(&history.entries);
    assert!(found.iter().any(|id| id.starts_with("time:/n/oven:7")), "{found:?}");
}

#[test]
fn a_busy_day_is_no_habit() {
    let mut history = History::noise(7, 200);
    for _ in 0..50 {
        history.add(3, 9, "oven", "the oven again", &["/o".into(), "/p".into()]);
    }
    let ids = ids(&history.entries);
    assert_eq!(ids, Vec::<String>::new());
}

#[test]
fn a_pattern_has_words_and_evidence() {
    let mut history = History::noise(1, 200);
    for week in 0..20 {
        history.add(week * 7 + 6, 18, "bread", &format!("bread {week}"), &[]);
    }
    let found = find(&history.entries, &TimeZone::UTC);
    let bread = found.iter().find(|pattern| pattern.id.starts_with("time:bread")).unwrap();
    assert_eq!(
        (bread.text.as_str(), bread.count, bread.of),
        ("bread comes up on Sundays between 16:00 and 20:00", 20, 20)
    );
    assert!(bread.p < 1e-6 && bread.entries.len() == 20);
}
