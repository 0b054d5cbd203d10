//! Filters against a scan of all documents by the plainest code there is, over random small corpora.

mod store;

use std::collections::BTreeSet;

use echofs_indexer::Index;
use echofs_query_lang::{Field, Node, Query, TextField};
use proptest::prelude::*;
use store::Place;

/// Words and their stems.
const WORDS: [(&str, &str); 9] = [
    ("walk", "walk"),
    ("walking", "walk"),
    ("walks", "walk"),
    ("apple", "appl"),
    ("apples", "appl"),
    ("ocean", "ocean"),
    ("oceanic", "ocean"),
    ("quick", "quick"),
    ("zebra", "zebra"),
];
const DIRS: [&str; 3] = ["", "jan", "jan/feb"];
const EXTENSIONS: [&str; 2] = ["md", "log"];

#[derive(Clone, Debug)]
struct Doc {
    dir: &'static str,
    extension: &'static str,
    words: Vec<usize>,
}

impl Doc {
    fn text(&self) -> String {
        self.words.iter().map(|w| WORDS[*w].0).collect::<Vec<_>>().join(" ") + "\n"
    }
}

fn doc() -> impl Strategy<Value = Doc> {
    let words = prop::collection::vec(0..WORDS.len(), 1..9);
    let (dir, extension) = (prop::sample::select(&DIRS[..]), prop::sample::select(&EXTENSIONS[..]));
    (dir, extension, words).prop_map(|(dir, extension, words)| Doc { dir, extension, words })
}

fn typed() -> impl Strategy<Value = String> {
    prop::sample::select(&WORDS[..]).prop_map(|(word, _)| word.to_owned())
}

fn leaf() -> impl Strategy<Value = Node> {
    prop_oneof![
        4 => typed().prop_map(Node::Word),
        2 => (prop::collection::vec(typed(), 1..4), 0u32..4).prop_map(|(words, slop)| Node::Phrase { words, slop }),
        1 => (typed(), 2usize..5).prop_map(|(word, len)| Node::Prefix(word[..len].to_owned())),
        1 => prop::sample::select(&EXTENSIONS[..])
            .prop_map(|e| Node::Field(Field::Text { name: TextField::Ext, value: e.to_owned() })),
        1 => prop::sample::select(&["jan", "jan/feb", "jan/*", "**/feb/*.md"][..]).prop_map(|p| Node::Field(Field::Path(p.to_owned()))),
        1 => (0u64..30, 0u64..30).prop_map(|(a, b)| Node::Field(Field::Size { from: Some(a), to: Some(a + b) })),
    ]
}

fn node() -> impl Strategy<Value = Node> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Node::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Node::Or),
            inner.prop_map(|n| Node::Not(Box::new(n))),
        ]
    })
}

fn stem(word: &str) -> &str {
    WORDS.iter().find(|(w, _)| *w == word).map_or(word, |(_, stem)| stem)
}

/// Whether a document passes, by definition.
fn passes(node: &Node, doc: &Doc) -> bool {
    let words: Vec<&str> = doc.words.iter().map(|w| WORDS[*w].0).collect();
    match node {
        Node::Word(word) => words.iter().any(|w| stem(w) == stem(word)),
        Node::Prefix(start) => words.iter().any(|w| w.starts_with(start.as_str())),
        Node::Phrase { words: phrase, slop: 0 } => words.windows(phrase.len()).any(|w| w.iter().eq(phrase.iter())),
        Node::Phrase { words: phrase, slop } => {
            let span = phrase.len() + *slop as usize;
            (0..words.len()).any(|start| covers(&words[start..words.len().min(start + span)], phrase))
        }
        Node::Field(Field::Text { value, .. }) => doc.extension == value,
        Node::Field(Field::Path(pattern)) => match pattern.as_str() {
            "jan" => doc.dir.starts_with("jan"),
            "jan/feb" => doc.dir == "jan/feb",
            "jan/*" => doc.dir == "jan",
            _ => doc.dir == "jan/feb" && doc.extension == "md",
        },
        Node::Field(Field::Size { from, to }) => {
            let size = doc.text().len() as u64;
            from.is_none_or(|from| from <= size) && to.is_none_or(|to| size <= to)
        }
        Node::And(parts) => parts.iter().all(|part| passes(part, doc)),
        Node::Or(parts) => parts.iter().any(|part| passes(part, doc)),
        Node::Not(inner) => !passes(inner, doc),
        other => panic!("not generated: {other:?}"),
    }
}

/// Whether the window holds every word of the phrase, each at a place of its own.
fn covers(window: &[&str], phrase: &[String]) -> bool {
    let count = |word: &str, all: &mut dyn Iterator<Item = &str>| all.filter(|w| *w == word).count();
    phrase
        .iter()
        .all(|word| count(word, &mut window.iter().copied()) >= count(word, &mut phrase.iter().map(String::as_str)))
}

fn found(index: &Index, node: &Node) -> BTreeSet<String> {
    let query = Query { root: Some(node.clone()), limit: Some(1_000), ..Query::default() };
    let results = index.search(&query).unwrap();
    // Copies are named with the first of them.
    let stem = |path: &std::path::PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    let all = results.hits.iter().flat_map(|hit| std::iter::once(&hit.document.path).chain(&hit.copies));
    let names: Vec<String> = all.map(stem).collect();
    let set: BTreeSet<String> = names.iter().cloned().collect();
    assert_eq!(set.len(), names.len(), "a document twice");
    set
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn filters_let_through_what_they_say(docs in prop::collection::vec(doc(), 1..25), queries in prop::collection::vec(node(), 60)) {
        let place = Place::new();
        for (n, doc) in docs.iter().enumerate() {
            place.write(&format!("./{}/n{n}.{}", doc.dir, doc.extension), &doc.text());
        }
        let index = place.open(None);
        prop_assert_eq!(index.counts().documents, docs.len(), "{:?}", index.coverage());
        for query in &queries {
            let expected: BTreeSet<String> =
                docs.iter().enumerate().filter(|(_, doc)| passes(query, doc)).map(|(n, _)| format!("n{n}")).collect();
            prop_assert_eq!(found(&index, query), expected, "{:?}", query);
        }
    }
}
