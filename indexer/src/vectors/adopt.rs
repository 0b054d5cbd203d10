//! From the vectors in memory to a saved generation and back.
//!
//! Serial numbers do not last as long as a generation, the keys of texts do: a document takes the rows that have the
//! keys of its passages, one after the other.

use std::sync::RwLock;

use super::generation::{Generations, Loaded, Writing};
use super::{NOBODY, Vectors};
use crate::Error;
use crate::record::{Content, Key, Serial, Table};
use crate::shared::{read, write};

/// Rows that are written before others may change the vectors again.
const STEP: usize = 1_000;
/// No new number.
const NONE: u32 = u32::MAX;

/// Which rows live on, and as what.
struct Outline {
    /// The key of each living row.
    keys: Vec<Option<Key>>,
    /// The new number of each living row.
    numbers: Vec<u32>,
    /// Rows in the graph; none where most of it is gone, since it is better built anew then.
    in_graph: usize,
}

impl Outline {
    fn new(vectors: &Vectors, table: &Table) -> Self {
        let mut keys = vec![None; vectors.owners.len()];
        for (serial, rows) in &vectors.documents {
            let content = table.by_serial(*serial).and_then(|record| record.content.as_ref());
            let known = content.map_or(&[][..], |content| &content.keys);
            rows.clone().zip(known).for_each(|(row, key)| keys[row as usize] = Some(*key));
        }
        let mut next = 0..;
        let numbers = keys.iter().map(|key| key.and_then(|_| next.next()).unwrap_or(NONE)).collect();
        let graph = vectors.graph.as_ref().filter(|_| next.start as usize * 2 >= keys.len());
        let in_graph = graph.map_or(0, |graph| graph.rows());
        Self { keys, numbers, in_graph }
    }

    fn is_gone(&self, row: u32) -> bool {
        self.numbers[row as usize] == NONE
    }

    fn links(&self, vectors: &Vectors, row: u32) -> Option<Vec<u32>> {
        let graph = vectors.graph.as_ref().filter(|_| (row as usize) < self.in_graph)?;
        let mended = graph.mended(&vectors.rows, row, |link| self.is_gone(link));
        Some(mended.into_iter().map(|link| self.numbers[link as usize]).collect())
    }
}

/// Saves the living rows as a new generation, and goes on with that one. Only for the thread that adds and removes.
/// `stop` is asked now and then; what was begun is given up then.
///
/// # Errors
/// [`Error::Io`]; then everything stays as it was.
pub fn save(
    vectors: &RwLock<Vectors>,
    table: &Table,
    generations: &Generations,
    stop: &dyn Fn() -> bool,
) -> Result<(), Error> {
    let (outline, dim) = {
        let vectors = read(vectors);
        (Outline::new(&vectors, table), vectors.rows.dim())
    };
    let written = write_rows(vectors, &outline, generations.begin(dim)?, stop);
    let Ok(Some(number)) = written else {
        generations.remove_unfinished();
        return written.map(|_| ());
    };
    let loaded = generations.open(number, dim)?;
    write(vectors).replace(loaded, &outline.numbers);
    generations.keep_only(number)
}

/// Writes the rows of an outline; gives the generation's number, if `stop` allows it.
fn write_rows(
    vectors: &RwLock<Vectors>,
    outline: &Outline,
    mut writing: Writing,
    stop: &dyn Fn() -> bool,
) -> Result<Option<u64>, Error> {
    for start in (0..outline.keys.len()).step_by(STEP) {
        if stop() {
            return Ok(None);
        }
        let vectors = read(vectors);
        for row in start..outline.keys.len().min(start + STEP) {
            let Some(key) = &outline.keys[row] else { continue };
            writing.row(&vectors.rows, row as u32, key, outline.links(&vectors, row as u32).as_deref())?;
        }
    }
    writing.end().map(Some)
}

impl Vectors {
    /// Goes on with saved rows, which have the given new numbers.
    fn replace(&mut self, loaded: Loaded, numbers: &[u32]) {
        let mut owners = vec![NOBODY; loaded.rows.count()];
        for (owner, number) in self.owners.iter().zip(numbers).filter(|(_, number)| **number != NONE) {
            owners[*number as usize] = *owner;
        }
        let Self { scanned, effort, .. } = *self;
        *self = Self { scanned, effort, ..Self::of(loaded.rows, owners, loaded.graph) };
    }

    /// Vectors of a saved generation, as far as documents of `table` have them. The rows of others are tombstones.
    pub fn adopt(loaded: Loaded, table: &Table) -> Self {
        let contents = table.records().iter().filter_map(|record| record.content.as_ref());
        let owners = owners(&loaded.keys, contents);
        Self::of(loaded.rows, owners, loaded.graph)
    }

    /// Whether a new generation saves more than it costs: one part in `share` is new, or a quarter are tombstones.
    pub fn is_worth_saving(&self, share: usize) -> bool {
        let size = self.size();
        let most = |part: usize, share: usize| part >= 1_000 && part * share >= size.living + size.dead;
        most(size.unsaved, share) || most(size.dead, 4)
    }
}

/// Who owns each row, by the keys of texts.
fn owners<'a>(keys: &[Key], contents: impl Iterator<Item = &'a Content>) -> Vec<Serial> {
    let mut order: Vec<u32> = (0..keys.len() as u32).collect();
    order.sort_unstable_by_key(|row| (keys[*row as usize], *row));
    let mut owners = vec![NOBODY; keys.len()];
    for content in contents {
        let Some(first) = content.keys.first() else { continue };
        let start = order.partition_point(|row| keys[*row as usize] < *first);
        let places = order[start..].iter().map(|row| *row as usize).take_while(|row| keys[*row] == *first);
        let length = |place: usize| {
            let free = owners[place..].iter().take(content.keys.len()).take_while(|owner| **owner == NOBODY).count();
            content.keys.iter().zip(&keys[place..place + free]).take_while(|(a, b)| a == b).count()
        };
        // The first of the longest; a document whose text is there often does not look at all places.
        let best = places.take(64).map(|place| (length(place), place)).reduce(|a, b| if b.0 > a.0 { b } else { a });
        let (count, place) = best.unwrap_or_default();
        owners[place..place + count].fill(content.serial);
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;

    fn check(rows: &[u8], documents: &[(Serial, &[u8])], expected: &[Serial]) {
        let key = |n: &u8| [*n; 16];
        let contents: Vec<Content> = documents
            .iter()
            .map(|(serial, keys)| {
                let content = record("/a", *serial).content.expect("an indexed record");
                Content { keys: keys.iter().map(key).collect(), ..content }
            })
            .collect();
        let keys: Vec<Key> = rows.iter().map(key).collect();
        assert_eq!(owners(&keys, contents.iter()), expected, "{rows:?} {documents:?}");
    }

    #[test]
    fn documents_find_their_rows() {
        const N: Serial = NOBODY;
        check(&[1, 2, 3], &[(7, &[2, 3]), (8, &[1])], &[8, 7, 7]);
        check(&[1, 2, 1, 2, 3], &[(7, &[1, 2, 3])], &[N, N, 7, 7, 7]);
        check(&[1, 2], &[(7, &[1, 2]), (8, &[1, 2])], &[7, 7]);
        check(&[1, 1], &[(7, &[1]), (8, &[1])], &[7, 8]);
        check(&[1, 2], &[(7, &[1, 9])], &[7, N]);
        check(&[1], &[(7, &[9]), (8, &[])], &[N]);
        check(&[], &[(7, &[9])], &[]);
    }
}
