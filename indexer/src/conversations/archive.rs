//! Old conversations, month by month: what remains of each in a few lines, within a size, with a link to all of it.
//!
//! A month is left alone until [`RECENT`] days after its end. Then it has a page below `<data>/rendered/archive`, which is
//! made of the summaries at the top of the conversations' pages; as it grows old the page gets smaller. The conversations
//! themselves stay where they are, to be opened and searched like all others. The pages are in no index, since all they say
//! is there already. Invariant: no page outlives what it speaks of.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::{ToSpan, Zoned};

use super::{Conversations, render};
use crate::shared::lock;
use crate::{Error, files, lines};

/// Days that a month stays recent after its end.
const RECENT: i64 = 30;
/// Days until it is old.
const OLD: i64 = 365;
/// What is read of a page for its summary, in bytes.
const HEAD: u64 = 8 << 10;
/// The page of all months.
pub const README: &str = "README.md";

/// How much is kept at hand of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tier {
    Recent,
    Summary,
    Archive,
}

impl Tier {
    fn of(month: Date, today: Date) -> Tier {
        let age = |days: i64| month.last_of_month().checked_add(days.days()).is_ok_and(|until| until < today);
        match () {
            () if age(OLD) => Tier::Archive,
            () if age(RECENT) => Tier::Summary,
            () => Tier::Recent,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Tier::Recent => "recent",
            Tier::Summary => "summary",
            Tier::Archive => "archive",
        }
    }

    /// Longest page of a month, in bytes.
    fn budget(self) -> usize {
        match self {
            Tier::Recent => 0,
            Tier::Summary => 48 << 10,
            Tier::Archive => 12 << 10,
        }
    }
}

/// One conversation of a month, from the head of its page.
#[derive(Debug, Default)]
struct Talk {
    name: String,
    title: String,
    turns: usize,
    summary: Vec<String>,
}

impl Talk {
    fn read(path: &Path) -> Option<Talk> {
        let mut head = Vec::new();
        fs::File::open(path).ok()?.take(HEAD).read_to_end(&mut head).ok()?;
        let head = String::from_utf8_lossy(&head);
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
        let summary = head.lines().take_while(|line| !render::is_turn_line(line)).filter(|line| line.starts_with("- "));
        Some(Talk {
            name: path.file_name()?.to_str()?.to_owned(),
            title: field("title: ").and_then(|title| serde_json::from_str(title).ok())?,
            turns: field("turns: ").and_then(|turns| turns.parse().ok())?,
            summary: summary.map(str::to_owned).collect(),
        })
    }

    /// With so many lines of its summary.
    fn entry(&self, month: Date, lines: usize) -> String {
        let day = self.name.split('-').next().unwrap_or_default();
        let title = self.title.replace(['[', ']'], "");
        let link = format!("../{}/{}", month.strftime("%Y/%m"), self.name);
        let mut out = format!("- {day}: [{title}](<{link}>), {} turns\n", self.turns);
        self.summary.iter().take(lines).for_each(|line| out.push_str(&format!("  {line}\n")));
        out
    }
}

/// The page of a month with these conversations.
fn page(month: Date, tier: Tier, talks: &[Talk]) -> String {
    let turns: usize = talks.iter().map(|talk| talk.turns).sum();
    let mut out = format!(
        "---\nmonth: {}\ntier: {}\nconversations: {}\nturns: {turns}\n---\n\n# Conversations of {}\n\n",
        month.strftime("%Y-%m"),
        tier.name(),
        talks.len(),
        month.strftime("%B %Y")
    );
    let with = |lines: usize| talks.iter().map(|talk| talk.entry(month, lines)).collect::<Vec<String>>();
    let fits = |entries: &Vec<String>| out.len() + entries.iter().map(String::len).sum::<usize>() <= tier.budget();
    match [usize::MAX, 3, 1, 0].into_iter().map(with).find(fits) {
        Some(entries) => out.push_str(&entries.concat()),
        None => longest(&mut out, month, tier, talks),
    }
    out
}

