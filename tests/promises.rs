//! The floor of the promises: nothing acknowledged is lost, damage heals, what is private stays private.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::common::{DEADLINE, Session, all_below, compressed, holding, until};

fn counts(session: &Session) -> (u64, u64) {
    let status = session.status();
    (status["documents"].as_u64().expect("a number"), status["pending"].as_u64().expect("a number"))
}

#[test]
fn a_kill_at_any_instant_loses_nothing_acknowledged() {
    let mut session = Session::unmounted(&[("start.md", "# Start\n\nThe first word is aardvark.\n")]);
    let mut kept: Vec<(String, String)> = Vec::new();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..30 {
        session.mount();
        for (name, text) in &kept {
            assert_eq!(session.read(format!("knowledge/notes/{name}")), *text, "round {round}");
        }
        // A different instant in each round, from the first write to well after the last.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let instant = Duration::from_micros((seed >> 33) % 250_000);
        let begun = Instant::now();
        let mut written = 0;
        while begun.elapsed() < instant {
            let (name, text) =
                (format!("{round}-{written}.md"), format!("# Note\n\nThe word of this note is w{round}x{written}.\n"));
            let note = session.at(format!("knowledge/notes/{name}"));
            let file = fs::File::create(&note)
                .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()).map(|()| file));
            if file.and_then(|file| file.sync_all()).is_ok() {
                kept.push((name, text));
            }
            written += 1;
            if written % 3 == 0 {
                session.write("start.md", format!("# Start\n\nThe first word is now b{round}x{written}.\n"));
                let _ = session.hits("lex:aardvark");
            }
        }
        session.kill();
    }
    session.mount();
    session.wait_for_words();
    for (name, text) in &kept {
        let word = text.split_whitespace().last().expect("a word").trim_end_matches('.');
        assert!(session.hits(&format!("lex:{word}")).iter().any(|path| path.ends_with(name)), "{name}: {word}");
    }
    assert_eq!(counts(&session), (kept.len() as u64 + 1, 0));
    session.unmount();
}

#[test]
fn every_derived_store_may_be_lost_or_damaged() {
    let mut session = Session::with(&[("a.md", "# A\n\nzebra crossing\n"), ("b.md", "# B\n\nanteater\n")]);
    fs::write(session.at("knowledge/notes/n.md"), "# N\n\npangolin\n").expect("a note");
    until("the note is found", DEADLINE, || session.hits("lex:pangolin").len() == 1);
    session.unmount();
    let stores: Vec<_> = fs::read_dir(session.data())
        .expect("the data directory")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    let truth = ["notes", "journal", "run", "conversations", "relationship"];
    let derived: Vec<_> = stores.iter().filter(|path| !truth.iter().any(|name| path.ends_with(name))).collect();
    assert!(derived.len() >= 3, "{stores:?}");
    for store in derived {
        for damage in [remove, garble] {
            damage(store);
            session.mount();
            session.wait_for_words();
            for word in ["zebra", "anteater", "pangolin"] {
                until(&format!("{word} after damage to {}", store.display()), DEADLINE, || {
                    session.hits(&format!("lex:{word}")).len() == 1
                });
            }
            assert_eq!(counts(&session), (3, 0), "{}", store.display());
            session.unmount();
        }
    }
}

fn remove(store: &Path) {
    if store.is_dir() { fs::remove_dir_all(store) } else { fs::remove_file(store) }.expect("removed");
}

/// Overwrites the middle of every file and cuts it short.
fn garble(store: &Path) {
    for path in all_below(store).into_iter().filter(|path| !path.is_dir()) {
        let mut bytes = fs::read(&path).expect("readable");
        let end = bytes.len() * 2 / 3;
        bytes.truncate(end);
        bytes.iter_mut().skip(end / 3).step_by(7).for_each(|byte| *byte ^= 0x5a);
        fs::write(&path, bytes).expect("written");
    }
}

