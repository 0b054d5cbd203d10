//! `suggestions.md`: what this moment usually needs. Each has its reason and its source; without evidence there is none.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::ToSpan;

use super::agenda::{Happening, happenings, tasks};
use super::tasks::happening_text;
use super::tiers::{Tier, Tiers, tiers};
use super::{Moment, days, distance, person, place, plain, section};
use crate::Document;
use crate::relationship::Kind as Entered;

/// Days ahead for tasks and calendars.
const SOON: i64 = 7;
/// Suggestions of one kind.
const FEW: usize = 5;
/// Letters of a word that may tell one subject from others.
const TELLING: usize = 4;

/// The page.
pub fn suggestions(moment: &Moment) -> String {
    let mut out = format!("# Suggestions\n\n{}\n", moment.now.strftime("%A, %-d %B %Y"));
    let tiers = tiers(moment);
    section(&mut out, "Do", &due(moment));
    section(&mut out, "Prepare", &prepare(moment, &tiers));
    section(&mut out, "Read", &hits(moment));
    section(&mut out, "As usual", &usual(moment));
    section(&mut out, "Open together", &together(moment, &tiers));
    if out.lines().count() <= 3 {
        out.push_str("\nNone: nothing is due, nothing is coming, and nothing repeats.\n");
    }
    out
}

fn suggestion(text: &str, reason: &str, source: &str) -> String {
    format!("- {text}\n  because {reason}\n  {source}")
}

fn due(moment: &Moment) -> Vec<String> {
    let today = moment.today();
    let tasks = tasks(moment);
    let soon = tasks.iter().filter_map(|task| Some((task, task.due.filter(|due| days(today, *due) <= SOON)?)));
    let line = |(task, due): (&super::agenda::Task, jiff::civil::Date)| {
        let late = if due < today { "was due" } else { "is due" };
        suggestion(&task.text, &format!("it {late} {} ({due})", distance(today, due)), &place(&task.path, task.line))
    };
    soon.take(FEW).map(line).collect()
}

/// For what is coming, the documents and people that belong to it.
fn prepare(moment: &Moment, tiers: &Tiers) -> Vec<String> {
    let line = |coming: &Happening| {
        let related = related(moment, tiers, coming);
        let with: Vec<String> = met(moment, coming);
        let read = match related.first() {
            Some(document) => format!("Look at \u{201c}{}\u{201d} before: ", plain(&document.title)),
            None => String::new(),
        };
        let with = if with.is_empty() {
            String::new()
        } else {
            format!("; see relationship/people/{}.md", with.join(".md, "))
        };
        let mut sources = vec![place(&coming.path, coming.line)];
        sources.extend(related.iter().map(|document| plain(&document.path.to_string_lossy())));
        let reason = if related.is_empty() {
            "it is in the calendar"
        } else {
            "it is in the calendar, and the document names it"
        };
        suggestion(&format!("{read}{}{with}", happening_text(moment, coming)), reason, &sources.join("\n  "))
    };
    happenings(moment, SOON).iter().take(FEW).map(line).collect()
}

/// The nearest documents whose titles share two telling words with what is coming, or the only one it has; what is put away
/// only where nothing else does.
fn related<'a>(moment: &'a Moment, tiers: &Tiers, coming: &Happening) -> Vec<&'a Document> {
    let wanted = telling(&format!("{} {}", coming.title, coming.place.as_deref().unwrap_or_default()));
    let needed = wanted.len().clamp(1, 2);
    let shares = |document: &&Document| telling(&document.title).intersection(&wanted).count() >= needed;
    let mut found: Vec<&Document> = moment
        .documents
        .iter()
        .filter(|document| document.path != coming.path)
        .filter(shares)
        .filter(|d| moment.is_written_by_people(&d.path))
        .collect();
    found.sort_by_key(|document| (tier(tiers, &document.path), std::cmp::Reverse(document.date)));
    found.truncate(2);
    let near = found.iter().filter(|document| tier(tiers, &document.path) < Tier::Archive).count();
    found.truncate(near.max(1));
    found
}

fn tier(tiers: &Tiers, path: &Path) -> Tier {
    tiers.get(path).map_or(Tier::Archive, |(tier, _)| *tier)
}

