//! `about-me.md`: who the owner is, in sentences, a source behind every one.
//!
//! It says what the documents and the log bear out and guesses at nothing; where it can, it lets the owner's own words speak.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::agenda::{happenings, tasks};
use super::person::Described;
use super::usage::usage;
use super::{Moment, day_of, days, distance, person, place, plain, score};
use crate::facts::{Category, Fact, Person, Reason, is_contact};
use crate::relationship::{Entry, Kind as Entered};
use crate::{Document, Kind};

/// The subject of corrections to this page in the log.
const SUBJECT: &str = "about me";
/// Under how many letters a sentence needs its heading to be understood.
const SHORT: usize = 60;
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
    own(moment, &mut page);
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
        super::section(&mut out, heading, &[sentences.join("\n")]);
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
    let all = || person.facts.iter().filter_map(|at| moment.facts.at(*at));
    let facts = || all().filter(|fact| fact.superseded_by.is_none());
    let to = facts().filter(|fact| matches!(fact.predicate, "To" | "attendees"));
    let sources: Vec<String> = to.take(2).map(|fact| fact_source(&fact)).collect();
    page.say(
        "Who you are",
        &format!("You are {}, going by your mail and your minutes.", plain(&person.name)),
        &sources,
    );
    let named = facts().filter(|fact| {
        let quote = plain(fact.source.quote);
        is_told(fact)
            && fact.subject_entity == owner
            && quote.contains(person.name.split(' ').next().unwrap_or_default())
    });
    for fact in best(moment, named.collect()) {
        page.say("Who you are", &quoted(moment, &fact), &[fact_source(&fact)]);
    }
}

/// What the owner says of who they are, where they live and what they do.
fn own(moment: &Moment, page: &mut Page) {
    let own = |fact: &Fact| fact.subject_entity == Some("me") && fact.superseded_by.is_none() && fact.is_likely();
    let tells = |fact: &Fact| is_told(fact) && says_who(fact) && moment.is_owners(&fact.source);
    for fact in best(moment, moment.facts.all().filter(own).filter(tells).collect()) {
        page.say("Who you are", &quoted(moment, &fact), &[fact_source(&fact)]);
    }
}

/// Whether a fact about somebody is about their life: "I am late" is not.
fn says_who(fact: &Fact) -> bool {
    let is_noun = ["a ", "an ", "the ", "my "].iter().any(|word| fact.object.starts_with(word));
    let is_name = fact.object.starts_with(char::is_uppercase);
    match fact.category {
        Category::Person | Category::Location => true,
        Category::Identity => is_noun || is_name,
        _ => false,
    }
}