#[test]
fn only_the_owner_sees_anything() {
    let session = Session::with(&[("a.md", "# A\n\nsecretary bird\n")]);
    assert_eq!(session.hits("lex:secretary").len(), 1);
    for path in all_below(&session.data()) {
        let mode = fs::symlink_metadata(&path).expect("metadata").permissions().mode() & 0o777;
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
    }
    let root = fs::metadata(session.mountpoint()).expect("metadata");
    assert_eq!(root.mode() & 0o777, 0o700);
    if rustix::process::getuid().is_root() {
        let out =
            session.shell(&format!("setpriv --reuid=65534 --clear-groups ls '{}'", session.mountpoint().display()));
        assert!(!out.status.success(), "another user sees the mount");
    }
}

#[test]
fn secrets_are_never_indexed() {
    let session = Session::with(&[
        (".env", "TOKEN=wallaby1\n"),
        (".ssh/config", "wallaby2\n"),
        ("id_ed25519", "wallaby3\n"),
        ("deep/server.pem", "wallaby4\n"),
        ("deep/vault.kdbx", "wallaby5\n"),
        (".bash_history", "export wallaby6\n"),
        ("plain.md", "# Plain\n\nwallaby7\n"),
    ]);
    assert_eq!(session.hits("wallaby7").len(), 1);
    for n in 1..=6 {
        assert!(session.hits(&format!("lex:wallaby{n}")).is_empty(), "wallaby{n}");
        assert_eq!(holding(&session.data(), &format!("wallaby{n}")), Vec::<String>::new());
    }
    session.write("late/.netrc", "wallaby8\n");
    session.write("late/ok.md", "# Ok\n\nwallaby9\n");
    until("the other new file is found", DEADLINE, || session.hits("lex:wallaby9").len() == 1);
    assert!(session.hits("lex:wallaby8").is_empty());
}

#[test]
fn saved_is_found_and_deleted_is_gone_in_time() {
    let session = Session::with(&[]);
    let mut slowest = (Duration::ZERO, Duration::ZERO);
    for n in 0..20 {
        let (path, word) = (format!("n{n}.md"), format!("saved{n}word"));
        let begun = Instant::now();
        if n % 2 == 0 {
            session.write(&path, format!("# N\n\n{word}\n"));
        } else {
            session.write("tmp~", format!("# N\n\n{word}\n"));
            fs::rename(session.vault().join("tmp~"), session.vault().join(&path)).expect("renamed");
        }
        until("what was saved is found", DEADLINE, || session.hits(&format!("lex:{word}")).len() == 1);
        slowest.0 = slowest.0.max(begun.elapsed());
        let begun = Instant::now();
        fs::remove_file(session.vault().join(&path)).expect("removed");
        until("what was deleted is gone", DEADLINE, || {
            session.hits(&format!("lex:{word}")).is_empty() && !session.list("knowledge/recent").contains(&path)
        });
        slowest.1 = slowest.1.max(begun.elapsed());
    }
    // The promises are 1 s and 2 s; a loaded machine gets twice that before the test says that one is broken.
    assert!(slowest.0 < Duration::from_secs(2) && slowest.1 < Duration::from_secs(4), "{slowest:?}");
}

#[test]
fn forgotten_is_gone_from_everything_and_stays_so() {
    let mut session = Session::with(&[
        ("keep.md", "# Keep\n\nThe capybara lives in the river house.\n"),
        ("gone.md", "# Gone\n\nThe axolotl sleeps in tank nineteen.\n"),
    ]);
    let question = "ask/where does the axolotl sleep?";
    assert!(session.read(question).contains("tank nineteen"));
    let path = session.vault().join("gone.md");
    fs::write(session.at(".echo/forget"), format!("{}\n", path.display())).expect("forgotten");
    let is_gone = |session: &Session| {
        assert!(session.hits("axolotl").iter().all(|hit| !hit.ends_with("gone.md")));
        assert!(!session.list("knowledge/recent").contains(&"gone.md".to_owned()));
        assert!(!session.read(question).contains("tank nineteen"));
    };
    is_gone(&session);
    assert!(path.exists(), "the file itself stays");
    session.unmount();
    assert_eq!(holding(&session.data(), "tank nineteen"), Vec::<String>::new());
    for store in ["index", "vectors", "catalogue"] {
        if session.data().join(store).exists() {
            remove(&session.data().join(store));
        }
    }
    session.mount();
    session.wait_for_words();
    is_gone(&session);
    session.write("gone.md", "# Gone\n\nThe axolotl sleeps in tank nineteen, still.\n");
    session.write("new.md", "# New\n\nokapi\n");
    until("a new file is found", DEADLINE, || session.hits("lex:okapi").len() == 1);
    is_gone(&session);
    assert_eq!(session.hits("lex:capybara").len(), 1);
}

