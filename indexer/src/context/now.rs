//! `now.md`: what is being worked on.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan};

use super::agenda::{happenings, tasks};
use super::tasks::happening_line;
use super::{Moment, days, distance, place, plain, section};
use crate::relationship::Kind as Entered;
use crate::{Document, Kind};

/// Lines of one section.
const MOST: usize = 10;
/// More documents than these in a minute came all at once.
const TOGETHER: usize = 12;
/// Hours in which something is of now.
const NOW: i64 = 72;
/// Days ahead for what is due.
const SOON: i64 = 7;

/// The page.
pub fn now(moment: &Moment) -> String {
    let mut out = format!("# Now\n\n{}\n", moment.now.strftime("%A, %-d %B %Y"));
    section(&mut out, "Changed", &changed(moment));
    section(&mut out, "Opened", &opened(moment));
    section(&mut out, "Asked", &asked(moment));
    section(&mut out, "Conversation", &conversation(moment));
    section(&mut out, "Due", &due(moment));
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
    let known = moment.opened.iter().filter_map(|(path, at)| Some((moment.document(path)?, *at)));
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

fn conversation(moment: &Moment) -> Vec<String> {
    let at = |document: &Document| Timestamp::from_second(document.date).unwrap_or_default();
    let conversations = moment.documents.iter().filter(|document| document.kind == Kind::Conversation);
    let latest = conversations.max_by_key(|document| document.date).filter(|document| recent(moment, at(document)));
    let line = |document: &Document| {
        format!(
            "- {}: {}\n  {}",
            clock(moment, at(document)),
            plain(&document.title),
            plain(&document.path.to_string_lossy())
        )
    };
    latest.map(line).into_iter().collect()
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
