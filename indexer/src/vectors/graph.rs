//! Approximate search: a graph of near rows, walked towards what is looked for (HNSW, Malkov and Yashunin, 2016).
//!
//! One flat array of links. A walk starts at the best of some rows that are spread evenly, where HNSW descends
//! through layers: in this many dimensions that is as good, and any row may come and go. hnsw_rs builds the first rows
//! (`seed.rs`), later ones are put in one by one: [`Graph::plan`] looks and computes, [`Graph::put`] is short.
//!
//! It only proposes rows. It knows no deletion: rows of nobody are passed through, and left out when it is saved.

use std::cell::RefCell;

use super::codes::Probe;
use super::rows::Rows;

/// Links of a row, at most.
pub const LINKS: usize = 32;
/// Links that a new row looks for; others that come later find room beside them.
const OWN: usize = 24;
/// Links that are kept of a row that has no more room.
const KEPT: usize = 28;
/// Candidates looked at when a row is put in.
const EFFORT: usize = 160;
/// Rows that a walk may start from.
const ENTRIES: usize = 256;
/// No link.
const NONE: u32 = u32::MAX;

/// A graph over the first rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    links: Vec<u32>,
}

/// A row that a walk came by, with its cosine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// About.
    pub cosine: f32,
    /// Which.
    pub row: u32,
}

/// What has to be written to put a row in: lists of links, of the row itself and of those that link back to it.
#[derive(Debug)]
pub struct Plan(Vec<(u32, Vec<u32>)>);

impl Graph {
    /// A graph of these lists of links, `LINKS` for each row; fewer are filled up with `u32::MAX`.
    pub fn of(links: Vec<u32>) -> Self {
        Self { links }
    }

    /// All lists, as [`of`](Graph::of) takes them.
    pub fn links(&self) -> &[u32] {
        &self.links
    }

    /// Rows that are in it.
    pub fn rows(&self) -> usize {
        self.links.len() / LINKS
    }

    /// The rows that one is linked to.
    pub fn of_row(&self, row: u32) -> impl Iterator<Item = u32> + '_ {
        self.links[row as usize * LINKS..][..LINKS].iter().copied().take_while(|link| *link != NONE)
    }

    /// The `effort` rows near `probe` that a walk finds, nearest first; `met` is told of every row that it compares.
    pub fn walk(&self, rows: &Rows, probe: &Probe, effort: usize, mut met: impl FnMut(Near)) -> Vec<Near> {
        VISITED.with_borrow_mut(|visited| {
            visited.clear();
            visited.resize(self.rows().div_ceil(64), 0);
            let mut pool = Pool::new(effort);
            let mut look = |row: u32, pool: &mut Pool| {
                let near = Near { cosine: rows.rough(probe, row), row };
                met(near);
                pool.offer(near);
            };
            let step = self.rows().div_ceil(ENTRIES).max(1);
            for row in (0..self.rows() as u32).step_by(step) {
                visit(visited, row);
                look(row, &mut pool);
            }
            pool.only(effort.min(ENTRIES / 8));
            let mut ahead = Vec::with_capacity(LINKS);
            while let Some(row) = pool.next() {
                ahead.clear();
                ahead.extend(self.of_row(row).filter(|link| visit(visited, *link)));
                ahead.iter().for_each(|link| rows.prefetch(*link));
                ahead.iter().for_each(|link| look(*link, &mut pool));
            }
            pool.near
        })
    }

    /// How to put in the row after the last one.
    pub fn plan(&self, rows: &Rows) -> Plan {
        let row = self.rows() as u32;
        let near = self.walk(rows, &rows.probe(row), EFFORT, |_| {});
        let own = diverse(rows, &near, OWN);
        let back = own.iter().map(|other| (*other, self.with(rows, *other, row)));
        let mut lists: Vec<(u32, Vec<u32>)> = back.collect();
        lists.push((row, own));
        Plan(lists)
    }

    /// The links of `row` with one more, without some if that is too many.
    fn with(&self, rows: &Rows, row: u32, new: u32) -> Vec<u32> {
        let links: Vec<u32> = self.of_row(row).chain([new]).collect();
        if links.len() <= LINKS { links } else { diverse(rows, &ordered(rows, row, &links), KEPT) }
    }

    /// Puts a row in, the one that was planned last.
    pub fn put(&mut self, plan: Plan) {
        self.links.resize(self.links.len() + LINKS, NONE);
        for (row, links) in plan.0 {
            let list = &mut self.links[row as usize * LINKS..][..LINKS];
            list.fill(NONE);
            list.iter_mut().zip(links).for_each(|(place, link)| *place = link);
        }
    }

    /// The links that `row` has when those `gone` are no more: theirs take their place.
    pub fn mended(&self, rows: &Rows, row: u32, gone: impl Fn(u32) -> bool) -> Vec<u32> {
        let mut links: Vec<u32> = self.of_row(row).collect();
        if !links.iter().any(|link| gone(*link)) {
            return links;
        }
        let beyond = links.clone().into_iter().filter(|link| gone(*link)).flat_map(|link| self.of_row(link));
        links.extend(beyond);
        links.retain(|link| *link != row && !gone(*link));
        links.sort_unstable();
        links.dedup();
        diverse(rows, &ordered(rows, row, &links), KEPT)
    }
}

