//! `now.md`: what is being worked on.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::{Timestamp, ToSpan};

use super::agenda::{Task, happenings, tasks};
use super::tasks::happening_line;
use super::tiers::{Tier, Tiers, Why, tiers};
use super::{Moment, days, distance, place, plain, section};
use crate::conversations::said;
use crate::relationship::Kind as Entered;
use crate::{Document, Kind};

/// Lines of one section.
const MOST: usize = 10;
/// More documents than these in a minute came all at once.
const TOGETHER: usize = 12;
/// Hours in which something is of now.
const NOW: i64 = 72;
/// Conversations among which the live one is looked for.
const LOOKED_AT: usize = 20;
/// Days ahead for what is due.
const SOON: i64 = 7;

/// The page.
pub fn now(moment: &Moment) -> String {
    let mut out = format!("# Now\n\n{}\n", moment.now.strftime("%A, %-d %B %Y"));
    let tiers = tiers(moment);
    section(&mut out, "Changed", &changed(moment));
    section(&mut out, "Opened", &opened(moment));
    section(&mut out, "Asked", &asked(moment));
    section(&mut out, "Conversation", &conversation(moment));
    section(&mut out, "Due", &due(moment));
    section(&mut out, "Open", &open(moment, &tiers));
    section(&mut out, "Also in use", &in_use(moment, &tiers));
    let coming: Vec<String> = happenings(moment, 2).iter().map(|coming| happening_line(moment, coming)).collect();
    section(&mut out, "Today and the next days", &coming);
    if out.lines().count() <= 3 {
        out.push_str("\nNothing has changed, was opened or asked in the last days.\n");
    }
    out
}

fn recent(moment: &Moment, at: Timestamp) -> bool {
    moment.now.timestamp().checked_sub(NOW.hours()).is_ok_and(|from| at >= from)
}

fn clock(moment: &Moment, at: Timestamp) -> String {
    at.to_zoned(moment.now.time_zone().clone()).strftime("%F %H:%M").to_string()
}

/// The documents that changed last. Many that came in the same minute were copied here, and are one line.
fn changed(moment: &Moment) -> Vec<String> {
    let mut by_minute: BTreeMap<i64, Vec<&Document>> = BTreeMap::new();
    let by_people = moment.documents.iter().filter(|document| matches!(document.kind, Kind::File | Kind::Note));
    for document in by_people.filter(|document| recent(moment, modified(document))) {
        by_minute.entry(modified(document).as_second() / 60).or_default().push(document);
    }
    let line = |document: &Document| {
        let (at, path) = (clock(moment, modified(document)), document.path.to_string_lossy());
        format!("- {at}: {}\n  {}", plain(&document.title), plain(&path))
    };
    let mut lines = Vec::new();
    for documents in by_minute.into_values().rev() {
        match documents.as_slice() {
            [first, ..] if documents.len() > TOGETHER => {
                lines.push(format!("- {}: {} documents at once", clock(moment, modified(first)), documents.len()));
            }
            documents => lines.extend(documents.iter().map(|document| line(document))),
        }
    }
    lines.truncate(MOST);
    lines
}

fn modified(document: &Document) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(document.modified_ns)).unwrap_or_default()
}

fn opened(moment: &Moment) -> Vec<String> {
    let now = moment.opened.iter().filter(|(_, at)| recent(moment, *at));
    let known = now.filter_map(|(path, at)| Some((moment.document(path)?, *at)));
    let line = |(document, at): (&Document, Timestamp)| {
        format!("- {}: {}\n  {}", clock(moment, at), plain(&document.title), plain(&document.path.to_string_lossy()))
    };
    known.take(MOST).map(line).collect()
}

fn asked(moment: &Moment) -> Vec<String> {
    let asked = moment.log.entries.iter().rev().filter(|entry| entry.kind == Entered::Interaction);
    let line = |entry: &crate::relationship::Entry| {
        let source = moment.evidence(entry).next().map(|place| format!("\n  {place}")).unwrap_or_default();
        format!("- {}: {} [#{}]{source}", clock(moment, entry.at), plain(&entry.text), entry.seq)
    };
    asked.take_while(|entry| recent(moment, entry.at)).take(MOST).map(line).collect()
}

/// The conversation in which something was said last. The time of a page is that of its turns, or of their import.
fn conversation(moment: &Moment) -> Vec<String> {
    let is_conversation = |document: &&Document| document.kind == Kind::Conversation;
    let mut latest: Vec<&Document> = moment.documents.iter().filter(is_conversation).collect();
    latest.retain(|document| recent(moment, modified(document)));
    latest.sort_by_key(|document| std::cmp::Reverse(document.modified_ns));
    let pages = moment.conversations();
    let said = |document: &Document| said::last_turn(pages?, &document.path);
    let live = latest.into_iter().take(LOOKED_AT).filter_map(|document| Some((said(document)?, document)));
    let live = live.filter(|(at, _)| recent(moment, *at));
    let line = |(at, document): (Timestamp, &Document)| {
        let (title, path) = (plain(&document.title), document.path.to_string_lossy());
        format!("- {}: {title}\n  {}", clock(moment, at), plain(&path))
    };
    live.max_by_key(|(at, _)| *at).map(line).into_iter().collect()
}

fn due(moment: &Moment) -> Vec<String> {
    let today = moment.today();
    let tasks = tasks(moment);
    let soon = tasks.iter().filter_map(|task| Some((task, task.due.filter(|due| days(today, *due) <= SOON)?)));
    soon.take(MOST)
        .map(|(task, due)| {
            format!("- {due} ({}): {}\n  {}", distance(today, due), task.text, place(&task.path, task.line))
        })
        .collect()
}

/// Tasks without a day that stand in what is in use or recent.
fn open(moment: &Moment, tiers: &Tiers) -> Vec<String> {
    let near = |path: &Path| tiers.get(path).is_some_and(|(tier, _)| *tier <= Tier::Recent);
    let open = tasks(moment).into_iter().filter(|task| task.due.is_none() && near(&task.path));
    let line = |task: Task| format!("- [ ] {}\n  {}", task.text, place(&task.path, task.line));
    open.take(MOST).map(line).collect()
}

/// What else is in use, that was neither changed nor opened just now: it bore out answers, or a task in it is at hand.
fn in_use(moment: &Moment, tiers: &Tiers) -> Vec<String> {
    let opened =
        |document: &Document| moment.opened.iter().any(|(path, at)| *path == document.path && recent(moment, *at));
    let shown = |document: &Document| recent(moment, modified(document)) || opened(document);
    let line = |(path, (_, why)): (&&Path, &(Tier, Why))| {
        let document = moment.document(path).filter(|document| !shown(document))?;
        let (title, why) = (plain(&document.title), why.text(moment.today()));
        Some(format!("- {title}: {why}\n  {}", plain(&path.to_string_lossy())))
    };
    let used = |why: &Why| matches!(why, Why::Used(_) | Why::Due(_));
    let near = tiers.iter().filter(|(_, (tier, why))| *tier == Tier::Working && used(why));
    near.filter_map(line).take(MOST).collect()
}
