//! `about-me.md`: who the owner is, in sentences, a source behind every one.
//!
//! It says what the documents and the log bear out and guesses at nothing; where it can, it lets the owner's own words speak.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::agenda::{happenings, tasks};
use super::briefing::under;
use super::{Moment, day_of, days, distance, person, place, plain, score};
use crate::facts::{Category, Fact, Person, Reason, is_contact};
use crate::relationship::{Entry, Kind as Entered};
use crate::{Document, Kind};

/// The subject of corrections to this page in the log.
const SUBJECT: &str = "about me";
/// Sentences about one thing.
const FEW: usize = 4;

/// The page under way: paragraphs with numbered sources.
struct Page {
    paragraphs: Vec<(&'static str, Vec<String>)>,
    sources: Vec<String>,
}

impl Page {
    /// Adds a sentence and what bears it out.
    fn say(&mut self, paragraph: &'static str, sentence: &str, sources: &[String]) {
        let mut marks = String::new();
        for source in sources {
            let at = self.sources.iter().position(|known| known == source).unwrap_or_else(|| {
                self.sources.push(source.clone());
                self.sources.len() - 1
            });
            marks.push_str(&format!("[{}]", at + 1));
        }
        let sentence = format!("{} {marks}", sentence.trim_end());
        match self.paragraphs.iter_mut().find(|(name, _)| *name == paragraph) {
            Some((_, sentences)) => sentences.push(sentence),
            None => self.paragraphs.push((paragraph, vec![sentence])),
        }
    }
}

/// The page.
pub fn about_me(moment: &Moment) -> String {
    let mut page = Page { paragraphs: Vec::new(), sources: Vec::new() };
    let owner = person::owner(moment);
    corrections(moment, &mut page);
    name(moment, owner.as_deref(), &mut page);
    work(moment, &mut page);
    people(moment, owner.as_deref(), &mut page);
    mind(moment, &mut page);
    decided(moment, &mut page);
    liked(moment, &mut page);
    habits(moment, &mut page);
    ahead(moment, &mut page);
    if page.sources.is_empty() {
        return "# About you\n\nNothing is known yet. What your files state and what programs note in relationship/log.jsonl will stand here.\n".to_owned();
    }
    let mut out = String::from("# About you\n");
    for (heading, sentences) in &page.paragraphs {
        super::section(
            &mut out,
            heading,
            &sentences.iter().map(|sentence| format!("{sentence}\n")).collect::<Vec<_>>(),
        );
        out.truncate(out.trim_end().len() + 1);
    }
    let sources: Vec<String> = page.sources.iter().zip(1..).map(|(source, n)| format!("[{n}] {source}")).collect();
    super::section(&mut out, "Sources", &sources);
    out.push_str("\nWhat is wrong here goes with `remove ID` written to facts/correct, or with a correction of the subject \"about me\" in relationship/log.jsonl.\n");
    out
}

fn fact_source(fact: &Fact) -> String {
    format!("{} ~{}", super::origin(&fact.source), fact.id)
}

fn entry_source(entry: &Entry) -> String {
    format!("relationship/log.jsonl #{}", entry.seq)
}

fn document_source(document: &Document) -> String {
    plain(&document.path.to_string_lossy())
}

/// What the owner says of this page.
fn corrections(moment: &Moment, page: &mut Page) {
    let said = moment.log.owners_word(SUBJECT);
    said.into_iter().for_each(|word| {
        page.say("In your words", &plain(word), &["relationship/log.jsonl, your correction".to_owned()])
    });
}

fn name(moment: &Moment, owner: Option<&str>, page: &mut Page) {
    let Some(person) = owner.and_then(|owner| moment.facts.people().iter().find(|person| person.name == owner)) else {
        return;
    };
    let all = moment.facts.all();
    let facts = || {
        person
            .facts
            .iter()
            .filter_map(|at| all.get(*at))
            .map(|fact| &**fact)
            .filter(|fact| fact.superseded_by.is_none())
    };
    let to = facts().filter(|fact| matches!(fact.predicate.as_str(), "To" | "attendees"));
    let sources: Vec<String> = to.take(2).map(fact_source).collect();
    page.say(
        "Who you are",
        &format!("You are {}, going by your mail and your minutes.", plain(&person.name)),
        &sources,
    );
    let named = facts().filter(|fact| {
        let quote = plain(&fact.source.quote);
        is_told(fact)
            && fact.subject_entity.as_deref() == owner
            && quote.contains(person.name.split(' ').next().unwrap_or_default())
    });
    for fact in best(moment, named.collect()) {
        page.say("Who you are", &quoted(fact), &[fact_source(fact)]);
    }
}

/// The surest and newest of these, a sentence each.
fn best<'a>(moment: &Moment, mut facts: Vec<&'a Fact>) -> Vec<&'a Fact> {
    let value = |fact: &Fact| {
        f64::from(fact.confidence) * 0.5_f64.powf(days(fact.since(), moment.today()).max(0) as f64 / 365.0)
    };
    facts.sort_by(|a, b| value(b).total_cmp(&value(a)).then_with(|| a.id.cmp(&b.id)));
    let mut quotes: Vec<&str> = Vec::new();
    facts.retain(|fact| {
        let new = !quotes.contains(&fact.source.quote.as_str());
        quotes.push(&fact.source.quote);
        new
    });
    facts.truncate(FEW);
    facts
}

