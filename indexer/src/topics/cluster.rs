//! Points to groups: Ward's method on a sample, then spherical k-means over all points from there.
//!
//! Sources: Ward, Hierarchical grouping to optimize an objective function (1963), by chains of nearest neighbours
//! (Murtagh 1983); Dhillon and Modha, Concept decompositions for large sparse text data using clustering (2001).

use super::points::{Points, add, dot, nearest_two};

/// Points that Ward's method is given; its time grows with the square.
const SAMPLE: usize = 1_500;
/// Rounds of k-means, if it does not come to rest before.
const ROUNDS: usize = 20;

/// The group of each point, numbered from 0, in at most `count` groups; `None` when `stop` said so. The same points give the
/// same groups.
pub fn groups(points: &Points, count: usize, stop: &dyn Fn() -> bool) -> Option<Vec<usize>> {
    let step = points.len().div_ceil(SAMPLE).max(1);
    let sample: Vec<usize> = (0..points.len()).step_by(step).collect();
    let sampled = points.choose(&sample);
    let labels = ward(&sampled, count, stop)?;
    let mut centres = centres(&sampled, &labels);
    let mut labels = Vec::new();
    for _ in 0..ROUNDS {
        let next = assign(points, &centres, stop)?;
        if next == labels {
            break;
        }
        labels = next;
        centres = self::centres(points, &labels);
    }
    Some(compact(&labels))
}

fn assign(points: &Points, centres: &[Vec<f32>], stop: &dyn Fn() -> bool) -> Option<Vec<usize>> {
    let nearest = |row: usize| nearest_two(points.row(row), centres.iter().map(Vec::as_slice))[0].map_or(0, |b| b.0);
    let labels = (0..points.len()).map(|row| if row % 256 == 0 && stop() { None } else { Some(nearest(row)) });
    labels.collect()
}

/// The centre of each group; a group without points keeps no direction and is nobody's nearest.
fn centres(points: &Points, labels: &[usize]) -> Vec<Vec<f32>> {
    let count = labels.iter().max().map_or(0, |last| last + 1);
    let mut members = vec![Vec::new(); count];
    labels.iter().enumerate().for_each(|(row, label)| members[*label].push(row));
    members.into_iter().map(|rows| points.centre(rows.into_iter())).collect()
}

/// The same groups under the numbers from 0 on, in the order in which they are first met.
fn compact(labels: &[usize]) -> Vec<usize> {
    let mut numbers = std::collections::HashMap::new();
    let number = |label: &usize| {
        let next = numbers.len();
        *numbers.entry(*label).or_insert(next)
    };
    labels.iter().map(number).collect()
}

/// A group on the way: where its middle is and how many points it has.
struct Heap {
    middle: Vec<f32>,
    square: f32,
    size: f32,
    alive: bool,
}

/// Joins the two groups whose union loses least, until `count` are left.
fn ward(points: &Points, count: usize, stop: &dyn Fn() -> bool) -> Option<Vec<usize>> {
    let heap = |row: usize| {
        let middle = points.row(row).to_vec();
        Heap { square: dot(&middle, &middle), middle, size: 1.0, alive: true }
    };
    let mut heaps: Vec<Heap> = (0..points.len()).map(heap).collect();
    let mut joins: Vec<(f32, usize, usize)> = Vec::new();
    let mut chain: Vec<usize> = Vec::new();
    while joins.len() + 1 < heaps.len() {
        if stop() {
            return None;
        }
        let last = match chain.last() {
            Some(last) => *last,
            None => heaps.iter().position(|heap| heap.alive)?,
        };
        let before = chain.len().checked_sub(2).map(|at| chain[at]);
        let (next, loss) = closest(&heaps, last, before)?;
        if chain.is_empty() {
            chain.push(last);
        }
        if before == Some(next) {
            chain.truncate(chain.len() - 2);
            joins.push((loss, last, next));
            join(&mut heaps, last, next);
        } else {
            chain.push(next);
        }
    }
    joins.sort_by(|a, b| a.0.total_cmp(&b.0));
    joins.truncate(points.len().saturating_sub(count.max(1)));
    Some(united(points.len(), &joins))
}

/// The group that `from` loses least with, `before` among equals.
fn closest(heaps: &[Heap], from: usize, before: Option<usize>) -> Option<(usize, f32)> {
    let loss = |other: usize| {
        let (a, b) = (&heaps[from], &heaps[other]);
        let apart = (a.square + b.square - 2.0 * dot(&a.middle, &b.middle)).max(0.0);
        apart * a.size * b.size / (a.size + b.size)
    };
    let mut best = before.map(|other| (other, loss(other)));
    for other in (0..heaps.len()).filter(|other| *other != from && heaps[*other].alive) {
        let loss = loss(other);
        if best.is_none_or(|(_, least)| loss < least) {
            best = Some((other, loss));
        }
    }
    best
}

fn join(heaps: &mut [Heap], from: usize, into: usize) {
    let Heap { middle, size, .. } = &mut heaps[from];
    let (middle, size) = (std::mem::take(middle), *size);
    heaps[from].alive = false;
    let into = &mut heaps[into];
    let whole = into.size + size;
    into.middle.iter_mut().for_each(|x| *x *= into.size / whole);
    add(&mut into.middle, &middle, size / whole);
    (into.square, into.size) = (dot(&into.middle, &into.middle), whole);
}

/// The groups that these joins leave of `count` points.
fn united(count: usize, joins: &[(f32, usize, usize)]) -> Vec<usize> {
    let mut parents: Vec<usize> = (0..count).collect();
    fn top(parents: &[usize], mut of: usize) -> usize {
        while parents[of] != of {
            of = parents[of];
        }
        of
    }
    for (_, a, b) in joins {
        let (a, b) = (top(&parents, *a), top(&parents, *b));
        parents[a] = b;
    }
    compact(&(0..count).map(|of| top(&parents, of)).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points around `count` of the axes, each axis with `size` points, in turns.
    fn around(count: usize, size: usize) -> Points {
        let mut points = Points::new(8);
        for n in 0..count * size {
            let mut row = [0.1; 8];
            row[n % count] = 1.0;
            row[(n + n / count) % 8] += 0.2;
            points.push(&row);
        }
        points
    }

    #[test]
    fn points_of_one_axis_are_one_group() {
        let labels = groups(&around(4, 30), 4, &|| false).unwrap();
        let expected: Vec<usize> = (0..120).map(|n| n % 4).collect();
        assert_eq!(labels, expected);
        assert_eq!(groups(&around(4, 30), 4, &|| true), None);
    }

    #[test]
    fn there_are_never_more_groups_than_points() {
        let count = |points: &Points, count| groups(points, count, &|| false).unwrap().iter().max().map(|l| l + 1);
        assert_eq!(count(&Points::new(8), 5), None);
        assert_eq!(count(&around(1, 1), 5), Some(1));
        assert_eq!(count(&around(3, 2), 3), Some(3));
        assert_eq!(count(&around(3, 2), 1), Some(1));
    }

    #[test]
    fn what_is_beyond_the_sample_is_grouped_too() {
        let labels = groups(&around(3, 1_000), 3, &|| false).unwrap();
        assert!((0..3_000).all(|n| labels[n] == n % 3));
    }
}
