//! Copies are one hit together, and each of them can still be found.

mod store;

use std::sync::Arc;

use echofs_embedder::Hashed;
use echofs_indexer::Index;
use store::{Place, search};

fn text(n: usize) -> String {
    let words = ["walrus", "harbour", "lamp", "engine", "ladder", "button", "meadow", "thread", "castle"];
    let sentence =
        |k: usize| format!("The {} by the {} is {}.", words[k % 9], words[(k * n + 4) % 9], words[(k * k + n) % 9]);
    format!("# Report {}\n\n{}\n", ["one", "two", "three"][n % 3], (0..30).map(sentence).collect::<Vec<_>>().join(" "))
}

/// For each hit its name and those of its copies.
fn hits(index: &Index, query: &str) -> Vec<Vec<String>> {
    let name = |path: &std::path::Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let one = |hit: &echofs_indexer::Hit| {
        std::iter::once(&hit.document.path).chain(&hit.copies).map(|path| name(path)).collect()
    };
    search(index, query).hits.iter().map(one).collect()
}

#[test]
fn copies_are_one_hit() {
    let place = Place::new();
    place.write("a/report.md", &text(1));
    place.write("b/report-copy.md", &text(1));
    place.write("c/report-signed.md", &format!("{}\nSigned.\n", text(1).trim_end()));
    place.write("d/report-2027.md", &text(1).replace("lamp", "lamp 2027"));
    place.write("e/other.md", &text(2));
    let index = place.open(Some(Arc::new(Hashed::new(64))));
    let all = hits(&index, "walrus harbour");
    assert_eq!(all.len(), 3, "{all:?}");
    let group = all.iter().find(|group| group.contains(&"report.md".to_owned())).unwrap();
    assert_eq!(group.len(), 3, "{all:?}");
    assert_eq!(search(&index, "walrus harbour").explain.folded, 2);
    // Every copy is found where it is the only one that is let through, and all where nothing ranks.
    assert_eq!(hits(&index, "walrus path:b"), [["report-copy.md"]]);
    assert_eq!(hits(&index, "walrus path:c/*.md"), [["report-signed.md"]]);
    assert_eq!(hits(&index, "ext:md").len(), 5);
    assert_eq!(hits(&index, "is:copy").len(), 2);
}

#[test]
fn folding_leaves_room_for_others() {
    let place = Place::new();
    for n in 0..30 {
        place.write(&format!("copies/{n}.md"), "# Walrus\n\nThe walrus sleeps on the walrus rock.\n");
    }
    for n in 0..5 {
        place.write(&format!("{n}.md"), &format!("# Day {n}\n\nOn day {n} a walrus came by the harbour.\n"));
    }
    let index = place.open(None);
    let found = hits(&index, "walrus limit:4");
    assert_eq!((found.len(), found[0].len()), (4, 30));
}
