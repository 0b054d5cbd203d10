//! `conversations/`: turns that are appended, files that are imported, pages that are found and forgotten.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{DEADLINE, Session, all_below, program, until};

fn append(path: &Path, text: &str) -> std::io::Result<()> {
    OpenOptions::new().append(true).create(true).open(path)?.write_all(text.as_bytes())
}

fn turn(role: &str, content: &str) -> String {
    format!("{{\"role\":\"{role}\",\"content\":\"{content}\",\"at\":\"2026-03-14T09:00:00Z\"}}\n")
}

/// Paths below a directory of the mount, sorted.
fn below(session: &Session, dir: &str) -> Vec<String> {
    let out = session.shell(&format!("find {dir} -type f | sort"));
    String::from_utf8_lossy(&out.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn turns_are_taken_shown_and_found() {
    let mut session = Session::with(&[]);
    let inbox = session.at("conversations/inbox/oven.jsonl");
    append(&inbox, &turn("user", "Which oven takes the wombat loaf?")).expect("taken");
    let appended = Instant::now();
    append(&inbox, &turn("assistant", "The black numbat oven.")).expect("taken");
    until("the turn is found", DEADLINE, || session.hits("lex:numbat").len() == 1);
    // The promise is a second; a loaded machine gets more before the test says that it is broken.
    assert!(appended.elapsed() < Duration::from_secs(4), "{:?}", appended.elapsed());
    let names = ["2026/03/14-which-oven-takes-the-wombat-loaf.jsonl", "2026/03/14-which-oven-takes-the-wombat-loaf.md"];
    assert_eq!(below(&session, "conversations/2026"), names.map(|name| format!("conversations/{name}")));
    let page = session.read(format!("conversations/{}", names[1]));
    assert!(
        page.contains("title: \"Which oven takes the wombat loaf?\"\n") && page.contains("\n## assistant, 2026-03-14")
    );
    assert_eq!(session.read(format!("conversations/{}", names[0])).lines().count(), 2);
    assert_eq!(session.read("conversations/inbox/oven.jsonl").lines().count(), 2);
    let hit: serde_json::Value =
        serde_json::from_str(session.read("search/in:conversations from:assistant numbat/results.jsonl").trim())
            .expect("one hit");
    assert_eq!(hit["kind"], "conversation");
    let path = Path::new(hit["path"].as_str().expect("a path"));
    let lines = fs::read_to_string(path).expect("openable");
    let line = |key: &str| usize::try_from(hit[key].as_u64().expect("a line")).expect("small");
    let passage: Vec<&str> = lines.lines().skip(line("line") - 1).take(line("end_line") - line("line") + 1).collect();
    assert!(passage.join("\n").contains("The black numbat oven."), "{passage:?}");
    assert_eq!(session.hits("in:conversations date:2026-03-14 oven").len(), 1);
    assert!(session.hits("in:conversations date:2026-04 oven").is_empty() && session.hits("in:files oven").is_empty());
    let copied = session.shell("rm -rf /tmp/echofs-copied.$$; cp -r conversations /tmp/echofs-copied.$$ && diff -r conversations/2026 /tmp/echofs-copied.$$/2026; r=$?; rm -rf /tmp/echofs-copied.$$; exit $r");
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    session.kill();
    session.mount();
    session.wait_for_words();
    assert_eq!(session.hits("lex:numbat").len(), 1);
    append(&inbox, &turn("user", "And the quokka?")).expect("goes on");
    until("the new turn is found", DEADLINE, || session.hits("lex:quokka").len() == 1);
    assert_eq!(below(&session, "conversations/2026").len(), 2);
}

#[test]
fn only_whole_turns_are_appended() {
    let session = Session::with(&[]);
    let inbox = session.at("conversations/inbox/s.jsonl");
    for bad in ["hello\n", "{\"role\":\"cat\",\"content\":\"x\"}\n", "{\"role\":\"user\"}\n", "[1]\n", "\u{1}\n"] {
        let error = append(&inbox, &format!("{}{bad}", turn("user", "good"))).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{bad}");
    }
    assert!(!inbox.exists(), "one bad line refuses all of a write");
    assert!(session.read("status").contains("conversations/inbox/s.jsonl: "), "the reason is told");
    append(&inbox, &turn("user", "one")).expect("taken");
    let lines = || session.read("conversations/inbox/s.jsonl").lines().count();
    let mut file = OpenOptions::new().append(true).open(&inbox).expect("open");
    let (start, end) = ("{\"role\":\"user\",\"con", "tent\":\"two\"}\n");
    file.write_all(start.as_bytes()).expect("held");
    assert_eq!(lines(), 1);
    file.write_all(end.as_bytes()).expect("taken");
    assert_eq!(lines(), 2);
    let is_denied = |done: std::io::Result<()>| assert_eq!(done.expect_err("denied").raw_os_error(), Some(1));
    is_denied(fs::write(&inbox, turn("user", "instead")));
    is_denied(OpenOptions::new().write(true).open(&inbox).and_then(|mut file| file.write_all(b"x")));
    is_denied(file.set_len(0));
    is_denied(fs::remove_file(&inbox));
    is_denied(fs::rename(&inbox, session.at("conversations/inbox/t.jsonl")));
    is_denied(File::create(session.at("conversations/inbox/no-session")).map(drop));
    is_denied(File::create(session.at("conversations/new.md")).map(drop));
    assert_eq!(lines(), 2);
    let done = session.shell("printf '%s' '{\"role\":\"user\",\"content\":\"three\"}' >> conversations/inbox/s.jsonl");
    assert!(done.status.success() && lines() == 3, "a last line needs no end");
    fs::write(session.at("conversations/inbox/new.jsonl"), turn("user", "a new session"))
        .expect("written from its start");
}

#[test]
fn files_are_imported_once() {
    let session = Session::with(&[]);
    session.write("a.jsonl", turn("user", "The dugong eats grass.") + &turn("assistant", "Sea grass, yes."));
    session.write("b.md", "# Talk\n\n**Oda:** The kakapo cannot fly.\n\n**Bram:** It climbs.\n");
    session.write("c.md", "No transcript at all.\n");
    let copy = |name: &str| {
        let done = session.shell(&format!("cp -p ../vault/{name} conversations/import/"));
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let done = || session.read("conversations/import/report.jsonl").matches("\"done\":true").count();
        let before = done();
        until("it is read", DEADLINE, || {
            done() > before || session.read("conversations/import/report.md").contains(name)
        });
    };
    ["a.jsonl", "b.md", "c.md"].iter().for_each(|name| copy(name));
    until("all are read", DEADLINE, || {
        session.read("conversations/import/report.jsonl").matches("\"done\":true").count() == 3
    });
    until("the report tells what was not taken", DEADLINE, || {
        let report = session.read("conversations/import/report.md");
        report.contains("## c.md") && report.contains("no turns can be told")
    });
    until("both conversations are found", DEADLINE, || {
        session.hits("in:conversations lex:dugong").len() == 1 && session.hits("from:oda lex:kakapo").len() == 1
    });
    let out = session.run(["import".as_ref(), session.vault().join("a.jsonl").as_os_str()]);
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success() && said.contains("0 turns taken, 2 known already"), "{said}");
    let out = session.run(["import".as_ref(), session.vault().as_os_str()]);
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(!out.status.success() && said.contains("c.md: 0 conversations"), "{said}");
    assert_eq!(session.list("conversations/import"), ["report.jsonl", "report.md"]);
    assert_eq!(fs::read_dir(session.data().join("conversations/incoming")).expect("there").count(), 0);
}

#[test]
fn an_import_needs_no_mount() {
    let mut session = Session::unmounted(&[]);
    session.write("a.jsonl", turn("user", "The dugong eats grass."));
    let out = session.run(["import".as_ref(), session.vault().join("a.jsonl").as_os_str(), "--json".as_ref()]);
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!((report["created"].as_u64(), report["turns"].as_u64()), (Some(1), Some(1)));
    session.mount();
    session.wait_for_words();
    assert_eq!(session.hits("in:conversations lex:dugong").len(), 1);
}

#[test]
fn an_old_conversation_is_summarised_and_all_of_it_stays() {
    let session = Session::with(&[]);
    let said = |n: usize, text: &str| {
        format!("{{\"role\":\"user\",\"content\":\"{text}\",\"at\":\"2023-05-08T09:0{n}:00Z\",\"title\":\"Ovens\"}}\n")
    };
    let turns = [
        "Which oven takes the wombat loaf?",
        "The numbat one is hot.",
        "Is it cold there?",
        "Let's go with the black one.",
        "It stands in the quokka hall.",
        "Thanks, it is in now.",
    ];
    let turns: String = turns.iter().enumerate().map(|(n, text)| said(n, text)).collect();
    append(&session.at("conversations/inbox/old.jsonl"), &turns).expect("taken");
    // The list of months is written last.
    until("its month is archived", DEADLINE, || session.at("conversations/archive/README.md").exists());
    let month = session.read("conversations/archive/2023-05.md");
    assert!(month.contains("tier: archive") && month.contains("- Decided: Let's go with the black one."), "{month}");
    assert!(session.read("conversations/archive/README.md").contains("| [2023-05](2023-05.md) | 1 | 6 | archive |"));
    let link = month.split("](<").nth(1).and_then(|rest| rest.split('>').next()).expect("a link");
    let page = session.read(format!("conversations/archive/{link}"));
    assert!(page.contains("- Asked: Which oven takes the wombat loaf?\n") && page.contains("quokka hall"), "{page}");
    until("all of it is found", DEADLINE, || session.hits("in:conversations lex:quokka").len() == 1);
    assert_eq!(session.hits("in:conversations lex:(monday may 2023 oven)").len(), 1, "also by its day in words");
    assert_eq!(session.list("conversations"), ["2023", "archive", "import", "inbox"]);
}

#[test]
fn a_forgotten_conversation_is_gone_for_good() {
    let mut session = Session::with(&[]);
    let inbox = session.at("conversations/inbox/secret.jsonl");
    append(&inbox, &turn("user", "The axolotl sleeps in tank nineteen.")).expect("taken");
    append(&session.at("conversations/inbox/other.jsonl"), &turn("user", "The capybara swims.")).expect("taken");
    until("it is found", DEADLINE, || session.hits("lex:axolotl").len() == 1);
    let page = session.at("conversations/2026/03/14-the-axolotl-sleeps-in-tank-nineteen.md");
    let out = session.run(["forget".as_ref(), page.as_os_str()]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(session.hits("lex:axolotl"), Vec::<String>::new());
    assert!(!page.exists(), "the page is gone");
    assert!(!inbox.exists(), "the turns are gone");
    session.unmount();
    let out = Command::new("grep").args(["-rli", "axolotl"]).arg(session.data()).output().expect("grep");
    assert_eq!(String::from_utf8_lossy(&out.stdout), "", "not in a log either");
    session.write("again.jsonl", turn("user", "The axolotl sleeps in tank nineteen."));
    session.mount();
    session.wait_for_words();
    let out = session.run(["import".as_ref(), session.vault().join("again.jsonl").as_os_str()]);
    assert!(String::from_utf8_lossy(&out.stdout).contains("1 conversations stay forgotten"), "{out:?}");
    assert!(session.hits("in:conversations lex:axolotl").is_empty());
    assert_eq!(session.hits("lex:capybara").len(), 1);
}

/// Appends without end until the mount is killed, which is once `least` are acknowledged; gives how many were.
fn append_until_killed(session: &mut Session, least: usize, round: usize) -> usize {
    let path = session.at("conversations/inbox/many.jsonl");
    let log = session.data().join("../acknowledged");
    // A program of its own: when the mount dies, so does what it knows of it.
    let script = format!(
        "import itertools,os,sys\nfd=os.open(sys.argv[1],os.O_WRONLY|os.O_CREAT|os.O_APPEND)\nack=open(sys.argv[2],'w')\n\
         for n in itertools.count():\n  os.write(fd,b'{{\"role\":\"user\",\"content\":\"round {round} number %d\"}}\\n'%n)\n  ack.write('%d\\n'%n);ack.flush()\n"
    );
    let _ = fs::remove_file(&log);
    let mut program = Command::new("python3");
    let mut child = program.arg("-c").arg(script).arg(&path).arg(&log).stderr(Stdio::null()).spawn().expect("python3");
    let count = || fs::read_to_string(&log).map_or(0, |text| text.matches('\n').count());
    until("enough are acknowledged", DEADLINE * 4, || count() >= least);
    session.kill();
    assert!(!child.wait().expect("a child of ours").success(), "it was cut off");
    count()
}

fn no_acknowledged_turn_is_lost(least: usize) {
    let mut session = Session::with(&[]);
    let mut acknowledged = Vec::new();
    for round in 0..2 {
        acknowledged.push(append_until_killed(&mut session, least, round));
        session.mount();
    }
    let kept = session.read("conversations/inbox/many.jsonl");
    for (round, count) in acknowledged.into_iter().enumerate() {
        let start = format!("\"round {round} number ");
        let number = |line: &str| line.split_once(&start)?.1.split('"').next()?.parse().ok();
        let numbers: Vec<usize> = kept.lines().filter_map(number).collect();
        // One more may have been on its way.
        assert!((count..=count + 1).contains(&numbers.len()), "round {round}: {} of {count}", numbers.len());
        assert!(numbers.iter().copied().eq(0..numbers.len()), "each once, in its place");
    }
    session.wait_for_words();
    assert_eq!(session.hits("in:conversations lex:number").len(), 1);
}

/// Pages of a file that are in memory and not on disk; `None` where the kernel does not tell (before Linux 6.5).
fn unwritten(path: &Path) -> Option<u64> {
    const CACHESTAT: libc::c_long = 451;
    let file = File::open(path).expect("there");
    // Offset and length, 0 for all; pages that are cached, dirty, under writeback, evicted, evicted lately.
    let (range, mut pages) = ([0_u64; 2], [0_u64; 5]);
    // SAFETY: both arrays are as long as the structures that the kernel reads and writes, and live until it has.
    let done = unsafe { libc::syscall(CACHESTAT, file.as_raw_fd(), range.as_ptr(), pages.as_mut_ptr(), 0) };
    (done == 0).then_some(pages[1] + pages[2])
}

#[test]
fn what_is_acknowledged_is_on_disk() {
    let session = Session::with(&[]);
    let probe = session.data().join("../unsynced");
    fs::write(&probe, "x".repeat(10_000)).expect("written");
    if unwritten(&probe).unwrap_or_default() == 0 {
        println!("not shown: the kernel does not tell of this file system what is on disk");
        return;
    }
    let turns = || {
        let all = all_below(&session.data().join("conversations/2026"));
        all.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "jsonl")).expect("the turns")
    };
    let data = |name: &str| session.data().join(name);
    let entry = "{\"kind\":\"observation\",\"text\":\"The numbat sleeps.\"}\n";
    for n in 0..20 {
        let order = |file: &str, text: String| fs::write(session.at(file), text).expect("taken");
        append(&session.at("conversations/inbox/s.jsonl"), &turn("user", &format!("number {n}"))).expect("taken");
        assert_eq!(unwritten(&turns()), Some(0), "a turn");
        append(&session.at("relationship/log.jsonl"), entry).expect("taken");
        assert_eq!(unwritten(&data("relationship/log.jsonl")), Some(0), "an entry of the log");
        order("facts/correct", format!("Oda | lives in | Bergen {n}\n"));
        assert_eq!(unwritten(&data("journal/facts.jsonl")), Some(0), "a correction");
        order("remember", format!("The quokka has {n} keys.\n"));
        assert_eq!(unwritten(&data("notes/remembered.md")), Some(0), "a remembered sentence");
    }
}

#[test]
fn a_kill_loses_no_acknowledged_turn() {
    no_acknowledged_turn_is_lost(400);
}

#[test]
#[ignore = "10,000 durable appends, twice"]
fn a_kill_among_ten_thousand_loses_no_acknowledged_turn() {
    no_acknowledged_turn_is_lost(10_000);
}

#[test]
#[ignore = "a measurement"]
fn how_long_an_append_takes() {
    let session = Session::with(&[]);
    let mut file =
        OpenOptions::new().append(true).create(true).open(session.at("conversations/inbox/s.jsonl")).expect("open");
    let mut took: Vec<Duration> = (0..1_000)
        .map(|n| {
            let begun = Instant::now();
            file.write_all(turn("user", &format!("number {n}")).as_bytes()).expect("taken");
            begun.elapsed()
        })
        .collect();
    took.sort();
    println!("{}: p50 {:?}, p99 {:?}", program().display(), took[500], took[990]);
    assert!(took[500] < Duration::from_millis(10));
}
