//! A mount at rest: nothing changes, nobody reads, and so nothing is done.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use crate::common::{DEADLINE, Session};

/// What a mount does is counted over so long ...
const SPAN: Duration = Duration::from_secs(8);
/// ... and its threads may wake up so often in that time. One that looked once a second would be one too many.
const MOST: u64 = 5;

/// How often each thread of the mount has gone to sleep so far, by number and name. Without those of sled, which look every second
/// whether there is something to do, and cannot be told not to.
fn sleeps(session: &Session) -> BTreeMap<String, u64> {
    let tasks = fs::read_dir(format!("/proc/{}/task", session.pid())).expect("tasks").flatten();
    let count = |task: fs::DirEntry| {
        let status = fs::read_to_string(task.path().join("status")).ok()?;
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let (name, count) = (field("Name:")?, field("voluntary_ctxt_switches:")?);
        Some((format!("{} {name}", task.file_name().display()), count.parse().ok()?))
    };
    tasks.filter_map(count).filter(|(thread, _)| !thread.contains(" sled-io-")).collect()
}

/// The threads that woke up during a span of time, and how often.
fn woken(session: &Session) -> Vec<(String, u64)> {
    let before = sleeps(session);
    std::thread::sleep(SPAN);
    let more = |(thread, count): (String, u64)| {
        let more = count.saturating_sub(before.get(&thread).copied().unwrap_or(0));
        (more > 0).then_some((thread, more))
    };
    sleeps(session).into_iter().filter_map(more).collect()
}

#[test]
fn nothing_wakes_up_while_nothing_happens() {
    let session = Session::sample(&["--model", "none"]);
    session.wait_for_meaning();
    session.wait_for_the_rest();
    let end = Instant::now() + DEADLINE;
    loop {
        let woken = woken(&session);
        if woken.iter().map(|(_, times)| times).sum::<u64>() <= MOST {
            return;
        }
        assert!(Instant::now() < end, "these wake up within {SPAN:?} though nothing happens: {woken:?}");
    }
}
