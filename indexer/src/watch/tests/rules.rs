//! The policy while things change.

use std::fs;

use super::bench::Bench;
use crate::watch::{Change, Options};

#[test]
fn a_new_ignore_file_takes_effect_and_loses_it_again() {
    let mut bench = Bench::new();
    bench.shell("mkdir -p sub/private; echo x > sub/private/a.md; echo x > sub/b.md; echo x > sub/c.log");
    bench.settle();
    assert_eq!(bench.books.documents.len(), 3);
    bench.shell("printf 'private/\\n*.log\\n' > .gitignore");
    bench.until("two are skipped", |books| books.documents.len() == 1);
    let private = bench.at("sub/private");
    bench.until("the directory once", |books| {
        books.skipped.get(&private).is_some_and(|why| why == "ignored by .gitignore")
    });
    bench.shell("echo y > sub/private/new.md; echo '!private/' > sub/.echoignore");
    bench.until("let in again", |books| books.documents.len() == 3);
    bench.shell("echo z > sub/private/later.md");
    bench.until("watched again", |books| books.documents.len() == 4);
    bench.shell("rm .gitignore sub/.echoignore");
    bench.settle();
    assert_eq!(bench.books.documents.len(), 5);
}

#[test]
fn machine_made_directories_are_told_once_and_not_entered() {
    let mut bench = Bench::new();
    bench.shell("mkdir -p node_modules/x .git .ssh sub; for i in $(seq 100); do echo x > node_modules/x/$i.md; done");
    bench.shell("echo x > .ssh/config; echo x > sub/id_rsa; echo x > sub/a.pem; mkfifo sub/pipe; ln -s /etc sub/etc; echo x > sub/a.md");
    bench.until("all are told", |books| books.documents.len() == 1 && books.skipped.len() == 7);
    bench.rest();
    assert_eq!(bench.books.documents.len(), 1);
    assert_eq!(bench.books.skipped.len(), 7, "{:#?}", bench.books.skipped);
}

#[test]
fn a_build_directory_is_left_when_its_tag_appears() {
    let mut bench = Bench::new();
    bench.shell("mkdir -p target/doc; echo x > target/doc/a.html");
    bench.until("entered at first", |books| books.documents.len() == 1);
    bench.shell("echo 'Signature: 8a477f597d28d172789f06886806bc55' > target/CACHEDIR.TAG");
    bench.until("left", |books| books.documents.is_empty() && books.skipped.contains_key(&bench_target(books)));
    bench.shell("rm target/CACHEDIR.TAG; mkdir x");
    bench.watcher.rescan(None);
    bench.until("entered again", |books| books.documents.len() == 1);
}

fn bench_target(books: &super::bench::Books) -> std::path::PathBuf {
    books.skipped.keys().find(|path| path.ends_with("target")).cloned().unwrap_or_default()
}

#[test]
fn a_directory_that_cannot_be_listed_is_reported_and_comes_back() {
    let mut bench = Bench::new();
    bench.shell("mkdir dir; echo x > dir/a.md");
    bench.settle();
    if is_root() {
        return;
    }
    bench.shell("chmod 000 dir");
    bench.until("reported", |books| !books.failed.is_empty());
    assert_eq!(bench.books.documents.len(), 1);
    bench.shell("chmod 755 dir");
    bench.until("taken back", |books| books.failed.is_empty());
}

/// Root may list everything, so there is nothing to see.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0)
}

#[test]
fn a_touch_by_reading_is_not_told() {
    let mut bench = Bench::with(Options::default(), |root| fs::write(root.join("a.md"), "x").unwrap());
    bench.settle_and_rest();
    bench.news();
    bench.shell("cat a.md; chmod 600 a.md; grep -r x . ; ls -lR");
    fs::write(bench.at("sign.md"), "x").unwrap();
    bench.settle_and_rest();
    let path = bench.at("sign.md");
    assert!(bench.news().iter().all(|change| matches!(change, Change::Changed { path: of, .. } if *of == path)));
}
