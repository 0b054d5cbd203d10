//! Documents as queries: the words that set one apart, and the direction of its passages together.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, RwLock};

use tantivy::Term;

use crate::bm25::Group;
use crate::plan::Plan;
use crate::record::{Record, Table};
use crate::shared::read;
use crate::snapshot::Snapshot;
use crate::stop_words::is_stop_word;
use crate::vectors::Vectors;
use crate::words::{MAX_BYTES, fold, words};
use crate::{Error, Source, globs, groups};

/// Words that stand for a document.
const WORDS: usize = 15;

/// The document at an absolute path, or at one below a source, with or without the source's name.
pub fn find<'a>(table: &'a Table, path: &Path, sources: &[Source]) -> Option<&'a Arc<Record>> {
    let path = globs::from_home(path.to_str()?);
    let path = Path::new(&*path);
    let indexed = |path: &Path| table.by_path(path).filter(|r| r.content.is_some());
    indexed(path).or_else(|| {
        let below = |source: &Source| {
            let inside = path.strip_prefix(source.root.file_name().unwrap_or_default()).unwrap_or(path);
            indexed(&source.root.join(inside)).or_else(|| indexed(&source.root.join(path)))
        };
        sources.iter().find_map(below)
    })
}

/// Adds the words of a document to what ranks; gives its direction, if any of it is known by meaning.
///
/// # Errors
/// I/O errors of the index.
pub fn add_to(
    plan: &mut Plan,
    snapshot: &Snapshot,
    vectors: &RwLock<Vectors>,
    record: &Record,
) -> Result<Option<Vec<f32>>, Error> {
    let Some(content) = &record.content else { return Ok(None) };
    if let Some(address) = snapshot.words.address(content.serial) {
        let entry = snapshot.words.entry(address)?;
        let texts = entry.passages.iter().map(|p| p.passage.text.as_str()).chain([entry.title.as_str()]);
        plan.groups.extend(telling_words(snapshot, texts)?);
    }
    Ok(read(vectors).sum(content.serial).map(|sum| unit(&sum)))
}

/// The words with the highest product of frequency here and rarity elsewhere.
fn telling_words<'a>(snapshot: &Snapshot, texts: impl Iterator<Item = &'a str>) -> Result<Vec<Group>, Error> {
    let mut counts: HashMap<String, f32> = HashMap::new();
    for text in texts {
        for word in words(text).filter(|w| w.range.len() <= MAX_BYTES) {
            *counts.entry(fold(&text[word.range]).into_owned()).or_default() += 1.0;
        }
    }
    let documents = snapshot.table.totals().documents as f32;
    let mut weighed = Vec::new();
    for (word, count) in counts.into_iter().filter(|(word, _)| word.len() > 2 && !is_stop_word(word)) {
        let holders = snapshot.words.searcher.doc_freq(&Term::from_field_text(snapshot.words.fields.text, &word))?;
        weighed.push(((1.0 + count.ln()) * (documents / (1.0 + holders as f32)).max(1.0).ln(), word));
    }
    weighed.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let group = |(_, word): (f32, String)| {
        Ok(Group { forms: groups::forms(&snapshot.words, &word)?.to_vec(), word, corrected: false, weight: 1.0 })
    };
    weighed.into_iter().take(WORDS).map(group).collect()
}

/// The sum of two directions.
pub fn plus(a: Option<Vec<f32>>, b: Option<Vec<f32>>) -> Option<Vec<f32>> {
    match (a, b) {
        (Some(mut a), Some(b)) => {
            a.iter_mut().zip(b).for_each(|(x, y)| *x += y);
            Some(a)
        }
        (a, b) => a.or(b),
    }
}

/// The same direction with length 1; what has no direction stays as it is.
pub fn unit(vector: &[f32]) -> Vec<f32> {
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    let scale = if norm.is_finite() && norm > 1e-12 { 1.0 / norm } else { 1.0 };
    vector.iter().map(|x| x * scale).collect()
}
