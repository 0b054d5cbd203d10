//! Directories that come, go and move, also many at once.

use std::fs;

use super::bench::{Bench, installed};
use crate::watch::Change;

/// How many files were told as moved, changed and removed.
fn counts(news: &[Change]) -> (usize, usize, usize) {
    let count = |of: fn(&Change) -> bool| news.iter().filter(|change| of(change)).count();
    (
        count(|change| matches!(change, Change::Moved { .. })),
        count(|change| matches!(change, Change::Changed { .. })),
        count(|change| matches!(change, Change::Removed { .. })),
    )
}

fn plant(dir: &std::path::Path, folders: usize, files: usize) {
    for folder in 0..folders {
        let folder = dir.join(format!("folder{folder}"));
        fs::create_dir_all(&folder).unwrap();
        (0..files).for_each(|file| fs::write(folder.join(format!("{file}.md")), "text").unwrap());
    }
}

#[test]
fn deep_directories_with_files_at_once() {
    let mut bench = Bench::new();
    for round in 0..20 {
        bench
            .shell(&format!("mkdir -p r{round}/b/c/d/e && echo x > r{round}/b/c/d/e/f.md && echo y > r{round}/b/g.md"));
    }
    bench.settle();
    assert_eq!(bench.books.documents.len(), 40);
}

#[test]
fn what_is_made_in_a_new_directory_is_watched() {
    let mut bench = Bench::new();
    bench.shell("mkdir -p a/b");
    bench.settle_and_rest();
    bench.shell("echo x > a/b/late.md");
    bench.settle();
    bench.shell("echo longer > a/b/late.md");
    bench.settle();
    assert_eq!(bench.books.documents.len(), 1);
}

#[test]
fn a_renamed_directory_is_a_rename_of_its_files() {
    let mut bench = Bench::with(Default::default(), |root| plant(&root.join("old"), 10, 10));
    bench.settle();
    bench.news();
    fs::rename(bench.at("old"), bench.at("new")).unwrap();
    bench.settle_and_rest();
    assert_eq!(counts(&bench.news()), (100, 0, 0));
    // The watches moved with it.
    fs::write(bench.at("new/folder3/more.md"), "x").unwrap();
    bench.settle();
    fs::rename(bench.at("new"), bench.at("old")).unwrap();
    fs::rename(bench.at("old"), bench.at("other")).unwrap();
    bench.settle_and_rest();
    assert_eq!(counts(&bench.news()), (101, 1, 0));
    fs::remove_file(bench.at("other/folder3/more.md")).unwrap();
    bench.settle();
}

#[test]
fn there_and_back_again_changes_nothing() {
    let mut bench = Bench::with(Default::default(), |root| plant(&root.join("a"), 3, 3));
    bench.settle();
    bench.news();
    fs::rename(bench.at("a"), bench.at("b")).unwrap();
    fs::rename(bench.at("b"), bench.at("a")).unwrap();
    fs::write(bench.at("sign.md"), "x").unwrap();
    bench.settle_and_rest();
    fs::write(bench.at("a/folder1/new.md"), "x").unwrap();
    bench.settle();
    let (_, _, removed) = counts(&bench.news());
    assert_eq!(removed, 0);
}

#[test]
fn two_directories_change_places() {
    let mut bench = Bench::with(Default::default(), |root| {
        plant(&root.join("a"), 2, 5);
        plant(&root.join("b"), 3, 4);
    });
    bench.shell("mv a t; mv b a; mv t b");
    bench.settle_and_rest();
    bench.shell("echo x > a/folder2/x.md; echo y > b/folder1/y.md");
    bench.settle();
}

#[test]
fn trees_move_in_from_outside_and_out_again() {
    let mut bench = Bench::new();
    plant(&bench.outside("tree"), 5, 5);
    fs::rename(bench.outside("tree"), bench.at("tree")).unwrap();
    bench.settle();
    assert_eq!(bench.books.documents.len(), 25);
    fs::write(bench.at("tree/folder0/new.md"), "x").unwrap();
    bench.settle();
    bench.news();
    fs::rename(bench.at("tree"), bench.outside("tree")).unwrap();
    bench.settle();
    assert_eq!(counts(&bench.news()), (0, 0, 26));
    // Nothing outside is watched any more.
    fs::write(bench.outside("tree/folder0/new.md"), "changed").unwrap();
    fs::write(bench.at("sign.md"), "x").unwrap();
    bench.settle_and_rest();
    assert_eq!(bench.books.documents.len(), 1);
}

#[test]
fn a_file_moves_over_another() {
    let mut bench = Bench::with(Default::default(), |root| {
        fs::create_dir(root.join("sub")).unwrap();
        fs::write(root.join("a.md"), "one").unwrap();
        fs::write(root.join("sub/b.md"), "another").unwrap();
    });
    bench.settle();
    bench.news();
    fs::rename(bench.at("a.md"), bench.at("sub/b.md")).unwrap();
    bench.settle_and_rest();
    assert_eq!(counts(&bench.news()), (1, 0, 0));
}

