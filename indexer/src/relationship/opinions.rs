//! Opinions: what speaks for and against a belief about a subject, and how sure that makes it.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::entry::Entry;
use super::pages::{day, mark, one_line, source};
use super::stats::beta_above_half;
use super::view::View;

/// After so many days evidence weighs half.
const HALF_LIFE: f64 = 180.0;
/// An opinion is borne out when it is more likely than this that most evidence speaks for it.
const SURE: f64 = 0.975;

/// What the evidence comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It would hardly be as it is if as much spoke against.
    Held,
    /// The same, against.
    Rejected,
    /// There is too little, or it goes both ways.
    Open,
}

impl Verdict {
    fn words(self) -> &'static str {
        match self {
            Verdict::Held => "well borne out",
            Verdict::Rejected => "not borne out",
            Verdict::Open => "still open",
        }
    }
}

/// Evidence for and against, as the two counts of a Beta distribution that begins with one of each.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Belief {
    favour: f64,
    against: f64,
}

impl Belief {
    /// After these entries, as of `now`: the older, the less they weigh.
    fn of(entries: &[&Entry], now: Timestamp) -> Belief {
        let mut belief = Belief { favour: 1.0, against: 1.0 };
        for entry in entries {
            let days = (now.as_second() - entry.at.as_second()).max(0) as f64 / 86_400.0;
            let weight = entry.weight() * 0.5f64.powf(days / HALF_LIFE);
            *if entry.speaks_for() { &mut belief.favour } else { &mut belief.against } += weight;
        }
        belief
    }

    /// The mean of the distribution.
    fn confidence(self) -> f64 {
        self.favour / (self.favour + self.against)
    }

    fn verdict(self) -> Verdict {
        let favour = beta_above_half(self.favour, self.against);
        match () {
            () if favour >= SURE => Verdict::Held,
            () if favour <= 1.0 - SURE => Verdict::Rejected,
            () => Verdict::Open,
        }
    }
}

