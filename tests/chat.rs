//! Chats: what is said is kept, replied to once, shown as it comes, ended and forgotten.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::common::{DEADLINE, Session, until};

const NOTES: &[(&str, &str)] = &[
    ("boat.md", "# Boat\n\nThe spare key of the boat shed hangs behind the oilskins.\n"),
    ("ferry.md", "# Ferry\n\nThe ferry to Lunna leaves at 7:45 from pier 3.\n"),
    ("tram.md", "# Tram\n\nThe tram to Vidlin leaves at 6:20 from the square.\n"),
];

fn session(model: &str) -> Session {
    let mut session = Session::unmounted(NOTES).options(&["--model", model]);
    session.mount();
    session.wait_for_words();
    session
}

fn say(session: &Session, chat: &str, text: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(session.at("chat").join(chat)).expect("opens");
    file.write_all(text.as_bytes()).expect("taken");
}

/// What comes after the last message of a chat, once it is all there.
fn reply(session: &Session, chat: &str) -> String {
    let text = session.read(format!("chat/{chat}"));
    text.rsplit_once("## EchoFS, ").map(|(_, reply)| reply.to_owned()).unwrap_or_else(|| panic!("no reply: {text}"))
}

fn errno(done: std::io::Result<()>) -> Option<i32> {
    done.expect_err("refused").raw_os_error()
}

#[test]
fn a_message_is_replied_to_from_the_notes() {
    let session = session("smollm2-135m-q4_1");
    let done = session.shell("echo 'where does the spare key of the boat shed hang?' >> chat/boat && cat chat/boat");
    let text = String::from_utf8_lossy(&done.stdout);
    let (asked, replied) = text.split_once("\n## EchoFS, ").expect("a reply");
    assert!(asked.starts_with("## user, ") && asked.ends_with("\n\nwhere does the spare key of the boat shed hang?\n"));
    assert!(replied.contains("behind the oilskins") && replied.contains("boat.md:3"), "{text}");
    assert_eq!(session.list("ask"), Vec::<String>::new(), "it is no question of ask/");
    let copied = session.shell("cp chat/boat ../copy && cmp chat/boat ../copy && tar cf - chat | tar xOf - chat/boat | cmp - chat/boat && grep -rl oilskins chat");
    assert_eq!(String::from_utf8_lossy(&copied.stdout), "chat/boat\n", "{copied:?}");
    assert_eq!(fs::metadata(session.at("chat/boat")).expect("there").len(), text.len() as u64);
    say(&session, "boat", "thanks");
    let courtesy = reply(&session, "boat");
    assert!(!courtesy.contains(".md") && courtesy.lines().count() == 3, "{courtesy}");
}

#[test]
fn a_message_goes_on_from_the_one_before() {
    let session = session("none");
    say(&session, "travel", "When does the ferry to Lunna leave?");
    assert!(reply(&session, "travel").contains("ferry.md:3"));
    say(&session, "travel", "and from which pier?");
    assert!(reply(&session, "travel").contains("ferry.md:3"));
    say(&session, "travel", "When does the tram to Vidlin leave?");
    assert!(reply(&session, "travel").contains("tram.md:3"));
    say(&session, "alone", "What is the capital of Mongolia?");
    assert!(reply(&session, "alone").contains("Not found in your notes."));
}

#[test]
fn messages_are_replied_to_in_order_each_as_a_whole() {
    let session = session("none");
    let done = session.shell(
        "for n in 1 2 3; do echo \"When does the ferry to Lunna leave, for the ${n}th time?\" >> chat/many; done; \
         { echo 'The weather is fine.'; /bin/true; printf 'When does the tram to Vidlin leave?'; } >> chat/many; cat chat/many",
    );
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).map(|line| &line[..7]).collect();
    assert_eq!(heads, ["## user", "## Echo"].repeat(4), "{text}");
    let times: Vec<&str> = text.lines().filter(|line| line.contains("th time?")).collect();
    assert!(times[0].contains("1th") && times[1].contains("2th") && times[2].contains("3th"), "{text}");
    assert!(text.contains("The weather is fine.\nWhen does the tram to Vidlin leave?\n"), "{text}");
    let long = format!("{}\nWhere does the spare key of the boat shed hang?\n", "It rained on the hill. ".repeat(200));
    say(&session, "long", &long);
    assert!(reply(&session, "long").contains("boat.md:3"));
}

