//! `knowledge/notes` is an ordinary directory: the same operations on it and on a plain one give the same.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::common::{DEADLINE, Session, until};

/// One operation on a small set of names.
#[derive(Clone, Debug)]
enum Operation {
    Write(usize, Vec<u8>),
    Append(usize, Vec<u8>),
    WriteAt(usize, u16, Vec<u8>),
    Truncate(usize, u16),
    Rename(usize, usize),
    Unlink(usize),
    Mkdir(usize),
    Rmdir(usize),
    Symlink(usize, usize),
    Link(usize, usize),
    Chmod(usize, u32),
    Times(usize, u32),
}

const NAMES: [&str; 7] = ["a.md", "b.txt", "c", "dir", "dir/d.md", "dir/sub", "dir/sub/ö ü.md"];

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let name = || 0..NAMES.len();
    let bytes = || prop::collection::vec(any::<u8>(), 0..9000);
    prop_oneof![
        3 => (name(), bytes()).prop_map(|(n, b)| Write(n, b)),
        2 => (name(), bytes()).prop_map(|(n, b)| Append(n, b)),
        2 => (name(), any::<u16>(), bytes()).prop_map(|(n, at, b)| WriteAt(n, at, b)),
        1 => (name(), any::<u16>()).prop_map(|(n, size)| Truncate(n, size)),
        2 => (name(), name()).prop_map(|(a, b)| Rename(a, b)),
        1 => name().prop_map(Unlink),
        3 => name().prop_map(Mkdir),
        1 => name().prop_map(Rmdir),
        1 => (name(), name()).prop_map(|(a, b)| Symlink(a, b)),
        1 => (name(), name()).prop_map(|(a, b)| Link(a, b)),
        1 => (name(), 0o600..0o777u32).prop_map(|(n, mode)| Chmod(n, mode)),
        1 => (name(), any::<u32>()).prop_map(|(n, time)| Times(n, time)),
    ]
}

/// Does it below `root`; the kind of error says enough of what went wrong.
fn perform(root: &Path, operation: &Operation) -> Result<(), Option<i32>> {
    let at = |name: &usize| root.join(NAMES[*name]);
    let done = match operation {
        Operation::Write(n, bytes) => fs::write(at(n), bytes),
        Operation::Append(n, bytes) => {
            OpenOptions::new().append(true).create(true).open(at(n)).and_then(|mut file| file.write_all(bytes))
        }
        Operation::WriteAt(n, offset, bytes) => {
            OpenOptions::new().write(true).open(at(n)).and_then(|file| file.write_all_at(bytes, u64::from(*offset)))
        }
        Operation::Truncate(n, size) => {
            OpenOptions::new().write(true).open(at(n)).and_then(|file| file.set_len(u64::from(*size)))
        }
        Operation::Rename(a, b) => fs::rename(at(a), at(b)),
        Operation::Unlink(n) => fs::remove_file(at(n)),
        Operation::Mkdir(n) => fs::create_dir(at(n)),
        Operation::Rmdir(n) => fs::remove_dir(at(n)),
        Operation::Symlink(a, b) => symlink(NAMES[*a], at(b)),
        Operation::Link(a, b) => fs::hard_link(at(a), at(b)),
        Operation::Chmod(n, mode) => fs::set_permissions(at(n), fs::Permissions::from_mode(*mode)),
        Operation::Times(n, time) => {
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::from(*time));
            File::options().write(true).open(at(n)).and_then(|file| file.set_modified(time))
        }
    };
    done.map_err(|error| error.raw_os_error())
}

#[derive(Debug, PartialEq)]
struct Seen {
    mode: u32,
    links: u64,
    size: u64,
    content: Option<Vec<u8>>,
    target: Option<PathBuf>,
}

fn tree(root: &Path) -> BTreeMap<PathBuf, Seen> {
    let (mut todo, mut all) = (vec![root.to_owned()], BTreeMap::new());
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry")) {
            let (path, meta) = (entry.path(), entry.metadata().expect("metadata"));
            if meta.is_dir() {
                todo.push(path.clone());
            }
            let seen = Seen {
                mode: meta.mode(),
                links: if meta.is_dir() { 0 } else { meta.nlink() },
                size: if meta.is_dir() { 0 } else { meta.len() },
                content: meta.is_file().then(|| fs::read(&path).expect("readable")),
                target: meta.is_symlink().then(|| fs::read_link(&path).expect("a link")),
            };
            all.insert(path.strip_prefix(root).expect("below").to_owned(), seen);
        }
    }
    all
}

