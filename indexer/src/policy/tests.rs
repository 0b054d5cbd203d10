//! The whole rule, on real directories.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;

use super::*;

/// A source with the given files; names that end in `/` are directories.
fn source(files: &[(&str, &str)]) -> (tempfile::TempDir, Policy) {
    let temp = tempfile::Builder::new().prefix("policy").tempdir().unwrap();
    for (name, text) in files {
        let path = temp.path().join(name);
        if name.ends_with('/') {
            fs::create_dir_all(path).unwrap();
            continue;
        }
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let policy = Policy::new(vec![temp.path().to_path_buf()], vec![temp.path().join("mnt")]);
    (temp, policy)
}

fn reason(policy: &Policy, root: &Path, name: &str) -> String {
    match policy.verdict(&root.join(name), root.join(name).is_dir()) {
        Verdict::Index => "index".to_owned(),
        Verdict::Skip(reason) => reason.to_string(),
    }
}

fn check(files: &[(&str, &str)], expected: &[(&str, &str)]) {
    let (temp, policy) = source(files);
    for (name, words) in expected {
        assert_eq!(reason(&policy, temp.path(), name), *words, "{name}");
    }
}

#[test]
fn each_rule_has_its_words() {
    check(
        &[
            ("a.md", ""),
            (".hidden.md", ""),
            (".git/config", ""),
            ("node_modules/x/readme.md", ""),
            ("target/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55"),
            ("target/doc/index.html", ""),
            ("venv/pyvenv.cfg", ""),
            ("venv/lib/x.py", ""),
            ("mnt/ask/x.md", ""),
            ("a.md~", ""),
            ("keys/id_rsa", ""),
        ],
        &[
            ("a.md", "index"),
            ("missing.md", "index"),
            (".hidden.md", "hidden"),
            (".git/config", "version control"),
            ("node_modules/x/readme.md", "cache or build output"),
            ("target/doc/index.html", "cache directory"),
            ("venv/lib/x.py", "virtual environment"),
            ("mnt", "excluded: belongs to this filesystem"),
            ("mnt/ask/x.md", "excluded: belongs to this filesystem"),
            ("a.md~", "temporary or backup file"),
            ("keys/id_rsa", "secret: SSH keys"),
            ("/etc/passwd", "outside of the sources"),
        ],
    );
}

#[test]
fn ignore_files_nest_and_negate() {
    check(
        &[
            (".gitignore", "*.log\n/build/\nprivate/\n"),
            ("x.log", ""),
            ("sub/.gitignore", "!keep.log\n"),
            ("sub/keep.log", ""),
            ("sub/other.log", ""),
            ("build/out.md", ""),
            ("sub/build/out.md", ""),
            ("private/.gitignore", "!*\n"),
            ("private/diary.md", ""),
        ],
        &[
            ("x.log", "ignored by .gitignore"),
            ("sub/keep.log", "index"),
            ("sub/other.log", "ignored by .gitignore"),
            ("build/out.md", "ignored by .gitignore"),
            ("sub/build/out.md", "index"),
            ("private/diary.md", "ignored by .gitignore"),
        ],
    );
}

#[test]
fn echoignore_counts_for_more_but_never_lets_secrets_in() {
    check(
        &[
            (".gitignore", "drafts/\n"),
            (".echoignore", "!drafts/\n!.config/\n!id_rsa\n!.git/\n*.csv\n"),
            ("drafts/novel.md", ""),
            (".config/notes.md", ""),
            (".config/.inner.md", ""),
            ("id_rsa", ""),
            (".git/config", ""),
            ("data.csv", ""),
        ],
        &[
            ("drafts/novel.md", "index"),
            (".config/notes.md", "index"),
            (".config/.inner.md", "hidden"),
            ("id_rsa", "secret: SSH keys"),
            (".git/config", "version control"),
            ("data.csv", "ignored by .echoignore"),
        ],
    );
}

#[test]
fn ignore_files_that_are_no_files_say_nothing() {
    let (temp, policy) = source(&[("a.log", "")]);
    rustix::fs::mknodat(rustix::fs::CWD, temp.path().join(".gitignore"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .unwrap();
    assert_eq!(reason(&policy, temp.path(), "a.log"), "index");
}

#[test]
fn special_files_and_links_are_never_opened() {
    let (temp, policy) = source(&[("a.md", "text"), ("dir/b.md", "")]);
    let at = |name: &str| temp.path().join(name);
    rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let _socket = UnixListener::bind(at("socket")).unwrap();
    std::os::unix::fs::symlink("a.md", at("link.md")).unwrap();
    std::os::unix::fs::symlink("/etc", at("etc")).unwrap();
    assert_eq!(reason(&policy, temp.path(), "pipe"), "special file: pipe");
    assert_eq!(reason(&policy, temp.path(), "socket"), "special file: socket");
    assert_eq!(reason(&policy, temp.path(), "link.md"), "symbolic link");
    assert_eq!(reason(&policy, temp.path(), "etc/hostname"), "symbolic link");
    for name in ["pipe", "socket", "link.md", "etc/hostname", "dir"] {
        assert!(policy.open(&at(name)).is_err(), "{name}");
    }
    assert!(policy.open(&at("a.md")).is_ok());
    assert!(policy.open(&at("dir/b.md")).is_ok());
}

#[test]
fn indexing_a_file_does_not_count_as_use() {
    let (temp, policy) = source(&[("a.md", "text")]);
    let path = temp.path().join("a.md");
    let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    File::open(&path).unwrap().set_times(fs::FileTimes::new().set_accessed(long_ago)).unwrap();
    let mut text = String::new();
    io::Read::read_to_string(&mut policy.open(&path).unwrap(), &mut text).unwrap();
    assert_eq!((text.as_str(), fs::metadata(&path).unwrap().accessed().unwrap()), ("text", long_ago));
}

#[test]
fn large_files_are_left_out() {
    let (temp, policy) = source(&[("small", "123"), ("large", "1234")]);
    let policy = policy.max_bytes(3);
    assert_eq!(reason(&policy, temp.path(), "small"), "index");
    assert!(reason(&policy, temp.path(), "large").starts_with("too large"));
}

#[test]
fn a_source_inside_the_excluded_data_directory_is_a_source() {
    let data = Path::new("/home/me/.local/share/echofs");
    let policy = Policy::new(vec!["/home/me".into(), data.join("notes")], vec![data.into(), "/home/me/echo".into()]);
    assert_eq!(policy.readable(&data.join("notes/a.md")), Ok(()));
    assert_eq!(policy.readable(&data.join("journal/x")), Err(Reason::Excluded));
    assert_eq!(policy.readable(Path::new("/home/me/echo/ask/x.md")), Err(Reason::Excluded));
    assert_eq!(policy.readable(Path::new("/home/me/a.md")), Ok(()));
    assert_eq!(policy.readable(Path::new("/home/you/a.md")), Err(Reason::OutsideSources));
    assert!(matches!(policy.readable(Path::new("/home/me/.ssh/config")), Err(Reason::Secret(_))));
}

#[test]
fn names_that_are_not_utf8_are_fine() {
    use std::os::unix::ffi::OsStrExt;
    let (temp, policy) = source(&[]);
    let path = temp.path().join(OsStr::from_bytes(b"caf\xe9 \xff.md"));
    fs::write(&path, "x").unwrap();
    assert_eq!(policy.verdict(&path, false), Verdict::Index);
    assert!(policy.open(&path).is_ok());
}