#[test]
fn a_chat_outlives_a_kill_and_is_replied_to_after_it() {
    let mut session = session("smollm2-135m-q4_1");
    say(&session, "boat", "Where does the spare key of the boat shed hang?");
    let first = session.read("chat/boat");
    let engine = session.engine().expect("the model was asked");
    rustix::process::kill_process(engine, Signal::STOP).expect("ours");
    say(&session, "boat", "And when does the ferry to Lunna leave?");
    until("the message is shown", DEADLINE, || {
        fs::metadata(session.at("chat/boat")).expect("there").len() > first.len() as u64
    });
    session.kill();
    rustix::process::kill_process(engine, Signal::KILL).ok();
    session.mount();
    session.wait_for_words();
    until("the reply is made", DEADLINE, || session.read("chat/boat").matches("## EchoFS, ").count() == 2);
    let text = session.read("chat/boat");
    assert!(text.starts_with(&first), "{text}");
    assert!(reply(&session, "boat").contains("ferry.md:3"), "{text}");
    until("it is found", DEADLINE, || session.hits("in:conversations lex:oilskins").len() == 1);
}

/// Files with a state of this conversation in what the service keeps.
fn kept_states(session: &Session, name: &str) -> usize {
    let files = fs::read_dir(session.data().join("run/states")).expect("kept states").flatten();
    let wanted = format!("\"conversation\":\"{name} ");
    let holds = |bytes: &[u8]| bytes.windows(wanted.len()).any(|part| part == wanted.as_bytes());
    files.filter(|file| fs::read(file.path()).is_ok_and(|bytes| holds(&bytes))).count()
}

/// A session with a note that is too long for one prompt; not mounted yet.
fn house() -> Session {
    let rooms = ["porch", "study", "attic", "cellar", "larder", "hall", "nursery", "parlour", "kitchen", "pantry"];
    let painted = rooms.iter().zip(11..).map(|(room, day)| {
        format!("The {room} of the harbour house was painted on {day} March 2026 for {day}5 pounds, with 3 coats. ")
    });
    let house = format!("# House\n\n{}\n", painted.collect::<String>());
    Session::unmounted(&[("house.md", &house), NOTES[1]]).options(&["--model", "smollm2-135m-q4_1"])
}