#[test]
fn forgetting_leaves_no_byte_of_it_anywhere() {
    let secret = |what: &str| format!("zyxomma{what}");
    let (file, talk) = (secret("file"), secret("talk"));
    let text = format!(
        "# Pond\n\nThe {file} lives in pond seven. We decided to keep the {file}. The gate code of the {file} is 7193.\n\n\
         - [ ] feed the {file} by 2031-01-05\n"
    );
    let mut session =
        Session::unmounted(&[("pond.md", &text), ("keep.md", "# Keep\n\nThe capybara lives in the river house.\n")])
            .options(&["--model", "smollm2-135m-q4_1"]);
    session.mount();
    session.wait_for_the_rest();
    // A conversation of long ago that has a summary and a place in the archive.
    let turn = |n: usize| {
        format!(
            "{{\"role\":\"user\",\"content\":\"Where does the {talk} sleep, number {n}? Let's go with the {talk} box.\",\
             \"at\":\"2024-03-05T09:0{n}:00Z\",\"session\":\"old\",\"title\":\"Boxes {talk}\"}}\n"
        )
    };
    let turns: String = (0..6).map(turn).collect();
    fs::write(session.at("conversations/inbox/old.jsonl"), turns).expect("taken");
    until("it is in the archive", DEADLINE, || {
        session.at("conversations/archive/2024-03.md").exists()
            && session.read("conversations/archive/2024-03.md").contains(&talk)
    });
    until("it is found", DEADLINE, || session.hits(&format!("in:conversations lex:{talk}")).len() == 1);
    session.wait_for_meaning();
    session.wait_for_the_rest();
    // Whatever looks at it: an answer, a chat, the log, working memory, topics, facts, a kept query.
    let pond = session.vault().join("pond.md");
    let page = PathBuf::from(session.hits(&format!("in:conversations lex:{talk}")).remove(0));
    assert!(session.read("ask/what lives in pond seven?").contains(&file));
    let mut chat = fs::OpenOptions::new().append(true).create(true).open(session.at("chat/pond")).expect("a chat");
    std::io::Write::write_all(&mut chat, b"which animal lives in pond seven?\n").expect("said");
    drop(chat);
    until("the chat is replied to", DEADLINE, || session.read("chat/pond").contains(&file));
    for (subject, path) in [(&file, &pond), (&talk, &page)] {
        let entry = format!(
            "{{\"kind\":\"opinion\",\"subject\":\"{subject}\",\"text\":\"The {subject} is well.\",\"evidence\":[{{\"path\":\"{}\",\"line\":3}}]}}\n",
            path.display()
        );
        let log = fs::OpenOptions::new().append(true).open(session.at("relationship/log.jsonl"));
        std::io::Write::write_all(&mut log.expect("the log"), entry.as_bytes()).expect("taken");
    }
    until("the opinions have pages", DEADLINE, || session.list("relationship/opinions").len() == 2);
    fs::create_dir(session.at("search/pond seven box")).expect("kept");
    for path in
        ["context/briefing.md", "context/now.md", "context/tasks.md", "context/suggestions.md", "facts/facts.jsonl"]
    {
        let _ = session.read(path);
    }
    for tier in session.list("context/tiers") {
        let _ = session.read(format!("context/tiers/{tier}"));
    }
    assert!(session.read("context/briefing.md").contains(&file), "it is in working memory");
    session.wait_for_words();
    for word in [&file, &talk] {
        let (plain, packed) = (holding(&session.data(), word), compressed(&session.data(), word));
        assert!(!plain.is_empty() && packed.iter().any(|path| path.ends_with(".store")), "{plain:?} {packed:?}");
    }
    until("the model keeps what it has read", DEADLINE, || kept_states(&session) > 0);
    for path in [&pond, &page] {
        fs::write(session.at(".echo/forget"), format!("{}\n", path.display())).expect("forgotten");
    }
    assert_eq!(kept_states(&session), 0);
    fs::remove_file(&pond).expect("the file itself is the owner's to remove");
    for word in [&file, &talk] {
        assert_eq!(session.hits(&format!("lex:{word}")), Vec::<String>::new());
        let out = session.shell(&format!(
            "grep -rl {word} conversations relationship facts topics context knowledge status 2>/dev/null"
        ));
        assert_eq!(String::from_utf8_lossy(&out.stdout), "", "{word}");
    }
    assert!(!session.at("conversations/archive/2024-03.md").exists());
    let doctor = String::from_utf8_lossy(&session.run(["doctor"]).stdout).into_owned();
    session.unmount();
    assert!(doctor.contains("the chain is whole"), "{doctor}");
    let assert_gone = |session: &Session, when: &str| {
        for word in [&file, &talk] {
            assert_eq!(holding(&session.data(), word), Vec::<String>::new(), "{when}");
            assert_eq!(compressed(&session.data(), word), Vec::<String>::new(), "compressed, {when}");
        }
    };
    assert_gone(&session, "at the end");
    assert!(!compressed(&session.data(), "capybara").is_empty(), "what stays is there");
    session.mount();
    session.wait_for_words();
    assert_eq!(session.hits("lex:capybara").len(), 1);
    session.unmount();
    assert_gone(&session, "after another start");
}

