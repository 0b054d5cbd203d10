//! What a question that counts or lists asks for, found in the index and among the facts.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use echofs_indexer::context::{Moment, Task, decisions, open_tasks};
use echofs_indexer::facts::{Category, Fact, Noted, day_of};
use echofs_indexer::{Hit, Index};
use echofs_query_lang::{Field, MAX_LIMIT, Node, Query, Sort, TextField};

use super::listing::{Listing, What};
use super::place::{Spot, place};
use super::render::{self, Answer, Citation, NOT_FOUND};
use super::sentences::sentences;
use super::text::{line_feeds, one_line, tokens};

/// So many are named; of more the number is said.
const NAMED: usize = 20;

/// One of the things that are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it is called in the list.
    pub text: String,
    /// The document that bears it out.
    pub path: PathBuf,
    /// First line of the quotation, from 1.
    pub line: u32,
    /// Page, slide or sheet, from 1.
    pub page: Option<u32>,
    /// What stands there.
    pub quote: String,
}

/// What is listed: how many there are, and the first of them, those that are named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Items {
    /// All of them.
    pub count: usize,
    /// At most as many as an answer names.
    pub named: Vec<Item>,
}

impl Items {
    /// Counts all and makes items of those that are named.
    pub fn of<T>(all: Vec<T>, item: impl FnMut(T) -> Item) -> Items {
        Items { count: all.len(), named: all.into_iter().take(NAMED).map(item).collect() }
    }
}

/// All of them: documents the best first, tasks by their day, facts the newest first.
///
/// # Errors
/// What the search says.
pub fn items(index: &Index, listing: &Listing, is_own: &dyn Fn(&Hit) -> bool) -> Result<Items, String> {
    match listing.what {
        What::Documents(media) => documents(index, listing, media, is_own),
        What::Tasks | What::Decisions => noted(index, listing),
        What::Facts(category) => Ok(facts(index, listing, category)),
    }
}

fn documents(
    index: &Index,
    listing: &Listing,
    media: Option<&str>,
    is_own: &dyn Fn(&Hit) -> bool,
) -> Result<Items, String> {
    let text = |name, value: &str| Node::Field(Field::Text { name, value: value.to_owned() });
    let mut all: Vec<Node> = listing.about.iter().map(|word| Node::Word(word.clone())).collect();
    all.extend(media.map(|media| text(TextField::Type, media)));
    all.extend(listing.by.iter().map(|name| text(TextField::Author, name)));
    let root = if all.len() > 1 { Some(Node::And(all)) } else { all.pop() };
    let results = index.search(&Query { root, sort: Sort::Score, limit: Some(MAX_LIMIT) });
    let mut hits = results.map_err(|error| error.to_string())?.hits;
    hits.retain(|hit| !is_own(hit) && listing.is_on(super::index::day(hit.document.date)));
    Ok(Items::of(hits, |hit| document(hit, listing)))
}

/// A document, by the sentence that holds most of what was asked for.
fn document(hit: Hit, listing: &Listing) -> Item {
    let asked: Vec<String> = tokens(&listing.about.join(" ")).into_iter().map(|word| word.stem).collect();
    let text = &hit.passage.text;
    let held = |at: &Range<usize>| {
        let words = tokens(&text[at.clone()]);
        asked.iter().filter(|stem| words.iter().any(|word| word.stem == **stem)).count()
    };
    // The first of the best.
    let best = sentences(text).into_iter().rev().max_by_key(held).unwrap_or(0..0);
    let before = line_feeds(&text[..best.start]);
    Item {
        text: one_line(&hit.document.title),
        line: hit.passage.line + before,
        page: hit.passage.page,
        quote: text[best].to_owned(),
        path: hit.document.path,
    }
}

/// What the notes say at this moment, as working memory has it.
fn noted(index: &Index, listing: &Listing) -> Result<Items, String> {
    let (facts, documents, now, sources) = (index.facts(), index.documents(), jiff::Zoned::now(), index.sources());
    let log = index.relationship().view().map_err(|error| error.to_string())?;
    let (documents, facts) = (&documents[..], &*facts);
    let (opened, hits, before) = (&[], &[], &BTreeMap::new());
    let moment = Moment { now: &now, documents, facts, log: &log, opened, hits, sources: &sources, before };
    let title = |path: &Path| moment.document(path).map(|document| document.title.as_str()).unwrap_or_default();
    if listing.what == What::Decisions {
        let wanted = |noted: &&Noted| {
            let texts = [&noted.notable.quote, &noted.notable.topic, title(&noted.path)];
            listing.is_on(Some(day_of(noted.at))) && speaks_of(listing, &texts)
        };
        return Ok(Items::of(decisions(&moment).into_iter().filter(wanted).collect(), |noted| decision(index, noted)));
    }
    let wanted = |task: &Task| listing.is_on(task.due) && speaks_of(listing, &[&task.text, title(&task.path)]);
    Ok(Items::of(open_tasks(&moment).into_iter().filter(wanted).collect(), |task| to_do(index, task)))
}