fn telling(text: &str) -> HashSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() >= TELLING);
    words.map(str::to_lowercase).filter(|word| !crate::stop_words::is_stop_word(word)).collect()
}

/// The people that the title of what is coming names.
fn met(moment: &Moment, coming: &Happening) -> Vec<String> {
    let words: HashSet<&str> = coming.title.split(|c: char| !c.is_alphanumeric()).collect();
    let names = |person: &&crate::facts::Person| {
        let mut parts = person.name.split(' ');
        let first = parts.next().unwrap_or_default();
        words.contains(first) && parts.all(|part| words.contains(part))
    };
    person::shown(moment).into_iter().filter(names).map(|person| plain(&person.name)).collect()
}

fn hits(moment: &Moment) -> Vec<String> {
    let line = |(query, path): &(String, PathBuf)| {
        let document = moment.document(path)?;
        let text = format!("Read \u{201c}{}\u{201d}", plain(&document.title));
        Some(suggestion(
            &text,
            &format!("it is new in the kept query \u{201c}{}\u{201d}", plain(query)),
            &plain(&path.to_string_lossy()),
        ))
    };
    moment.hits.iter().filter_map(line).take(FEW).collect()
}

/// Habits of this day and hour.
fn usual(moment: &Moment) -> Vec<String> {
    let fits = |id: &str| {
        let (subject, slot) = id.strip_prefix("time:")?.rsplit_once(':')?;
        let (day, part) = slot.split_at_checked(1)?;
        let today = moment.now.weekday().to_monday_one_offset().to_string();
        let hours = part.parse::<i8>().ok().is_none_or(|part| part == moment.now.hour() / 4);
        ((day == "0" || day == today) && hours).then(|| subject.to_owned())
    };
    let patterns = moment.log.patterns(moment.now.time_zone());
    let line = |pattern: &crate::relationship::Pattern| {
        let subject = fits(&pattern.id)?;
        let latest = pattern.entries.iter().max()?;
        let reason = format!("{} ({} of {} times)", plain(&pattern.text), pattern.count, pattern.of);
        Some(suggestion(
            &format!("Have a look at {}", plain(&subject)),
            &reason,
            &format!("relationship/log.jsonl #{latest}"),
        ))
    };
    patterns.iter().filter_map(line).take(FEW).collect()
}

/// What answered questions together with a document that was used in the last day, the nearest first.
fn together(moment: &Moment, tiers: &Tiers) -> Vec<String> {
    let from = moment.now.timestamp().checked_sub(24.hours()).unwrap_or_default();
    let used: HashSet<&Path> =
        moment.opened.iter().filter(|(_, at)| *at >= from).map(|(path, _)| path.as_path()).collect();
    let mut pairs: std::collections::BTreeMap<(&str, &str), Vec<u64>> = Default::default();
    for entry in moment.log.entries.iter().filter(|entry| entry.kind == Entered::Interaction) {
        let paths: HashSet<&str> = entry.borne_out_by().map(|evidence| evidence.path.as_str()).collect();
        for one in paths.iter().filter(|path| used.contains(Path::new(path))) {
            for other in paths.iter().filter(|path| !used.contains(Path::new(path))) {
                pairs.entry((one, other)).or_default().push(entry.seq);
            }
        }
    }
    let line = |((one, other), entries): (&(&str, &str), &Vec<u64>)| {
        let document = moment.document(Path::new(other)).filter(|_| entries.len() >= 2)?;
        let opened = moment.document(Path::new(one))?;
        let reason = format!(
            "it answered {} questions together with \u{201c}{}\u{201d}, which you opened",
            entries.len(),
            plain(&opened.title)
        );
        let entries: Vec<String> = entries.iter().map(|seq| format!("#{seq}")).collect();
        let sources = format!("{other}\n  relationship/log.jsonl {}", entries.join(" "));
        Some(suggestion(&format!("Open \u{201c}{}\u{201d}", plain(&document.title)), &reason, &sources))
    };
    let mut pairs: Vec<_> = pairs.iter().collect();
    pairs.sort_by_key(|((_, other), entries)| (tier(tiers, Path::new(other)), std::cmp::Reverse(entries.len())));
    pairs.into_iter().filter_map(line).take(FEW).collect()
}