#[test]
fn a_file_becomes_a_directory_and_back() {
    let mut bench = Bench::new();
    bench.shell("echo x > thing");
    bench.settle();
    bench.shell("rm thing; mkdir thing; echo x > thing/in.md");
    bench.settle();
    bench.shell("rm -r thing; echo y > thing");
    bench.settle();
    assert_eq!(bench.books.documents.len(), 1);
}

#[test]
fn copies_archives_and_removal() {
    let mut bench = Bench::with(Default::default(), |root| plant(&root.join("seed"), 8, 12));
    bench.shell("cp -r seed copy");
    bench.settle();
    bench.shell("tar cf ../seed.tar seed && mkdir out && tar xf ../seed.tar -C out");
    bench.settle();
    if installed("rsync") {
        bench.shell("rsync -a seed/ synced/ && echo more >> seed/folder1/1.md && rsync -a --delete seed/ synced/");
        bench.settle();
    }
    bench.shell("rm -rf copy out/seed/folder1 seed");
    bench.settle();
}

#[test]
fn git_changes_branches() {
    if !installed("git") {
        return;
    }
    let mut bench = Bench::new();
    bench.shell(
        "git init -q . && git config user.email a@b && git config user.name n \
         && mkdir a b && for i in $(seq 50); do echo $i > a/$i.md; done && git add . && git commit -qm one \
         && git checkout -qb other && git mv a c && echo x > b/new.md && rm c/7.md && git add -A && git commit -qm two",
    );
    bench.settle();
    bench.shell("git checkout -q -");
    bench.settle();
    bench.shell("git checkout -q other");
    bench.settle();
    let internals = bench
        .books
        .log
        .iter()
        .any(|change| matches!(change, Change::Changed { path, .. } if path.starts_with(bench.root.join(".git"))));
    assert!(!internals);
}

#[test]
fn twenty_thousand_files_in_and_out() {
    let mut bench = Bench::new();
    plant(&bench.outside("many"), 100, 200);
    fs::rename(bench.outside("many"), bench.at("many")).unwrap();
    bench.until("all are told", |books| books.documents.len() == 20_000);
    bench.settle();
    bench.news();
    fs::rename(bench.at("many"), bench.at("renamed")).unwrap();
    bench.until("all are moved", |books| books.log.len() >= 20_000);
    bench.settle();
    let (moved, changed, removed) = counts(&bench.news());
    println!("20,000 files renamed with their directory: {moved} told as moved");
    assert_eq!(moved + changed, 20_000);
    assert_eq!(changed, removed);
    // One by one, in a burst, which may well overflow the kernel's queue.
    plant(&bench.at("burst"), 100, 200);
    bench.settle();
    fs::remove_dir_all(bench.at("burst")).unwrap();
    bench.settle();
    fs::rename(bench.at("renamed"), bench.outside("many")).unwrap();
    bench.settle();
    assert!(bench.books.documents.is_empty());
}

#[test]
fn a_slow_consumer_loses_nothing() {
    let mut bench = Bench::new();
    for round in 0..50 {
        plant(&bench.at("a"), 3, 20);
        bench.shell(&format!("echo {round} > a/folder1/1.md; mv a b; rm b/folder0/3.md; rm -rf c; mv b c"));
    }
    bench.settle();
    assert!(bench.books.log.len() < 3_000, "{} changes for 60 paths", bench.books.log.len());
}

#[test]
fn random_operations_end_up_as_the_disk() {
    let mut bench = Bench::new();
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    for round in 0..600 {
        let dir = |n: u64| ["", "a/", "b/", "a/c/", "b/d/", "a/c/e/"][n as usize % 6].to_owned();
        let from = bench.at(&format!("{}f{}.md", dir(random(6)), random(8)));
        let to = bench.at(&format!("{}f{}.md", dir(random(6)), random(8)));
        // Half of these fail, as the paths may not be there; that is part of it.
        let _ = match random(9) {
            0..3 => {
                from.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&from, format!("{round}")))
            }
            3 => fs::remove_file(&from),
            4 => fs::rename(&from, &to),
            5 => fs::rename(bench.at("a"), bench.at("b/moved")),
            6 => fs::rename(bench.at("b/moved"), bench.at("a")),
            7 => fs::rename(bench.at("a/c"), bench.at("b/d")),
            _ => fs::remove_dir_all(bench.at(&dir(1 + random(5)))),
        };
        if random(10) == 0 {
            bench.pump();
        }
        if random(60) == 0 {
            bench.settle();
        }
    }
    bench.settle_and_rest();
}