/// The rows with their cosine to `row`, nearest first.
fn ordered(rows: &Rows, row: u32, links: &[u32]) -> Vec<Near> {
    let probe = rows.probe(row);
    let mut near: Vec<Near> = links.iter().map(|link| Near { cosine: rows.rough(&probe, *link), row: *link }).collect();
    near.sort_unstable_by(|a, b| b.cosine.total_cmp(&a.cosine));
    near
}

/// At most `count` of the rows, of which none is nearer to another one than to where they are seen from; then the
/// nearest of the others, up to half as many. Links in all directions are what makes a graph walkable.
fn diverse(rows: &Rows, near: &[Near], count: usize) -> Vec<u32> {
    let mut kept: Vec<(u32, Probe)> = Vec::with_capacity(count);
    let mut left_out = Vec::new();
    for one in near {
        if kept.len() == count {
            break;
        }
        match kept.iter().all(|(_, other)| rows.rough(other, one.row) < one.cosine) {
            true => kept.push((one.row, rows.probe(one.row))),
            false => left_out.push(one.row),
        }
    }
    let mut links: Vec<u32> = kept.into_iter().map(|(row, _)| row).collect();
    let room = (count / 2).saturating_sub(links.len());
    links.extend(left_out.into_iter().take(room));
    links
}

thread_local! {
    /// A bit for each row that a walk came by.
    static VISITED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Marks the row; whether it was not marked before.
fn visit(visited: &mut [u64], row: u32) -> bool {
    let (word, bit) = (&mut visited[row as usize / 64], 1u64 << (row % 64));
    let new = *word & bit == 0;
    *word |= bit;
    new
}

/// The nearest rows so far, nearest first.
struct Pool {
    near: Vec<Near>,
    /// Whether the links of each were followed.
    followed: Vec<bool>,
    /// All before were followed.
    next: usize,
    room: usize,
}

impl Pool {
    fn new(room: usize) -> Self {
        Self { near: Vec::with_capacity(room + 1), followed: Vec::with_capacity(room + 1), next: 0, room }
    }

    fn offer(&mut self, near: Near) {
        if self.near.len() == self.room && self.near.last().is_some_and(|last| last.cosine >= near.cosine) {
            return;
        }
        let at = self.near.partition_point(|other| other.cosine >= near.cosine);
        self.near.insert(at, near);
        self.followed.insert(at, false);
        self.only(self.room);
        self.next = self.next.min(at);
    }

    fn only(&mut self, count: usize) {
        self.near.truncate(count);
        self.followed.truncate(count);
    }

    /// The nearest row whose links were not followed yet.
    fn next(&mut self) -> Option<u32> {
        let open = self.followed[self.next..].iter().position(|followed| !followed)?;
        self.next += open;
        self.followed[self.next] = true;
        Some(self.near[self.next].row)
    }
}