fn to_do(index: &Index, task: Task) -> Item {
    let due = task.due.map_or(String::new(), |day| format!(" (by {day})"));
    let (page, quote) = line(index, &task.path, task.line).unwrap_or_default();
    Item { text: one_line(&task.text) + &due, path: task.path, line: task.line, page, quote }
}

fn decision(index: &Index, noted: &Noted) -> Item {
    let quote = &noted.notable.quote;
    let text = format!("{}: {} ({})", noted.notable.topic, one_line(quote), day_of(noted.at));
    quoted(index, text, &noted.path, noted.notable.line, quote)
}

/// An item that quotes what stood in this line when its document was read.
fn quoted(index: &Index, text: String, path: &Path, line: u32, quote: &str) -> Item {
    let Spot { line, page } = place(index, path, line, quote).unwrap_or(Spot { line, page: None });
    Item { text, path: path.to_owned(), line, page, quote: quote.to_owned() }
}

/// A line of a document as it stands there, and its page.
fn line(index: &Index, path: &Path, line: u32) -> Option<(Option<u32>, String)> {
    let passages = index.passages(path).ok()?;
    let passage = passages.iter().find(|passage| (passage.line..=passage.end_line).contains(&line))?;
    let text = passage.text.lines().nth((line - passage.line) as usize)?;
    Some((passage.page, text.trim().to_owned()))
}

fn facts(index: &Index, listing: &Listing, category: Category) -> Items {
    let all = index.facts();
    let current = all.all().filter(|fact| fact.category == category && fact.superseded_by.is_none());
    let title = |fact: &Fact| index.document(fact.source.path).map(|document| document.title).unwrap_or_default();
    let mut found: Vec<Fact> = current
        .filter(|fact| listing.is_on(Some(fact.since())))
        .filter(|fact| speaks_of(listing, &[&fact.sentence(), fact.source.quote, &title(fact)]))
        .collect();
    found.sort_by(|a, b| b.since().cmp(&a.since()).then_with(|| a.id.cmp(&b.id)));
    found.dedup_by(|a, b| a.source.quote == b.source.quote);
    let item = |fact: Fact| {
        let text = format!("{} ({})", one_line(fact.source.quote), fact.since());
        quoted(index, text, fact.source.path, fact.source.line, fact.source.quote)
    };
    Items::of(found, item)
}

/// Whether these texts together hold every word asked for.
fn speaks_of(listing: &Listing, texts: &[&str]) -> bool {
    let words = tokens(&texts.join(" "));
    tokens(&listing.about.join(" ")).iter().all(|asked| words.iter().any(|word| word.stem == asked.stem))
}

/// The answer that lists them, and its Markdown form.
pub fn answer(listing: &Listing, items: Items, question: &str, epoch: u64) -> (Answer, String) {
    let Items { count, named } = items;
    let (texts, citations): (Vec<String>, Vec<Citation>) =
        named.into_iter().zip(1..).map(|(item, n)| cited(item, n)).unzip();
    let more = (count > NAMED).then(|| format!("and {} more", count - NAMED));
    let lines: Vec<String> = texts.iter().zip(1..).map(|(text, n)| render::cited(text, &[n])).chain(more).collect();
    let number = if listing.counts { format!("{count}:") } else { String::new() };
    let (said, short) = match (count, listing.counts) {
        (0, _) => (NOT_FOUND.to_owned(), String::new()),
        (_, true) => (format!("{number} {}", lines.join("; ")), count.to_string()),
        (_, false) => (lines.join("; "), texts.join("; ")),
    };
    let mut markdown = if count == 0 { format!("{NOT_FOUND}\n") } else { String::new() };
    if count > 0 && listing.counts {
        markdown += &format!("{number}\n\n");
    }
    lines.iter().for_each(|line| markdown += &format!("- {line}\n"));
    markdown += &render::sources(&citations);
    let none = Answer::without_model(question, epoch);
    (Answer { answerable: count > 0, answer: said, short_answer: short, citations, ..none }, markdown)
}

fn cited(item: Item, n: usize) -> (String, Citation) {
    let lines = line_feeds(&item.quote);
    let path = render::path_text(&item.path);
    let (line, end_line) = (item.line, item.line.saturating_add(lines));
    (item.text, Citation { n, path, line, end_line, page: item.page, quote: item.quote, by_model: false })
}
