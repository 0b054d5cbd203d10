//! Every construct of the query language over the sample vault: from the text of a query to what is found.

mod store;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use echofs_embedder::{Embedder, Hashed};
use echofs_indexer::Index;
use store::{Place, copy, search};

/// What a query has to find; names are the ends of paths.
enum Want<'a> {
    /// These and nothing else, in any order.
    Only(&'a [&'a str]),
    /// These in this order.
    InOrder(&'a [&'a str]),
    /// The first list is found, the second is not.
    With(&'a [&'a str], &'a [&'a str]),
    /// This comes first.
    First(&'a str),
    /// Something.
    Some,
}

use Want::{First, InOrder, Only, With};

fn vault(embedder: Option<Arc<dyn Embedder>>) -> (Place, Arc<Index>) {
    let place = Place::new();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/vault"), &place.notes());
    fs::create_dir_all(place.data().join("notes")).unwrap();
    fs::write(place.data().join("notes/mine.md"), "# Mine\n\nA note of my own.\n").unwrap();
    let index = place.open(embedder);
    (place, index)
}

/// What is wrong with what a query finds.
fn wrong(place: &Place, index: &Index, query: &str, want: &Want) -> Option<String> {
    let results = search(index, query);
    let paths: Vec<String> = results.hits.iter().map(|hit| hit.document.path.display().to_string()).collect();
    let below = |path: &String| path.strip_prefix(&format!("{}/", place.notes().display())).unwrap_or(path).to_owned();
    let paths: Vec<String> = paths.iter().map(below).collect();
    let there = |end: &&&str| paths.iter().any(|path| path.ends_with(**end));
    let in_order =
        |ends: &[&str]| paths.len() == ends.len() && paths.iter().zip(ends).all(|(path, end)| path.ends_with(end));
    let fits = match want {
        Want::Only(ends) => paths.len() == ends.len() && ends.iter().all(|end| there(&end)),
        Want::InOrder(ends) => in_order(ends),
        Want::With(with, without) => with.iter().all(|end| there(&end)) && !without.iter().any(|end| there(&end)),
        Want::First(end) => paths.first().is_some_and(|path| path.ends_with(end)),
        Want::Some => !paths.is_empty(),
    };
    (!fits).then(|| format!("{query}: {paths:?}, not used: {:?}", results.explain.ignored))
}

