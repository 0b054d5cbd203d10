//! Parsing takes time linear in the text, on the texts that once did not.

use std::time::{Duration, Instant};

use echofs_query_lang::MAX_LENGTH;

use crate::read;

/// The shortest of several times.
fn time(text: &str) -> Duration {
    let once = || {
        let start = Instant::now();
        std::hint::black_box(read(text));
        start.elapsed()
    };
    (0..5).map(|_| once()).min().unwrap_or_default()
}

/// How many times longer the whole takes than a quarter of it: 4 when linear, 16 when quadratic.
fn growth(pattern: &str) -> f64 {
    let whole = pattern.repeat(MAX_LENGTH / pattern.len());
    let quarter = pattern.repeat(MAX_LENGTH / 4 / pattern.len());
    time(&whole).as_secs_f64() / time(&quarter).as_secs_f64()
}

#[test]
fn refused_values_are_not_read_again_and_again() {
    let patterns =
        [")size:sem:(", "lex:(before:date:-03", "title:a(", "\"", "a\"", "-(", "date:5 ", "sem:(", "NOT ", "OR "];
    for pattern in patterns {
        // Other work on the machine can only make one attempt look worse.
        let attempts: Vec<f64> = (0..20).map(|_| growth(pattern)).take_while(|growth| *growth > 7.5).collect();
        assert!(attempts.len() < 20, "{pattern}: {attempts:?}");
    }
}
