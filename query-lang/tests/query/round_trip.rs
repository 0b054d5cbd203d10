//! Whatever is printed parses to the same query.

use echofs_query_lang::{Field, Node, Query, Sort, TextField};
use proptest::prelude::*;

use crate::read;

/// Text that is made of the language's own parts.
fn query_like() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        8 => "[a-e]{1,3}",
        1 => prop::sample::select(vec![
            "(", ")", "\"", "“", "-", "+", "*", ":", "~", "~2", "/", "%2F", ".", "..", "?", "#", "'", "=", "_", "\u{2215}", "\u{a0}", "\u{1}", "é", "İ", "🎉", "→",
        ]).prop_map(str::to_owned),
        3 => prop::sample::select(vec![" ", " ", " ", "(", ")", "\"", "-", "+", "*"]).prop_map(str::to_owned),
        2 => prop::sample::select(vec![" AND ", " OR ", " NOT ", "AND", "OR", "NOT"]).prop_map(str::to_owned),
        2 => prop::sample::select(vec![
            "title:", "tag:", "ext:", "path:", "like:", "in:", "is:", "size:", "lines:", "date:", "after:", "older_than:", "lex:", "sem:", "sort:", "limit:", "foo:", "lex:(", "sem:(", "title:(", "date:(",
        ]).prop_map(str::to_owned),
        1 => prop::sample::select(vec![
            "5", "2026", "2026-03", "march", "last", "week", "7d", "3 days ago", "yesterday", "10k", ">5", "1..2", "10:30",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

fn word() -> impl Strategy<Value = String> {
    "[a-z0-9_.#'@/&é東][a-zé0-9.'+?/-]{0,6}[a-z東]"
}

fn text_value() -> impl Strategy<Value = String> {
    "[a-zé0-9][a-z0-9 ()?!.:*-]{0,8}[a-z]"
        .prop_map(|text| text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "))
}

fn field() -> impl Strategy<Value = Field> {
    let name = prop::sample::select(vec![
        TextField::Title,
        TextField::Author,
        TextField::Lang,
        TextField::Tag,
        TextField::Topic,
        TextField::Entity,
        TextField::Type,
        TextField::Ext,
    ]);
    let bounds = (any::<Option<u64>>(), any::<Option<u64>>()).prop_map(|bounds| match bounds {
        (None, None) => (Some(0), None),
        (Some(from), Some(to)) => (Some(from.min(to)), Some(from.max(to))),
        other => other,
    });
    let dates =
        vec!["date:2026-03", "after:last week", "older:7d", "date:march", "date:2026-01..", "date:5 march 2026"];
    prop_oneof![
        (name, text_value()).prop_map(|(name, value)| Field::Text { name, value }),
        text_value().prop_map(Field::Path),
        text_value().prop_map(Field::In),
        text_value().prop_map(Field::Is),
        text_value().prop_map(Field::Has),
        bounds.clone().prop_map(|(from, to)| Field::Size { from, to }),
        bounds.prop_map(|(from, to)| Field::Lines { from, to }),
        prop::sample::select(dates).prop_map(|text| {
            match read(&format!("({})", text.replacen(':', ":\"", 1) + "\"")).query.root {
                Some(Node::Field(field)) => field,
                other => panic!("{text} is read as {other:?}"),
            }
        }),
    ]
}

fn leaf() -> BoxedStrategy<Node> {
    let words = prop::collection::vec(word(), 1..4);
    prop_oneof![
        4 => word().prop_map(Node::Word),
        1 => (words, 0..4_u32).prop_map(|(words, slop)| Node::Phrase { words, slop }),
        1 => word().prop_map(Node::Prefix),
        2 => field().prop_map(Node::Field),
        1 => text_value().prop_filter("balanced", |text| !text.contains(['(', ')'])).prop_map(Node::Sem),
        1 => text_value().prop_map(Node::Like),
    ]
    .boxed()
}

/// A canonical node that is neither an And nor an Or nor a Not nor a Lex where the parent is one.
fn node(depth: u32) -> BoxedStrategy<Node> {
    if depth == 0 {
        return leaf();
    }
    let children = || prop::collection::vec(node(depth - 1), 2..4);
    let and =
        children().prop_filter("flat", |nodes| !nodes.iter().any(|n| matches!(n, Node::And(_)))).prop_map(Node::And);
    let or = children().prop_filter("flat", |nodes| !nodes.iter().any(|n| matches!(n, Node::Or(_)))).prop_map(Node::Or);
    let not = node(depth - 1)
        .prop_filter("negatable", |n| !matches!(n, Node::Not(_) | Node::Sem(_) | Node::Like(_)))
        .prop_map(|n| Node::Not(Box::new(n)));
    let lex = node(depth - 1).prop_filter("flat", |n| !matches!(n, Node::Lex(_))).prop_map(|n| Node::Lex(Box::new(n)));
    prop_oneof![2 => leaf(), 2 => and, 2 => or, 1 => not, 1 => lex].boxed()
}

fn query() -> impl Strategy<Value = Query> {
    let sort = prop::sample::select(vec![Sort::Score, Sort::Date, Sort::Path, Sort::Size, Sort::Rerank]);
    let words = prop::collection::vec(word(), 0..4);
    (words, prop::option::of(node(3)), sort, prop::option::of(1..10_000_usize)).prop_map(
        |(words, node, sort, limit)| {
            let root = match (words.is_empty(), node) {
                (true, node) => node,
                (false, None) => Some(Node::Words(words)),
                (false, Some(Node::And(mut nodes))) => {
                    nodes.insert(0, Node::Words(words));
                    Some(Node::And(nodes))
                }
                (false, Some(node)) => Some(Node::And(vec![Node::Words(words), node])),
            };
            Query { root, sort, limit }
        },
    )
}

fn check(text: &str) -> Result<(), TestCaseError> {
    let query = read(text).query;
    let printed = query.to_string();
    let again = read(&printed);
    prop_assert_eq!(&again.query, &query, "{:?} is printed as {:?}", text, printed);
    prop_assert_eq!(again.query.to_string(), printed);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_printed_parses_to_the_same(query in query()) {
        let printed = query.to_string();
        prop_assert_eq!(read(&printed).query, query, "{}", printed);
    }

    #[test]
    fn any_text_is_read_and_printed(text in "\\PC{0,60}") {
        check(&text)?;
    }

    #[test]
    fn any_query_like_text_is_read_and_printed(text in query_like()) {
        check(&text)?;
    }

    #[test]
    fn places_of_mistakes_are_in_the_text(text in query_like()) {
        for diagnostic in read(&text).diagnostics {
            prop_assert!(text.get(diagnostic.span.clone()).is_some(), "{:?}", diagnostic);
        }
    }

    #[test]
    fn a_narrowed_query_is_canonical(first in query_like(), second in query_like()) {
        let narrowed = read(&first).query.and(read(&second).query);
        let printed = narrowed.to_string();
        prop_assert_eq!(read(&printed).query, narrowed, "{}", printed);
    }
}
