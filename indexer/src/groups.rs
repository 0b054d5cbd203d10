//! From the words of a query to the forms they are looked up under.

use std::collections::BTreeMap;
use std::sync::Arc;

use tantivy::query::FuzzyTermQuery;
use tantivy::schema::Field;
use tantivy::{TantivyError, Term};

use crate::Error;
use crate::bm25::{Group, entries};
use crate::dictionary::{Forms, Known, Place};
use crate::lexical::Words;
use crate::stop_words::is_stop_word;
use crate::words::{IRREGULAR, PART, fold, has_stem, inflects, marked, open_root, root, stem, unspaced, words};

/// What an occurrence inside of a `camelCase` word counts.
const PART_SHARE: f32 = 0.5;
/// What an occurrence of a word counts that has the same stem in another language than English.
const FOREIGN: f32 = 0.7;
/// What a guessed word counts.
const GUESS: f32 = 0.6;
/// Guesses for one word.
const GUESSES: usize = 3;
/// Words that one beginning may stand for.
const EXPANSIONS: usize = 200;

/// The single words that a typed word is indexed as, folded: `well-known` gives two.
pub fn units(typed: &str) -> Vec<String> {
    words(typed).map(|w| fold(&typed[w.range]).into_owned()).collect()
}

/// A folded word, the indexed words that have its stem, and its stem as a part of a `camelCase` word.
///
/// # Errors
/// I/O errors of the index.
pub fn forms(index: &Words, unit: &str) -> Result<Arc<Forms>, Error> {
    index.dictionary.forms(unit, || relatives(index, unit))
}

fn relatives(index: &Words, unit: &str) -> Result<Forms, Error> {
    let stem = stem(unit);
    let mut forms: BTreeMap<String, f32> = BTreeMap::new();
    let find = |start: &str, test: &dyn Fn(&str) -> bool| {
        let found = index.dictionary.beginning_with(start, |word| inflects(word) && test(word))?;
        Ok::<_, Error>(found.into_iter().map(|(word, _)| word))
    };
    if inflects(unit) && !is_stop_word(unit) {
        for stemmer in &index.stemmers {
            let stem = stemmer.stem(unit);
            let found = find(open_root(&stem), &|word| stemmer.stem(word) == stem)?;
            forms.extend(found.map(|word| (word, FOREIGN)));
        }
        let found = find(root(&stem), &|word| has_stem(word, &stem))?;
        forms.extend(found.map(|word| (word, 1.0)));
    }
    forms.extend(IRREGULAR.iter().filter(|(of, _)| stem == *of).map(|(_, word)| (word.to_string(), 1.0)));
    forms.insert(unit.to_owned(), 1.0);
    Ok(forms.into_iter().chain([(marked(PART, &stem), PART_SHARE)]).collect())
}

/// The forms of a folded word. A single character of a script without blanks stands for all that begin with it.
///
/// # Errors
/// I/O errors of the index.
pub fn known_forms(index: &Words, unit: &str) -> Result<Arc<Forms>, Error> {
    let mut chars = unit.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if unspaced(c) => {
            Ok(Arc::new(beginning_with(index, unit)?.into_iter().map(|(word, _)| (word, 1.0)).collect()))
        }
        _ => forms(index, unit),
    }
}

/// The groups that rank for a typed word. A word that nothing holds gives way to words that differ in one letter.
///
/// # Errors
/// I/O errors of the index.
pub fn ranking(index: &Words, typed: &str) -> Result<Vec<Group>, Error> {
    let group = |unit: String| {
        let forms = known_forms(index, &unit)?;
        if entries(index, &forms)? > 0 {
            return Ok(Group { word: unit, forms: forms.to_vec(), corrected: false, weight: 1.0 });
        }
        let guesses = guesses(index, &unit)?;
        let corrected = !guesses.is_empty();
        let mut guessed = Vec::new();
        for guess in guesses {
            guessed.extend(self::forms(index, &guess)?.iter().map(|(form, share)| (form.clone(), share * GUESS)));
        }
        Ok(Group { word: unit, forms: if corrected { guessed } else { forms.to_vec() }, corrected, weight: 1.0 })
    };
    units(typed).into_iter().map(group).collect()
}

/// Indexed words at one edit's distance that begin with the same letter, the most common ones.
fn guesses(index: &Words, unit: &str) -> Result<Vec<String>, Error> {
    let letters = unit.chars().count();
    let Some(first) = unit.chars().next().filter(|c| c.is_alphabetic() && letters >= 4) else { return Ok(Vec::new()) };
    let mut found: Vec<(u32, String)> = Vec::new();
    let fuzzy = FuzzyTermQuery::new(Term::from_field_text(index.fields.text, unit), 1, true);
    for reader in index.searcher.segment_readers() {
        let inverted = reader.inverted_index(index.fields.text)?;
        let mut stream = inverted.terms().search(fuzzy.automaton()?).into_stream().map_err(TantivyError::from)?;
        while let Some((term, info)) = stream.next() {
            let Ok(term) = std::str::from_utf8(term) else { continue };
            if !term.starts_with(first) {
                continue;
            }
            match found.iter_mut().find(|(_, known)| known == term) {
                Some((count, _)) => *count += info.doc_freq,
                None => found.push((info.doc_freq, term.to_owned())),
            }
        }
    }
    found.sort_by(|a, b| b.cmp(a));
    found.truncate(GUESSES);
    Ok(found.into_iter().map(|(_, term)| term).collect())
}

/// Indexed words that begin so, in any of the fields that hold words, in order, with where they stand.
///
/// # Errors
/// I/O errors of the index.
pub fn beginning_with(index: &Words, start: &str) -> Result<Vec<Known>, Error> {
    let mut found = index.dictionary.beginning_with(start, |_| true)?;
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// Calls `each` with every indexed form of `field` that begins with `start`, and how many entries of a segment hold it.
///
/// # Errors
/// I/O errors of the index.
pub fn each_beginning(index: &Words, field: Field, start: &str, mut each: impl FnMut(&str, u32)) -> Result<(), Error> {
    for reader in index.searcher.segment_readers() {
        let inverted = reader.inverted_index(field)?;
        let mut stream = inverted.terms().range().ge(start).into_stream().map_err(TantivyError::from)?;
        while let Some((term, info)) = stream.next() {
            if !term.starts_with(start.as_bytes()) {
                break;
            }
            if let Ok(term) = std::str::from_utf8(term) {
                each(term, info.doc_freq);
            }
        }
    }
    Ok(())
}

/// The group that ranks for a beginning: its most common continuations.
///
/// # Errors
/// I/O errors of the index.
pub fn prefix_group(index: &Words, typed: &str) -> Result<Option<Group>, Error> {
    let Some(start) = units(typed).pop() else { return Ok(None) };
    let mut forms = Vec::new();
    for (word, places) in beginning_with(index, &start)? {
        let in_text = places.iter().filter(|place| place.field == index.fields.text);
        forms.push((in_text.map(Place::count).sum::<u32>(), word));
    }
    forms.sort_by(|a, b| b.cmp(a));
    forms.truncate(EXPANSIONS);
    let forms = forms.into_iter().map(|(_, word)| (word, 1.0)).collect();
    Ok(Some(Group { word: format!("{start}*"), forms, corrected: false, weight: 1.0 }))
}
