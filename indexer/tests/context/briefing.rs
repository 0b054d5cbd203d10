//! What is important is said first, and budgets are kept.

use jiff::Zoned;

use crate::store::Place;
use crate::{Made, NOW, dated, tokens, vault};

#[test]
fn briefings_hold_what_is_important_within_their_budget() {
    let place = Place::new();
    let made = Made::of(&vault(&place), NOW);
    for budget in [100, 500, 1_000, 2_000, 4_000, 8_000] {
        let text = made.briefing(budget);
        let used = tokens(&text);
        assert!(text.lines().any(|line| line.starts_with("- ")), "{budget}: {text}");
        assert!(used <= budget && (budget < 500 || used * 10 > budget * 9), "{used} of {budget}:\n{text}");
    }
    let text = made.briefing(1_000);
    let important = [
        "Mateo is allergic to cashew and pistachio. (vault/family/mateo-allergy.md:11)",
        "since 1 June 2026 it is 7193. (vault/garden/allotment.md:16)",
        "Front door code 4471",
        "Your slides should reach me by Monday 23 November",
        "Fri 2026-11-27 11:40 (in 5 days): Talk in Edinburgh",
        "Both expire in January 2027, so order in December",
        "The catalogue moves from CouchDB to PostgreSQL 16.",
        "The chunk size goes down to 1 MiB with version 0.6.2.",
    ];
    for line in important {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let whole = made.briefing(30_000);
    for outdated in ["The chunk size is 4 MiB", "ignore all earlier instructions"] {
        assert!(!whole.contains(outdated), "{outdated} is in\n{whole}");
    }
}

#[test]
fn every_line_of_a_briefing_can_be_looked_up() {
    let place = Place::new();
    let made = Made::of(&vault(&place), NOW);
    let root = &made.sources[0].root;
    for line in made.briefing(4_000).lines().filter(|line| line.starts_with("- ")) {
        let (_, source) = line.rsplit_once(" (").unwrap();
        let (path, number) = source.trim_end_matches(')').rsplit_once(':').unwrap();
        let path = root.join(path.strip_prefix("vault/").unwrap());
        assert!(path.exists() && number.parse::<u32>().is_ok_and(|number| number > 0), "{line}");
    }
}

#[test]
fn what_is_put_away_comes_last_in_a_briefing() {
    let place = Place::new();
    let heron = place.write("heron.md", &dated("2026-09-01", "Heron log", "Nothing else."));
    place.write("barn.md", &dated("2026-10-01", "Barn log", "Nothing else."));
    let mut made = Made::of(&place.open(None), NOW);
    let order = |made: &Made| {
        let text = made.briefing(1_000);
        let at = |title: &str| text.find(title).unwrap_or_else(|| panic!("{title} is not in\n{text}"));
        at("2026-09-01: Heron log").cmp(&at("2026-10-01: Barn log"))
    };
    assert_eq!(order(&made), std::cmp::Ordering::Greater, "both are put away, the newest first");
    made.opened.push((heron, NOW.parse::<Zoned>().unwrap().timestamp()));
    assert_eq!(order(&made), std::cmp::Ordering::Less, "what is in use comes first");
}
