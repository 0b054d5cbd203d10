//! In which order documents are listed, and how many of the best have to be known for that.

use std::cmp::Reverse;

use echofs_query_lang::{DEFAULT_LIMIT, Query, Sort};

use crate::record::{Serial, Table};

/// The best documents, in which nearness of words is looked at.
pub const NEAR: usize = 100;

/// How many documents are listed at most.
pub fn limit(query: &Query) -> usize {
    query.limit.unwrap_or(DEFAULT_LIMIT)
}

/// Whether all that passes is put in the order that is asked for. Where bare words rank, another order is one of the best; where
/// everything is required, one of all there are.
pub fn sorts_all(query: &Query, is_filtered: bool) -> bool {
    !query.sort.is_best_first() && !query.has_bare_words() && is_filtered
}

/// How many of the best are put in the order that is asked for, if not all.
pub fn least(query: &Query) -> usize {
    if query.sort.is_best_first() { limit(query) } else { limit(query).max(DEFAULT_LIMIT) }
}

/// How many of the best have to be right: some may be copies, and the first of them are looked at for nearness.
pub fn best_needed(query: &Query, is_filtered: bool) -> usize {
    if sorts_all(query, is_filtered) { usize::MAX } else { (2 * least(query)).max(NEAR) }
}

/// Puts documents in the order that is asked for, and keeps the first so many; best first they are already. Reads no record.
pub fn sort_by(sort: Sort, table: &Table, ranked: &mut Vec<(Serial, f32)>, keep: usize) {
    if !sort.is_best_first() {
        let mut keyed: Vec<_> = ranked.drain(..).map(|one| (key(sort, table, one.0), one)).collect();
        if keep > 0 && keep < keyed.len() {
            keyed.select_nth_unstable_by_key(keep - 1, |(key, _)| *key);
            keyed.truncate(keep);
        }
        keyed.sort_unstable_by_key(|(key, _)| *key);
        ranked.extend(keyed.into_iter().map(|(_, one)| one));
    }
    ranked.truncate(keep);
}

/// What comes first has the smallest; of equals the one whose path does.
fn key(sort: Sort, table: &Table, serial: Serial) -> (Reverse<i64>, usize) {
    let columns = table.columns();
    // Records stand in the order of their paths.
    let place = columns.place(serial).unwrap_or(usize::MAX);
    let first = columns.row(place).map_or(i64::MIN, |row| match sort {
        Sort::Date => row.date,
        Sort::Size => i64::try_from(row.size).unwrap_or(i64::MAX),
        Sort::Score | Sort::Rerank | Sort::Path => 0,
    });
    (Reverse(first), place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;

    #[test]
    fn documents_come_by_date_size_or_path_and_equal_ones_by_path() {
        let file = |path: &str, serial, day: i64, size| {
            let mut record = record(path, serial);
            record.stat.mtime_ns = day * 86_400_000_000_000;
            record.stat.size = size;
            record.into()
        };
        let table =
            Table::new(vec![file("/d", 1, 3, 10), file("/a", 2, 1, 30), file("/c", 3, 2, 20), file("/b", 4, 3, 20)]);
        let order = |sort, keep| {
            let mut ranked: Vec<(Serial, f32)> = [3, 1, 4, 2].map(|serial| (serial, serial as f32)).into();
            sort_by(sort, &table, &mut ranked, keep);
            assert!(ranked.iter().all(|(serial, score)| *score == *serial as f32));
            ranked.into_iter().map(|(serial, _)| serial).collect::<Vec<_>>()
        };
        assert_eq!(order(Sort::Date, 9), [4, 1, 3, 2]);
        assert_eq!(order(Sort::Size, 9), [2, 4, 3, 1]);
        assert_eq!(order(Sort::Path, 9), [2, 4, 3, 1]);
        assert_eq!((order(Sort::Date, 3), order(Sort::Path, 1)), (vec![4, 1, 3], vec![2]));
        assert_eq!((order(Sort::Score, 2), order(Sort::Date, 0)), (vec![3, 1], vec![]));
    }
}
