//! Any text is read without a panic, in linear time, and what is printed parses back to the same query.
//!
//! `cargo +nightly fuzz run query -- -max_total_time=900 -max_len=1024 -timeout=1 -dict=fuzz/query.dict`
#![no_main]

use echofs_query_lang::{parse, path};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let now = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
    let parsed = parse(text, &now);
    for diagnostic in &parsed.diagnostics {
        assert!(text.get(diagnostic.span.clone()).is_some(), "{diagnostic:?}");
    }
    let printed = parsed.query.to_string();
    let again = parse(&printed, &now);
    assert_eq!(again.query, parsed.query, "printed as {printed:?}");
    assert_eq!(path::decode(&path::encode(text)), text);
});