/// Whether a fact stands in a sentence, and says what somebody is, has, likes or does.
fn is_told(fact: &Fact) -> bool {
    let sentence = fact.source.quote.ends_with('.') && fact.source.quote.len() < 200;
    sentence && !matches!(fact.category, Category::Task | Category::Event) && !is_contact(fact)
}

fn quoted(fact: &Fact) -> String {
    format!("{}: \u{201c}{}\u{201d}", written(fact.since()), plain(&fact.source.quote))
}

fn written(day: jiff::civil::Date) -> String {
    format!("On {}", day.strftime("%-d %B %Y"))
}

/// What most documents of the last year are about, by the directories they lie in.
fn work(moment: &Moment, page: &mut Page) {
    let mut by_dir: HashMap<PathBuf, Vec<&Document>> = HashMap::new();
    for document in moment.documents.iter().filter(|d| matches!(d.kind, Kind::File | Kind::Note)) {
        let root = moment.sources.iter().find(|source| document.path.starts_with(&source.root));
        let Some(below) = root.and_then(|source| document.path.strip_prefix(&source.root).ok()) else { continue };
        let parts: Vec<_> = below.components().collect();
        // projects/nightjar says more than projects, and docs in it no more than it does.
        let depth = (parts.len().saturating_sub(1)).min(2);
        if depth > 0 {
            by_dir.entry(parts[..depth].iter().collect()).or_default().push(document);
        }
    }
    let mut dirs: Vec<(PathBuf, Vec<&Document>)> =
        by_dir.into_iter().filter(|(_, documents)| documents.len() > 1).collect();
    dirs.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
    for (dir, mut documents) in dirs.into_iter().take(FEW) {
        documents.sort_by_key(|document| std::cmp::Reverse((document.dated, document.date)));
        let newest = documents[0];
        let day = day_of(jiff::Timestamp::from_second(newest.date).unwrap_or_default(), moment.now);
        let latest = if newest.dated {
            format!(", the latest of {}, \u{201c}{}\u{201d}", day.strftime("%-d %B %Y"), plain(&newest.title))
        } else {
            String::new()
        };
        let sentence = format!("You keep {} documents in {}{latest}.", documents.len(), plain(&dir.to_string_lossy()));
        page.say("What you work on", &sentence, &[document_source(newest)]);
    }
}

