//! Which conversations there are, by session and by how they begin; and what is to stay forgotten.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::ops::Bound;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::turn::Turn;
use crate::Error;
use crate::journal::Journal;

/// What came of adding a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Whether it was not known before.
    pub created: bool,
    /// Turns that are new.
    pub turns: usize,
    /// Turns that were known.
    pub known: usize,
    /// Whether it is to stay forgotten.
    pub forgotten: bool,
}

/// Turns by which a forgotten conversation is recognised.
const FIRST: usize = 8;
/// Two conversations that state who they are may begin alike; not with so many turns.
const CHANCE: usize = 4;

/// What is known of all conversations.
#[derive(Debug)]
pub struct Known {
    places: BTreeSet<String>,
    sessions: BTreeMap<String, String>,
    /// For how a conversation begins, those that do.
    openings: HashMap<u64, Vec<String>>,
    /// The last number that was given to each name.
    numbers: HashMap<String, usize>,
    orders: Journal<Order>,
    forgotten: HashSet<String>,
}

/// A conversation that is to stay forgotten, by a digest that tells nothing of it.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    conversation: String,
    at: i64,
}

impl Known {
    /// Reads the first lines of every conversation below `root`.
    ///
    /// # Errors
    /// I/O errors of the directories.
    pub fn read(root: &Path) -> Result<Self, Error> {
        let (orders, given) = Journal::open(&root.join("forgotten.jsonl"))?;
        let forgotten = given.into_iter().map(|order: Order| order.conversation).collect();
        let (places, sessions, openings, numbers) = Default::default();
        let mut known = Self { places, sessions, openings, numbers, orders, forgotten };
        let mut todo = vec![root.to_owned()];
        while let Some(dir) = todo.pop() {
            for entry in fs::read_dir(&dir).map_err(Error::io(&dir))?.flatten() {
                let path = entry.path();
                if path.is_dir() && entry.file_name() != super::import::INCOMING {
                    todo.push(path);
                } else if let Some(place) = place_of(root, &path) {
                    known.note(&place, &head(&path));
                }
            }
        }
        Ok(known)
    }

    /// Takes down a conversation by its first turns.
    pub fn note(&mut self, place: &str, turns: &[Turn]) {
        if self.places.insert(place.to_owned())
            && let Some(first) = turns.first()
        {
            self.sessions.insert(first.session.clone(), place.to_owned());
        }
        for key in Opening::of(turns).keys() {
            let places = self.openings.entry(key).or_default();
            if !places.iter().any(|known| known == place) {
                places.push(place.to_owned());
            }
        }
    }

    /// All places.
    pub fn places(&self) -> impl Iterator<Item = &String> {
        self.places.iter()
    }

    /// The place of a session.
    pub fn place(&self, session: &str) -> Option<&str> {
        self.sessions.get(session).map(String::as_str)
    }

    /// The sessions whose names begin so, each with its place.
    pub fn of_sessions<'a>(&'a self, start: &'a str) -> impl Iterator<Item = (&'a String, &'a String)> {
        let from = (Bound::Included(start), Bound::Unbounded);
        self.sessions.range::<str, _>(from).take_while(move |(session, _)| session.starts_with(start))
    }

    /// `wanted`, numbered where that is taken.
    pub fn free(&mut self, wanted: &str) -> String {
        let places = &self.places;
        numbered(&mut self.numbers, wanted, |name| !places.contains(name))
    }

    /// The session `wanted`, numbered where there is one already.
    pub fn free_session(&mut self, wanted: &str) -> String {
        let sessions = &self.sessions;
        numbered(&mut self.numbers, wanted, |name| !sessions.contains_key(name))
    }

    /// Conversations that may be the one of these turns.
    pub fn alike(&self, turns: &[Turn]) -> Vec<String> {
        let opening = Opening::of(turns);
        let with = |key: Option<u64>| key.and_then(|key| self.openings.get(&key)).into_iter().flatten();
        match opening.pair {
            // All that begin with the only turn are alike; one is enough.
            None => with(opening.first).take(1).cloned().collect(),
            Some(_) => with(opening.pair).chain(with(opening.first.map(alone))).cloned().collect(),
        }
    }

    /// Whether these turns are a conversation that was forgotten, or the beginning of one, or go on from one. `session` is what
    /// their source calls it; the name of a file says nothing.
    pub fn is_forgotten(&self, session: Option<&str>, turns: &[Turn]) -> bool {
        let has = |mark: String| self.forgotten.contains(&mark);
        let prefixes = prefixes(turns);
        let chance = if session.is_some() { CHANCE } else { 1 };
        let goes_on = || prefixes.iter().skip(chance - 1).any(|prefix| has(begins(prefix)));
        let is_part = || prefixes.last().is_some_and(|prefix| has(is(prefix)));
        // As earlier versions wrote it.
        let old = || Opening::of(turns).own().is_some_and(|key| has(crate::lines::sum(&format!("begins {key}"))));
        !self.forgotten.is_empty() && (session.is_some_and(|name| has(named(name))) || goes_on() || is_part() || old())
    }

    /// Drops a conversation and takes down that it stays forgotten.
    ///
    /// # Errors
    /// [`Error::Io`] of the list of those.
    pub fn forget(&mut self, place: &str, turns: &[Turn]) -> Result<(), Error> {
        let at = jiff::Timestamp::now().as_second();
        let orders: Vec<Order> = marks(turns).into_iter().map(|conversation| Order { conversation, at }).collect();
        self.orders.append_all(&orders)?;
        self.forgotten.extend(orders.into_iter().map(|order| order.conversation));
        self.places.remove(place);
        self.sessions.retain(|_, known| known != place);
        self.openings.values_mut().for_each(|places| places.retain(|known| known != place));
        Ok(())
    }
}

