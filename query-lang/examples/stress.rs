//! Random queries for so many seconds (60 unless told): no panic, the same tree again from what is printed, and linear time.
//!
//! `cargo run --release -p echofs-query-lang --example stress -- 900`
//!
//! Needs neither a nightly compiler nor a fuzzer; `fuzz/` has a target for those.

use std::time::{Duration, Instant};

use echofs_query_lang::{MAX_LENGTH, parse};
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
}

fn main() {
    let seconds = std::env::args().nth(1).and_then(|seconds| seconds.parse().ok()).unwrap_or(60);
    let now = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut texts = 0_u64;
    while Instant::now() < end {
        for _ in 0..10_000 {
            let parts = 1 + random.below(40);
            check(&random.text(parts), &now);
        }
        texts += 10_000;
    }
    println!("{texts} texts read, printed and read again");
    println!("slowest: {}", slowest(&mut random, &now));
    println!(
        "a sentence of 1 kB: {:.1} us",
        micros(&"which database did we choose for the sync server ".repeat(21)[..1024], &now)
    );
}

fn check(text: &str, now: &Zoned) {
    let query = parse(text, now).query;
    let printed = query.to_string();
    assert_eq!(parse(&printed, now).query, query, "{text:?} is printed as {printed:?}");
}

/// Repeats short patterns to the length limit: the one that costs most against a quarter of its length.
fn slowest(random: &mut Random, now: &Zoned) -> String {
    let mut worst = (0.0, String::new(), 0.0);
    for round in 0..3_000 {
        let pattern = match PARTS.get(round) {
            Some(part) => (*part).to_owned(),
            None => {
                let parts = 1 + random.below(4);
                random.text(parts)
            }
        };
        let long = pattern.repeat(MAX_LENGTH / pattern.len());
        let short = pattern.repeat((MAX_LENGTH / 4 / pattern.len()).max(1));
        let (cost, growth) = (micros(&long, now), micros(&long, now) / micros(&short, now));
        if cost > worst.0 {
            worst = (cost, pattern, growth);
        }
    }
    format!("{:?} repeated to {MAX_LENGTH} bytes, {:.0} us, {:.1} times a quarter of it", worst.1, worst.0, worst.2)
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
