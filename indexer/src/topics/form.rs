//! Topics formed from scratch: groups of documents, and groups within the larger ones.

use super::cluster;
use super::points::{Points, dot, nearest_two};
use super::topic::{Place, Topic, Topics};
use crate::record::Key;

/// Topics of the first level, at most, and how many there are for the square root of the number of documents.
const TOPS: (usize, f32) = (30, 0.7);
/// A topic is divided when it has so many documents.
const DIVIDED: usize = 32;
/// Documents that one of the second level is meant to have, and how many of those there are in a topic at most.
const PART: (usize, usize) = (14, 20);
/// A topic has so many documents at least, where there are not very few.
const LEAST: usize = 3;
/// Groups whose middles have a greater cosine are one.
const ALIKE: f32 = 0.92;
/// A document fits nowhere when its cosine with the nearest topic is so many standard deviations below the mean, and below
/// this share of it.
const FAR: (f32, f32) = (2.5, 0.7);

/// Topics without names of the documents with these points; `None` when `stop` said so.
pub fn form(points: &Points, documents: &[(u64, Key)], stop: &dyn Fn() -> bool) -> Option<Topics> {
    let mut topics = Topics { formed: documents.len(), floor: -1.0, ..Topics::default() };
    let all: Vec<usize> = (0..points.len()).collect();
    let count = ((points.len() as f32).sqrt() * TOPS.1).round().clamp(1.0, TOPS.0 as f32) as usize;
    let groups = split(points, &all, count, stop)?;
    let centres: Vec<Vec<f32>> = groups.iter().map(|rows| points.centre(rows.iter().copied())).collect();
    topics.floor = floor(points, &centres);
    let mut members = vec![Vec::new(); centres.len()];
    for row in all {
        let [best, _] = nearest_two(points.row(row), centres.iter().map(Vec::as_slice));
        if let Some((top, _)) = best.filter(|(_, cosine)| *cosine >= topics.floor) {
            members[top].push(row);
        }
    }
    topics.topics = centres.into_iter().map(|centre| Topic { centre, ..Topic::default() }).collect();
    for (top, rows) in members.iter().enumerate().filter(|(_, rows)| rows.len() >= DIVIDED) {
        let count = ((rows.len() + PART.0 / 2) / PART.0).min(PART.1);
        let parts = split(points, rows, count, stop)?;
        for part in parts.iter().filter(|_| parts.len() > 1) {
            let centre = points.centre(part.iter().copied());
            topics.topics.push(Topic { parent: Some(top), centre, ..Topic::default() });
        }
    }
    for (row, (id, hash)) in documents.iter().enumerate() {
        let (home, second) = topics.locate(points.row(row));
        topics.places.insert(*id, Place { home, second, hash: *hash });
    }
    topics.prune();
    Some(topics)
}

/// Groups of some of the points, without those that are too small.
fn split(points: &Points, rows: &[usize], count: usize, stop: &dyn Fn() -> bool) -> Option<Vec<Vec<usize>>> {
    let labels = cluster::groups(&points.choose(rows), count, stop)?;
    let mut groups = vec![Vec::new(); labels.iter().max().map_or(0, |last| last + 1)];
    labels.iter().zip(rows).for_each(|(label, row)| groups[*label].push(*row));
    unite_alike(points, &mut groups);
    let least = LEAST.min(rows.len() / count.max(1));
    groups.retain(|group| group.len() >= least);
    Some(groups)
}

/// Makes one of groups that hardly differ: where all documents are alike, there is one topic.
fn unite_alike(points: &Points, groups: &mut Vec<Vec<usize>>) {
    let mut united: Vec<(Vec<f32>, Vec<usize>)> = Vec::new();
    for group in groups.drain(..) {
        let centre = points.centre(group.iter().copied());
        match united.iter_mut().find(|(other, _)| dot(other, &centre) > ALIKE) {
            Some((_, rows)) => rows.extend(group),
            None => united.push((centre, group)),
        }
    }
    groups.extend(united.into_iter().map(|(_, rows)| rows));
}

/// What lies farther from its centre than nearly all others fits nowhere.
fn floor(points: &Points, centres: &[Vec<f32>]) -> f32 {
    let own = |row: usize| centres.iter().map(|centre| dot(points.row(row), centre)).fold(-1.0, f32::max);
    let cosines: Vec<f32> = (0..points.len()).map(own).collect();
    let count = cosines.len().max(1) as f32;
    let mean = cosines.iter().sum::<f32>() / count;
    let spread = (cosines.iter().map(|cosine| (cosine - mean).powi(2)).sum::<f32>() / count).sqrt();
    (mean - FAR.0 * spread).min(mean * FAR.1)
}
