//! Kept queries on a real mount: `mkdir`, `rmdir` and `mv` in `search/`, and what happens when a new document enters one.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use rustix::fs::inotify;
use serde_json::Value;

use crate::common::{DEADLINE, Session, until};

const NOTES: &[(&str, &str)] = &[
    ("garden/tomato.md", "# Tomato\n\nSow the tomato seeds in March on the window sill.\n"),
    ("garden/leek.md", "# Leek\n\nLeeks are planted deep.\n"),
];

/// Names in `search/`, in the order they are listed.
fn listed(session: &Session) -> Vec<String> {
    let entries = fs::read_dir(session.at("search")).expect("a directory");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_kept_query_outlives_everything() {
    let mut session = Session::with(NOTES);
    for query in ["lex:seeds", "garden type:md", "tcp%2Fip 100%25"] {
        fs::create_dir(session.at("search").join(query)).unwrap_or_else(|error| panic!("{query}: {error}"));
    }
    let again = fs::create_dir(session.at("search/lex:seeds")).expect_err("kept already");
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);
    session.kill();
    session.mount();
    session.wait_for_words();
    assert_eq!(listed(&session), ["tcp%2Fip 100%25", "garden type:md", "lex:seeds"]);
    fs::remove_dir(session.at("search/garden type:md")).expect("dropped");
    assert_eq!(fs::remove_dir(session.at("search/garden type:md")).expect_err("gone").kind(), ErrorKind::NotFound);
    fs::rename(session.at("search/lex:seeds"), session.at("search/lex:leeks")).expect("renamed");
    assert_eq!(session.list("search/lex:leeks/files"), ["01-leek.md"], "another name is another query");
    session.unmount();
    session.mount();
    session.wait_for_words();
    assert_eq!(listed(&session), ["tcp%2Fip 100%25", "lex:leeks"]);
}

#[test]
fn programs_keep_drop_and_rename_queries() {
    let session = Session::with(NOTES);
    let done = session.shell(
        "mkdir 'search/tomato seeds' && mkdir -p 'search/leeks' && mv 'search/tomato seeds' 'search/tomato sowing' \
         && rmdir search/leeks && python3 -c 'import os; os.mkdir(\"search/by python\")' && ls -U search",
    );
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(String::from_utf8_lossy(&done.stdout), "by python\ntomato sowing\n");
    assert!(!session.list("search/tomato sowing").is_empty());
}

#[test]
fn a_query_takes_the_name_of_a_recent_one_and_not_of_a_kept_one() {
    let session = Session::with(NOTES);
    for query in ["lex:seeds", "lex:leeks"] {
        fs::create_dir(session.at("search").join(query)).expect("kept");
    }
    assert!(!session.list("search/garden").is_empty());
    fs::rename(session.at("search/lex:seeds"), session.at("search/garden")).expect("it was only looked into");
    assert_eq!(listed(&session), ["lex:leeks", "garden"]);
    let onto = fs::rename(session.at("search/lex:leeks"), session.at("search/garden")).expect_err("it is kept");
    assert_eq!(onto.kind(), ErrorKind::AlreadyExists);
    assert_eq!(listed(&session), ["lex:leeks", "garden"]);
    assert!(!session.list("search/march").is_empty());
    let done = session.shell("mv search/garden search/march && ls -U search");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(String::from_utf8_lossy(&done.stdout), "lex:leeks\nmarch\n");
}

#[test]
fn what_is_no_query_is_not_kept() {
    let session = Session::with(NOTES);
    let refused = |path: &str| fs::create_dir(session.at(path)).expect_err(path).kind();
    assert_eq!(refused("search/.Trash-1000"), ErrorKind::PermissionDenied);
    assert_eq!(refused(&format!("search/{}", "long ".repeat(60))), ErrorKind::InvalidFilename);
    session.list("search/seeds");
    let renamed = fs::rename(session.at("search/seeds"), session.at("search/leeks"));
    assert!(renamed.is_err(), "only what is kept can be renamed");
    assert_eq!(listed(&session), ["seeds"]);
}

#[test]
fn recent_queries_come_after_the_kept_ones_newest_first() {
    let session = Session::with(NOTES);
    fs::create_dir(session.at("search/kept one")).expect("kept");
    for n in 0..25 {
        session.list(format!("search/query {n}"));
    }
    session.list("search/query 9");
    let names = listed(&session);
    assert_eq!(names[..4], ["kept one", "query 24", "query 23", "query 22"], "looking again changes nothing");
    assert_eq!(names.len(), 21);
    fs::remove_dir(session.at("search/query 24")).expect("a recent one goes too");
    assert_eq!(listed(&session)[..3], ["kept one", "query 23", "query 22"]);
    fs::create_dir(session.at("search/query 23")).expect("a recent one can be kept");
    assert_eq!(listed(&session)[..3], ["query 23", "kept one", "query 22"]);
}

#[test]
fn a_new_document_is_announced_to_events_and_to_watchers() {
    let session = Session::with(NOTES);
    fs::create_dir(session.at("search/lex:seeds")).expect("kept");
    let dir = session.at("search/lex:seeds");
    let before = fs::metadata(&dir).expect("metadata").mtime_nsec();
    let watching = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK).expect("inotify");
    inotify::add_watch(&watching, dir.as_path(), inotify::WatchFlags::ATTRIB | inotify::WatchFlags::CREATE)
        .expect("watched");
    let mut reader = crate::events::Reader::open(&session);

    session.write("other.md", "# Other\n\nNothing of the kind.\n");
    session.write("garden/pea.md", "# Pea\n\nPeas are large seeds.\n");
    let hit = reader.line("the new hit is told", |line: &Value| line["event"] == "hit");
    assert_eq!((&hit["query"], &hit["title"]), (&"lex:seeds".into(), &"Pea".into()));
    let (mut attributes, mut created) = (false, Vec::new());
    let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
    let mut events = inotify::Reader::new(&watching, &mut buffer);
    until("watchers are told", DEADLINE, || {
        while let Ok(event) = events.next() {
            attributes |= event.events().contains(inotify::ReadFlags::ATTRIB);
            if event.events().contains(inotify::ReadFlags::CREATE) {
                created.extend(event.file_name().map(|name| PathBuf::from(name.to_string_lossy().into_owned())));
            }
        }
        attributes && !created.is_empty()
    });
    let names = session.list("search/lex:seeds");
    assert!(created.iter().all(|name| names.contains(&name.to_string_lossy().into_owned())), "{created:?} {names:?}");
    assert!(created.iter().any(|name| name.to_string_lossy().contains("Pea")), "{created:?}");
    assert_ne!(fs::metadata(&dir).expect("metadata").mtime_nsec(), before);
    assert!(session.read(format!("search/lex:seeds/{}", created[0].display())).contains("Peas are large seeds"));
    let told: Vec<&str> = reader.text.lines().filter(|line| line.contains("\"event\":\"hit\"")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn what_enters_by_what_it_states_is_announced() {
    let session = Session::with(&[("people.md", "# People\n\nOda Brekke lives in Bergen. She owns a boat.\n")]);
    session.wait_for_the_rest();
    fs::create_dir(session.at("search/entity:\"Oda Brekke\"")).expect("kept");
    let mut reader = crate::events::Reader::open(&session);
    session.write("work/mill.md", "# Mill\n\nOda Brekke is the owner of Arrin Mill.\n");
    let hit = reader.line("the new hit is told", |line: &Value| line["event"] == "hit");
    assert_eq!(hit["title"], "Mill");
}