fn people(moment: &Moment, owner: Option<&str>, page: &mut Page) {
    let others: Vec<&Person> =
        person::shown(moment).into_iter().filter(|person| Some(person.name.as_str()) != owner).collect();
    for other in others.iter().take(FEW * 2) {
        let documents: std::collections::BTreeSet<&Path> = other
            .facts
            .iter()
            .filter_map(|at| moment.facts.all().get(*at))
            .map(|fact| fact.source.path.as_path())
            .collect();
        let Some((line, source)) = person::in_a_line(moment, other) else { continue };
        let line = line
            .strip_prefix(&format!("{}: ", other.name))
            .map_or_else(|| format!("\u{201c}{line}\u{201d}"), str::to_owned);
        let n = documents.len();
        let times = if n == 1 { "one document".to_owned() } else { format!("{n} documents") };
        page.say(
            "The people around you",
            &format!("{} is named in {times}: {line}", plain(&other.name)),
            &[super::origin(source)],
        );
    }
}

fn mind(moment: &Moment, page: &mut Page) {
    notable(moment, page, "What must not be forgotten", &[Reason::Safety]);
}

fn decided(moment: &Moment, page: &mut Page) {
    notable(moment, page, "What you have decided", &[Reason::Decision]);
}

/// The sentences that matter most for one of these reasons, word for word.
fn notable(moment: &Moment, page: &mut Page, paragraph: &'static str, reasons: &[Reason]) {
    let uses = moment.uses();
    let mut all: Vec<_> =
        moment.notable().into_iter().filter(|noted| reasons.contains(&noted.notable.reason)).collect();
    all.sort_by(|a, b| score::sentence(moment, b, &uses).total_cmp(&score::sentence(moment, a, &uses)));
    for noted in all.into_iter().take(FEW) {
        let sentence = format!(
            "{}: \u{201c}{}\u{201d}",
            written(day_of(noted.at, moment.now)),
            under(&noted.notable.topic, &noted.notable.quote)
        );
        page.say(paragraph, &sentence, &[format!("{} ~{}", place(&noted.path, noted.notable.line), noted.id)]);
    }
}

fn liked(moment: &Moment, page: &mut Page) {
    for (subject, entries) in moment.log.by_subject(Entered::Preference) {
        let Some(latest) = entries.last() else { continue };
        let text = moment.log.owners_word(&subject).unwrap_or(&latest.text);
        let since = entries.iter().rev().take_while(|entry| entry.text == latest.text).last().unwrap_or(latest);
        let sentence = format!(
            "Of {}, you prefer: {}, since {}.",
            plain(&subject),
            plain(text).trim_end_matches('.'),
            day_of(since.at, moment.now)
        );
        page.say("What you like", &sentence, &[entry_source(latest)]);
    }
    let facts = moment.facts.all().iter().map(|fact| &**fact);
    let own = |fact: &&Fact| {
        fact.category == Category::Preference
            && fact.superseded_by.is_none()
            && fact.subject_entity.as_deref() == Some("me")
    };
    for fact in best(moment, facts.filter(own).filter(|fact| moment.is_by_people(&fact.source.path)).collect()) {
        page.say("What you like", &quoted(fact), &[fact_source(fact)]);
    }
}

fn habits(moment: &Moment, page: &mut Page) {
    for pattern in moment.log.patterns(moment.now.time_zone()).iter().take(FEW) {
        let sources: Vec<String> =
            pattern.entries.iter().rev().take(2).map(|seq| format!("relationship/log.jsonl #{seq}")).collect();
        let sentence = format!("{} ({} of {} times).", plain(&pattern.text), pattern.count, pattern.of);
        page.say("What you usually do", &sentence, &sources);
    }
}

fn ahead(moment: &Moment, page: &mut Page) {
    let today = moment.today();
    for coming in happenings(moment, 14).into_iter().take(FEW) {
        let sentence = format!(
            "{}, {}: {}.",
            plain(&coming.title),
            distance(today, coming.day),
            coming.day.strftime("%A, %-d %B")
        );
        page.say("What is ahead of you", &sentence, &[place(&coming.path, coming.line)]);
    }
    let open = tasks(moment);
    let dated = open.iter().filter_map(|task| Some((task, task.due?)));
    for (task, due) in dated.filter(|(_, due)| days(today, *due) >= 0).take(FEW) {
        page.say(
            "What is ahead of you",
            &format!("By {}: {}", due.strftime("%-d %B %Y"), task.text),
            &[place(&task.path, task.line)],
        );
    }
}