/// The page of a subject.
pub fn page(view: &View, subject: &str, entries: &[&Entry], now: Timestamp, zone: &TimeZone) -> String {
    let belief = Belief::of(entries, now);
    let mut out = format!("# {subject}\n\n");
    match (view.owners_word(subject), entries.iter().rev().find(|entry| entry.speaks_for())) {
        (Some(word), _) => drop(writeln!(out, "{} (the owner's word)\n", one_line(word))),
        (None, Some(latest)) => drop(writeln!(out, "{} {}\n", one_line(&latest.text), mark(latest))),
        (None, None) => {}
    }
    let (favour, against) = (belief.favour - 1.0, belief.against - 1.0);
    let _ = writeln!(
        out,
        "Confidence {:.2} on {}, {}: {favour:.1} for, {against:.1} against (evidence weighs half after {HALF_LIFE:.0} days).",
        belief.confidence(),
        day(now, zone),
        belief.verdict().words()
    );
    for (heading, wanted) in [("For", true), ("Against", false)] {
        let side: Vec<&&Entry> = entries.iter().filter(|entry| entry.speaks_for() == wanted).collect();
        if !side.is_empty() {
            let _ = write!(out, "\n## {heading}\n\n");
        }
        for entry in side {
            let _ = writeln!(out, "- {}: {} {}", day(entry.at, zone), one_line(&entry.text), source(entry));
        }
    }
    out.push_str("\n## How it changed\n\n");
    for n in 1..=entries.len() {
        let entry = entries[n - 1];
        let then = Belief::of(&entries[..n], entry.at).confidence();
        let _ = writeln!(out, "- {}: {then:.2} {}", day(entry.at, zone), mark(entry));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::entry::{Kind, Stance};
    use super::super::pages::tests::{entry, page};
    use super::super::patterns::Random;
    use super::*;

    #[test]
    fn opinions_move_with_the_evidence() {
        let against = |seq, day| Entry {
            stance: Some(Stance::Against),
            ..entry(seq, day, Kind::Opinion, "SQLite", "It locked.")
        };
        let mut log = vec![entry(1, 1, Kind::Opinion, "SQLite", "It is fast enough.")];
        let confidence = |log: &[Entry]| {
            let text = page(log, "opinions/sqlite.md").unwrap();
            text.split("Confidence ").nth(1).unwrap()[..4].parse::<f64>().unwrap()
        };
        let one = confidence(&log);
        log.push(entry(2, 2, Kind::Opinion, "sqlite", "It never failed."));
        let two = confidence(&log);
        log.extend([against(3, 3), against(4, 4), against(5, 5)]);
        let three = confidence(&log);
        assert!(0.6 < one && one < two && two < 0.8 && three < 0.5, "{one} {two} {three}");
        let text = page(&log, "opinions/sqlite.md").unwrap();
        assert!(
            text.contains("## Against\n\n- 2026-03-03: It locked. [#3]") && text.contains("- 2026-03-01: 0.67 [#1]"),
            "{text}"
        );
        log.push(entry(6, 6, Kind::Correction, "SQLite", "We keep it."));
        assert!(page(&log, "opinions/sqlite.md").unwrap().contains("We keep it. (the owner's word)"));
        log.push(Entry { retract: true, ..entry(7, 7, Kind::Correction, "sqlite", "no") });
        assert_eq!(page(&log, "opinions/sqlite.md"), None);
    }

    #[test]
    fn old_evidence_weighs_less() {
        let old = entry(1, 1, Kind::Opinion, "x", "a");
        let later = old.at + jiff::SignedDuration::from_hours(24 * 180);
        let belief = Belief::of(&[&old], later);
        assert!((belief.favour - 1.5).abs() < 1e-9 && belief.against == 1.0);
    }

    /// Half a year of evidence on subjects that are held, rejected or neither, and where that is planted.
    fn history(random: &mut Random) -> (Vec<Entry>, Vec<(String, Verdict)>) {
        let (mut log, mut planted) = (Vec::new(), Vec::new());
        for n in 0..30 {
            let (verdict, favour) = [(Verdict::Held, 88), (Verdict::Rejected, 12), (Verdict::Open, 50)][n % 3];
            let subject = format!("subject {n}");
            for _ in 0..16 + random.below(16) {
                let at = Timestamp::from_second(1_767_600_000 + 86_400 * random.below(180) as i64).unwrap();
                let stance = Some(if random.below(100) < favour { Stance::For } else { Stance::Against });
                let opinion = Entry { stance, subject: Some(subject.clone()), ..Entry::new(Kind::Opinion, "so", at) };
                log.push(Entry { seq: log.len() as u64 + 1, ..opinion });
            }
            planted.push((subject, verdict));
        }
        (log, planted)
    }

    #[test]
    fn planted_opinions_are_told_from_noise() {
        let (mut there, mut found, mut right) = (0, 0, 0);
        for seed in 0..50 {
            let (log, planted) = history(&mut Random(seed));
            let view = View::new(&log);
            let now = Timestamp::from_second(1_767_600_000 + 86_400 * 180).unwrap();
            for ((subject, entries), verdict) in view.by_subject(Kind::Opinion).iter().map(|one| {
                let wanted = planted.iter().find(|(subject, _)| *subject == one.0).unwrap().1;
                (one, wanted)
            }) {
                let told = Belief::of(entries, now).verdict();
                there += usize::from(verdict != Verdict::Open);
                found += usize::from(told != Verdict::Open);
                right += usize::from(told != Verdict::Open && told == verdict);
                assert!(told == Verdict::Open || verdict == Verdict::Open || told == verdict, "{subject}: {told:?}");
            }
        }
        let (precision, recall) = (right as f64 / found as f64, right as f64 / there as f64);
        println!("{there} planted, {found} found: precision {precision:.3}, recall {recall:.3}");
        assert!(precision >= 0.95 && recall >= 0.9, "precision {precision}, recall {recall}");
    }
}