#[test]
fn any_operations_give_what_a_plain_directory_gives() {
    let session = Session::with(&[]);
    let notes = session.at("knowledge/notes");
    let plain = tempfile::tempdir().expect("a directory");
    let rounds = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let result = runner.run(&prop::collection::vec(operation(), 1..40), |operations| {
        let round = rounds.replace(rounds.get() + 1);
        let (ours, theirs) = (notes.join(format!("{round}")), plain.path().join(format!("{round}")));
        fs::create_dir(&ours).expect("a folder");
        fs::create_dir(&theirs).expect("a folder");
        for operation in &operations {
            prop_assert_eq!(perform(&ours, operation), perform(&theirs, operation), "{:?}", operation);
        }
        prop_assert_eq!(tree(&ours), tree(&theirs));
        fs::remove_dir_all(&ours).expect("removed");
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn the_files_are_real_ones_in_the_data_directory() {
    let session = Session::with(&[]);
    fs::write(session.at("knowledge/notes/plan.md"), "one\n").expect("written");
    assert_eq!(fs::read_to_string(session.data().join("notes/plan.md")).expect("real"), "one\n");
    fs::write(session.data().join("notes/other.md"), "two\n").expect("written");
    assert_eq!(session.read("knowledge/notes/other.md"), "two\n");
}

#[test]
fn an_open_file_survives_its_name() {
    let session = Session::with(&[]);
    let path = session.at("knowledge/notes/short-lived.md");
    fs::write(&path, "still here").expect("written");
    let mut file = OpenOptions::new().read(true).write(true).open(&path).expect("open");
    fs::remove_file(&path).expect("removed");
    let mut text = String::new();
    file.read_to_string(&mut text).expect("readable");
    assert_eq!(text, "still here");
    file.seek(SeekFrom::Start(0)).expect("seek");
    file.write_all(b"and writable").expect("writable");
    file.sync_all().expect("synced");
    assert_eq!(file.metadata().expect("metadata").nlink(), 0);
}

#[test]
fn locks_attributes_and_mapped_writes_work() {
    let session = Session::with(&[]);
    let python = r#"
import fcntl, mmap, os
with open('n.bin', 'w+b') as f:
    f.truncate(8192)
    m = mmap.mmap(f.fileno(), 8192)
    m[5000:5005] = b'hello'
    m.flush(); m.close()
assert open('n.bin', 'rb').read()[5000:5005] == b'hello'
a, b = open('n.bin', 'r+b'), open('n.bin', 'r+b')
fcntl.flock(a, fcntl.LOCK_EX | fcntl.LOCK_NB)
try:
    fcntl.flock(b, fcntl.LOCK_EX | fcntl.LOCK_NB)
    raise SystemExit('two exclusive locks')
except BlockingIOError:
    pass
fcntl.lockf(a, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 0)
os.setxattr('n.bin', 'user.colour', b'green')
assert os.getxattr('n.bin', 'user.colour') == b'green' and os.listxattr('n.bin') == ['user.colour']
os.removexattr('n.bin', 'user.colour')
assert os.listxattr('n.bin') == []
os.mkfifo('pipe'); os.unlink('pipe')
os.posix_fallocate(a.fileno(), 0, 20000)
assert os.path.getsize('n.bin') == 20000
assert os.lseek(a.fileno(), 0, os.SEEK_DATA) >= 0
"#;
    let out = session.shell(&format!("cd knowledge/notes && python3 -c '{}'", python.replace('\'', "'\\''")));
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn nothing_can_be_made_or_removed_elsewhere() {
    let session = Session::with(&[("a.md", "# A\n\nwords\n")]);
    assert!(!session.list("search/words").is_empty());
    for path in
        ["new.md", "ask/new.md", "knowledge/new.md", "knowledge/recent/new.md", ".echo/new", "search/words/new.md"]
    {
        assert!(File::create(session.at(path)).is_err(), "{path}");
        assert!(fs::create_dir(session.at(path)).is_err(), "{path}");
    }
    for path in ["README.md", "status", "search/words/results.jsonl", "knowledge/recent/a.md", ".echo/config.toml"] {
        let error = fs::remove_file(session.at(path)).expect_err(path);
        assert_eq!(error.raw_os_error(), Some(libc_eperm()), "{path}");
        assert!(fs::write(session.at(path), "x").is_err() || path == "knowledge/recent/a.md", "{path}");
    }
    assert!(fs::rename(session.at("README.md"), session.at("knowledge/notes/README.md")).is_err());
}

fn libc_eperm() -> i32 {
    rustix::io::Errno::PERM.raw_os_error()
}

#[test]
fn what_is_written_here_is_found_and_what_is_removed_is_not() {
    let session = Session::with(&[]);
    let note = session.at("knowledge/notes/quern.md");
    fs::write(&note, "# Quern\n\nThe quernstone is at Oda's.\n").expect("written");
    until("the note is found", DEADLINE, || session.hits("lex:quernstone").len() == 1);
    fs::rename(&note, session.at("knowledge/notes/stone.md")).expect("renamed");
    until("under its new name", DEADLINE, || {
        session.hits("lex:quernstone").first().is_some_and(|path| path.ends_with("stone.md"))
    });
    fs::remove_file(session.at("knowledge/notes/stone.md")).expect("removed");
    until("not found", DEADLINE, || session.hits("lex:quernstone").is_empty());
}

#[test]
fn a_sentence_to_remember_is_kept_and_found() {
    let mut session = Session::with(&[]);
    fs::write(session.at("remember"), "The quernstone is at Oda's.\n").expect("kept");
    until("it is found", DEADLINE, || session.hits("lex:quernstone").len() == 1);
    let note = session.data().join("notes/remembered.md");
    let kept = || fs::read_to_string(&note).expect("readable").lines().count();
    assert_eq!(kept(), 3);
    assert!(session.run(["remember", "Oda", "has the key."]).status.success());
    assert_eq!(kept(), 4);
    session.unmount();
    assert!(session.run(["remember", "without a mount"]).status.success());
    assert!(fs::read_to_string(&note).expect("readable").ends_with(": without a mount\n"));
}
