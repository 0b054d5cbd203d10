//! Random queries for so many seconds (60 unless told): no panic, places within the text, the same tree again from what
//! is printed, and time that grows with the text and no faster.
//!
//! `cargo run --release -p echofs-query-lang --example stress -- 900 [SEED]`
//!
//! Checks what the target in `fuzz/` checks, and needs neither a nightly compiler nor a fuzzer.

use std::fmt;
use std::time::{Duration, Instant};

use echofs_query_lang::{MAX_LENGTH, Parsed, parse, path};
use jiff::{Timestamp, Zoned, tz::TimeZone};

const PARTS: &[&str] = &[
    " ",
    " ",
    " ",
    " ",
    "a",
    "b",
    "word",
    "Word",
    "(",
    "(",
    ")",
    ")",
    "\"",
    "\"",
    "-",
    "+",
    "*",
    ":",
    "~",
    "~3",
    "/",
    "%2F",
    "..",
    ".",
    "?",
    "!",
    "#",
    "'",
    "=",
    "_",
    ">",
    "<",
    "é",
    "İ",
    "東",
    "🎉",
    "“",
    "\u{2215}",
    "\u{a0}",
    "\u{1}",
    "AND",
    " AND ",
    "OR",
    " OR ",
    "NOT",
    " NOT ",
    "title:",
    "subject:",
    "author:",
    "from:",
    "tag:",
    "type:",
    "ext:",
    "path:",
    "like:",
    "in:",
    "is:",
    "has:",
    "size:",
    "lines:",
    "date:",
    "after:",
    "newer_than:",
    "before:",
    "lex:",
    "sem:",
    "sort:",
    "limit:",
    "foo:",
    "lex:(",
    "sem:(",
    "title:(",
    "date:(",
    "path:(",
    "5",
    "2026",
    "-03",
    "march",
    "last ",
    "week",
    "days ago",
    "7d",
    "yesterday",
    "10k",
    "10:30",
    "q1",
    "w12",
    "score",
    "date",
];

/// A small generator of numbers (xorshift, Marsaglia 2003), so that a seed repeats a run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or_default() % bound
    }

    fn text(&mut self, parts: usize) -> String {
        (0..parts).map(|_| PARTS[self.below(PARTS.len())]).collect()
    }

    /// Any characters between parts.
    fn noise(&mut self, parts: usize) -> String {
        let mut text = self.text(parts);
        for _ in 0..1 + parts / 4 {
            let bound = if self.below(2) == 0 { 0x80 } else { 0x11_0000 };
            let any = u32::try_from(self.below(bound)).ok();
            text.extend(any.and_then(char::from_u32));
            let last = text.pop().unwrap_or(' ');
            let place = text.floor_char_boundary(self.below(text.len() + 1));
            text.insert(place, last);
        }
        text
    }
}

fn main() {
    let seconds = std::env::args().nth(1).and_then(|seconds| seconds.parse().ok()).unwrap_or(60);
    let seed = std::env::args().nth(2).and_then(|seed| seed.parse().ok()).unwrap_or(0x9E37_79B9_7F4A_7C15);
    let now = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    let mut random = Random(seed);
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut texts, mut worst) = (0_u64, Worst::default());
    while Instant::now() < end {
        for _ in 0..10_000 {
            let parts = 1 + random.below(40);
            check(&random.text(parts), &now);
            check(&random.noise(parts), &now);
        }
        texts += 20_000;
        for _ in 0..20 {
            let parts = 1 + random.below(4);
            worst.consider(random.text(parts), &now);
        }
    }
    PARTS.iter().for_each(|part| worst.consider((*part).to_owned(), &now));
    println!("{texts} texts read, printed and read again");
    println!("{worst}");
    let sentence = "which database did we choose for the sync server ".repeat(21);
    println!("a sentence of 1 kB: {:.1} us", micros(&sentence[..1024], &now));
}

/// What the fuzz target checks: places of mistakes are places in the text, what is printed is read as the same query
/// again, and any text is a file name and back.
fn check(text: &str, now: &Zoned) {
    let Parsed { query, diagnostics } = parse(text, now);
    for diagnostic in &diagnostics {
        assert!(text.get(diagnostic.span.clone()).is_some(), "{text:?}: {diagnostic:?}");
    }
    let printed = query.to_string();
    assert_eq!(parse(&printed, now).query, query, "{text:?} is printed as {printed:?}");
    assert_eq!(path::decode(&path::encode(text)), text);
}

/// The pattern that costs most when it is repeated to the length limit, and the one whose cost grows most.
#[derive(Default)]
struct Worst {
    patterns: usize,
    cost: (f64, String),
    growth: (f64, String),
}

impl Worst {
    /// Fails where four times the text costs more than twice what it should, and that is not for a moment's disturbance.
    fn consider(&mut self, pattern: String, now: &Zoned) {
        let long = pattern.repeat(MAX_LENGTH / pattern.len());
        let short = pattern.repeat((MAX_LENGTH / 4 / pattern.len()).max(1));
        let measured = || (micros(&long, now), micros(&short, now));
        let calm = |(cost, short): (f64, f64)| cost / short < 8.0 || cost < 200.0;
        let Some((cost, short)) = (0..20).map(|_| measured()).find(|measured| calm(*measured)) else {
            panic!("{pattern:?}: four times the text costs {:?} us", measured());
        };
        self.patterns += 1;
        if cost > self.cost.0 {
            self.cost = (cost, pattern.clone());
        }
        if cost / short > self.growth.0 {
            self.growth = (cost / short, pattern);
        }
    }
}

impl fmt::Display for Worst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((cost, slowest), (growth, growing)) = (&self.cost, &self.growth);
        writeln!(f, "{} patterns repeated to {MAX_LENGTH} bytes", self.patterns)?;
        writeln!(f, "slowest: {slowest:?}, {cost:.0} us")?;
        write!(f, "most growth: {growing:?}, {growth:.1} times for four times the text")
    }
}

/// The shortest of five times.
fn micros(text: &str, now: &Zoned) -> f64 {
    let time = || {
        let start = Instant::now();
        std::hint::black_box(parse(std::hint::black_box(text), now));
        start.elapsed().as_secs_f64() * 1e6
    };
    (0..5).map(|_| time()).fold(f64::INFINITY, f64::min)
}