/// The surest and newest of these, a sentence each.
fn best<'a>(moment: &Moment, mut facts: Vec<Fact<'a>>) -> Vec<Fact<'a>> {
    let value = |fact: &Fact| {
        f64::from(fact.confidence) * 0.5_f64.powf(days(fact.since(), moment.today()).max(0) as f64 / 365.0)
    };
    facts.sort_by(|a, b| value(b).total_cmp(&value(a)).then_with(|| a.id.cmp(&b.id)));
    let mut quotes: Vec<&str> = Vec::new();
    facts.retain(|fact| {
        let new = !quotes.contains(&fact.source.quote);
        quotes.push(fact.source.quote);
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

fn quoted(moment: &Moment, fact: &Fact) -> String {
    said(moment, fact.source.path, "", fact.source.quote)
}

/// A quotation, and who says so: whoever sent or published it, else the owner. `about` may be empty.
fn said(moment: &Moment, path: &Path, about: &str, quote: &str) -> String {
    let quote = format!("\u{201c}{}\u{201d}", plain(quote));
    let about = if about.is_empty() { String::new() } else { format!(" under \u{201c}{}\u{201d}", plain(about)) };
    let Some(document) = moment.document(path) else { return format!("You said: {quote}") };
    let on = match document.dated {
        true => format!(" on {}", date(document, moment).strftime("%-d %B %Y")),
        false => String::new(),
    };
    match (document.media.as_str(), &document.author) {
        _ if document.kind == Kind::Conversation => format!("You said{on}{about}: {quote}"),
        ("mail", Some(author)) => {
            format!("{} wrote{on}{about}: {quote}", plain(author.split(" <").next().unwrap_or(author)))
        }
        ("markdown" | "text" | "org" | "document", _) => format!("You wrote{on}{about}: {quote}"),
        _ => format!("\u{201c}{}\u{201d} says{about}: {quote}", plain(&document.title)),
    }
}

fn date(document: &Document, moment: &Moment) -> jiff::civil::Date {
    day_of(jiff::Timestamp::from_second(document.date).unwrap_or_default(), moment.now)
}

/// Where most documents lie, and what was written there last.
fn work(moment: &Moment, page: &mut Page) {
    let mut by_dir: HashMap<PathBuf, Vec<&Document>> = HashMap::new();
    let own = |document: &&Document| matches!(document.kind, Kind::File | Kind::Note) && document.media != "mail";
    for document in moment.documents.iter().filter(own) {
        let root = moment.sources.iter().find(|source| document.path.starts_with(&source.root));
        let Some(below) = root.and_then(|source| document.path.strip_prefix(&source.root).ok()) else { continue };
        let parts: Vec<_> = below.components().collect();
        // projects/nightjar says more than projects, and what lies below it no more than that.
        let depth = parts.len().saturating_sub(1).min(2);
        if depth > 0 && document.dated {
            by_dir.entry(parts[..depth].iter().collect()).or_default().push(document);
        }
    }
    let mut dirs: Vec<(PathBuf, Vec<&Document>)> =
        by_dir.into_iter().filter(|(_, documents)| documents.len() > 1).collect();
    dirs.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
    for (dir, documents) in dirs.into_iter().take(FEW) {
        let Some(newest) = documents.iter().max_by_key(|document| document.date) else { continue };
        let (dir, title) = (plain(&dir.to_string_lossy()), plain(&newest.title));
        let day = date(newest, moment).strftime("%-d %B %Y");
        let sentence = format!("Of what you keep in {dir}, the latest is \u{201c}{title}\u{201d}, of {day}.");
        page.say("What you work on", &sentence, &[document_source(newest)]);
    }
}

fn people(moment: &Moment, owner: Option<&str>, page: &mut Page) {
    let paths = |person: &Person| -> BTreeSet<&Path> {
        person.facts.iter().filter_map(|at| moment.facts.at(*at)).map(|fact| fact.source.path).collect()
    };
    let others = person::shown(moment).into_iter().filter(|person| Some(person.name.as_str()) != owner);
    let mut others: Vec<(&Person, usize)> = others.map(|person| (person, paths(person).len())).collect();
    others.sort_by_key(|(_, documents)| std::cmp::Reverse(*documents));
    for (other, n) in others.into_iter().take(FEW * 2) {
        let Some((what, source)) = person::described(moment, other) else { continue };
        let name = plain(&other.name);
        let documents = if n == 1 { "one document".to_owned() } else { format!("{n} documents") };
        let sentence = match what {
            Described::As(what) => format!("{name}, {what}, comes up in {documents}."),
            Described::In(quote) => {
                format!("{name} comes up in {documents}. {}", said(moment, source.path, "", &quote))
            }
        };
        page.say("The people around you", &sentence, &[super::origin(&source)]);
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
    let uses = usage(moment);
    let mut all: Vec<_> =
        moment.notable().into_iter().filter(|noted| reasons.contains(&noted.notable.reason)).collect();
    all.sort_by(|a, b| score::sentence(moment, b, &uses).total_cmp(&score::sentence(moment, a, &uses)));
    for noted in all.into_iter().take(FEW) {
        let notable = &noted.notable;
        let about = if plain(&notable.quote).len() < SHORT { notable.topic.as_str() } else { "" };
        let sentence = said(moment, &noted.path, about, &notable.quote);
        page.say(paragraph, &sentence, &[format!("{} ~{}", place(&noted.path, notable.line), noted.id)]);
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
    let facts = moment.facts.all();
    let own = |fact: &Fact| {
        fact.category == Category::Preference && fact.superseded_by.is_none() && fact.subject_entity == Some("me")
    };
    let stated = |fact: &Fact| moment.is_by_people(fact.source.path, fact.source.quote);
    for fact in best(moment, facts.filter(own).filter(stated).collect()) {
        page.say("What you like", &quoted(moment, &fact), &[fact_source(&fact)]);
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
        let day = coming.day.strftime("%A, %-d %B");
        let sentence = format!("On {day} ({}): {}.", distance(today, coming.day), plain(&coming.title));
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
