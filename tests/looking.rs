//! Programs that know nothing of EchoFS go over the whole tree: no inference, no odd errors, right copies.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::common::{DEADLINE, Session, until};

/// The sample vault with some queries looked at and no language model running.
fn looked_at() -> Session {
    let session = Session::sample(&["--model", "smollm2-135m-q4_1"]);
    fs::write(session.at("knowledge/notes/first.md"), "# First\n\nSomething of my own.\n").expect("a note");
    fs::create_dir(session.at("knowledge/notes/deep")).expect("a folder");
    fs::write(session.at("knowledge/notes/deep/big.txt"), "0123456789abcdef\n".repeat(3_000)).expect("a note");
    // Ranks move while words and meaning come in, and facts and topics come in; what is compared below has to stand still.
    until("the notes are found", DEADLINE, || session.hits("lex:0123456789abcdef in:notes").len() == 1);
    session.wait_for_meaning();
    session.wait_for_the_rest();
    for query in ["heat pump price", "type:md bats", "tcp%2Fip 100%25"] {
        assert!(!session.list(format!("search/{query}")).is_empty());
    }
    session
}

fn no_inference(session: &Session, program: &str) {
    assert!(session.engine().is_none(), "{program} started {:?}", session.children());
    assert_eq!(session.status()["answers"], 0, "{program}");
}

fn clean(session: &Session, line: &str) -> Output {
    let done = session.shell(line);
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && stderr.is_empty(), "{line}: {} {stderr}", done.status);
    no_inference(session, line);
    done
}

/// Every regular file below `root`, without following links.
fn files(root: &Path) -> Vec<PathBuf> {
    let (mut todo, mut found) = (vec![root.to_owned()], Vec::new());
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(&dir).expect("a directory").map(|entry| entry.expect("an entry")) {
            match entry.file_type().expect("a type") {
                kind if kind.is_dir() => todo.push(entry.path()),
                kind if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found
}

/// Status, metrics and what the model does now are new at each look; everything else has to be equal.
fn is_live(path: &Path) -> bool {
    let name = path.file_name().expect("a name").to_string_lossy();
    ["status", "status.json", "metrics"].contains(&&*name) || path.ends_with(".echo/now")
}

fn equal(session: &Session, copy: &Path, program: &str) {
    let originals = files(&session.mountpoint());
    assert!(originals.len() > 60, "{}", originals.len());
    for original in originals.iter().filter(|path| !is_live(path)) {
        let relative = original.strip_prefix(session.mountpoint()).expect("below");
        let (want, got) = (fs::read(original).expect("readable"), fs::read(copy.join(relative)));
        assert!(got.is_ok_and(|got| got == want), "{program}: {} differs", relative.display());
    }
}

#[test]
fn crawlers_find_an_ordinary_tree() {
    let session = looked_at();
    clean(&session, "find . -ls");
    clean(&session, "ls -lRA .");
    clean(&session, "du -a --apparent-size .");
    clean(&session, "grep -rI 'no such words in here' . ; test $? = 1");
    clean(&session, "find . -type f -print0 | xargs -0 file --");
    clean(&session, "find . -type f -print0 | xargs -0 md5sum");
    clean(&session, "find . -exec getfattr -d -m - -- {} + > /dev/null");
}

#[test]
fn copies_equal_what_is_read() {
    let session = looked_at();
    let copies = tempfile::tempdir().expect("a directory");
    let to = |name: &str| copies.path().join(name);
    clean(&session, &format!("cp -r . '{}'", to("cp").display()));
    equal(&session, &to("cp"), "cp -r");
    clean(&session, &format!("rsync -a . '{}'", to("rsync").display()));
    equal(&session, &to("rsync"), "rsync -a");
    clean(&session, &format!("mkdir '{0}' && tar cf - . | tar xf - -C '{0}'", to("tar").display()));
    equal(&session, &to("tar"), "tar");
    let python = "import shutil, sys; shutil.copytree('.', sys.argv[1], symlinks=True)";
    clean(&session, &format!("python3 -c \"{python}\" '{}'", to("copytree").display()));
    equal(&session, &to("copytree"), "copytree");
}

#[test]
fn mapped_memory_equals_what_is_read() {
    let session = looked_at();
    let python = "
import mmap, os, sys
for root, _, names in os.walk('.'):
    for name in names:
        path = os.path.join(root, name)
        if os.path.islink(path) or name in ('status', 'status.json', 'metrics', 'now') or not os.path.getsize(path):
            continue
        with open(path, 'rb') as f:
            assert mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)[:] == f.read(), path
            assert os.fstat(f.fileno()).st_size == f.tell(), path
";
    clean(&session, &format!("python3 -c \"{python}\""));
}

#[test]
fn git_sees_an_ordinary_directory() {
    let session = looked_at();
    let out = session.shell("git status --short . 2>&1; git -C ask status 2>&1");
    assert!(String::from_utf8_lossy(&out.stdout).contains("not a git repository"), "{out:?}");
    no_inference(&session, "git");
    clean(
        &session,
        "cd knowledge/notes && git init -q . && git add -A && git -c user.name=a -c user.email=a@b commit -qm one && git status --short",
    );
}

#[test]
fn names_that_programs_probe_do_not_exist() {
    let session = looked_at();
    for name in [
        "ask/HEAD",
        "ask/package.json",
        "ask/.hidden",
        "ask/.git",
        "search/.hidden",
        ".Trash-0",
        "autorun.inf",
        "ask/.what is this?.md",
    ] {
        let error = fs::symlink_metadata(session.at(name)).expect_err(name);
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{name}");
    }
    assert!(fs::create_dir(session.at(".Trash-0")).is_err());
}

#[test]
fn a_question_that_is_only_looked_at_is_not_answered() {
    let session = looked_at();
    clean(
        &session,
        "stat 'ask/what is Mateo allergic to?' 'ask/who is Wanda?.json' && ls -l 'ask/what is Mateo allergic to?'",
    );
    clean(&session, "exec 3< 'ask/what is Mateo allergic to?'; exec 3<&-");
    assert!(session.list("ask").is_empty());
}

#[test]
fn inodes_sizes_and_times_stay() {
    let session = looked_at();
    let look = || -> Vec<(PathBuf, u64, u64, i64)> {
        let files = files(&session.mountpoint()).into_iter().filter(|path| !is_live(path));
        files
            .map(|path| {
                let meta = fs::symlink_metadata(&path).expect("metadata");
                assert_eq!(meta.len(), fs::read(&path).expect("readable").len() as u64, "{}", path.display());
                (path, meta.ino(), meta.len(), meta.mtime())
            })
            .collect()
    };
    let (first, second) = (look(), look());
    let changed: Vec<_> = first.iter().filter(|seen| !second.contains(seen)).collect();
    assert!(changed.is_empty() && first.len() == second.len(), "{changed:?}");
}
