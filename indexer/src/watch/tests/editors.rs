//! How programs save a file, and that it comes down to one change of its name.

use std::fs;
use std::path::Path;

use super::bench::{Bench, about, installed};
use crate::watch::Change;

/// One saving of `note.md` by `script` is told as one change of it, and of nothing else that stays.
fn one_change(script: &str) {
    let mut bench = Bench::new();
    fs::write(bench.at("note.md"), "first\n").unwrap();
    bench.settle_and_rest();
    bench.news();
    bench.shell(script);
    bench.settle_and_rest();
    let news = bench.news();
    let note = bench.at("note.md");
    let told = about(&news, &note);
    assert!(matches!(told[..], [Change::Changed { .. }]), "{script}: {news:#?}");
    let strangers: Vec<_> =
        news.iter().filter(|change| !about(std::slice::from_ref(change), &note).is_empty()).collect();
    assert_eq!(strangers.len(), news.len(), "{script}: {news:#?}");
}

#[test]
fn a_plain_write() {
    one_change("echo second > note.md");
}

#[test]
fn sed_in_place() {
    one_change("sed -i s/first/second/ note.md");
}

#[test]
fn write_beside_and_rename() {
    one_change("echo second > .goutputstream-X1Y2Z3; mv .goutputstream-X1Y2Z3 note.md");
}

#[test]
fn move_away_write_anew_delete_the_old() {
    one_change("mv note.md note.md~; echo second > note.md; rm note.md~");
}

#[test]
fn write_a_temporary_document_and_rename_it() {
    one_change("echo second > note.new.md; mv note.new.md note.md");
}

#[test]
fn ed_writes_in_place() {
    if installed("ed") {
        one_change("printf '1s/first/second/\\nw\\nq\\n' | ed -s note.md");
    }
}

#[test]
fn vim_with_its_settings() {
    if !installed("vim") {
        return;
    }
    for settings in ["set nobackup nowritebackup", "set backup", "set backupcopy=no writebackup", "set backupcopy=yes"]
    {
        let mut bench = Bench::new();
        fs::write(bench.at("note.md"), "first\n").unwrap();
        bench.settle_and_rest();
        bench.news();
        bench.shell(&format!("vim -u NONE -es -c '{settings}' -c '%s/first/second/' -c wq note.md </dev/null"));
        bench.settle_and_rest();
        let news = bench.news();
        let told = about(&news, &bench.at("note.md"));
        assert!(matches!(told[..], [Change::Changed { .. }]), "{settings}: {news:#?}");
        assert!(!news.iter().any(|change| matches!(change, Change::Moved { .. })), "{settings}: {news:#?}");
    }
}

#[test]
fn a_file_written_to_all_the_time_is_told_all_the_same() {
    let mut bench = Bench::new();
    let path = bench.at("growing.log");
    let writer = std::thread::spawn({
        let path = path.clone();
        move || {
            use std::io::Write;
            let mut file = fs::File::create(path).unwrap();
            for _ in 0..200 {
                file.write_all(b"line\n").unwrap();
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        }
    });
    bench.until("told while it is written", |books| books.documents.contains_key(&path));
    assert!(!writer.is_finished(), "told only after the last write");
    writer.join().unwrap();
    bench.settle();
}

#[test]
fn what_comes_and_goes_at_once_is_not_told() {
    let mut bench = Bench::new();
    for n in 0..20 {
        let path = bench.at(&format!("tmp{n}.md"));
        fs::write(&path, "x").unwrap();
        fs::remove_file(&path).unwrap();
    }
    fs::write(bench.at("stays.md"), "x").unwrap();
    bench.settle_and_rest();
    let stays = bench.at("stays.md");
    let told = bench.books.log.iter().filter(|change| matches!(change, Change::Changed { path, .. } if *path != stays));
    // One may be told where this thread was held up between the two calls for longer than a file has to be quiet.
    assert!(told.count() <= 1);
}

#[test]
fn names_of_all_kinds() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let mut bench = Bench::new();
    for name in [&b"caf\xe9.md"[..], "naïve ☃.md".as_bytes(), b"new\nline.md", b" space .md", &[b'x'; 255]] {
        fs::write(bench.root.join(Path::new(OsStr::from_bytes(name))), "x").unwrap();
    }
    bench.settle();
    assert_eq!(bench.books.documents.len(), 5);
}
