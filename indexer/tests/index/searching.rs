//! Queries, with and without a model.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use echofs_embedder::{Embedder, Error as EmbedderError, Hashed, ModelId, SharedWords};
use echofs_indexer::{Error, Index, Reranking};
use echofs_query_lang::Query;

use crate::store::{PATIENCE, Place, found, search, until};

#[test]
fn words_answer_without_a_model() {
    let place = Place::new();
    place.write("a.md", "walrus\n");
    let index = place.open(None);
    let results = search(&index, "walrus");
    assert_eq!(results.hits.len(), 1);
    assert!(results.explain.semantic_error.is_some());
    let query = echofs_query_lang::parse("sem:walrus", &jiff::Zoned::now()).query;
    assert!(matches!(index.search(&query), Err(Error::Semantic(_))));
}

/// A model that cannot be loaded.
struct Broken(ModelId);

impl Embedder for Broken {
    fn id(&self) -> &ModelId {
        &self.0
    }
    fn dim(&self) -> usize {
        8
    }
    fn embed(&self, _: &[&str]) -> Result<Vec<Vec<f32>>, EmbedderError> {
        Err(EmbedderError::Missing("/nowhere/model.onnx".into()))
    }
    fn embed_query(&self, _: &str) -> Result<Vec<f32>, EmbedderError> {
        Err(EmbedderError::Missing("/nowhere/model.onnx".into()))
    }
    fn loaded(&self) -> bool {
        false
    }
    fn unload(&self) {}
}

#[test]
fn a_broken_model_is_reported_and_words_go_on() {
    let place = Place::new();
    (0..5).for_each(|n| drop(place.write(&format!("{n}.md"), &format!("walrus {n}\n"))));
    let index = Index::open(place.config(), Some(Arc::new(Broken(ModelId("broken".into()))))).unwrap();
    index.start();
    assert!(index.wait(false, PATIENCE));
    until("the failure is known", || index.counts().semantic_error.is_some());
    assert_eq!(search(&index, "walrus").hits.len(), 5);
    let counts = index.counts();
    assert!(counts.pending_semantic > 0 && counts.pending == 0, "{counts:?}");
}

#[test]
fn the_best_are_reordered_by_a_reranker_where_the_query_asks_for_it() {
    let place = Place::new();
    place.write("rare.md", "zebra zebra zebra\n");
    for word in ["harbour", "meadow", "kitchen", "engine", "violin"] {
        place.write(&format!("{word}.md"), &format!("walrus ketch {word}\n"));
    }
    let index = place.open(None);
    let (plain, asked) = ("zebra walrus ketch", "zebra walrus ketch sort:rerank");
    let by_search = found(&index, plain);
    assert_eq!((by_search.len(), by_search[0].as_str()), (6, "rare.md"));
    let results = search(&index, asked);
    assert!(results.explain.ignored[0].starts_with("sort:rerank: there is no reranker"), "{:?}", results.explain);
    assert_eq!(found(&index, asked), by_search);

    index.rerank_with(Reranking::new("shared-words", Ok(Arc::new(SharedWords))));
    let results = search(&index, asked);
    let told = results.explain.reranked.as_ref().expect("it was asked");
    assert_eq!((told.model.as_str(), told.passages, told.of, &told.error), ("shared-words", 6, 6, &None));
    let last = results.hits.last().expect("hits");
    assert_eq!((last.rank, last.document.path.clone()), (6, place.path("rare.md")));
    assert!(last.why.rerank < results.hits[0].why.rerank);
    assert_eq!(found(&index, asked)[..5], by_search[1..], "equal ones stay as they were");
    let few = found(&index, &format!("{asked} limit:2"));
    assert_eq!(few, by_search[1..3], "it chooses from more than are shown");
    assert_eq!(found(&index, plain), by_search, "nobody else is reordered");
    assert!(search(&index, plain).explain.reranked.is_none());
    let listed = search(&index, "ext:md sort:rerank");
    assert!(listed.hits.len() == 6 && listed.explain.ignored[0].contains("no words"), "{:?}", listed.explain);
}