fn check(place: &Place, index: &Index, table: &[(&str, Want)]) {
    let wrong: Vec<String> = table.iter().filter_map(|(query, want)| wrong(place, index, query, want)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_construct_finds_what_it_says() {
    let (place, index) = vault(None);
    let table: &[(&str, Want)] = &[
        // Bare words rank and require nothing.
        ("postgresql catalogue", First("decisions/0007-postgresql.md")),
        ("which database did we choose for the catalogue, and why not SQLite?", First("decisions/0007-postgresql.md")),
        ("sleeping zzqx", First("notes/sleep.md")),
        // Operators filter.
        ("fox AND vet", With(&[], &["notes/sleep.md"])),
        ("+thyroid cat", Only(&["family/brine-vet.txt"])),
        ("thyroid OR microphones ext:txt", With(&["brine-vet.txt"], &[])),
        ("(thyroid OR saffron) ext:txt", Only(&["family/brine-vet.txt"])),
        ("ext:org -thyroid", Only(&["garden/hens.org"])),
        ("ext:org NOT saffron", Only(&[])),
        ("-(saffron pike) ext:org", Only(&[])),
        ("ext:txt -ext:txt", Only(&[])),
        // Phrases and proximity.
        ("\"overactive thyroid\"", Only(&["family/brine-vet.txt"])),
        ("\"thyroid overactive\"", Only(&[])),
        ("\"thyroid overactive\"~3", Only(&["family/brine-vet.txt"])),
        ("\"Saltmarsh thyroid\"~2", Only(&["family/brine-vet.txt"])),
        ("\"Saltmarsh thyroid\"~0", Only(&[])),
        // Beginnings.
        ("thyro*", Only(&["family/brine-vet.txt"])),
        ("lex:(overac* AND tablets)", Only(&["family/brine-vet.txt"])),
        // Fields.
        ("title:\"sleeping after\"", Only(&["notes/sleep.md"])),
        ("title:sleepi*", Only(&["notes/sleep.md"])),
        ("title:\"after sleepi*\"", Only(&["notes/sleep.md"])),
        ("title:\"hens sleepi*\"", Only(&[])),
        ("title:(sleeping OR hens)", With(&["notes/sleep.md", "garden/hens.org"], &["family/brine-vet.txt"])),
        ("ext:org", Only(&["garden/hens.org"])),
        ("ext:.ORG", Only(&["garden/hens.org"])),
        ("ext:o* path:garden", Only(&["garden/hens.org", "garden/planting-plan.odt"])),
        ("type:mail subject:pump", With(&["mail/2026-02-11-tait-quote.eml"], &["home/heat-pump.md"])),
        ("type:pdf path:home", Only(&["home/heat-pump-quote.pdf"])),
        ("type:email from:tait", With(&["2026-02-11-tait-quote.eml"], &["2026-06-12-ferrand-prix.eml"])),
        ("author:\"hanna brekke\" ext:org", Only(&["garden/hens.org"])),
        ("lang:german", With(&["work/reading/seidel-leihgabe.md"], &["notes/sleep.md"])),
        ("lang:de", With(&["work/reading/seidel-leihgabe.md"], &["notes/sleep.md"])),
        ("tag:health", With(&["notes/sleep.md", "2026-02-11.md"], &["garden/hens.org"])),
        ("tag:#hens", Only(&["garden/hens.org"])),
        ("tag:hén*", Only(&["garden/hens.org"])),
        ("tag:(hens OR lesen)", Only(&["garden/hens.org", "work/reading/seidel-leihgabe.md"])),
        ("tag:(garden hens)", Only(&["garden/hens.org"])),
        // Paths.
        ("path:garden", With(&["garden/hens.org"], &["notes/sleep.md"])),
        ("path:garden/*.org", Only(&["garden/hens.org"])),
        ("path:garden%2F*.org", Only(&["garden/hens.org"])),
        ("path:garden:*.org", Only(&["garden/hens.org"])),
        ("path:*.org", Only(&["garden/hens.org"])),
        ("path:projects/**/*.rst", Only(&["projects/nightjar/docs/protocol.rst"])),
        ("path:\"loch-arrin\" ext:csv", Only(&["projects/loch-arrin/deployments.csv"])),
        // Sizes and lines.
        ("size:>35k type:document", With(&["home/house-insurance.docx"], &[])),
        ("size:..700 ext:csv path:garden", Only(&["garden/seeds.csv"])),
        ("size:1k..2k path:garden", Only(&["garden/hens.org", "garden/allotment.md"])),
        ("lines:33 path:garden", Only(&["garden/hens.org"])),
        ("lines:..9 path:garden ext:csv", Only(&["garden/seeds.csv"])),
        ("lines:>32 ext:org", Only(&["garden/hens.org"])),
        // Dates: what a document states comes before the time of the file.
        ("date:2026-09-13 path:garden", Only(&["garden/hens.org"])),
        ("date:2026-03 path:notes", Only(&["notes/sleep.md"])),
        ("date:2026-w14 path:notes", Only(&["notes/sleep.md", "notes/calibrating-microphones.md"])),
        ("date:2026-q1 path:notes", Only(&["notes/sleep.md", "notes/starting-a-ceilidh.md"])),
        ("date:\"30 march 2026\" path:notes", Only(&["notes/sleep.md"])),
        ("date:2026-03..2026-04-15 path:notes", Only(&["notes/sleep.md", "notes/calibrating-microphones.md"])),
        ("date:..2025-12 path:journal", Only(&["2025-11-30.md", "2025-12-21.md"])),
        ("before:2026 path:journal", Only(&["2025-11-30.md", "2025-12-21.md"])),
        ("after:2026-10-09 path:journal", Only(&["2026-10-09.md", "2026-10-14.md", "2026-11-08.md"])),
        ("after:yesterday ext:vcf", Only(&["contacts/contacts.vcf"])),
        ("newer:7d ext:vcf", Only(&["contacts/contacts.vcf"])),
        ("older:7d ext:vcf", Only(&[])),
        ("date:today ext:vcf", Only(&["contacts/contacts.vcf"])),
        // Places, states and properties.
        ("in:notes", Only(&["notes/mine.md"])),
        ("is:note", Only(&["notes/mine.md"])),
        ("in:files ext:org", Only(&["garden/hens.org"])),
        ("in:src ext:org", Only(&["garden/hens.org"])),
        ("in:conversations", Only(&[])),
        ("is:mail subject:pump", With(&["mail/2026-02-11-tait-quote.eml"], &["home/heat-pump.md"])),
        ("is:untagged ext:org", Only(&[])),
        ("has:tag ext:org", Only(&["garden/hens.org"])),
        ("has:author ext:org", Only(&["garden/hens.org"])),
        ("has:date path:notes/sleep.md", Only(&["notes/sleep.md"])),
        ("has:tasks path:garden", With(&["garden/allotment.md"], &["garden/seeds.csv"])),
        ("has:code path:notes", With(&["notes/reverse-tunnel.md"], &["notes/sleep.md"])),
        ("has:link 0007 path:decisions", With(&["0007-postgresql.md"], &[])),
        ("has:page type:pdf path:home", Only(&["home/heat-pump-quote.pdf"])),
        // One side only, and likeness.
        ("lex:thyroid", Only(&["family/brine-vet.txt"])),
        ("lex:(thyroid tablets)", Only(&["family/brine-vet.txt"])),
        ("lex:\"overactive thyroid\"", Only(&["family/brine-vet.txt"])),
        ("like:\"home/heat-pump.md\" limit:3", Want::Some),
        // Order and number.
        ("path:journal sort:date limit:2", InOrder(&["2026-11-08.md", "2026-10-14.md"])),
        ("path:journal/2025 sort:path", InOrder(&["2025-11-30.md", "2025-12-21.md"])),
        ("path:garden sort:size limit:2", InOrder(&["garden/planting-plan.odt", "garden/allotment.md"])),
        ("+nightjar path:journal sort:date limit:1", InOrder(&["2026-10-09.md"])),
        ("limit:1", Want::Some),
    ];
    check(&place, &index, table);
}

#[test]
fn meaning_is_filtered_like_words() {
    let (place, index) = vault(Some(Arc::new(Hashed::new(256))));
    let table = [
        ("sem:(overactive thyroid) ext:txt limit:1", First("family/brine-vet.txt")),
        ("overactive thyroid ext:org", Only(&["garden/hens.org"])),
        ("sem:(hens) path:nowhere", Only(&[])),
    ];
    check(&place, &index, &table);
    let like = search(&index, "like:\"home/heat-pump.md\" type:mail");
    assert!(!like.hits.is_empty() && like.hits.iter().all(|hit| hit.document.media == "mail"));
}

#[test]
fn what_cannot_be_used_is_said() {
    let (_place, index) = vault(None);
    let check = |query: &str, part: &str| {
        let results = search(&index, query);
        assert!(results.explain.ignored.iter().any(|note| note.contains(part)), "{:?}", results.explain.ignored);
        assert!(!results.hits.is_empty(), "{query}");
    };
    check("thyroid topic:health", "topics are not known yet");
    check("thyroid is:funny", "is: knows");
    check("thyroid has:wings", "has: knows");
    check("thyroid lang:klingon", "no known language");
    check("thyroid in:limbo", "there is no such place");
    check("thyroid like:\"no/such.md\"", "it is not in the index");
    check("thyroid lex:(thyroid sem:(hens))", "by words only");
}

#[test]
fn nothing_is_like_a_document_that_is_not_there() {
    let (_place, index) = vault(None);
    for query in ["like:\"no/such.md\"", "like:\"no/such.md\" type:markdown", "like:~%2Fno-such.md sort:date"] {
        let results = search(&index, query);
        assert!(results.hits.is_empty(), "{query}: {:?}", results.hits[0].document.path);
        assert!(results.explain.ignored[0].contains("it is not in the index"), "{:?}", results.explain.ignored);
    }
}

#[test]
fn explanations_count_what_each_filter_lets_through() {
    let (_place, index) = vault(None);
    let explain = search(&index, "thyroid ext:org path:garden").explain;
    let alone = |part: &str| explain.filters.iter().find(|(text, _)| text == part).map(|(_, count)| *count);
    assert_eq!((alone("ext:org"), explain.passed), (Some(1), Some(1)));
    assert!(alone("path:garden").is_some_and(|count| count > 1), "{:?}", explain.filters);
}
