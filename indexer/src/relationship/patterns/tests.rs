//! Invented histories with planted patterns, and without.

use jiff::civil::date;
use jiff::{ToSpan, Zoned};

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
        vec![format!("time:{subject}:"), format!("recurs:{question}"), format!("together:{}:{}", pair[0], pair[1])]
    }
}

fn ids(entries: &[Entry]) -> Vec<String> {
    find(entries, &TimeZone::UTC).into_iter().map(|pattern| pattern.id).collect()
}

#[test]
fn planted_patterns_are_found_and_no_others() {
    let (mut planted, mut found, mut right) = (0, 0, 0);
    for seed in 0..20 {
        let mut history = History::noise(seed, 300);
        let wanted: Vec<String> = (0..3).flat_map(|n| history.plant(n)).collect();
        history.entries.sort_by_key(|entry| entry.at);
        let ids = ids(&history.entries);
        planted += wanted.len();
        found += ids.len();
        right += wanted.iter().filter(|start| ids.iter().any(|id| id.starts_with(start.as_str()))).count();
    }
    let (precision, recall) = (right as f64 / found as f64, right as f64 / planted as f64);
    println!("{planted} planted, {found} found: precision {precision:.3}, recall {recall:.3}");
    assert!(precision >= 0.95 && recall >= 0.9, "precision {precision}, recall {recall}");
}

#[test]
fn noise_gives_no_patterns() {
    let found: Vec<String> = (100..200).flat_map(|seed| ids(&History::noise(seed, 300).entries)).collect();
    assert!(found.len() <= 1, "{found:?}");
    assert!(ids(&[]).is_empty());
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
