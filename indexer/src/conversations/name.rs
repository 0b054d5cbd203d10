//! Where a conversation is found: `2026/03/14-<slug>`, below the turns and below the pages alike.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::turn::{Turn, one_line};

/// Longest slug, in bytes.
const MAX_SLUG: usize = 80;
/// Longest title that is made from what was said first, in characters.
const MAX_TITLE: usize = 80;

/// The title that the source states, else the beginning of what was said first.
pub fn title(turns: &[Turn]) -> String {
    let stated = turns.iter().rev().find_map(|turn| turn.title.clone());
    let first = || turns.iter().find(|turn| turn.role == super::Role::User).or(turns.first());
    stated.or_else(|| first().and_then(|turn| beginning(&turn.content))).unwrap_or_else(|| "Conversation".into())
}

fn beginning(text: &str) -> Option<String> {
    let line = text.lines().map(|line| line.trim_matches(['#', '*', '>', '-', ' '])).find_map(one_line)?;
    if line.chars().count() <= MAX_TITLE {
        return Some(line);
    }
    let cut: String = line.chars().take(MAX_TITLE).collect();
    let end = cut.rfind(' ').unwrap_or(cut.len());
    Some(format!("{} ...", cut[..end].trim_end()))
}

/// The day's directory and the name in it, without an extension.
pub fn place(at: Timestamp, title: &str) -> String {
    let day = at.to_zoned(TimeZone::system());
    format!("{}-{}", day.strftime("%Y/%m/%d"), slug(title))
}

/// The day that the path of a page states.
pub fn day_of(page: &Path) -> Option<Date> {
    let mut parts = page.iter().rev().map(|part| part.to_str());
    let (name, month, year) = (parts.next()??, parts.next()??, parts.next()??);
    let day = name.split('-').next()?;
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

/// The letters and digits of a title, in small letters, with hyphens between the words.
pub fn slug(title: &str) -> String {
    let mut slug = String::new();
    for word in title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let word = word.to_lowercase();
        if !slug.is_empty() && slug.len() + 1 + word.len() > MAX_SLUG {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word);
    }
    slug.truncate(slug.floor_char_boundary(MAX_SLUG));
    if slug.is_empty() { "conversation".into() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_short_and_safe() {
        let check = |title: &str, want: &str| assert_eq!(slug(title), want);
        check("Sync server: SQLite, or not?", "sync-server-sqlite-or-not");
        check("../../etc/passwd", "etc-passwd");
        check("Größe 日本語", "größe-日本語");
        check("?!", "conversation");
        assert!(slug(&"word ".repeat(100)).len() <= MAX_SLUG && slug(&"ö".repeat(100)).len() <= MAX_SLUG);
    }

    #[test]
    fn the_day_is_in_the_path() {
        let place = place("2026-03-14T12:00:00Z".parse().unwrap(), "Ovens");
        assert_eq!(day_of(Path::new(&format!("/data/{place}.md"))), Some(jiff::civil::date(2026, 3, 14)));
        assert_eq!(day_of(Path::new("/data/2026/x/14-a.md")), None);
    }

    #[test]
    fn titles_are_stated_or_what_was_said_first() {
        let turn = |role: &str, content: &str, title: Option<&str>| {
            let value = serde_json::json!({"role": role, "content": content, "title": title});
            Turn::from_value(&value, "s", Timestamp::UNIX_EPOCH).unwrap()
        };
        let turns = [turn("system", "Be brief.", None), turn("user", "\n# Which database?\nmore", None)];
        assert_eq!(title(&turns), "Which database?");
        assert_eq!(title(&[turn("user", "a", Some("One")), turn("user", "b", Some("Two"))]), "Two");
        let long = title(&[turn("user", &"word ".repeat(40), None)]);
        assert!(long.ends_with("word ...") && long.chars().count() <= MAX_TITLE + 4, "{long}");
    }
}