/// The conversations in which most was said, as many as there is room for.
fn longest(out: &mut String, month: Date, tier: Tier, talks: &[Talk]) {
    let rest = |n: usize| format!("\n{n} shorter ones are in `../{}/`.\n", month.strftime("%Y/%m"));
    let mut order: Vec<usize> = (0..talks.len()).collect();
    order.sort_by_key(|n| std::cmp::Reverse(talks[*n].turns));
    let mut left = tier.budget().saturating_sub(out.len() + rest(talks.len()).len());
    let mut shown: Vec<usize> = Vec::new();
    for n in order {
        let Some(less) = left.checked_sub(talks[n].entry(month, 0).len()) else { break };
        left = less;
        shown.push(n);
    }
    shown.sort_unstable();
    shown.iter().for_each(|n| out.push_str(&talks[*n].entry(month, 0)));
    out.push_str(&rest(talks.len() - shown.len()));
}

impl Conversations {
    /// The directory of the months' pages.
    pub fn archive(&self) -> PathBuf {
        self.pages.with_file_name("archive")
    }

    /// Makes the pages of all months that are due on a day, and the one about them; removes all others. Asks `stopping`
    /// between two of them.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn archive_all(&self, today: Date, stopping: &dyn Fn() -> bool) -> Result<(), Error> {
        let mut months: Vec<Date> =
            below(&self.pages).iter().flat_map(|year| below(year)).filter_map(month_of).collect();
        months.sort();
        for month in &months {
            if stopping() {
                return Ok(());
            }
            self.archive_month(*month, today)?;
        }
        let _archiving = lock(&self.archiving);
        let kept: Vec<PathBuf> = months.iter().map(|month| self.month_page(*month)).collect();
        let stray = |path: &&PathBuf| !kept.contains(path) && !path.ends_with(README);
        below(&self.archive()).iter().filter(stray).try_for_each(|path| lines::remove(path))?;
        self.write_overview()
    }

    /// Brings the months of these conversations up to date, after one of them changed or went.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn archive_again<'a>(&self, places: impl Iterator<Item = &'a str>) -> Result<(), Error> {
        let today = Zoned::now().date();
        let mut months: Vec<Date> =
            places.filter_map(|place| month_of(self.page(place).parent()?.to_owned())).collect();
        months.sort();
        months.dedup();
        let mut changed = false;
        for month in months {
            changed |= self.archive_month(month, today)?;
        }
        let _archiving = lock(&self.archiving);
        if changed { self.write_overview() } else { Ok(()) }
    }

    fn month_page(&self, month: Date) -> PathBuf {
        self.archive().join(format!("{}.md", month.strftime("%Y-%m")))
    }

    /// Whether something changed.
    fn archive_month(&self, month: Date, today: Date) -> Result<bool, Error> {
        // What is read here may be forgotten meanwhile; who forgets waits for this and comes after it.
        let _archiving = lock(&self.archiving);
        let (path, tier) = (self.month_page(month), Tier::of(month, today));
        let mut talks: Vec<Talk> = match tier {
            Tier::Recent => Vec::new(),
            _ => below(&self.pages.join(month.strftime("%Y/%m").to_string()))
                .iter()
                .filter_map(|p| Talk::read(p))
                .collect(),
        };
        talks.sort_by(|a, b| a.name.cmp(&b.name));
        if talks.is_empty() {
            let was = path.exists();
            lines::remove(&path)?;
            return Ok(was);
        }
        self.write_if_new(&path, &page(month, tier, &talks))
    }

    fn write_overview(&self) -> Result<(), Error> {
        let dir = self.archive();
        let mut out = String::from(
            "# Old conversations\n\nA page for each month, with the beginning, the decisions and the end of each conversation, and a link to all of it.\n\
             The older a month, the shorter its page. Nothing was removed: every conversation can be opened and searched.\n\n\
             | month | conversations | turns | tier |\n|---|---|---|---|\n",
        );
        let mut pages: Vec<PathBuf> = below(&dir).into_iter().filter(|path| !path.ends_with(README)).collect();
        pages.sort();
        for path in &pages {
            let text = fs::read_to_string(path).unwrap_or_default();
            let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            let month = field("month: ");
            let (count, turns, tier) = (field("conversations: "), field("turns: "), field("tier: "));
            out.push_str(&format!("| [{month}]({month}.md) | {count} | {turns} | {tier} |\n"));
        }
        match pages.is_empty() {
            true => lines::remove(&dir.join(README)),
            false => self.write_if_new(&dir.join(README), &out).map(drop),
        }
    }

    fn write_if_new(&self, path: &Path, text: &str) -> Result<bool, Error> {
        if fs::read(path).is_ok_and(|known| known == text.as_bytes()) {
            return Ok(false);
        }
        path.parent().map_or(Ok(()), files::private_dir)?;
        crate::lines::rewrite(path, text.as_bytes())?;
        Ok(true)
    }
}