/// Bytes of the states that the language model keeps of what it has read.
fn kept_states(session: &Session) -> u64 {
    let files = fs::read_dir(session.data().join("run/states")).into_iter().flatten().flatten();
    files.map(|file| file.metadata().expect("metadata").len()).sum()
}

#[test]
fn an_order_that_makes_no_sense_is_refused() {
    let session = Session::with(&[]);
    let refused = |order: &str| {
        let error = fs::write(session.at(".echo/forget"), format!("{order}\n")).expect_err("refused");
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{order}");
    };
    refused("not/there");
    refused("/not/under/a/source");
    refused("--fact 0123456789abcdef");
    for query in ["", "sem:(a boat)", "boat limit:1", "boat in:nowhere", "(boat", "axolotl"] {
        refused(&format!("--query {query}"));
    }
}

/// Inodes of the internet sockets that a network namespace has.
fn internet_sockets(pid: u32) -> Vec<String> {
    let table = |name: &&str| fs::read_to_string(format!("/proc/{pid}/net/{name}")).unwrap_or_default();
    let tables: String = ["tcp", "tcp6", "udp", "udp6", "raw", "raw6"].iter().map(table).collect();
    tables.lines().filter_map(|line| line.split_whitespace().nth(9).map(str::to_owned)).collect()
}

#[test]
fn no_process_of_it_has_an_internet_socket() {
    let mut session = Session::unmounted(&[("a.md", "# A\n\nThe kiwi is a bird of New Zealand.\n")])
        .options(&["--model", "smollm2-135m-q4_1"]);
    session.mount();
    session.wait_for_meaning();
    assert!(session.read("ask/where does the kiwi live?").contains("New Zealand"));
    assert!(session.engine().is_some());
    let pids = session.children().into_iter().map(|(pid, _)| pid).chain([session.pid()]);
    for pid in pids {
        let internet = internet_sockets(pid);
        for file in fs::read_dir(format!("/proc/{pid}/fd")).expect("descriptors").flatten() {
            let target = fs::read_link(file.path()).unwrap_or_default().to_string_lossy().into_owned();
            let inode = target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
            assert!(inode.is_none_or(|inode| !internet.iter().any(|known| known == inode)), "{pid} has {target}");
        }
    }
}