/// `2026/03/14-slug` of a file of turns.
pub fn place_of(root: &Path, path: &Path) -> Option<String> {
    let place = path.strip_prefix(root).ok()?.to_str()?.strip_suffix(".jsonl")?;
    (place.contains('/') && !place.starts_with(super::import::INCOMING)).then(|| place.to_owned())
}

/// The first two turns of a file.
fn head(path: &Path) -> Vec<Turn> {
    let Ok(file) = File::open(path) else { return Vec::new() };
    let lines = BufReader::new(file).lines().map_while(Result::ok);
    lines.filter_map(|line| Turn::from_line(&line)).take(2).collect()
}

/// How a conversation begins, as keys.
#[derive(Clone, Copy)]
struct Opening {
    first: Option<u64>,
    /// The first two turns.
    pair: Option<u64>,
}

impl Opening {
    fn of(turns: &[Turn]) -> Opening {
        let first = turns.first().map(Turn::key);
        let pair = turns.get(1).zip(first).map(|(turn, first)| turn.key() ^ first.rotate_left(1));
        Opening { first, pair }
    }

    /// What tells it from others: its first two turns, or its only one.
    fn own(self) -> Option<u64> {
        self.pair.or(self.first.map(alone))
    }

    fn keys(self) -> impl Iterator<Item = u64> {
        self.first.into_iter().chain(self.own())
    }
}

/// The key of a turn that is the only one of its conversation.
fn alone(first: u64) -> u64 {
    !first
}

/// The first of `wanted`, `wanted-2`, ... that is free. Where to go on is kept in `numbers`.
fn numbered(numbers: &mut HashMap<String, usize>, wanted: &str, free: impl Fn(&str) -> bool) -> String {
    if free(wanted) {
        return wanted.to_owned();
    }
    let number = numbers.entry(wanted.to_owned()).or_insert(1);
    loop {
        *number += 1;
        let name = format!("{wanted}-{number}");
        if free(&name) {
            return name;
        }
    }
}

/// Whether a name is `wanted` with the number that it got here.
pub fn is_numbered(name: &str, wanted: &str) -> bool {
    let number = name.strip_prefix(wanted).and_then(|rest| rest.strip_prefix('-'));
    number.is_some_and(|number| number.parse::<usize>().is_ok())
}

/// What a forgotten conversation is recognised by: its session, how it begins, and what a part of it would be.
fn marks(turns: &[Turn]) -> Vec<String> {
    let prefixes = prefixes(turns);
    let session = turns.first().map(|turn| named(&turn.session));
    session
        .into_iter()
        .chain(prefixes.last().map(|all| begins(all)))
        .chain(prefixes.iter().map(|part| is(part)))
        .collect()
}

/// Digests of the first turn, of the first two, and so on.
fn prefixes(turns: &[Turn]) -> Vec<String> {
    let mut hash = blake3::Hasher::new();
    let next = |turn: &Turn| hash.update(&turn.key().to_le_bytes()).finalize().to_hex().to_string();
    turns.iter().take(FIRST).map(next).collect()
}

fn named(session: &str) -> String {
    crate::lines::sum(&format!("session {session}"))
}

fn begins(prefix: &str) -> String {
    crate::lines::sum(&format!("begins with {prefix}"))
}

fn is(prefix: &str) -> String {
    crate::lines::sum(&format!("is {prefix}"))
}

/// Whether one of two conversations begins with all of the other.
pub fn begin_alike(a: &[Turn], b: &[Turn]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.key() == b.key())
}

/// The turns that are not among the `kept` ones, each as often as it was said.
pub fn new_of(kept: &[Turn], turns: &[Turn]) -> Vec<Turn> {
    let mut counts: HashMap<u64, usize> = HashMap::new();
    kept.iter().for_each(|turn| *counts.entry(turn.key()).or_default() += 1);
    let mut is_new = |turn: &Turn| match counts.get_mut(&turn.key()) {
        Some(left) if *left > 0 => {
            *left -= 1;
            false
        }
        _ => true,
    };
    turns.iter().filter(|turn| is_new(turn)).cloned().collect()
}