#[test]
fn what_the_model_read_for_a_chat_is_kept_over_a_restart_and_forgotten_with_the_rest() {
    let mut session = house();
    session.mount();
    session.wait_for_words();
    say(&session, "house", "How many pounds was the attic of the harbour house painted for?");
    assert!(reply(&session, "house").contains("house.md:3"), "{}", session.read("chat/house"));
    until("what the model read is kept", DEADLINE, || kept_states(&session, "chat/house") == 1);
    session.unmount();
    assert_eq!(kept_states(&session, "chat/house"), 1);
    session.mount();
    session.wait_for_words();
    say(&session, "house", "And with how many coats?");
    assert!(reply(&session, "house").contains("house.md:3"), "{}", session.read("chat/house"));
    let done = session.run(["forget".as_ref(), session.vault().join("ferry.md").as_os_str()]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(kept_states(&session, "chat/house"), 0);
}

#[test]
fn what_the_model_read_for_a_chat_that_is_not_kept_goes_with_it() {
    let mut session = house();
    fs::create_dir_all(session.data()).expect("a directory");
    fs::write(session.data().join("config.toml"), "keep_chats = false\n").expect("written");
    session.mount();
    session.wait_for_words();
    say(&session, "house", "How many pounds was the attic of the harbour house painted for?");
    assert!(reply(&session, "house").contains("house.md:3"), "{}", session.read("chat/house"));
    until("what the model read is kept", DEADLINE, || kept_states(&session, "chat/house") == 1);
    fs::remove_file(session.at("chat/house")).expect("ended");
    assert_eq!(kept_states(&session, "chat/house"), 0);
}

#[test]
fn looking_at_a_chat_makes_no_reply_and_waiting_for_one_can_be_stopped() {
    let session = session("smollm2-135m-q4_1");
    say(&session, "boat", "Where does the spare key of the boat shed hang?");
    session.read("chat/boat");
    let engine = session.engine().expect("the model was asked");
    rustix::process::kill_process(engine, Signal::STOP).expect("ours");
    say(&session, "boat", "When does the ferry to Lunna leave?");
    let reads = session.shell("ls -l chat >/dev/null && stat chat/boat >/dev/null && timeout 10 head -n 3 chat/boat");
    assert!(reads.status.success(), "what is there is read at once: {reads:?}");
    let mut cat = Command::new("cat").arg(session.at("chat/boat")).stdout(Stdio::null()).spawn().expect("cat");
    let waits = || {
        let at = fs::read_to_string(format!("/proc/{}/wchan", cat.id())).unwrap_or_default();
        at.contains("fuse") || at.contains("request_wait")
    };
    until("cat waits for the reply", DEADLINE, waits);
    let pid = rustix::process::Pid::from_child(&cat);
    rustix::process::kill_process(pid, Signal::INT).expect("ours");
    until("cat ends", DEADLINE, || cat.try_wait().expect("ours").is_some());
    rustix::process::kill_process(engine, Signal::CONT).expect("ours");
    assert!(reply(&session, "boat").contains("ferry.md:3"), "the reply is made though nobody reads it");
    let before = session.read("chat/boat");
    session.shell("find chat | xargs cat > /dev/null; grep -r nothing chat; du chat; file chat/*");
    assert_eq!(session.read("chat/boat"), before);
}

#[test]
fn a_reader_that_follows_gets_the_reply() {
    let session = session("none");
    say(&session, "boat", "hello");
    session.read("chat/boat");
    let out = session.at("../followed");
    let file = fs::File::create(&out).expect("a file");
    let mut tail =
        Command::new("tail").arg("-f").arg(session.at("chat/boat")).stdout(file).spawn().expect("tail starts");
    until("it follows", DEADLINE, || fs::read_to_string(&out).is_ok_and(|text| text.contains("hello")));
    say(&session, "boat", "Where does the spare key of the boat shed hang?");
    until("the reply comes", DEADLINE, || fs::read_to_string(&out).is_ok_and(|text| text.contains("boat.md:3")));
    tail.kill().expect("ours");
    tail.wait().expect("ours");
}

#[test]
fn an_ended_chat_is_history() {
    let session = session("none");
    say(&session, "trip", "When does the ferry to Lunna leave?");
    session.read("chat/trip");
    fs::remove_file(session.at("chat/trip")).expect("ended");
    assert!(session.list("chat").is_empty() && !session.at("chat/trip").exists());
    until("it is found", DEADLINE, || session.hits("in:conversations lex:Lunna").len() == 1);
    say(&session, "trip", "hello");
    let text = session.read("chat/trip");
    assert!(!text.contains("ferry") && text.matches("## EchoFS, ").count() == 1, "{text}");
    until("both are there", DEADLINE, || {
        String::from_utf8_lossy(&session.shell("ls conversations/*/*/*-trip*.md").stdout).lines().count() == 2
    });
}

#[test]
fn what_makes_no_sense_is_refused() {
    let session = session("none");
    say(&session, "boat", "hello");
    let before = session.read("chat/boat");
    let chat = session.at("chat/boat");
    assert_eq!(errno(fs::write(&chat, "instead")), Some(1));
    assert_eq!(errno(fs::rename(&chat, session.at("chat/other"))), Some(1));
    assert_eq!(errno(fs::create_dir(session.at("chat/new"))), Some(1));
    assert_eq!(errno(fs::write(session.at("chat/.hidden"), "x\n")), Some(22));
    let mut file = OpenOptions::new().append(true).open(&chat).expect("opens");
    assert_eq!(errno(file.write_all(b"\xff\xfe\n")), Some(22));
    assert_eq!(errno(file.write_all("x".repeat((1 << 20) + 1).as_bytes())), Some(22));
    assert_eq!(errno(file.set_len(0)), Some(1));
    drop(file);
    say(&session, "boat", " \n\n");
    assert_eq!(session.read("chat/boat"), before, "nothing was said");
    assert!(session.read("status").contains("chat/boat: "), "the reason is told");
    fs::write(session.at("chat/new"), "hello\n").expect("a new chat may be written from its start");
    assert_eq!(session.list("chat"), ["boat", "new"]);
}

#[test]
fn forgetting_reaches_into_chats() {
    let mut session = session("none");
    say(&session, "home", "Where does the spare key of the boat shed hang?");
    say(&session, "home", "When does the ferry to Lunna leave?");
    assert!(session.read("chat/home").contains("oilskins"));
    let forget = |path: &Path| {
        let done = session.run(["forget".as_ref(), path.as_os_str()]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    forget(&session.vault().join("boat.md"));
    let text = session.read("chat/home");
    assert!(!text.contains("boat") && text.contains("ferry.md:3"), "{text}");
    forget(&session.at("chat/home"));
    assert!(session.list("chat").is_empty());
    session.unmount();
    let held = Command::new("grep").args(["-rli", "lunna"]).arg(session.data().join("conversations")).output();
    assert_eq!(String::from_utf8_lossy(&held.expect("grep").stdout), "");
}

#[test]
fn chats_are_kept_unless_they_are_not_to_be() {
    let mut session = session("none");
    say(&session, "boat", "Where does the spare key of the boat shed hang?");
    session.read("chat/boat");
    until("it is found", DEADLINE, || session.hits("in:conversations lex:oilskins").len() == 1);
    session.unmount();
    fs::write(session.data().join("config.toml"), "keep_chats = false\n").expect("written");
    session.mount();
    session.wait_for_words();
    until("it is not found any more", DEADLINE, || session.hits("in:conversations lex:oilskins").is_empty());
    let listed = |session: &Session| {
        let done = session.shell("find conversations -path '*/20*' -type f");
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    assert_eq!(listed(&session), "");
    say(&session, "boat", "When does the ferry to Lunna leave?");
    let text = session.read("chat/boat");
    assert!(text.contains("oilskins") && text.contains("ferry.md:3"), "the chat itself goes on: {text}");
    session.read("ask/When does the tram to Vidlin leave?");
    until("questions are kept all the same", DEADLINE, || session.hits("in:conversations lex:vidlin").len() == 1);
    assert!(!listed(&session).contains("boat"), "{}", listed(&session));
    fs::remove_file(session.at("chat/boat")).expect("ended");
    let turns =
        session.shell("grep -rl 'ferry to Lunna leave?' ../data/conversations ../data/rendered ../data/relationship");
    assert_eq!(String::from_utf8_lossy(&turns.stdout), "", "nothing of it stays");
    session.unmount();
    fs::write(session.data().join("config.toml"), "").expect("written");
    session.mount();
    session.wait_for_words();
    say(&session, "boat", "Where does the spare key of the boat shed hang?");
    until("it is kept again", DEADLINE, || session.hits("in:conversations lex:oilskins").len() == 1);
}

#[test]
fn a_chat_is_no_evidence() {
    let session = session("none");
    say(&session, "boat", "Where is the golden astrolabe?");
    session.read("chat/boat");
    say(&session, "boat", "I keep the golden astrolabe in the attic.");
    session.read("chat/boat");
    until("it is found", DEADLINE, || session.hits("in:conversations lex:astrolabe").len() == 1);
    assert!(!session.read("ask/Where is the golden astrolabe?").contains("conversations/"));
    say(&session, "other", "Where is the golden astrolabe?");
    assert!(!session.read("chat/other").contains("conversations/"));
}

#[test]
fn a_long_text_is_asked_from_standard_input() {
    let session = session("none");
    let text = format!("{}\nWhere does the spare key of the boat shed hang?\n", "It rained on the hill. ".repeat(200));
    session.write("long.txt", &text);
    let program = session.command().get_program().to_owned();
    let line = format!("{} --data ../data ask --json < ../vault/long.txt", program.display());
    let done = session.shell(&line);
    let answer: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap_or_else(|e| panic!("{e}: {done:?}"));
    assert_eq!(answer["question"], "Where does the spare key of the boat shed hang?");
    assert!(String::from_utf8_lossy(&done.stderr).contains("its question is: Where does"), "{done:?}");
}
