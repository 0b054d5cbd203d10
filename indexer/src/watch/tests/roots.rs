//! Sources that go away and come back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::bench::{Bench, Books, PATIENCE, documents};
use crate::policy::Policy;
use crate::watch::{Options, Watcher};

#[test]
fn a_source_that_moves_away_is_out_of_reach_and_comes_back() {
    let mut bench = Bench::with(Options::default(), |root| fs::write(root.join("a.md"), "x").unwrap());
    bench.settle();
    let root = bench.root.clone();
    fs::rename(&root, bench.outside("elsewhere")).unwrap();
    bench.until("out of reach", |books| books.unavailable.contains(&root));
    assert_eq!(bench.books.documents.len(), 1, "its documents are kept");
    assert!(bench.watcher.state(&root).unwrap().unavailable.is_some());
    fs::write(bench.outside("elsewhere/b.md"), "y").unwrap();
    fs::rename(bench.outside("elsewhere"), &root).unwrap();
    bench.until("complete again", |books| books.unavailable.is_empty() && books.completed == 2);
    bench.settle();
    fs::write(root.join("c.md"), "z").unwrap();
    bench.settle();
}

#[test]
fn a_source_that_is_made_anew_is_scanned_anew() {
    let mut bench = Bench::with(Options::default(), |root| fs::write(root.join("a.md"), "x").unwrap());
    bench.settle();
    fs::rename(&bench.root, bench.outside("old")).unwrap();
    fs::create_dir(&bench.root).unwrap();
    fs::write(bench.at("b.md"), "y").unwrap();
    bench.settle();
    fs::write(bench.at("c.md"), "z").unwrap();
    bench.settle();
}

#[test]
fn a_source_that_is_not_there_at_the_start_is_awaited() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("later");
    let policy = Arc::new(Policy::new(vec![root.clone()], vec![]));
    let watcher = Watcher::start(policy, Options::default()).unwrap();
    let mut bench = Bench { temp, root, watcher, books: Books::default() };
    bench.until("reported", |books| !books.unavailable.is_empty());
    fs::create_dir(&bench.root).unwrap();
    fs::write(bench.at("a.md"), "x").unwrap();
    bench.until("complete", |books| books.completed == 1);
    bench.settle();
}

#[test]
fn a_source_in_a_source_belongs_to_itself() {
    let temp = tempfile::tempdir().unwrap();
    let (outer, inner) = (temp.path().join("outer"), temp.path().join("outer/inner"));
    fs::create_dir_all(&inner).unwrap();
    fs::write(outer.join("a.md"), "x").unwrap();
    fs::write(inner.join("b.md"), "y").unwrap();
    let policy = Arc::new(Policy::new(vec![outer.clone(), inner.clone()], vec![]));
    let watcher = Watcher::start(policy, Options::default()).unwrap();
    let mut changed: Vec<PathBuf> = Vec::new();
    let deadline = std::time::Instant::now() + PATIENCE;
    while changed.len() < 2 && std::time::Instant::now() < deadline {
        for change in watcher.next(10, std::time::Duration::from_millis(50)).unwrap() {
            if let crate::watch::Change::Changed { path, .. } = change {
                changed.push(path);
            }
        }
    }
    changed.sort();
    assert_eq!(changed, [outer.join("a.md"), inner.join("b.md")]);
    assert_eq!(watcher.state(&inner).unwrap().files, 1);
}

/// Mounts need root; without it there is nothing to see.
fn mount(kind: &str, point: &Path) -> bool {
    let done = Command::new("mount").args(["-t", kind, kind]).arg(point).output();
    done.is_ok_and(|done| done.status.success())
}

fn unmount(point: &Path) {
    assert!(Command::new("umount").arg("-l").arg(point).status().unwrap().success());
}

#[test]
fn an_unmounted_disk_keeps_its_documents() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("disk");
    fs::create_dir(&root).unwrap();
    if !mount("tmpfs", &root) {
        return;
    }
    fs::create_dir(root.join("dir")).unwrap();
    fs::write(root.join("dir/a.md"), "x").unwrap();
    let policy = Arc::new(Policy::new(vec![root.clone()], vec![]));
    let watcher = Watcher::start(policy, Options::default()).unwrap();
    let mut bench = Bench { temp, root: root.clone(), watcher, books: Books::default() };
    bench.until("complete", |books| books.completed == 1);
    bench.settle();
    unmount(&root);
    bench.until("out of reach", |books| !books.unavailable.is_empty());
    assert_eq!(bench.books.documents.len(), 1, "{:#?}", bench.books);
    assert!(mount("tmpfs", &root));
    fs::write(root.join("b.md"), "y").unwrap();
    bench.until("back", |books| books.unavailable.is_empty() && books.completed >= 2);
    bench.settle();
    unmount(&root);
}

#[test]
fn what_is_mounted_inside_is_not_entered() {
    let mut bench = Bench::with(Options::default(), |root| {
        fs::create_dir(root.join("mnt")).unwrap();
        fs::write(root.join("mnt/below.md"), "x").unwrap();
    });
    bench.settle();
    let point = bench.at("mnt");
    if !mount("tmpfs", &point) {
        return;
    }
    fs::write(point.join("foreign.md"), "y").unwrap();
    bench.until("left", |books| books.skipped.get(&point).is_some_and(|why| why == "other file system"));
    assert!(bench.books.documents.is_empty());
    unmount(&point);
    bench.until("entered again", |books| books.documents.len() == 1 && books.skipped.is_empty());
    assert_eq!(bench.books.documents, documents(&bench.root));
}
