//! What a topic is about: where its middle is, its phrases, its name, and what its most typical documents say.

use std::collections::{HashMap, HashSet};

use super::name;
use super::points::{Points, dot};
use super::terms::{Phrase, Seen, Terms, seen};
use super::topic::{Excerpt, Topic, Topics};
use super::vector::Space;
use crate::Error;
use crate::lexical::Entry;
use crate::record::Record;
use crate::shared::read;
use crate::snapshot::Snapshot;
use crate::vectors::Quantised;

/// Documents of a topic that are read to describe it, and one more for each topic below.
const READ: usize = 1_000;
/// Phrases of a topic.
const PHRASES: usize = 8;
/// Excerpts of a topic, and the longest one in bytes.
const EXCERPTS: (usize, usize) = (3, 500);

/// A document that was read to describe the topics it stands in.
struct Reading<'a> {
    record: &'a Record,
    entry: Entry,
    seen: Seen,
    /// Where it stands below the topic of the first level.
    sub: Option<usize>,
}

/// Describes topics from the documents of one state of the index.
pub struct Describer<'a> {
    /// The documents.
    pub snapshot: &'a Snapshot,
    /// Makes points of them.
    pub space: Space<'a>,
    /// How many documents hold each stem.
    pub holders: HashMap<String, u32>,
    /// What language models would call topics.
    pub offers: HashMap<usize, Offer>,
}

/// A name that a language model has for a topic.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The name.
    pub name: String,
    /// The model.
    pub model: String,
}

impl Describer<'_> {
    /// Describes a topic of the first level and those below it. Names stay where the documents still bear them out.
    ///
    /// # Errors
    /// I/O errors of the index.
    pub fn describe(&mut self, topics: &mut Topics, top: usize, records: &[&Record]) -> Result<(), Error> {
        let mut points = Points::new(self.space.dim());
        let mut readings = Vec::new();
        for (record, home) in sample(topics, records) {
            let Some((serial, entry)) = entry_of(self.snapshot, record)? else { continue };
            points.push(&self.space.point(serial, &entry)?);
            let sub = home.filter(|home| *home != top);
            readings.push(Reading { record, seen: seen(&entry), entry, sub });
        }
        let all: Vec<usize> = (0..readings.len()).collect();
        let terms = terms(&readings, &all);
        let documents = self.snapshot.table.totals().documents.max(1) as f32;
        let share = |stem: &str| self.holders.get(stem).map_or(1.0, |holders| *holders as f32 / documents);
        let phrases = terms.best(PHRASES, &share);
        self.measure(topics, top, &points, &readings, &all);
        let beside: Vec<usize> = topics.tops().collect();
        self.rename(topics, top, &beside, &phrases, &terms);
        topics.topics[top].described = records.len();

        let subs: Vec<usize> = topics.below(Some(top)).collect();
        for sub in &subs {
            let own: Vec<usize> = all.iter().copied().filter(|at| readings[*at].sub == Some(*sub)).collect();
            if own.is_empty() {
                continue;
            }
            self.measure(topics, *sub, &points, &readings, &own);
            let own = self::terms(&readings, &own);
            let mut phrases = own.best(PHRASES, &|stem| terms.share(stem));
            let Topic { name, former, .. } = &topics.topics[top];
            let above = former.as_ref().unwrap_or(name);
            phrases.retain(|phrase| !name::is_borne_out(above, std::iter::once(phrase.text.as_str())));
            self.rename(topics, *sub, &subs, &phrases, &own);
        }
        Ok(())
    }

    /// Gives a topic its phrases, and a name where it has none that its documents bear out, or a better one is offered.
    fn rename(&self, topics: &mut Topics, topic: usize, beside: &[usize], phrases: &[Phrase], terms: &Terms) {
        let others = || beside.iter().filter(|other| **other != topic).map(|other| &topics.topics[*other]);
        let mut taken: HashSet<String> = others().map(|other| other.name.clone()).collect();
        let former: Vec<String> = others().filter_map(|other| other.former.clone()).collect();
        let above = topics.topics[topic].parent.map(|above| topics.topics[above].name.clone());
        let this = &mut topics.topics[topic];
        let holds = |name: &str| name::is_borne_out(name, terms.written());
        this.phrases = phrases.iter().map(|phrase| phrase.text.clone()).collect();
        let stays = !this.name.is_empty() && !taken.contains(&this.name) && holds(&this.name);
        taken.extend(former);
        if !stays {
            (this.name, this.namer) = (name::choose(phrases, &mut taken), None);
        }
        let is_free = |name: &String| !taken.contains(name) && above.as_ref() != Some(name);
        let is_common = |name: &str| name::is_borne_out(name, terms.common());
        let offer = self.offers.get(&topic).filter(|offer| is_free(&offer.name) && is_common(&offer.name));
        if let Some(offer) = offer.filter(|offer| !this.named && offer.name != this.name) {
            this.former = Some(std::mem::replace(&mut this.name, offer.name.clone()));
            (this.namer, this.named) = (Some(offer.model.clone()), true);
        }
        this.former.take_if(|former| *former == this.name || !holds(former));
    }

    /// Centre and excerpts, from the documents of a topic.
    fn measure(&self, topics: &mut Topics, topic: usize, points: &Points, readings: &[Reading], own: &[usize]) {
        let centre = points.centre(own.iter().copied());
        let mut typical: Vec<usize> = own.to_vec();
        typical.sort_by(|a, b| dot(points.row(*b), &centre).total_cmp(&dot(points.row(*a), &centre)));
        typical.dedup_by(|a, b| readings[*a].entry.title == readings[*b].entry.title);
        typical.truncate(EXCERPTS.0);
        topics.topics[topic].excerpts =
            typical.into_iter().filter_map(|at| self.excerpt(&readings[at], &centre)).collect();
        topics.topics[topic].centre = centre;
    }

    /// The passage of a document that is nearest to the middle of the topic.
    fn excerpt(&self, reading: &Reading, centre: &[f32]) -> Option<Excerpt> {
        let content = reading.record.content.as_ref()?;
        let meaning = &centre[..self.space.meaning()];
        let cosines = read(self.space.vectors()).parts(&Quantised::new(meaning), content.serial);
        let cosines = reading.entry.best_parts(&cosines);
        let best = (0..cosines.len()).reduce(|best, at| if cosines[at] > cosines[best] { at } else { best });
        let passage = &reading.entry.passages.get(best.unwrap_or(0))?.passage;
        let (text, lines) = beginning(&passage.text);
        let end_line = (passage.line + lines.saturating_sub(1)).min(passage.end_line.max(passage.line));
        Some(Excerpt { document: reading.record.id(), hash: content.hash, line: passage.line, end_line, text })
    }
}

