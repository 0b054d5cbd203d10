//! A conversation as a page of Markdown: title, dates, speakers, a summary of a longer one, and every turn below a line that
//! says who and when.
//!
//! [`crate::extract`] reads these pages back into one block for each turn.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::turn::Turn;
use super::{name, summary};

/// The first lines of every page.
pub const HEAD: &str = "---\nconversation: ";

/// The page of these turns. Times are local.
pub fn page(turns: &[Turn]) -> String {
    let zone = TimeZone::system();
    let mut out = head(turns, &zone);
    for turn in turns {
        out.push('\n');
        out.push_str(&block(turn, &zone));
    }
    out
}

/// A turn as it stands in a page: a line that says who and when, an empty one, and what was said.
pub fn block(turn: &Turn, zone: &TimeZone) -> String {
    let mut out = line_of(turn, zone) + "\n\n";
    body(&turn.content, &mut out);
    out
}

fn head(turns: &[Turn], zone: &TimeZone) -> String {
    let title = name::title(turns);
    let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
    let stamp = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    let mut speakers: Vec<String> = Vec::new();
    for who in turns.iter().map(Turn::who) {
        if !speakers.contains(&who) {
            speakers.push(who);
        }
    }
    let session = turns.first().map_or("", |turn| &turn.session);
    let mut out = format!("{HEAD}{}\ntitle: {}\n", quoted(session), quoted(&title));
    if let (Some(first), Some(last)) = (turns.iter().map(|t| t.at).min(), turns.iter().map(|t| t.at).max()) {
        let _ = write!(out, "date: {}\nuntil: {}\n", stamp(first), stamp(last));
    }
    let _ = write!(out, "author: {}\nturns: {}\n---\n\n# {title}\n", quoted(&speakers.join(", ")), turns.len());
    let summary = summary::of(turns);
    out.push_str(if summary.is_empty() { "" } else { "\n" });
    summary.iter().for_each(|(what, sentence)| out.push_str(&format!("- {what}: {sentence}\n")));
    out
}

/// `## Oda, 2026-03-14 09:00`.
fn line_of(turn: &Turn, zone: &TimeZone) -> String {
    format!("## {}, {}", turn.who(), turn.at.to_zoned(zone.clone()).strftime("%F %H:%M"))
}

/// What was said, without control characters; a line that looks like that of a turn is marked as text.
fn body(content: &str, out: &mut String) {
    for line in content.trim_start_matches('\n').trim_end().lines() {
        if is_turn_line(line) {
            out.push('\\');
        }
        out.extend(line.chars().filter(|c| !c.is_control() || *c == '\t'));
        out.push('\n');
    }
}

/// Whether a line begins a turn: `## <who>, <date> <time>`.
pub fn is_turn_line(line: &str) -> bool {
    turn_line(line).is_some()
}

/// Who and when, of a line that begins a turn.
pub fn turn_line(line: &str) -> Option<(&str, DateTime)> {
    let (who, at) = line.strip_prefix("## ")?.rsplit_once(", ")?;
    let at = DateTime::strptime("%F %H:%M", at.trim_end()).ok()?;
    (!who.trim().is_empty()).then_some((who, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_title_dates_and_speakers() {
        let turn = |role: &str, content: &str, minute: u8| {
            let value = serde_json::json!({"role": role, "content": content, "at": format!("2026-03-14T09:0{minute}")});
            Turn::from_value(&value, "s1", Timestamp::UNIX_EPOCH).unwrap()
        };
        let turns =
            [turn("user", "Which database?\n## user, 2026-03-14 09:00\n", 0), turn("assistant", "SQLite\x1b.", 1)];
        let page = page(&turns);
        let want = "author: \"user, assistant\"\nturns: 2\n---\n\n# Which database?\n\n\
            ## user, 2026-03-14 09:00\n\nWhich database?\n\\## user, 2026-03-14 09:00\n\n\
            ## assistant, 2026-03-14 09:01\n\nSQLite.\n";
        assert!(page.starts_with("---\nconversation: \"s1\"\ntitle: \"Which database?\"\ndate: 2026-03-14T09:00:00"));
        assert!(page.ends_with(want), "{page}");
    }

    #[test]
    fn lines_of_turns_are_told_from_headings() {
        assert!(is_turn_line("## Oda, 2026-03-14 09:00") && is_turn_line("## a, b, 2026-03-14 09:00"));
        assert!(!is_turn_line("## Results, 2026") && !is_turn_line("# Oda, 2026-03-14 09:00") && !is_turn_line("## "));
    }
}