fn below(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// The month of a directory `.../2026/03`.
fn month_of(dir: PathBuf) -> Option<Date> {
    let mut parts = dir.iter().rev().map(|part| part.to_str()?.parse::<i16>().ok());
    let (month, year) = (parts.next()??, parts.next()??);
    Date::new(year, i8::try_from(month).ok()?, 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversations::Turn;

    fn store(dir: &Path) -> Conversations {
        Conversations::open(dir).unwrap()
    }

    /// A conversation of a day, with its page.
    fn add(store: &Conversations, day: &str, what: &str, turns: usize) {
        let turn = |n: usize| {
            let content = format!("Which {what} shall we take for number {n}? Let's go with the {what} of day {day}.");
            let value = serde_json::json!({"role": "user", "content": content, "at": format!("{day}T12:00:00Z"), "title": what});
            Turn::from_value(&value, &format!("{day} {what}"), jiff::Timestamp::UNIX_EPOCH).unwrap()
        };
        store.append(&(0..turns).map(turn).collect::<Vec<_>>()).unwrap();
        for (place, changes) in store.next_changed(std::time::Duration::ZERO, &|| true) {
            store.make_page(&place).unwrap();
            store.made(&place, changes);
        }
    }

    fn read(store: &Conversations, name: &str) -> String {
        fs::read_to_string(store.archive().join(name)).unwrap_or_default()
    }

    #[test]
    fn old_months_have_pages_that_get_shorter_and_nothing_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path());
        for n in 0..80 {
            add(&store, &format!("2024-03-{:02}", 1 + n % 28), &format!("quern {n}"), 6 + n % 3);
        }
        add(&store, "2024-05-20", "oven", 6);
        let archive = |today: &str| store.archive_all(today.parse().unwrap(), &|| false).unwrap();
        archive("2024-05-01");
        let summary = read(&store, "2024-03.md");
        assert!(summary.contains("tier: summary\nconversations: 80\n"), "{summary}");
        assert!(summary.contains("- 05: [quern 4](<../2024/03/05-quern-4.md>), 7 turns\n  - Asked: Which quern 4 shall we take for number 0?\n  - Decided: "), "{summary}");
        assert!(summary.len() <= Tier::Summary.budget() && read(&store, "2024-05.md").is_empty());
        archive("2025-05-01");
        let archived = read(&store, "2024-03.md");
        assert!(
            archived.contains("tier: archive")
                && archived.len() < summary.len()
                && archived.len() <= Tier::Archive.budget()
        );
        assert!((0..80).all(|n| archived.contains(&format!("[quern {n}]"))), "{archived}");
        assert!(read(&store, "2024-05.md").contains("[oven]"));
        assert!(read(&store, README).contains("| [2024-03](2024-03.md) | 80 | "));
        let first = store.page("2024/03/05-quern-4");
        assert!(fs::read_to_string(first).unwrap().contains("for number 6?"), "all of it stays");
    }

    #[test]
    fn a_month_with_too_much_shows_the_longest_and_counts_the_rest() {
        let talk = |n: usize| Talk {
            name: format!("01-t{n}.md"),
            title: "x".repeat(60),
            turns: n,
            summary: vec!["- y".repeat(90)],
        };
        let talks: Vec<Talk> = (0..500).map(talk).collect();
        let page = page("2024-03-01".parse().unwrap(), Tier::Archive, &talks);
        let shown = page.matches("\n- 01: ").count();
        assert!(page.len() <= Tier::Archive.budget() && page.len() * 10 > Tier::Archive.budget() * 9, "{}", page.len());
        assert!(page.contains(&format!("\n{} shorter ones are in `../2024/03/`.\n", 500 - shown)));
        assert!(page.contains("499 turns") && !page.contains(" 3 turns"));
    }

    #[test]
    fn what_is_forgotten_leaves_the_archive_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path());
        add(&store, "2024-03-05", "axolotl", 6);
        add(&store, "2024-03-06", "capybara", 6);
        store.archive_all("2026-01-01".parse().unwrap(), &|| false).unwrap();
        assert!(read(&store, "2024-03.md").contains("axolotl"));
        store.forget(&store.page("2024/03/05-axolotl")).unwrap();
        let page = read(&store, "2024-03.md");
        assert!(!page.contains("axolotl") && page.contains("capybara"), "{page}");
        store.forget(&store.page("2024/03/06-capybara")).unwrap();
        assert!(below(&store.archive()).is_empty());
    }
}