/// The lines at the beginning of a text that are not too long together, one at least, and how many there are.
fn beginning(text: &str) -> (String, u32) {
    let mut end = 0;
    let mut lines = 0;
    for line in text.split_inclusive('\n') {
        if end > 0 && end + line.len() > EXCERPTS.1 {
            break;
        }
        (end, lines) = (end + line.len(), lines + 1);
    }
    let mut cut = end.min(4 * EXCERPTS.1);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    (text[..cut].trim_end().to_owned(), lines)
}

fn terms(readings: &[Reading], own: &[usize]) -> Terms {
    let mut terms = Terms::default();
    own.iter().for_each(|at| terms.add(&readings[*at].seen));
    terms
}

/// Some of the documents from all over them, with where they stand: of each topic one at least, so that none keeps what was
/// taken from a document that is gone.
fn sample<'r>(topics: &Topics, records: &[&'r Record]) -> Vec<(&'r Record, Option<usize>)> {
    let step = records.len().div_ceil(READ).max(1);
    let home = |record: &Record| topics.places.get(&record.id()).and_then(|place| place.home);
    let mut met: HashMap<Option<usize>, usize> = HashMap::new();
    let mut is_taken = |home: Option<usize>| {
        let before = met.entry(home).or_default();
        *before += 1;
        (*before - 1).is_multiple_of(step)
    };
    records.iter().map(|record| (*record, home(record))).filter(|(_, home)| is_taken(*home)).collect()
}

/// What is kept of a document.
///
/// # Errors
/// I/O errors of the index.
pub fn entry_of(snapshot: &Snapshot, record: &Record) -> Result<Option<(u32, Entry)>, Error> {
    let Some(content) = &record.content else { return Ok(None) };
    let Some(address) = snapshot.words.address(content.serial) else { return Ok(None) };
    Ok(Some((content.serial, snapshot.words.entry(address)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;
    use crate::topics::Place;

    #[test]
    fn of_a_large_topic_each_small_one_below_is_read() {
        let records: Vec<Record> = (0..2_500).map(|n| record(&format!("/{n}"), n)).collect();
        let home = |n: usize| Some(if n == 1 { 2 } else { n % 2 });
        let place = |(n, record): (usize, &Record)| (record.id(), Place { home: home(n), ..Place::default() });
        let topics = Topics { places: records.iter().enumerate().map(place).collect(), ..Topics::default() };
        let sample = sample(&topics, &records.iter().collect::<Vec<_>>());
        let of = |home| sample.iter().filter(|(_, at)| *at == Some(home)).count();
        assert_eq!([of(0), of(1), of(2)], [417, 417, 1]);
    }
}