#[test]
fn similar_documents_are_found_and_not_the_document_itself() {
    let place = Place::new();
    place.write("bread.md", "flour water salt and a sourdough starter\n");
    place.write("cake.md", "flour water sugar and butter\n");
    place.write("net.md", "router switch cable\n");
    let index = place.open(Some(Arc::new(Hashed::new(256))));
    let like = |name: &str| index.similar(&place.path(name), &Query::like(place.path(name).to_str().unwrap()));
    let names = |results: echofs_indexer::Results| -> Vec<String> {
        results.hits.iter().map(|h| h.document.title.clone()).collect()
    };
    assert_eq!(names(like("bread.md").unwrap())[0], "cake");
    assert!(!names(like("bread.md").unwrap()).contains(&"bread".to_owned()));
    assert_eq!(found(&index, "like:bread.md")[..2], ["bread.md", "cake.md"]);
    assert!(matches!(like("nowhere.md"), Err(Error::Unknown(_))));
    assert!(index.is_above(&place.notes()) && index.is_above(Path::new("/")));
    assert!(!index.is_above(&place.path("brea")) && !index.is_above(Path::new("/nowhere")));
}

#[test]
fn words_that_nothing_holds_give_way_to_near_ones() {
    let place = Place::new();
    place.write("a.md", "configuration of the printer\n");
    place.write("b.md", "holiday plans\n");
    let index = place.open(None);
    assert_eq!(found(&index, "configuratoin"), ["a.md"]);
    let word = &search(&index, "configuratoin").explain.words[0];
    assert!(word.corrected && word.documents == 1, "{word:?}");
    assert!(found(&index, "the").len() == 1, "stop words alone are words too");
}

#[test]
fn parts_without_meaning_are_reported() {
    let place = Place::new();
    place.write("a.md", "walrus\n");
    let index = place.open(None);
    for query in ["walrus topic:sea", "walrus -topic:sea", "walrus in:nowhere", "walrus is:odd"] {
        let results = search(&index, query);
        assert_eq!((results.hits.len(), results.explain.ignored.len()), (1, 1), "{query}");
    }
}

#[test]
fn words_are_inflected_in_the_languages_of_the_documents() {
    let german = [
        "Die Datenbanken werden jede Nacht gesichert, und die alten Sicherungen heben wir noch drei Monate lang auf.",
        "Seit vielen Jahren stehen die Häuser am See leer, weil dort im Winter niemand mehr wohnen möchte.",
        "Morgen sollten wir mit dem Zug nach Hamburg fahren und unsere Freunde besuchen, die gerade umgezogen sind.",
    ];
    let place = Place::new();
    place.write(
        "en.md",
        "We moved the databases to the new machine yesterday, and the backups went with them without a problem.\n",
    );
    let index = place.open(None);
    for (text, name) in german.iter().zip(["a.md", "b.md", "c.md"]) {
        place.write(name, &format!("{text}\n"));
    }
    for (query, name) in [("lex:Datenbank", "a.md"), ("lex:Haus", "b.md"), ("lex:Freund", "c.md")] {
        until(query, || found(&index, query).contains(&name.to_owned()));
    }
    assert!(found(&index, "lex:Hauser").contains(&"b.md".to_owned()), "accents do not count");
    assert!(!found(&index, "lex:Datum").contains(&"a.md".to_owned()));
}

#[test]
fn tags_and_authors_are_words() {
    let place = Place::new();
    place.write("bread.md", "---\ntags: [sourdough]\nauthor: Oda Brenna\n---\n\nFeed the starter every evening.\n");
    place.write("net.md", "The router password is on the fridge.\n");
    let index = place.open(None);
    assert_eq!(found(&index, "lex:sourdough"), ["bread.md"]);
    assert_eq!(found(&index, "lex:Brenna"), ["bread.md"]);
    assert!(found(&index, "title:sourdough").is_empty());
}

#[test]
fn accents_and_case_of_places_tags_and_authors_do_not_count() {
    let place = Place::new();
    let doctors = place.notes().with_file_name("Ärzte");
    fs::create_dir(&doctors).unwrap();
    let text = "---\ntags: [Café/Übersicht]\nauthor: Jörg Müller\n---\n\nZweimal am Tag.\n";
    fs::write(doctors.join("rezept.tar.md"), text).unwrap();
    place.write("other.md", "Einmal am Tag.\n");
    let mut config = place.config();
    config.sources.push(doctors);
    let index = Index::open(config, None).unwrap();
    index.start();
    assert!(index.wait(true, PATIENCE), "not settled: {:?}", index.counts());
    let queries = [
        "in:Ärzte",
        "in:arzte",
        "tag:CAFÉ",
        "tag:cafe",
        "tag:caf*",
        "author:jorg",
        "author:\"JÖRG MÜ*\"",
        "path:arzte",
        "path:ÄRZTE%2F*.md",
        "ext:tar.md",
        "ext:TAR.MD",
    ];
    for query in queries {
        assert_eq!(found(&index, query), ["rezept.tar.md"], "{query}");
    }
    assert!(found(&index, "tag:af*").is_empty() && found(&index, "ext:zept.tar.md").is_empty());
}
