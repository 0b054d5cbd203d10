//! Ctrl-C: a program that waits for an answer ends when it is told to, and its generation with it.

use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::common::{DEADLINE, Session, until};

/// How long a program may live after the signal. The promise is 0.3 s; a loaded test machine gets more.
const GRACE: Duration = Duration::from_secs(5);

/// The system calls that read.
const READS: [libc::c_long; 4] = [libc::SYS_read, libc::SYS_pread64, libc::SYS_readv, libc::SYS_preadv];

/// A mount whose language model has been started and stands still: whoever reads an answer waits for it.
fn stalled() -> (Session, Pid) {
    let mut session =
        Session::unmounted(&[("keeper.md", "# Keeper\n\nThe lighthouse keeper is called Ottilie Brand.\n")]);
    session = session.options(&["--model", "smollm2-135m-q4_1"]);
    session.mount();
    session.wait_for_words();
    session.read("ask/who is the lighthouse keeper?");
    let engine = session.engine().expect("the model was asked, so its process is there");
    rustix::process::kill_process(engine, Signal::STOP).expect("ours");
    (session, engine)
}

fn start(session: &Session, line: &str) -> Child {
    let mut command = Command::new("bash");
    command
        .args(["-c", line])
        .current_dir(session.at("ask"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.process_group(0).spawn().expect("bash starts")
}

/// Process ids of a process and its descendants.
fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let mut next = 0;
    while next < all.len() {
        let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", all[next])).unwrap_or_default();
        all.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        next += 1;
    }
    all
}

/// The reads of the mount that the family of `pid` waits in: each with how often its process has been put to sleep.
fn waits(pid: u32) -> Vec<String> {
    let look = |pid: &u32, what: &str| std::fs::read_to_string(format!("/proc/{pid}/{what}")).unwrap_or_default();
    let wait = |pid: &u32| {
        let (call, at, status) = (look(pid, "syscall"), look(pid, "wchan"), look(pid, "status"));
        let is_read = call.split(' ').next().and_then(|n| n.parse().ok()).is_some_and(|n| READS.contains(&n));
        let slept = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"))?;
        let waits = is_read && (at.contains("fuse") || at.contains("request_wait"));
        waits.then(|| format!("{pid} {call} {slept}"))
    };
    family(pid).iter().filter_map(wait).collect()
}

/// Waits until `child` has taken what is there and waits for the rest. A signal that comes while a read gives something
/// is taken note of and no more by programs that want the whole file: that is so with a pipe too.
fn until_it_waits(program: &str, child: &mut Child) {
    const LOOKS: u32 = 20;
    let (mut last, mut same) = (Vec::new(), 0);
    until(&format!("{program} waits"), DEADLINE, || {
        let now = waits(child.id());
        same = if !now.is_empty() && now == last { same + 1 } else { 0 };
        last = now;
        same == LOOKS || child.try_wait().expect("ours").is_some()
    });
}

fn ends(session: &Session, program: &str, line: &str) {
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        let question = format!("who is the lighthouse keeper that {program} asks for with signal {}?", signal.as_raw());
        // The evidence is there before the program comes, so that it has nothing to wait for but the model.
        let mut first = std::fs::File::open(session.at(format!("ask/{question}"))).expect("a question");
        assert!(first.read(&mut [0; 4096]).expect("evidence") > 0);
        let mut child = start(session, &line.replace("FILE", &format!("'{question}'")));
        until_it_waits(program, &mut child);
        drop(first);
        let ended = child.try_wait().expect("ours");
        assert!(ended.is_none(), "{program} did not wait for the answer: {ended:?}");
        let group = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
        let sent = Instant::now();
        rustix::process::kill_process_group(group, signal).expect("ours");
        until(&format!("{program} ends after {signal:?}"), GRACE, || child.try_wait().expect("ours").is_some());
        let status = child.try_wait().expect("ours").expect("ended");
        assert!(
            status.signal().is_some() || !status.success(),
            "{program} went on after {signal:?} for {:?}",
            sent.elapsed()
        );
    }
}

macro_rules! programs {
    ($($name:ident: $line:expr;)*) => {$(
        #[test]
        fn $name() {
            let (mut session, engine) = stalled();
            ends(&session, stringify!($name), $line);
            rustix::process::kill_process(engine, Signal::CONT).expect("ours");
            until("the model stops", DEADLINE, || session.status()["inference"]["state"] == "idle");
            assert_eq!(session.list("ask").len(), 2, "a cancelled answer is not kept");
            session.unmount();
        }
    )*};
}

programs! {
    cat: "exec cat FILE";
    head: "exec head -c 100000 FILE";
    grep: "exec grep nothing FILE";
    sed: "exec sed -n '/nothing/p' FILE";
    awk: "exec awk '/nothing/' FILE";
    python: "exec python3 -c 'import sys; open(sys.argv[1]).read()' FILE";
    node: "exec node -e 'require(\"fs\").readFileSync(process.argv[1])' FILE";
    bash: "text=$(< FILE)";
    md5sum: "exec md5sum FILE";
}
