//! Narrowing, and what others ask of a query.

use echofs_query_lang::Query;

use crate::read;

#[test]
fn narrowing_requires_the_words_of_the_second_query() {
    let check = |first: &str, second: &str, expected: &str| {
        let narrowed = read(first).query.and(read(second).query);
        assert_eq!(narrowed.to_string(), expected, "{first} + {second}");
        assert_eq!(read(expected).query, narrowed, "{first} + {second}");
    };
    check("a b", "c", "a b +c");
    check("a b", "c d", "a b +c +d");
    check("a b", "type:pdf", "a b type:pdf");
    check("a b type:pdf", "after:2026 c", "a b type:pdf +c after:2026");
    check("a OR b", "c OR d", "(a OR b) (c OR d)");
    check("", "c", "+c");
    check("a", "", "a");
    check("a sort:date limit:5", "c", "a +c sort:date limit:5");
    check("a sort:date limit:5", "c sort:path limit:9", "a +c sort:path limit:9");
    check("lex:(a b)", "-c", "lex:(a b) -c");
}

#[test]
fn what_is_like_a_document_is_narrowed_as_words_are() {
    let like = Query::like("/notes/a plan.md");
    assert_eq!(like.clone().and(read("").query), like);
    let narrowed = like.and(read("c type:md OR type:txt").query);
    assert_eq!(narrowed.to_string(), "like:\"/notes/a plan.md\" +c (type:md OR type:txt)");
    assert_eq!(read(&narrowed.to_string()).query, narrowed);
}

#[test]
fn dates_are_seen_wherever_they_stand() {
    for text in ["newer:7d", "x (ext:md OR -date:2026)", "a lex:(b -before:yesterday)"] {
        assert!(read(text).query.has_dates(), "{text}");
    }
    for text in ["", "today", "\"date:today\" sort:date", "sem:(date:today)"] {
        assert!(!read(text).query.has_dates(), "{text}");
    }
}

#[test]
fn words_and_meaning() {
    let check = |text: &str, words: &[&str], meaning: Option<&str>| {
        let query = read(text).query;
        assert_eq!(query.words(), words, "{text}");
        assert_eq!(query.semantic_text().as_deref(), meaning, "{text}");
    };
    check("what's the wi-fi password?", &["what's", "the", "wi-fi", "password?"], Some("what's the wi-fi password?"));
    check("a +b \"c d\" -e f* type:md", &["a", "b", "c", "d", "f"], Some("a b c d"));
    check("lex:(a OR b) type:md", &["a", "b"], None);
    check("sem:(how to relax) type:md", &[], Some("how to relax"));
    check("type:md", &[], None);
    check("", &[], None);
    assert!(read("a b limit:5").query.is_plain());
    assert!(!read("a +b").query.is_plain());
    assert!(!read("").query.is_plain());
    assert!(read("").query.is_empty());
}
